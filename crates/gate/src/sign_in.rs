//! Sign-in: the authorization code flow of OpenID Connect with PKCE, and the sessions that it begins.
//!
//! The gate serves these endpoints below the configured `path`:
//!
//! | endpoint | purpose |
//! |---|---|
//! | `sign-in?to=PATH` | begins a flow, or refreshes a session that has ended; returns to `PATH`. With several providers, the user chooses one first, or a link does with `with=ISSUER` |
//! | `callback` | ends a flow: exchanges the code, verifies the ID token, sets the session |
//! | `refresh?to=PATH` | refreshes the session |
//! | `sign-out` | ends the session here and at the provider |
//! | `signed-out` | the page that confirms it |
//! | `me` | the user as JSON: subject, groups, expiry |
//! | `back-channel` | not supported, because a gate keeps no state |
//!
//! `state`, `nonce` and the PKCE verifier of a flow are in a sealed cookie, one per flow, at most three, each
//! valid for ten minutes. So is the path to return to, which the provider never sees. A session is only ever
//! set for the subject of an ID token that the token layer verified, with the nonce of the flow that the same
//! browser began.
//!
//! Only a navigation is redirected. Scripts, images, prefetches and WebSockets receive 401. Whatever is wrong,
//! the client receives a page or JSON with a stable code, a record is written, and the next attempt works.
//!
//! Not here: the evaluation of requests to the site itself.

pub(crate) mod cookie;
pub(crate) mod exchange;
pub(crate) mod form;
pub(crate) mod page;
pub(crate) mod seal;

pub use crate::sign_in_config::{
    ClientAuth, ENDPOINTS, Endpoints, MAX_CLIENT_BYTES, MAX_LABEL_BYTES, MAX_SEAL_KID_BYTES,
    MAX_SEAL_SECRETS, MAX_SIGN_IN_ORIGINS, MAX_SIGN_IN_PARAMETERS, MAX_SIGN_IN_PATH_BYTES,
    MAX_SIGN_IN_PROVIDERS, MAX_SIGN_IN_SCOPES, PAGE_PLACEHOLDERS, SEAL_SECRET_BYTES, SealSecret,
    SignInConfig, SignInProvider, SignOut, is_max_age, is_of_flow, is_parameter,
};
pub use exchange::{EXCHANGE_PATIENCE_MS, MAX_EXCHANGE_BYTES, MAX_EXCHANGE_SECS};

/// Longest path to return to, in bytes: three flow cookies of this length fit into a request. A longer path is
/// forgotten, and the flow returns to `/`.
pub const MAX_RETURN_BYTES: usize = 512;
/// Maximum number of flows of one browser at a time.
pub const MAX_FLOWS: usize = 3;
/// The part of a session's lifetime that is left when it is refreshed: a fifth.
pub const REFRESH_PART: i64 = 5;

use alloc::string::String;

/// The URL of an endpoint that returns to a request target. Empty targets and those longer than
/// [`MAX_RETURN_BYTES`] become `/`.
pub(crate) fn returning(endpoint: &str, target: &[u8]) -> String {
    let mut url = String::from(endpoint);
    url.push_str("?to=");
    let is_short = (1..=MAX_RETURN_BYTES).contains(&target.len());
    form::push_escaped(&mut url, if is_short { target } else { b"/" }, b"/");
    url
}
