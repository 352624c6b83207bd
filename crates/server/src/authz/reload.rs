//! Replaces the policy and the certificate while requests are answered.
//!
//! A request keeps the policy that it began with. If the new one is rejected, the old one stays in use. Not here:
//! reading files.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::TlsAcceptor;
use tollgate_gate::Gate;

use super::metrics::Metrics;
use super::{Event, PolicySource, Tls};
use crate::clock::Clock;
use crate::keys::{KeyedGate, KeysFetched, keyed_gate};

/// Called for events.
pub(super) type Events = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
/// Called for fetches.
pub(super) type FetchSink = Arc<dyn Fn(&KeysFetched<'_>) + Send + Sync>;

/// What is needed to replace the policy.
pub(super) struct Reload {
    pub(super) gate: Arc<ArcSwap<KeyedGate>>,
    pub(super) source: Arc<dyn PolicySource>,
    pub(super) tls: Option<(Tls, Arc<ArcSwap<TlsAcceptor>>)>,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: Events,
    pub(super) fetched: FetchSink,
}

/// The SIGHUPs that this process receives.
pub(super) struct Hangups(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

/// Keeps a SIGHUP from ending this process, as early as a program can: until a server is bound, one is dropped. Without
/// it, a reload right after the start would stop the service.
///
/// # Errors
///
/// Returns an error if the signal cannot be handled.
pub fn expect_hangups() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let _context = runtime.enter();
    // The handler stays when this receiver is dropped.
    drop(Hangups::new());
    Ok(())
}

impl Hangups {
    /// Begins to receive them; needs a runtime.
    #[cfg(unix)]
    pub(super) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::hangup()).ok())
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Self {
        Self()
    }

    /// Completes with the next one.
    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(hangups) = &mut self.0
            && hangups.recv().await.is_some()
        {
            return;
        }
        core::future::pending().await
    }
}

/// Prepares a policy for requests.
pub(super) fn serving(
    gate: Gate<Vec<u8>>,
    clock: Clock,
    metrics: &Arc<Metrics>,
    fetched: &FetchSink,
) -> Arc<KeyedGate> {
    let (counted, fetched) = (Arc::clone(metrics), Arc::clone(fetched));
    let sink = move |ended: &KeysFetched<'_>| {
        let what = if ended.is_keys { "keys" } else { "sign_in" };
        let result = if ended.result.is_ok() { "ok" } else { "failed" };
        counted.fetched(what, result);
        fetched(ended);
    };
    // The origin learns who the user is in every answer, whatever the policy says.
    keyed_gate(gate.identifying(), clock, Box::new(sink))
}

impl Reload {
    /// Runs until it is dropped.
    pub(super) async fn run(self, mut hangups: Hangups) {
        let reload = Arc::new(self);
        let mut stamp = reload.tls.as_ref().map(|(tls, _)| tls.stamp());
        loop {
            let asked = tokio::select! {
                () = hangups.next() => true,
                () = tokio::time::sleep(reload.source.interval()) => false,
            };
            reload.metrics.upkeep();
            let worker = Arc::clone(&reload);
            let loading = tokio::task::spawn_blocking(move || worker.policy(asked));
            if loading.await.is_err() {
                reload.failed("the policy could not be loaded: internal error");
            }
            if let Some((tls, acceptor)) = &reload.tls {
                let now = Some(tls.stamp());
                if asked || now != stamp {
                    stamp = now;
                    match tls.acceptor() {
                        Ok(new) => acceptor.store(Arc::new(new)),
                        Err(error) => reload.failed(&error),
                    }
                }
            }
        }
    }

    fn policy(&self, always: bool) {
        let gate = match self.source.load(always) {
            Ok(Some(gate)) => gate,
            Ok(None) => return,
            Err(error) => return self.failed(&error),
        };
        let old = self.gate.load().machine().0.read().policy_id();
        let new = gate.policy_id();
        // The same policy with fetched keys is better than with those of the image only.
        if old == new {
            if always {
                (self.events)(&Event::Unchanged(&new.to_string()));
            }
            return self.metrics.reload("unchanged");
        }
        let site = gate.config().site.clone();
        let gate = serving(gate, self.clock, &self.metrics, &self.fetched);
        self.gate.store(gate);
        self.metrics.reload("changed");
        let (old, new) = (old.to_string(), new.to_string());
        let now = self.clock.now().0;
        self.metrics.loaded(Some(&old), &new, &site, now);
        (self.events)(&Event::Loaded(&new));
    }

    fn failed(&self, error: &str) {
        self.metrics.reload("failed");
        (self.events)(&Event::NotLoaded(error));
    }
}
