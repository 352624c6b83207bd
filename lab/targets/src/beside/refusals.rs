//! The requests that proxies refuse themselves, before they ask.
//!
//! A refusal lets nobody in, but it can keep somebody out, so each kind is listed here: any other refusal is a failure.

use tollgate_gate::Request;

/// Returns whether a request is of a kind.
type Kind = fn(&Request<'_>) -> bool;

/// nginx.
pub(super) fn nginx(request: &Request<'_>) -> Option<&'static str> {
    first(
        request,
        &[
            (has_no_slash, "a target without a leading slash"),
            (has_control, "a byte in the target that no URL contains"),
            (has_bad_escape, "an escape in the target that is not one, or is %00"),
            (has_odd_method, "a method that is not in upper case"),
            (|request| request.method == "CONNECT", "CONNECT, which is for forward proxies"),
            (|request| request.method == "TRACE", "TRACE"),
            (has_two_tokens, "two Authorization headers"),
            (|request| is_long(request, 16 * 1_024), "a header longer than 16 KiB"),
            (looks_like_own, LOOKS_LIKE_OWN),
        ],
    )
}

/// Envoy.
pub(super) fn envoy(request: &Request<'_>) -> Option<&'static str> {
    first(request, &[(looks_like_own, LOOKS_LIKE_OWN)])
}

/// Traefik.
pub(super) fn traefik(request: &Request<'_>) -> Option<&'static str> {
    first(request, &[(looks_like_own, LOOKS_LIKE_OWN)])
}

/// Caddy.
pub(super) fn caddy(request: &Request<'_>) -> Option<&'static str> {
    first(request, &[(looks_like_own, LOOKS_LIKE_OWN)])
}

/// HAProxy.
pub(super) fn haproxy(request: &Request<'_>) -> Option<&'static str> {
    first(request, &[(looks_like_own, LOOKS_LIKE_OWN)])
}

/// `tollgate authz` as the proxy.
pub(super) fn authz(request: &Request<'_>) -> Option<&'static str> {
    first(
        request,
        &[
            (has_control, "a byte in the target that no URL contains"),
            (is_not_text, "a target that is not UTF-8"),
            (|request| request.target.is_empty(), "no target"),
            (|request| is_long(request, 64 * 1_024), "a head longer than 64 KiB"),
        ],
    )
}

const LOOKS_LIKE_OWN: &str = "a header that looks like one of the gate's";

fn first(request: &Request<'_>, kinds: &[(Kind, &'static str)]) -> Option<&'static str> {
    let found = kinds.iter().find(|(kind, _)| kind(request));
    found.map(|(_, why)| *why)
}

fn has_no_slash(request: &Request<'_>) -> bool {
    !request.target.starts_with(b"/")
}

fn has_control(request: &Request<'_>) -> bool {
    request.target.iter().any(|byte| *byte <= b' ' || *byte == 0x7F)
}

fn is_not_text(request: &Request<'_>) -> bool {
    core::str::from_utf8(request.target).is_err()
}

fn has_bad_escape(request: &Request<'_>) -> bool {
    let mut pieces = request.path().split(|byte| *byte == b'%');
    pieces.next();
    pieces.any(|piece| {
        let digits = piece.get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) || digits == Some(b"00")
    })
}

fn has_odd_method(request: &Request<'_>) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_';
    !request.method.bytes().all(is_usual)
}

fn has_two_tokens(request: &Request<'_>) -> bool {
    let names = request.headers.iter();
    names.filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).count() > 1
}

fn is_long(request: &Request<'_>, most: usize) -> bool {
    let size = |(name, value): &(&str, &[u8])| name.len() + value.len() + 4;
    request.headers.iter().map(size).sum::<usize>() + request.target.len() > most
}

fn looks_like_own(request: &Request<'_>) -> bool {
    let mut names = request.headers.iter();
    names.any(|(name, _)| name.to_ascii_lowercase().starts_with("x-tollgate-"))
}
