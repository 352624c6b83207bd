//! Sites with any number of courses, one rule and one group each, and requests that they allow or deny.
//!
//! Rule N: members of the group `course-N` may request everything below `/courses/course-N/`.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tollgate_compiler::SourceTree;
use tollgate_mint::{Algorithm, JwkSet, Minter, PrivateKey};
use tollgate_targets::Policy;

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const CLIENT: &str = "bench";
/// The lifetime of tokens, in seconds. The clock is the machine's, because the peers use it too.
const LIFE_SECS: u64 = 6 * 3_600;
/// The number of tokens that are known after the warm-up.
const WARM_TOKENS: usize = 64;
/// The number of tokens used in turn where each should be new: no cache of verified tokens holds half of them. That of
/// `tollgate authz` holds 4,096.
const NEW_TOKENS: usize = 9_000;
/// Each step advances by the golden section of the site, so that any few requests are spread over all of it.
const STEP: usize = 618_034;
const WHOLE: usize = 1_000_003;

/// The issuer that signs the tokens.
pub(crate) struct Issuer {
    minter: Minter,
    pub(crate) jwks: String,
}

/// A request: its path and its token.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) token: String,
}

/// A policy with requests.
pub(crate) struct Site {
    pub(crate) rules: usize,
    pub(crate) policy: Policy,
    pub(crate) jwks: String,
    /// Allowed requests with few tokens.
    pub(crate) warm: Vec<Asked>,
    /// Allowed requests, each with another token.
    pub(crate) new: Vec<Asked>,
    /// Requests with a token for another course.
    pub(crate) denied: Vec<Asked>,
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

    fn token(&self, course: usize, number: usize) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let end = now + LIFE_SECS;
        let claims = format!(
            "{{\"iss\":\"{ISSUER}\",\"aud\":\"{CLIENT}\",\"sub\":\"learner-{number}\",\"jti\":\"{number}\",\
             \"iat\":{now},\"exp\":{end},\"groups\":[\"everybody\",\"course-{course}\"]}}"
        );
        Ok(self.minter.token(&claims)?)
    }

    /// Returns requests all over a site, each with a token for the course that is `off` courses away.
    fn asked(&self, rules: usize, count: usize, off: usize) -> Result<Vec<Asked>> {
        let course = |turn: usize| turn * STEP % WHOLE * rules / WHOLE;
        let asked = |turn| {
            Ok(Asked {
                path: format!("/courses/course-{}/week-1/lesson-2.html", course(turn)),
                token: self.token((course(turn) + off) % rules, turn)?,
            })
        };
        (0..count).map(asked).collect()
    }
}

impl Site {
    pub(crate) fn new(rules: usize, issuer: &Issuer) -> Result<Self> {
        let mut sources = SourceTree::new();
        sources.insert("site.toml", SITE);
        sources.insert("keys.json", issuer.jwks.as_str());
        for number in 0..rules {
            let text = format!(
                "course = \"course-{number}\"\nbase = \"/courses/course-{number}\"\n\
                 [[rule]]\nid = \"all\"\nallow = [\"/**\"]\ngroups = [\"course-{number}\"]\n"
            );
            sources.insert(format!("courses/course-{number}.toml"), text);
        }
        Ok(Self {
            rules,
            policy: Policy::from_sources(&sources)?,
            jwks: issuer.jwks.clone(),
            warm: issuer.asked(rules, WARM_TOKENS, 0)?,
            new: issuer.asked(rules, NEW_TOKENS, 0)?,
            denied: issuer.asked(rules, 4, 1)?,
        })
    }
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
[token]
from = ["header:authorization"]
"#;
