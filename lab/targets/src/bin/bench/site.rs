//! Generated sites with any number of courses, one rule each, and tokens that grant access to them.
//!
//! Course N is at `/courses/course-N/` and requires the group `course-N`; every tenth course is open to
//! anyone. The requested courses are spread over the whole site.

use anyhow::{Context, Result};
use tollgate_compiler::SourceTree;
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_mint::{Algorithm, JwkSet, Minter, PrivateKey};
use tollgate_targets::Policy;

/// The time of every request.
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const LIFE_SECS: i64 = 3_600;
const ISSUER: &str = "https://issuer.example";
const CLIENT: &str = "bench";
/// How many different requests are asked in turn, at most.
const ASKED: usize = 256;
/// How many different tokens are asked with in turn where each should be new. Every target that remembers
/// tokens holds fewer than half, so none of these is remembered when its turn comes again.
const NEW_TOKENS: usize = 2_200;
/// Every course whose number this divides is open to anyone.
const OPEN_EVERY: usize = 10;

/// Who signs the tokens.
pub(crate) struct Issuer {
    minter: Minter,
    jwks: String,
}

/// A policy with requests that it allows.
pub(crate) struct Site {
    pub(crate) rules: usize,
    pub(crate) policy: Policy,
    /// Targets of open courses; no token is needed.
    pub(crate) open: Vec<String>,
    /// Targets of closed courses, each with the group and a token that open it.
    pub(crate) closed: Vec<Closed>,
    /// The same courses over and over, each time with another token.
    pub(crate) never_seen: Vec<Closed>,
}

/// One closed course.
pub(crate) struct Closed {
    pub(crate) target: String,
    pub(crate) group: String,
    /// The value of an `authorization` header.
    pub(crate) bearer: String,
}

impl Issuer {
    /// An issuer with an RS256 key of 2,048 bits.
    pub(crate) fn new() -> Result<Self> {
        let key = PrivateKey::generate("bench", "bench-1", Algorithm::RS256, 2_048)?;
        let public = key
            .to_public_jwk()
            .context("an RSA key has a public half")?;
        let jwks = serde_json::to_string(&JwkSet { keys: vec![public] })?;
        Ok(Self {
            minter: Minter::new(key),
            jwks,
        })
    }

    /// A closed course with its token of that number.
    fn closed(&self, course: usize, number: usize) -> Result<Closed> {
        let group = format!("course-{course}");
        Ok(Closed {
            target: target(course),
            bearer: format!("Bearer {}", self.token(&group, number)?),
            group,
        })
    }

    fn token(&self, group: &str, number: usize) -> Result<String> {
        let (now, end) = (NOW.0, NOW.0 + LIFE_SECS);
        let claims = format!(
            "{{\"iss\":\"{ISSUER}\",\"aud\":\"{CLIENT}\",\"sub\":\"bench\",\"jti\":\"{number}\",\"iat\":{now},\"exp\":{end},\
             \"groups\":[\"everybody\",\"{group}\"]}}"
        );
        Ok(self.minter.token(&claims)?)
    }
}

impl Site {
    /// A site of as many courses as rules.
    pub(crate) fn new(rules: usize, issuer: &Issuer) -> Result<Self> {
        let mut sources = SourceTree::new();
        sources.insert("site.toml", SITE);
        sources.insert("keys.json", issuer.jwks.as_str());
        for number in 0..rules {
            let who = if is_open(number) {
                "anyone = true".to_owned()
            } else {
                format!("groups = [\"course-{number}\"]")
            };
            let text = format!(
                "course = \"course-{number}\"\nbase = \"/courses/course-{number}\"\n\
                 [[rule]]\nid = \"all\"\nallow = [\"/**\"]\n{who}\n"
            );
            sources.insert(format!("courses/course-{number}.toml"), text);
        }
        let policy = Policy::from_sources(&sources)?;
        let (open, closed): (Vec<usize>, Vec<usize>) =
            (0..rules).partition(|number| is_open(*number));
        let (open, closed) = (spread(&open), spread(&closed));
        let rounds = closed.iter().cycle().take(NEW_TOKENS);
        Ok(Self {
            rules,
            policy,
            open: open.into_iter().map(target).collect(),
            closed: closed
                .iter()
                .map(|course| issuer.closed(*course, 0))
                .collect::<Result<_>>()?,
            never_seen: rounds
                .zip(1..)
                .map(|(course, number)| issuer.closed(*course, number))
                .collect::<Result<_>>()?,
        })
    }

    /// Requests for open courses.
    pub(crate) fn open_requests(&self) -> Vec<Request<'_>> {
        self.open
            .iter()
            .map(|target| request(target, &[]))
            .collect()
    }
}

/// The request for a target.
pub(crate) fn request<'a>(target: &'a str, headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request {
        method: "GET",
        target: target.as_bytes(),
        headers,
        ip: Some("203.0.113.7"),
        now: NOW,
    }
}

fn target(course: usize) -> String {
    format!("/courses/course-{course}/week-1/lesson-2.html")
}

fn is_open(number: usize) -> bool {
    number.is_multiple_of(OPEN_EVERY)
}

/// Some of the numbers, far apart and in no order that a cache would like.
fn spread(numbers: &[usize]) -> Vec<usize> {
    /// A prime larger than any site, so that steps of it visit everything once.
    const STEP: usize = 1_000_003;
    let visit = |turn: usize| numbers.get(turn * STEP % numbers.len()).copied();
    (0..numbers.len().min(ASKED)).filter_map(visit).collect()
}

const SITE: &str = r#"
schema = 1
[site]
name = "bench"
[[issuer]]
name = "learners"
issuer = "https://issuer.example"
clients = ["bench"]
algorithms = ["RS256"]
jwks = "keys.json"
groups_claim = "groups"
"#;
