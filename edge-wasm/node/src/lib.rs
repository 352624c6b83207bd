//! The gate as a JavaScript class, through wasm-bindgen.
//!
//! Requests and outcomes are passed as bytes in `tollgate_gate::wire`, one call each. Not here: the public
//! JavaScript interface. `js/` wraps this class, converts objects to bytes and back, and denies requests when
//! the module traps.

use tollgate_crypto::Portable;
use tollgate_gate::{
    Admitted, CacheEdit, ClientCache, ClientHandle, Context, FetchResponse, Request, Resumed,
    RuleId, TokenCache, Trust, UnixSeconds, wire,
};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// Returns the new `Cache-Control` of a response, or `None` if it does not change. `cache` is the value of
/// `outcome.forward.cache`.
///
/// # Errors
///
/// Returns an error for any other value of `cache`.
#[wasm_bindgen(js_name = cacheControl)]
pub fn cache_control(cache: &str, value: Option<String>) -> Result<Option<String>, JsError> {
    let value: Vec<&str> = value.iter().map(String::as_str).collect();
    Ok(cache_edit(cache)?.cache_control(&value))
}

/// Returns the headers to remove from a response.
///
/// # Errors
///
/// Returns an error for any other value of `cache`.
#[wasm_bindgen(js_name = removedHeaders)]
pub fn removed_headers(cache: &str) -> Result<Vec<String>, JsError> {
    let removed = cache_edit(cache)?.removed().iter();
    Ok(removed.map(|name| (*name).to_owned()).collect())
}

fn cache_edit(name: &str) -> Result<CacheEdit, JsError> {
    let found = CacheEdit::ALL.into_iter().find(|edit| edit.code() == name);
    found.ok_or_else(|| JsError::new("no such change to the caching of a response"))
}

/// The number of verified tokens that are cached.
const CACHED_TOKENS: usize = 512;

/// The number of clients that are cached.
const CACHED_CLIENTS: usize = 512;
/// The size of the scratch buffer for a method and a target, in bytes. A longer request is evaluated as a
/// whole.
const SCRATCH_BYTES: usize = 4_096;
/// The result of `admit` if the request has to be evaluated as a whole.
const NOT_ADMITTED: f64 = -1.0;

/// A loaded policy.
#[wasm_bindgen]
pub struct Gate {
    gate: tollgate_gate::Gate<Vec<u8>>,
    tokens: TokenCache,
    clients: ClientCache,
    /// The handle that the last decision assigned.
    handle: Option<ClientHandle>,
    /// The buffer into which the host writes method and target of a repeat request.
    scratch: Box<[u8; SCRATCH_BYTES]>,
}

#[wasm_bindgen]
impl Gate {
    /// Loads a policy image. With trust keys, the image must be signed by one of them and have version
    /// `oldest` or later; 0 for any.
    ///
    /// # Errors
    ///
    /// An `Error` that describes what is wrong with the image, with keys in it, or with trust keys.
    #[wasm_bindgen(constructor)]
    pub fn new(image: Vec<u8>, trust: Option<Vec<u8>>, oldest: f64) -> Result<Gate, JsError> {
        let trust = trust.map(|keys| Trust::from_json_since(&keys, oldest, &Portable));
        let mut trust = trust.transpose()?;
        let gate = tollgate_gate::Gate::load(image, trust.as_mut(), &Portable)?;
        Ok(Gate {
            gate,
            tokens: TokenCache::new(CACHED_TOKENS),
            clients: ClientCache::new(CACHED_CLIENTS),
            handle: None,
            scratch: Box::new([0; SCRATCH_BYTES]),
        })
    }

    /// The version of a signed policy.
    #[wasm_bindgen(getter, js_name = policyVersion)]
    pub fn policy_version(&self) -> Option<f64> {
        let release = self.gate.release()?;
        Some(release.version.to_f64())
    }

    /// The start of the targets whose requests need entropy.
    #[wasm_bindgen(getter, js_name = entropyPath)]
    pub fn entropy_path(&self) -> Option<String> {
        self.gate.entropy_path().map(str::to_owned)
    }

    /// The content id of the policy, 32 hexadecimal digits.
    #[wasm_bindgen(getter, js_name = policyId)]
    pub fn policy_id(&self) -> String {
        self.gate.policy_id().to_string()
    }

