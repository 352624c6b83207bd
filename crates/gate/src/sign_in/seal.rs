//! Sealed cookies: encrypted, authenticated, and bound to their purpose and site.
//!
//! A cookie that does not open counts as absent, so the rotation of secrets costs nobody more than another
//! sign-in. Layout: `kid.base64url(nonce ‖ ciphertext ‖ tag)`. Not here: what cookies contain.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use serde::{Serialize, de::DeserializeOwned};
use tollgate_token::{Provider, SEALING_NONCE_BYTES, SealingKey, base64url};

use crate::sign_in_config::SignInConfig;

/// The keys that seal the cookies of one site.
pub(crate) struct Sealer {
    /// The first one seals.
    keys: Vec<(String, Box<dyn SealingKey>)>,
    /// What cookies are bound to: the site, and the client and the endpoint that codes and tokens are sent to.
    /// After a change of the issuer, its codes and tokens are not sent to another one.
    owner: String,
}

impl Sealer {
    /// Prepares the keys; `None` if the provider does not encrypt.
    pub(crate) fn new(config: &SignInConfig, site: &str, provider: &dyn Provider) -> Option<Self> {
        let keys = config.secrets.iter().map(|secret| {
            let key = provider.sealing_key(&secret.key)?;
            Some((secret.kid.clone(), key))
        });
        Some(Self {
            keys: keys.collect::<Option<_>>()?,
            owner: [site, &config.client, &config.endpoints.token].join(" "),
        })
    }

    /// Seals a value; `None` if that fails.
    pub(crate) fn seal<T: Serialize>(
        &self,
        purpose: &str,
        nonce: &[u8; SEALING_NONCE_BYTES],
        value: &T,
    ) -> Option<String> {
        let (kid, key) = self.keys.first()?;
        let text = postcard::to_allocvec(value).ok()?;
        let sealed = key.seal(nonce, &self.bound(purpose), text)?;
        let encoded = base64url::encode(&[nonce.as_slice(), &sealed].concat());
        Some(format!("{kid}.{}", String::from_utf8(encoded).ok()?))
    }

    /// Opens a sealed value; `None` for anything else.
    pub(crate) fn open<T: DeserializeOwned>(&self, purpose: &str, sealed: &[u8]) -> Option<T> {
        let (kid, encoded) = crate::request::split_at_byte(sealed, b'.')?;
        let (_, key) = self.keys.iter().find(|(name, _)| name.as_bytes() == kid)?;
        let bytes = base64url::decode(encoded)?;
        let (nonce, sealed) = bytes.split_first_chunk::<SEALING_NONCE_BYTES>()?;
        let text = key.open(nonce, &self.bound(purpose), sealed.to_vec())?;
        match postcard::take_from_bytes(&text) {
            Ok((value, [])) => Some(value),
            _ => None,
        }
    }

    fn bound(&self, purpose: &str) -> Vec<u8> {
        format!("tollgate 1 {purpose} {}", self.owner).into_bytes()
    }
}
