//! Partially propagated updates of a KeyValueStore: they grant nothing that neither policy grants.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tollgate_javascript::{CloudFront, cloudfront};
use tollgate_spec::generate::Generator;
use tollgate_targets::javascript::{Node, Script};

use tollgate_targets::random::{Answers, Site};

const UPDATES: u64 = 6;
const REQUESTS: usize = 60;

type Store = BTreeMap<String, String>;

/// Applies the body of one `UpdateKeys` call.
fn apply(store: &mut Store, update: &Value) {
    let list = |name: &str| {
        update
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let text = |item: &Value, name: &str| {
        item.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    for put in list("Puts") {
        store.insert(text(put, "Key"), text(put, "Value"));
    }
    for delete in list("Deletes") {
        store.remove(&text(delete, "Key"));
    }
}

/// Makes one call per key, so that a torn update is torn everywhere it can be.
fn singly(updates: Vec<Value>) -> Vec<Value> {
    let mut single = Vec::new();
    for update in &updates {
        for name in ["Puts", "Deletes"] {
            let items = update
                .get(name)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            single.extend(items.map(|item| json!({ name: [item] })));
        }
    }
    single
}

struct Torn {
    node: Node,
    old: Site,
    new: Site,
    opened: usize,
    closed: usize,
}

impl Torn {
    /// Evaluates requests with a function and a store in some state.
    fn check(&mut self, function: &CloudFront, store: &Store, when: &str) -> Result<()> {
        let script = Script::from_cloudfront(function).with_store(json!(store));
        self.node.load(&script)?;
        let theirs = self.node.ask(&self.old.asked)?;
        for (at, said) in theirs.iter().enumerate() {
            let torn = Answers::of_script(said);
            if torn.outcome != "allow" {
                self.closed += 1;
                continue;
            }
            self.opened += 1;
            let allows = |site: &Site| {
                site.ours
                    .get(at)
                    .is_some_and(|answer| answer.outcome == "allow")
            };
            assert!(
                allows(&self.old) || allows(&self.new),
                "{when}: {:?} is open by {:?}\n--- old\n{}\n--- new\n{}",
                self.old.requests.get(at),
                torn.rule,
                self.old.text,
                self.new.text
            );
        }
        Ok(())
    }
}

#[test]
fn a_torn_update_grants_nothing() -> Result<()> {
    let mut node = Some(Node::start()?);
    let (mut opened, mut closed, mut states) = (0, 0, 0);
    let mut left = UPDATES;
    for seed in 0.. {
        let mut generator = Generator::new(seed);
        let (before, mut after) = (generator.policy(), generator.policy());
        // Tokens are created once for both.
        after.claims.clone_from(&before.claims);
        // Requests are random, so both sites need the same ones: from the same generator.
        let mut twin = generator.clone();
        let Ok(new) = Site::of(&mut twin, &after, &before, REQUESTS) else {
            // A condition of the new policy reads a claim that the old one does not declare.
            continue;
        };
        let old = Site::of(&mut generator, &before, &before, REQUESTS)?;
        let (Ok(first), Ok(second)) = (
            cloudfront(&old.policy, &old.id),
            cloudfront(&new.policy, &new.id),
        ) else {
            // One of them exceeds a budget.
            continue;
        };
        let Some(rest) = left.checked_sub(1) else {
            break;
        };
        left = rest;
        let mut torn = Torn {
            node: node.take().context("one process")?,
            old,
            new,
            opened: 0,
            closed: 0,
        };
        let mut store = Store::new();
        for update in first.updates() {
            apply(&mut store, &update);
        }
        let whole = store.clone();
        let steps = singly([second.updates(), first.removals()].concat());
        torn.check(&first, &store, "before")?;
        for (at, update) in steps.iter().enumerate() {
            apply(&mut store, update);
            for function in [&first, &second] {
                torn.check(function, &store, &format!("seed {seed}, after step {at}"))?;
                states += 1;
            }
        }
        // Steps that overtake each other: every step on its own, and all steps except one.
        for at in 0..steps.len() {
            let (mut alone, mut missing) = (whole.clone(), whole.clone());
            for (other, update) in steps.iter().enumerate() {
                apply(
                    if other == at {
                        &mut alone
                    } else {
                        &mut missing
                    },
                    update,
                );
            }
            for store in [&alone, &missing] {
                torn.check(
                    &second,
                    store,
                    &format!("seed {seed}, step {at} out of order"),
                )?;
                states += 1;
            }
        }
        opened += torn.opened;
        closed += torn.closed;
        node = Some(torn.node);
    }
    println!("{states} torn states, {opened} requests allowed, {closed} denied");
    assert!(opened > 0 && closed > 0 && states > 0);
    Ok(())
}
