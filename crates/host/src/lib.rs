//! The driver of a gate: begins its fetches, shares them between requests, and limits how long a request waits.
//!
//! A gate does no IO ([`tollgate_gate`]). A [`Host`] combines a [`Machine`], which is a gate in this process or
//! in a module, with a [`Platform`], which can fetch, sleep and run tasks. All Rust hosts share this policy:
//!
//! - A request that depends on a fetch waits for it, and is then evaluated again: at most three times in all.
//! - A fetch outlives the request that began it. Other requests wait for the same fetch, but a fetch delays
//!   requests only within its patience, for keys its first second ([`MAX_WAIT`]), because a fetch that takes
//!   longer is slow or lost.
//! - Old keys are refreshed in the background, after a request was evaluated. A platform that runs no tasks
//!   between requests waits for the refresh before it returns, for the same time.
//! - A fetch that exceeds its time limit has failed. A failure changes nothing.
//!
//! # Not here
//!
//! When something is fetched and what a valid key set is (the gate). Requests and responses of a platform (its
//! adapter).

#![forbid(unsafe_code)]

mod machine;
mod platform;

#[cfg(feature = "http")]
mod client;
#[cfg(feature = "tokio")]
mod native;

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_channel::oneshot;
use futures_util::FutureExt;
use futures_util::future::{Either, Shared, join_all, select};
use tollgate_gate::{
    Fetch, FetchRequest, FetchResponse, MAX_STEPS, MAX_WAIT_MS, Request, UnixSeconds,
};

#[cfg(feature = "http")]
pub use client::{HttpClient, HttpError};
pub use machine::{Local, Machine, Stepped};
#[cfg(feature = "tokio")]
pub use native::{Client, FetchLog, Native};
pub use platform::{Accepted, FetchEnded, FetchFailure, Fetched, Platform, Task};

/// The time that a fetch of keys delays requests that depend on it, from when it began.
pub const MAX_WAIT: Duration = Duration::from_millis(MAX_WAIT_MS as u64);

/// A gate on a platform.
pub struct Host<M, P> {
    machine: M,
    platform: P,
    in_flight: Mutex<Vec<InFlight>>,
    /// The second in which the gate was last called for due fetches.
    last_due: AtomicI64,
}

struct InFlight {
    ticket: u32,
    /// The time when requests stop waiting for it, in the platform's uptime.
    patience_ends: Duration,
    /// Completes when the fetch has ended, even if its task was dropped or panicked.
    end: Shared<oneshot::Receiver<()>>,
}

/// The result of one step.
pub enum Answer<O> {
    /// The outcome is final.
    Done(O),
    /// The outcome may change when this ends.
    Wait(Wait, O),
}

/// The fetches that a request waits for.
pub struct Wait {
    ends: Vec<Shared<oneshot::Receiver<()>>>,
    at_most: Duration,
}

impl Wait {
    /// The maximum time that the request waits.
    pub fn at_most(&self) -> Duration {
        self.at_most
    }

    /// Waits until all have ended, without a limit of time.
    pub async fn ended(self) {
        join_all(self.ends).await;
    }
}

impl<M: Machine + 'static, P: Platform + 'static> Host<M, P> {
    /// A gate on this platform.
    pub fn new(machine: M, platform: P) -> Arc<Self> {
        Arc::new(Self {
            machine,
            platform,
            in_flight: Mutex::new(Vec::new()),
            last_due: AtomicI64::new(i64::MIN),
        })
    }

    /// The gate.
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The platform.
    pub fn platform(&self) -> &P {
        &self.platform
    }

    /// Evaluates a request, and waits for a fetch only if the outcome depends on it.
    pub async fn ask(self: &Arc<Self>, request: &Request<'_>) -> M::Outcome {
        self.settle(self.step(request), || self.step(request)).await
    }

    /// Waits for the fetches that an answer depends on; `again` takes another [`step`](Self::step) of the same
    /// request.
    pub async fn settle(
        &self,
        mut answer: Answer<M::Outcome>,
        mut again: impl FnMut() -> Answer<M::Outcome>,
    ) -> M::Outcome {
        for _ in 1..MAX_STEPS {
            answer = match answer {
                Answer::Done(_) => break,
                Answer::Wait(wait, _) => {
                    self.wait(wait).await;
                    // Also after the limit: of several fetches one may have ended.
                    again()
                }
            };
        }
        let (Answer::Done(outcome) | Answer::Wait(_, outcome)) = answer;
        if !self.platform.has_background() {
            self.wait(self.wait_for(|_| true)).await;
        }
        outcome
    }

