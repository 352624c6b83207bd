//! Fetching issuers' keys again, over real HTTP and HTTPS.
//!
//! When to fetch is the gate's to say. Here is the fetching: bounded in time and bytes, and never in a
//! request's way for longer than [`MAX_WAIT`]. Redirects are not followed. What fails leaves the keys as
//! they are. Not here: decisions, and what a good key is.

use core::error::Error;
use core::fmt;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Instant;

use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;
use tollgate_core::{PathReader, UnixSeconds};
use tollgate_gate::refresh::{MAX_FETCH_SECS, MAX_KEYS_BYTES};
use tollgate_gate::{Context, Gate, KeyFetch, KeysAccepted, KeysRefused, Outcome, TokenCache, Why};

use crate::service::Clock;

/// How long a request may wait for a key that it needs.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How many good tokens are remembered.
const CACHED_TOKENS: usize = 4_096;

/// The detail code where the gate panicked.
const PANIC: &str = "panic";

/// How a fetch of keys ended, for the log.
#[derive(Debug)]
#[non_exhaustive]
pub struct KeysFetched<'a> {
    /// Where the keys are.
    pub url: &'a str,
    /// The accepted key set, or why the keys stay as they are.
    pub result: Result<KeysAccepted, FetchError>,
}

/// Gets every fetch of keys that ended.
pub type KeysSink = Box<dyn Fn(&KeysFetched<'_>) + Send + Sync>;

/// Why fetched keys are not in use.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// The address cannot be asked.
    Address,
    /// It is an HTTPS address, and this machine trusts no certificates.
    NoRoots,
    /// No key set came within the time that a fetch may take.
    Late,
    /// The issuer answered with this status.
    Status(StatusCode),
    /// The connection or the body failed, or the body is too long.
    Io(Box<dyn Error + Send + Sync>),
    /// The gate refuses the key set.
    Refused(KeysRefused),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Address => f.write_str("the address cannot be asked"),
            FetchError::NoRoots => f.write_str("this machine has no certificates to trust"),
            FetchError::Late => write!(f, "no key set within {MAX_FETCH_SECS} seconds"),
            FetchError::Status(status) => write!(f, "status {status} instead of a key set"),
            FetchError::Io(error) => write!(f, "{error}"),
            FetchError::Refused(error) => write!(f, "{error}"),
        }
    }
}

impl Error for FetchError {}

/// A gate whose keys are kept fresh.
pub(crate) struct KeyedGate {
    gate: RwLock<Gate<Vec<u8>>>,
    tokens: Mutex<TokenCache>,
    clock: Clock,
    started: Instant,
    http: Client<HttpConnector, Empty<Bytes>>,
    https: Option<Client<HttpsConnector<HttpConnector>, Empty<Bytes>>>,
    /// How many fetches are under way.
    under_way: watch::Sender<usize>,
    /// The second in which the gate was last asked whether keys are old.
    asked: AtomicI64,
    sink: KeysSink,
}

impl KeyedGate {
    pub(crate) fn new(gate: Gate<Vec<u8>>, clock: Clock, sink: KeysSink) -> KeyedGate {
        let is_https = |url: &String| url.starts_with("https:");
        let mut issuers = gate.config().issuers.iter();
        let needs_https = issuers.any(|issuer| issuer.refresh.as_ref().is_some_and(is_https));
        KeyedGate {
            gate: RwLock::new(gate),
            tokens: Mutex::new(TokenCache::new(CACHED_TOKENS)),
            clock,
            started: Instant::now(),
            http: Client::builder(TokioExecutor::new()).build_http(),
            https: needs_https.then(https_client).flatten(),
            under_way: watch::Sender::new(0),
            asked: AtomicI64::new(i64::MIN),
            sink,
        }
    }

    /// The reader that the policy's paths are meant for.
    pub(crate) fn path_reader(&self) -> PathReader {
        self.read().image().path_options().reader
    }

    /// Decides, and waits for a fetch only if the answer depends on it.
    pub(crate) async fn handle(
        self: &Arc<Self>,
        request: &tollgate_gate::Request<'_>,
    ) -> (Outcome, Duration) {
        let started = Instant::now();
        let outcome = self.ask(request);
        let decided_in = started.elapsed();
        let now = self.now();
        if self.asked.swap(now.0, Ordering::Relaxed) != now.0 {
            self.begin(now, Why::Age);
        }
        if !outcome.unknown_key {
            return (outcome, decided_in);
        }
        self.begin(now, Why::UnknownKey);
        let mut under_way = self.under_way.subscribe();
        if *under_way.borrow() == 0 {
            return (outcome, decided_in);
        }
        let ended = under_way.wait_for(|count| *count == 0);
        // Also where another issuer's keys are still under way: this one's may have come.
        _ = tokio::time::timeout(MAX_WAIT, ended).await;
        let again = Instant::now();
        let outcome = self.ask(request);
        (outcome, decided_in.saturating_add(again.elapsed()))
    }

