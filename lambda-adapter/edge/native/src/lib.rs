//! The gate as an addon for Node, through napi-rs, with the native signature provider.
//!
//! It has the interface of the class that wasm-bindgen generates in `edge-wasm/node`, so that the same
//! JavaScript works with both. Requests and outcomes are passed as bytes in `tollgate_gate::wire`, one call
//! each. Not here: CloudFront, and the public JavaScript interface.

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use napi::Env;
use napi::bindgen_prelude::{BufferSlice, Error, Result};
use napi_derive::napi;
use tollgate_crypto::Native;
use tollgate_gate::{Context, FetchResponse, Resumed, TokenCache, Trust, UnixSeconds, wire};

/// The number of verified tokens that are cached.
const CACHED_TOKENS: usize = 512;

/// A loaded policy; `None` after a panic, which may have left it inconsistent.
#[napi]
pub struct Gate(Option<Loaded>);

struct Loaded {
    gate: tollgate_gate::Gate<Vec<u8>>,
    tokens: TokenCache,
}

#[napi]
impl Gate {
    /// Loads a policy image. With trust keys, the image must be signed by one of them and have version
    /// `oldest` or later; 0 for any.
    ///
    /// # Errors
    ///
    /// An `Error` that describes what is wrong with the image, with keys in it, or with trust keys.
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

    /// The start of the targets whose requests need entropy.
    ///
    /// # Errors
    ///
    /// As [`Gate::decide`].
    #[napi(getter, js_name = "entropyPath")]
    pub fn entropy_path(&mut self) -> Result<Option<String>> {
        self.ask(|loaded| loaded.gate.entropy_path().map(str::to_owned))
    }

    /// Returns the fetches that are due although no request waits for them, encoded; empty if there are none.
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
    /// An `Error` that describes why the response is rejected. The current keys stay in use.
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
        Ok(match resumed.map_err(refused)? {
            Resumed::Keys(accepted) => accepted.skipped.iter().map(ToString::to_string).collect(),
            Resumed::Exchange => Vec::new(),
        })
    }

    /// Evaluates one encoded request; the result is an encoded step whatever the bytes are.
    ///
    /// # Errors
    ///
    /// If the gate panics or has panicked before. The caller denies the request, and loads the policy again.
    #[napi]
    pub fn decide<'env>(&mut self, env: &'env Env, request: &[u8]) -> Result<BufferSlice<'env>> {
        let reply = self.ask(|loaded| {
            let Loaded { gate, tokens } = loaded;
            wire::step(gate, request, &mut Context::cached(tokens))
        })?;
        // A copy, because external buffers accumulate until Node releases them.
        BufferSlice::copy_from(env, reply)
    }

    fn ask<T>(&mut self, call: impl FnOnce(&mut Loaded) -> T) -> Result<T> {
        let loaded = self
            .0
            .as_mut()
            .ok_or_else(|| refused("this gate has panicked before"))?;
        // The state that a panic left is dropped with the gate.
        catch_unwind(AssertUnwindSafe(|| call(loaded))).map_err(|_| {
            self.0 = None;
            refused("this gate has panicked")
        })
    }
}

fn refused(why: impl ToString) -> Error {
    Error::from_reason(why.to_string())
}

/// Converts a JavaScript number of seconds. An invalid time becomes one at which nothing is due.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and fractions of seconds are irrelevant"
)]
fn seconds(now: f64) -> UnixSeconds {
    UnixSeconds(now as i64)
}
