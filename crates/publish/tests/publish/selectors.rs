//! Lambda@Edge, Lambda and the object store: the same faults, and the same promises.

use std::collections::BTreeSet;

use tollgate_publish::lambda::{Destination, Package, Selector};
use tollgate_publish::{PublishError, Step, Stopped, object, run};

use crate::account::{ARN, Account, distribution};
use crate::cloud::{FAULTS, Fault, Net, Stub};

#[derive(Debug)]
enum Failed {
    Before(PublishError),
    In(Box<Stopped>),
}

fn package(policy: &str) -> Package {
    Package {
        zip: policy.as_bytes().to_vec(),
        policy: policy.to_owned(),
    }
}

/// The kind of package that a test publishes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Edge,
    Alias,
    Object,
}

fn lambda(kind: Kind, percent: u8) -> Destination {
    Destination {
        function: "edge".to_owned(),
        region: "us-east-1".to_owned(),
        selector: match kind {
            Kind::Edge => Selector::Distribution("E1".to_owned()),
            Kind::Alias | Kind::Object => Selector::Alias("live".to_owned()),
        },
        percent,
    }
}

fn bucket() -> object::Destination {
    object::Destination {
        bucket: "b".to_owned(),
        key: "p/policy.tgi".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Edge => "edge",
        Kind::Alias => "alias",
        Kind::Object => "object",
    }
}

fn steps(
    kind: Kind,
    account: &mut Account,
    policy: Option<&str>,
) -> Result<Vec<Step>, PublishError> {
    let world = &mut Net(account);
    if kind == Kind::Object {
        let to = bucket();
        let state = to.read(world)?;
        let live = state
            .live
            .clone()
            .map(|live| String::from_utf8(live).unwrap());
        let live = live.as_deref();
        let package = match policy {
            Some(policy) => object::Package {
                image: policy.as_bytes().to_vec(),
                policy: policy.to_owned(),
            },
            None => to.earlier(world, &state, live, None)?,
        };
        return Ok(to.publish(&state, &package, live, 7));
    }
    let to = lambda(kind, 100);
    let state = to.read(world)?;
    match policy {
        Some(policy) => to.publish(&state, &package(policy)),
        None => to.roll_back(&state, None),
    }
}

fn publish(kind: Kind, account: &mut Account, policy: Option<&str>) -> Result<(), Failed> {
    let steps = steps(kind, account, policy).map_err(Failed::Before)?;
    run(&mut Net(account), &steps).map_err(Failed::In)
}

fn only(kind: Kind, account: &mut Account) -> String {
    account.arrived();
    let possible = account.possible(name(kind));
    assert_eq!(possible.len(), 1, "{possible:?}");
    possible.into_iter().next().unwrap()
}

#[test]
fn every_fault_leaves_the_old_policy_or_the_new_one() {
    for kind in [Kind::Edge, Kind::Alias, Kind::Object] {
        let mut account = Account::new();
        publish(kind, &mut account, Some("old")).unwrap();
        assert_eq!(only(kind, &mut account), "old");
        let saved = account.data.clone();
        account.faults.again(None);
        publish(kind, &mut account, Some("new")).unwrap();
        let calls = account.faults.call;
        assert_eq!(only(kind, &mut account), "new");
        assert_eq!(steps(kind, &mut account, Some("new")).unwrap(), []);
        let allowed = BTreeSet::from(["old".to_owned(), "new".to_owned()]);
        for fault in FAULTS {
            for at in 0..calls {
                account.restore(&saved);
                account.faults.again(Some((at, fault)));
                let result = publish(kind, &mut account, Some("new"));
                let possible = account.possible(name(kind));
                let call = account.faults.calls.last().unwrap();
                assert!(
                    possible.is_subset(&allowed),
                    "{kind:?} {fault:?} {at} {call}: {possible:?}"
                );
                match (&result, fault) {
                    (Ok(()), _) => assert_eq!(only(kind, &mut account), "new"),
                    (Err(_), Fault::Error | Fault::Lost | Fault::Unheard | Fault::Throttled) => {
                        panic!("{kind:?} {fault:?} {at} {call}: {result:?}")
                    }
                    (Err(Failed::In(stopped)), _)
                        if stopped.in_force.starts_with("the previous policy decides") =>
                    {
                        let possible = account.possible(name(kind));
                        assert_eq!(possible, BTreeSet::from(["old".to_owned()]), "{stopped:?}");
                    }
                    (Err(_), _) => {}
                }
                account.faults.again(None);
                publish(kind, &mut account, Some("new")).unwrap();
                let possible = account.possible(name(kind));
                match kind {
                    // The second run waits for the edges, also if the first one changed them.
                    Kind::Edge => assert_eq!(possible, BTreeSet::from(["new".to_owned()])),
                    Kind::Alias | Kind::Object => assert!(possible.is_subset(&allowed)),
                }
                assert_eq!(only(kind, &mut account), "new");
                publish(kind, &mut account, None).unwrap();
                assert!(account.possible(name(kind)).is_subset(&allowed));
                assert_eq!(only(kind, &mut account), "old", "{kind:?} {fault:?} {at}");
            }
        }
    }
}

