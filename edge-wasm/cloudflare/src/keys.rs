//! The Worker as a platform of the shared host driver: fetches use Cloudflare's cache.
//!
//! The driver ensures a single fetch per isolate, the cache does so per data centre: a response of the last
//! seconds serves every isolate that needs an unknown key. Not here: when something is fetched, how long a
//! request waits, and which key sets are valid.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use serde_json::json;
use tollgate_gate::{FetchLimits, FetchRequest, Gate, UnixSeconds};
use tollgate_host::{FetchEnded, Fetched, Platform, Task};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;
use worker::js_sys::{self, Function, Reflect, Uint8Array};
use worker::send::SendFuture;
use worker::{
    Cache, Delay, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response,
};
use worker::{wasm_bindgen_futures::future_to_promise, worker_sys};

use crate::instance::{now, now_ms};
use crate::memory::Memory;
use crate::note;

/// The cache for key sets, separate from the cache of the site.
const CACHE: &str = "tollgate-keys";
/// The header with the time when a cached response was fetched from its issuer, in Unix seconds.
const FETCHED: &str = "x-tollgate-fetched";
/// The time that a response stays in the cache, in seconds. Its age decides whether it is used.
const KEPT_SECS: u32 = 600;

/// The reason why no response was received.
#[derive(Debug)]
pub(crate) enum Trouble {
    Fetch(worker::Error),
    Method,
    TooLarge(u32),
}

/// The Worker as a platform of the driver, for one policy.
pub(crate) struct Isolate {
    memory: Memory,
    /// The context of the request that is being evaluated.
    context: Mutex<Option<worker_sys::Context>>,
    /// Whether the policy is the current one. Key sets fetched for an earlier one are not stored.
    is_current: AtomicBool,
}

impl Isolate {
    pub(crate) fn new(memory: Memory) -> Self {
        Self {
            memory,
            context: Mutex::new(None),
            is_current: AtomicBool::new(true),
        }
    }

    /// Begins a request: its context keeps the tasks that it starts alive.
    pub(crate) fn enter(&self, context: &worker_sys::Context) {
        let context: &JsValue = context.as_ref();
        *self.context() = Some(context.clone().unchecked_into());
    }

    /// Ends the evaluation of the request. Its context cannot be used for other requests.
    pub(crate) fn leave(&self) {
        *self.context() = None;
    }

    fn context(&self) -> MutexGuard<'_, Option<worker_sys::Context>> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the policy as replaced.
    pub(crate) fn retire(&self) {
        self.is_current.store(false, Ordering::Relaxed);
    }
}

impl Platform for Isolate {
    type Error = Trouble;

    fn now(&self) -> UnixSeconds {
        now()
    }

    fn uptime(&self) -> Duration {
        // The cast saturates.
        Duration::from_millis(now_ms() as u64)
    }

    fn fetch(&self, request: FetchRequest, limits: FetchLimits) -> Task<Result<Fetched, Trouble>> {
        Box::pin(SendFuture::new(load(request, limits)))
    }

    fn entropy(&self) -> Option<[u8; 32]> {
        let crypto = Reflect::get(&js_sys::global(), &"crypto".into()).ok()?;
        let fill = Reflect::get(&crypto, &"getRandomValues".into()).ok()?;
        let fill: &Function = fill.dyn_ref()?;
        let filled = Uint8Array::new_with_length(32);
        fill.call1(&crypto, &filled).ok()?;
        let mut bytes = [0; 32];
        filled.copy_to(&mut bytes);
        Some(bytes)
    }

    fn sleep(&self, time: Duration) -> Task<()> {
        Box::pin(SendFuture::new(Delay::from(time)))
    }

    fn start(&self, task: Task<()>) {
        let ends = future_to_promise(async move {
            task.await;
            Ok(JsValue::UNDEFINED)
        });
        if let Some(context) = &*self.context() {
            // If the runtime rejects the promise, the task ends with this request and counts as lost.
            _ = context.wait_until(&ends);
        }
    }

    fn begun(&self, url: &str, now: UnixSeconds) {
        self.memory.keep_fetch_begun(url, now);
    }

