//! `tollgate authz` in this process, with the time of the case, and with a record of its decisions.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_crypto::image_key::ImageKey;
use tollgate_gate::{Gate, LogRecord};
use tollgate_server::{
    AssertionKey, Authz, AuthzOptions, Caching, Clock, Listen, Origin, PeerNetworks, PolicySource,
    Running, Served, UpstreamOptions,
};

/// The time of all servers in this process. Targets run one after another.
static NOW: AtomicI64 = AtomicI64::new(0);
const MAX_CONNECTIONS: usize = 1_024;
/// No policy is loaded again.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) outcome: &'static str,
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) detail: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) policy: Option<String>,
}

impl Record {
    pub(super) fn of(log: &LogRecord) -> Self {
        Self {
            outcome: log.outcome.code(),
            status: log.status,
            reason: log.reason.code(),
            detail: log.detail.map(str::to_owned),
            rule: log.rule.clone(),
            policy: log.policy.map(|id| id.to_string()),
        }
    }
}

/// The running server, stopped on drop.
pub(super) struct Service {
    running: Running,
    records: Arc<Mutex<Vec<Record>>>,
    public: [u8; 32],
}

struct Unchanged;

impl PolicySource for Unchanged {
    fn load(&self, _: bool) -> Result<Option<Gate<Vec<u8>>>, String> {
        Ok(None)
    }

    fn interval(&self) -> Duration {
        NEVER
    }
}

impl Service {
    /// Starts it for proxies that ask, or as the proxy in front of an upstream.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub(super) fn start(
        gate: Gate<Vec<u8>>,
        upstream: Option<SocketAddr>,
        trust_forwarded_for: bool,
    ) -> Result<Self> {
        let key = ImageKey::generate()?;
        let public = key.public()?;
        let pem = key.to_pem()?;
        let key = AssertionKey::from_pem(&pem).map_err(|error| anyhow!("{error}"))?;
        let records = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&records);
        let log = move |served: &Served<'_>| {
            let records = own.lock();
            let mut records = records.unwrap_or_else(PoisonError::into_inner);
            records.push(Record::of(served.record));
        };
        let peers: PeerNetworks = "127.0.0.0/8".parse().map_err(|error| anyhow!("{error}"))?;
        let upstream = upstream.map(|upstream| {
            let options = UpstreamOptions {
                keeps_host: true,
                ..UpstreamOptions::default()
            };
            Origin::upstream(&format!("http://{upstream}"), options)
        });
        let options = AuthzOptions {
            peers,
            status: None,
            upstream: upstream.transpose()?,
            trust_forwarded_for,
            caching: Caching::Private,
            tls: None,
            key,
            clock: Clock::Custom(now),
            drain: Duration::ZERO,
            idle: Duration::from_secs(75),
            max_connections: MAX_CONNECTIONS,
            log: Box::new(log),
            fetched: Box::new(|_| ()),
            events: Box::new(|_| ()),
        };
        let listen = Listen::Tcp((Ipv4Addr::LOCALHOST, 0).into());
        let bound = Authz::bind(&listen, gate, Arc::new(Unchanged), options);
        let running = bound.context("tollgate authz")?.run_in_background();
        Ok(Self {
            running,
            records,
            public,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.running.addr()
    }

    /// The key that verifies assertions.
    pub(super) fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Returns the decisions since the last call.
    pub(super) fn take(&self) -> Vec<Record> {
        let records = self.records.lock();
        core::mem::take(&mut *records.unwrap_or_else(PoisonError::into_inner))
    }
}

/// Sets the time of all servers.
pub(super) fn set_now(now: UnixSeconds) {
    NOW.store(now.0, Ordering::SeqCst);
}

fn now() -> UnixSeconds {
    UnixSeconds(NOW.load(Ordering::SeqCst))
}

/// The gate as `tollgate authz` runs it.
///
/// # Errors
///
/// Returns an error if it rejects the image.
pub(super) fn gate(image: &[u8]) -> Result<Gate<Vec<u8>>> {
    let gate = Gate::new(image.to_vec(), &Native);
    let gate = gate.map_err(|error| anyhow!("the gate rejects the image: {error}"))?;
    Ok(gate.identifying())
}
