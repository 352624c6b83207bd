"""Rules of our own: what must hold in the chart's manifests and in the examples beyond their being well-formed.

Not here: the tools for each format, and which files are checked: see check.py.
"""

import copy
import re

PEERS = "--peers="
# What a request to the origin must not keep from the client; the gate returns all of them, empty or not.
ANSWERED = {
    "X-Tollgate-Subject", "X-Tollgate-Groups", "X-Tollgate-Issuer", "X-Tollgate-Rule", "X-Tollgate-Assertion",
    "X-Tollgate-Target", "X-Tollgate-Cache", "Cookie", "Authorization",
}
# Headers of clients that the gate rejects, or that only the gate sets.
FORGED = {name.lower() for name in ANSWERED if "Tollgate" in name} | {
    "forwarded", "x-envoy-original-path", "x-forwarded-method", "x-forwarded-prefix", "x-forwarded-uri", "x-http-method",
    "x-http-method-override", "x-method-override", "x-original-method", "x-original-uri", "x-original-url", "x-replaced-path",
    "x-rewrite-url",
}
# The Service of the chart: host, and the port of each protocol.
HOST = re.compile(r"^tollgate-authz\.tollgate\.svc\.cluster\.local$")
HTTP, GRPC = 8080, 8081
# A sign-in waits 3.5 seconds for the provider.
SHORTEST_TIMEOUT_SECS = 4


def of_kind(resources, kind):
    return [one for one in resources if one.get("kind") == kind]


def pods(resources):
    """Every pod meets the profile `restricted`, and more."""
    for deployment in of_kind(resources, "Deployment"):
        spec = deployment["spec"]["template"]["spec"]
        context = spec.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or context.get("runAsUser", 0) == 0:
            yield "the pod may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield "the pod has no seccomp profile"
        if spec.get("automountServiceAccountToken") is not False:
            yield "the pod has a token for the Kubernetes API"
        if spec.get("enableServiceLinks") is not False:
            yield "the names of Services become settings"
        if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
            yield "the pod shares namespaces with its node"
        if any("hostPath" in volume for volume in spec.get("volumes", [])):
            yield "the pod reads files of its node"
        if deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield "a rollout may stop pods before the new ones are ready"
        if not spec.get("topologySpreadConstraints"):
            yield "all pods may be on one node"
        for volume in spec.get("volumes", []):
            if volume.get("secret", {}).get("defaultMode", 0o644) & 0o007 and "secret" in volume:
                yield f"others can read the volume {volume['name']}"
        containers = spec["containers"] + spec.get("initContainers", [])
        for container in containers:
            yield from container_faults(container, spec)


def container_faults(container, spec):
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield "the container may gain privileges"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "the container can write to its files"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield "the container has capabilities"
    if "memory" not in container.get("resources", {}).get("limits", {}):
        yield "the container may use all memory of its node"
    for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        if container.get(probe, {}).get("httpGet") != {"path": path, "port": "status"}:
            yield f"{probe} does not read {path} of the status port"
    for mount in container.get("volumeMounts", []):
        if "subPath" in mount:
            yield f"an update of {mount['name']} never reaches the container"
        if mount.get("readOnly") is not True:
            yield f"the container can write to {mount['name']}"
    arguments = container.get("args", [])
    peers = [one.removeprefix(PEERS) for one in arguments if one.startswith(PEERS)]
    if not peers:
        yield "no --peers"
    if any(one.endswith("/0") for one in peers):
        yield "--peers admits every address"
    drain = [int(one.removeprefix("--drain=")) for one in arguments if one.startswith("--drain=")]
    if not drain or spec.get("terminationGracePeriodSeconds", 30) < drain[0] + 35:
        yield "Kubernetes ends the container before it has drained"
    text = "\n".join(arguments + [str(one.get("value", "")) for one in container.get("env", [])])
    if "PRIVATE KEY" in text:
        yield "a key is in the arguments"


