//! Compact tokens (RFC 7515): well-formed ones, and signatures over whatever bytes a test needs.

use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::base64url::base64url;
use crate::error::MintError;
use crate::key::PrivateKey;

/// Mints tokens with one key.
#[derive(Clone, Debug)]
pub struct Minter {
    key: PrivateKey,
    typ: Option<String>,
}

impl Minter {
    /// Creates a minter whose headers have `alg`, and `kid` if the key has a key ID.
    pub fn new(key: PrivateKey) -> Self {
        Self { key, typ: None }
    }

    /// Adds `typ` to the headers.
    #[must_use]
    pub fn typ(mut self, typ: &str) -> Self {
        self.typ = Some(typ.into());
        self
    }

    /// Returns the key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Returns the header of regular tokens.
    pub fn header(&self) -> String {
        let mut header = format!("{{\"alg\":\"{}\"", self.key.algorithm.name());
        if !self.key.kid.is_empty() {
            header.push_str(&format!(",\"kid\":{}", Value::from(self.key.kid.as_str())));
        }
        if let Some(typ) = &self.typ {
            header.push_str(&format!(",\"typ\":{}", Value::from(typ.as_str())));
        }
        header.push('}');
        header
    }

    /// Returns a token with exactly these claim bytes.
    ///
    /// # Errors
    /// Returns an error if the key cannot sign with its algorithm.
    pub fn token(&self, claims: &str) -> Result<String, MintError> {
        self.token_with(self.header(), claims)
    }

    /// Returns a token with exactly these header and claim bytes, valid or not.
    ///
    /// # Errors
    /// Returns an error if the key cannot sign with its algorithm.
    pub fn token_with(
        &self,
        header: impl AsRef<[u8]>,
        claims: impl AsRef<[u8]>,
    ) -> Result<String, MintError> {
        let input = format!(
            "{}.{}",
            base64url(header.as_ref()),
            base64url(claims.as_ref())
        );
        self.resign(&input)
    }

    /// Returns `text`, a dot, and a valid signature over exactly that text, which need not be base64url.
    ///
    /// # Errors
    /// Returns an error if the key cannot sign with its algorithm.
    pub fn resign(&self, input: &str) -> Result<String, MintError> {
        let signature = self.key.sign(input.as_bytes())?;
        Ok(format!("{input}.{}", base64url(&signature)))
    }

    /// Returns a token signed with another algorithm of the same key type, with a matching header.
    ///
    /// # Errors
    /// Returns an error if the algorithm needs a different type of key.
    pub fn token_as(&self, algorithm: Algorithm, claims: &str) -> Result<String, MintError> {
        let key = self.key.renamed(&self.key.kid, algorithm);
        Self {
            key,
            typ: self.typ.clone(),
        }
        .token(claims)
    }
}

/// Returns the three parts as a token, encoded and unsigned.
pub fn compact(header: &[u8], claims: &[u8], signature: &[u8]) -> String {
    format!(
        "{}.{}.{}",
        base64url(header),
        base64url(claims),
        base64url(signature)
    )
}
