//! Caddy: the long form of `forward_auth`, with the second `reverse_proxy` inside the handler of the answer.
//!
//! Not here: the configuration itself, which is `caddy/Caddyfile`.

use crate::fill::fill;
use crate::{Address, File, IDENTITY, Policy, REMOVED, Site, header_kib, token_headers};

const TEMPLATE: &str = include_str!("caddy/Caddyfile");

pub(crate) fn files(policy: &Policy<'_>, site: &Site) -> Vec<File> {
    let removed = REMOVED.iter().chain(&["x-tollgate-assertion"]);
    let removed: String = removed
        .map(|name| format!("request_header -{name}\n"))
        .collect();
    let mut variables = String::new();
    let mut identity = String::new();
    for name in IDENTITY {
        let variable = name.replace('-', "_");
        variables += &format!("vars {variable} {{rp.header.{}}}\n", canonical(name));
        identity += &format!("header_up {name} {{vars.{variable}}}\n");
    }
    let mut tokens = String::new();
    for name in token_headers(policy.gate) {
        let matcher = name.replace('-', "_");
        let value = canonical(name);
        tokens += &format!(
            "request_header -{name}\n@token_{matcher} vars_regexp {{rp.header.{value}}} .\n\
             request_header @token_{matcher} {name} {{rp.header.{value}}}\n"
        );
    }
    // A file name of unreserved characters.
    let index = policy
        .index
        .map_or_else(String::new, |name| format!("uri path_regexp /$ /{name}\n"));
    let text = fill(
        TEMPLATE,
        &[
            ("LISTEN_IP", &site.listen.ip().to_string()),
            ("LISTEN_PORT", &site.listen.port().to_string()),
            ("TOKEN_BYTES", &policy.gate.max_token_bytes.to_string()),
            ("HEADERS_KB", &(header_kib(policy.gate) * 4).to_string()),
            ("REMOVED", &removed),
            ("AUTHZ", &upstream(&site.authz)),
            ("VARIABLES", &variables),
            ("TOKENS", &tokens),
            ("INDEX", &index),
            ("UPSTREAM", &upstream(site.upstream.address())),
            ("IDENTITY", &identity),
        ],
    );
    vec![File {
        name: "Caddyfile",
        text,
    }]
}

/// The name of a header as Caddy writes it in placeholders: every word begins with a capital letter.
fn canonical(name: &str) -> String {
    let mut starts = true;
    name.chars()
        .map(|c| {
            let new = if starts { c.to_ascii_uppercase() } else { c };
            starts = c == '-';
            new
        })
        .collect()
}

/// The address as Caddy writes it.
fn upstream(address: &Address) -> String {
    match address {
        Address::Ip(..) | Address::Name(..) => address.to_string(),
        Address::Unix(path) => format!("unix/{path}"),
    }
}