def services(resources):
    """The server is for proxies inside the cluster, and its status port is not in the Service."""
    for service in of_kind(resources, "Service"):
        spec = service["spec"]
        if spec.get("type") != "ClusterIP":
            yield "the Service is open to other networks"
        ports = {one["name"]: one for one in spec["ports"]}
        if any(one["targetPort"] != "http" for one in ports.values()):
            yield "the Service has the status port"
        if not ports.get("grpc", {}).get("appProtocol", "").startswith("kubernetes.io/h2"):
            yield "the gRPC port is not marked as HTTP/2"


def networks(resources):
    """A network policy selects the pods, and admits a list."""
    for deployment in of_kind(resources, "Deployment"):
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        policies = [
            one["spec"]
            for one in of_kind(resources, "NetworkPolicy")
            if one["spec"]["podSelector"].get("matchLabels", {}).items() <= labels.items()
        ]
        if not policies:
            yield "no network policy selects the pods"
        for policy in policies:
            if set(policy["policyTypes"]) != {"Ingress", "Egress"}:
                yield "the network policy does not cover both directions"
            for rule in policy.get("ingress", []):
                if not rule.get("from") or any(one in ({}, {"namespaceSelector": {}}) for one in rule["from"]):
                    yield "the network policy admits every pod"
                if not rule.get("ports"):
                    yield "the network policy opens every port"
        budgets = [
            one
            for one in of_kind(resources, "PodDisruptionBudget")
            if one["spec"]["selector"]["matchLabels"].items() <= labels.items()
        ]
        if not budgets:
            yield "maintenance may stop all pods at once"


