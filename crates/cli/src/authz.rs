//! `tollgate authz`: the decision service beside a proxy, or the proxy itself.

pub(crate) mod source;

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use tollgate_core::UnixSeconds;
use tollgate_server::{
    AssertionKey, Authz as Server, AuthzError, AuthzOptions, Caching, Clock, Event, Listen, Origin,
    PeerNetworks, Tls, UpstreamOptions, expect_hangups,
};

use crate::failure::{Failure, Problem, warn};
use crate::input;
use crate::output::{self, STRONG, styled};
use crate::record::{self, Addresses, Log};
use crate::serve;
use crate::trust::TrustArgs;
use crate::verdict::Verdict;

use source::Source;

/// Run the decision service beside a proxy: nginx, Traefik, Caddy, HAProxy, Envoy
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate authz --policy policy.tgi --listen 127.0.0.1:9191 --peers 127.0.0.1
  tollgate authz --policy policy.tgi --trust trust.json --listen unix:/run/tollgate/authz.sock
  tollgate authz --policy https://policies.example.com/site.tgi --trust trust.json --listen 127.0.0.1:9191 --peers 127.0.0.1
  tollgate authz --policy s3://my-policies/policy.tgi --trust trust.json --listen 127.0.0.1:9191 --peers 127.0.0.1
  tollgate authz --policy policy --listen 0.0.0.0:8080 --peers 10.0.0.0/8 --upstream http://127.0.0.1:9000

Endpoints: /auth/nginx, /auth/ingress-nginx, /auth/haproxy, /auth/forward (Traefik, Caddy), /auth/envoy/…,
gRPC envoy.service.auth.v3.Authorization/Check, /access/v1/evaluation (AuthZEN), /assertion-keys,
/healthz, /readyz, /metrics. `tollgate build --target nginx` writes the configuration of the proxy.

SIGHUP, or a change of the file, loads the policy again; an invalid one changes nothing. SIGTERM drains and
stops. It logs one line per decision to standard error.")]
pub(crate) struct Authz {
    /// The policy image, a policy directory, or the URL of a signed image: `https://…`, or `s3://BUCKET/KEY` with the
    /// AWS credentials and region of the environment
    #[arg(long, value_name = "IMAGE|DIR|URL")]
    policy: String,
    /// With a URL: the time between two requests for the policy, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    poll: u64,
    #[command(flatten)]
    trust: TrustArgs,
    /// Listen on this address, or on a Unix socket
    #[arg(long, value_name = "ADDRESS|unix:PATH", value_parser = input::listen_or_socket)]
    listen: Listen,
    /// With a Unix socket: its permissions, in octal. Who may write to it may connect
    #[arg(long, value_name = "MODE", default_value = "0660", value_parser = socket_mode)]
    socket_mode: u32,
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
    #[arg(long, value_name = "SECS", requires = "upstream", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    upstream_timeout: u64,
    /// Serve health checks and metrics at this address too, to any client
    #[arg(long, value_name = "ADDRESS", value_parser = input::listen)]
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
    #[arg(long, value_name = "SECS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=86_400))]
    drain: u64,
    /// Close a connection after so many seconds without a request, longer than the proxy keeps idle ones (nginx: 60);
    /// also the time for a request head
    #[arg(long, value_name = "SECS", default_value_t = 75, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    idle_timeout: u64,
    /// The largest number of connections at a time
    #[arg(long, value_name = "COUNT", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,
    /// Decide every request at this time, as RFC 3339 or in Unix seconds
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// The format of the decision log
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Log::Json)]
    log: Log,
    /// The client's address in the decision log
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Addresses::Truncated)]
    log_address: Addresses,
}

impl Authz {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        expect_hangups().map_err(Failure::Runtime)?;
        let peers = self.peers()?;
        let key = self.assertion_key()?;
        let poll = Duration::from_secs(self.poll);
        let (source, gate) = Source::open(&self.policy, self.trust.read()?, poll)?;
        let id = gate.policy_id();
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
            idle: Duration::from_secs(self.idle_timeout),
            max_connections: usize::try_from(self.max_connections).unwrap_or(usize::MAX),
            log: record::log(self.log, Some(self.log_address)),
            fetched: Box::new(serve::report_fetch),
            events: report(self.log),
        };
        let server =
            Server::bind(&self.listen(), gate, Arc::new(source), options).map_err(|error| {
                match error {
                    AuthzError::NoPeers => Failure::NoPeers,
                    AuthzError::Status(error) => Failure::Listen {
                        option: "--status",
                        listen: self.status.map(Listen::Tcp).unwrap_or(self.listen.clone()),
                        error,
                    },
                    AuthzError::Listen(error) => Failure::Listen {
                        option: "--listen",
                        listen: self.listen.clone(),
                        error,
                    },
                    error => Failure::Authz(error),
                }
            })?;
        let shown = server
            .addr()
            .map_or_else(|| shown(&self.listen), |addr| addr.to_string());
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

    fn listen(&self) -> Listen {
        match self.listen.clone() {
            Listen::Unix { path, mode: _ } => Listen::Unix {
                path,
                mode: self.socket_mode,
            },
            tcp @ Listen::Tcp(_) => tcp,
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

/// Parses permissions. Those of a file have nine bits, and without write permission of the owner the server itself could
/// not tell a socket in use from one that was left behind.
fn socket_mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok();
    let is_usable = |mode: &u32| *mode <= 0o777 && mode & 0o200 != 0;
    mode.filter(is_usable).ok_or_else(|| {
        "write permissions in octal with write access of the owner, such as `0660`".to_owned()
    })
}

/// Where a server listens, as the option names it.
pub(crate) fn shown(listen: &Listen) -> String {
    match listen {
        Listen::Tcp(addr) => addr.to_string(),
        Listen::Unix { path, .. } => format!("unix:{}", path.display()),
    }
}

/// Reports an event in the form of the log, so that every line of it can be parsed.
fn report(form: Log) -> Box<dyn Fn(&Event<'_>) + Send + Sync> {
    Box::new(move |event| {
        let (name, text) = match event {
            Event::Loaded(id) => ("loaded", format!("policy {id}")),
            Event::Unchanged(id) => ("unchanged", format!("policy {id}")),
            Event::NotLoaded(error) => (
                "not_loaded",
                format!("{error}; the previous version stays in use"),
            ),
            Event::Draining => ("stopping", String::new()),
            Event::Stranger(ip) => (
                "stranger",
                format!(
                    "every request of `{ip}` gets 403, because it is not in `--peers`; if it is the proxy, add `{ip}`"
                ),
            ),
            Event::Rejected(dialect, reason) => (
                "rejected",
                format!("a question in the dialect `{dialect}` was rejected: {reason}"),
            ),
            _ => return,
        };
        match (form, event) {
            (Log::Json, _) => {
                let time = input::now_or_clock(None).0;
                let mut line = json!({ "time": time, "event": name, "message": text });
                if let (Event::Stranger(ip), Some(line)) = (event, line.as_object_mut()) {
                    line.insert("peer".to_owned(), ip.to_string().into());
                }
                output::note_json(line);
            }
            (_, Event::Loaded(_) | Event::Unchanged(_) | Event::Draining) => {
                output::note(format_args!("{} {text}", styled(STRONG, name)));
            }
            _ => warn(text),
        }
    })
}
