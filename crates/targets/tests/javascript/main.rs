//! Generated JavaScript against the library: random policies, requests and tokens, in Node and in nginx's
//! engine; and updates of a store that have arrived in part.
//!
//! `TOLLGATE_JS_PAIRS` and `TOLLGATE_NJS_PAIRS` change how many pairs are compared, `TOLLGATE_SEED` where the
//! seeds start. `TOLLGATE_NGINX` and `TOLLGATE_NJS` name the programs with nginx's engine; what is not named
//! is not compared, and the test says so.

#![cfg(test)]

mod pair;
mod torn;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use pair::{Answers, Site};
use serde_json::Value;
use tollgate_targets::javascript::{Edge, Node, Script};
use tollgate_targets::njs::{Nginx, ask_cli};

/// Few by default: each policy is a script of its own to load.
const NODE_PAIRS: u64 = 8_000;
const NJS_PAIRS: u64 = 2_000;
/// Debian's engine is older, and its program is started anew for every policy.
const OLD_NJS_PAIRS: usize = 1_000;
const REQUESTS_PER_POLICY: usize = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What the comparison has covered.
#[derive(Default)]
struct Seen {
    pairs: usize,
    reasons: BTreeMap<String, usize>,
    refused: usize,
    largest: usize,
}

impl Seen {
    fn compare(&mut self, seed: u64, site: &Site, theirs: &[Value]) {
        assert_eq!(theirs.len(), site.ours.len());
        for (at, (ours, theirs)) in site.ours.iter().zip(theirs).enumerate() {
            let theirs = Answers::of_script(theirs);
            if *ours != theirs {
                let request = site.requests.get(at);
                panic!(
                    "seed {seed}, request {at}\n{}\n--- request {request:?}\n--- library {ours:?}\n--- script {theirs:?}",
                    site.text
                );
            }
            self.pairs += 1;
            *self.reasons.entry(ours.reason.clone()).or_default() += 1;
        }
    }

    fn show(&self, engine: &str) {
        println!(
            "{engine}: {} pairs compared, {} policies refused as too large, largest function {} bytes; {:?}",
            self.pairs, self.refused, self.largest, self.reasons
        );
    }
}

/// The script of a site for CloudFront, or for EdgeWorkers where `edge` says so or CloudFront has no room.
fn script(site: &Site, edge: Edge, seen: &mut Seen) -> Result<Script> {
    match Script::new(edge, &site.policy, &site.id) {
        Ok(script) => {
            if edge == Edge::CloudFront {
                seen.largest = seen.largest.max(script.source().len());
            }
            Ok(script)
        }
        Err(error) if edge == Edge::CloudFront && error.to_string().contains("bytes") => {
            seen.refused += 1;
            Script::new(Edge::EdgeWorkers, &site.policy, &site.id)
        }
        Err(error) => Err(error),
    }
}

#[test]
fn scripts_in_node_and_the_library_agree() -> Result<()> {
    let pairs = number("TOLLGATE_JS_PAIRS").unwrap_or(NODE_PAIRS);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let mut node = Node::start()?;
    let mut seen = Seen::default();
    for seed in first..first + pairs.div_ceil(REQUESTS_PER_POLICY as u64) {
        let site = Site::new(seed, REQUESTS_PER_POLICY)?;
        let edge = if seed % 4 == 3 {
            Edge::EdgeWorkers
        } else {
            Edge::CloudFront
        };
        let script = script(&site, edge, &mut seen).with_context(|| format!("seed {seed}"))?;
        node.load(&script)
            .with_context(|| format!("seed {seed}\n{}", site.text))?;
        let theirs = node
            .ask(&site.asked)
            .with_context(|| format!("seed {seed}\n{}", site.text))?;
        seen.compare(seed, &site, &theirs);
    }
    seen.show("node");
    if pairs >= NODE_PAIRS {
        assert_eq!(seen.reasons.len(), 7);
    }
    Ok(())
}

#[test]
fn functions_in_nginx_and_the_library_agree() -> Result<()> {
    let Some(program) = std::env::var_os("TOLLGATE_NGINX").map(PathBuf::from) else {
        println!("njs: not compared, TOLLGATE_NGINX names no program");
        return Ok(());
    };
    let pairs = number("TOLLGATE_NJS_PAIRS").unwrap_or(NJS_PAIRS);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let mut seen = Seen::default();
    let mut seed = first;
    while (seen.pairs as u64) < pairs {
        let site = Site::new(seed, REQUESTS_PER_POLICY)?;
        match Script::new(Edge::CloudFront, &site.policy, &site.id) {
            Ok(script) => {
                seen.largest = seen.largest.max(script.source().len());
                let nginx =
                    Nginx::start(&program, &script).with_context(|| format!("seed {seed}"))?;
                let theirs = nginx
                    .ask(&site.asked)
                    .with_context(|| format!("seed {seed}\n{}", site.text))?;
                seen.compare(seed, &site, &theirs);
            }
            Err(error) if error.to_string().contains("bytes") => seen.refused += 1,
            Err(error) => return Err(error),
        }
        seed += 1;
    }
    seen.show("njs");
    Ok(())
}

#[test]
fn functions_in_the_older_engine_and_the_library_agree() -> Result<()> {
    let Some(program) = std::env::var_os("TOLLGATE_NJS").map(PathBuf::from) else {
        println!("older njs: not compared, TOLLGATE_NJS names no program");
        return Ok(());
    };
    let mut seen = Seen::default();
    let mut seed = number("TOLLGATE_SEED").unwrap_or(0);
    while seen.pairs < OLD_NJS_PAIRS {
        let site = Site::new(seed, REQUESTS_PER_POLICY / 4)?;
        if let Ok(script) = Script::new(Edge::CloudFront, &site.policy, &site.id) {
            let theirs =
                ask_cli(&program, &script, &site.asked).with_context(|| format!("seed {seed}"))?;
            seen.compare(seed, &site, &theirs);
        }
        seed += 1;
    }
    seen.show("older njs");
    Ok(())
}
