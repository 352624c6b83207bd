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
mod relay;
mod service;

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::borrow::Cow;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use tollgate_gate::{Action, Context, Gate, Outcome, Request, UnixSeconds};
use tollgate_lab_http::Reply;
use tollgate_testkit::{Answer, Sent};

pub use origin::Seen;
pub use proxy::{CADDY, ENVOY, HAPROXY, NGINX, Proxy, TRAEFIK};
pub use relay::{Relay, Said};

use self::check::{Forwarded, same};
use self::client::{Client, Told};
use self::origin::Origin;
use self::proxy::Process;
use self::reading::Reading;
use self::refusals::Refusal;
use self::service::{Record, Service};
use crate::driver::{Ask, NoAnswer};
use crate::native;
use crate::places::Places;
use crate::policy::Policy;

/// The time in which a proxy must be ready.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time in which a request reaches the origin after the response to an attempt.
const LATE: Duration = Duration::from_millis(20);
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
    refuses: &'static [Refusal],
    reads: &'static Reading,
    /// The gate of the policy, and as `authz` runs it.
    own: Gate<Vec<u8>>,
    gate: Gate<Vec<u8>>,
    client: Client,
    /// In the order in which they are stopped.
    process: Option<Process>,
    service: Service,
    origin: Origin,
}

