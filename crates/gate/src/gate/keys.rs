//! Key sets fetched while a gate is in use. When to fetch is in [`crate::refresh`].

use alloc::{sync::Arc, vec::Vec};

use tollgate_core::UnixSeconds;
use tollgate_token::{IssuerConfig, Jwks, KeyError, SkippedKey};

use super::Gate;
use crate::cache::Epoch;
use crate::refresh::{KeyFetch, KeySet, KeysAccepted, KeysRefused, MAX_KEYS_BYTES, Why};

impl<B: AsRef<[u8]>> Gate<B> {
    /// A key set that the host should fetch now, if one is due. It counts as under way from here on, so
    /// no other caller is told to fetch it too. Several issuers are told one by one: ask again until
    /// there is none.
    ///
    /// A host asks with [`Why::UnknownKey`] for an outcome with `unknown_key`, and with [`Why::Age`] as
    /// often as it likes, for instance beside every request.
    pub fn keys_due(&mut self, now: UnixSeconds, why: Why) -> Option<KeyFetch> {
        self.refresh.due(now, why)
    }

    /// Accepts a fetched key set, which replaces all public keys of its issuer, including those of the image.
    /// Secrets stay. A set with the keys that are already in use changes nothing, so cached tokens stay valid.
    ///
    /// # Errors
    ///
    /// If the set cannot be used, or no fetch with this ticket is in flight. The keys stay as they were.
    pub fn keys_arrived(
        &mut self,
        ticket: u32,
        body: &[u8],
        now: UnixSeconds,
    ) -> Result<KeysAccepted, KeysRefused> {
        let issuer = self.refresh.end(ticket, now).ok_or(KeysRefused::Ticket)?;
        self.accept_keys(issuer, body, now)
    }

    /// Takes the report that a fetch failed, in whatever way.
    pub fn keys_failed(&mut self, ticket: u32, now: UnixSeconds) {
        self.refresh.end(ticket, now);
    }

    /// Restores a key set that an earlier gate of the same image accepted at `fetched`, for a host that had to
    /// load the image again.
    ///
    /// # Errors
    ///
    /// If the set cannot be used. The keys stay as they were.
    pub fn restore_keys(
        &mut self,
        url: &str,
        body: &[u8],
        fetched: UnixSeconds,
    ) -> Result<(), KeysRefused> {
        for issuer in self.refresh.issuers_at(url) {
            self.accept_keys(issuer, body, fetched)?;
        }
        Ok(())
    }

    /// Continues the cooldown of a key set whose last fetch ended at `ended`, for a host that had to load the
    /// image again.
    pub fn restore_cooldown(&mut self, url: &str, ended: UnixSeconds) {
        self.refresh.restore_cooldown(url, ended);
    }

    fn accept_keys(
        &mut self,
        issuer: usize,
        body: &[u8],
        now: UnixSeconds,
    ) -> Result<KeysAccepted, KeysRefused> {
        if body.len() > MAX_KEYS_BYTES {
            return Err(KeysRefused::TooLarge);
        }
        let config = self.config.issuers.get(issuer);
        let config = config.ok_or(KeysRefused::Ticket)?;
        let (keys, skipped) = read(body, config).map_err(KeysRefused::Keys)?;
        let is_in_use = match self.refresh.keys(issuer) {
            Some(in_use) => *in_use == keys,
            None => pinned(config).is_some_and(|in_use| in_use == keys),
        };
        if is_in_use && !keys.is_empty() {
            self.refresh.succeeded(issuer, now, keys);
            return Ok(KeysAccepted {
                changed: false,
                skipped,
            });
        }
        let skipped = self
            .verifier
            .refresh(issuer, body, self.provider)
            .map_err(KeysRefused::Keys)?;
        self.refresh.succeeded(issuer, now, keys);
        // Tokens that were verified with the old keys have to be verified again.
        self.epoch = Arc::new(Epoch);
        Ok(KeysAccepted {
            changed: true,
            skipped,
        })
    }
}

/// The keys of a set that could verify a token of the issuer, and those that are skipped.
fn read(json: &[u8], issuer: &IssuerConfig) -> Result<(KeySet, Vec<SkippedKey>), Vec<KeyError>> {
    let set = Jwks::parse_lenient(json, &issuer.algorithms)?;
    Ok((KeySet::new(set.keys()), set.skipped().to_vec()))
}

/// The keys that the image brings for an issuer.
fn pinned(issuer: &IssuerConfig) -> Option<KeySet> {
    let (keys, _) = read(issuer.jwks.as_deref()?.as_bytes(), issuer).ok()?;
    Some(keys)
}
