//! CloudFront Functions: after every fault, edges decide by the old policy or by the new one; publishing again finishes
//! the job, and rolling back restores the old policy.

use std::collections::BTreeSet;

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_javascript::cloudfront;
use tollgate_publish::cloudfront_functions::{Destination, Package};
use tollgate_publish::{PublishError, Stopped, run};

use crate::cloud::{Cloud, DISTRIBUTION, FAULTS, FUNCTION, Fault, Net, Stub};
use crate::edge::Answers;

fn package(site: &str, id: &str) -> Package {
    let mut tree = SourceTree::new();
    let site = format!("schema = 1\n[site]\nname = \"test\"\n{site}");
    tree.insert("site.toml", site);
    for number in 0..60 {
        tree.insert(
            format!("courses/course-{number}.toml"),
            format!(
                "course = \"course-{number}\"\nbase = \"/course-{number}\"\n[[rule]]\nid = \"all\"\n\
                 allow = [\"/**\"]\nanyone = true\nbecause = \"{}\"\n",
                "x".repeat(30)
            ),
        );
    }
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let made = cloudfront(&compiled.policy.unwrap(), id).unwrap();
    Package::of(&made, id)
}

fn rule(id: &str, path: &str, more: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nallow = [\"{path}\"]\nanyone = true\n{more}\n")
}

fn old() -> Package {
    let site = rule("old", "/old/**", "") + &rule("both", "/both/**", "");
    package(&site, "0000000000000001")
}

/// Other rules, and the same function.
fn new() -> Package {
    let site = rule("new", "/new/**", "") + &rule("both", "/both/**", "");
    package(&site, "0000000000000002")
}

/// Rules that need another function.
fn other() -> Package {
    let site =
        rule("new", "/new/**", "networks = [\"192.0.2.0/24\"]") + &rule("both", "/both/**", "");
    package(&site, "0000000000000003")
}

fn destination() -> Destination {
    Destination {
        function: FUNCTION.to_owned(),
        store: None,
        distribution: Some(DISTRIBUTION.to_owned()),
        settle_secs: 30,
        keep: 2,
        test: true,
        replace_foreign: true,
    }
}

#[derive(Debug)]
enum Failed {
    Before(PublishError),
    In(Box<Stopped>),
}

fn publish(cloud: &mut Cloud, package: &Package) -> Result<(), Failed> {
    let to = destination();
    let state = to.read(&mut Net(cloud)).map_err(Failed::Before)?;
    let now = cloud.now;
    let steps = to.publish(&state, package, now).map_err(Failed::Before)?;
    run(&mut Net(cloud), &steps).map_err(Failed::In)
}

fn roll_back(cloud: &mut Cloud, policy: Option<&str>) -> Result<(), Failed> {
    let to = destination();
    let state = to.read(&mut Net(cloud)).map_err(Failed::Before)?;
    let package = to.earlier(&state, policy).map_err(Failed::Before)?;
    let now = cloud.now;
    let steps = to.publish(&state, &package, now).map_err(Failed::Before)?;
    run(&mut Net(cloud), &steps).map_err(Failed::In)
}

/// A cloud with the old policy.
fn with_old(old: &Package) -> Cloud {
    let mut cloud = Cloud::new();
    publish(&mut cloud, old).unwrap();
    cloud.faults.again(None);
    cloud.arrived();
    cloud
}

fn only(cloud: &mut Cloud) -> Answers {
    cloud.arrived();
    let possible = cloud.possible();
    assert_eq!(possible.len(), 1);
    possible.into_iter().next().unwrap()
}

#[test]
fn a_policy_is_published_replaced_and_restored() {
    let (old, new, other) = (old(), new(), other());
    assert_eq!(old.function, new.function);
    assert_ne!(old.function, other.function);
    assert!(old.entries.len() > 2);
    let mut cloud = with_old(&old);
    let before = only(&mut cloud);
    assert_eq!(before[1], "\"allow\" \"allow\"");
    assert_eq!(before[2], "\"deny\" \"forbidden\"");
    publish(&mut cloud, &new).unwrap();
    let after = only(&mut cloud);
    assert_eq!(after[2], "\"allow\" \"allow\"");
    let status = destination().read(&mut Net(&mut cloud)).unwrap();
    let status = destination().status(&status, Some(&new));
    assert_eq!(status.policy.as_deref(), Some("0000000000000002"));
    assert_eq!(status.is_current, Some(true));
    assert_eq!(status.restorable, ["0000000000000001"]);
    assert_eq!(status.open.as_deref(), Some([].as_slice()));
    // Publishing what is live is no work.
    let state = destination().read(&mut Net(&mut cloud)).unwrap();
    let later = cloud.now + 1_000;
    assert_eq!(destination().publish(&state, &new, later).unwrap(), []);
    roll_back(&mut cloud, None).unwrap();
    assert_eq!(only(&mut cloud), before);
    publish(&mut cloud, &other).unwrap();
    assert_eq!(only(&mut cloud), after);
    roll_back(&mut cloud, Some("0000000000000001")).unwrap();
    assert_eq!(only(&mut cloud), before);
}

