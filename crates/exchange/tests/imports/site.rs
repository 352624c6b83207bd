//! An imported policy in a real gate with mock cryptography: a signature is valid if it consists of
//! `G`s.

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::UnixSeconds;
use tollgate_exchange::import::{Imported, KeySet};
use tollgate_gate::{Context, Gate, Kind, Request};
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

/// A site with an imported policy.
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
        Self::if_named_readably(imported).unwrap()
    }

    /// `None` if the only errors are invalid rule names: then nothing is written.
    pub(crate) fn if_named_readably(imported: &Imported) -> Option<Self> {
        let mut tree = SourceTree::new();
        for (name, text) in &imported.files {
            tree.insert(name.clone(), text.clone());
        }
        let text = imported.files[0].1.clone();
        let compiled = compile(&tree, &CompileOptions::default());
        let mut errors = compiled.diagnostics.iter().filter(|found| found.is_error());
        if compiled.has_errors() && errors.all(|error| error.code.id == "TG0118") {
            return None;
        }
        assert!(
            !compiled.has_errors(),
            "{:#?}\n{text}",
            compiled.diagnostics
        );
        Some(Self {
            gate: Gate::new(compiled.image.unwrap(), &Provider).unwrap(),
            text,
        })
    }

    /// Whether the request is allowed; `None` if no edge accepts its path.
    pub(crate) fn allows(&self, method: &str, target: &str, carried: &Carried) -> Option<bool> {
        let headers: Vec<(&str, &[u8])> = carried
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let outcome = self.gate.ask(
            &Request {
                method,
                target: target.as_bytes(),
                headers: &headers,
                ip: None,
                now: UnixSeconds(NOW),
                entropy: None,
            },
            &mut Context::new(),
        );
        match outcome.kind {
            Kind::Allow => Some(true),
            Kind::Reject => None,
            _ => Some(false),
        }
    }
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
