//! The state of an instance: the current policy, its caches, and the work in flight.
//!
//! Workers run on one thread, and nothing here awaits, so the state is borrowed for one step at a time.

use core::cell::RefCell;
use core::ops::Deref;

use std::sync::Arc;

use futures_util::future::select;
use tollgate_gate::{
    Action, CacheEdit, EdgeDenial, Gate, LoadError, Outcome, TokenStatus, Trust, UnixSeconds,
};
use tollgate_host::{Answer, Host, Local, Platform};
use wasm_bindgen::prelude::JsValue;
use worker::js_sys::{Promise, Uint8Array};
use worker::wasm_bindgen_futures::future_to_promise;
use worker::{Env, web_sys, worker_sys};

use crate::answer::Sent;
use crate::facts::Facts;
use crate::keys::{self, Isolate};
use crate::memory::Memory;
use crate::settings::{Caching, Settings};
use crate::{PROVIDER, answer, note, now, now_ms, policy};

/// The number of verified tokens that an isolate caches; with their claims, at most a few megabytes.
const TOKENS: usize = 1_024;

thread_local! {
    static EDGE: RefCell<Option<Edge>> = const { RefCell::new(None) };
}

/// Work in the background, which requests may wait for.
pub(crate) struct UnderWay {
    began: UnixSeconds,
    /// The same in milliseconds.
    began_ms: f64,
    ends: Promise,
}

/// The current policy and its state.
pub(crate) struct Edge {
    host: Arc<Host<Local, Isolate>>,
    /// The trust keys and the newest accepted version; without them any image is accepted.
    pub(crate) trust: Option<Trust>,
    pub(crate) policy: policy::Watch,
    settings: Option<Settings>,
    pub(crate) memory: Memory,
}

/// Activates a loaded policy.
pub(crate) fn set(edge: Edge) {
    EDGE.set(Some(edge));
}

/// Calls `work` with the state, if there is one. Must not be nested.
pub(crate) fn with<T>(work: impl FnOnce(&mut Edge) -> T) -> Option<T> {
    EDGE.with_borrow_mut(|edge| edge.as_mut().map(work))
}

impl UnderWay {
    /// Work that has not reported for this long, in seconds, was lost with the request that began it.
    const LOST_SECS: i64 = 6;
    /// The time that a request waits in `entry.js`.
    const YOUNG_MS: f64 = 1_000.0;

    pub(crate) fn new(ends: Promise) -> Self {
        Self {
            began: now(),
            began_ms: now_ms(),
            ends,
        }
    }

    /// The promise to wait for.
    pub(crate) fn ends(&self) -> JsValue {
        JsValue::from(&self.ends)
    }

    /// Whether it began recently. Work that takes longer is slow or lost, and delays no request.
    pub(crate) fn is_young(&self) -> bool {
        (0.0..Self::YOUNG_MS).contains(&(now_ms() - self.began_ms))
    }

    pub(crate) fn is_lost(&self, now: UnixSeconds) -> bool {
        !(0..=Self::LOST_SECS).contains(&now.0.saturating_sub(self.began.0))
    }
}

/// A gate in this isolate.
fn host(gate: Gate<Vec<u8>>, memory: &Memory) -> Arc<Host<Local, Isolate>> {
    Host::new(Local::new(gate, TOKENS), Isolate::new(memory.clone()))
}

impl Edge {
    pub(crate) fn new(mut trust: Option<Trust>, memory: Memory) -> Result<Self, LoadError> {
        let image = memory.image().unwrap_or_default();
        let mut gate = Gate::load(image, trust.as_mut(), &PROVIDER)?;
        keys::restore(&mut gate, &memory);
        Ok(Self {
            host: host(gate, &memory),
            trust,
            policy: policy::Watch::since(memory.looked()),
            settings: None,
            memory,
        })
    }

    /// Replaces the policy; `image` is the image of `gate`. Fetched keys are dropped with the old policy and
    /// are fetched again.
    pub(crate) fn replace(&mut self, gate: Gate<Vec<u8>>, image: &Uint8Array) {
        self.memory.keep_image(image);
        // Fetches for the old policy are irrelevant to the new one.
        self.host.platform().retire();
        self.host = host(gate, &self.memory);
    }

    /// The gate of the current policy. Not while a request is evaluated.
    pub(crate) fn gate(&self) -> impl Deref<Target = Gate<Vec<u8>>> + '_ {
        self.host.machine().read()
    }

    pub(crate) fn step(
        &mut self,
        request: &web_sys::Request,
        env: &Env,
        context: &worker_sys::Context,
        patient: bool,
    ) -> Result<JsValue, JsValue> {
        // Bindings stay the same for the lifetime of an isolate.
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
        self.host.platform().enter(context);
        let decided = self.decide(&settings, &facts);
        self.host.platform().leave();
        let outcome = match decided {
            Answer::Wait(wait, _) if patient => {
                let limit = self.host.platform().sleep(wait.at_most());
                let ends = future_to_promise(async move {
                    select(Box::pin(wait.ended()), limit).await;
                    Ok(JsValue::UNDEFINED)
                });
                return Ok(ends.into());
            }
            Answer::Wait(_, outcome) | Answer::Done(outcome) => outcome,
        };
        self.carry_out(&settings, request, &facts, outcome)
    }

    fn decide(&self, settings: &Settings, facts: &Facts) -> Answer<Outcome> {
        let borrowed = facts.borrow();
        let asked = borrowed.as_request();
        if !settings.hosts.contain(facts.authority()) {
            let denial = EdgeDenial::UnknownHost;
            let denied = self
                .gate()
                .deny_at_edge(&asked, TokenStatus::Unread, denial);
            return Answer::Done(denied);
        }
        let outcome = match self.host.step(&asked) {
            Answer::Done(outcome) => outcome,
            wait @ Answer::Wait(..) => return wait,
        };
        Answer::Done(match outcome.action {
            Action::Forward(_) if facts.is_upgrade() => {
                let token = outcome.log.token;
                self.gate().deny_at_edge(&asked, token, EdgeDenial::Upgrade)
            }
            Action::Forward(_) | Action::Serve(_) | Action::Refuse(_) => outcome,
        })
    }

    /// Writes the log record, and returns the result for JavaScript.
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
                let mut changes = self.gate().request_edits(&apart);
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
            outcome = self.gate().deny_at_edge(&asked, outcome.log.token, denial);
        }
        settings.log.write(&outcome);
        answer::response(&outcome.action)
    }
}
