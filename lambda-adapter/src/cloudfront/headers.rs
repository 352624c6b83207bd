//! The headers that CloudFront does not let a function change.
//!
//! If a function breaks these rules, CloudFront responds 502. Not here: which headers the gate changes.

use super::event::EventKind;

/// Headers that a function can read but not change, remove or add; lower case.
const READ_ONLY_VIEWER_REQUEST: &[&str] = &[
    "cdn-loop",
    "content-length",
    "host",
    "transfer-encoding",
    "via",
];
const READ_ONLY_ORIGIN_REQUEST: &[&str] = &[
    "accept-encoding",
    "cdn-loop",
    "content-length",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "transfer-encoding",
    "via",
];

/// Headers that a function may not set; lower case, `*` at the end matches any suffix.
const DISALLOWED: &[&str] = &[
    "client-cert",
    "client-cert-chain",
    "cloudfront-viewer-cert-pem",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "upgrade",
    "x-accel-*",
    "x-amz-cf-*",
    "x-amzn-auth",
    "x-amzn-cf-billing",
    "x-amzn-cf-id",
    "x-amzn-cf-xff",
    "x-amzn-errortype",
    "x-amzn-fle-profile",
    "x-amzn-header-count",
    "x-amzn-header-order",
    "x-amzn-lambda-integration-tag",
    "x-amzn-requestid",
    "x-cache",
    "x-edge-*",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Whether a request header must be returned unchanged.
pub(crate) fn is_read_only(kind: EventKind, name: &str) -> bool {
    let names = match kind {
        EventKind::ViewerRequest => READ_ONLY_VIEWER_REQUEST,
        EventKind::OriginRequest => READ_ONLY_ORIGIN_REQUEST,
    };
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a generated response may contain a header. CloudFront sets transfer headers itself.
pub(crate) fn may_respond(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_named = |known: &&str| match known.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *known,
    };
    !DISALLOWED.iter().any(is_named)
        && !is_read_only(EventKind::ViewerRequest, &name)
        && !is_read_only(EventKind::OriginRequest, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloudfront_rules_are_followed() {
        for (name, viewer, origin) in [
            ("Host", true, false),
            ("via", true, true),
            ("If-None-Match", false, true),
            ("authorization", false, false),
            ("cookie", false, false),
        ] {
            assert_eq!(
                is_read_only(EventKind::ViewerRequest, name),
                viewer,
                "{name}"
            );
            assert_eq!(
                is_read_only(EventKind::OriginRequest, name),
                origin,
                "{name}"
            );
        }
        for (name, may) in [
            ("WWW-Authenticate", true),
            ("location", true),
            ("allow", true),
            ("X-Amz-Cf-Id", false),
            ("x-edge-", false),
            ("x-edges", true),
            ("Content-Length", false),
            ("Connection", false),
        ] {
            assert_eq!(may_respond(name), may, "{name}");
        }
    }

    #[test]
    fn the_names_are_those_of_the_edge_package() {
        let text = include_str!("../../edge/js/headers.json");
        let edge: serde_json::Value = serde_json::from_str(text).unwrap();
        for (member, names) in [
            ("/readOnly/viewer-request", READ_ONLY_VIEWER_REQUEST),
            ("/readOnly/origin-request", READ_ONLY_ORIGIN_REQUEST),
            ("/disallowed", DISALLOWED),
        ] {
            assert_eq!(edge.pointer(member), Some(&serde_json::json!(names)));
        }
    }
}
