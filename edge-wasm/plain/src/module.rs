//! The state of the module between calls, independent of its exports.
//!
//! Not here: addresses, which only the exports use.

use tollgate_crypto::Portable;
use tollgate_gate::signed::MAX_SIGNED_BYTES;
use tollgate_gate::{Context, FetchResponse, Gate, Resumed, TokenCache, Trust, UnixSeconds, wire};

/// Longest accepted policy image or request, in bytes.
const MAX_INPUT_BYTES: usize = MAX_SIGNED_BYTES;

/// The number of verified tokens that are cached.
const CACHED_TOKENS: usize = 512;

/// The buffers for one call, and the policy.
pub(crate) struct Module {
    input: Vec<u8>,
    output: Vec<u8>,
    loaded: Option<Loaded>,
    message: String,
    trust: Trusted,
}

/// The images that are accepted.
enum Trusted {
    /// All images: the host trusts its source.
    Any,
    /// Images that one of these keys signed.
    By(Trust),
    /// None: the host required signed images but passed no valid keys.
    NoValidKeys,
}

/// A loaded policy.
struct Loaded {
    gate: Gate<Vec<u8>>,
    tokens: TokenCache,
}

impl Module {
    /// No policy: every request is denied.
    pub(crate) const EMPTY: Self = Self {
        input: Vec::new(),
        output: Vec::new(),
        loaded: None,
        message: String::new(),
        trust: Trusted::Any,
    };

    /// Allocates the next input, zeroed; `None` if it is too large.
    pub(crate) fn reserve(&mut self, length: usize) -> Option<&mut [u8]> {
        if length > MAX_INPUT_BYTES {
            return None;
        }
        self.input.clear();
        self.input.resize(length, 0);
        Some(&mut self.input)
    }

    /// Loads the input as a policy image. If it is rejected, the earlier policy stays in use.
    pub(crate) fn load(&mut self, length: usize) -> bool {
        if length != self.input.len() {
            self.message = String::from("the length is not that of the buffer");
            return false;
        }
        let trust = match &mut self.trust {
            Trusted::Any => None,
            Trusted::By(trust) => Some(trust),
            Trusted::NoValidKeys => {
                self.message = String::from("no valid trust keys are set");
                return false;
            }
        };
        match Gate::load(core::mem::take(&mut self.input), trust, &Portable) {
            Ok(gate) => {
                self.message.clear();
                self.loaded = Some(Loaded {
                    gate,
                    tokens: TokenCache::new(CACHED_TOKENS),
                });
                true
            }
            Err(error) => {
                self.message = error.to_string();
                false
            }
        }
    }

    /// Uses the input as trust keys for all further loads. `oldest` is the oldest accepted version of a
    /// policy, 0 for any.
    pub(crate) fn trust(&mut self, length: usize, oldest: u64) -> bool {
        self.message.clear();
        self.trust = Trusted::NoValidKeys;
        if length != self.input.len() {
            self.message = String::from("the length is not that of the buffer");
            return false;
        }
        let keys = core::mem::take(&mut self.input);
        // A value that the cast rounds is not a version anyway.
        match Trust::from_json_since(&keys, oldest as f64, &Portable) {
            Ok(trust) => {
                self.trust = Trusted::By(trust);
                true
            }
            Err(error) => {
                self.message = error.to_string();
                false
            }
        }
    }

    /// The version of the loaded policy; 0 if it has none.
    pub(crate) fn version(&self) -> u64 {
        let loaded = self.loaded.as_ref();
        let release = loaded.and_then(|loaded| loaded.gate.release());
        release.map_or(0, |release| release.version.get())
    }

    /// The encoded fetches that are due; empty if there are none.
    pub(crate) fn due(&mut self, now: i64) -> &[u8] {
        let loaded = self.loaded.as_mut();
        let due = loaded.map(|loaded| loaded.gate.due(UnixSeconds(now)));
        self.output = wire::encode_fetches(&due.unwrap_or_default());
        &self.output
    }

    /// Accepts the input as the body of the response to the fetch with this ticket; status 0 for no response.
    pub(crate) fn resume(&mut self, ticket: u32, status: u32, length: usize, now: i64) -> bool {
        let Some(loaded) = &mut self.loaded else {
            self.message = String::from("no policy is loaded");
            return false;
        };
        // An input of an unexpected length is not the body, and the fetch has ended.
        let body = (length == self.input.len()).then_some(self.input.as_slice());
        let status = u16::try_from(status).ok().filter(|status| *status != 0);
        let response = status
            .zip(body)
            .map(|(status, body)| FetchResponse { status, body });
        match loaded.gate.resume(ticket, response, UnixSeconds(now)) {
            Ok(Resumed::Exchange) => {
                self.message.clear();
                true
            }
            Ok(Resumed::Keys(accepted)) => {
                let skipped: Vec<_> = accepted.skipped.iter().map(ToString::to_string).collect();
                self.message = skipped.join("; ");
                true
            }
            Err(error) => {
                self.message = error.to_string();
                false
            }
        }
    }

    /// Evaluates the input as an encoded request and returns the encoded step.
    pub(crate) fn step(&mut self, length: usize) -> &[u8] {
        self.output = match &mut self.loaded {
            None => wire::without_policy(),
            // An input of an unexpected length is not a message; evaluating the empty one reports that.
            Some(Loaded { gate, .. }) if length != self.input.len() => {
                wire::step(gate, &[], &mut Context::new())
            }
            Some(Loaded { gate, tokens }) => {
                wire::step(gate, &self.input, &mut Context::cached(tokens))
            }
        };
        &self.output
    }

