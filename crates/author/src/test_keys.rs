//! Test keys: keys whose private half is known to others than the issuer.
//!
//! Those that the command generates carry a mark. Those of Tollgate's documentation and fixtures, which are copied with
//! the policies that they belong to, are in a list. Not here: creating keys.

use core::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_gate::config::GateConfig;
use tollgate_token::IssuerConfig;

/// The member of a public key that marks a test key, and its value. Verifiers ignore unknown members.
const MARK: (&str, &str) = ("tollgate", "test-key");

/// The prints of the keys in the repository, one per line, with one of their files. `tests/published_keys.rs` writes it.
const PUBLISHED: &str = include_str!("test_keys/published.txt");

/// A test key in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestKey {
    /// What has it.
    pub owner: Owner,
    /// Its key ID.
    pub kid: String,
    /// Whether it is a shared secret, and not a key of a key set.
    pub is_secret: bool,
    /// Who else has it.
    pub kind: TestKeyKind,
}

/// The part of a policy that has a test key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The issuer with this name.
    Issuer(String),
    /// `[sign_in]`, whose cookies are sealed with it.
    SignIn,
}

/// Who has the private half of a test key, or the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestKeyKind {
    /// The machine where the command generated it.
    Generated,
    /// Everyone: it is part of Tollgate's documentation or fixtures.
    Published,
}

impl TestKey {
    /// Its danger, for a message.
    pub fn danger(&self) -> &'static str {
        match (&self.owner, self.kind) {
            (_, TestKeyKind::Generated) => "its private half can sign in as any user",
            (Owner::Issuer(_), TestKeyKind::Published) => {
                "everyone can sign in as any user with it"
            }
            (Owner::SignIn, TestKeyKind::Published) => {
                "everyone can forge the cookies that it seals"
            }
        }
    }

    /// What replaces it, for a help.
    pub fn cure(&self) -> String {
        match (&self.owner, self.is_secret) {
            (Owner::Issuer(name), false) => format!(
                "run `tollgate keys fetch --issuer {name}`, which replaces it by the keys of the issuer"
            ),
            (_, true) | (Owner::SignIn, _) => {
                "delete the file of the secret, and run `tollgate keys new --alg HS256 --secret FILE`"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for TestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Owner::Issuer(name) => write!(f, "the keys of issuer `{name}` include ")?,
            Owner::SignIn => f.write_str("the secrets of `[sign_in]` include ")?,
        }
        match self.kind {
            TestKeyKind::Generated => write!(f, "the test key `{}`", self.kid),
            TestKeyKind::Published => write!(f, "`{}`, which is published with Tollgate", self.kid),
        }
    }
}

/// Marks a public key as one whose private half is a file on some developer's machine.
pub fn mark(key: &mut Value) {
    if let Some(key) = key.as_object_mut() {
        key.insert(MARK.0.to_owned(), json!(MARK.1));
    }
}

/// The test keys of a configuration, at most one of each owner.
pub fn of_config(config: &GateConfig) -> Vec<TestKey> {
    let issuers = config.issuers.iter();
    let first = issuers.filter_map(|issuer| of_issuer(issuer).into_iter().next());
    let mut secrets = config.sign_in.iter().flat_map(|sign_in| &sign_in.secrets);
    let sealing = secrets.find(|secret| is_published(&secret.key));
    let sealing = sealing.map(|secret| TestKey {
        owner: Owner::SignIn,
        kid: secret.kid.clone(),
        is_secret: true,
        kind: TestKeyKind::Published,
    });
    first.chain(sealing).collect()
}

fn of_issuer(issuer: &IssuerConfig) -> Vec<TestKey> {
    let key = |kid: &str, is_secret, kind| TestKey {
        owner: Owner::Issuer(issuer.name.clone()),
        kid: kid.to_owned(),
        is_secret,
        kind,
    };
    let set = issuer.jwks.as_deref().unwrap_or_default();
    let set = set.strip_prefix('\u{feff}').unwrap_or(set);
    let set: Value = serde_json::from_str(set).unwrap_or_default();
    let keys = set.get("keys").and_then(Value::as_array);
    let of_set = keys.into_iter().flatten().filter_map(|value| {
        let kid = value.get("kid").and_then(Value::as_str);
        Some(key(kid.unwrap_or_default(), false, kind(value)?))
    });
    let secrets = issuer.secrets.iter();
    let secrets = secrets.filter(|secret| is_published(&secret_print(&secret.key)));
    let secrets = secrets.map(|secret| key(&secret.kid, true, TestKeyKind::Published));
    of_set.chain(secrets).collect()
}

/// The kind of a public key, if it is a test key.
fn kind(key: &Value) -> Option<TestKeyKind> {
    if key_print(key).is_some_and(|print| is_published(&print)) {
        return Some(TestKeyKind::Published);
    }
    let is_marked = key.get(MARK.0).and_then(Value::as_str) == Some(MARK.1);
    is_marked.then_some(TestKeyKind::Generated)
}

fn is_published(print: &[u8; 32]) -> bool {
    let print = hex(print);
    let mut listed = PUBLISHED.lines();
    listed.any(|line| line.split(' ').next() == Some(&print))
}

/// The thumbprint of a public key (RFC 7638); `None` if it is not one.
pub fn key_print(key: &Value) -> Option<[u8; 32]> {
    let members: &[&str] = match key.get("kty")?.as_str()? {
        "RSA" => &["e", "kty", "n"],
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        _ => return None,
    };
    let members: Option<Vec<String>> = members
        .iter()
        .map(|name| Some(format!("\"{name}\":{}", json!(key.get(name)?.as_str()?))))
        .collect();
    let text = format!("{{{}}}", members?.join(","));
    Some(Sha256::digest(text.as_bytes()).into())
}

/// The print of a secret: its SHA-256, which is also the key that seals cookies with it.
pub fn secret_print(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// A print as the list has it.
pub fn hex(print: &[u8; 32]) -> String {
    print.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
