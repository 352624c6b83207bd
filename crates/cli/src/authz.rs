//! `tollgate authz`: the decision service beside a proxy, or the proxy itself.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use clap::Args;
use tollgate_core::UnixSeconds;
use tollgate_gate::{Gate, Trust};
use tollgate_server::{
    AssertionKey, Authz as Server, AuthzError, AuthzOptions, Caching, Clock, Event, Listen, Origin,
    PeerNetworks, PolicySource, Tls, UpstreamOptions,
};

use crate::failure::{Failure, Problem, warn, warn_of};
use crate::output::{self, STRONG, styled};
use crate::serve::{self, Log};
use crate::trust::TrustArgs;
use crate::verdict::Verdict;
use crate::{input, policy};

/// The time between two looks at the policy.
const INTERVAL: Duration = Duration::from_secs(1);

/// Run the decision service beside a proxy: nginx, Traefik, Caddy, HAProxy, Envoy
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate authz --policy policy.tgi --listen 127.0.0.1:9191 --peers 127.0.0.1
  tollgate authz --policy policy.tgi --trust trust.json --listen unix:/run/tollgate/authz.sock
  tollgate authz --policy policy --listen 0.0.0.0:8080 --peers 10.0.0.0/8 --upstream http://127.0.0.1:9000

Endpoints: /auth/nginx, /auth/ingress-nginx, /auth/haproxy, /auth/forward (Traefik, Caddy), /auth/envoy/…,
gRPC envoy.service.auth.v3.Authorization/Check, /access/v1/evaluation (AuthZEN), /assertion-keys,
/healthz, /readyz, /metrics. `tollgate build --target nginx` writes the configuration of the proxy.

SIGHUP, or a change of the file, loads the policy again; an invalid one changes nothing. SIGTERM drains and
stops. It logs one line per decision to standard error.")]
pub(crate) struct Authz {
    /// The policy image, or a policy directory
    #[arg(long, value_name = "IMAGE|DIR")]
    policy: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// Listen on this address, or on a Unix socket
    #[arg(long, value_name = "ADDRESS|unix:PATH")]
    listen: String,
    /// The proxies that may connect: addresses and networks, separated by spaces or commas
    #[arg(long, value_name = "CIDR", num_args = 1.., value_delimiter = ',')]
    peers: Vec<String>,
    /// Be the proxy: forward allowed requests to this server
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// With `--upstream`: use the last entry of `x-forwarded-for` as the client's address; only safe if all peers
    /// are proxies that set it
    #[arg(long, requires = "upstream")]
    trust_forwarded_for: bool,
    /// With `--upstream`: the largest request body in bytes [default: any]
    #[arg(long, value_name = "BYTES", requires = "upstream")]
    max_body: Option<usize>,
    /// With `--upstream`: the time until its response begins, in seconds
    #[arg(long, value_name = "SECS", requires = "upstream", default_value_t = 60)]
    upstream_timeout: u64,
    /// Serve health checks and metrics at this address too, to everybody
    #[arg(long, value_name = "ADDRESS")]
    status: Option<core::net::SocketAddr>,
    /// Encrypt connections with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Sign assertions with this key, as written by `tollgate keygen` [default: a new key for each start]
    #[arg(long, value_name = "FILE")]
    assertion_key: Option<PathBuf>,
    /// Report for so many seconds that the server is not ready, before it stops
    #[arg(long, value_name = "SECS", default_value_t = 0)]
    drain: u64,
    /// The largest number of connections at a time
    #[arg(long, value_name = "COUNT", default_value_t = 16_384)]
    max_connections: usize,
    /// Decide every request at this time, as RFC 3339 or in Unix seconds
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// The format of the decision log
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Log::Json)]
    log: Log,
}

