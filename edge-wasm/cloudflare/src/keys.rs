//! Fetches key sets when the gate says so, through Cloudflare's cache.
//!
//! The gate keeps single flight and cooldown for one isolate; the cache does for a data centre: an
//! answer of the last seconds serves every isolate that misses a key. Not here: when keys are due and
//! which are good.

use core::fmt;

use futures_util::future::{Either, join_all, select};
use futures_util::{StreamExt, pin_mut};
use serde_json::json;
use tollgate_gate::refresh::{COOLDOWN_SECS, MAX_FETCH_SECS, MAX_KEYS_BYTES};
use tollgate_gate::{Gate, KeyFetch, UnixSeconds, Why};
use wasm_bindgen::prelude::JsValue;
use worker::{Cache, Delay, Fetch, Headers, Request, RequestInit, RequestRedirect, Response};
use worker::{wasm_bindgen_futures::future_to_promise, worker_sys};

use crate::edge::{self, Edge, UnderWay};
use crate::memory::Memory;
use crate::{note, now};

/// The cache that holds key sets, apart from what the site caches.
const CACHE: &str = "tollgate-keys";
/// When a cached set was fetched from its issuer, in Unix seconds.
const FETCHED: &str = "x-tollgate-fetched";
/// How old a cached set may be, in seconds, where nobody misses a key.
const CACHED_SECS: i64 = 600;

/// Why there are no fresh keys.
#[derive(Debug)]
enum Trouble {
    Fetch(worker::Error),
    Status(u16),
    TooLarge,
    TooSlow,
}

/// Gives a gate that was just loaded the key sets and cooldowns of the instance before.
pub(crate) fn restore(gate: &mut Gate<Vec<u8>>, memory: &Memory) {
    let issuers = gate.config().issuers.iter();
    let urls: Vec<_> = issuers
        .filter_map(|issuer| issuer.refresh.clone())
        .collect();
    for url in urls {
        if let Some(ended) = memory.fetched(&url) {
            gate.restore_cooldown(&url, ended);
        }
        if let Some((body, fetched)) = memory.keys(&url) {
            // It was accepted before; if it is refused now, the keys of the image are in use.
            _ = gate.restore_keys(&url, &body, fetched);
        }
    }
}

/// Begins the fetches that are due. They live on in the background of the request.
pub(crate) fn fetch_due(
    edge: &mut Edge,
    why: Why,
    now: UnixSeconds,
    context: &worker_sys::Context,
) {
    let due: Vec<KeyFetch> = core::iter::from_fn(|| edge.gate.keys_due(now, why)).collect();
    if due.is_empty() {
        return;
    }
    for fetch in &due {
        edge.memory.keep_fetch_begun(&fetch.url, now);
    }
    let generation = edge.generation;
    let all = join_all(
        due.into_iter()
            .map(move |fetch| one(fetch, why, generation)),
    );
    let ends = future_to_promise(async move {
        all.await;
        // Nobody waits for what is over. A fetch that was begun meanwhile ends without being waited for.
        edge::with(|edge| edge.keys = None);
        Ok(JsValue::UNDEFINED)
    });
    // If the runtime refuses to wait, the fetch ends with this request and counts as lost.
    _ = context.wait_until(&ends);
    edge.keys = Some(UnderWay::new(ends));
}

/// Fetches one key set and hands it over.
async fn one(fetch: KeyFetch, why: Why, generation: u32) {
    let found = load(&fetch.url, why).await;
    let now = now();
    edge::with(|edge| {
        // Tickets of an earlier policy name other issuers now.
        if edge.generation != generation {
            return;
        }
        edge.memory.keep_fetch_ended(&fetch.url, now);
        let accepted = match found {
            Ok(body) => {
                let arrived = edge.gate.keys_arrived(fetch.ticket, &body, now);
                if arrived.is_ok() {
                    edge.memory.keep_keys(&fetch.url, &body, now);
                }
                arrived.map_err(|refused| refused.to_string())
            }
            Err(trouble) => {
                edge.gate.keys_failed(fetch.ticket, now);
                Err(trouble.to_string())
            }
        };
        match accepted {
            Ok(accepted) => {
                let skipped = accepted.skipped.iter().map(ToString::to_string);
                let skipped: Vec<_> = skipped.collect();
                note::event(
                    "keys_refreshed",
                    json!({ "url": fetch.url, "changed": accepted.changed, "skipped": skipped }),
                );
            }
            Err(what) => note::trouble("keys_failed", &format!("{}: {what}", fetch.url)),
        }
    });
}

/// A key set from the cache if it is fresh enough for what it is wanted for, else from its issuer.
async fn load(url: &str, why: Why) -> Result<Vec<u8>, Trouble> {
    let cache = Cache::open(CACHE.to_owned()).await;
    if let Some(body) = cached(&cache, url, why).await {
        return Ok(body);
    }
    let answer = fetched(url);
    let limit = Delay::from(core::time::Duration::from_secs(
        MAX_FETCH_SECS.unsigned_abs(),
    ));
    pin_mut!(answer, limit);
    let body = match select(answer, limit).await {
        Either::Left((body, _)) => body?,
        Either::Right(_) => return Err(Trouble::TooSlow),
    };
    if let Ok(kept) = to_keep(&body) {
        // Without a cache the next isolate asks the issuer itself.
        _ = cache.put(url, kept).await;
    }
    Ok(body)
}

async fn cached(cache: &Cache, url: &str, why: Why) -> Option<Vec<u8>> {
    let newest = match why {
        Why::UnknownKey => COOLDOWN_SECS,
        Why::Age => CACHED_SECS,
    };
    let found = cache.get(url, false).await.ok()??;
    let fetched: i64 = found.headers().get(FETCHED).ok()??.parse().ok()?;
    if !(0..newest).contains(&now().0.checked_sub(fetched)?) {
        return None;
    }
    read(found).await.ok()
}

/// Asks the issuer. A redirect is no answer: it could lead to keys of somebody else.
async fn fetched(url: &str) -> Result<Vec<u8>, Trouble> {
    let headers = Headers::new();
    headers
        .set("accept", "application/json")
        .map_err(Trouble::Fetch)?;
    let mut init = RequestInit::new();
    init.with_redirect(RequestRedirect::Manual)
        .with_headers(headers);
    let request = Request::new_with_init(url, &init).map_err(Trouble::Fetch)?;
    let response = Fetch::Request(request)
        .send()
        .await
        .map_err(Trouble::Fetch)?;
    match response.status_code() {
        200 => read(response).await,
        status => Err(Trouble::Status(status)),
    }
}

/// The body, as long as it has not more bytes than any key set.
async fn read(mut response: Response) -> Result<Vec<u8>, Trouble> {
    let mut stream = response.stream().map_err(Trouble::Fetch)?;
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(Trouble::Fetch)?);
        if body.len() > MAX_KEYS_BYTES {
            return Err(Trouble::TooLarge);
        }
    }
    Ok(body)
}

fn to_keep(body: &[u8]) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("cache-control", &format!("max-age={CACHED_SECS}"))?;
    headers.set(FETCHED, &now().0.to_string())?;
    Ok(Response::from_bytes(body.into())?.with_headers(headers))
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => write!(f, "{error}"),
            Self::Status(status) => write!(f, "status {status}"),
            Self::TooLarge => write!(f, "more than {MAX_KEYS_BYTES} bytes"),
            Self::TooSlow => write!(f, "no answer within {MAX_FETCH_SECS} seconds"),
        }
    }
}
