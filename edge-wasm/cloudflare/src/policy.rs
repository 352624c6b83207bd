//! Newer policies from KV.
//!
//! The key `policy` holds the id of the image to use, and `policy/<id>` the image. The id is looked at
//! in the background when half of the time to live is over. When all of it is, requests wait for a look
//! that has just begun: whatever goes wrong, the policy in force decides on. An image is taken only
//! whole, under its own id, and for the same site; and where the Worker has trust keys, signed by one of
//! them and not older than the newest one taken. Not here: who may write to KV.

use core::fmt;
use core::time::Duration;

use futures_util::future::{Either, select};
use futures_util::pin_mut;
use serde_json::json;
use tollgate_gate::{Gate, LoadError, UnixSeconds};
use wasm_bindgen::prelude::JsValue;
use worker::Delay;
use worker::js_sys::Uint8Array;
use worker::kv::{KvError, KvStore};
use worker::{wasm_bindgen_futures::future_to_promise, worker_sys};

use crate::edge::{self, Edge, UnderWay};
use crate::settings::Settings;
use crate::{PROVIDER, note, now};

/// The key that names the policy.
const POINTER: &str = "policy";
/// Digits of an image id.
const ID_DIGITS: usize = 32;
/// How long a look may take. What arrives later is dropped.
const MAX_LOOK: Duration = Duration::from_secs(5);

/// When KV was looked at, and whether somebody is looking.
pub(crate) struct Watch {
    ended: Option<UnixSeconds>,
    under_way: Option<Look>,
    /// Counts looks: only the last one that has begun may bring a policy.
    last: u32,
}

/// A look that has begun.
struct Look {
    number: u32,
    under_way: UnderWay,
}

impl Watch {
    /// KV was last looked at then, if ever.
    pub(crate) fn since(ended: Option<UnixSeconds>) -> Self {
        Self {
            ended,
            under_way: None,
            last: 0,
        }
    }
}

/// Why there is no newer policy.
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

/// Looks at KV if it is time to; what to wait for, if the policy in force has had its time.
pub(crate) fn look(
    edge: &mut Edge,
    settings: &Settings,
    now: UnixSeconds,
    context: &worker_sys::Context,
) -> Option<JsValue> {
    let kv = settings.kv.as_ref()?;
    let age = edge
        .policy
        .ended
        .map_or(i64::MAX, |ended| now.0.saturating_sub(ended.0));
    // A clock that was set back says nothing about an age.
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
        // If the runtime refuses to wait, the look ends with this request and counts as lost.
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

/// The same as [`newer`], or the report that it takes too long.
async fn newer_in_time(kv: &KvStore, current: &str) -> Result<Option<(String, Vec<u8>)>, Trouble> {
    let found = newer(kv, current);
    let limit = Delay::from(MAX_LOOK);
    pin_mut!(found, limit);
    match select(found, limit).await {
        Either::Left((found, _)) => found,
        Either::Right(_) => Err(Trouble::TooSlow),
    }
}

/// The image that KV names, with that name, if it is not the one in force.
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

/// Takes what a look has found. What an older look has found may be an older policy, and is dropped.
fn arrived(edge: &mut Edge, number: u32, found: Result<Option<(String, Vec<u8>)>, Trouble>) {
    let newest = edge.policy.under_way.as_ref().map(|look| look.number);
    if newest != Some(number) {
        return;
    }
    edge.policy.ended = Some(now());
    edge.memory.keep_looked(now());
    edge.policy.under_way = None;
    let taken = found.and_then(|found| match found {
        Some((id, image)) => accept(edge, &id, image).map(Some),
        None => Ok(None),
    });
    let current = edge.gate().policy_id().to_string();
    match taken {
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

/// Puts an image in force; the id of the one before.
fn accept(edge: &mut Edge, id: &str, image: Vec<u8>) -> Result<String, Trouble> {
    let kept = Uint8Array::from(image.as_slice());
    // What is not taken after all must not count as the newest.
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
            Self::Kv(error) => write!(f, "KV does not answer: {error}"),
            Self::TooSlow => write!(
                f,
                "KV does not answer within {} seconds",
                MAX_LOOK.as_secs()
            ),
            Self::NoPointer => write!(f, "KV has no `{POINTER}`"),
            Self::NotAnId => write!(f, "`{POINTER}` in KV is no image id"),
            Self::NoImage(id) => write!(f, "KV has no `{POINTER}/{id}`"),
            Self::Refused(error) => error.fmt(f),
            Self::OtherId(own) => {
                write!(f, "the image offered is {own}, and has another name in KV")
            }
            Self::OtherSite(site) => write!(f, "the image offered is for the site `{site}`"),
        }
    }
}
