//! The location of the gate: in this process or elsewhere.
//!
//! Not here: modules. An embedder of a module implements [`Machine`] over its calls.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::{
    Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};

use tollgate_core::PathReader;
use tollgate_gate::{
    Context, Fetch, FetchResponse, Gate, KeysAccepted, Outcome, Pending, Request, Resumed, Step,
    TokenCache, UnixSeconds,
};

use crate::platform::Accepted;

/// The detail code for a panic in the gate.
const PANIC: &str = "panic";

/// A gate that evaluates requests.
pub trait Machine: Send + Sync {
    /// The outcome of a request.
    type Outcome;

    /// Evaluates a request. `now` is the time for cooldowns.
    fn step(&self, request: &Request<'_>, now: UnixSeconds) -> Stepped<Self::Outcome>;

    /// Evaluates a request with the keys fetched so far. The outcome is final.
    fn ask(&self, request: &Request<'_>) -> Self::Outcome;

    /// Whether a request needs entropy.
    fn needs_entropy(&self, request: &Request<'_>) -> bool;

    /// Returns the fetches that are due although no request waits for them.
    fn due(&self, now: UnixSeconds) -> Vec<Fetch>;

    /// Accepts the response to a fetch, or `None` if there was no response.
    ///
    /// # Errors
    ///
    /// Returns the reason if the response is rejected.
    fn resume(
        &self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        now: UnixSeconds,
    ) -> Result<Accepted, String>;
}

/// The result of a step of a machine.
pub struct Stepped<O> {
    /// The outcome, final if `tickets` is empty.
    pub outcome: O,
    /// The fetches to begin now.
    pub fetches: Vec<Fetch>,
    /// The tickets of all fetches that the outcome depends on.
    pub tickets: Vec<u32>,
}

/// A gate in this process, with a cache of verified tokens.
pub struct Local {
    gate: RwLock<Gate<Vec<u8>>>,
    tokens: Mutex<TokenCache>,
    cached_tokens: usize,
}

impl Local {
    /// A gate that caches `cached_tokens` verified tokens.
    pub fn new(gate: Gate<Vec<u8>>, cached_tokens: usize) -> Self {
        Self {
            gate: RwLock::new(gate),
            tokens: Mutex::new(TokenCache::new(cached_tokens)),
            cached_tokens,
        }
    }

    /// The gate, to read its configuration. Do not hold the guard across an `await`.
    // A panic elsewhere while the lock was held leaves a complete gate, because keys change in one step.
    pub fn read(&self) -> RwLockReadGuard<'_, Gate<Vec<u8>>> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reader that the paths of the policy are written for.
    pub fn path_reader(&self) -> PathReader {
        self.read().image().path_options().reader
    }

    fn write(&self) -> RwLockWriteGuard<'_, Gate<Vec<u8>>> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `work` with the gate and its token cache. Not for requests: a panic in `work` reaches the
    /// caller.
    pub fn with<T>(&self, work: impl FnOnce(&Gate<Vec<u8>>, &mut TokenCache) -> T) -> T {
        let mut tokens = match self.tokens.lock() {
            Ok(tokens) => tokens,
            Err(poisoned) => self.emptied(poisoned),
        };
        work(&self.read(), &mut tokens)
    }

    fn evaluate(&self, request: &Request<'_>) -> Outcome {
        // While another request holds the cache, verifying costs less than waiting.
        let mut tokens = match self.tokens.try_lock() {
            Ok(tokens) => tokens,
            Err(TryLockError::WouldBlock) => return self.read().ask(request, &mut Context::new()),
            Err(TryLockError::Poisoned(poisoned)) => self.emptied(poisoned),
        };
        self.read().ask(request, &mut Context::cached(&mut tokens))
    }

    /// Replaces a cache that a panic may have left inconsistent.
    fn emptied<'a>(&self, poisoned: Poisoned<'a>) -> MutexGuard<'a, TokenCache> {
        let mut tokens = poisoned.into_inner();
        *tokens = TokenCache::new(self.cached_tokens);
        self.tokens.clear_poison();
        tokens
    }
}

type Poisoned<'a> = PoisonError<MutexGuard<'a, TokenCache>>;

impl Machine for Local {
    type Outcome = Outcome;

    fn step(&self, request: &Request<'_>, now: UnixSeconds) -> Stepped<Outcome> {
        let outcome = self.ask(request);
        let step = if outcome.needs_fetch() {
            self.write().follow(outcome, now)
        } else {
            Step::Done(outcome)
        };
        match step {
            Step::Done(outcome) => Stepped {
                outcome,
                fetches: Vec::new(),
                tickets: Vec::new(),
            },
            Step::Fetch(Pending {
                outcome,
                fetches,
                tickets,
            }) => Stepped {
                outcome,
                fetches,
                tickets,
            },
        }
    }

    /// Denies the request if the gate panics. The panic also clears the token cache.
    fn ask(&self, request: &Request<'_>) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| self.evaluate(request)))
            .unwrap_or_else(|_| Outcome::internal(request.method, PANIC))
    }

    fn needs_entropy(&self, request: &Request<'_>) -> bool {
        self.read().needs_entropy(request)
    }

    fn due(&self, now: UnixSeconds) -> Vec<Fetch> {
        self.write().due(now)
    }

    fn resume(
        &self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        now: UnixSeconds,
    ) -> Result<Accepted, String> {
        let resumed = self.write().resume(ticket, response, now);
        Ok(match resumed.map_err(|error| error.to_string())? {
            Resumed::Keys(KeysAccepted { changed, skipped }) => Accepted {
                changed,
                skipped: skipped.iter().map(ToString::to_string).collect(),
            },
            Resumed::Exchange => Accepted {
                changed: false,
                skipped: Vec::new(),
            },
        })
    }
}
