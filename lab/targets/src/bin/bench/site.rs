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
/// The maximum number of different requests used in turn.
const ASKED: usize = 256;
/// The number of different tokens used in turn where each should be new. Every target that caches tokens
/// holds fewer than half, so none of these is still cached when its turn comes again.
const NEW_TOKENS: usize = 2_200;
/// Every course whose number is a multiple of this is open to anyone.
const OPEN_EVERY: usize = 10;

/// The issuer that signs the tokens.
pub(crate) struct Issuer {
    minter: Minter,
    jwks: String,
}

/// A policy with requests that it allows.
pub(crate) struct Site {
    pub(crate) rules: usize,
    pub(crate) policy: Policy,
    /// Targets of open courses, which need no token.
    pub(crate) open: Vec<String>,
    /// Targets of closed courses, each with the required group and a token that contains it.
    pub(crate) closed: Vec<Closed>,
    /// The same courses repeatedly, each time with another token.
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
    /// Creates an issuer with an RS256 key of 2,048 bits.
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

    /// Returns a closed course with its token of that number.
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
    /// Returns a site with one course per rule.
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

    /// Returns requests for open courses.
    pub(crate) fn open_requests(&self) -> Vec<Request<'_>> {
        self.open
            .iter()
            .map(|target| request(target, &[]))
            .collect()
    }
}

/// Returns the request for a target.
pub(crate) fn request<'a>(target: &'a str, headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request {
        method: "GET",
        target: target.as_bytes(),
        headers,
        ip: Some("203.0.113.7"),
        now: NOW,
        entropy: None,
    }
}

fn target(course: usize) -> String {
    format!("/courses/course-{course}/week-1/lesson-2.html")
}

fn is_open(number: usize) -> bool {
    number.is_multiple_of(OPEN_EVERY)
}

/// Returns some of the numbers, far apart and in a cache-unfriendly order.
fn spread(numbers: &[usize]) -> Vec<usize> {
    /// A prime larger than any site, so that steps of this size visit every number once.
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
