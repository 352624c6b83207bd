//! Configurations that `tollgate build` does not write: proxies that ask nobody, and peers that decide themselves.
//!
//! Keep-alive and the number of workers are the same for all. Not here: starting them ([`subjects`](crate::subjects)).

use core::fmt::Write as _;
use core::net::SocketAddr;

use anyhow::Result;
use serde_json::{Map, Value, json};

use tollgate_targets::courses::{CLIENT, ISSUER};

use crate::site::Site;

/// The content of every page.
pub(crate) const PAGE: &str = "a lesson";
/// The requests of a connection.
const MANY: &str = "1000000000";

/// An origin with one page for every path.
pub(crate) fn origin(listen: SocketAddr) -> String {
    let location = format!("location / {{ default_type text/plain; return 200 \"{PAGE}\"; }}");
    nginx(listen, "", &location)
}

/// A decision service that allows everything, with the fields that a generated configuration of nginx needs.
pub(crate) fn always(listen: SocketAddr) -> String {
    let location = "location / { add_header X-Tollgate-Target $http_x_original_uri; \
                    add_header X-Tollgate-Cache keep; return 200; }";
    nginx(listen, "", location)
}

/// nginx in front of the origin, without any decision.
pub(crate) fn nginx_plain(listen: SocketAddr, origin: SocketAddr) -> String {
    nginx(
        listen,
        &upstream(origin),
        &format!("location / {{ {PASS} }}"),
    )
}

/// nginx with its JWT module: the group of each course in a map.
pub(crate) fn nginx_jwt(listen: SocketAddr, origin: SocketAddr, site: &Site) -> Result<String> {
    let mut http = upstream(origin);
    // A hash table for all courses.
    http += "map_hash_max_size 1048576; map_hash_bucket_size 128;\n\
             map $course $required_groups {\n  default \"[]\";\n";
    for number in 0..site.rules {
        writeln!(http, "  course-{number} '[\"course-{number}\"]';")?;
    }
    http += "}\n";
    let location = format!(
        "location / {{ return 403; }}
    location ~ \"^/courses/(?<course>[^/]+)/\" {{
      auth_jwt courses;
      auth_jwt_key_file keys.json;
      auth_jwt_require_header alg eq RS256;
      auth_jwt_require_claim iss eq {ISSUER};
      auth_jwt_require_claim aud eq {CLIENT};
      auth_jwt_require_claim groups intersect $required_groups;
      {PASS}
    }}"
    );
    Ok(nginx(listen, &http, &location))
}

const PASS: &str =
    "proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection \"\";";

fn upstream(origin: SocketAddr) -> String {
    format!("upstream origin {{ server {origin}; keepalive 64; keepalive_requests {MANY}; }}\n")
}

fn nginx(listen: SocketAddr, http: &str, location: &str) -> String {
    format!(
        "daemon off;
master_process off; # one process, which ends when it is killed
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests {MANY};
  client_body_temp_path temp-body;
  proxy_temp_path temp-proxy;
  fastcgi_temp_path temp-fastcgi;
  uwsgi_temp_path temp-uwsgi;
  scgi_temp_path temp-scgi;
  {http}
  server {{
    listen {listen};
    {location}
  }}
}}
"
    )
}

/// How Envoy decides.
#[derive(Clone, Copy)]
pub(crate) enum Decides {
    /// Not at all.
    Nothing,
    /// `jwt_authn`, and RBAC with one policy for each course.
    List,
    /// `jwt_authn`, and RBAC with a tree of paths.
    Tree,
}

const HTTP: &str = "type.googleapis.com/envoy.extensions.filters.http";
/// Where `jwt_authn` leaves the claims.
const CLAIMS: &str = "claims";

