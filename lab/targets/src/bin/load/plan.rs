//! The faults of the issuer during the load test, one after another with healthy periods between them.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};
use tollgate_targets::live::issuer::Issuer;

/// Longer than a cooldown and a fetch: after this time, changes at the issuer have taken effect.
const SETTLED: Duration = Duration::from_secs(13);
/// The duration of a fault, and of the healthy period before the next round.
const FAULT: Duration = Duration::from_secs(6);
const WELL: Duration = Duration::from_secs(4);
const TICK: Duration = Duration::from_millis(100);

/// The expected result for a token signed by the intermittent key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// The key is changing.
    Either,
    /// The key is unknown.
    Deny,
    /// The key is known.
    Allow,
}

/// The state that clients share.
#[derive(Default)]
pub(crate) struct State {
    /// Counts changes; the remainder encodes [`Fresh`].
    moment: AtomicU64,
    faulty: AtomicBool,
    over: AtomicBool,
}

impl State {
    /// Returns a number that differs after every change, and the expected result for a fresh token.
    pub(crate) fn moment(&self) -> (u64, Fresh) {
        let moment = self.moment.load(Ordering::SeqCst);
        let fresh = match moment % 4 {
            1 => Fresh::Deny,
            2 => Fresh::Allow,
            _ => Fresh::Either,
        };
        (moment, fresh)
    }

    fn set(&self, fresh: Fresh) {
        let low = match fresh {
            Fresh::Either => 0,
            Fresh::Deny => 1,
            Fresh::Allow => 2,
        };
        let next = self.moment.load(Ordering::SeqCst) / 4 + 1;
        self.moment.store(4 * next + low, Ordering::SeqCst);
    }

    /// Whether the issuer is failing.
    pub(crate) fn is_faulty(&self) -> bool {
        self.faulty.load(Ordering::SeqCst)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// The faults in turn; `None` is an issuer that does not listen.
fn faults(stranger: &Issuer) -> Vec<(&'static str, Option<Value>)> {
    let elsewhere = stranger.jwks_uri();
    vec![
        ("slow", Some(json!({ "kind": "slow", "ms": 30_000 }))),
        ("500", Some(json!({ "kind": "status", "status": 500 }))),
        ("refused", None),
        ("garbage", Some(json!({ "kind": "garbage" }))),
        ("huge", Some(json!({ "kind": "huge" }))),
        ("html", Some(json!({ "kind": "html" }))),
        (
            "redirect",
            Some(json!({ "kind": "redirect", "to": elsewhere })),
        ),
        ("empty", Some(json!({ "kind": "empty" }))),
    ]
}

/// Switches faults on and off until the time is over; returns their names.
pub(crate) fn direct(
    issuer: &mut Issuer,
    stranger: &Issuer,
    state: &State,
    began: Instant,
    limit: Duration,
) -> Result<Vec<&'static str>> {
    let mut done = Vec::new();
    let goes_on = |pause: Duration| {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if began.elapsed() >= limit {
                return false;
            }
            std::thread::sleep(TICK);
        }
        true
    };
    for (name, fault) in faults(stranger).into_iter().cycle() {
        // The intermittent key is withdrawn, and the set has been fetched without it.
        state.set(Fresh::Either);
        issuer.publish_newer(false)?;
        if !goes_on(SETTLED) {
            break;
        }
        match &fault {
            Some(fault) => issuer.fault(fault)?,
            None => issuer.stop(),
        }
        state.faulty.store(true, Ordering::SeqCst);
        state.set(Fresh::Deny);
        if fault.is_some() {
            issuer.publish_newer(true)?;
        }
        done.push(name);
        eprintln!("  ..  {:>4.0} s  {name}", began.elapsed().as_secs_f64());
        let goes = goes_on(FAULT);
        state.set(Fresh::Either);
        issuer.resume()?;
        issuer.publish_newer(true)?;
        state.faulty.store(false, Ordering::SeqCst);
        if !goes || !goes_on(SETTLED) {
            break;
        }
        state.set(Fresh::Allow);
        if !goes_on(WELL) {
            break;
        }
    }
    state.set(Fresh::Either);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_has_its_own_number() {
        let state = State::default();
        let mut before = state.moment().0;
        for fresh in [
            Fresh::Deny,
            Fresh::Deny,
            Fresh::Either,
            Fresh::Allow,
            Fresh::Either,
        ] {
            state.set(fresh);
            let (moment, now) = state.moment();
            assert_eq!(now, fresh);
            assert_ne!(moment, before);
            before = moment;
        }
    }
}
