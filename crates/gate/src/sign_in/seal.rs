//! Sealed cookies: encrypted, authenticated, and bound to their purpose and site.
//!
//! A cookie that does not open counts as absent, so the rotation of secrets costs nobody more than another
//! sign-in. Layout: `kid.base64url(nonce ‖ ciphertext ‖ tag)`. Not here: what cookies contain.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use serde::{Serialize, de::DeserializeOwned};
use tollgate_token::{Provider, SEALING_NONCE_BYTES, SealingKey, base64url};

use crate::config::GateConfig;
use crate::sign_in_config::{SignInConfig, SignInProvider};

/// The keys that seal the cookies of one site.
pub(crate) struct Sealer {
    /// The first one seals.
    keys: Vec<(String, Box<dyn SealingKey>)>,
    /// What the cookies of each provider are bound to: the site, the issuer, and the client and the endpoint that codes
    /// and tokens are sent to. No provider receives the codes and tokens of another, also after a change of the policy.
    owners: Vec<String>,
}

impl Sealer {
    /// Prepares the keys; `None` if the provider does not encrypt.
    pub(crate) fn new(
        config: &SignInConfig,
        gate: &GateConfig,
        provider: &dyn Provider,
    ) -> Option<Self> {
        let keys = config.secrets.iter().map(|secret| {
            let key = provider.sealing_key(&secret.key)?;
            Some((secret.kid.clone(), key))
        });
        let owner = |provider: &SignInProvider| {
            let at = usize::try_from(provider.issuer).ok()?;
            let issuer = gate.issuers.get(at)?.issuers.first()?;
            let parts = [
                &gate.site,
                issuer,
                &provider.client,
                &provider.endpoints.token,
            ];
            Some(parts.map(String::as_str).join(" "))
        };
        Some(Self {
            keys: keys.collect::<Option<_>>()?,
            owners: config.providers.iter().map(owner).collect::<Option<_>>()?,
        })
    }

    /// Seals a value for the provider at this position; `None` if that fails.
    pub(crate) fn seal<T: Serialize>(
        &self,
        at: usize,
        purpose: &str,
        nonce: &[u8; SEALING_NONCE_BYTES],
        value: &T,
    ) -> Option<String> {
        let (kid, key) = self.keys.first()?;
        let text = postcard::to_allocvec(value).ok()?;
        let sealed = key.seal(nonce, &bound(purpose, self.owners.get(at)?), text)?;
        let encoded = base64url::encode(&[nonce.as_slice(), &sealed].concat());
        Some(format!("{kid}.{}", String::from_utf8(encoded).ok()?))
    }

    /// Opens a sealed value, and returns the position of its provider; `None` for anything else.
    pub(crate) fn open<T: DeserializeOwned>(
        &self,
        purpose: &str,
        sealed: &[u8],
    ) -> Option<(usize, T)> {
        let (kid, encoded) = crate::request::split_at_byte(sealed, b'.')?;
        let (_, key) = self.keys.iter().find(|(name, _)| name.as_bytes() == kid)?;
        let bytes = base64url::decode(encoded)?;
        let (nonce, sealed) = bytes.split_first_chunk::<SEALING_NONCE_BYTES>()?;
        let mut owners = self.owners.iter().enumerate();
        let (at, text) = owners.find_map(|(at, owner)| {
            let text = key.open(nonce, &bound(purpose, owner), sealed.to_vec())?;
            Some((at, text))
        })?;
        match postcard::take_from_bytes(&text) {
            Ok((value, [])) => Some((at, value)),
            _ => None,
        }
    }
}

fn bound(purpose: &str, owner: &str) -> Vec<u8> {
    format!("tollgate 1 {purpose} {owner}").into_bytes()
}
