//! Fresh keys for a gate at work. The rules of when are in [`crate::refresh`].

use alloc::sync::Arc;

use tollgate_core::UnixSeconds;

use super::Gate;
use crate::cache::Epoch;
use crate::refresh::{KeyFetch, KeysRefused, MAX_KEYS_BYTES, Why};

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

    /// Takes a fetched key set: from here on it holds all public keys of its issuer, those that the image
    /// brought included. Secrets stay.
    ///
    /// # Errors
    ///
    /// If the set cannot be used or nobody waits for it. The keys stay as they were.
    pub fn keys_arrived(
        &mut self,
        ticket: u32,
        body: &[u8],
        now: UnixSeconds,
    ) -> Result<(), KeysRefused> {
        let issuer = self.refresh.end(ticket, now).ok_or(KeysRefused::Ticket)?;
        if body.len() > MAX_KEYS_BYTES {
            return Err(KeysRefused::TooLarge);
        }
        self.verifier
            .refresh(issuer, body, self.provider)
            .map_err(KeysRefused::Keys)?;
        self.refresh.succeeded(issuer, now);
        // Whatever was verified with the keys before is to be verified again.
        self.epoch = Arc::new(Epoch);
        Ok(())
    }

    /// Takes the report that a fetch failed, in whatever way.
    pub fn keys_failed(&mut self, ticket: u32, now: UnixSeconds) {
        self.refresh.end(ticket, now);
    }
}
