//! The function's gate on the shared host driver. Lambda runs no code between requests, so a request waits
//! for key fetches in flight, for the usual maximum time.
//!
//! Not here: fetching, and when keys are fetched ([`tollgate_host`]).

use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_gate::Gate;
use tollgate_host::{Client, FetchEnded, Host, Local, Native};

use crate::clock::{Clock, Log, system_time};

/// The number of cached tokens. An instance serves one request at a time, and few users.
const CACHED_TOKENS: usize = 256;

/// A gate whose keys are refreshed.
pub(crate) type KeyedGate<C> = Host<Local, Native<C>>;

/// Creates a gate whose keys are refreshed through `client`. `log` is called when a key set or one of its
/// keys is rejected.
pub(crate) fn keyed_gate<C: Client>(
    gate: Gate<Vec<u8>>,
    client: C,
    clock: Clock,
    log: Log,
) -> Arc<KeyedGate<C>> {
    let now = move || match clock {
        Clock::Fixed(now) => now,
        Clock::Event | Clock::System => system_time().unwrap_or(UnixSeconds(i64::MAX)),
    };
    let log = move |ended: &FetchEnded<'_, C::Error>| {
        if let Some(line) = line(ended) {
            log(&line.to_string());
        }
    };
    let platform = Native::new(client, now, Box::new(log)).without_background();
    Host::new(Local::new(gate, CACHED_TOKENS), platform)
}

fn line<E: core::fmt::Display>(ended: &FetchEnded<'_, E>) -> Option<Value> {
    let FetchEnded {
        url,
        is_keys,
        body: _,
        now,
        result,
    } = ended;
    match result {
        Ok(accepted) if accepted.skipped.is_empty() => None,
        Ok(accepted) => {
            let skipped: Vec<_> = accepted.skipped.iter().map(ToString::to_string).collect();
            Some(json!({
                "time": now.0, "event": "keys_skipped", "url": url, "skipped": skipped,
            }))
        }
        Err(why) => Some(json!({
            "time": now.0,
            "event": if *is_keys { "keys_failed" } else { "sign_in_fetch_failed" },
            "url": url,
            "why": why.to_string(),
        })),
    }
}