/// What came of an attempt.
pub struct Tried {
    /// Everything that the client received.
    pub reply: Vec<u8>,
    /// What reached the origin.
    pub seen: Vec<Seen>,
    /// What is wrong with it, whatever the attempt was.
    pub faults: Vec<String>,
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
        Self::start_with(proxy, places, policy, Ok)
    }

    /// The same, with something between the proxy and `authz` that can answer in its place.
    ///
    /// # Errors
    ///
    /// As [`Beside::start`].
    pub fn start_behind(
        proxy: &'static Proxy,
        places: &Places,
        policy: &Policy,
    ) -> Result<(Self, Relay)> {
        let mut relay = None;
        let beside = Self::start_with(proxy, places, policy, |authz| {
            let started = Relay::start(authz)?;
            let address = started.address();
            relay = Some(started);
            Ok(address)
        })?;
        Ok((beside, relay.context("no relay")?))
    }

    fn start_with(
        proxy: &'static Proxy,
        places: &Places,
        policy: &Policy,
        through: impl FnOnce(SocketAddr) -> Result<SocketAddr>,
    ) -> Result<Self> {
        let origin = Origin::start()?;
        let able = proxy::within_its_means(proxy, policy)?;
        let able = able.as_ref().unwrap_or(policy);
        let service = Service::start(service::gate(able.image())?, None, false)?;
        let authz = through(service.address())?;
        let process = Process::start(proxy, places, able, authz, origin.address())?;
        let mut beside = Self {
            name: proxy.name,
            refuses: proxy.refuses,
            reads: &proxy.reads,
            own: service::gate(policy.image())?,
            gate: service::gate(able.image())?,
            client: Client::new(process.address(), Told::ProxyProtocol),
            process: Some(process),
            service,
            origin,
        };
        beside.wait()?;
        Ok(beside)
    }

    /// Starts `tollgate authz` as the proxy of an origin: behind another proxy, which tells it the addresses of clients,
    /// or for clients that it does not trust.
    ///
    /// # Errors
    ///
    /// As [`Beside::start`].
    pub fn in_front(policy: &Policy, behind_another: bool) -> Result<Self> {
        let origin = Origin::start()?;
        let upstream = Some(origin.address());
        let service = Service::start(service::gate(policy.image())?, upstream, behind_another)?;
        Ok(Self {
            name: "authz",
            refuses: refusals::AUTHZ,
            reads: &reading::EXACT,
            own: service::gate(policy.image())?,
            gate: service::gate(policy.image())?,
            client: Client::new(
                service.address(),
                match behind_another {
                    true => Told::ForwardedFor,
                    false => Told::Nothing,
                },
            ),
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

    /// Sends bytes on a connection of their own.
    ///
    /// # Errors
    ///
    /// Returns an error if nothing listens.
    pub fn attempt(&mut self, now: UnixSeconds, bytes: &[u8]) -> Result<Tried> {
        service::set_now(now);
        let mut faults: Vec<String> = self.origin.take().iter().map(Seen::to_string).collect();
        self.service.take();
        let reply = self.client.attempt(bytes, NOWHERE)?;
        // A proxy that gives up in the middle of a body may respond before the origin has read the head.
        std::thread::sleep(LATE);
        let (seen, records) = (self.origin.take(), self.service.take());
        for seen in &seen {
            let checked = check::witnessed(seen, self.service.public());
            faults.extend(checked.err());
        }
        let allowed = records.iter().filter(|record| record.outcome == "allow");
        if seen.len() > allowed.count() {
            faults.push("more requests reached the origin than were allowed".to_owned());
        }
        Ok(Tried {
            reply,
            seen,
            faults,
        })
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
        let Some(mut wanted) = native::sent(&outcome.action) else {
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
            for name in self.reads.omits {
                if let Some(value) = wanted.headers.get(*name) {
                    let own = got.headers.entry((*name).to_owned());
                    own.or_insert_with(|| value.clone());
                }
            }
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
        let Some(why) = refusals::why(self.refuses, request) else {
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
        if !has_lines {
            return Some("a line of a request cannot contain the end of a line".to_owned());
        }
        let is_word = !request.method.is_empty() && !request.method.contains(' ');
        (!is_word).then(|| "a request line begins with a method".to_owned())
    }
}

/// A request as a server reads it from a connection.
struct Read<'a> {
    target: Vec<u8>,
    headers: Vec<(&'a str, Cow<'a, [u8]>)>,
    ip: IpAddr,
    address: String,
}

impl Read<'_> {
    fn lines(&self) -> Vec<(&str, &[u8])> {
        let lines = self.headers.iter();
        lines.map(|(name, value)| (*name, &**value)).collect()
    }

    fn request<'a>(&'a self, sent: &Request<'a>, lines: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
        Request {
            target: &self.target,
            headers: lines,
            ip: Some(&self.address),
            ..*sent
        }
    }
}

impl Beside {
    /// The request as the proxy reads it: no header value begins or ends with a space, and every connection has an
    /// address.
    fn read<'a>(&self, request: &Request<'a>) -> Read<'a> {
        let Reading {
            target,
            joins,
            omits: _,
        } = self.reads;
        let mut headers: Vec<(&str, Cow<'_, [u8]>)> = Vec::new();
        for (name, value) in request.headers {
            let value = value.trim_ascii();
            let is_same =
                |(known, _): &&mut (&str, Cow<'_, [u8]>)| known.eq_ignore_ascii_case(name);
            let is_joined = joins.iter().any(|known| known.eq_ignore_ascii_case(name));
            match headers.iter_mut().find(is_same).filter(|_| is_joined) {
                Some((_, all)) if value.is_empty() || all.is_empty() => {
                    all.to_mut().extend_from_slice(value);
                }
                Some((_, all)) => {
                    all.to_mut().push(b',');
                    all.to_mut().extend_from_slice(value);
                }
                None => headers.push((name, Cow::Borrowed(value))),
            }
        }
        let ip = request.ip.and_then(|ip| ip.parse().ok()).unwrap_or(NOWHERE);
        Read {
            target: target(request.target),
            headers,
            ip,
            address: ip.to_string(),
        }
    }

    /// Why the answer to the request that was read says nothing about the one that was sent.
    fn rewritten(&self, sent: &Request<'_>, read: &Read<'_>) -> Option<String> {
        let decide = |gate: &Gate<Vec<u8>>, request: &Request<'_>| {
            let outcome = gate.ask(request, &mut Context::new());
            let mut log = Record::of(&outcome.log);
            // A policy within the means of the proxy has another.
            log.policy = None;
            (log, native::sent(&outcome.action))
        };
        let lines = read.lines();
        if decide(&self.own, sent) == decide(&self.gate, &read.request(sent, &lines)) {
            return None;
        }
        let is_joined = read.headers.len() != sent.headers.len();
        Some(if read.target != sent.target {
            format!("{} passes on another target", self.name)
        } else if is_joined {
            format!("{} joins header lines", self.name)
        } else if sent.ip.and_then(|ip| ip.parse::<IpAddr>().ok()).is_none() {
            "a connection always has an address".to_owned()
        } else {
            "a header line has no spaces around its value".to_owned()
        })
    }

    /// Sends a request, checks everything, and returns the answer to the request that the proxy read.
    fn decided(&mut self, sent: &Request<'_>, read: &Read<'_>) -> Result<Answer> {
        let lines = read.lines();
        let request = read.request(sent, &lines);
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
        let decision = Record::of(&outcome.log);
        match records.as_slice() {
            [] if seen.is_none() => return self.refused(sent, &outcome, reply.as_ref()),
            [one] => {
                let one = same("decision", format!("{decision:?}"), format!("{one:?}"));
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
            detail: decision.detail,
            rule: decision.rule,
            policy: Some(self.own.policy_id().to_string()),
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