/// Everything but the version numbers stays byte for byte, also what others changed meanwhile.
#[test]
fn the_configuration_of_a_distribution_is_kept() {
    let mut account = Account::new();
    publish(Kind::Edge, &mut account, Some("old")).unwrap();
    assert_eq!(account.data.distribution, distribution(2));
    account.faults.again(None);
    let count = {
        publish(Kind::Edge, &mut account, Some("new")).unwrap();
        account.faults.call
    };
    for at in 0..count {
        let mut account = Account::new();
        publish(Kind::Edge, &mut account, Some("old")).unwrap();
        account.faults.again(Some((at, Fault::Other)));
        publish(Kind::Edge, &mut account, Some("new")).unwrap();
        let expected = distribution(3).replace("<Comment>", "<Comment>!");
        assert_eq!(account.data.distribution, expected, "{at}");
    }
}

/// A version that somebody else put into force stays.
#[test]
fn nothing_of_others_is_overwritten() {
    for kind in [Kind::Edge, Kind::Alias, Kind::Object] {
        let mut account = Account::new();
        publish(kind, &mut account, Some("old")).unwrap();
        let mine = steps(kind, &mut account, Some("mine")).unwrap();
        publish(kind, &mut account, Some("theirs")).unwrap();
        let stopped = run(&mut Net(&mut account), &mine).unwrap_err();
        assert_eq!(stopped.error.code(), "changed", "{kind:?} {stopped:?}");
        assert_eq!(only(kind, &mut account), "theirs", "{kind:?}");
    }
}

#[test]
fn an_alias_splits_requests() {
    let mut account = Account::new();
    publish(Kind::Alias, &mut account, Some("old")).unwrap();
    for (percent, share) in [(10, 0.1), (50, 0.5)] {
        let to = lambda(Kind::Alias, percent);
        let state = to.read(&mut Net(&mut account)).unwrap();
        let steps = to.publish(&state, &package("new")).unwrap();
        run(&mut Net(&mut account), &steps).unwrap();
        assert_eq!(account.data.alias.0, "2");
        assert_eq!(account.data.alias.1.get("3"), Some(&share));
    }
    let split = account.data.clone();
    publish(Kind::Alias, &mut account, None).unwrap();
    assert_eq!(account.data.alias, ("2".to_owned(), Default::default()));
    // Ending the split in either direction survives a lost response.
    for at in 0..5 {
        for (policy, version) in [(Some("new"), "3"), (None, "2")] {
            account.restore(&split);
            account.faults.again(Some((at, Fault::Unheard)));
            let ended = publish(Kind::Alias, &mut account, policy);
            assert!(ended.is_ok(), "{at} {ended:?}");
            assert_eq!(account.data.alias, (version.to_owned(), Default::default()));
        }
    }
    account.faults.again(None);
    account.restore(&split);
    publish(Kind::Alias, &mut account, Some("new")).unwrap();
    assert_eq!(account.data.alias, ("3".to_owned(), Default::default()));
    // The alias's own version is the one to go back to, also if the other one has a smaller number.
    account.data.alias = ("3".to_owned(), [("2".to_owned(), 0.1)].into());
    publish(Kind::Alias, &mut account, None).unwrap();
    assert_eq!(account.data.alias, ("3".to_owned(), Default::default()));
    let to = lambda(Kind::Edge, 10);
    let state = to.read(&mut Net(&mut account)).unwrap();
    let error = to.publish(&state, &package("new")).unwrap_err();
    assert_eq!(error.code(), "unsupported");
}

