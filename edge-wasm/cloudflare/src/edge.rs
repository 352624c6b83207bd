//! The one state of an instance: the policy in force, what it remembers, and what is under way.
//!
//! Workers run in one thread, and nothing here waits, so the state is borrowed for a step at a time.

use core::cell::RefCell;

use tollgate_gate::{Gate, LoadError, TokenCache, Trust, UnixSeconds, Why};
use wasm_bindgen::prelude::JsValue;
use worker::js_sys::{Function, Promise, Uint8Array};
use worker::{Env, web_sys, worker_sys};

use crate::facts::Facts;
use crate::settings::Settings;
use crate::{PROVIDER, answer, keys, note, now, now_ms, policy};

/// How many verified tokens an isolate remembers; with what they say, some megabytes at most.
const TOKENS: usize = 1_024;

thread_local! {
    static EDGE: RefCell<Option<Edge>> = const { RefCell::new(None) };
}

/// Something that runs in the background, which requests may wait for.
pub(crate) struct UnderWay {
    began: UnixSeconds,
    /// The same in milliseconds.
    began_ms: f64,
    ends: Promise,
}

/// The policy in force and all that belongs to it.
pub(crate) struct Edge {
    pub(crate) gate: Gate<Vec<u8>>,
    /// Whose images are taken, and which was the newest; anybody's without.
    pub(crate) trust: Option<Trust>,
    /// Tokens that were verified under it.
    tokens: TokenCache,
    /// Counts policies: what was begun under one means nothing to the next.
    pub(crate) generation: u32,
    pub(crate) keys: Option<UnderWay>,
    pub(crate) policy: policy::Watch,
    settings: Option<Settings>,
    keep: Function,
}

/// Puts a loaded policy in force.
pub(crate) fn set(edge: Edge) {
    EDGE.set(Some(edge));
}

/// Lends the state, if there is one. Never within itself.
pub(crate) fn with<T>(work: impl FnOnce(&mut Edge) -> T) -> Option<T> {
    EDGE.with_borrow_mut(|edge| edge.as_mut().map(work))
}

impl UnderWay {
    /// Something without a report for this long, in seconds, was lost with the request that began it.
    const LOST_SECS: i64 = 6;
    /// As long as a request waits, in `entry.js`.
    const YOUNG_MS: f64 = 1_000.0;

    pub(crate) fn new(ends: Promise) -> Self {
        Self {
            began: now(),
            began_ms: now_ms(),
            ends,
        }
    }

    /// What to wait for.
    pub(crate) fn ends(&self) -> JsValue {
        JsValue::from(&self.ends)
    }

    /// Whether it has just begun. What takes longer than this is slow or gone, and keeps nobody waiting.
    pub(crate) fn is_young(&self) -> bool {
        (0.0..Self::YOUNG_MS).contains(&(now_ms() - self.began_ms))
    }

    pub(crate) fn is_lost(&self, now: UnixSeconds) -> bool {
        !(0..=Self::LOST_SECS).contains(&now.0.saturating_sub(self.began.0))
    }
}

impl Edge {
    pub(crate) fn new(
        image: Vec<u8>,
        mut trust: Option<Trust>,
        keep: Function,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            gate: Gate::load(image, trust.as_mut(), &PROVIDER)?,
            trust,
            tokens: TokenCache::new(TOKENS),
            generation: 0,
            keys: None,
            policy: policy::Watch::default(),
            settings: None,
            keep,
        })
    }

    /// Replaces the policy; `image` is what the gate was loaded from. Fetched keys go with the old one, and
    /// are fetched again.
    pub(crate) fn replace(&mut self, gate: Gate<Vec<u8>>, image: &Uint8Array) {
        // Only an instance that is lost later misses it.
        _ = self.keep.call1(&JsValue::UNDEFINED, image);
        self.gate = gate;
        self.generation = self.generation.wrapping_add(1);
        self.keys = None;
    }

    pub(crate) fn step(
        &mut self,
        request: &web_sys::Request,
        env: &Env,
        context: &worker_sys::Context,
        patient: bool,
    ) -> Result<JsValue, JsValue> {
        // Bindings stay the same as long as an isolate lives.
        let settings = match &self.settings {
            Some(settings) => settings.clone(),
            None => match Settings::read(env) {
                Ok(settings) => {
                    if let Some(trust) = &mut self.trust {
                        trust.permit_rollback_to(settings.rollback_to);
                    }
                    self.settings.insert(settings).clone()
                }
                Err(why) => {
                    note::trouble("settings_refused", &why.to_string());
                    return answer::failure(&request.method(), "bad_settings");
                }
            },
        };
        let now = now();
        if let Some(wait) = policy::look(self, &settings, now, context)
            && patient
        {
            return Ok(wait);
        }
        let facts = Facts::of(request, now);
        keys::fetch_due(self, Why::Age, now, context);
        let asked = facts.borrow();
        let outcome = self
            .gate
            .handle_cached(&asked.as_request(), &mut self.tokens);
        if patient && outcome.unknown_key {
            keys::fetch_due(self, Why::UnknownKey, now, context);
            if let Some(keys) = self.keys.as_ref().filter(|keys| !keys.is_lost(now)) {
                return Ok(keys.ends());
            }
        }
        settings.log.write(&outcome);
        answer::make(request, &facts, &outcome, settings.origin.as_deref())
    }
}
