//! What a configuration cannot contain is refused, and what it contains cannot leave its place.

#![cfg(test)]

use std::path::Path;

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_gate::config::{GateConfig, Strip, TokenSource};
use tollgate_proxies::{Policy, Proxy, ProxyError, Site, Unsupported, generate};

fn gate() -> GateConfig {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sign-in");
    let compiled = compile(&SourceTree::read(&root), &CompileOptions::default());
    GateConfig::decode(&compiled.policy.unwrap().gate).unwrap()
}

fn site(authz: &str, upstream: &str) -> Site {
    Site {
        listen: "[::1]:8080".parse().unwrap(),
        authz: authz.parse().unwrap(),
        upstream: upstream.parse().unwrap(),
    }
}

/// The errors of a proxy for a policy, without warnings.
fn errors(proxy: Proxy, gate: &GateConfig) -> Vec<Unsupported> {
    let mut found = proxy.unsupported(gate);
    found.retain(|one| !one.is_warning());
    found
}

#[test]
fn token_headers_that_proxies_do_not_pass_on_are_refused() {
    let mut gate = gate();
    for name in [
        "x_token",
        "x.token",
        "x'token",
        "x$token",
        "x`token",
        "x|token",
        "x token",
        "x;token",
        "x\"token",
        "x\ntoken",
        "x{token}",
        "1-token",
        "-token",
        "",
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
        "te",
        "x-real-ip",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-access-token",
        "x-original-url",
        "x-tollgate-token",
        "x-envoy-token",
        "proxy-authorization",
    ] {
        gate.sources = vec![TokenSource::Header(name.to_owned())];
        for proxy in Proxy::ALL {
            let expected = [Unsupported::TokenHeader(name.to_owned())];
            assert_eq!(errors(proxy, &gate), expected, "{proxy:?} {name:?}");
        }
    }
    gate.sources = ["authorization", "x-api-token", "token2"]
        .map(|name| TokenSource::Header(name.to_owned()))
        .to_vec();
    for proxy in Proxy::ALL {
        assert_eq!(errors(proxy, &gate), []);
    }
}

#[test]
fn paths_that_nginx_cannot_select_are_refused() {
    for path in [
        "/a'b", "/a(b)", "/a%20b", "/a$b", "/a;b", "/a b", "/a\nb", "/a\"b", "/a{b", "/a=b",
        "/a@b", "a", "",
    ] {
        let mut gate = gate();
        gate.sign_in.as_mut().unwrap().path = path.to_owned();
        let expected = [Unsupported::GatePath(path.to_owned())];
        assert_eq!(errors(Proxy::Nginx, &gate), expected, "{path:?}");
        gate.sign_in = None;
        gate.session.as_mut().unwrap().endpoint = Some(path.to_owned());
        assert_eq!(errors(Proxy::Nginx, &gate), expected, "{path:?}");
        // The others ask about every path in the same way.
        for proxy in [Proxy::Traefik, Proxy::Caddy, Proxy::Haproxy, Proxy::Envoy] {
            assert_eq!(errors(proxy, &gate), []);
        }
    }
}

#[test]
fn traefik_cannot_remove_a_token_from_the_query() {
    let mut gate = gate();
    gate.sources.push(TokenSource::Query("token".to_owned()));
    for (strip, expected) in [
        (Strip::Nothing, 0),
        (Strip::Query, 1),
        (Strip::Everything, 1),
    ] {
        gate.strip = strip;
        assert_eq!(errors(Proxy::Traefik, &gate).len(), expected, "{strip:?}");
        for proxy in [
            Proxy::Nginx,
            Proxy::Caddy,
            Proxy::Haproxy,
            Proxy::Envoy,
            Proxy::GatewayApi,
        ] {
            assert_eq!(errors(proxy, &gate), []);
        }
    }
    gate.sources = vec![TokenSource::Header("authorization".to_owned())];
    assert!(
        Proxy::Traefik
            .unsupported(&gate)
            .contains(&Unsupported::Caching)
    );
    gate.session = None;
    gate.forward.private = false;
    assert_eq!(Proxy::Traefik.unsupported(&gate), []);
}

#[test]
fn addresses_that_a_proxy_cannot_use_are_refused() {
    let gate = gate();
    let policy = Policy {
        gate: &gate,
        index: None,
    };
    let unix = site("unix:/run/authz.sock", "http://web.site:80");
    let name = site("authz.tollgate:9000", "http://web.site:80");
    let ip = site("[::1]:9000", "http://127.0.0.1:80");
    for (proxy, fits) in [
        (Proxy::Nginx, [true, true, true]),
        (Proxy::Traefik, [false, true, true]),
        (Proxy::Caddy, [true, true, true]),
        (Proxy::Haproxy, [true, true, true]),
        (Proxy::Envoy, [true, true, true]),
        (Proxy::GatewayApi, [false, true, false]),
    ] {
        for (site, fits) in [&unix, &name, &ip].into_iter().zip(fits) {
            let found = generate(proxy, &policy, site).map(|_| ());
            let expected = match fits {
                true => Ok(()),
                false => Err(ProxyError::Addresses(proxy)),
            };
            assert_eq!(found, expected, "{proxy:?} {site:?}");
        }
    }
}

/// Every value of every placeholder is there, and no placeholder is left.
#[test]
fn all_placeholders_are_filled() {
    let gate = gate();
    let policy = Policy {
        gate: &gate,
        index: Some("index.html"),
    };
    for authz in ["unix:/run/authz.sock", "authz.tollgate:9000", "[::1]:9000"] {
        for proxy in Proxy::ALL {
            let Ok(files) = generate(proxy, &policy, &site(authz, "http://web.site:80")) else {
                continue;
            };
            for file in files {
                let is_placeholder = |word: &str| {
                    let name = word.strip_prefix('@').and_then(|rest| rest.split_once('@'));
                    name.is_some_and(|(name, _)| {
                        !name.is_empty()
                            && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
                    })
                };
                for (at, _) in file.text.match_indices('@') {
                    let rest = file.text.get(at..).unwrap();
                    assert!(!is_placeholder(rest), "{proxy:?} {}: {rest:.40}", file.name);
                }
                assert!(file.text.is_ascii(), "{proxy:?} {}", file.name);
            }
        }
    }
}
