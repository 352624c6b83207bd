//! Akamai EdgeWorkers: after every fault, the old policy or the new one decides each request on the network.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tollgate_publish::edgeworkers::{Destination, Network};
use tollgate_publish::{Call, PublishError, Reply, Step, Stopped, run};

use crate::akamai::{Account, destination, package, policy, version};
use crate::cloud::{FAULTS, Fault, Faults, Net, Stub, reply};

#[derive(Debug)]
enum Failed {
    Before(PublishError),
    In(Box<Stopped>),
}

fn steps(account: &mut Account, name: Option<char>) -> Result<Vec<Step>, PublishError> {
    let to = destination(Network::Production);
    let state = to.read(&mut Net(account))?;
    match name {
        Some(name) => to.publish(&state, &package(name)),
        None => Ok(to.roll_back(&state, to.earlier(&state, None)?)),
    }
}

fn publish(account: &mut Account, name: Option<char>) -> Result<(), Failed> {
    let steps = steps(account, name).map_err(Failed::Before)?;
    run(&mut Net(account), &steps).map_err(Failed::In)
}

fn only(account: &Account) -> String {
    let possible = account.possible();
    assert_eq!(possible.len(), 1, "{possible:?}");
    possible.into_iter().next().unwrap()
}

/// The names of the calls.
fn names(steps: &[Step]) -> Vec<&'static str> {
    steps
        .iter()
        .flat_map(Step::calls)
        .map(|call| call.name)
        .collect()
}

#[test]
fn every_fault_leaves_the_old_policy_or_the_new_one() {
    let mut account = Account::new();
    publish(&mut account, Some('a')).unwrap();
    assert_eq!(only(&account), policy('a'));
    let saved = account.data.clone();
    account.faults.again(None);
    publish(&mut account, Some('b')).unwrap();
    let calls = account.faults.call;
    assert_eq!(steps(&mut account, Some('b')).unwrap(), []);
    let allowed = BTreeSet::from([policy('a'), policy('b')]);
    for fault in FAULTS {
        for at in 0..calls {
            account.restore(&saved);
            account.faults.again(Some((at, fault)));
            let result = publish(&mut account, Some('b'));
            let possible = account.possible();
            let call = account.faults.calls.last().unwrap();
            assert!(possible.is_subset(&allowed), "{fault:?} {at} {call}");
            match (&result, fault) {
                (Ok(()), _) => assert_eq!(only(&account), policy('b'), "{fault:?} {at}"),
                (Err(Failed::In(stopped)), Fault::Denied | Fault::Killed | Fault::KilledAfter) => {
                    if stopped.in_force.starts_with("the previous policy decides") {
                        assert_eq!(possible, BTreeSet::from([policy('a')]), "{stopped:?}");
                    }
                }
                (
                    Err(Failed::Before(error)),
                    Fault::Denied | Fault::Killed | Fault::KilledAfter,
                ) => {
                    assert!(["denied", "network"].contains(&error.code()));
                }
                (Err(_), _) => panic!("{fault:?} {at} {call}: {result:?}"),
            }
            account.faults.again(None);
            publish(&mut account, Some('b')).unwrap();
            assert_eq!(only(&account), policy('b'), "{fault:?} {at}");
            // Nothing was uploaded or activated twice.
            let ours = account
                .data
                .versions
                .iter()
                .filter(|(name, _)| *name == version('b'));
            assert_eq!(ours.count(), 1, "{fault:?} {at}");
            let mut ours = account.data.activations.iter();
            assert_eq!(
                ours.clone()
                    .filter(|new| new.version == version('b'))
                    .count(),
                1
            );
            assert!(ours.all(|activation| activation.status != "ERROR"));
            publish(&mut account, None).unwrap();
            assert_eq!(only(&account), policy('a'), "{fault:?} {at}");
        }
    }
}

