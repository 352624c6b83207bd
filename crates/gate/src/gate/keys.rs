//! Steps, fetches and fetched key sets of a gate in use. When to fetch is in [`crate::refresh`].

use alloc::{sync::Arc, vec::Vec};

use tollgate_core::UnixSeconds;
use tollgate_core::decide::Trace;
use tollgate_token::{IssuerConfig, Jwks, KeyError, SkippedKey};

use super::{Context, Gate};
use crate::cache::Epoch;
use crate::fetch::{Fetch, FetchResponse, Pending, Step};
use crate::outcome::Outcome;
use crate::refresh::{KeySet, KeySetError, KeysAccepted, MAX_KEYS_BYTES, Trigger};
use crate::request::Request;

impl<B: AsRef<[u8]>> Gate<B> {
    /// Evaluates a request as far as it goes without the network. With [`Step::Fetch`], the host begins the
    /// fetches, waits, and calls this again.
    pub fn step<T: Trace>(&mut self, request: &Request<'_>, context: &mut Context<'_, T>) -> Step {
        let outcome = self.ask(request, context);
        self.follow(outcome, request.now)
    }

    /// The step that an outcome of [`ask`](Self::ask) leads to, for a host that evaluates with a shared gate and
    /// takes it exclusively only where something is fetched. `now` is the time for cooldowns.
    pub fn follow(&mut self, outcome: Outcome, now: UnixSeconds) -> Step {
        if !outcome.unknown_key {
            return Step::Done(outcome);
        }
        let fetches = self.refresh.due(now, Trigger::UnknownKey);
        let tickets = self.refresh.in_flight();
        if tickets.is_empty() {
            // Within the cooldown: the keys were just fetched.
            return Step::Done(outcome);
        }
        Step::Fetch(Pending {
            outcome,
            fetches,
            tickets,
        })
    }

    /// The fetches that are due although no request waits for them: old keys. They are in flight from here on,
    /// so no other caller gets them too. A host calls this as often as it likes, for instance after every
    /// request, and begins them in the background.
    pub fn due(&mut self, now: UnixSeconds) -> Vec<Fetch> {
        self.refresh.due(now, Trigger::Age)
    }

    /// Accepts the response to a fetch, `None` if there is none. A key set replaces all public keys of its
    /// issuer, including those of the image. Secrets stay. A set with the keys that are already in use changes
    /// nothing, so cached tokens stay valid.
    ///
    /// # Errors
    ///
    /// Returns an error if the set cannot be used, or no fetch with this ticket is in flight. The keys stay as
    /// they were.
    pub fn resume(
        &mut self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        now: UnixSeconds,
    ) -> Result<KeysAccepted, KeySetError> {
        let issuer = self.refresh.end(ticket, now).ok_or(KeySetError::Ticket)?;
        let FetchResponse { status, body } = response.ok_or(KeySetError::NoResponse)?;
        if status != 200 {
            return Err(KeySetError::Status(status));
        }
        self.accept_keys(issuer, body, now)
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
    ) -> Result<(), KeySetError> {
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
    ) -> Result<KeysAccepted, KeySetError> {
        if body.len() > MAX_KEYS_BYTES as usize {
            return Err(KeySetError::TooLarge);
        }
        let config = self.config.issuers.get(issuer);
        let config = config.ok_or(KeySetError::Ticket)?;
        let (keys, skipped) = read(body, config).map_err(KeySetError::Keys)?;
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
            .map_err(KeySetError::Keys)?;
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
