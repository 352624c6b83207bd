//! The gate with its keys kept fresh: one fetch at a time, never for longer than [`MAX_WAIT`].
//!
//! Lambda runs nothing between two requests, so a fetch happens while a request waits: on the first
//! request of an instance and once an hour, and when a token names an unknown key. When a fetch is due
//! is the gate's to say, so tokens with invented key names cost one fetch per cooldown and no more. A
//! fetch that fails changes nothing. Not here: HTTP.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tollgate_core::{PathReader, UnixSeconds};
use tollgate_gate::{Gate, KeyFetch, Outcome, TokenCache, Why};

/// How long a request waits for keys, at most.
pub const MAX_WAIT: Duration = Duration::from_secs(1);

/// How many verified tokens are remembered: an instance answers one request at a time, and few users.
const TOKENS: usize = 256;

/// Fetches key sets.
pub trait FetchKeys: Send + Sync {
    /// What stands at this address; `None` for any failure.
    fn fetch(&self, url: &str) -> impl Future<Output = Option<Vec<u8>>> + Send;
}

/// Gets every log line, without its end.
pub(crate) type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// A gate with its keys and what it remembers.
pub struct Keeper<F> {
    kept: Mutex<Kept>,
    keys: F,
    log: Log,
}

/// What a question may change.
pub(crate) struct Kept {
    pub(crate) gate: Gate<Vec<u8>>,
    pub(crate) tokens: TokenCache,
}

impl<F: FetchKeys> Keeper<F> {
    /// Keeps this gate's keys fresh with what `keys` fetches. `log` gets a line where a key set, or a key of it,
    /// cannot be used.
    pub(crate) fn new(gate: Gate<Vec<u8>>, keys: F, log: Log) -> Self {
        Self {
            kept: Mutex::new(Kept {
                gate,
                tokens: TokenCache::new(TOKENS),
            }),
            keys,
            log,
        }
    }

    /// The reader that the policy's paths are meant for.
    pub(crate) fn path_reader(&self) -> PathReader {
        self.with(|kept| kept.gate.image().path_options().reader)
    }

    /// Asks the gate, and once more if fresh keys came that could change the answer.
    pub(crate) async fn decide(
        &self,
        now: UnixSeconds,
        ask: impl Fn(&Gate<Vec<u8>>, &mut TokenCache) -> Outcome,
    ) -> Outcome {
        let asked = || self.with(|Kept { gate, tokens }| ask(gate, tokens));
        self.refresh(now, Why::Age).await;
        let outcome = asked();
        if outcome.unknown_key && self.refresh(now, Why::UnknownKey).await {
            return asked();
        }
        outcome
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        // Keys change by whole sets only, so what a panic left is sound.
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fetches the key sets that are due, all at once: an issuer that does not answer must not keep another's
    /// keys away. Whether one of them is new.
    async fn refresh(&self, now: UnixSeconds, why: Why) -> bool {
        let due = || self.with(|kept| kept.gate.keys_due(now, why));
        let fetches = core::iter::from_fn(due).map(|fetch| self.refresh_one(fetch, now));
        let arrived = join_all(fetches.collect::<Vec<_>>()).await;
        arrived.contains(&true)
    }

    /// Fetches one; whether it is in use now.
    async fn refresh_one(&self, KeyFetch { ticket, url, .. }: KeyFetch, now: UnixSeconds) -> bool {
        let body = tokio::time::timeout(MAX_WAIT, self.keys.fetch(&url)).await;
        let arrived = self.with(|Kept { gate, .. }| match body {
            Ok(Some(body)) => gate
                .keys_arrived(ticket, &body, now)
                .map_err(|error| error.to_string()),
            Ok(None) | Err(_) => {
                gate.keys_failed(ticket, now);
                Err(String::from("no key set arrived in time"))
            }
        });
        let note = |line: Value| (self.log)(&line.to_string());
        match arrived {
            Ok(accepted) => {
                let skipped = accepted.skipped.iter().map(ToString::to_string);
                let skipped: Vec<_> = skipped.collect();
                if !skipped.is_empty() {
                    note(json!({
                        "time": now.0, "event": "keys_skipped", "url": url, "skipped": skipped,
                    }));
                }
                true
            }
            Err(why) => {
                note(json!({ "time": now.0, "event": "keys_failed", "url": url, "why": why }));
                false
            }
        }
    }
}