#[test]
fn status_names_what_is_live_and_what_is_open() {
    let mut account = Account::new();
    publish(Kind::Edge, &mut account, Some("old")).unwrap();
    publish(Kind::Edge, &mut account, Some("new")).unwrap();
    let to = lambda(Kind::Edge, 100);
    let state = to.read(&mut Net(&mut account)).unwrap();
    let status = to.status(&state, "new", Some(&package("new")));
    assert_eq!(status["live"][0]["policy"], "new");
    for (policy, zip, expected) in [
        ("new", Some("new"), true),
        ("new", Some("other code"), false),
        ("old", Some("old"), false),
        // Without an artifact, the policy decides.
        ("new", None, true),
        ("old", None, false),
        ("none", None, false),
    ] {
        let status = to.status(&state, policy, zip.map(package).as_ref());
        assert_eq!(status["current"], expected, "{policy} {zip:?}");
    }
    assert_eq!(status["restorable"], serde_json::json!(["old"]));
    let open = serde_json::json!(["/other/*", "/open/*"]);
    assert_eq!(status["behaviours_without_gate"], open);
    assert!(state.live == ["3"] && ARN.ends_with("edge"));
}

/// The configuration of a version that is neither live nor the latest may be outdated.
#[test]
fn an_old_version_is_not_published_again() {
    for kind in [Kind::Edge, Kind::Alias] {
        let mut account = Account::new();
        for policy in ["old", "new", "old"] {
            publish(kind, &mut account, Some(policy)).unwrap();
        }
        let versions: Vec<u64> = account.data.versions.keys().copied().collect();
        assert_eq!(versions, [1, 2, 3, 4], "{kind:?}");
        // After a rollback, the latest version is published again.
        publish(kind, &mut account, None).unwrap();
        assert_eq!(only(kind, &mut account), "new");
        publish(kind, &mut account, Some("old")).unwrap();
        assert_eq!(account.data.versions.len(), 4);
        assert_eq!(only(kind, &mut account), "old");
    }
}

/// A state that never becomes good ends the wait, with Lambda's reason.
#[test]
fn a_failed_version_is_reported_at_once() {
    let mut account = Account::new();
    publish(Kind::Alias, &mut account, Some("old")).unwrap();
    account.is_failing = true;
    let time = account.now;
    let Err(Failed::In(stopped)) = publish(Kind::Alias, &mut account, Some("new")) else {
        panic!("a failed version was published");
    };
    assert_eq!(stopped.error.code(), "broken");
    assert!(stopped.error.to_string().contains("no room"), "{stopped:?}");
    assert_eq!(account.now, time);
    assert_eq!(only(Kind::Alias, &mut account), "old");
}

/// A response that is none of the service's is an error, and not an empty list.
#[test]
fn unexpected_responses_are_errors() {
    let mut account = Account::new();
    account.data.distribution = "<html>a page of a proxy</html>".to_owned();
    let error = lambda(Kind::Edge, 100).read(&mut Net(&mut account));
    assert_eq!(error.unwrap_err().code(), "unexpected");
}

#[test]
fn what_does_not_exist_is_named() {
    let mut account = Account::new();
    let error = publish(Kind::Object, &mut account, None);
    assert!(matches!(
        error,
        Err(Failed::Before(PublishError::NoEarlier))
    ));
    let to = lambda(Kind::Alias, 100);
    let state = to.read(&mut Net(&mut account)).unwrap();
    let error = to.roll_back(&state, Some("gone")).unwrap_err();
    assert_eq!(error.code(), "unknown_policy");
}
