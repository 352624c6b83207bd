//! The requests that proxies refuse themselves, before they ask.
//!
//! A refusal lets nobody in, but it can keep somebody out, so each kind is listed here: any other refusal is a failure.

use tollgate_gate::Request;

/// nginx.
pub(super) const NGINX: &[Refusal] = &[
    NO_SLASH,
    CONTROL,
    (
        |request| has_bad_escape(request) || has_escape(request, b"00"),
        "a malformed escape, or %00",
    ),
    (has_odd_method, "a method that is not in upper case"),
    CONNECT,
    (|request| request.method == "TRACE", "TRACE"),
    (has_two_tokens, "two Authorization headers"),
    LONG,
    OWN,
];

/// Envoy.
pub(super) const ENVOY: &[Refusal] = &[
    ABSOLUTE,
    NO_SLASH,
    CONTROL,
    (
        |request| !request.target.is_ascii() || request.target.contains(&b'#'),
        "a byte that a URL must escape",
    ),
    (is_unknown_method, "a method that its parser does not know"),
    CONNECT,
    LONG,
    OWN,
];

/// Traefik.
pub(super) const TRAEFIK: &[Refusal] = &[
    NO_SLASH,
    CONTROL,
    (has_bad_escape, "a malformed escape"),
    (
        |request| {
            [&b"2F"[..], b"5C", b"00"]
                .iter()
                .any(|digits| has_escape(request, digits))
        },
        "an escaped slash, backslash or NUL",
    ),
    (
        |request| request.target.iter().any(|byte| b"\\#".contains(byte)),
        "a backslash or `#`",
    ),
    CONNECT,
    LONG,
    OWN,
];

/// Caddy.
pub(super) const CADDY: &[Refusal] = &[
    NO_SLASH,
    CONTROL,
    (has_bad_escape, "a malformed escape"),
    CONNECT,
    LONG,
];

/// HAProxy.
pub(super) const HAPROXY: &[Refusal] = &[
    ABSOLUTE,
    NO_SLASH,
    CONTROL,
    (
        |request| !request.target.is_ascii() || request.target.contains(&b'#'),
        "a byte that a URL must escape",
    ),
    CONNECT,
    LONG,
];

/// `tollgate authz` as the proxy.
pub(super) const AUTHZ: &[Refusal] = &[
    CONTROL,
    (
        |request| core::str::from_utf8(request.target).is_err(),
        "a target that is not UTF-8",
    ),
    (|request| request.target.is_empty(), "no target"),
    LONG,
];

/// A kind of request, and its description.
pub(super) type Refusal = (fn(&Request<'_>) -> bool, &'static str);

const NO_SLASH: Refusal = (
    |request| !request.target.starts_with(b"/"),
    "a target without a leading slash",
);
const ABSOLUTE: Refusal = (
    |request| request.target.starts_with(b"https://"),
    "an absolute URL of another scheme and host",
);
const CONTROL: Refusal = (
    |request| {
        request
            .target
            .iter()
            .any(|byte| *byte <= b' ' || *byte == 0x7F)
    },
    "a byte in the target that no URL contains",
);
const CONNECT: Refusal = (
    |request| request.method == "CONNECT",
    "CONNECT, which is for forward proxies",
);
const LONG: Refusal = (is_long, "a header that is longer than two tokens");
const OWN: Refusal = (looks_like_own, "a header that looks like one of the gate's");

/// Why a proxy refuses a request, if it is of one of these kinds.
pub(super) fn why(kinds: &[Refusal], request: &Request<'_>) -> Option<&'static str> {
    let found = kinds.iter().find(|(kind, _)| kind(request));
    found.map(|(_, why)| *why)
}

fn has_bad_escape(request: &Request<'_>) -> bool {
    let mut pieces = request.path().split(|byte| *byte == b'%').skip(1);
    let is_hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    pieces.any(|piece| !piece.get(..2).is_some_and(is_hex))
}

fn has_escape(request: &Request<'_>, digits: &[u8]) -> bool {
    let mut pieces = request.path().split(|byte| *byte == b'%').skip(1);
    pieces.any(|piece| {
        piece
            .get(..2)
            .is_some_and(|own| own.eq_ignore_ascii_case(digits))
    })
}

fn has_odd_method(request: &Request<'_>) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_';
    !request.method.bytes().all(is_usual)
}

fn is_unknown_method(request: &Request<'_>) -> bool {
    // Envoy's parser has a list of all methods that were ever registered.
    has_odd_method(request) || ["GETS", "BREW"].contains(&request.method)
}

fn has_two_tokens(request: &Request<'_>) -> bool {
    let names = request.headers.iter();
    names
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        .count()
        > 1
}

fn is_long(request: &Request<'_>) -> bool {
    let mut sizes = request
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len());
    sizes.any(|size| size > 16 * 1_024)
}

fn looks_like_own(request: &Request<'_>) -> bool {
    let mut names = request.headers.iter();
    names.any(|(name, _)| name.to_ascii_lowercase().starts_with("x-tollgate-"))
}
