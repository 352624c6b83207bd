//! The platform of programs that run on tokio.
//!
//! Not here: HTTP, see `client`.

use core::time::Duration;
use std::sync::OnceLock;

use tokio::time::Instant;
use tollgate_gate::{FetchLimits, FetchRequest, UnixSeconds};

use crate::platform::{FetchEnded, Fetched, Platform, Task};

/// Sends requests.
pub trait Client: Send + Sync + 'static {
    /// The reason why no response was received.
    type Error: core::fmt::Display + Send + Sync + 'static;

    /// Sends a request. Must not follow redirects or read more than `max_bytes` of the body.
    fn send(&self, request: FetchRequest, max_bytes: usize) -> Task<Result<Fetched, Self::Error>>;
}

/// A callback for every fetch that ended.
pub type FetchLog<E> = Box<dyn Fn(&FetchEnded<'_, E>) + Send + Sync>;

/// The platform of programs that run on tokio. Its tasks need a runtime with timers.
pub struct Native<C: Client> {
    client: C,
    clock: Box<dyn Fn() -> UnixSeconds + Send + Sync>,
    log: FetchLog<C::Error>,
    has_background: bool,
    started: OnceLock<Instant>,
}

impl<C: Client> Native<C> {
    /// A platform with this client, clock and log.
    pub fn new(
        client: C,
        clock: impl Fn() -> UnixSeconds + Send + Sync + 'static,
        log: FetchLog<C::Error>,
    ) -> Self {
        Self {
            client,
            clock: Box::new(clock),
            log,
            has_background: true,
            started: OnceLock::new(),
        }
    }

    /// Declares that the platform runs no tasks between requests.
    #[must_use]
    pub fn without_background(self) -> Self {
        Self {
            has_background: false,
            ..self
        }
    }
}

impl<C: Client> Platform for Native<C> {
    type Error = C::Error;

    fn now(&self) -> UnixSeconds {
        (self.clock)()
    }

    fn uptime(&self) -> Duration {
        // tokio's clock, so that tests can pause it. It starts with the first call.
        self.started.get_or_init(Instant::now).elapsed()
    }

    fn fetch(&self, request: FetchRequest, limits: FetchLimits) -> Task<Result<Fetched, C::Error>> {
        // There is no cache, so the maximum age does not apply.
        let FetchLimits {
            secs: _,
            patience_ms: _,
            bytes,
            cached_secs: _,
        } = limits;
        self.client.send(request, bytes as usize)
    }

    fn entropy(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        Some(bytes)
    }

    fn sleep(&self, time: Duration) -> Task<()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn start(&self, task: Task<()>) {
        tokio::spawn(task);
    }

    fn has_background(&self) -> bool {
        self.has_background
    }

    fn ended(&self, ended: &FetchEnded<'_, C::Error>) {
        (self.log)(ended);
    }
}