/// A run that ends while an activation is pending is finished by the next one, which only waits.
#[test]
fn a_second_run_waits_for_a_pending_activation() {
    let mut account = Account::new();
    publish(&mut account, Some('a')).unwrap();
    account.is_stuck = true;
    let Err(Failed::In(stopped)) = publish(&mut account, Some('b')) else {
        panic!("it was complete");
    };
    assert_eq!(stopped.error.code(), "late", "{stopped:?}");
    let state = destination(Network::Production)
        .read(&mut Net(&mut account))
        .unwrap();
    let status = destination(Network::Production).status(&state, &policy('b'));
    assert_eq!(
        (
            &status["policy"],
            &status["current"],
            &status["pending"][0]["policy"]
        ),
        (&json!(policy('a')), &json!(false), &json!(policy('b')))
    );
    let again = steps(&mut account, Some('b')).unwrap();
    assert_eq!(names(&again), ["ListActivations", "ListActivations"]);
    account.is_stuck = false;
    run(&mut Net(&mut account), &again).unwrap();
    assert_eq!(only(&account), policy('b'));
}

/// Another policy, and a rollback to the active one, wait until a pending activation has ended, however it ends.
#[test]
fn a_pending_activation_of_another_version_is_waited_for() {
    for (name, is_failing, expected, activations) in [
        (Some('c'), false, 'c', 4),
        (Some('c'), true, 'c', 4),
        (None, false, 'a', 4),
        // The activation fails, so the policy to restore stays active.
        (None, true, 'a', 3),
        (Some('a'), false, 'a', 4),
        (Some('a'), true, 'a', 3),
    ] {
        let mut account = Account::new();
        publish(&mut account, Some('a')).unwrap();
        account
            .data
            .versions
            .push((version('b'), package('b').bundle));
        account.activate(&version('b'), "PRODUCTION");
        account.arrived();
        let planned = steps(&mut account, name).unwrap();
        account.is_failing = is_failing;
        let wait = planned
            .iter()
            .position(|step| step.what.contains("pending activation"));
        let (first, rest) = planned.split_at(wait.unwrap() + 1);
        run(&mut Net(&mut account), first).unwrap();
        account.is_failing = false;
        run(&mut Net(&mut account), rest).unwrap();
        assert_eq!(only(&account), policy(expected), "{name:?} {is_failing}");
        assert_eq!(
            account.data.activations.len(),
            activations,
            "{name:?} {is_failing}"
        );
    }
}

#[test]
fn a_failed_activation_ends_at_once() {
    let mut account = Account::new();
    publish(&mut account, Some('a')).unwrap();
    account.is_failing = true;
    for _ in 0..2 {
        let before = account.now;
        let Err(Failed::In(stopped)) = publish(&mut account, Some('b')) else {
            panic!("it was complete");
        };
        assert_eq!(stopped.error.code(), "broken");
        assert!(stopped.error.to_string().contains("`ERROR`"), "{stopped:?}");
        assert!(
            stopped
                .in_force
                .starts_with("the previous policy or the new one")
        );
        assert!(account.now - before <= 10, "it waits for nothing");
        assert_eq!(only(&account), policy('a'));
    }
    account.is_failing = false;
    publish(&mut account, Some('b')).unwrap();
    assert_eq!(only(&account), policy('b'));
    assert_eq!(account.data.versions.len(), 3);
    // What failed was never active.
    publish(&mut account, None).unwrap();
    assert_eq!(only(&account), policy('a'));
}