    /// Returns the fetches that are due although no request waits for them, encoded; empty if there are none.
    pub fn due(&mut self, now: f64) -> Vec<u8> {
        wire::encode_fetches(&self.gate.due(seconds(now)))
    }

    /// Accepts the response to a fetch; status 0 for no response. Returns which keys of a set are skipped and why.
    ///
    /// # Errors
    ///
    /// An `Error` that describes why the response is rejected. The current keys stay in use.
    pub fn resume(
        &mut self,
        ticket: u32,
        status: u16,
        body: &[u8],
        now: f64,
    ) -> Result<Vec<String>, JsError> {
        let response = (status != 0).then_some(FetchResponse { status, body });
        Ok(match self.gate.resume(ticket, response, seconds(now))? {
            Resumed::Keys(accepted) => accepted.skipped.iter().map(ToString::to_string).collect(),
            Resumed::Exchange => Vec::new(),
        })
    }

    /// Evaluates one encoded request; the result is an encoded step whatever the bytes are.
    pub fn decide(&mut self, request: &[u8]) -> Vec<u8> {
        let mut context = Context::cached(&mut self.tokens).with_clients(&mut self.clients);
        let reply = wire::step(&mut self.gate, request, &mut context);
        self.handle = context.client_handle();
        reply
    }

    /// The handle that the last decision assigned to its client; 0 for none.
    #[wasm_bindgen(getter)]
    pub fn handle(&self) -> u32 {
        self.handle.map_or(0, |handle| handle.handle)
    }

    /// The issuer of that client's token.
    #[wasm_bindgen(getter)]
    pub fn issuer(&self) -> usize {
        self.handle.map_or(0, |handle| handle.issuer)
    }

    /// Whether header field lines of this name must stay the same for a client handle to be valid.
    #[wasm_bindgen(js_name = isWatchedHeader)]
    pub fn is_watched_header(&self, name: &str) -> bool {
        self.gate.is_watched_header(name)
    }

    /// The address of the scratch buffer, which must contain the method followed by the target.
    #[wasm_bindgen(getter, js_name = scratchPtr)]
    pub fn scratch_ptr(&self) -> *const u8 {
        self.scratch.as_ptr()
    }

    /// The size of the scratch buffer, in bytes.
    #[wasm_bindgen(getter, js_name = scratchLen)]
    pub fn scratch_len(&self) -> usize {
        SCRATCH_BYTES
    }

    /// Returns twice the number of the rule that allows a repeat request, plus one if the response is
    /// private; negative if the request has to be evaluated as a whole.
    pub fn admit(&mut self, handle: u32, now: f64, method: usize, target: usize) -> f64 {
        let Some(request) = next_request(&*self.scratch, now, method, target) else {
            return NOT_ADMITTED;
        };
        let admitted = self.gate.admit(&mut self.clients, handle, &request);
        admitted.map_or(NOT_ADMITTED, |Admitted { rule, cache }| {
            2.0 * f64::from(rule.0) + f64::from(u8::from(cache == CacheEdit::Private))
        })
    }

    /// The name of a rule.
    #[wasm_bindgen(js_name = ruleName)]
    pub fn rule_name(&self, rule: u32) -> Option<String> {
        let name = self.gate.image().rule_name(RuleId(rule));
        name.map(|name| name.to_string())
    }

    /// The log record of a request that [`admit`](Self::admit) allowed, as JSON.
    pub fn record(
        &self,
        rule: u32,
        issuer: usize,
        now: f64,
        method: usize,
        target: usize,
    ) -> Option<String> {
        let request = next_request(&*self.scratch, now, method, target)?;
        let record = self.gate.record(&request, RuleId(rule), issuer)?;
        let mut json = String::new();
        record.write_json(&mut json).ok()?;
        Some(json)
    }
}

/// A repeat request, of which only these parts are passed.
fn next_request(scratch: &[u8], now: f64, method: usize, target: usize) -> Option<Request<'_>> {
    let (method, rest) = scratch.split_at_checked(method)?;
    Some(Request {
        method: core::str::from_utf8(method).ok()?,
        target: rest.get(..target)?,
        headers: &[],
        ip: None,
        now: seconds(now),
        entropy: None,
    })
}

/// Converts a JavaScript number of seconds. An invalid time becomes one at which nothing is due.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and fractions of seconds are irrelevant"
)]
fn seconds(now: f64) -> UnixSeconds {
    UnixSeconds(now as i64)
}
