//! The site of fault and load tests: small, with a path for every kind of request.

use anyhow::{Context, Result};
use tollgate_compiler::SourceTree;

use super::issuer::{CLIENT, Issuer, POOL, SITE};
use crate::policy::Policy;

/// A path that anyone can access.
pub const OPEN: &str = "/open/a";
/// A path that the group of `alice` can access.
pub const LESSON: &str = "/courses/a";
/// A path that another group can access.
pub const OTHER: &str = "/other/a";
/// A path that anyone can access under the newer policy.
pub const NEW: &str = "/new/a";
/// A path that is denied to everyone, because it is ambiguous.
pub const HOSTILE: &str = "/open/..%2fcourses/a";
/// All paths that exist as files on targets with files.
pub const FILES: [&str; 4] = [OPEN, LESSON, OTHER, NEW];

/// The policy of a site with this name; the `newer` one allows one more path. It pins the keys that the
/// issuer has published, and refreshes them from there.
///
/// # Errors
///
/// Returns an error if the issuer does not respond.
pub fn policy(issuer: &Issuer, name: &str, newer: bool) -> Result<Policy> {
    let refresh = issuer.jwks_uri();
    let mut site = format!(
        r#"schema = 1
[site]
name = "{name}"
[[issuer]]
name = "learners"
cognito = {{ region = "eu-west-1", user_pool = "{POOL}" }}
clients = ["{CLIENT}"]
token_use = ["id"]
algorithms = ["RS256"]
jwks = "keys.json"
refresh = "{refresh}"
[token]
from = ["header:authorization"]
[[rule]]
id = "open"
allow = ["/open/**"]
anyone = true
[[rule]]
id = "students"
allow = ["/courses/**"]
groups = ["rust-101"]
[[rule]]
id = "others"
allow = ["/other/**"]
groups = ["go-201"]
"#
    );
    if newer {
        site += "[[rule]]\nid = \"new\"\nallow = [\"/new/**\"]\nanyone = true\n";
    }
    let keys = String::from_utf8(issuer.key_set()?).context("the issuer's keys")?;
    let mut sources = SourceTree::new();
    sources.insert("site.toml", site);
    sources.insert("keys.json", keys);
    Policy::from_sources(&sources)
}

/// The policy of a site where users sign in. It pins the keys that the issuer has published, and the issuer's endpoints.
///
/// # Errors
///
/// Returns an error if the issuer does not respond.
pub fn sign_in(issuer: &Issuer) -> Result<Policy> {
    let refresh = issuer.jwks_uri();
    let site = format!(
        r#"schema = 1
[site]
name = "chaos-sign-in"
[[issuer]]
name = "learners"
cognito = {{ region = "eu-west-1", user_pool = "{POOL}" }}
clients = ["{CLIENT}"]
token_use = ["id"]
algorithms = ["RS256"]
jwks = "keys.json"
refresh = "{refresh}"
[[issuer]]
name = "sessions"
issuer = "https://school.example/sessions"
clients = ["chaos-sign-in"]
algorithms = ["HS256"]
secrets = [{{ kid = "s1", file = "session.key" }}]
[token]
from = ["cookie:__Host-tollgate"]
[session]
issuer = "sessions"
[sign_in]
issuer = "learners"
endpoints = "openid.json"
origins = ["{SITE}"]
client = "{CLIENT}"
secrets = [{{ kid = "s1", file = "sealing.key" }}]
[[rule]]
id = "students"
allow = ["/courses/**"]
groups = ["rust-101"]
"#
    );
    let mut sources = SourceTree::new();
    sources.insert("site.toml", site);
    for (name, bytes) in [
        ("keys.json", issuer.key_set()?),
        ("openid.json", issuer.discovery()?),
    ] {
        let text = String::from_utf8(bytes).context("what the issuer publishes")?;
        sources.insert(name, text);
    }
    // For tests only.
    sources.insert("session.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    sources.insert("sealing.key", "c2Vjb25kIHNlY3JldCBvZiAzMiBieXRlcywgaGVyZSE");
    Policy::from_sources(&sources)
}