#[test]
fn versions_are_restored() {
    let mut account = Account::new();
    for name in ['a', 'b', 'c'] {
        publish(&mut account, Some(name)).unwrap();
    }
    // The version before becomes the newest one, so a second rollback returns.
    for expected in ['b', 'c', 'b'] {
        publish(&mut account, None).unwrap();
        assert_eq!(only(&account), policy(expected));
    }
    let to = destination(Network::Production);
    let state = to.read(&mut Net(&mut account)).unwrap();
    assert_eq!(state.restorable(), [policy('c'), policy('a')]);
    let version_of_a = to.earlier(&state, Some(&policy('a'))).unwrap();
    run(&mut Net(&mut account), &to.roll_back(&state, version_of_a)).unwrap();
    assert_eq!(only(&account), policy('a'));
    let error = to.earlier(&state, Some("ffff")).unwrap_err();
    assert_eq!(error.code(), "unknown_policy");
    let state = to.read(&mut Net(&mut account)).unwrap();
    let status = to.status(&state, &policy('a'));
    assert_eq!(
        (&status["current"], &status["version"], &status["network"]),
        (&json!(true), &json!(version('a')), &json!("production"))
    );
    assert_eq!(status["activated"], "2027-01-15T08:08:00Z");
    assert_eq!(to.status(&state, &policy('b'))["current"], false);
    // A version that was deleted is not restored, and its activations are gone.
    account
        .data
        .versions
        .retain(|(name, _)| *name != version('b'));
    account
        .data
        .activations
        .retain(|activation| activation.version != version('b'));
    publish(&mut account, None).unwrap();
    assert_eq!(only(&account), policy('c'));
    // Without an active version, it is the one that was deactivated.
    account.data.active.clear();
    let state = to.read(&mut Net(&mut account)).unwrap();
    assert_eq!(to.status(&state, &policy('c'))["policy"], Value::Null);
    publish(&mut account, None).unwrap();
    assert_eq!(only(&account), policy('c'));
    account.data.active.clear();
    publish(&mut account, Some('c')).unwrap();
    assert_eq!(only(&account), policy('c'));
}

#[test]
fn what_akamais_tools_activated_is_restored_and_nothing_is_not() {
    let mut account = Account::new();
    let error = steps(&mut account, None).unwrap_err();
    assert_eq!(error.code(), "no_earlier");
    publish(&mut account, Some('a')).unwrap();
    publish(&mut account, None).unwrap();
    assert_eq!(only(&account), "cli");
    let to = destination(Network::Production);
    let state = to.read(&mut Net(&mut account)).unwrap();
    let status = to.status(&state, &policy('a'));
    assert_eq!(
        (&status["version"], &status["policy"], &status["restorable"]),
        (&json!("0.1"), &Value::Null, &json!([policy('a')]))
    );
}

/// The networks have activations of their own, of the same versions.
#[test]
fn staging_comes_before_production() {
    let mut account = Account::new();
    let staging = destination(Network::Staging);
    let state = staging.read(&mut Net(&mut account)).unwrap();
    assert_eq!(state.policy(), None);
    let first = staging.publish(&state, &package('a')).unwrap();
    run(&mut Net(&mut account), &first).unwrap();
    assert_eq!(account.data.active["STAGING"], version('a'));
    assert_eq!(only(&account), "cli");
    let state = staging.read(&mut Net(&mut account)).unwrap();
    assert_eq!(staging.publish(&state, &package('a')), Ok(vec![]));
    assert_eq!(
        staging.earlier(&state, None).unwrap_err().code(),
        "no_earlier"
    );
    let second = steps(&mut account, Some('a')).unwrap();
    assert!(!names(&second).contains(&"CreateVersion"), "{second:?}");
    run(&mut Net(&mut account), &second).unwrap();
    assert_eq!(only(&account), policy('a'));
}

/// What somebody else activates stays active.
#[test]
fn nothing_of_others_is_overwritten() {
    for is_before in [true, false] {
        let mut account = Account::new();
        publish(&mut account, Some('a')).unwrap();
        account
            .data
            .versions
            .push((version('c'), package('c').bundle));
        let mine = steps(&mut account, Some('b')).unwrap();
        if is_before {
            account.activate(&version('c'), "PRODUCTION");
        } else {
            account.meanwhile = Some(version('c'));
        }
        let stopped = run(&mut Net(&mut account), &mine).unwrap_err();
        assert_eq!(stopped.error.code(), "changed", "{stopped:?}");
        account.settle();
        assert_eq!(only(&account), policy('c'));
    }
}

