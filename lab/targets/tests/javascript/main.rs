//! Generated JavaScript against the library: random policies, requests and tokens, in Node and in nginx's
//! engine; and partially propagated store updates.
//!
//! `TOLLGATE_JS_PAIRS` and `TOLLGATE_NJS_PAIRS` set how many pairs are compared, `TOLLGATE_SEED` the first
//! seed. `TOLLGATE_NGINX` and `TOLLGATE_NJS` name the programs with nginx's engine. A program that is not
//! named is not compared, which the test reports. `cargo xtask conformance --pairs N` sets all of them.

#![cfg(test)]

mod broken;
mod forwarded;
mod sign_in;
mod torn;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Error, Result};
use serde_json::Value;
use tollgate_javascript::JavaScriptError;
use tollgate_targets::javascript::{Engine, Node, Script};
use tollgate_targets::njs::{Nginx, ask_cli};
use tollgate_targets::random::{Answers, Site};

/// Few by default: each policy is a separate script to load.
const NODE_PAIRS: u64 = 8_000;
const NJS_PAIRS: u64 = 2_000;
/// Debian's engine is older, and its program is restarted for every policy.
const OLD_NJS_PAIRS: usize = 1_000;
const REQUESTS_PER_POLICY: usize = 200;
/// The number of pairs between progress lines.
const TELL_EVERY: usize = 20_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The coverage of the comparison.
struct Seen {
    engine: &'static str,
    began: Instant,
    told: usize,
    pairs: usize,
    reasons: BTreeMap<String, usize>,
    refused: BTreeMap<&'static str, usize>,
    largest: usize,
}

impl Seen {
    fn new(engine: &'static str) -> Self {
        Self {
            engine,
            began: Instant::now(),
            told: 0,
            pairs: 0,
            reasons: BTreeMap::new(),
            refused: BTreeMap::new(),
            largest: 0,
        }
    }

    fn compare(&mut self, seed: u64, site: &Site, theirs: &[Value]) {
        assert_eq!(theirs.len(), site.ours.len());
        for (at, (ours, theirs)) in site.ours.iter().zip(theirs).enumerate() {
            let theirs = Answers::of_script(theirs);
            self.pairs += 1;
            if *ours != theirs {
                let request = site.requests.get(at);
                panic!(
                    "{}: {} pairs tried, 1 disagreement\nseed {seed}, request {at}\n{}\n--- request {request:?}\n\
                     --- library {ours:?}\n--- script {theirs:?}",
                    self.engine, self.pairs, site.text
                );
            }
            *self.reasons.entry(ours.reason.clone()).or_default() += 1;
        }
        if self.pairs >= self.told + TELL_EVERY {
            self.told = self.pairs;
            let rate = self.pairs as f64 / self.began.elapsed().as_secs_f64();
            println!(
                "  ..  {}: {} pairs, {rate:.0} per second",
                self.engine, self.pairs
            );
        }
    }

    /// Records an error if it reports that a policy exceeds an edge's limits.
    fn is_over_budget(&mut self, error: &Error) -> bool {
        let error = error.downcast_ref::<JavaScriptError>();
        let Some(error) = error.filter(|error| !error.costs().is_empty()) else {
            return false;
        };
        *self.refused.entry(error.code()).or_default() += 1;
        true
    }

    fn show(&self) {
        let Self { engine, pairs, .. } = self;
        let took = self.began.elapsed().as_secs_f64();
        println!(
            "{engine}: {pairs} pairs tried, 0 disagreements, in {took:.0} s; {:?}; policies over a budget: {:?}; \
             largest function {} bytes",
            self.reasons, self.refused, self.largest
        );
    }
}

/// Returns the script of a site for CloudFront, or for EdgeWorkers if `edge` selects it or CloudFront's
/// limits are exceeded.
fn script(site: &Site, edge: Engine, seen: &mut Seen) -> Result<Script> {
    match Script::new(edge, &site.policy, &site.id) {
        Ok(script) => {
            if edge == Engine::CloudFront {
                seen.largest = seen.largest.max(script.source().len());
            }
            Ok(script)
        }
        Err(error) if edge == Engine::CloudFront && seen.is_over_budget(&error) => {
            Script::new(Engine::EdgeWorkers, &site.policy, &site.id)
        }
        Err(error) => Err(error),
    }
}

#[test]
fn scripts_in_node_and_the_library_agree() -> Result<()> {
    let pairs = number("TOLLGATE_JS_PAIRS").unwrap_or(NODE_PAIRS);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let mut node = Node::start()?;
    let mut seen = Seen::new("node");
    for seed in first..first + pairs.div_ceil(REQUESTS_PER_POLICY as u64) {
        let site = Site::new(seed, REQUESTS_PER_POLICY)?;
        let edge = if seed % 4 == 3 {
            Engine::EdgeWorkers
        } else {
            Engine::CloudFront
        };
        let script = script(&site, edge, &mut seen).with_context(|| format!("seed {seed}"))?;
        node.load(&script)
            .with_context(|| format!("seed {seed}\n{}", site.text))?;
        let theirs = node
            .ask(&site.asked)
            .with_context(|| format!("seed {seed}\n{}", site.text))?;
        seen.compare(seed, &site, &theirs);
    }
    seen.show();
    if pairs >= NODE_PAIRS {
        assert_eq!(seen.reasons.len(), 7);
    }
    Ok(())
}

#[test]
fn functions_in_nginx_and_the_library_agree() -> Result<()> {
    let Some(program) = std::env::var_os("TOLLGATE_NGINX").map(PathBuf::from) else {
        println!("njs: not compared, TOLLGATE_NGINX is not set");
        return Ok(());
    };
    let pairs = number("TOLLGATE_NJS_PAIRS").unwrap_or(NJS_PAIRS);
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let mut seen = Seen::new("njs");
    let mut seed = first;
    while (seen.pairs as u64) < pairs {
        let site = Site::new(seed, REQUESTS_PER_POLICY)?;
        match Script::new(Engine::CloudFront, &site.policy, &site.id) {
            Ok(script) => {
                seen.largest = seen.largest.max(script.source().len());
                let nginx =
                    Nginx::start(&program, &script).with_context(|| format!("seed {seed}"))?;
                let theirs = nginx
                    .ask(&site.asked)
                    .with_context(|| format!("seed {seed}\n{}", site.text))?;
                seen.compare(seed, &site, &theirs);
            }
            Err(error) if seen.is_over_budget(&error) => (),
            Err(error) => return Err(error),
        }
        seed += 1;
    }
    seen.show();
    Ok(())
}

#[test]
fn functions_in_the_older_engine_and_the_library_agree() -> Result<()> {
    let Some(program) = std::env::var_os("TOLLGATE_NJS").map(PathBuf::from) else {
        println!("older njs: not compared, TOLLGATE_NJS is not set");
        return Ok(());
    };
    let mut seen = Seen::new("older njs");
    let mut seed = number("TOLLGATE_SEED").unwrap_or(0);
    while seen.pairs < OLD_NJS_PAIRS {
        let site = Site::new(seed, REQUESTS_PER_POLICY / 4)?;
        if let Ok(script) = Script::new(Engine::CloudFront, &site.policy, &site.id) {
            let theirs =
                ask_cli(&program, &script, &site.asked).with_context(|| format!("seed {seed}"))?;
            seen.compare(seed, &site, &theirs);
        }
        seed += 1;
    }
    seen.show();
    Ok(())
}
