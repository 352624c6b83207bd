//! An imported policy behind a real gate, with a stand-in for cryptography: a signature is valid if it
//! consists of `G`s.

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::UnixSeconds;
use tollgate_exchange::import::{Imported, KeySet};
use tollgate_gate::{Gate, Kind, Request};
use tollgate_token::{Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey};

/// The time of every request.
const NOW: i64 = 1_800_000_000;

#[derive(Clone, Copy)]
struct Provider;

impl tollgate_token::Provider for Provider {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(*self))
    }
}

impl PreparedKey for Provider {
    fn verify(&self, _: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        match signature.iter().all(|byte| *byte == b'G') {
            true => Ok(()),
            false => Err(BadSignature),
        }
    }

    fn mac(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// A site that serves by an imported policy.
pub(crate) struct Site {
    gate: Gate<Vec<u8>>,
    pub(crate) text: String,
}

/// The headers of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried {
    pub(crate) headers: Vec<(String, String)>,
}

impl Site {
    pub(crate) fn of(imported: &Imported) -> Self {
        let mut tree = SourceTree::new();
        for (name, text) in &imported.files {
            tree.insert(name.clone(), text.clone());
        }
        let text = imported.files[0].1.clone();
        let mut compiled = compile(&tree, &CompileOptions::default());
        // Until the compiler knows these keys, the policy is rewritten without them, as far as it can.
        if compiled.has_errors() && (text.contains("issuers = ") || text.contains("path = [")) {
            tree.insert("site.toml", without_issuers(&without_places(&text)));
            compiled = compile(&tree, &CompileOptions::default());
        }
        assert!(
            !compiled.has_errors(),
            "{:#?}\n{text}",
            compiled.diagnostics
        );
        Self {
            gate: Gate::new(compiled.image.unwrap(), &Provider).unwrap(),
            text,
        }
    }

    /// Whether the request is allowed; `None` if no edge accepts its path.
    pub(crate) fn allows(&self, method: &str, target: &str, carried: &Carried) -> Option<bool> {
        let headers: Vec<(&str, &[u8])> = carried
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let outcome = self.gate.handle(&Request {
            method,
            target: target.as_bytes(),
            headers: &headers,
            ip: None,
            now: UnixSeconds(NOW),
        });
        match outcome.kind {
            Kind::Allow => Some(true),
            Kind::Reject => None,
            _ => Some(false),
        }
    }
}

/// The same policy for a compiler that does not know claims with a `path`: it reads lists only.
fn without_places(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("audience = "))
        .map(|line| {
            let mut line = line.to_owned();
            while let Some((before, rest)) = line.split_once("(claims.audience == ") {
                let (twice, rest) = rest.split_once(" in claims.aud)").unwrap();
                let audience = &twice[(twice.len() + " || ".len()) / 2..];
                line = format!("{before}{audience} in claims.aud{rest}");
            }
            line
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// The same policy for a compiler that does not know the rule key `issuers`.
fn without_issuers(text: &str) -> String {
    let mut named = Vec::new();
    let mut rules = Vec::new();
    for block in text.split("\n\n") {
        let value = |key: &str| {
            let line = block
                .lines()
                .find_map(|line| line.strip_prefix(&format!("{key} = ")));
            line.map(str::to_owned)
        };
        if block.lines().any(|line| line == "[[issuer]]") {
            named.push((value("name").unwrap(), value("issuer").unwrap()));
        }
        let Some(list) = value("issuers") else {
            rules.push(block.to_owned());
            continue;
        };
        let own = named
            .iter()
            .filter(|(name, _)| list.contains(name.as_str()));
        let own: Vec<String> = own
            .map(|(_, issuer)| format!("issuer == {issuer}"))
            .collect();
        let own = own.join(" || ");
        let when = match value("when") {
            Some(when) => format!("when = '({own}) && ({})'", when.trim_matches('\'')),
            None => format!("when = '{own}'"),
        };
        let mut lines: Vec<String> = block
            .lines()
            .filter(|line| !line.starts_with("when = "))
            .map(str::to_owned)
            .collect();
        for line in &mut lines {
            if line.starts_with("issuers = ") {
                *line = if value("scopes").is_some() {
                    when.clone()
                } else {
                    format!("signed_in = true\n{when}")
                };
            }
        }
        rules.push(lines.join("\n"));
    }
    rules.join("\n\n")
}

/// A token with a valid signature of the key with this ID.
pub(crate) fn token(kid: &str, claims: &serde_json::Value) -> String {
    let header = format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"JWT"}}"#);
    let mut claims = claims.clone();
    claims["exp"] = (NOW + 600).into();
    let part = Base64UrlUnpadded::encode_string;
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        part(claims.to_string().as_bytes()),
        part(&[b'G'; 64])
    )
}

/// A key set with keys of these IDs.
pub(crate) fn key_set(issuer: Option<&str>, kids: &[&str]) -> KeySet {
    let keys: Vec<_> = kids
        .iter()
        .map(|kid| {
            serde_json::json!({
                "kid": kid, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            })
        })
        .collect();
    KeySet {
        issuer: issuer.map(str::to_owned),
        text: serde_json::json!({ "keys": keys }).to_string(),
    }
}