    /// The reason why the last load, key set or trust keys were rejected, or which keys of the last key set are skipped;
    /// empty if there is nothing to report.
    pub(crate) fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    /// The content id of the loaded policy; empty if there is none.
    pub(crate) fn policy(&mut self) -> &[u8] {
        let loaded = self.loaded.as_ref();
        let id = loaded.map(|loaded| loaded.gate.policy_id().to_string());
        self.output = id.unwrap_or_default().into_bytes();
        &self.output
    }
}

#[cfg(test)]
mod tests {
    use tollgate_core::{Reason, UnixSeconds};
    use tollgate_gate::config::{DenyConfig, ForwardConfig, GateConfig, Strip};
    use tollgate_gate::{Kind, Request};
    use tollgate_policy::{encode::encode, spec::ImageSpec};

    use super::*;

    /// An image that allows nothing.
    fn image(site: &str) -> Vec<u8> {
        let config = GateConfig {
            site: site.to_owned(),
            issuers: Vec::new(),
            sources: Vec::new(),
            strip: Strip::Nothing,
            claim_places: Vec::new(),
            forward: ForwardConfig::default(),
            leeway_secs: 0,
            max_token_bytes: 8_192,
            deny: DenyConfig::default(),
            session: None,
            sign_in: None,
        };
        let gate = config.encode().unwrap();
        encode(&ImageSpec {
            gate,
            ..ImageSpec::default()
        })
        .unwrap()
        .image
    }

    fn load(module: &mut Module, bytes: &[u8]) -> bool {
        module.reserve(bytes.len()).unwrap().copy_from_slice(bytes);
        module.load(bytes.len())
    }

    fn decide(module: &mut Module) -> (Kind, u16, Reason, Option<String>) {
        let message = wire::encode_request(&Request {
            method: "GET",
            target: b"/",
            headers: &[],
            ip: None,
            now: UnixSeconds(0),
            entropy: None,
        });
        module
            .reserve(message.len())
            .unwrap()
            .copy_from_slice(&message);
        let reply = wire::decode_outcome(module.step(message.len())).unwrap();
        (reply.kind, reply.status, reply.reason, reply.detail)
    }

    fn internal(detail: &str) -> (Kind, u16, Reason, Option<String>) {
        (Kind::Deny, 500, Reason::Internal, Some(detail.to_owned()))
    }

    #[test]
    fn without_a_policy_everything_is_denied() {
        let mut module = Module::EMPTY;
        assert_eq!(decide(&mut module), internal("no_policy"));
        assert_eq!(module.policy(), b"");
        assert!(!load(&mut module, b"no image"));
        assert!(!module.message().is_empty());
        assert_eq!(decide(&mut module), internal("no_policy"));
        assert!(module.due(0).is_empty());
        assert!(!module.resume(1, 200, 0, 0));
        assert!(!module.resume(1, 0, 0, 0));
    }

    #[test]
    fn only_a_valid_policy_replaces_another() {
        let mut module = Module::EMPTY;
        assert!(load(&mut module, &image("one")));
        let first = module.policy().to_owned();
        assert_eq!(first.len(), 32);
        for _ in 0..3 {
            assert_eq!(
                decide(&mut module),
                (Kind::Deny, 403, Reason::Forbidden, None)
            );
        }
        assert!(!load(&mut module, b"no image"));
        assert_eq!(module.policy(), first);
        assert!(load(&mut module, &image("two")));
        assert!(module.message().is_empty());
        assert_ne!(module.policy(), first);
    }

    #[test]
    fn rejected_trust_keys_leave_none() {
        let mut module = Module::EMPTY;
        for (keys, oldest) in [("{}", 0), (KEYS, u64::MAX)] {
            module
                .reserve(keys.len())
                .unwrap()
                .copy_from_slice(keys.as_bytes());
            assert!(!module.trust(keys.len(), oldest));
            assert!(!module.message().is_empty());
            assert!(!load(&mut module, &image("one")));
        }
        module
            .reserve(KEYS.len())
            .unwrap()
            .copy_from_slice(KEYS.as_bytes());
        assert!(!module.trust(KEYS.len() - 1, 0));
        assert!(!load(&mut module, &image("one")));
        module
            .reserve(KEYS.len())
            .unwrap()
            .copy_from_slice(KEYS.as_bytes());
        assert!(module.trust(KEYS.len(), 0));
        assert!(module.message().is_empty());
        assert!(!load(&mut module, &image("one")));
        let message = String::from_utf8(module.message().to_vec()).unwrap();
        assert!(message.contains("(image_unsigned)"), "{message}");
        assert_eq!(module.version(), 0);
        assert_eq!(decide(&mut module), internal("no_policy"));
    }

    const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

    #[test]
    fn lengths_must_match_the_buffer() {
        let mut module = Module::EMPTY;
        let good = image("one");
        module.reserve(good.len()).unwrap().copy_from_slice(&good);
        assert!(!module.load(good.len() - 1));
        assert!(module.load(good.len()));
        // Loading takes the image out of the buffer, so it must be written again before the next load.
        assert!(!module.load(good.len()));
        let reply = wire::decode_outcome(module.step(7)).unwrap();
        assert_eq!(reply.detail.as_deref(), Some("bad_wire_request"));
        assert!(module.reserve(MAX_INPUT_BYTES + 1).is_none());
    }
}