    /// Evaluates a request without waiting, for a platform that waits in its own way: after [`Answer::Wait`] it
    /// takes another step, at most [`MAX_STEPS`] in all.
    pub fn step(self: &Arc<Self>, request: &Request<'_>) -> Answer<M::Outcome> {
        let now = self.platform.now();
        let own = match request.entropy {
            None if self.machine.needs_entropy(request) => self.platform.entropy(),
            Some(_) | None => None,
        };
        let request = &Request {
            entropy: request.entropy.or(own.as_ref()),
            ..*request
        };
        let Stepped {
            outcome,
            fetches,
            tickets,
        } = self.machine.step(request, now);
        self.begin(fetches, now);
        // After the outcome is known, so that no fetch delays it.
        self.refresh(now);
        if tickets.is_empty() {
            return Answer::Done(outcome);
        }
        // A fetch that ended since the step is no longer listed, so the wait may be empty.
        let wait = self.wait_for(|ticket| tickets.contains(&ticket));
        Answer::Wait(wait, outcome)
    }

    /// Begins the fetches that are due because of the age of the keys.
    fn refresh(self: &Arc<Self>, now: UnixSeconds) {
        if self.last_due.swap(now.0, Ordering::Relaxed) != now.0 {
            self.begin(self.machine.due(now), now);
        }
    }

    fn begin(self: &Arc<Self>, fetches: Vec<Fetch>, now: UnixSeconds) {
        for fetch in fetches {
            let patience = Duration::from_millis(fetch.limits.patience_ms.into());
            let is_keys = is_keys(&fetch.request);
            if is_keys {
                self.platform.begun(&fetch.request.url, now);
            }
            let (over, end) = oneshot::channel();
            let ticket = fetch.ticket;
            let host = Arc::clone(self);
            let running = Running {
                host: Arc::clone(self),
                ticket,
                _over: over,
            };
            let end = end.shared();
            let patience_ends = self.platform.uptime().saturating_add(patience);
            self.in_flight().push(InFlight {
                ticket,
                patience_ends,
                end,
            });
            self.platform.start(Box::pin(async move {
                host.run(fetch).await;
                drop(running);
            }));
        }
    }

    /// Sends one request, and hands its response to the gate.
    async fn run(&self, fetch: Fetch) {
        let Fetch {
            ticket,
            request,
            limits,
        } = fetch;
        let url = request.url.clone();
        let is_keys = is_keys(&request);
        let limit = self.platform.sleep(Duration::from_secs(limits.secs.into()));
        let fetched = match select(self.platform.fetch(request, limits), limit).await {
            Either::Left((fetched, _)) => fetched.map_err(FetchFailure::Platform),
            Either::Right(_) => Err(FetchFailure::Late(limits.secs)),
        };
        let now = self.platform.now();
        let response = fetched.as_ref().ok().map(|fetched| FetchResponse {
            status: fetched.status,
            body: &fetched.body,
        });
        let resumed = self.machine.resume(ticket, response, now);
        let (body, result) = match fetched {
            Ok(fetched) => (fetched.body, resumed.map_err(FetchFailure::Rejected)),
            Err(failure) => (Vec::new(), Err(failure)),
        };
        self.platform.ended(&FetchEnded {
            url: &url,
            is_keys,
            body: if is_keys { &body } else { &[] },
            now,
            result,
        });
    }

    async fn wait(&self, wait: Wait) {
        if wait.ends.is_empty() {
            return;
        }
        let limit = self.platform.sleep(wait.at_most);
        select(Box::pin(wait.ended()), limit).await;
    }

    /// The fetches with these tickets that a request still waits for.
    fn wait_for(&self, is_meant: impl Fn(u32) -> bool) -> Wait {
        let now = self.platform.uptime();
        let mut wait = Wait {
            ends: Vec::new(),
            at_most: Duration::ZERO,
        };
        for fetch in self.in_flight().iter() {
            let left = fetch.patience_ends.saturating_sub(now);
            if is_meant(fetch.ticket) && !left.is_zero() {
                wait.ends.push(fetch.end.clone());
                wait.at_most = wait.at_most.max(left);
            }
        }
        wait
    }
}

impl<M, P> Host<M, P> {
    // The list is changed in one step each time, so a panic elsewhere leaves it complete.
    fn in_flight(&self) -> MutexGuard<'_, Vec<InFlight>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a request is for a key set; others are posted for a sign-in.
fn is_keys(request: &FetchRequest) -> bool {
    request.method == "GET"
}

/// Removes a fetch from the list when its task ends, also by a panic. A fetch that never ended would delay every
/// request that names an unknown key ID.
struct Running<M, P> {
    host: Arc<Host<M, P>>,
    ticket: u32,
    /// Dropped after the fetch is removed from the list.
    _over: oneshot::Sender<()>,
}

impl<M, P> Drop for Running<M, P> {
    fn drop(&mut self) {
        let ticket = self.ticket;
        self.host.in_flight().retain(|fetch| fetch.ticket != ticket);
    }
}
