//! Sites with any number of courses, one rule each, and requests for them: the same for every engine.
//!
//! Rule N: members of the group `course-N` may GET everything below `/courses/course-N/`. Half of the
//! requests are for a course that the user is enrolled in, and half for another. Courses are requested all
//! over the site, in a cache-unfriendly order.

use core::ops::Range;

use anyhow::{Context, Result, bail};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_mint::{Algorithm, JwkSet, Minter, PrivateKey};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const CLIENT: &str = "bench";
/// The issuer's name in policies.
pub(crate) const ISSUER_NAME: &str = "learners";
pub(crate) const METHOD: &str = "GET";
/// The lifetime of tokens, in seconds. The clock is the machine's, because the peers use it too.
const LIFE_SECS: u64 = 6 * 3_600;
/// The number of requests.
const ASKED: usize = 256;
/// Each step advances by the golden section of the site, so that any few requests are spread over all of it.
const STEP: usize = 618_034;
const WHOLE: usize = 1_000_003;

/// One request.
pub(crate) struct Question {
    /// The raw path.
    pub(crate) path: String,
    /// The only group of the user.
    pub(crate) group: String,
}

/// The issuer that signs the tokens.
pub(crate) struct Issuer {
    minter: Minter,
    pub(crate) jwks: String,
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

    /// Mints a token for a group; tokens with different numbers differ.
    pub(crate) fn token(&self, group: &str, number: usize) -> Result<String> {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)?
            .as_secs();
        let end = now + LIFE_SECS;
        let claims = format!(
            "{{\"iss\":\"{ISSUER}\",\"aud\":\"{CLIENT}\",\"sub\":\"learner\",\"jti\":\"{number}\",\"iat\":{now},\
             \"exp\":{end},\"groups\":[\"{group}\"]}}"
        );
        Ok(self.minter.token(&claims)?)
    }
}

/// Returns the requests for a site with this many courses.
pub(crate) fn questions(rules: usize) -> Vec<Question> {
    (0..ASKED)
        .map(|turn| {
            let course = turn * STEP % WHOLE * rules / WHOLE;
            let own = turn.is_multiple_of(2);
            let group = if own { course } else { (course + 1) % rules };
            Question {
                path: format!("/courses/course-{course}/week-1/lesson-2.html"),
                group: format!("course-{group}"),
            }
        })
        .collect()
}

/// Returns the image of a site.
pub(crate) fn image(rules: usize, jwks: &str) -> Result<Vec<u8>> {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", SITE);
    sources.insert("keys.json", jwks);
    for number in 0..rules {
        let text = format!(
            "course = \"course-{number}\"\nbase = \"/courses/course-{number}\"\n\
             [[rule]]\nid = \"all\"\nallow = [\"/**\"]\nmethods = [\"{METHOD}\"]\ngroups = [\"course-{number}\"]\n"
        );
        sources.insert(format!("courses/course-{number}.toml"), text);
    }
    let compiled = compile(&sources, &CompileOptions::default());
    match compiled.image {
        Some(image) => Ok(image),
        None => bail!("the site does not compile: {:?}", compiled.diagnostics),
    }
}

/// The rules in Cedar, one policy each: the scope excludes most of them before the path is compared.
pub(crate) fn cedar(rules: usize) -> String {
    (0..rules)
        .map(|number| {
            format!(
                "permit (principal in Group::\"course-{number}\", action == Action::\"{METHOD}\", resource)\n\
                 when {{ resource.path like \"/courses/course-{number}/*\" }};\n"
            )
        })
        .collect()
}

/// The rules in Rego, one body each: the group excludes most of them before the path is compared.
pub(crate) fn rego(rules: Range<usize>) -> String {
    let mut text = String::from("package site\n\nimport rego.v1\n\ndefault allow := false\n");
    for number in rules {
        text.push_str(&format!(
            "allow if {{ input.groups[\"course-{number}\"]; input.method == \"{METHOD}\"; \
             startswith(input.path, \"/courses/course-{number}/\") }}\n"
        ));
    }
    text
}

/// One rule in Rego over a table of courses by name: an index written by the author.
pub(crate) const REGO_OVER_DATA: &str = "\
package site

import rego.v1

default allow := false

allow if {
    input.method == \"GET\"
    parts := split(input.path, \"/\")
    parts[1] == \"courses\"
    count(parts) > 3
    input.groups[data.courses[parts[2]].group]
}
";

/// The rules for casbin: group, path, method.
pub(crate) fn casbin(rules: usize) -> Vec<Vec<String>> {
    (0..rules)
        .map(|number| {
            vec![
                format!("course-{number}"),
                format!("/courses/course-{number}/*"),
                METHOD.to_owned(),
            ]
        })
        .collect()
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
