//! Proxies that ask `tollgate authz`, and what a policy needs that a proxy cannot do (TG0805 to TG0808).
//!
//! `authz` is a complete gate: it verifies every algorithm, signs users in and issues sessions. Not here: the
//! configurations, which `tollgate-proxies` writes.

use tollgate_compiler::diagnostic::{Diagnostic, Span, codes, shown};
use tollgate_compiler::{SourceTree, place_of_table, place_of_value};
use tollgate_gate::config::{GateConfig, MAX_PAGE_BYTES};
use tollgate_proxies::{Proxy, Unsupported};

use super::{Artifact, Edge};

/// nginx.
pub const NGINX: Edge = proxy(
    Proxy::Nginx,
    "A configuration of nginx, which asks `tollgate authz`",
    ["`nginx.conf` with `auth_request`", "nginx 1.22"],
);

/// Envoy.
pub const ENVOY: Edge = proxy(
    Proxy::Envoy,
    "A configuration of Envoy, which asks `tollgate authz` over gRPC",
    ["`envoy.yaml` with `ext_authz` over gRPC", "Envoy 1.40"],
);

/// Traefik.
pub const TRAEFIK: Edge = proxy(
    Proxy::Traefik,
    "A configuration of Traefik, which asks `tollgate authz`",
    [
        "`traefik.yml` and `tollgate.yml` with `forwardAuth`",
        "Traefik 3.7",
    ],
);

/// Caddy.
pub const CADDY: Edge = proxy(
    Proxy::Caddy,
    "A configuration of Caddy, which asks `tollgate authz`",
    [
        "`Caddyfile` with `reverse_proxy` and `handle_response`",
        "Caddy 2.11",
    ],
);

/// HAProxy.
pub const HAPROXY: Edge = proxy(
    Proxy::Haproxy,
    "A configuration of HAProxy, which asks `tollgate authz`",
    ["`haproxy.cfg` and `tollgate.lua`", "HAProxy 2.6"],
);

/// The Gateway API.
pub const GATEWAY_API: Edge = proxy(
    Proxy::GatewayApi,
    "Manifests for gateways of Kubernetes, which ask `tollgate authz` over gRPC",
    [
        "`gateway-api.yaml` with `ExternalAuth`, `envoy-gateway.yaml` with `SecurityPolicy`",
        "not run: YAML only",
    ],
);

const fn proxy(proxy: Proxy, about: &'static str, readme: [&'static str; 2]) -> Edge {
    Edge {
        name: proxy.name(),
        about,
        readme,
        artifact: Artifact::Config(proxy),
        max_image_bytes: None,
        max_artifact_bytes: None,
        verifies: |_| true,
        sets_cookies: true,
        has_endpoint: true,
        max_page_bytes: MAX_PAGE_BYTES,
        page_bytes: str::len,
        budgets: |_| Vec::new(),
    }
}

/// Returns a diagnostic for everything in the policy that the proxy cannot do.
pub(crate) fn check(proxy: Proxy, config: &GateConfig, sources: &SourceTree) -> Vec<Diagnostic> {
    let found = proxy.unsupported(config);
    found
        .iter()
        .map(|one| diagnostic(proxy, one, config, sources))
        .collect()
}

/// The universal remedy: the gate itself is the proxy in front of the origin.
const STANDALONE: &str = "or forward to `tollgate authz --upstream URL` without a decision in the proxy: it decides and \
                          forwards itself";

fn diagnostic(
    proxy: Proxy,
    found: &Unsupported,
    config: &GateConfig,
    sources: &SourceTree,
) -> Diagnostic {
    let from = place_of_value(sources, "token", "from");
    let name = proxy.name();
    let (code, span, message, help) = match found {
        Unsupported::QueryToken(token) => (
            &codes::PROXY_QUERY_TOKEN,
            from,
            format!(
                "`{name}` cannot remove the token `{}` from the query",
                shown(token)
            ),
            "remove the `query:` source from `[token] from`; or keep the token in the request, which the origin then sees: `strip = false` in `[token]`",
        ),
        Unsupported::TokenHeader(header) => (
            &codes::PROXY_TOKEN_HEADER,
            from,
            format!(
                "proxies do not pass on the header `{}` unchanged",
                shown(header)
            ),
            "name a header of lower case letters, digits and `-` that no proxy uses itself, such as `header:x-api-token`",
        ),
        Unsupported::Caching => (
            &codes::PROXY_CACHING,
            place_of_table(sources, "forward").or_else(|| place_of_table(sources, "session")),
            format!(
                "`{name}` cannot change the caching of single responses, so no response of the origin is cached"
            ),
            "without sessions, `[forward] private = false` leaves caching to the origin, which then must forbid shared \
             caches to store what is not public",
        ),
        Unsupported::GatePath(path) => (
            &codes::PROXY_GATE_PATH,
            place_of_gate_path(path, config, sources),
            format!(
                "a location of `{name}` cannot select the path `{}`",
                shown(path)
            ),
            "use letters, digits, `-`, `.`, `_`, `~` and `/` in this path",
        ),
    };
    let mut finding = Edge::finding(code, span, message);
    finding.help(help);
    finding.help(STANDALONE);
    finding
}

fn place_of_gate_path(path: &str, config: &GateConfig, sources: &SourceTree) -> Option<Span> {
    let is_sign_in = config
        .sign_in
        .as_ref()
        .is_some_and(|sign_in| sign_in.path == path);
    let (table, key) = match is_sign_in {
        true => ("sign_in", "path"),
        false => ("session", "endpoint"),
    };
    place_of_value(sources, table, key).or_else(|| place_of_table(sources, table))
}
