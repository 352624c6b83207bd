//! The cookies of sign-in.
//!
//! | name | content | sent to |
//! |---|---|---|
//! | `__Host-tollgate-flow-<8 characters of state>` | one sealed attempt | the whole host, for ten minutes |
//! | `__Secure-tollgate-refresh` | the sealed refresh token | `path` |
//! | `__Host-tollgate-renew` | the time from which a refresh is worth trying, and what binds the refresh token to this browser | the whole host |
//! | `__Host-tollgate-tries` | the number of sign-ins in the last minute | the whole host |
//!
//! A site below the same domain can set a cookie of the name `__Secure-tollgate-refresh` for this host, but none
//! whose name begins with `__Host-`. A refresh token therefore counts only with the second cookie that was set
//! with it: nobody can sign another browser in.
//!
//! Not here: the session cookie ([`session`](crate::session)).

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::request::Request;
use crate::source::{cookie_pairs, headers_named};

/// The start of the names of flow cookies.
const FLOW: &str = "__Host-tollgate-flow-";
/// The number of characters of `state` in the name of a flow cookie.
const FLOW_NAME_CHARS: usize = 8;
/// The cookie with the refresh token.
pub(crate) const REFRESH: &str = "__Secure-tollgate-refresh";
/// The cookie that tells that a refresh is worth trying, and from when.
pub(crate) const RENEW: &str = "__Host-tollgate-renew";
/// The cookie that counts sign-ins.
const TRIES: &str = "__Host-tollgate-tries";

/// The period in which sign-ins are counted, in seconds.
const TRIES_SECS: u32 = 60;
/// The lifetime of the cookies for refreshes, in seconds: as long as refresh tokens usually live.
pub(crate) const REFRESH_SECS: u32 = 30 * 86_400;
/// The lifetime of a flow cookie, in seconds.
pub(crate) const FLOW_SECS: u32 = 600;

/// A flow cookie as sent.
pub(crate) struct Sent<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a [u8],
}

/// The name of the flow cookie for this `state`.
pub(crate) fn flow_name(state: &str) -> Option<String> {
    Some(format!("{FLOW}{}", state.get(..FLOW_NAME_CHARS)?))
}

/// All flow cookies of a request.
pub(crate) fn flows<'a>(request: &Request<'a>) -> Vec<Sent<'a>> {
    let pairs = headers_named(request, "cookie").flat_map(cookie_pairs);
    let flows = pairs.filter_map(|pair| {
        let name = core::str::from_utf8(pair.name).ok()?;
        let is_own = name.strip_prefix(FLOW).is_some_and(|rest| {
            rest.len() == FLOW_NAME_CHARS
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        });
        is_own.then_some(Sent {
            name,
            value: pair.value,
        })
    });
    flows.collect()
}

/// All values of a cookie.
pub(crate) fn values<'a>(request: &Request<'a>, name: &str) -> Vec<&'a [u8]> {
    let pairs = headers_named(request, "cookie").flat_map(cookie_pairs);
    let named = pairs.filter(|pair| pair.is_named(name));
    named.map(|pair| pair.value).collect()
}

/// The number of sign-ins in the last minute, as the browser reports it. A wrong number only concerns the
/// browser itself.
pub(crate) fn tries(request: &Request<'_>) -> u32 {
    first(request, TRIES).and_then(number).unwrap_or(0)
}

/// The content of [`RENEW`].
pub(crate) struct Renew<'a> {
    /// The time from which a refresh is worth trying.
    pub(crate) from: i64,
    /// The text that the refresh token is bound to.
    pub(crate) binding: &'a str,
}

/// The cookie that tells that a refresh is worth trying; `None` if there is no refresh token.
pub(crate) fn renew<'a>(request: &Request<'a>) -> Option<Renew<'a>> {
    let (from, binding) = first(request, RENEW)?.split_once('.')?;
    let from = number(from)?;
    Some(Renew { from, binding })
}

fn first<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    core::str::from_utf8(values(request, name).first()?).ok()
}

fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

pub(crate) fn set_flow(name: &str, value: &str) -> String {
    set(name, value, "/", FLOW_SECS)
}

pub(crate) fn set_tries(tries: u32) -> String {
    set(TRIES, &tries.to_string(), "/", TRIES_SECS)
}

pub(crate) fn clear_tries() -> String {
    clear(TRIES, "/")
}

pub(crate) fn set_refresh(value: &str, path: &str) -> String {
    set(REFRESH, value, path, REFRESH_SECS)
}

pub(crate) fn set_renew(from: i64, binding: &str) -> String {
    set(RENEW, &format!("{from}.{binding}"), "/", REFRESH_SECS)
}

pub(crate) fn clear(name: &str, path: &str) -> String {
    set(name, "", path, 0)
}

/// The value of `Set-Cookie`. Names, paths and values have been validated or encoded, so none of them can end
/// it early.
fn set(name: &str, value: &str, path: &str, max_age_secs: u32) -> String {
    format!("{name}={value}; Path={path}; Max-Age={max_age_secs}; Secure; HttpOnly; SameSite=Lax")
}
