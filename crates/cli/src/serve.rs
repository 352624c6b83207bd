//! `tollgate serve`: a policy in front of a directory or another server, for trying it in a browser.

mod live;

use core::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use clap::{Args, ValueEnum};
use tollgate_core::UnixSeconds;
use tollgate_server::{
    Assumed, BindError, Caching, Clock, KeysFetched, Listen, LocalEdge, Options, Origin,
    UpstreamOptions,
};

use crate::failure::{Failure, Problem, warn};
use crate::output::{self, STRONG, styled, visible};
use crate::record::{self, Log};
use crate::trust::TrustArgs;
use crate::verdict::Verdict;
use crate::{input, person, policy};

/// Run a local edge: the policy in front of a directory or another server
#[derive(Args)]
#[command(after_help = "\
Examples:
  tollgate serve policy --root site
  tollgate serve policy --root site --as alice --watch
  tollgate serve policy --upstream http://127.0.0.1:9000 --listen 127.0.0.1:8080 --log json

The server uses plain HTTP, has no index documents, and does not follow symbolic links.
It logs one line per decision to standard error. Press Ctrl-C to stop it.
For production, beside a proxy or as the proxy, use `tollgate authz`.")]
pub(crate) struct Serve {
    /// The policy directory, or a policy image [default: the nearest directory with `site.toml`]
    dir: Option<PathBuf>,
    /// The same as DIR
    #[arg(long, value_name = "DIR", conflicts_with = "dir")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    origin: OriginArgs,
    /// Listen on this address; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = input::listen)]
    listen: SocketAddr,
    /// Allow an address that other machines can reach
    #[arg(long)]
    allow_remote: bool,
    /// Use the last entry of `x-forwarded-for` as the client's address; only safe behind a proxy that sets it
    #[arg(long)]
    trust_forwarded_for: bool,
    /// Mark responses that required a token `private`, or leave `Cache-Control` to the origin
    #[arg(long, value_enum, value_name = "BY", default_value_t = CacheControl::Private)]
    cache_control: CacheControl,
    /// Decide every request at this time, as RFC 3339 or in Unix seconds
    #[arg(long, value_name = "TIME", value_parser = input::time, allow_negative_numbers = true)]
    now: Option<i64>,
    /// The format of the decision log
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Log::Text)]
    log: Log,
    /// Treat requests without a token as requests of this user of the policy's test files; only on loopback
    #[arg(long = "as", value_name = "PERSON", conflicts_with = "allow_remote")]
    person: Option<String>,
    /// Load the policy again when its files change; while it has errors, the previous one stays in use
    #[arg(long)]
    watch: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct OriginArgs {
    /// Serve the files of this directory
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Forward requests to this server, `http://host:port`
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CacheControl {
    /// Forbid shared caches to store them
    Private,
    /// Do not change them
    Origin,
}

/// Warns about a fetch that failed or was only partly useful.
pub(crate) fn report_fetch(fetched: &KeysFetched<'_>) {
    let what = if fetched.is_keys {
        "keys of"
    } else {
        "sign-in at"
    };
    match &fetched.result {
        Ok(accepted) => {
            for skipped in &accepted.skipped {
                warn(format_args!("{what} {}: {skipped}", fetched.url));
            }
        }
        Err(error) => warn(format_args!("{what} {}: {error}", fetched.url)),
    }
}

/// Whether an origin of the site is this server.
fn is_here(origin: &str, address: SocketAddr) -> bool {
    let host = origin.strip_prefix("http://").unwrap_or_default();
    host == address.to_string() || host == format!("localhost:{}", address.port())
}

impl Serve {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let origin = self.origin.open()?;
        let policy = policy::folder_or_default(self.dir.or(self.policy))?;
        let mut trust = self.trust.read()?;
        let gate = policy::gate(&policy, trust.as_mut())?;
        let person = self.person.as_deref();
        let claims = person.map(|name| person::named(name, &policy, &gate));
        let assume: Option<Assumed> = claims
            .transpose()?
            .map(|person| Arc::new(RwLock::new(person.claims.clone())));
        let id = gate.policy_id();
        let sign_in = gate.config().sign_in.as_ref();
        let origins = sign_in.map(|sign_in| sign_in.origins.clone());
        let options = Options {
            allow_remote: self.allow_remote,
            trust_forwarded_for: self.trust_forwarded_for,
            caching: match self.cache_control {
                CacheControl::Private => Caching::Private,
                CacheControl::Origin => Caching::Origin,
            },
            clock: self
                .now
                .map_or(Clock::System, |now| Clock::Fixed(UnixSeconds(now))),
            log: record::log(self.log, None),
            keys_log: Box::new(report_fetch),
            reload: match self.watch {
                true => Some(live::reload(&policy, trust, person, assume.clone())?),
                false => None,
            },
            assume,
        };
        let listen = self.listen;
        let edge = LocalEdge::bind(listen, gate, origin, options).map_err(|error| match error {
            BindError::Io(error) => Failure::Listen {
                option: "--listen",
                listen: Listen::Tcp(listen),
                error,
            },
            error => Failure::Bind(error),
        })?;
        if self.allow_remote && !listen.ip().is_loopback() {
            warn(format_args!(
                "other machines can reach `{listen}`, and connections are not encrypted; for production use `tollgate authz --upstream`"
            ));
        }
        if let Some(origins) = origins
            && !origins.iter().any(|origin| is_here(origin, edge.addr()))
        {
            warn(format_args!(
                "sign-in returns to `{}`: add `\"http://localhost:{}\"` to `origins` of `[sign_in]`, and open that address",
                origins.first().map_or("", String::as_str),
                edge.addr().port()
            ));
        }
        if let Some(name) = person {
            warn(format_args!(
                "every client without a token is treated as `{}`: use this only to try the policy on this machine",
                visible(name)
            ));
        }
        output::print(format_args!(
            "{} http://{} (policy {id})",
            styled(STRONG, "serving"),
            edge.addr()
        ))?;
        edge.run_until_interrupted();
        Ok(Verdict::Yes)
    }
}

impl OriginArgs {
    fn open(&self) -> Result<Origin, Failure> {
        match (&self.root, &self.upstream) {
            (Some(root), _) => Origin::folder(root).map_err(|error| Failure::Read {
                path: root.clone(),
                error,
            }),
            (None, upstream) => {
                let value = upstream.clone().unwrap_or_default();
                Origin::upstream(&value, UpstreamOptions::default()).map_err(|problem| {
                    Failure::Argument {
                        name: "--upstream",
                        value,
                        problem: Problem::Upstream(problem),
                    }
                })
            }
        }
    }
}