/// Envoy in front of the origin.
pub(crate) fn envoy(
    listen: SocketAddr,
    origin: SocketAddr,
    decides: Decides,
    site: &Site,
) -> String {
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": format!("{HTTP}.router.v3.Router"), "suppress_envoy_headers": true },
    });
    let rbac = |rules: &str, value: Value| {
        let mut config = Map::new();
        config.insert("@type".to_owned(), format!("{HTTP}.rbac.v3.RBAC").into());
        config.insert(rules.to_owned(), value);
        json!({ "name": "envoy.filters.http.rbac", "typed_config": config })
    };
    let filters = match decides {
        Decides::Nothing => vec![router],
        Decides::List => vec![jwt(site), rbac("rules", list(site)), router],
        Decides::Tree => vec![jwt(site), rbac("matcher", tree(site)), router],
    };
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "site",
        "generate_request_id": false,
        "normalize_path": false,
        "route_config": { "virtual_hosts": [{
            "name": "site", "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "origin", "timeout": "0s" } }],
        }] },
        "http_filters": filters,
    });
    json!({
        "admin": {},
        "static_resources": {
            "listeners": [{
                "name": "site",
                "address": socket(listen),
                "filter_chains": [{ "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": manager,
                }] }],
            }],
            "clusters": [{
                "name": "origin", "type": "STATIC", "connect_timeout": "5s",
                "load_assignment": { "cluster_name": "origin", "endpoints": [
                    { "lb_endpoints": [{ "endpoint": { "address": socket(origin) } }] },
                ] },
            }],
        },
    })
    .to_string()
}

fn socket(address: SocketAddr) -> Value {
    let (ip, port) = (address.ip().to_string(), address.port());
    json!({ "socket_address": { "address": ip, "port_value": port } })
}

/// The filter that verifies tokens. Its cache of verified tokens is off by default; ours holds 4,096.
fn jwt(site: &Site) -> Value {
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": format!("{HTTP}.jwt_authn.v3.JwtAuthentication"),
            "providers": { "learners": {
                "issuer": ISSUER,
                "audiences": [CLIENT],
                "forward": true,
                "local_jwks": { "inline_string": site.jwks },
                "payload_in_metadata": CLAIMS,
                "jwt_cache_config": { "jwt_cache_size": 4_096 },
            } },
            "rules": [{ "match": { "prefix": "/" }, "requires": { "provider_name": "learners" } }],
        },
    })
}

/// A value that is in the list of groups.
fn member(group: &str) -> Value {
    json!({ "list_match": { "one_of": { "string_match": { "exact": group } } } })
}

fn list(site: &Site) -> Value {
    let policies: Map<String, Value> = (0..site.rules)
        .map(|number| {
            let group = format!("course-{number}");
            let path = format!("/courses/course-{number}/");
            let policy = json!({
                "permissions": [{ "url_path": { "path": { "prefix": path } } }],
                "principals": [{ "metadata": {
                    "filter": "envoy.filters.http.jwt_authn",
                    "path": [{ "key": CLAIMS }, { "key": "groups" }],
                    "value": member(&group),
                } }],
            });
            (group, policy)
        })
        .collect();
    json!({ "action": "ALLOW", "policies": policies })
}

fn tree(site: &Site) -> Value {
    let action = |name: &str, action: &str| {
        json!({ "action": { "name": name, "typed_config": {
            "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": name, "action": action,
        } } })
    };
    let inputs = "type.googleapis.com/envoy.extensions.matching";
    let courses: Map<String, Value> = (0..site.rules)
        .map(|number| {
            let group = format!("course-{number}");
            let groups = json!({
                "name": "groups",
                "typed_config": {
                    "@type": format!("{inputs}.common_inputs.network.v3.DynamicMetadataInput"),
                    "filter": "envoy.filters.http.jwt_authn",
                    "path": [{ "key": CLAIMS }, { "key": "groups" }],
                },
            });
            let is_member = json!({
                "name": "member",
                "typed_config": {
                    "@type": format!("{inputs}.input_matchers.metadata.v3.Metadata"),
                    "value": member(&group),
                },
            });
            let matcher = json!({ "matcher_list": { "matchers": [{
                "predicate": { "single_predicate": { "input": groups, "custom_match": is_member } },
                "on_match": action(&group, "ALLOW"),
            }] } });
            (
                format!("/courses/course-{number}/"),
                json!({ "matcher": matcher }),
            )
        })
        .collect();
    json!({
        "matcher_tree": {
            "input": {
                "name": "path",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
                    "header_name": ":path",
                },
            },
            "prefix_match_map": { "map": courses },
        },
        "on_no_match": action("denied", "DENY"),
    })
}