impl Authz {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let listen = self.listen()?;
        let peers = self.peers()?;
        let key = self.assertion_key()?;
        let mut trust = self.trust.read()?;
        let gate = policy::gate(&self.policy, trust.as_mut())?;
        let id = gate.policy_id();
        let source = Arc::new(Watched {
            path: self.policy.clone(),
            trust: Mutex::new(trust),
            stamp: Mutex::new(stamp(&self.policy)),
        });
        let tls = self.tls_cert.clone().zip(self.tls_key.clone());
        let options = AuthzOptions {
            peers,
            status: self.status,
            upstream: self.upstream()?,
            trust_forwarded_for: self.trust_forwarded_for,
            caching: Caching::Private,
            tls: tls.map(|(certificate, key)| Tls { certificate, key }),
            key,
            clock: self
                .now
                .map_or(Clock::System, |now| Clock::Fixed(UnixSeconds(now))),
            drain: Duration::from_secs(self.drain),
            max_connections: self.max_connections,
            log: serve::log(self.log),
            fetched: Box::new(serve::report_fetch),
            events: Box::new(report),
        };
        let server = Server::bind(&listen, gate, source, options).map_err(|error| match error {
            AuthzError::NoPeers => Failure::NoPeers,
            error => Failure::Authz {
                listen: self.listen.clone(),
                error,
            },
        })?;
        let shown = server
            .addr()
            .map_or_else(|| self.listen.clone(), |addr| addr.to_string());
        output::print(format_args!(
            "{} {shown} (policy {id})",
            styled(STRONG, "serving")
        ))?;
        if let Some(status) = server.status_addr() {
            output::print(format_args!("{} {status}", styled(STRONG, "status")))?;
        }
        server.run_until_interrupted();
        Ok(Verdict::Yes)
    }

    fn listen(&self) -> Result<Listen, Failure> {
        match self.listen.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Listen::Unix(path.into())),
            _ => match self.listen.parse() {
                Ok(addr) => Ok(Listen::Tcp(addr)),
                Err(_) => Err(Failure::Argument {
                    name: "--listen",
                    value: self.listen.clone(),
                    problem: Problem::Listen,
                }),
            },
        }
    }

    fn peers(&self) -> Result<PeerNetworks, Failure> {
        let peers = self.peers.iter().flat_map(|list| list.split_whitespace());
        let parsed = peers.map(|peer| {
            peer.parse().map_err(|problem| Failure::Argument {
                name: "--peers",
                value: peer.to_owned(),
                problem: Problem::Peer(problem),
            })
        });
        let lists: Vec<PeerNetworks> = parsed.collect::<Result<_, _>>()?;
        Ok(lists.into_iter().collect())
    }

    fn assertion_key(&self) -> Result<AssertionKey, Failure> {
        let Some(path) = &self.assertion_key else {
            return AssertionKey::generate().map_err(Failure::ImageSigning);
        };
        let pem = input::read_text(path)?;
        AssertionKey::from_pem(&pem).map_err(|error| Failure::ImageKey {
            path: path.clone(),
            error,
        })
    }

    fn upstream(&self) -> Result<Option<Origin>, Failure> {
        let Some(url) = &self.upstream else {
            return Ok(None);
        };
        let options = UpstreamOptions {
            max_body_bytes: self.max_body,
            answer_timeout: Duration::from_secs(self.upstream_timeout),
            keeps_host: true,
            is_https: self.tls_cert.is_some(),
        };
        let origin = Origin::upstream(url, options);
        origin.map(Some).map_err(|problem| Failure::Argument {
            name: "--upstream",
            value: url.clone(),
            problem: Problem::Upstream(problem),
        })
    }
}

fn report(event: &Event<'_>) {
    match event {
        Event::Loaded(id) => output::note(format_args!("{} policy {id}", styled(STRONG, "loaded"))),
        Event::NotLoaded(error) => {
            warn(format_args!("{error}; the previous version stays in use"));
        }
        Event::Draining => output::note(format_args!("{}", styled(STRONG, "stopping"))),
        Event::Stranger(ip) => warn(format_args!(
            "refused `{ip}`, which is not in `--peers`; reported once"
        )),
        _ => {}
    }
}

/// A policy file or directory that is loaded again when it changes.
struct Watched {
    path: PathBuf,
    trust: Mutex<Option<Trust>>,
    stamp: Mutex<Stamp>,
}

/// The state of files: the newest time of change, the number of files, and their total length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    newest: Option<SystemTime>,
    files: u64,
    bytes: u64,
}

fn stamp(path: &Path) -> Stamp {
    let mut stamp = Stamp::default();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(found) = std::fs::metadata(&path) else {
            continue;
        };
        if found.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| entry.path()));
        }
        stamp.newest = stamp.newest.max(found.modified().ok());
        stamp.files += 1;
        stamp.bytes += found.len();
    }
    stamp
}

impl PolicySource for Watched {
    fn load(&self, always: bool) -> Result<Option<Gate<Vec<u8>>>, String> {
        let now = stamp(&self.path);
        {
            let mut last = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
            if *last == now && !always {
                return Ok(None);
            }
            // Also if it cannot be loaded: the error is reported once, and again after the next change.
            *last = now;
        }
        let mut trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        match policy::gate(&self.path, trust.as_mut()) {
            Ok(gate) => Ok(Some(gate)),
            Err(failure) => Err(warn_of(&failure)),
        }
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}