/// After two more publications, the entries of the first are gone, and so is the way back.
#[test]
fn retired_and_unknown_policies_are_refused() {
    let (old, new, other) = (old(), new(), other());
    let mut cloud = with_old(&old);
    let size = cloud.store.len();
    for _ in 0..3 {
        for package in [&new, &other, &old] {
            publish(&mut cloud, package).unwrap();
            let kept = cloud.store.len();
            assert!(kept < size * 3, "{kept}: entries are never removed");
        }
    }
    let refused = |result: Result<(), Failed>| match result {
        Err(Failed::Before(error)) => error,
        other => panic!("{other:?}"),
    };
    let error = refused(roll_back(&mut cloud, Some("0000000000000002")));
    assert_eq!(error.code(), "retired");
    assert!(
        error.help().contains("0000000000000003"),
        "{}",
        error.help()
    );
    let error = refused(roll_back(&mut cloud, Some("00000000000000ff")));
    assert_eq!(error.code(), "unknown_policy");
    let mut cloud = with_old(&old);
    assert_eq!(refused(roll_back(&mut cloud, None)).code(), "no_earlier");
}

#[test]
fn every_fault_leaves_the_old_policy_or_the_new_one() {
    let old = old();
    for new in [new(), other()] {
        faults(&old, &new);
    }
}

fn faults(old: &Package, new: &Package) {
    let mut cloud = with_old(old);
    let saved = cloud.saved();
    let before = only(&mut cloud);
    publish(&mut cloud, new).unwrap();
    let calls = cloud.faults.call;
    let after = only(&mut cloud);
    assert_ne!(before, after);
    let allowed = BTreeSet::from([before.clone(), after.clone()]);
    let mut finished = 0;
    for fault in FAULTS {
        for at in 0..calls {
            cloud.restore(&saved);
            cloud.faults.again(Some((at, fault)));
            let result = publish(&mut cloud, new);
            let possible = cloud.possible();
            assert!(
                possible.is_subset(&allowed),
                "{fault:?} at {at} ({}): {possible:?}",
                cloud.faults.calls.last().unwrap()
            );
            match (&result, fault) {
                (Ok(()), _) => {
                    finished += 1;
                    assert_eq!(only(&mut cloud), after);
                }
                (Err(_), Fault::Error | Fault::Lost | Fault::Unheard | Fault::Throttled) => {
                    panic!("{fault:?} at {at} passes, but: {result:?}")
                }
                (Err(_), _) => {}
            }
            if let Err(Failed::In(stopped)) = &result {
                let possible = cloud.possible();
                match stopped.in_force {
                    text if text.starts_with("the previous policy decides") => {
                        assert_eq!(possible, BTreeSet::from([before.clone()]), "{stopped:?}");
                    }
                    text if text.starts_with("the new policy") => {
                        assert_eq!(possible, BTreeSet::from([after.clone()]), "{stopped:?}");
                    }
                    text if text.starts_with("the previous policy or") => {}
                    text => panic!("{text}"),
                }
            }
            cloud.faults.again(None);
            publish(&mut cloud, new).unwrap();
            // The second run waits for the edges, also if the first one changed everything.
            assert_eq!(
                cloud.possible(),
                BTreeSet::from([after.clone()]),
                "{fault:?} {at}"
            );
            cloud.faults.again(None);
            roll_back(&mut cloud, None).unwrap();
            assert!(cloud.possible().is_subset(&allowed));
            assert_eq!(only(&mut cloud), before);
        }
    }
    assert!(finished > calls);
}

/// What somebody else published meanwhile stays.
#[test]
fn nothing_of_others_is_overwritten() {
    let (old, new, other) = (old(), new(), other());
    let to = destination();
    for (mine, theirs) in [(&new, &other), (&other, &new)] {
        let mut cloud = with_old(&old);
        let state = to.read(&mut Net(&mut cloud)).unwrap();
        let steps = to.publish(&state, mine, cloud.now).unwrap();
        publish(&mut cloud, theirs).unwrap();
        let expected = only(&mut cloud);
        let stopped = run(&mut Net(&mut cloud), &steps).unwrap_err();
        assert_eq!(stopped.error.code(), "changed", "{stopped:?}");
        assert_eq!(only(&mut cloud), expected);
    }
}

