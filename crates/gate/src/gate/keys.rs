//! Steps, fetches and fetched key sets of a loaded gate. [`crate::refresh`] decides when to fetch.

use alloc::{sync::Arc, vec::Vec};

use tollgate_core::UnixSeconds;
use tollgate_core::decide::Trace;
use tollgate_token::{IssuerConfig, Jwks, KeyError, SkippedKey};

use super::{Context, Gate};
use crate::cache::Epoch;
use crate::fetch::{Fetch, FetchResponse, Pending, Resumed, Step};
use crate::outcome::Outcome;
use crate::refresh::{KeySet, KeySetError, KeysAccepted, MAX_KEYS_BYTES, Trigger};
use crate::request::Request;
use crate::sign_in::exchange::Wanted;

impl<B: AsRef<[u8]>> Gate<B> {
    /// Evaluates a request as far as possible without the network. On [`Step::Fetch`], the host begins the
    /// fetches, waits for them, and calls this again.
    pub fn step<T: Trace>(&mut self, request: &Request<'_>, context: &mut Context<'_, T>) -> Step {
        let outcome = self.ask(request, context);
        self.follow(outcome, request.now)
    }

    /// Returns the step for an outcome of [`ask`](Self::ask). A host with a shared gate needs exclusive
    /// access only for this call. `now` is the time for cooldowns.
    pub fn follow(&mut self, outcome: Outcome, now: UnixSeconds) -> Step {
        if let Some(wanted) = outcome.wanted.as_deref().cloned() {
            return self.exchange(outcome, wanted, now);
        }
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

    fn exchange(&mut self, outcome: Outcome, wanted: Wanted, now: UnixSeconds) -> Step {
        let Some(sign_in) = &mut self.sign_in else {
            return Step::Done(outcome);
        };
        let refresh = &mut self.refresh;
        let begun = sign_in
            .exchanges
            .begin(wanted, now, || refresh.next_ticket());
        let Some((ticket, fetch)) = begun else {
            return Step::Done(outcome);
        };
        Step::Fetch(Pending {
            outcome,
            fetches: fetch.into_iter().collect(),
            tickets: Vec::from([ticket]),
        })
    }

    /// Returns the fetches that are due because of the age of the keys; no request waits for them. They are
    /// in flight from now on, so no other caller receives them. A host can call this at any time, for
    /// instance after every request, and begins the fetches in the background.
    pub fn due(&mut self, now: UnixSeconds) -> Vec<Fetch> {
        if let Some(sign_in) = &mut self.sign_in {
            sign_in.exchanges.forget(now);
        }
        self.refresh.due(now, Trigger::Age)
    }

    /// Accepts the response to a fetch, or `None` if there was no response. A key set replaces all public
    /// keys of its issuer, including those of the image. Secrets stay. A set that contains the current keys
    /// changes nothing, so cached tokens stay valid.
    ///
    /// # Errors
    ///
    /// Returns an error if the set is rejected, or if no fetch with this ticket is in flight. The current
    /// keys stay in use.
    pub fn resume(
        &mut self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        now: UnixSeconds,
    ) -> Result<Resumed, KeySetError> {
        if let Some(sign_in) = &mut self.sign_in
            && sign_in.exchanges.end(ticket, response)
        {
            return Ok(Resumed::Exchange);
        }
        let issuer = self.refresh.end(ticket, now).ok_or(KeySetError::Ticket)?;
        let FetchResponse { status, body } = response.ok_or(KeySetError::NoResponse)?;
        if status != 200 {
            return Err(KeySetError::Status(status));
        }
        self.accept_keys(issuer, body, now).map(Resumed::Keys)
    }

    /// Restores a key set that an earlier gate of the same image accepted at `fetched`, for a host that had to
    /// load the image again.
    ///
    /// # Errors
    ///
    /// Returns an error if the set is rejected. The current keys stay in use.
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

/// The keys that the image contains for an issuer.
fn pinned(issuer: &IssuerConfig) -> Option<KeySet> {
    let (keys, _) = read(issuer.jwks.as_deref()?.as_bytes(), issuer).ok()?;
    Some(keys)
}
