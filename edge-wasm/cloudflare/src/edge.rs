//! The one state of an instance: the policy in force, what it remembers, and what is under way.
//!
//! Workers run in one thread, and nothing here waits, so the state is borrowed for a step at a time.

use core::cell::RefCell;

use tollgate_gate::{
    Action, CacheEdit, Context, EdgeDenial, Gate, LoadError, Outcome, TokenCache, TokenSeen, Trust,
    UnixSeconds, Why,
};
use wasm_bindgen::prelude::JsValue;
use worker::js_sys::{Promise, Uint8Array};
use worker::{Env, web_sys, worker_sys};

use crate::answer::Sent;
use crate::facts::Facts;
use crate::memory::Memory;
use crate::settings::{Caching, Settings};
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
    pub(crate) memory: Memory,
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
    pub(crate) fn new(mut trust: Option<Trust>, memory: Memory) -> Result<Self, LoadError> {
        let image = memory.image().unwrap_or_default();
        let mut gate = Gate::load(image, trust.as_mut(), &PROVIDER)?;
        keys::restore(&mut gate, &memory);
        Ok(Self {
            gate,
            trust,
            tokens: TokenCache::new(TOKENS),
            generation: 0,
            keys: None,
            policy: policy::Watch::since(memory.looked()),
            settings: None,
            memory,
        })
    }

    /// Replaces the policy; `image` is what the gate was loaded from. Fetched keys go with the old one, and
    /// are fetched again.
    pub(crate) fn replace(&mut self, gate: Gate<Vec<u8>>, image: &Uint8Array) {
        self.memory.keep_image(image);
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
        let outcome = self.decide(&settings, &facts);
        if patient && outcome.unknown_key {
            keys::fetch_due(self, Why::UnknownKey, now, context);
            if let Some(keys) = self.keys.as_ref().filter(|keys| !keys.is_lost(now)) {
                return Ok(keys.ends());
            }
        }
        self.carry_out(&settings, request, &facts, outcome)
    }

    fn decide(&mut self, settings: &Settings, facts: &Facts) -> Outcome {
        let borrowed = facts.borrow();
        let asked = borrowed.as_request();
        if !settings.hosts.contain(facts.authority()) {
            let denial = EdgeDenial::UnknownHost;
            return self.gate.deny_at_edge(&asked, TokenSeen::Unread, denial);
        }
        let outcome = self
            .gate
            .ask(&asked, &mut Context::cached(&mut self.tokens));
        match outcome.action {
            Action::Forward(_) if facts.is_upgrade() => {
                self.gate
                    .deny_at_edge(&asked, outcome.log.token, EdgeDenial::Upgrade)
            }
            Action::Forward(_) | Action::Serve(_) | Action::Refuse(_) => outcome,
        }
    }

    /// Writes the record, and makes what JavaScript sends.
    fn carry_out(
        &self,
        settings: &Settings,
        request: &web_sys::Request,
        facts: &Facts,
        mut outcome: Outcome,
    ) -> Result<JsValue, JsValue> {
        let borrowed = facts.borrow();
        let asked = borrowed.as_request();
        let sent = match &outcome.action {
            Action::Serve(_) | Action::Refuse(_) => None,
            Action::Forward(forward) => {
                let apart = facts.borrow_apart();
                let apart = apart.as_request();
                let mut changes = self.gate.request_edits(&apart);
                changes.added.clone_from(&forward.request.added);
                let origin = settings.origin.as_deref();
                let sent = answer::forward(request, facts, &apart, &changes, origin);
                Some((sent, &forward.response))
            }
        };
        let denial = match sent {
            Some((Sent::Request(request), edits)) => {
                settings.log.write(&outcome);
                let mut edits = edits.clone();
                if settings.caching == Caching::Origin && edits.cache == CacheEdit::Private {
                    edits.cache = CacheEdit::Keep;
                }
                return Ok(answer::to_send(request, &edits));
            }
            Some((Sent::Unbuildable, _)) => Some(EdgeDenial::Unsendable),
            Some((Sent::OtherPath, _)) => Some(EdgeDenial::ChangedPath),
            None => None,
        };
        if let Some(denial) = denial {
            outcome = self.gate.deny_at_edge(&asked, outcome.log.token, denial);
        }
        settings.log.write(&outcome);
        answer::response(&outcome.action)
    }
}
