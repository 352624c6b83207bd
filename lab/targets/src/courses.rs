//! Sites with any number of courses for benchmarks, and the issuer of their tokens.
//!
//! Course N is at `/courses/course-N/`, and its one rule is about the group `course-N`. Not here: the requests.

use anyhow::{Context, Result};
use tollgate_compiler::SourceTree;
use tollgate_mint::{Algorithm, JwkSet, Minter, PrivateKey};

use crate::Policy;

/// The identifier of the issuer.
pub const ISSUER: &str = "https://issuer.example";
/// The client of all tokens.
pub const CLIENT: &str = "bench";

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
@MORE@"#;

/// The issuer that signs the tokens.
pub struct Issuer {
    minter: Minter,
    /// Its public key.
    pub jwks: String,
}

impl Issuer {
    /// Creates an issuer with an RS256 key of 2,048 bits.
    ///
    /// # Errors
    ///
    /// Returns an error if no key can be generated.
    pub fn new() -> Result<Self> {
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

    /// Returns the token of that number for the members of a group.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be signed.
    pub fn token(&self, group: &str, number: usize, times: [i64; 2]) -> Result<String> {
        let [now, end] = times;
        let claims = format!(
            "{{\"iss\":\"{ISSUER}\",\"aud\":\"{CLIENT}\",\"sub\":\"learner-{number}\",\"jti\":\"{number}\",\
             \"iat\":{now},\"exp\":{end},\"groups\":[\"everybody\",\"{group}\"]}}"
        );
        Ok(self.minter.token(&claims)?)
    }

    /// Returns the policy of a site with one course per rule. `who` are the principals of a course, `more` the lines
    /// after the issuer.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not compile.
    pub fn policy(
        &self,
        rules: usize,
        who: impl Fn(usize) -> String,
        more: &str,
    ) -> Result<Policy> {
        let mut sources = SourceTree::new();
        sources.insert("site.toml", SITE.replace("@MORE@", more));
        sources.insert("keys.json", self.jwks.as_str());
        for number in 0..rules {
            let text = format!(
                "course = \"course-{number}\"\nbase = \"/courses/course-{number}\"\n\
                 [[rule]]\nid = \"all\"\nallow = [\"/**\"]\n{}\n",
                who(number)
            );
            sources.insert(format!("courses/course-{number}.toml"), text);
        }
        Policy::from_sources(&sources)
    }
}