#[test]
fn a_bundle_that_cannot_be_used_changes_nothing() {
    let mut account = Account::new();
    publish(&mut account, Some('a')).unwrap();
    let to = destination(Network::Production);
    let state = to.read(&mut Net(&mut account)).unwrap();
    let mut other = package('a');
    other.bundle.push(b'!');
    let error = to.publish(&state, &other).unwrap_err();
    assert_eq!(error.code(), "broken");
    assert!(error.to_string().contains("another bundle"), "{error}");
    let mut bad = package('b');
    bad.bundle.extend_from_slice(b" bad");
    let steps = to.publish(&state, &bad).unwrap();
    let stopped = run(&mut Net(&mut account), &steps).unwrap_err();
    assert_eq!((stopped.step, stopped.error.code()), (1, "broken"));
    assert!(stopped.error.to_string().contains("main.js::9:16"));
    assert_eq!(account.data.versions.len(), 2);
    assert_eq!(only(&account), policy('a'));
}

/// A page of a proxy in place of a list is an error, and not an empty list.
#[test]
fn responses_that_are_no_lists_are_errors() {
    let mut account = Account::new();
    for call in ["ListVersions", "ListActivations"] {
        account.garbled = Some(call);
        let error = steps(&mut account, Some('a')).unwrap_err();
        assert_eq!(error.code(), "unexpected", "{call}");
    }
    account.garbled = None;
    let planned = steps(&mut account, Some('a')).unwrap();
    for (call, code) in [("ListActivations", "changed"), ("ValidateBundle", "broken")] {
        account.garbled = Some(call);
        let stopped = run(&mut Net(&mut account), &planned).unwrap_err();
        assert_eq!(stopped.error.code(), code, "{call}");
        assert_eq!(account.data.activations.len(), 1);
    }
    let nobody = Destination {
        id: 7,
        ..destination(Network::Production)
    };
    account.garbled = None;
    let error = nobody.read(&mut Net(&mut account)).unwrap_err();
    assert_eq!(error.code(), "missing");
    assert!(error.help().contains("akamai edgeworkers register"));
}

#[test]
fn a_dry_run_prints_the_calls_of_the_run() {
    let mut account = Account::new();
    let steps = steps(&mut account, Some('a')).unwrap();
    assert_eq!(
        names(&steps),
        [
            "ValidateBundle",
            "ListVersions",
            "CreateVersion",
            "ListVersions",
            "ListActivations",
            "ActivateVersion",
            "ListActivations",
            "ListActivations",
        ]
    );
    let printed: Vec<String> = steps.iter().flat_map(Step::calls).map(Call::line).collect();
    account.faults.again(None);
    run(&mut Net(&mut account), &steps).unwrap();
    // A wait reads several times.
    account.faults.calls.dedup();
    assert_eq!(account.faults.calls, printed);
    assert!(
        printed
            .iter()
            .all(|line| line.contains("https://AKAMAI_HOST/edgeworkers/v1/"))
    );
}

/// Akamai's service that checks signatures rejects some with 400.
#[test]
fn a_rejected_signature_is_a_missing_permission() {
    struct Rejecting(Account, u16);
    impl Stub for Rejecting {
        fn faults(&mut self) -> &mut Faults {
            &mut self.0.faults
        }
        fn time(&mut self) -> &mut i64 {
            &mut self.0.now
        }
        fn disturb(&mut self) {}
        fn arrived(&mut self) {}
        fn execute(&mut self, _: &Call) -> Reply {
            let body = json!({
                "type": "https://problems.luna.akamaiapis.net/-/pep-authn/deny",
                "title": "Bad request",
                "detail": "Invalid timestamp",
                "status": self.1,
            });
            reply(self.1, "", body.to_string())
        }
    }
    for status in [400, 401] {
        let mut stub = Rejecting(Account::new(), status);
        let error = destination(Network::Staging)
            .read(&mut Net(&mut stub))
            .unwrap_err();
        assert_eq!(error.code(), "denied");
        assert!(error.to_string().contains("Invalid timestamp"), "{error}");
        assert!(error.help().contains("the clock of this machine"));
    }
}
