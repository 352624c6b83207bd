//! Simplifying a witness as far as possible while it still shows the same.
//!
//! Every step is checked by the real evaluator. Not here: finding the first witness.

use serde_json::{Map, Value};

use crate::request::Request;

/// The simplest request that `shows` still accepts. It must accept the given one.
pub(crate) fn shrunk(request: Request, now: i64, shows: &dyn Fn(&Request) -> bool) -> Request {
    let mut best = request;
    let mut attempt = |change: &dyn Fn(&mut Request)| {
        let mut candidate = best.clone();
        change(&mut candidate);
        if candidate != best && shows(&candidate) {
            best = candidate;
            true
        } else {
            false
        }
    };
    attempt(&|request| request.method = "GET".to_owned());
    attempt(&|request| request.ip = None);
    attempt(&|request| request.now = now);
    if !attempt(&|request| request.claims = None) {
        let names: Vec<String> = best
            .claims
            .iter()
            .flat_map(|claims| claims.keys().cloned())
            .collect();
        for name in names {
            best = without_claim(best, &name, shows);
        }
    }
    best
}

fn without_claim(request: Request, name: &str, shows: &dyn Fn(&Request) -> bool) -> Request {
    let changed = |request: &Request, change: &dyn Fn(&mut Map<String, Value>)| {
        let mut candidate = request.clone();
        if let Some(claims) = &mut candidate.claims {
            change(claims);
        }
        candidate
    };
    let without = changed(&request, &|claims| drop(claims.remove(name)));
    if shows(&without) {
        return without;
    }
    let mut best = request;
    let count = best
        .claims
        .as_ref()
        .and_then(|claims| claims.get(name)?.as_array())
        .map_or(0, Vec::len);
    for at in (0..count).rev() {
        let shorter = changed(&best, &|claims| {
            if let Some(Value::Array(items)) = claims.get_mut(name)
                && at < items.len()
            {
                items.remove(at);
            }
        });
        if shows(&shorter) {
            best = shorter;
        }
    }
    best
}
