//! The gate beside a real proxy: a client, the proxy with its generated configuration, `tollgate authz`, and an origin
//! that records what arrives.
//!
//! Every request is compared with the library in this process, whatever a case expects: nothing that the library does
//! not forward may arrive, and what arrives must be exactly what the library forwards. Not here: the configurations and
//! `authz`, which are the tested programs.

mod check;
mod client;
mod origin;
mod proxy;
mod reading;
mod refusals;
mod service;

use core::net::IpAddr;
use core::time::Duration;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use tollgate_gate::{Action, Context, Gate, Outcome, Request, UnixSeconds};
use tollgate_lab_http::Reply;
use tollgate_testkit::{Answer, Sent};

pub use origin::Seen;
pub use proxy::{CADDY, ENVOY, HAPROXY, NGINX, Proxy, TRAEFIK};

use self::check::{Forwarded, same};
use self::client::{Client, Told};
use self::origin::Origin;
use self::proxy::Process;
use self::service::{Record, Service};
use crate::driver::{Ask, NoAnswer};
use crate::native::sent;
use crate::places::Places;
use crate::policy::Policy;

/// The time in which a proxy must be ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// An address without a meaning in any policy, for requests without one.
const NOWHERE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 10));
/// Response headers of a proxy or a connection.
const OF_PROXIES: [&str; 7] = [
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "transfer-encoding",
    "via",
];

/// The gate beside a proxy, or in front of an upstream.
pub struct Beside {
    name: &'static str,
    refuses: fn(&Request<'_>) -> Option<&'static str>,
    reads: fn(&[u8]) -> Option<Vec<u8>>,
    gate: Gate<Vec<u8>>,
    client: Client,
    /// In the order in which they are stopped.
    process: Option<Process>,
    service: Service,
    origin: Origin,
}

/// What happened to a request.
struct Happened {
    reply: Option<Reply>,
    records: Vec<Record>,
    seen: Vec<Seen>,
}

impl Beside {
    /// Starts a proxy, `tollgate authz`, and an origin.
    ///
    /// # Errors
    ///
    /// Returns an error if one of them does not start, or the proxy cannot protect the policy's site.
    pub fn start(proxy: &'static Proxy, places: &Places, policy: &Policy) -> Result<Self> {
        let origin = Origin::start()?;
        let service = Service::start(service::gate(policy.image())?, None)?;
        let process = Process::start(
            proxy,
            places,
            policy,
            service.address(),
            origin.address(),
        )?;
        let mut beside = Self {
            name: proxy.name,
            refuses: proxy.refuses,
            reads: proxy.reads,
            gate: service::gate(policy.image())?,
            client: Client::new(process.address(), Told::ProxyProtocol),
            process: Some(process),
            service,
            origin,
        };
        beside.wait()?;
        Ok(beside)
    }

    /// Starts `tollgate authz` as the proxy of an origin.
    ///
    /// # Errors
    ///
    /// As [`Beside::start`].
    pub fn in_front(policy: &Policy) -> Result<Self> {
        let origin = Origin::start()?;
        let upstream = Some(origin.address());
        let service = Service::start(service::gate(policy.image())?, upstream)?;
        Ok(Self {
            name: "authz",
            refuses: refusals::authz,
            reads: |_| None,
            gate: service::gate(policy.image())?,
            client: Client::new(service.address(), Told::ForwardedFor),
            process: None,
            service,
            origin,
        })
    }

    /// Waits until the proxy asks.
    fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        let request = Request {
            method: "GET",
            target: b"/ready",
            headers: &[],
            ip: None,
            now: UnixSeconds(0),
            entropy: None,
        };
        loop {
            let asked = self.client.ask(&request, NOWHERE);
            if asked.is_ok() && !self.service.take().is_empty() {
                self.origin.take();
                return Ok(());
            }
            let process = self.process.as_mut().context("no process")?;
            process.pause()?;
            ensure!(
                began.elapsed() < PATIENCE,
                "{} does not ask: {asked:?}\n{}",
                self.name,
                process.log()
            );
        }
    }

