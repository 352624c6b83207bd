//! The targets that proxies read otherwise than they were sent, and pass on in that form: to `authz` and to the origin.
//!
//! What the gate decides is then a different request from the one in the case, but the same as the origin receives.

/// nginx.
pub(super) fn nginx(target: &[u8]) -> Option<Vec<u8>> {
    let trimmed = target.trim_ascii_start();
    origin_form(trimmed).or_else(|| (trimmed != target).then(|| trimmed.to_vec()))
}

/// Envoy.
pub(super) fn envoy(target: &[u8]) -> Option<Vec<u8>> {
    origin_form(target)
}

/// Traefik.
pub(super) fn traefik(target: &[u8]) -> Option<Vec<u8>> {
    origin_form(target)
}

/// Caddy.
pub(super) fn caddy(target: &[u8]) -> Option<Vec<u8>> {
    origin_form(target)
}

/// HAProxy.
pub(super) fn haproxy(target: &[u8]) -> Option<Vec<u8>> {
    origin_form(target)
}

/// The path and query of an absolute URL. Every server must accept it (RFC 9112, section 3.2.2).
fn origin_form(target: &[u8]) -> Option<Vec<u8>> {
    let rest = [&b"http://"[..], b"https://"];
    let rest = rest.into_iter().find_map(|scheme| target.strip_prefix(scheme))?;
    let start = rest.iter().position(|byte| *byte == b'/')?;
    Some(rest.get(start..)?.to_vec())
}