    fn ended(&self, ended: &FetchEnded<'_, Trouble>) {
        if !self.is_current.load(Ordering::Relaxed) {
            return;
        }
        let FetchEnded {
            url,
            is_keys,
            body,
            now,
            result,
        } = ended;
        if !is_keys {
            if let Err(what) = result {
                note::trouble("sign_in_fetch_failed", &format!("{url}: {what}"));
            }
            return;
        }
        self.memory.keep_fetch_ended(url, *now);
        match result {
            Ok(accepted) => {
                self.memory.keep_keys(url, body, *now);
                let skipped = accepted.skipped.iter().map(ToString::to_string);
                let skipped: Vec<_> = skipped.collect();
                note::event(
                    "keys_refreshed",
                    json!({ "url": url, "changed": accepted.changed, "skipped": skipped }),
                );
            }
            Err(what) => note::trouble("keys_failed", &format!("{url}: {what}")),
        }
    }
}

/// Restores the key sets and cooldowns of the previous instance to a gate that was just loaded.
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
            // It was accepted before. If it is rejected now, the keys of the image are used.
            _ = gate.restore_keys(&url, &body, fetched);
        }
    }
}

/// Returns a response from the cache if it is fresh enough, otherwise from the URL. Only responses with
/// status 200 are cached.
async fn load(request: FetchRequest, limits: FetchLimits) -> Result<Fetched, Trouble> {
    let FetchLimits {
        // The driver enforces it.
        secs: _,
        patience_ms: _,
        bytes,
        cached_secs,
    } = limits;
    if cached_secs == 0 {
        return fetched(&request, bytes).await;
    }
    let cache = Cache::open(CACHE.to_owned()).await;
    if let Some(body) = cached(&cache, &request.url, bytes, cached_secs).await {
        return Ok(Fetched { status: 200, body });
    }
    let found = fetched(&request, bytes).await?;
    if found.status == 200
        && let Ok(kept) = to_keep(&found.body)
    {
        // If caching fails, the next isolate sends a request to the issuer.
        _ = cache.put(request.url.as_str(), kept).await;
    }
    Ok(found)
}

async fn cached(cache: &Cache, url: &str, bytes: u32, newest_secs: u32) -> Option<Vec<u8>> {
    let found = cache.get(url, false).await.ok()??;
    let fetched: i64 = found.headers().get(FETCHED).ok()??.parse().ok()?;
    if !(0..newest_secs.into()).contains(&now().0.checked_sub(fetched)?) {
        return None;
    }
    read(found, bytes).await.ok()
}

/// Sends the request. Redirects are not followed: they could lead to keys of another party.
async fn fetched(request: &FetchRequest, bytes: u32) -> Result<Fetched, Trouble> {
    let FetchRequest {
        method,
        url,
        headers: fields,
        body,
    } = request;
    let headers = Headers::new();
    for (name, value) in fields {
        headers.set(name, value).map_err(Trouble::Fetch)?;
    }
    let method = match method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        _ => return Err(Trouble::Method),
    };
    let mut init = RequestInit::new();
    init.with_method(method)
        .with_redirect(RequestRedirect::Manual)
        .with_headers(headers);
    if !body.is_empty() {
        init.with_body(Some(Uint8Array::from(body.as_slice()).into()));
    }
    let request = Request::new_with_init(url, &init).map_err(Trouble::Fetch)?;
    let response = Fetch::Request(request)
        .send()
        .await
        .map_err(Trouble::Fetch)?;
    let status = response.status_code();
    let body = read(response, bytes).await?;
    Ok(Fetched { status, body })
}

/// Reads the body, unless it is longer than `bytes`.
async fn read(mut response: Response, bytes: u32) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let Ok(mut stream) = response.stream() else {
        // A response without a body has no stream.
        return Ok(body);
    };
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk.map_err(Trouble::Fetch)?);
        if body.len() > bytes as usize {
            return Err(Trouble::TooLarge(bytes));
        }
    }
    Ok(body)
}

fn to_keep(body: &[u8]) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("cache-control", &format!("max-age={KEPT_SECS}"))?;
    headers.set(FETCHED, &now().0.to_string())?;
    Ok(Response::from_bytes(body.into())?.with_headers(headers))
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => write!(f, "{error}"),
            Self::Method => f.write_str("unsupported method"),
            Self::TooLarge(bytes) => write!(f, "the response is longer than {bytes} bytes"),
        }
    }
}