    /// The gate's answer; denied where it panics, which costs this request and what was remembered.
    fn ask(&self, request: &tollgate_gate::Request<'_>) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| self.decide(request)))
            .unwrap_or_else(|_| Outcome::internal(request.method, PANIC))
    }

    fn decide(&self, request: &tollgate_gate::Request<'_>) -> Outcome {
        let gate = self.read();
        // Where another request has the cache, verifying costs less than waiting.
        let mut tokens = match self.tokens.try_lock() {
            Ok(tokens) => tokens,
            Err(TryLockError::WouldBlock) => return gate.ask(request, &mut Context::new()),
            Err(TryLockError::Poisoned(left)) => {
                let mut tokens = left.into_inner();
                *tokens = TokenCache::new(CACHED_TOKENS);
                self.tokens.clear_poison();
                tokens
            }
        };
        gate.ask(request, &mut Context::cached(&mut tokens))
    }

    /// Begins whatever is due.
    fn begin(self: &Arc<Self>, now: UnixSeconds, why: Why) {
        loop {
            let Some(fetch) = self.write().keys_due(now, why) else {
                return;
            };
            let under_way = UnderWay::begin(Arc::clone(self));
            tokio::spawn(async move {
                let result = under_way.0.refresh(&fetch).await;
                let keyed = Arc::clone(&under_way.0);
                drop(under_way);
                (keyed.sink)(&KeysFetched {
                    url: &fetch.url,
                    result,
                });
            });
        }
    }

    async fn refresh(&self, fetch: &KeyFetch) -> Result<KeysAccepted, FetchError> {
        let limit = Duration::from_secs(MAX_FETCH_SECS.unsigned_abs());
        let fetched = match tokio::time::timeout(limit, self.fetch(&fetch.url)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(FetchError::Late),
        };
        let now = self.now();
        let mut gate = self.write();
        match fetched {
            Ok(body) => gate
                .keys_arrived(fetch.ticket, &body, now)
                .map_err(FetchError::Refused),
            Err(error) => {
                gate.keys_failed(fetch.ticket, now);
                Err(error)
            }
        }
    }

    async fn fetch(&self, url: &str) -> Result<Bytes, FetchError> {
        let uri: Uri = url.parse().map_err(|_| FetchError::Address)?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json);
        let response = match (request.uri().scheme_str(), &self.https) {
            (Some("http"), _) => self.http.request(request).await,
            (Some("https"), Some(https)) => https.request(request).await,
            (Some("https"), None) => return Err(FetchError::NoRoots),
            _ => return Err(FetchError::Address),
        };
        let response = response.map_err(|error| FetchError::Io(error.into()))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_KEYS_BYTES);
        let body = body.collect().await.map_err(FetchError::Io)?;
        Ok(body.to_bytes())
    }

    /// The time for cooldowns, which must go on where the time of decisions stands still.
    fn now(&self) -> UnixSeconds {
        match self.clock {
            Clock::System | Clock::Told(_) => self.clock.now(),
            Clock::Fixed(UnixSeconds(start)) => {
                let since = i64::try_from(self.started.elapsed().as_secs()).unwrap_or(i64::MAX);
                UnixSeconds(start.saturating_add(since))
            }
        }
    }

    // A panic elsewhere while the lock was held leaves a whole gate: keys change in one step.
    fn read(&self) -> RwLockReadGuard<'_, Gate<Vec<u8>>> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Gate<Vec<u8>>> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch that counts as under way until this is dropped, also by a panic: a fetch that was never over
/// would keep everybody waiting who names an unknown key.
struct UnderWay(Arc<KeyedGate>);

impl UnderWay {
    fn begin(keyed: Arc<KeyedGate>) -> UnderWay {
        keyed
            .under_way
            .send_modify(|count| *count = count.saturating_add(1));
        UnderWay(keyed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0
            .under_way
            .send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// A client for HTTPS that believes the system's roots; none if there are none.
fn https_client() -> Option<Client<HttpsConnector<HttpConnector>, Empty<Bytes>>> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
        .ok()?
        .https_only()
        .enable_http1()
        .build();
    Some(Client::builder(TokioExecutor::new()).build(connector))
}
