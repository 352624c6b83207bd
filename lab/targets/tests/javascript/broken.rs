//! Platform failures under a generated script: the affected request is denied, and the next one is not.

use anyhow::Result;
use serde_json::{Value, json};
use tollgate_targets::javascript::{Engine, Node, Script};
use tollgate_targets::random::{Answers, Site};

/// The number of policies.
const SITES: u64 = 12;

/// Returns the same requests with this platform failure.
fn broken(asked: &[Value], how: Value) -> Vec<Value> {
    let mut asked = asked.to_vec();
    for request in &mut asked {
        if let Some(members) = request.as_object_mut() {
            members.insert("broken".to_owned(), how.clone());
        }
    }
    asked
}

/// Values of types that do not belong where they are inserted.
fn odd() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(7),
        json!(""),
        json!("x"),
        json!([]),
        json!({}),
        json!({ "value": 7 }),
        json!([{ "value": null }]),
        json!({ "authorization": { "value": {} } }),
        json!({ "authorization": { "multiValue": [{}] } }),
    ]
}

#[test]
fn malformed_events_grant_nothing() -> Result<()> {
    let cloudfront: &[&[&str]] = &[
        &["request"],
        &["request", "uri"],
        &["request", "headers"],
        &["request", "headers", "authorization"],
        &["request", "cookies"],
        &["request", "querystring"],
        &["request", "rawQueryString"],
        &["viewer"],
        &["viewer", "ip"],
    ];
    let edgeworkers: &[&[&str]] = &[
        &["url"],
        &["clientIp"],
        &["getHeaders"],
        &["getHeader"],
        &["removeHeader"],
        &["respondWith"],
    ];
    let mut node = Node::start()?;
    for (edge, places) in [
        (Engine::CloudFront, cloudfront),
        (Engine::EdgeWorkers, edgeworkers),
    ] {
        let mut tried = 0;
        for seed in 0..2 {
            let site = Site::new(seed, 40)?;
            let Ok(script) = Script::new(edge, &site.policy, &site.id) else {
                continue;
            };
            node.load(&script)?;
            let denied = site.asked.iter().zip(&site.ours);
            let denied: Vec<_> = denied.filter(|(_, ours)| ours.outcome != "allow").collect();
            let mut asked = Vec::new();
            for (request, _) in denied {
                for place in places {
                    for value in odd() {
                        let mut spoiled = request.clone();
                        let mut names: Vec<Value> = place.iter().map(|name| json!(name)).collect();
                        names.push(value);
                        if let Some(members) = spoiled.as_object_mut() {
                            members.insert("spoil".to_owned(), json!(names));
                        }
                        asked.push(spoiled);
                    }
                }
            }
            for (asked, said) in asked.iter().zip(node.ask(&asked)?) {
                let opened = Answers::of_script(&said).outcome == "allow";
                // Without a way to respond, EdgeWorkers throw.
                assert!(!opened, "{edge:?}, seed {seed}: {asked}");
                tried += 1;
            }
            // The next event has the same result as before.
            for (said, ours) in node.ask(&site.asked)?.iter().zip(&site.ours) {
                assert_eq!(Answers::of_script(said), *ours, "{edge:?}, seed {seed}");
            }
        }
        assert!(tried > 1_000, "{edge:?}: {tried}");
    }
    Ok(())
}

#[test]
fn an_edge_that_cannot_edit_or_log_forwards_nothing() -> Result<()> {
    let mut node = Node::start()?;
    let (mut failed, mut denied) = (0, 0);
    for seed in 0..SITES {
        let site = Site::new(seed, 100)?;
        let script = Script::new(Engine::EdgeWorkers, &site.policy, &site.id)?;
        node.load(&script)?;
        let mut asked = site.asked.clone();
        for request in &mut asked {
            if let Some(Value::Array(headers)) = request.get_mut("headers") {
                headers.push(json!(["x-original-url", "/secret"]));
            }
        }
        for (said, ours) in node
            .ask(&broken(&asked, json!("headers")))?
            .iter()
            .zip(&site.ours)
        {
            let said = Answers::of_script(said);
            if ours.outcome == "allow" {
                assert_eq!((&*said.outcome, said.status), ("deny", 500), "seed {seed}");
                assert_eq!(said.reason, "internal");
                failed += 1;
            } else {
                assert_eq!(said, *ours, "seed {seed}");
                denied += 1;
            }
        }
        for said in node.ask(&broken(&asked, json!("log")))? {
            assert_eq!(Answers::of_script(&said).outcome, "deny", "seed {seed}");
        }
        for (said, ours) in node.ask(&asked)?.iter().zip(&site.ours) {
            assert_eq!(Answers::of_script(said), *ours, "seed {seed}");
        }
    }
    assert!(failed > 0 && denied > 0, "{failed} {denied}");
    Ok(())
}

#[test]
fn a_failure_is_not_permanent() -> Result<()> {
    let mut node = Node::start()?;
    for edge in [Engine::CloudFront, Engine::EdgeWorkers] {
        let (mut failed, mut allowed) = (0, 0);
        for seed in 0..SITES {
            let site = Site::new(seed, 100)?;
            let Ok(script) = Script::new(edge, &site.policy, &site.id) else {
                // Over a budget.
                continue;
            };
            node.load(&script)?;
            // As the very first requests, before anything is cached.
            for (said, ours) in node
                .ask(&broken(&site.asked, json!(true)))?
                .iter()
                .zip(&site.ours)
            {
                let said = Answers::of_script(said);
                if said.reason == "internal" {
                    assert_eq!(said.outcome, "deny");
                    failed += 1;
                } else {
                    assert_eq!(said, *ours, "{edge:?}, seed {seed}");
                }
            }
            for (said, ours) in node.ask(&site.asked)?.iter().zip(&site.ours) {
                assert_eq!(Answers::of_script(said), *ours, "{edge:?}, seed {seed}");
                allowed += usize::from(ours.outcome == "allow");
            }
        }
        assert!(failed > 0 && allowed > 0, "{edge:?}: {failed} {allowed}");
    }
    Ok(())
}
