//! Newer policies from KV.
//!
//! The key `policy` contains the id of the image to use, and `policy/<id>` the image. When half of the time
//! to live has passed, the id is read in the background. When all of it has passed, requests wait for a read
//! that has just begun. Whatever fails, the current policy stays in use. An image is accepted only if it is
//! complete, has its own id and is for the same site. With trust keys, it must also be signed by one of them
//! and not be older than the newest accepted one. Not here: who has write access to KV.

use core::fmt;
use core::time::Duration;

use futures_util::future::{Either, select};
use futures_util::pin_mut;
use serde_json::json;
use tollgate_gate::{Gate, LoadError, UnixSeconds};
use wasm_bindgen::prelude::JsValue;
use worker::Delay;
use worker::js_sys::{Promise, Uint8Array};
use worker::kv::{KvError, KvStore};
use worker::{wasm_bindgen_futures::future_to_promise, worker_sys};

use crate::edge::{self, Edge};
use crate::instance::{PROVIDER, now};
use crate::note;
use crate::settings::Settings;
use crate::watch::{Look, UnderWay};

/// The key that contains the id of the policy.
const POINTER: &str = "policy";
/// Number of digits of an image id.
const ID_DIGITS: usize = 32;
/// Time limit of a KV read. A later result is dropped.
const MAX_LOOK: Duration = Duration::from_secs(5);

/// The reason why there is no newer policy.
enum Trouble {
    Kv(KvError),
    TooSlow,
    NoPointer,
    NotAnId,
    NoImage(String),
    Refused(LoadError),
    OtherId(String),
    OtherSite(String),
}

/// Reads KV if it is time to. Returns a promise to wait for, if the time to live of the policy has passed.
pub(crate) fn look(
    edge: &mut Edge,
    settings: &Settings,
    now: UnixSeconds,
    context: &worker_sys::Context,
) -> Option<Promise> {
    let kv = settings.kv.as_ref()?;
    let age = edge
        .policy
        .ended
        .map_or(i64::MAX, |ended| now.0.saturating_sub(ended.0));
    // After a clock is set back, the age is unknown.
    let age = if age < 0 { i64::MAX } else { age };
    if age < settings.policy_ttl_secs.div_euclid(2).max(1) {
        return None;
    }
    let running = edge
        .policy
        .under_way
        .take()
        .filter(|look| !look.under_way.is_lost(now));
    let running = running.unwrap_or_else(|| {
        edge.memory.keep_look_begun(now, settings.policy_ttl_secs);
        edge.policy.last = edge.policy.last.wrapping_add(1);
        let number = edge.policy.last;
        let (kv, current) = (kv.clone(), edge.gate().policy_id().to_string());
        let ends = future_to_promise(async move {
            let found = newer_in_time(&kv, &current).await;
            edge::with(|edge| arrived(edge, number, found));
            Ok(JsValue::UNDEFINED)
        });
        // If the runtime rejects the promise, the read ends with this request and counts as lost.
        _ = context.wait_until(&ends);
        Look {
            number,
            under_way: UnderWay::new(ends),
        }
    });
    let is_awaited = age >= settings.policy_ttl_secs && running.under_way.is_young();
    let wait = is_awaited.then(|| running.under_way.ends());
    edge.policy.under_way = Some(running);
    wait
}

/// Like [`newer`], with a time limit.
async fn newer_in_time(kv: &KvStore, current: &str) -> Result<Option<(String, Vec<u8>)>, Trouble> {
    let found = newer(kv, current);
    let limit = Delay::from(MAX_LOOK);
    pin_mut!(found, limit);
    match select(found, limit).await {
        Either::Left((found, _)) => found,
        Either::Right(_) => Err(Trouble::TooSlow),
    }
}

/// Returns the image that KV refers to, with its id, if it is not the current one.
async fn newer(kv: &KvStore, current: &str) -> Result<Option<(String, Vec<u8>)>, Trouble> {
    let pointer = kv.get(POINTER).text().await.map_err(Trouble::Kv)?;
    let pointer = pointer.ok_or(Trouble::NoPointer)?;
    let id = pointer.trim();
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() != ID_DIGITS || !id.bytes().all(is_digit) {
        return Err(Trouble::NotAnId);
    }
    if id == current {
        return Ok(None);
    }
    let image = kv
        .get(&format!("{POINTER}/{id}"))
        .bytes()
        .await
        .map_err(Trouble::Kv)?;
    let image = image.ok_or_else(|| Trouble::NoImage(id.to_owned()))?;
    Ok(Some((id.to_owned(), image)))
}

/// Processes the result of a read. The result of an older read may be an older policy, and is dropped.
fn arrived(edge: &mut Edge, number: u32, found: Result<Option<(String, Vec<u8>)>, Trouble>) {
    let newest = edge.policy.under_way.as_ref().map(|look| look.number);
    if newest != Some(number) {
        return;
    }
    edge.policy.ended = Some(now());
    edge.memory.keep_looked(now());
    edge.policy.under_way = None;
    let accepted = found.and_then(|found| match found {
        Some((id, image)) => accept(edge, &id, image).map(Some),
        None => Ok(None),
    });
    let current = edge.gate().policy_id().to_string();
    match accepted {
        Ok(None) => {}
        Ok(Some(old)) => {
            let version = edge.gate().release().map(|release| release.version.get());
            note::event(
                "policy_replaced",
                json!({ "policy": current, "old": old, "version": version }),
            );
        }
        Err(trouble) => note::trouble("policy_kept", &format!("{current} decides on: {trouble}")),
    }
}

/// Activates an image; returns the id of the previous one.
fn accept(edge: &mut Edge, id: &str, image: Vec<u8>) -> Result<String, Trouble> {
    let kept = Uint8Array::from(image.as_slice());
    // An image that is rejected later must not count as the newest.
    let mut trust = edge.trust.clone();
    let gate = Gate::load(image, trust.as_mut(), &PROVIDER).map_err(Trouble::Refused)?;
    let own = gate.policy_id().to_string();
    if own != id {
        return Err(Trouble::OtherId(own));
    }
    if gate.config().site != edge.gate().config().site {
        return Err(Trouble::OtherSite(gate.config().site.clone()));
    }
    let old = edge.gate().policy_id().to_string();
    edge.trust = trust;
    edge.replace(gate, &kept);
    Ok(old)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kv(error) => write!(f, "KV cannot be read: {error}"),
            Self::TooSlow => write!(
                f,
                "no response from KV within {} seconds",
                MAX_LOOK.as_secs()
            ),
            Self::NoPointer => write!(f, "KV has no `{POINTER}`"),
            Self::NotAnId => write!(f, "`{POINTER}` in KV is not an image id"),
            Self::NoImage(id) => write!(f, "KV has no `{POINTER}/{id}`"),
            Self::Refused(error) => error.fmt(f),
            Self::OtherId(own) => {
                write!(f, "the image has the id {own}, but another id in KV")
            }
            Self::OtherSite(site) => write!(f, "the image is for another site, `{site}`"),
        }
    }
}
