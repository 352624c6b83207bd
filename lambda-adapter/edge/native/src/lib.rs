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
use tollgate_gate::{Context, FetchResponse, TokenCache, Trust, UnixSeconds, wire};

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

    /// The fetches that are due although no request waits for them, encoded; empty if there are none.
    ///
    /// # Errors
    ///
    /// As [`Gate::decide`].
    #[napi]
    pub fn due<'env>(&mut self, env: &'env Env, now: f64) -> Result<BufferSlice<'env>> {
        let due = self.ask(|loaded| loaded.gate.due(seconds(now)))?;
        BufferSlice::copy_from(env, wire::encode_fetches(&due))
    }

    /// Accepts the response to a fetch; status 0 for no response. Returns which keys of a set are skipped and why.
    ///
    /// # Errors
    ///
    /// An `Error` that says why it is not used. The keys stay as they were.
    #[napi]
    pub fn resume(
        &mut self,
        ticket: u32,
        status: u32,
        body: &[u8],
        now: f64,
    ) -> Result<Vec<String>> {
        let status = u16::try_from(status).ok().filter(|status| *status != 0);
        let response = status.map(|status| FetchResponse { status, body });
        let resumed = self.ask(|loaded| loaded.gate.resume(ticket, response, seconds(now)))?;
        let accepted = resumed.map_err(refused)?;
        Ok(accepted.skipped.iter().map(ToString::to_string).collect())
    }

    /// Evaluates one encoded request; the result is an encoded step whatever the bytes are.
    ///
    /// # Errors
    ///
    /// If the gate panics or has done so before. The caller denies, and loads the policy again.
    #[napi]
    pub fn decide<'env>(&mut self, env: &'env Env, request: &[u8]) -> Result<BufferSlice<'env>> {
        let reply = self.ask(|loaded| {
            let Loaded { gate, tokens } = loaded;
            wire::step(gate, request, &mut Context::cached(tokens))
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