    /// Sends a request and collects what happened.
    fn send(&mut self, request: &Request<'_>, ip: IpAddr) -> Result<Happened> {
        service::set_now(request.now);
        let before = (self.origin.take(), self.service.take());
        if before != (Vec::new(), Vec::new()) {
            return Err(self.wrong(format!("after an earlier response: {:?}", before.0)));
        }
        let reply = self.client.ask(request, ip)?;
        Ok(Happened {
            reply,
            records: self.service.take(),
            seen: self.origin.take(),
        })
    }

    fn wrong(&self, what: String) -> anyhow::Error {
        let log = self.process.as_ref().map(Process::log).unwrap_or_default();
        let last = log.lines().last().unwrap_or_default();
        let more = match last.is_empty() {
            true => String::new(),
            false => format!("\n  {}: {last}", self.name),
        };
        NoAnswer::Wrong(what + &more).into()
    }

    /// The answer to a request that was not forwarded.
    fn denied(&self, request: &Request<'_>, outcome: &Outcome, reply: &Reply) -> Result<Answer> {
        let mut got = sent_to_client(reply);
        let Some(mut wanted) = sent(&outcome.action) else {
            return Err(self.wrong(format!(
                "allowed, but nothing reached the origin: status {}",
                reply.status
            )));
        };
        for name in OF_PROXIES {
            wanted.headers.remove(name);
        }
        if request.method == "HEAD" {
            // It has no body, but otherwise the response to GET.
            got.body.clone_from(&wanted.body);
        }
        let checked = same("status", outcome.status, reply.status)
            .and_then(|()| same("response", format!("{wanted:?}"), format!("{got:?}")));
        checked.map_err(|what| self.wrong(what))?;
        Ok(Answer {
            response: Some(got),
            ..Answer::new(
                outcome.kind.code().parse()?,
                reply.status,
                outcome.reason.code().parse()?,
            )
        })
    }

    /// The answer to a request about which the proxy did not ask.
    fn refused(
        &self,
        request: &Request<'_>,
        outcome: &Outcome,
        reply: Option<&Reply>,
    ) -> Result<Answer> {
        let status = reply.map(|reply| reply.status);
        let said = status.map_or("closes the connection".to_owned(), |status| {
            format!("responds with {status}")
        });
        let Some(why) = (self.refuses)(request) else {
            return Err(self.wrong(format!("did not ask, and {said}")));
        };
        if let Some(reply) = reply
            && reply.status < 400
            && request.target != b"*"
        {
            return Err(self.wrong(format!("did not ask, and {said}")));
        }
        // The fault that the proxy found is its own, but it has the same consequence.
        if outcome.kind == tollgate_gate::Kind::Reject && status == Some(outcome.status) {
            return Ok(Answer {
                detail: outcome.detail.map(str::to_owned),
                ..Answer::new(
                    outcome.kind.code().parse()?,
                    outcome.status,
                    outcome.reason.code().parse()?,
                )
            });
        }
        let why = format!("{} {said} itself: {why}", self.name);
        Err(NoAnswer::Skip(why).into())
    }
}

impl Ask for Beside {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let read = self.read(request);
        let answer = self.decided(request, &read)?;
        // Everything was checked for the request that the proxy read; the case expects something about another.
        match self.rewritten(request, &read) {
            None => Ok(answer),
            Some(why) => Err(NoAnswer::Skip(why).into()),
        }
    }

    fn cannot(&self, request: &Request<'_>) -> Option<String> {
        let is_line = |bytes: &[u8]| !bytes.iter().any(|byte| b"\r\n".contains(byte));
        let mut headers = request.headers.iter();
        let has_lines = is_line(request.target)
            && is_line(request.method.as_bytes())
            && headers.all(|(name, value)| is_line(name.as_bytes()) && is_line(value));
        (!has_lines).then(|| "a line of a request cannot contain the end of a line".to_owned())
    }
}

/// A request as a server reads it from a connection.
struct Read<'a> {
    target: Vec<u8>,
    headers: Vec<(&'a str, &'a [u8])>,
    ip: IpAddr,
    address: String,
}

