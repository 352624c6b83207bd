//! The gate as an addon for Node, through napi-rs, with the native signature provider.
//!
//! It has the face of the class that wasm-bindgen makes in `edge-wasm/node`, so that the same
//! JavaScript stands over both. Requests and outcomes cross as bytes in `tollgate_gate::wire`, one
//! call each. Not here: CloudFront, and anything a JavaScript user sees.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Error, Result};
use napi_derive::napi;
use tollgate_crypto::Native;
use tollgate_gate::{Context, TokenCache, Trust, UnixSeconds, Why, wire};

/// How many good tokens are remembered.
const CACHED_TOKENS: usize = 512;

/// A loaded policy; none after a panic, for nobody knows what that left behind.
#[napi]
pub struct Gate(Option<Loaded>);

struct Loaded {
    gate: tollgate_gate::Gate<Vec<u8>>,
    tokens: TokenCache,
}

#[napi]
impl Gate {
    /// Loads a policy image; with trust keys, only one that is signed by one of them, and of version
    /// `oldest` or later; 0 for any.
    ///
    /// # Errors
    ///
    /// An `Error` that says what is wrong with the image, with keys in it, or with trust keys.
    #[napi(constructor, catch_unwind)]
    pub fn new(image: &[u8], trust: Option<&[u8]>, oldest: f64) -> Result<Self> {
        let trust = trust.map(|keys| Trust::from_json_since(keys, oldest, &Native));
        let mut trust = trust.transpose().map_err(refused)?;
        let gate = tollgate_gate::Gate::load(image.to_vec(), trust.as_mut(), &Native);
        let gate = gate.map_err(refused)?;
        let tokens = TokenCache::new(CACHED_TOKENS);
        Ok(Self(Some(Loaded { gate, tokens })))
    }

    /// The version of a signed policy.
    ///
    /// # Errors
    ///
    /// As [`Gate::decide`].
    #[napi(getter, js_name = "policyVersion")]
    pub fn policy_version(&mut self) -> Result<Option<f64>> {
        self.ask(|loaded| {
            let release = loaded.gate.release()?;
            Some(release.version.to_f64())
        })
    }

    /// The content id of the policy, 32 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// As [`Gate::decide`].
    #[napi(getter, js_name = "policyId")]
    pub fn policy_id(&mut self) -> Result<String> {
        self.ask(|loaded| loaded.gate.policy_id().to_string())
    }

    /// The key set to fetch now, encoded; empty if none is due.
    ///
    /// # Errors
    ///
    /// As [`Gate::decide`].
    #[napi]
    pub fn keys_due<'env>(
        &mut self,
        env: &'env Env,
        now: f64,
        unknown_key: bool,
    ) -> Result<BufferSlice<'env>> {
        let why = if unknown_key {
            Why::UnknownKey
        } else {
            Why::Age
        };
        let due = self.ask(|loaded| loaded.gate.keys_due(seconds(now), why))?;
        BufferSlice::copy_from(env, wire::encode_key_fetch(due.as_ref()))
    }

    /// Accepts a fetched key set, and returns which of its keys are skipped and why.
    ///
    /// # Errors
    ///
    /// An `Error` that says why it is not used. The keys stay as they were.
    #[napi]
    pub fn keys_arrived(&mut self, ticket: u32, body: &[u8], now: f64) -> Result<Vec<String>> {
        let arrived = self.ask(|loaded| loaded.gate.keys_arrived(ticket, body, seconds(now)))?;
        let accepted = arrived.map_err(refused)?;
        Ok(accepted.skipped.iter().map(ToString::to_string).collect())
    }

    /// Takes the report that a fetch failed.
    ///
    /// # Errors
    ///
    /// As [`Gate::decide`].
    #[napi]
    pub fn keys_failed(&mut self, ticket: u32, now: f64) -> Result<()> {
        self.ask(|loaded| loaded.gate.keys_failed(ticket, seconds(now)))
    }

    /// Decides one encoded request; the answer is an encoded outcome whatever the bytes are.
    ///
    /// # Errors
    ///
    /// If the gate panics or has done so before. The caller denies, and loads the policy again.
    #[napi]
    pub fn decide<'env>(&mut self, env: &'env Env, request: &[u8]) -> Result<BufferSlice<'env>> {
        let reply = self.ask(|loaded| {
            wire::ask(
                &loaded.gate,
                request,
                &mut Context::cached(&mut loaded.tokens),
            )
        })?;
        // A copy: what Node would have to give back to us piles up until it finds the time.
        BufferSlice::copy_from(env, reply)
    }

    fn ask<T>(&mut self, call: impl FnOnce(&mut Loaded) -> T) -> Result<T> {
        let loaded = self
            .0
            .as_mut()
            .ok_or_else(|| refused("this gate has panicked before"))?;
        // What a panic leaves half done is dropped with the gate.
        catch_unwind(AssertUnwindSafe(|| call(loaded))).map_err(|_| {
            self.0 = None;
            refused("this gate has panicked")
        })
    }
}

fn refused(why: impl ToString) -> Error {
    Error::from_reason(why.to_string())
}

/// A JavaScript number of seconds; what is no time is one at which nothing is due.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and halves of seconds do not count"
)]
fn seconds(now: f64) -> UnixSeconds {
    UnixSeconds(now as i64)
}
