//! The signed assertion that a gate allowed a request: a JWS for the origin, bound to method and target.
//!
//! An origin that verifies it notices if a request did not pass the gate, or if something between changed the
//! identity. Not here: verifying it, see the example `origin` of `tollgate-edge`.

use base64ct::{Base64UrlUnpadded, Encoding};
use percent_encoding::percent_decode_str;
use serde_json::json;
use tollgate_core::UnixSeconds;
use tollgate_crypto::image_key::{ImageKey, ImageKeyError, ImageKeyFailed};

/// The name of the field.
pub(crate) const ASSERTION: &str = "x-tollgate-assertion";

/// The time that an assertion is valid.
const LIFETIME_SECS: i64 = 30;

/// The key that signs assertions: Ed25519.
pub struct AssertionKey {
    key: ImageKey,
    kid: String,
    /// The encoded header of every assertion.
    header: String,
    public: String,
}

impl AssertionKey {
    /// A key that exists only as long as this server runs.
    ///
    /// # Errors
    ///
    /// Returns an error if the library has no randomness.
    pub fn generate() -> Result<Self, ImageKeyFailed> {
        Self::new(ImageKey::generate()?)
    }

    /// The key in a PEM file, as written by `tollgate keygen`.
    ///
    /// # Errors
    ///
    /// Returns an error if it is not an unencrypted Ed25519 key.
    pub fn from_pem(pem: &str) -> Result<Self, ImageKeyError> {
        Self::new(ImageKey::from_pem(pem)?).map_err(|_| ImageKeyError::Key)
    }

    fn new(key: ImageKey) -> Result<Self, ImageKeyFailed> {
        let public = Base64UrlUnpadded::encode_string(&key.public()?);
        // Two keys of a site differ in their first characters.
        let kid: String = public.chars().take(16).collect();
        let header = json!({"alg": "EdDSA", "kid": kid, "typ": "tollgate-assertion+jwt"});
        Ok(Self {
            key,
            header: Base64UrlUnpadded::encode_string(header.to_string().as_bytes()),
            kid,
            public,
        })
    }

    /// The key set for origins.
    pub(crate) fn jwks(&self) -> String {
        let key = json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": self.public,
        });
        json!({ "keys": [key] }).to_string()
    }

    /// Signs what the gate allowed. `identity` are its identity fields.
    pub(crate) fn sign(
        &self,
        site: &str,
        method: &str,
        target: &[u8],
        identity: &[(&str, String)],
        now: UnixSeconds,
    ) -> Option<String> {
        let field = |name: &str| {
            let found = identity.iter().find(|(known, _)| *known == name);
            found.map_or("", |(_, value)| value)
        };
        let text = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        let groups = field("x-tollgate-groups").split(',');
        let groups: Vec<String> = groups.filter(|group| !group.is_empty()).map(text).collect();
        // Bytes beyond ASCII as one character each, as in conformance cases.
        let target: String = target.iter().map(|byte| char::from(*byte)).collect();
        let claims = json!({
            "iss": format!("tollgate:{site}"),
            "iat": now.0,
            "exp": now.0.saturating_add(LIFETIME_SECS),
            "method": method,
            "target": target,
            "sub": text(field("x-tollgate-subject")),
            "groups": groups,
            "issuer": field("x-tollgate-issuer"),
            "rule": field("x-tollgate-rule"),
        });
        let claims = Base64UrlUnpadded::encode_string(claims.to_string().as_bytes());
        let signed = format!("{}.{claims}", self.header);
        let signature = self.key.sign(signed.as_bytes()).ok()?;
        let signature = Base64UrlUnpadded::encode_string(&signature);
        Some(format!("{signed}.{signature}"))
    }
}

#[cfg(test)]
mod tests {
    use tollgate_core::UnixSeconds;

    use super::AssertionKey;

    /// The example of an origin verifies this assertion, and knows this key.
    #[test]
    fn the_example_of_an_origin_has_a_real_assertion() {
        let key = AssertionKey::from_pem(include_str!("assertion/example.pem")).unwrap();
        let identity = [
            ("x-tollgate-subject", "J%C3%BCrgen".to_owned()),
            ("x-tollgate-groups", "rust-101,staff%2Ceu".to_owned()),
            ("x-tollgate-issuer", "learners".to_owned()),
            ("x-tollgate-rule", "rust-101/students".to_owned()),
        ];
        let target = b"/courses/rust-101/week1.mp4?t=30";
        let now = UnixSeconds(1_800_000_000);
        let signed = key.sign("school", "GET", target, &identity, now).unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../edge/examples/assertion");
        for (name, made) in [("example.jws", signed), ("example.jwks.json", key.jwks())] {
            let path = format!("{folder}/{name}");
            let made = format!("{made}\n");
            if std::env::var_os("TOLLGATE_BLESS").is_some() {
                std::fs::write(&path, &made).unwrap();
            }
            assert_eq!(
                std::fs::read_to_string(&path).unwrap_or_default(),
                made,
                "{name}"
            );
        }
    }
}
