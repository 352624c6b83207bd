//! Envoy: the gRPC service `envoy.service.auth.v3.Authorization`, which returns every change to request and response.
//!
//! Not here: the configuration itself, which is `envoy/envoy.yaml`.

use crate::fill::fill;
use crate::{Address, File, OWN, Policy, REMOVED, Site, header_kib};

const TEMPLATE: &str = include_str!("envoy/envoy.yaml");
/// The largest `max_request_headers_kb` of Envoy.
const MAX_HEADERS_KIB: u32 = 8_192;

pub(crate) fn files(policy: &Policy<'_>, site: &Site) -> Vec<File> {
    let removed = REMOVED.iter().chain(&OWN).chain(&["x-forwarded-for"]);
    let removed: String = removed.map(|name| format!("- remove: {name}\n")).collect();
    let headers_kib = header_kib(policy.gate)
        .saturating_mul(4)
        .min(MAX_HEADERS_KIB);
    let text = fill(
        TEMPLATE,
        &[
            ("LISTEN_IP", &site.listen.ip().to_string()),
            ("LISTEN_PORT", &site.listen.port().to_string()),
            ("TOKEN_BYTES", &policy.gate.max_token_bytes.to_string()),
            ("HEADERS_KB", &headers_kib.to_string()),
            ("REMOVED", &removed),
            ("ORIGIN_TYPE", discovery(site.upstream.address())),
            ("ORIGIN", &endpoint(site.upstream.address())),
            ("AUTHZ_TYPE", discovery(&site.authz)),
            ("AUTHZ", &endpoint(&site.authz)),
        ],
    );
    vec![File {
        name: "envoy.yaml",
        text,
    }]
}

const fn discovery(address: &Address) -> &'static str {
    match address {
        Address::Ip(..) | Address::Unix(_) => "STATIC",
        Address::Name(..) => "STRICT_DNS",
    }
}

/// The address as a YAML mapping. Its parts contain no character that ends a quoted string.
fn endpoint(address: &Address) -> String {
    match address {
        Address::Ip(ip, port) => socket(&ip.to_string(), *port),
        Address::Name(name, port) => socket(name, *port),
        Address::Unix(path) => format!("{{pipe: {{path: \"{path}\"}}}}"),
    }
}

fn socket(host: &str, port: u16) -> String {
    format!("{{socket_address: {{address: \"{host}\", port_value: {port}}}}}")
}
