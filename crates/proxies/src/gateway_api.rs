//! Kubernetes Gateway API: an `HTTPRoute` with the filter `ExternalAuth`, and the policies of Envoy Gateway.
//!
//! Not here: the manifests themselves, which are in `gateway_api`, and the deployment of `authz`.

use crate::fill::fill;
use crate::{Address, File, OWN, REMOVED, Site};

const ROUTE: &str = include_str!("gateway_api/gateway-api.yaml");
const ENVOY_GATEWAY: &str = include_str!("gateway_api/envoy-gateway.yaml");
const GRANT: &str = include_str!("gateway_api/grant.yaml");

/// A service of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service<'a> {
    name: &'a str,
    /// The namespace; `default` if the address has none.
    namespace: &'a str,
    port: u16,
}

impl<'a> Service<'a> {
    /// Reads `NAME:PORT`, `NAME.NAMESPACE:PORT` or the same with `.svc` or `.svc.cluster.local`.
    fn of(address: &'a Address) -> Option<Self> {
        let Address::Name(host, port) = address else {
            return None;
        };
        let host = host.strip_suffix(".cluster.local").unwrap_or(host);
        let host = host.strip_suffix(".svc").unwrap_or(host);
        let (name, namespace) = host.split_once('.').unwrap_or((host, "default"));
        (!namespace.contains('.')).then_some(Self {
            name,
            namespace,
            port: *port,
        })
    }
}

/// Whether the address is that of a service.
pub(crate) fn is_service(address: &Address) -> bool {
    Service::of(address).is_some()
}

/// The manifests, for addresses that are services.
pub(crate) fn files(site: &Site) -> Vec<File> {
    let services = Service::of(&site.authz).zip(Service::of(site.upstream.address()));
    let Some((authz, origin)) = services else {
        return Vec::new();
    };
    let grant = |group: &str, kind: &str| {
        if authz.namespace == origin.namespace {
            return String::new();
        }
        let values = [
            ("AUTHZ_NAME", authz.name),
            ("AUTHZ_NAMESPACE", authz.namespace),
            ("ORIGIN_NAMESPACE", origin.namespace),
            ("GROUP", group),
            ("KIND", kind),
        ];
        fill(GRANT, &values)
    };
    let removed = REMOVED.iter().chain(&OWN);
    let removed: String = removed.map(|name| format!("- {name}\n")).collect();
    let fill = |template| {
        let values = [
            ("AUTHZ_NAME", authz.name),
            ("AUTHZ_NAMESPACE", authz.namespace),
            ("AUTHZ_PORT", &authz.port.to_string()),
            ("ORIGIN_NAME", origin.name),
            ("ORIGIN_NAMESPACE", origin.namespace),
            ("ORIGIN_PORT", &origin.port.to_string()),
            ("REMOVED", &removed),
            (
                "ROUTE_GRANT",
                &grant("gateway.networking.k8s.io", "HTTPRoute"),
            ),
            (
                "POLICY_GRANT",
                &grant("gateway.envoyproxy.io", "SecurityPolicy"),
            ),
        ];
        fill(template, &values)
    };
    vec![
        File {
            name: "gateway-api.yaml",
            text: fill(ROUTE),
        },
        File {
            name: "envoy-gateway.yaml",
            text: fill(ENVOY_GATEWAY),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_a_name_and_a_namespace() {
        for (text, expected) in [
            ("web:80", Some(("web", "default"))),
            ("web.shop:80", Some(("web", "shop"))),
            ("web.shop.svc:80", Some(("web", "shop"))),
            ("web.shop.svc.cluster.local:80", Some(("web", "shop"))),
            ("web.shop.example.com:80", None),
            ("10.0.0.1:80", None),
            ("unix:/run/authz.sock", None),
        ] {
            let address = text.parse().unwrap();
            let found = Service::of(&address).map(|found| (found.name, found.namespace));
            assert_eq!(found, expected, "{text}");
        }
    }
}
