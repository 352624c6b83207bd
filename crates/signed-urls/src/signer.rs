//! Signs policies, as parameters of a URL or as cookies.
//!
//! Not here: setting cookies, and choosing their domain.

use core::fmt;

use base64ct::{Base64, Encoding};
use tollgate_crypto::signing::{SigningFailed, SigningHash, SigningKey};

use crate::policy::Policy;

/// A private key with the ID of its public half in CloudFront.
pub struct Signer {
    key: SigningKey,
    key_id: String,
}

/// A key ID contains characters other than letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyIdError;

/// The name and the value of a cookie; neither needs quoting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The name that CloudFront reads.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Signer {
    /// Creates a signer with this key.
    ///
    /// # Errors
    ///
    /// Returns an error if the key ID is invalid.
    pub fn new(key: SigningKey, key_id: &str) -> Result<Self, KeyIdError> {
        if key_id.is_empty() || !key_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(KeyIdError);
        }
        Ok(Self {
            key,
            key_id: key_id.to_owned(),
        })
    }

    /// The policy's resource with the parameters that grant access. For a pattern, the part after
    /// the `?` grants access to every matching URL.
    ///
    /// # Errors
    ///
    /// Returns an error if the library cannot sign.
    pub fn url(&self, policy: &Policy) -> Result<String, SigningFailed> {
        let parameters = self.fields(policy)?;
        let parameters: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Ok(format!(
            "{}?{}",
            policy.resource.url(),
            parameters.join("&")
        ))
    }

    /// The cookies that grant access to the policy's resource.
    ///
    /// # Errors
    ///
    /// Returns an error if the library cannot sign.
    pub fn cookies(&self, policy: &Policy) -> Result<Vec<Cookie>, SigningFailed> {
        let cookie = |(name, value)| Cookie {
            name: format!("CloudFront-{name}"),
            value,
        };
        Ok(self.fields(policy)?.into_iter().map(cookie).collect())
    }

    fn fields(&self, policy: &Policy) -> Result<Vec<(&'static str, String)>, SigningFailed> {
        let text = policy.text();
        let signature = self.key.sign(text.as_bytes())?;
        let mut fields = vec![
            if policy.is_canned() {
                ("Expires", policy.ends.to_string())
            } else {
                ("Policy", encoded(text.as_bytes()))
            },
            ("Signature", encoded(&signature)),
            ("Key-Pair-Id", self.key_id.clone()),
        ];
        // CloudFront assumes SHA-1 if this is missing.
        if self.key.hash() == SigningHash::Sha256 {
            fields.push(("Hash-Algorithm", "SHA256".to_owned()));
        }
        Ok(fields)
    }
}

/// Base64 with the three characters replaced that are special in a URL or a cookie.
fn encoded(bytes: &[u8]) -> String {
    let replaced = |c| match c {
        '+' => '-',
        '=' => '_',
        '/' => '~',
        c => c,
    };
    Base64::encode_string(bytes).chars().map(replaced).collect()
}

impl fmt::Display for KeyIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ID of a CloudFront public key consists of letters and digits")
    }
}

impl core::error::Error for KeyIdError {}
