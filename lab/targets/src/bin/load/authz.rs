//! `tollgate authz` under load and faults: killed and restarted behind proxies, policies replaced under load, invalid
//! policies, a failing issuer, slow and idle clients, long heads and bodies, memory over many requests.
//!
//! Not here: the decisions themselves, which the conformance cases compare.

mod asks;
mod bodies;
pub(crate) mod origin;
mod parts;
mod proxy;
mod service;

use core::net::SocketAddr;
use core::time::Duration;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tollgate_targets::Policy;
use tollgate_targets::live::issuer::{Issuer, Signed};
use tollgate_targets::live::site;

use asks::{Seen, Tokens};
use proxy::Kind;

/// The time that the server grants for a request head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
const IDLE: usize = 10_000;
/// The soft limit of open files that most systems start services with.
const OPEN_FILES: u32 = 1_024;

/// The programs, and how much is done.
pub(crate) struct Options<'a> {
    pub(crate) tollgate: &'a Path,
    pub(crate) nginx: &'a Path,
    pub(crate) envoy: Option<&'a Path>,
    /// Only what takes seconds.
    pub(crate) quick: bool,
    /// The requests while memory is watched.
    pub(crate) requests: u64,
    /// Only parts whose name contains this text.
    pub(crate) only: Option<&'a str>,
}

/// What all parts need.
struct Setup<'a> {
    tollgate: &'a Path,
    nginx: &'a Path,
    envoy: Option<&'a Path>,
    origin: SocketAddr,
    issuer: Issuer,
    stranger: Issuer,
    older: Policy,
    /// Allows one more path.
    newer: Policy,
    tokens: Tokens,
}

/// The result of a part.
struct Verdict {
    detail: String,
    wrong: Vec<String>,
}

impl Verdict {
    fn new(detail: String) -> Self {
        let wrong = Vec::new();
        Self { detail, wrong }
    }

    fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            self.wrong.push(what.to_owned());
        }
    }

    /// Adds the mistakes that clients have seen.
    fn add(&mut self, seen: &Seen) {
        if seen.wrong_count > 0 {
            self.wrong.push(format!(
                "{} of {} answers are wrong or lost: {}",
                seen.wrong_count,
                seen.answers(),
                seen.wrong.join("; ")
            ));
        }
    }

    fn is_good(&self) -> bool {
        self.wrong.is_empty()
    }
}

type Part = fn(&mut Setup<'_>, &Options<'_>) -> Result<Verdict>;

/// The parts, and whether each is quick.
const PARTS: [(&str, bool, Part); 12] = [
    ("kill, nginx", true, |setup, _| {
        parts::kill(setup, Kind::Nginx)
    }),
    ("kill, envoy", false, |setup, _| {
        parts::kill(setup, Kind::Envoy)
    }),
    ("reload", true, |setup, _| parts::reload(setup, 10_000)),
    ("invalid policies", true, |setup, _| parts::invalid(setup)),
    ("failing issuer", false, |setup, _| parts::issuer(setup)),
    ("slow clients", true, |setup, _| {
        parts::slow(setup, 500, Duration::from_secs(3))
    }),
    ("slow clients, to the end", false, |setup, _| {
        parts::slow(setup, 100, HEAD_TIMEOUT + Duration::from_secs(20))
    }),
    ("idle connections", true, |setup, _| {
        parts::idle(setup, IDLE, None)
    }),
    ("idle, low soft limit", true, |setup, _| {
        parts::idle(setup, IDLE, Some(OPEN_FILES))
    }),
    ("heads", true, |setup, _| parts::heads(setup)),
    ("bodies", true, |setup, _| bodies::run(setup)),
    ("memory", false, |setup, options| {
        parts::flat(setup, options.requests)
    }),
];

/// The number of tokens of allowed users.
const TOKENS: usize = 500;

/// Runs all parts; returns whether all are good, and a JSON list.
pub(crate) fn run(options: &Options<'_>) -> Result<(bool, Vec<Value>)> {
    let issuer = Issuer::start("load")?;
    let stranger = Issuer::start("a stranger")?;
    let mut good = Vec::new();
    for _ in 0..if options.quick { 48 } else { TOKENS } {
        good.push(issuer.token("alice", Signed::Older)?);
    }
    let mut setup = Setup {
        tollgate: options.tollgate,
        nginx: options.nginx,
        envoy: options.envoy,
        origin: origin::start()?,
        older: site::policy(&issuer, "load", false)?,
        newer: site::policy(&issuer, "load", true)?,
        tokens: Tokens {
            good,
            expired: issuer.token("alice", Signed::LongAgo)?,
            forged: issuer.token("alice", Signed::Falsely)?,
        },
        issuer,
        stranger,
    };
    let (mut list, mut passed) = (Vec::new(), 0);
    for (name, is_quick, part) in PARTS {
        let is_chosen = match options.only {
            Some(only) => name.contains(only),
            None => is_quick || !options.quick,
        };
        if !is_chosen {
            continue;
        }
        let began = Instant::now();
        let verdict = part(&mut setup, options).with_context(|| name.to_owned());
        let verdict = verdict.unwrap_or_else(|error| Verdict {
            detail: "could not be run to the end".to_owned(),
            wrong: vec![format!("{error:#}")],
        });
        let mark = if verdict.is_good() { " ok " } else { "FAIL" };
        let secs = began.elapsed().as_secs_f64();
        println!("{mark} {name:24} {secs:>6.1} s  {}", verdict.detail);
        for wrong in &verdict.wrong {
            println!("     WRONG {wrong}");
        }
        passed += usize::from(verdict.is_good());
        list.push(json!({
            "part": name, "good": verdict.is_good(), "seconds": secs, "detail": verdict.detail, "wrong": verdict.wrong,
        }));
    }
    let failed = list.len() - passed;
    println!("authz under load: {passed} passed, {failed} failed, 0 skipped");
    Ok((failed == 0 && passed > 0, list))
}
