//! nginx: `auth_request` for the decision, and a second request for the response to a denied one.
//!
//! Not here: the configuration itself, which is `nginx/nginx.conf`.

use crate::fill::fill;
use crate::{File, Policy, Site, gate_paths, header_kib, token_headers};

const TEMPLATE: &str = include_str!("nginx/nginx.conf");
const GATE_LOCATION: &str = include_str!("nginx/gate.conf");

/// Whether a location selects exactly this path. nginx compares locations with the decoded path, and reads quotes,
/// braces and semicolons in them.
pub(crate) fn is_location(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.starts_with('/') && path.bytes().all(is_plain)
}

pub(crate) fn files(policy: &Policy<'_>, site: &Site) -> Vec<File> {
    let mut variables = String::new();
    let mut headers = String::new();
    // Names of lower case letters, digits and `-`.
    for name in token_headers(policy.gate) {
        let variable = name.replace('-', "_");
        variables +=
            &format!("auth_request_set $tollgate_token_{variable} $upstream_http_{variable};\n");
        headers += &format!("proxy_set_header {name} $tollgate_token_{variable};\n");
    }
    let header_kib = header_kib(policy.gate);
    let text = fill(
        TEMPLATE,
        &[
            ("LISTEN", &site.listen.to_string()),
            ("AUTHZ", &site.authz.to_string()),
            ("UPSTREAM", &site.upstream.address().to_string()),
            ("TOKEN_BYTES", &policy.gate.max_token_bytes.to_string()),
            ("HEADER_KB", &header_kib.to_string()),
            ("ANSWER_KB", &(header_kib * 4).to_string()),
            ("TOKEN_VARIABLES", &variables),
            ("TOKEN_HEADERS", &headers),
            ("GATE_LOCATIONS", &gate_locations(policy)),
        ],
    );
    vec![File {
        name: "nginx.conf",
        text,
    }]
}

/// The locations of the gate's own endpoints, whose paths [`is_location`] accepts.
fn gate_locations(policy: &Policy<'_>) -> String {
    let sign_in = policy.gate.sign_in.as_ref();
    let mut text = String::new();
    for path in gate_paths(policy.gate) {
        let is_sign_in = sign_in.is_some_and(|sign_in| sign_in.path == path);
        let (below, purpose) = match is_sign_in {
            true => (Some(format!("^~ {path}/")), "sign-in"),
            false => (None, "sessions"),
        };
        for location in [Some(format!("= {path}")), below].into_iter().flatten() {
            text += &fill(GATE_LOCATION, &[("MATCH", &location), ("PURPOSE", purpose)]);
        }
    }
    text
}
