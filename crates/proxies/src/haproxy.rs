//! HAProxy: a Lua action that asks with the built-in HTTP client, and has full control of request and response.
//!
//! Not here: the configuration and the action, which are `haproxy/haproxy.cfg` and `haproxy/tollgate.lua`.

use crate::fill::fill;
use crate::{Address, File, IDENTITY, Policy, REMOVED, Site, header_kib, token_headers};

const CONFIG: &str = include_str!("haproxy/haproxy.cfg");
const ACTION: &str = include_str!("haproxy/tollgate.lua");
/// The size of the part of a buffer that HAProxy reserves for added headers, in bytes: `tune.maxrewrite` of the configuration.
const REWRITE_BYTES: u32 = 16_384;

pub(crate) fn files(policy: &Policy<'_>, site: &Site) -> Vec<File> {
    let header_bytes = header_kib(policy.gate).saturating_mul(2 * 1_024);
    let config = fill(
        CONFIG,
        &[
            ("LISTEN", &site.listen.to_string()),
            ("TOKEN_BYTES", &policy.gate.max_token_bytes.to_string()),
            (
                "BUFFER_BYTES",
                &header_bytes.saturating_add(REWRITE_BYTES).to_string(),
            ),
            ("UPSTREAM", &site.upstream.address().to_string()),
        ],
    );
    let more = ["x-forwarded-for", "x-forwarded-proto"];
    let removed = REMOVED.iter().chain(&more);
    let removed: String = removed
        .map(|name| format!("[\"{name}\"] = true,\n"))
        .collect();
    let answered = IDENTITY.into_iter().chain(token_headers(policy.gate));
    let answered: String = answered.map(|name| format!("\"{name}\",\n")).collect();
    // Neither an address nor a path contains a character that ends a string.
    let (host, socket) = match &site.authz {
        Address::Ip(..) | Address::Name(..) => (site.authz.to_string(), "nil".to_owned()),
        Address::Unix(path) => ("localhost".to_owned(), format!("\"unix@{path}\"")),
    };
    let action = fill(
        ACTION,
        &[
            ("AUTHZ_HOST", &host),
            ("AUTHZ_SOCKET", &socket),
            ("REMOVED", &removed),
            ("ANSWERED", &answered),
        ],
    );
    vec![
        File {
            name: "haproxy.cfg",
            text: config,
        },
        File {
            name: "tollgate.lua",
            text: action,
        },
    ]
}
