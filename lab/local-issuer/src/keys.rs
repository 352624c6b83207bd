//! The keys: two current signing keys, one for each kind of token as in user pools, and the previous ones.
//!
//! A rotation creates two new keys and publishes them alongside the old ones. Withdrawing an old key from
//! the published set is a separate step, because tests are about the time between the two.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_mint::{Algorithm, Jwk, JwkSet, MintError, Minter, PrivateKey};

/// The size of every key.
const RSA_BITS: usize = 2048;

/// The purpose of a token, the `token_use` of user pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenUse {
    Id,
    Access,
}

impl TokenUse {
    /// Both uses, in the order in which keys are generated.
    const BOTH: [TokenUse; 2] = [TokenUse::Id, TokenUse::Access];

    /// The value in tokens.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            TokenUse::Id => "id",
            TokenUse::Access => "access",
        }
    }

    /// Returns the use with this name.
    pub(crate) fn from_name(name: &str) -> Option<TokenUse> {
        TokenUse::BOTH.into_iter().find(|own| own.name() == name)
    }
}

/// One key with its state in the pool.
struct Key {
    minter: Minter,
    usage: TokenUse,
    published: bool,
}

/// All keys ever generated, oldest first. The last key of each use signs.
pub(crate) struct Keys {
    seed: String,
    generation: u32,
    all: Vec<Key>,
}

impl Keys {
    /// Generates the first two keys of this seed.
    pub(crate) fn new(seed: &str) -> Result<Keys, MintError> {
        let mut keys = Keys {
            seed: seed.to_owned(),
            generation: 0,
            all: Vec::new(),
        };
        keys.rotate()?;
        Ok(keys)
    }

    /// Generates and publishes two new keys, which sign from now on. The old ones stay published.
    pub(crate) fn rotate(&mut self) -> Result<(), MintError> {
        self.generation += 1;
        for usage in TokenUse::BOTH {
            let seed = format!("local issuer {} {}", self.seed, self.generation);
            let kid = kid(&seed, usage);
            let key = PrivateKey::generate(&seed, &kid, Algorithm::RS256, RSA_BITS)?;
            self.all.push(Key {
                minter: Minter::new(key),
                usage,
                published: true,
            });
        }
        Ok(())
    }

    /// Publishes or withdraws a key; returns whether it exists.
    pub(crate) fn publish(&mut self, kid: &str, published: bool) -> bool {
        let key = self
            .all
            .iter_mut()
            .find(|key| key.minter.key().kid() == kid);
        if let Some(key) = key {
            key.published = published;
            return true;
        }
        false
    }

    /// Returns the current signer for tokens of this use.
    pub(crate) fn signer(&self, usage: TokenUse) -> Option<&Minter> {
        let mut newest = self.all.iter().rev();
        newest.find(|key| key.usage == usage).map(|key| &key.minter)
    }

    /// Returns the key with this ID, published or not.
    pub(crate) fn named(&self, kid: &str) -> Option<&Minter> {
        let mut minters = self.all.iter().map(|key| &key.minter);
        minters.find(|minter| minter.key().kid() == kid)
    }

    /// Returns the published set.
    pub(crate) fn to_set(&self) -> JwkSet {
        let published = self.all.iter().filter(|key| key.published);
        let keys: Vec<Jwk> = published
            .filter_map(|key| key.minter.key().to_public_jwk())
            .collect();
        JwkSet { keys }
    }

    /// Returns all keys for people and tests, oldest first.
    pub(crate) fn report(&self) -> Value {
        let rows = self.all.iter().map(|key| {
            let kid = key.minter.key().kid();
            let signs = self
                .signer(key.usage)
                .is_some_and(|signer| signer.key().kid() == kid);
            json!({
                "kid": kid,
                "use": key.usage.name(),
                "published": key.published,
                "signs": signs,
            })
        });
        json!({ "keys": rows.collect::<Vec<_>>() })
    }
}

/// Returns a key ID as user pools create it: base64 of 32 bytes, with the full base64 alphabet.
fn kid(seed: &str, usage: TokenUse) -> String {
    let mut hash = Sha256::new();
    hash.update(seed);
    hash.update(usage.name());
    Base64::encode_string(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(keys: &Keys) -> Vec<String> {
        let set = keys.to_set().keys;
        set.into_iter().filter_map(|key| key.kid).collect()
    }

    #[test]
    fn a_rotation_adds_two_keys_and_old_ones_are_withdrawn_on_request() {
        let mut keys = Keys::new("test").unwrap();
        let first = published(&keys);
        assert_eq!(first.len(), 2);
        keys.rotate().unwrap();
        let both = published(&keys);
        assert_eq!(both.len(), 4);
        assert_eq!(both[..2], first);
        let signer = keys.signer(TokenUse::Id).unwrap().key().kid().to_owned();
        assert!(!first.contains(&signer));

        assert!(keys.publish(&first[0], false));
        assert_eq!(published(&keys), both[1..]);
        // It can still sign, so that tests can check that such a token is rejected.
        assert!(keys.named(&first[0]).is_some());
        assert!(keys.publish(&first[0], true));
        assert_eq!(published(&keys), both);
        assert!(!keys.publish("nobody", false));

        let again = Keys::new("test").unwrap();
        assert_eq!(published(&again), first, "keys come from the seed only");
    }
}