def secrets(resources):
    """Nothing secret is in a ConfigMap, and the service account has no token."""
    for config in of_kind(resources, "ConfigMap"):
        if "PRIVATE KEY" in str(config.get("data")) or config.get("binaryData"):
            yield "a secret is in a ConfigMap"
    for account in of_kind(resources, "ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield "the service account has a token"


def faults(resources):
    return [fault for check in (pods, services, networks, secrets) for fault in check(resources)]


# Examples


def seconds(duration):
    found = re.fullmatch(r"(\d+)s", str(duration))
    return int(found[1]) if found else None


def references(resources):
    """References to the Service of the chart: kind, namespace, host, port."""
    for one in of_kind(resources, "SecurityPolicy"):
        for ref in one["spec"]["extAuth"].get("grpc", {}).get("backendRefs", []):
            yield one, f"{ref['name']}.{ref.get('namespace')}.svc.cluster.local", ref["port"], GRPC
    for route in of_kind(resources, "HTTPRoute"):
        for auth in filters(route):
            ref = auth["backendRef"]
            port = GRPC if auth["protocol"] == "GRPC" else HTTP
            yield route, f"{ref['name']}.{ref.get('namespace')}.svc.cluster.local", ref["port"], port
    for one in resources:
        for provider in one.get("meshConfig", {}).get("extensionProviders", []):
            grpc = provider["envoyExtAuthzGrpc"]
            yield None, grpc["service"], grpc["port"], GRPC
    for one in of_kind(resources, "Middleware"):
        address = one["spec"].get("forwardAuth", {}).get("address")
        if address:
            yield None, *http_address(address, "/auth/forward/checked"), HTTP
    for one in of_kind(resources, "Ingress"):
        address = annotation(one, "auth-url")
        if address:
            yield None, *http_address(address, "/auth/ingress-nginx"), HTTP


def http_address(address, path):
    found = re.fullmatch(r"http://([^/:]+):(\d+)(/.*)", address)
    return (found[1], int(found[2])) if found and found[3] == path else (address, 0)


def annotation(resource, name):
    return resource["metadata"].get("annotations", {}).get(f"nginx.ingress.kubernetes.io/{name}")


def filters(route):
    return [one["externalAuth"] for rule in route["spec"]["rules"] for one in rule.get("filters", []) if one["type"] == "ExternalAuth"]


def addresses(resources):
    """Each reference names the Service, the right port, and may cross into its namespace."""
    grants = [
        (source["group"], source["kind"], source["namespace"])
        for grant in of_kind(resources, "ReferenceGrant")
        if grant["metadata"]["namespace"] == "tollgate"
        for source in grant["spec"]["from"]
    ]
    for source, host, port, expected in references(resources):
        if not HOST.match(host):
            yield f"`{host}` is not the Service of the chart, or not its endpoint"
        elif port != expected:
            yield f"port {port} of the Service does not speak this protocol"
        if source:
            wanted = (source["apiVersion"].split("/")[0], source["kind"], source["metadata"]["namespace"])
            if wanted not in grants:
                yield "no ReferenceGrant permits the reference"


def closed(resources):
    """If the gate does not answer, requests are denied; and nothing is outside of it."""
    providers = [one["envoyExtAuthzGrpc"] for all_of in resources for one in all_of.get("meshConfig", {}).get("extensionProviders", [])]
    for one in [policy["spec"]["extAuth"] for policy in of_kind(resources, "SecurityPolicy")] + providers:
        if one.get("failOpen") is not False:
            yield "an unreachable gate opens the site"
        if (seconds(one.get("timeout")) or 0) < SHORTEST_TIMEOUT_SECS:
            yield "the timeout is absent, or shorter than a sign-in"
        if one.get("headersToExtAuth"):
            yield "the gate does not see all headers"
    for one in providers:
        if one.get("statusOnError") != "503":
            yield "an unreachable gate looks like a denial"
    for policy in of_kind(resources, "SecurityPolicy"):
        if any(one["kind"] != "Gateway" for one in policy["spec"]["targetRefs"]):
            yield "new routes are not protected"
    for policy in of_kind(resources, "AuthorizationPolicy"):
        if policy["spec"].get("action") != "CUSTOM" or policy["spec"].get("rules") != [{}]:
            yield "some requests are not checked"
    for route in of_kind(resources, "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            kinds = [one["type"] for one in rule.get("filters", [])]
            if "ExternalAuth" not in kinds:
                yield "a rule without the gate"
            if len(kinds) > 1:
                yield "a filter next to the gate"
    yield from traefik_routes(resources)


def traefik_routes(resources):
    """Routes to a site are children of one that decides, and admit only what the gate allowed."""
    for route in of_kind(resources, "IngressRoute"):
        parents = [one["name"] for one in route["spec"].get("parentRefs", [])]
        for rule in route["spec"]["routes"]:
            middlewares = [one["name"] for one in rule.get("middlewares", [])]
            services = [one["name"] for one in rule.get("services", [])]
            if not parents and middlewares != ["clean-headers", "tollgate"]:
                yield f"the middlewares of a route are {middlewares}"
            if not parents and services or parents not in ([], ["tollgate"]):
                yield f"the route to {services} is not decided"
            if services not in ([], ["tollgate-authz"]) and rule["match"] != "HeaderRegexp(`X-Tollgate-Target`, `.`)":
                yield f"responses of the gate itself lead to {services}"
            if services == ["tollgate-authz"] and middlewares != ["answer-headers", "answer-path"]:
                yield "the gate does not answer the client"


def headers(resources):
    """Identity is the gate's alone, and paths are those that it saw."""
    for one in of_kind(resources, "Middleware"):
        auth = one["spec"].get("forwardAuth")
        if auth and set(auth.get("authResponseHeaders", [])) != ANSWERED:
            yield "a header keeps the client's value"
        if auth and auth.get("trustForwardHeader") is not False:
            yield "the client chooses the path that is decided"
        if auth and auth.get("preserveLocationHeader") is not True:
            yield "sign-in leads to the address of the gate"
        cleaned = one["spec"].get("headers", {}).get("customRequestHeaders", {})
        if one["metadata"]["name"] == "clean-headers" and not FORGED <= {name.lower() for name, value in cleaned.items() if value == ""}:
            yield "a header of the gate is not removed from requests"
    for one in of_kind(resources, "ClientTrafficPolicy"):
        spec = one["spec"]
        if not FORGED <= set(spec["headers"]["earlyRequestHeaders"]["remove"]):
            yield "a header of the gate is not removed from requests"
        if spec["path"] != {"escapedSlashesAction": "KeepUnchanged", "disableMergeSlashes": True}:
            yield "the gateway repairs paths"
        if spec["headers"].get("withUnderscoresAction") != "RejectRequest":
            yield "headers with an underscore reach the origin"
    for one in of_kind(resources, "VirtualService"):
        if "rewrite" in str(one["spec"]):
            yield "the origin sees another path"
    for one in resources:
        if one.get("meshConfig", {}).get("pathNormalization", {"normalization": "BASE"}) != {"normalization": "BASE"}:
            yield "the mesh repairs paths, or does not normalise them at all"
    for one in of_kind(resources, "Ingress"):
        if not annotation(one, "auth-url"):
            backends = {path["backend"]["service"]["name"] for rule in one["spec"]["rules"] for path in rule["http"]["paths"]}
            if any(not name.endswith("tollgate-authz") for name in backends):
                yield "an Ingress without the gate"
            continue
        if set(annotation(one, "auth-response-headers").split(",")) != ANSWERED:
            yield "a header keeps the client's value"
        if annotation(one, "auth-always-set-cookie") != "true":
            yield "cookies are lost"
        for name in ("auth-method", "auth-cache-key", "rewrite-target", "use-regex", "auth-snippet"):
            if annotation(one, name) is not None:
                yield f"{name} is set"
        if "to=$escaped_request_uri" not in annotation(one, "auth-signin") or annotation(one, "auth-signin-redirect-param") != "to":
            yield "users do not return to their page"


def origins(resources):
    """The network policy of the site admits the proxy only."""
    for one in of_kind(resources, "NetworkPolicy"):
        for rule in one["spec"]["ingress"]:
            if not rule.get("from") or any(one in ({}, {"podSelector": {}}, {"namespaceSelector": {}}) for one in rule["from"]):
                yield "every pod reaches the site"


def example_faults(resources):
    return [fault for check in (addresses, closed, headers, origins) for fault in check(resources)]


# Tampering

GONE = object()

# What to tamper with: the kind, the path, the value, and the fault that must be reported.
POD = "spec template spec"
BOX = f"{POD} containers 0"
SPOILERS = {
    "chart": [
        ("Deployment", f"{POD} securityContext runAsNonRoot", False, "as root"),
        ("Deployment", f"{POD} securityContext runAsUser", 0, "as root"),
        ("Deployment", f"{POD} securityContext seccompProfile", GONE, "seccomp"),
        ("Deployment", f"{POD} automountServiceAccountToken", GONE, "token for"),
        ("Deployment", f"{POD} enableServiceLinks", GONE, "become settings"),
        ("Deployment", f"{POD} hostNetwork", True, "shares namespaces"),
        ("Deployment", f"{POD} volumes 0", {"name": "policy", "hostPath": {"path": "/etc"}}, "files of its node"),
        ("Deployment", f"{POD} volumes 0 secret defaultMode", GONE, "others can read"),
        ("Deployment", f"{POD} topologySpreadConstraints", GONE, "on one node"),
        ("Deployment", f"{POD} terminationGracePeriodSeconds", 15, "has drained"),
        ("Deployment", "spec strategy rollingUpdate maxUnavailable", 1, "new ones are ready"),
        ("Deployment", f"{BOX} securityContext allowPrivilegeEscalation", GONE, "gain privileges"),
        ("Deployment", f"{BOX} securityContext privileged", True, "gain privileges"),
        ("Deployment", f"{BOX} securityContext readOnlyRootFilesystem", False, "write to its files"),
        ("Deployment", f"{BOX} securityContext capabilities", {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}, "capabilities"),
        ("Deployment", f"{BOX} resources limits memory", GONE, "all memory"),
        ("Deployment", f"{BOX} readinessProbe", GONE, "readinessProbe"),
        ("Deployment", f"{BOX} readinessProbe httpGet path", "/healthz", "readinessProbe"),
        ("Deployment", f"{BOX} livenessProbe httpGet path", "/readyz", "livenessProbe"),
        ("Deployment", f"{BOX} livenessProbe httpGet port", "http", "livenessProbe"),
        ("Deployment", f"{BOX} volumeMounts 0 subPath", "policy.tgi", "never reaches"),
        ("Deployment", f"{BOX} volumeMounts 0 readOnly", False, "can write to policy"),
        ("Deployment", f"{BOX} args 3", "--log=json", "no --peers"),
        ("Deployment", f"{BOX} args 3", "--peers=0.0.0.0/0", "every address"),
        ("Deployment", f"{BOX} args 4", "--drain=60", "has drained"),
        ("Deployment", f"{BOX} args 5", "-----BEGIN PRIVATE KEY-----", "a key"),
        ("Service", "spec type", "LoadBalancer", "other networks"),
        ("Service", "spec ports 0 targetPort", "status", "status port"),
        ("Service", "spec ports 1 appProtocol", GONE, "HTTP/2"),
        ("NetworkPolicy", "spec podSelector matchLabels", {"app": "other"}, "no network policy"),
        ("NetworkPolicy", "spec policyTypes", ["Ingress"], "both directions"),
        ("NetworkPolicy", "spec ingress 0 from", GONE, "every pod"),
        ("NetworkPolicy", "spec ingress 0 from 0", {"namespaceSelector": {}}, "every pod"),
        ("NetworkPolicy", "spec ingress 0 ports", GONE, "every port"),
        ("PodDisruptionBudget", "spec selector matchLabels", {"app": "other"}, "stop all pods"),
        ("ServiceAccount", "automountServiceAccountToken", GONE, "has a token"),
    ],
    "envoy-gateway.yaml": [
        ("SecurityPolicy", "spec extAuth failOpen", True, "opens the site"),
        ("SecurityPolicy", "spec extAuth failOpen", GONE, "opens the site"),
        ("SecurityPolicy", "spec extAuth timeout", "1s", "shorter"),
        ("SecurityPolicy", "spec extAuth timeout", GONE, "shorter"),
        ("SecurityPolicy", "spec extAuth headersToExtAuth", ["cookie"], "all headers"),
        ("SecurityPolicy", "spec extAuth grpc backendRefs 0 port", 8080, "does not speak"),
        ("SecurityPolicy", "spec extAuth grpc backendRefs 0 name", "authz", "not the Service"),
        ("SecurityPolicy", "spec targetRefs 0 kind", "HTTPRoute", "new routes"),
        ("ReferenceGrant", "spec from 0 kind", "HTTPRoute", "ReferenceGrant"),
        ("ClientTrafficPolicy", "spec path disableMergeSlashes", GONE, "repairs paths"),
        ("ClientTrafficPolicy", "spec path escapedSlashesAction", "UnescapeAndForward", "repairs paths"),
        ("ClientTrafficPolicy", "spec headers withUnderscoresAction", "Allow", "underscore"),
        ("ClientTrafficPolicy", "spec headers earlyRequestHeaders remove 0", GONE, "not removed"),
    ],
    "gateway-api.yaml": [
        ("HTTPRoute", "spec rules 0 filters", GONE, "without the gate"),
        ("HTTPRoute", "spec rules 0 filters 0 externalAuth protocol", "HTTP", "does not speak"),
        ("HTTPRoute", "spec rules 0 filters 0 externalAuth backendRef namespace", GONE, "not the Service"),
        ("ReferenceGrant", "metadata namespace", "site", "ReferenceGrant"),
    ],
    "istio.yaml": [
        ("AuthorizationPolicy", "spec rules", GONE, "not checked"),
        ("AuthorizationPolicy", "spec rules", [{"to": [{"operation": {"paths": ["/courses/*"]}}]}], "not checked"),
        ("AuthorizationPolicy", "spec action", "ALLOW", "not checked"),
        ("VirtualService", "spec http 0 rewrite", {"uri": "/"}, "another path"),
    ],
    "istio-values.yaml": [
        (None, "meshConfig extensionProviders 0 envoyExtAuthzGrpc failOpen", True, "opens the site"),
        (None, "meshConfig extensionProviders 0 envoyExtAuthzGrpc timeout", GONE, "shorter"),
        (None, "meshConfig extensionProviders 0 envoyExtAuthzGrpc statusOnError", GONE, "looks like"),
        (None, "meshConfig extensionProviders 0 envoyExtAuthzGrpc port", 8080, "does not speak"),
        (None, "meshConfig pathNormalization normalization", "DECODE_AND_MERGE_SLASHES", "repairs paths"),
    ],
    "traefik.yaml": [
        ("Middleware tollgate", "spec forwardAuth trustForwardHeader", True, "chooses the path"),
        ("Middleware tollgate", "spec forwardAuth trustForwardHeader", GONE, "chooses the path"),
        ("Middleware tollgate", "spec forwardAuth preserveLocationHeader", GONE, "leads to the address"),
        ("Middleware tollgate", "spec forwardAuth authResponseHeaders 1", GONE, "keeps the client's"),
        ("Middleware tollgate", "spec forwardAuth address", "http://tollgate-authz.tollgate.svc.cluster.local:8080/auth/nginx", "not its endpoint"),
        ("Middleware clean-headers", "spec headers customRequestHeaders X-Tollgate-Rule", GONE, "not removed"),
        ("IngressRoute tollgate", "spec routes 0 middlewares", GONE, "middlewares"),
        ("IngressRoute tollgate", "spec routes 0 middlewares 1", GONE, "middlewares"),
        ("IngressRoute tollgate", "spec routes 0 services", [{"name": "site", "port": 8080}], "not decided"),
        ("IngressRoute site", "spec parentRefs", GONE, "not decided"),
        ("IngressRoute site", "spec routes 0 match", "PathPrefix(`/`)", "gate itself"),
        ("IngressRoute site-answers", "spec routes 0 middlewares 1", GONE, "answer the client"),
    ],
    "ingress-nginx.yaml": [
        ("Ingress", "metadata annotations nginx.ingress.kubernetes.io/auth-url", GONE, "without the gate"),
        ("Ingress", "metadata annotations nginx.ingress.kubernetes.io/auth-response-headers", "X-Tollgate-Subject", "keeps the client's"),
        ("Ingress", "metadata annotations nginx.ingress.kubernetes.io/auth-method", "GET", "auth-method"),
        ("Ingress", "metadata annotations nginx.ingress.kubernetes.io/auth-cache-key", "$cookie", "auth-cache-key"),
        ("Ingress", "metadata annotations nginx.ingress.kubernetes.io/auth-signin", "https://$host/.tollgate/sign-in", "return to"),
        ("Ingress", "metadata annotations nginx.ingress.kubernetes.io/auth-always-set-cookie", GONE, "cookies"),
    ],
    "origin.yaml": [
        ("NetworkPolicy", "spec ingress 0 from", GONE, "every pod"),
        ("NetworkPolicy", "spec ingress 0 from 0", {"podSelector": {}}, "every pod"),
    ],
}


def spoiled(resources, kind, path, value):
    """A copy with another value in one place of the first resource of a kind, or of a kind and a name."""
    resources = copy.deepcopy(resources)
    wanted, _, name = (kind or "").partition(" ")
    place = next(one for one in resources if one.get("kind") == (wanted or None) and name in ("", one.get("metadata", {}).get("name")))
    steps = path.split()
    for step in steps[:-1]:
        place = place[int(step) if isinstance(place, list) else step]
    last = int(steps[-1]) if isinstance(place, list) else steps[-1]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return resources
