//! The headers that generated scripts forward, and the records that they write.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::{Gate, Request};
use tollgate_policy::encode::encode;
use tollgate_targets::javascript::{Engine, Node, Script};
use tollgate_targets::njs::{Nginx, ask_cli};
use tollgate_targets::random::Site;

/// The number of policies.
const SITES: u64 = 6;
const REQUESTS: usize = 100;
/// The maximum length of a path in a record.
const MAX_SHOWN: usize = 400;

/// Headers that clients must not send to an origin, and others that only look like them.
const WITHHELD: [&str; 10] = [
    "X-Tollgate-Subject",
    "x_tollgate_groups",
    "x.Tollgate-x",
    "X-Original-URL",
    "x_original_url",
    "X-Rewrite.Url",
    "X-HTTP-Method-Override",
    "X-METHOD_OVERRIDE",
    "x-http-method",
    "x~http~method",
];
const SENT: [&str; 5] = [
    "accept",
    "x-method",
    "x-original-uri",
    "x-original-url-x",
    "x-tollgate",
];

/// Headers that requests of sites may contain, and that origins receive.
const OWN: [&str; 8] = [
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cookie",
    "host",
    "origin",
    "sec-fetch-dest",
    "sec-fetch-mode",
];

/// Returns the requests of a site with more headers, and with a long path where a record would be long.
fn asked(site: &Site) -> Vec<Value> {
    let mut asked = site.asked.clone();
    for (number, request) in asked.iter_mut().enumerate() {
        if let Some(Value::Array(headers)) = request.get_mut("headers") {
            headers.extend(WITHHELD.iter().chain(&SENT).map(|name| json!([name, "x"])));
        }
        let long = match number % 8 {
            0 => "/a".repeat(900),
            1 => format!("/{}", "\\\u{ff}".repeat(300)),
            2 => "/\u{0}\n\"".to_owned(),
            _ => continue,
        };
        if let Some(members) = request.as_object_mut() {
            members.insert("target".to_owned(), json!(long));
        }
    }
    asked
}

/// Checks the results of a script for requests, and returns how many of them it forwarded.
fn check(site: &Site, asked: &[Value], said: &[Value], what: &str) -> Result<usize> {
    let gate = Gate::new(encode(&site.policy)?.image, &Native);
    let gate = gate.map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut forwarded = 0;
    for (asked, said) in asked.iter().zip(said) {
        let text = |name: &str| asked.get(name).and_then(Value::as_str).unwrap_or_default();
        let target: Vec<u8> = text("target").chars().map(|c| c as u8).collect();
        let now = asked.get("now").and_then(Value::as_i64).context("a time")?;
        let record = gate.ask(
            &Request {
                method: text("method"),
                target: &target,
                headers: &[],
                ip: None,
                now: UnixSeconds(now),
                entropy: None,
            },
            &mut tollgate_gate::Context::new(),
        );
        let path = record.log.path;
        let path = match path.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}…", path.get(..end).unwrap_or_default()),
            None => path,
        };
        let expect = json!([now * 1_000, &*record.log.site, text("method"), path]);
        let found = ["time", "site", "method", "path"].map(|name| said.get(name));
        assert_eq!(json!(found), expect, "{what}: {said}");
        if let Some(names) = said.get("forwarded") {
            let is_other = |name: &&Value| !OWN.iter().any(|own| *name == own);
            let names: Vec<_> = names.as_array().into_iter().flatten().collect();
            let names: Vec<_> = names.into_iter().filter(is_other).collect();
            assert_eq!(names, SENT, "{what}: {said}");
            forwarded += 1;
        }
        assert_eq!(
            said.get("forwarded").is_some(),
            said.get("outcome") == Some(&json!("allow"))
        );
    }
    Ok(forwarded)
}

#[test]
fn scripts_forward_no_override_and_record_the_request() -> Result<()> {
    let mut node = Node::start()?;
    for edge in [Engine::CloudFront, Engine::EdgeWorkers] {
        let (mut forwarded, mut left) = (0, SITES);
        for seed in 0.. {
            let site = Site::new(seed, REQUESTS)?;
            // Skips sites that exceed a budget.
            let Ok(script) = Script::new(edge, &site.policy, &site.id) else {
                continue;
            };
            let Some(rest) = left.checked_sub(1) else {
                break;
            };
            left = rest;
            node.load(&script)?;
            let asked = asked(&site);
            let said = node.ask(&asked)?;
            forwarded += check(&site, &asked, &said, &format!("{edge:?}, seed {seed}"))?;
        }
        assert!(forwarded > 20, "{edge:?}: {forwarded}");
    }
    Ok(())
}

#[test]
fn functions_in_nginxs_engines_do_the_same() -> Result<()> {
    let program = |name: &str| std::env::var_os(name).map(PathBuf::from);
    // A seed whose function is not too large.
    let site = Site::new(6, REQUESTS)?;
    let script = Script::new(Engine::CloudFront, &site.policy, &site.id)?;
    let asked = asked(&site);
    if let Some(program) = program("TOLLGATE_NGINX") {
        let said = Nginx::start(&program, &script)?.ask(&asked)?;
        check(&site, &asked, &said, "nginx")?;
    }
    if let Some(program) = program("TOLLGATE_NJS") {
        let said = ask_cli(&program, &script, &asked)?;
        check(&site, &asked, &said, "njs")?;
    }
    Ok(())
}