#[test]
fn a_function_of_others_is_not_replaced_without_permission() {
    let mut cloud = Cloud::new();
    cloud.live = Some("function handler(event) { return event.request; }".to_owned());
    let mut to = destination();
    to.replace_foreign = false;
    let state = to.read(&mut Net(&mut cloud)).unwrap();
    let error = to.publish(&state, &old(), cloud.now).unwrap_err();
    assert_eq!(error.code(), "foreign");
    assert!(!to.status(&state, None).is_ours);
}

#[test]
fn behaviours_without_the_gate_are_found() {
    let mut cloud = with_old(&old());
    cloud.behaviours = vec![
        (
            "/.tollgate/*",
            Some("arn:aws:lambda:us-east-1:1:function:x:3"),
        ),
        ("/open/*", None),
        ("/other/*", Some("arn:aws:cloudfront::1:function/other")),
        (
            "*",
            Some("arn:aws:cloudfront::123456789012:function/tollgate"),
        ),
    ];
    let state = destination().read(&mut Net(&mut cloud)).unwrap();
    let open: Vec<String> = state
        .open()
        .unwrap()
        .into_iter()
        .map(|behaviour| behaviour.pattern)
        .collect();
    assert_eq!(open, ["/open/*", "/other/*"]);
}

/// A run sends the calls that the dry run printed, in that order, with an ETag.
#[test]
fn a_dry_run_prints_the_calls_of_the_run() {
    let mut cloud = with_old(&old());
    let to = destination();
    let state = to.read(&mut Net(&mut cloud)).unwrap();
    let steps = to.publish(&state, &other(), cloud.now).unwrap();
    let printed: Vec<String> = steps
        .iter()
        .flat_map(|step| step.calls().into_iter().map(|call| call.line()))
        .collect();
    cloud.faults.again(None);
    run(&mut Net(&mut cloud), &steps).unwrap();
    let without_etag = |line: &String| match line.split_once(" if-match: ") {
        Some((start, rest)) => {
            let after = rest.split_once(' ').map_or("", |(_, after)| after);
            format!("{start} {after}").trim().to_owned()
        }
        None => line.clone(),
    };
    let mut sent: Vec<String> = cloud.faults.calls.iter().map(without_etag).collect();
    // Polling repeats the last call.
    sent.dedup();
    assert_eq!(sent, printed);
}

/// Only entries of policies are removed, whatever the history says.
#[test]
fn a_damaged_history_removes_nothing_of_others() {
    let (old, new) = (old(), new());
    let mut cloud = with_old(&old);
    for key in ["", "theirs", "0123", "012345678"] {
        cloud.foreign(&format!("{key}.entry"), "theirs");
    }
    let mut history = vec![serde_json::json!([old.generation, old.policy, 1])];
    for text in ["", "theirs", "0123", "t", "0123456789", "01234567x"] {
        history.push(serde_json::json!([text, "0000000000000009", 1]));
    }
    cloud.foreign("t/history", &serde_json::Value::Array(history).to_string());
    publish(&mut cloud, &new).unwrap();
    publish(&mut cloud, &other()).unwrap();
    for key in ["", "theirs", "0123", "012345678"] {
        assert!(cloud.store.contains_key(&format!("{key}.entry")), "{key}");
    }
}

/// Somebody restores a policy that a publication is about to remove: neither order denies every user.
#[test]
fn a_policy_that_is_restored_is_not_removed() {
    let (old, new, other) = (old(), new(), other());
    let to = destination();
    for restored_first in [false, true] {
        let mut cloud = with_old(&old);
        publish(&mut cloud, &other).unwrap();
        let state = to.read(&mut Net(&mut cloud)).unwrap();
        let steps = to.publish(&state, &new, cloud.now).unwrap();
        let at = steps
            .iter()
            .position(|step| step.what.starts_with("remove"));
        let (publishing, removing) = steps.split_at(at.unwrap());
        run(&mut Net(&mut cloud), publishing).unwrap();
        let published = only(&mut cloud);
        let state = to.read(&mut Net(&mut cloud)).unwrap();
        let package = to.earlier(&state, Some("0000000000000001")).unwrap();
        let restoring = to.publish(&state, &package, cloud.now + 9).unwrap();
        if restored_first {
            run(&mut Net(&mut cloud), &restoring).unwrap();
            let restored = only(&mut cloud);
            let stopped = run(&mut Net(&mut cloud), removing).unwrap_err();
            assert_eq!(stopped.error.code(), "changed");
            assert_eq!(only(&mut cloud), restored);
        } else {
            run(&mut Net(&mut cloud), removing).unwrap();
            let stopped = run(&mut Net(&mut cloud), &restoring).unwrap_err();
            assert_eq!(stopped.error.code(), "changed");
            assert_eq!(only(&mut cloud), published);
        }
    }
}
