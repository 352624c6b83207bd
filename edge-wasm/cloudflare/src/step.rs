//! One step of a request: evaluate it, and make what JavaScript sends or waits for.

use futures_util::future::select;
use tollgate_gate::{Action, CacheEdit, EdgeDenial, Outcome, TokenStatus};
use tollgate_host::{Answer, MAX_WAIT, Platform};
use wasm_bindgen::prelude::JsValue;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Env, web_sys, worker_sys};

use crate::answer::{self, Sent};
use crate::edge::Edge;
use crate::facts::Facts;
use crate::instance::now;
use crate::settings::{Caching, Settings};
use crate::{note, policy};

impl Edge {
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
            let limit = self.host.platform().sleep(MAX_WAIT);
            let ends = future_to_promise(async move {
                select(JsFuture::from(wait), limit).await;
                Ok(JsValue::UNDEFINED)
            });
            return Ok(ends.into());
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