impl Read<'_> {
    fn request<'a>(&'a self, sent: &Request<'a>) -> Request<'a> {
        Request {
            target: &self.target,
            headers: &self.headers,
            ip: Some(&self.address),
            ..*sent
        }
    }
}

impl Beside {
    /// The request as the proxy reads it: no header value begins or ends with a space, and every connection has an
    /// address.
    fn read<'a>(&self, request: &Request<'a>) -> Read<'a> {
        let lines = request.headers.iter();
        let ip = request.ip.and_then(|ip| ip.parse().ok()).unwrap_or(NOWHERE);
        Read {
            target: (self.reads)(request.target).unwrap_or_else(|| request.target.to_vec()),
            headers: lines.map(|(name, value)| (*name, value.trim_ascii())).collect(),
            ip,
            address: ip.to_string(),
        }
    }

    /// Why the answer to the request that was read says nothing about the one that was sent.
    fn rewritten(&self, request: &Request<'_>, read: &Read<'_>) -> Option<String> {
        let decide = |request: &Request<'_>| {
            let outcome = self.gate.ask(request, &mut Context::new());
            let log = Record::of(&outcome.log);
            (log, sent(&outcome.action))
        };
        if decide(request) == decide(&read.request(request)) {
            return None;
        }
        Some(if read.target != request.target {
            format!("{} passes on another target", self.name)
        } else if request.ip.and_then(|ip| ip.parse::<IpAddr>().ok()).is_none() {
            "a connection always has an address".to_owned()
        } else {
            "a header line has no spaces around its value".to_owned()
        })
    }

    /// Sends a request, checks everything, and returns the answer to the request that the proxy read.
    fn decided(&mut self, sent: &Request<'_>, read: &Read<'_>) -> Result<Answer> {
        let request = read.request(sent);
        let outcome = self.gate.ask(&request, &mut Context::new());
        let Happened {
            reply,
            records,
            seen,
        } = self.send(sent, read.ip)?;
        let seen = match (&outcome.action, seen.as_slice()) {
            (_, []) => None,
            (Action::Forward(forward), [one]) => Some((forward, one)),
            (Action::Forward(_), more) => {
                return Err(self.wrong(format!("{} requests reached the origin", more.len())));
            }
            (Action::Serve(_) | Action::Refuse(_), some) => {
                let some: Vec<String> = some.iter().map(Seen::to_string).collect();
                let what = some.join(" | ");
                return Err(self.wrong(format!("not allowed, but the origin received {what}")));
            }
        };
        let native = Record::of(&outcome.log);
        match records.as_slice() {
            [] if seen.is_none() => return self.refused(&request, &outcome, reply.as_ref()),
            [one] => {
                let one = same("decision", format!("{native:?}"), format!("{one:?}"));
                one.map_err(|what| self.wrong(what))?;
            }
            more => return Err(self.wrong(format!("asked {} times", more.len()))),
        }
        let Some(reply) = reply else {
            return Err(self.wrong("no response".to_owned()));
        };
        let answer = match seen {
            None => self.denied(&request, &outcome, &reply)?,
            Some((native, seen)) => {
                let forwarded = Forwarded {
                    request: &request,
                    native,
                    sources: &self.gate.config().sources,
                    public: self.service.public(),
                    seen,
                };
                let checked = forwarded.check();
                let checked = checked.and_then(|()| forwarded.check_reply(&reply));
                checked.map_err(|what| self.wrong(what))?;
                Answer::new(
                    outcome.kind.code().parse()?,
                    reply.status,
                    outcome.reason.code().parse()?,
                )
            }
        };
        Ok(Answer {
            detail: native.detail,
            rule: native.rule,
            policy: native.policy,
            ..answer
        })
    }
}

/// The response without what belongs to the proxy or the connection.
fn sent_to_client(reply: &Reply) -> Sent {
    let headers = reply.headers.iter();
    let own = headers.filter(|(name, _)| !OF_PROXIES.contains(&name.as_str()));
    Sent::new(own.cloned(), String::from_utf8_lossy(&reply.body))
}
