//! The answer to a question, from the outcome of the gate.
//!
//! An allowed request is answered with every field that the proxy must set or remove at the origin, in the same
//! form for all proxies. Not here: which of them a proxy copies, which its configuration says.

use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};
use tollgate_core::UnixSeconds;
use tollgate_gate::config::TokenSource;
use tollgate_gate::{Action, Forward, Request, ResponseEdits};

use super::assertion::{ASSERTION, AssertionKey};
use super::dialect::Dialect;
use crate::body::{AnyBody, full, plain};
use crate::service::of_gate;

/// The target for the origin.
const TARGET: &str = "x-tollgate-target";
/// The change to the caching of the response.
const CACHE: &str = "x-tollgate-cache";
/// Envoy removes the fields that are named here.
const REMOVE: &str = "x-envoy-auth-headers-to-remove";

/// What a proxy must do with a request.
pub(super) enum Reply {
    /// Forward it with these changes.
    Forward(Box<Changes>),
    /// Send this response.
    Send(tollgate_gate::Response),
}

/// The changes to a request that is forwarded, and to its response.
pub(super) struct Changes {
    /// The target for the origin.
    pub(super) target: Vec<u8>,
    /// Fields to set, replacing the client's; an empty identity is set as well.
    pub(super) set: Vec<(HeaderName, Vec<u8>)>,
    /// The client's fields that the origin must not see.
    pub(super) remove: Vec<HeaderName>,
    /// Values of `Set-Cookie` for the client.
    pub(super) set_cookies: Vec<String>,
    /// The change to the caching of the response.
    pub(super) cache: tollgate_gate::CacheEdit,
}

/// Everything but the request that an answer depends on.
pub(super) struct About<'a> {
    pub(super) site: &'a str,
    pub(super) sources: &'a [TokenSource],
    pub(super) key: &'a AssertionKey,
    pub(super) now: UnixSeconds,
}

impl Reply {
    /// The reply for an outcome. `None` if the assertion could not be signed.
    pub(super) fn of(action: Action, request: &Request<'_>, about: &About<'_>) -> Option<Self> {
        let forward = match action {
            Action::Serve(own) | Action::Refuse(own) => return Some(Self::Send(own)),
            Action::Forward(forward) => forward,
        };
        let Forward {
            request: edits,
            response: ResponseEdits { set_cookies, cache },
        } = forward;
        let target = edits.target_for(request).to_vec();
        let assertion =
            about
                .key
                .sign(about.site, request.method, &target, &edits.added, about.now)?;
        let mut set: Vec<(HeaderName, Vec<u8>)> = edits
            .added
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.clone().into_bytes()))
            .collect();
        set.push((HeaderName::from_static(ASSERTION), assertion.into_bytes()));
        let sent: Vec<(&str, &[u8])> = edits.headers_for(request).collect();
        let mut remove = Vec::new();
        for name in credentials(about.sources) {
            let values = sent.iter().filter(|(known, _)| *known == name.as_str());
            let values: Vec<&[u8]> = values.map(|(_, value)| *value).collect();
            match values.first() {
                // Several lines of cookies are one list (RFC 9113, section 8.2.3).
                Some(_) if name == COOKIE => set.push((name, values.join(&b"; "[..]))),
                Some(first) => set.push((name, first.to_vec())),
                None => remove.push(name),
            }
        }
        for (name, _) in request.headers {
            let is_sent = sent.iter().any(|(known, _)| known == name);
            if let (false, Ok(name)) = (is_sent, HeaderName::try_from(*name))
                && !remove.contains(&name)
            {
                remove.push(name);
            }
        }
        Some(Self::Forward(Box::new(Changes {
            target,
            set,
            remove,
            set_cookies,
            cache,
        })))
    }

    /// The response to a proxy.
    pub(super) fn into_http(self, dialect: Dialect) -> Response<AnyBody> {
        let changes = match self {
            Self::Send(own) => return refused(own, dialect),
            Self::Forward(changes) => *changes,
        };
        let Changes {
            target,
            set,
            remove,
            set_cookies,
            cache,
        } = changes;
        let mut response = Response::new(full(""));
        let headers = response.headers_mut();
        let target = (HeaderName::from_static(TARGET), target);
        for (name, value) in set.into_iter().chain([target]) {
            let Ok(value) = HeaderValue::try_from(value) else {
                return plain(StatusCode::INTERNAL_SERVER_ERROR);
            };
            headers.insert(name, value);
        }
        headers.insert(CACHE, HeaderValue::from_static(cache.code()));
        if dialect == Dialect::Envoy && !remove.is_empty() {
            let names: Vec<&str> = remove.iter().map(HeaderName::as_str).collect();
            // Names of fields are visible ASCII.
            if let Ok(value) = HeaderValue::try_from(names.join(",")) {
                headers.insert(REMOVE, value);
            }
        }
        for cookie in set_cookies {
            if let Ok(value) = HeaderValue::try_from(cookie) {
                headers.append(SET_COOKIE, value);
            }
        }
        response
    }
}

/// The response to a proxy whose request is not forwarded.
fn refused(own: tollgate_gate::Response, dialect: Dialect) -> Response<AnyBody> {
    if !dialect.is_nginx() {
        return of_gate(own);
    }
    // It understands 401 and 403, and turns other statuses into 500. The complete response follows when it asks
    // for it.
    let status = match own.status {
        302 | 303 | 401 => StatusCode::UNAUTHORIZED,
        500.. => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::FORBIDDEN,
    };
    let mut response = plain(status);
    let challenge = own
        .headers
        .iter()
        .find(|(name, _)| name == "www-authenticate");
    if let Some(Ok(value)) = challenge.map(|(_, value)| HeaderValue::try_from(value.as_str())) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}

/// The fields that can contain a token.
fn credentials(sources: &[TokenSource]) -> Vec<HeaderName> {
    let mut names = vec![COOKIE, AUTHORIZATION];
    for source in sources {
        if let TokenSource::Header(name) = source
            && let Ok(name) = HeaderName::try_from(name.as_str())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// Adds the assertion to the fields for an upstream.
pub(crate) fn assert_identity(
    headers: &mut HeaderMap,
    key: &AssertionKey,
    site: &str,
    request: &Request<'_>,
    edits: &tollgate_gate::RequestEdits,
) -> Option<()> {
    let target = edits.target_for(request);
    let assertion = key.sign(site, request.method, target, &edits.added, request.now)?;
    headers.insert(ASSERTION, HeaderValue::try_from(assertion).ok()?);
    Some(())
}

/// The answer if the outcome has changed since the proxy asked before.
pub(super) fn ask_again() -> Response<AnyBody> {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert("retry-after", HeaderValue::from_static("1"));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    response
}
