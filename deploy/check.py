"""Checks everything in this directory with the tools of each format, and with rules of our own.

    python deploy/check.py --models FOLDER [--program TOLLGATE] [--bless]

Prints one line per fault and one per part, and exits with 3 if there is a fault. The rules of our own are first tested:
each manifest is tampered with in every way that a rule should notice. `--bless` writes deploy/kubernetes/base/tollgate-authz.yaml.

It runs in an environment with the Python packages that xtask/src/deployment.rs lists; FOLDER has the npm packages. It
needs `umoci`, `skopeo`, `bwrap` and `systemd-analyze` on the search path.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import helm_python as helm
import kubernetes_validate
import yaml

import rules

HERE = pathlib.Path(__file__).parent
CHART = HERE / "helm/tollgate-authz"
BASE = HERE / "kubernetes/base"
MANIFESTS = BASE / "tollgate-authz.yaml"
EXAMPLES = HERE / "kubernetes/examples"
UNIT = HERE / "systemd/tollgate-authz.service"
# The newest version of Kubernetes that the package knows, and the oldest that the chart accepts.
VERSIONS = ("1.37", "1.27")
# systemd's own score from 0 (no exposure) to 10, times ten; 252 computes 1.1.
EXPOSURE = 12
# Rules of checkov that the chart breaks on purpose.
PERMITTED = {
    "CKV_K8S_11": "a CPU limit throttles decisions, which delays every request of the site",
    "CKV_K8S_15": "a version or digest names one image, so pulling it again is of no use",
    "CKV_K8S_43": "the digest is known only to who built the image; `image.digest` sets it",
}
# The count of a part that cannot run.
SKIPPED = -1
GENERATED = """\
# Generated from the chart and values.yaml by `deploy/check.py --bless`; do not edit.
"""

# Values that the chart must reject, and a part of the message.
REFUSED = [
    ({"peers": []}, "peers is empty"),
    ({"peers": ["0.0.0.0/0"]}, "every address"),
    ({"peers": ["10.0.0.0/8", "::/0"]}, "every address"),
    ({"peers": ["10.0.0.1"]}, "/peers/0"),
    ({"policy": {"existingSecret": ""}}, "set exactly one"),
    ({"policy": {"data": "AAAA"}}, "set exactly one"),
    ({"policy": {"existingSecret": "", "data": "not base64"}}, "/policy/data"),
    ({"policy": {"existingSecret": "", "url": "https://policies.example.com/p.tgi"}}, "without trust"),
    ({"trust": "-----BEGIN PRIVATE KEY-----"}, "/trust"),
    ({"trustForwardedFor": True}, "trustForwardedFor is set without upstream"),
    ({"networkPolicy": {"from": []}}, "networkPolicy.from is empty"),
    ({"networkPolicy": {"from": [{}]}}, "/networkPolicy/from/0"),
    ({"upstream": "http://site"}, "networkPolicy.egress has no rule"),
    ({"upstream": "site:80"}, "/upstream"),
    ({"service": {"type": "LoadBalancer"}}, "/service/type"),
    ({"replicas": 0}, "/replicas"),
    ({"log": "JSON"}, "/log"),
    ({"peer": ["10.0.0.0/8"]}, "peer"),
]


def documents(text):
    return [one for one in yaml.safe_load_all(text) if one]


def merged(base, change):
    """Values as Helm merges them."""
    if not (isinstance(base, dict) and isinstance(change, dict)):
        return change
    return {key: merged(base.get(key), change[key]) if key in change else base[key] for key in {**base, **change}}


def run(*command, **options):
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, check=False, **options)
    return done.returncode, done.stdout + done.stderr


def render(values):
    """The manifests as one text, in the order of the templates, without Helm's own labels."""
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="tollgate-authz", namespace="tollgate")
    parts = [text.strip() for name, text in sorted(files.items()) if name.endswith(".yaml") and text.strip()]
    return "\n---\n".join(parts) + "\n"


def plain(values):
    """The manifests for those who do not use Helm."""
    lines = render(values).splitlines()
    kept = [line for line in lines if not line.strip().startswith(("helm.sh/chart:", "app.kubernetes.io/managed-by:"))]
    return GENERATED + "\n".join(kept) + "\n"


def value_files():
    return sorted(CHART.glob("examples/*.yaml")) + [BASE / "values.yaml"]


def yaml_style(_):
    files = [one for one in HERE.rglob("*.yaml") if "templates" not in one.parts]
    code, said = run(sys.executable, "-m", "yamllint", "--strict", "-c", HERE / "yamllint.yaml", "-f", "parsable", *files)
    return len(files), said.splitlines() if code else []


def chart_lint(_):
    faults = []
    for file in value_files():
        report = helm.lint(CHART, yaml.safe_load(file.read_text()), strict=True)
        # 1 is information: the chart has no icon.
        faults += [f"{file.name}: {one['path']}: {one['error']}" for one in report["messages"] if one["severity"] > 1]
        faults += [f"{file.name}: {one}" for one in report["errors"]]
    released = re.search(r'^version = "(.+)"$', (HERE.parent / "Cargo.toml").read_text(), re.M)[1]
    described = yaml.safe_load((CHART / "Chart.yaml").read_text())
    for key in ("version", "appVersion"):
        if described[key] != released:
            faults.append(f"Chart.yaml: {key} is {described[key]}, the program's version {released}")
    return len(value_files()) + 1, faults


def chart_refusals(_):
    faults = []
    good = yaml.safe_load((CHART / "examples/minimal.yaml").read_text())
    for change, expected in REFUSED:
        try:
            render(merged(good, change))
            faults.append(f"{json.dumps(change)} is accepted")
        except helm.HelmError as error:
            if expected not in str(error):
                faults.append(f"{json.dumps(change)}: the message lacks `{expected}`: {error}")
    return len(REFUSED), faults


def schema_faults(name, resources):
    for resource in resources:
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(resource, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name}: {resource['kind']}, Kubernetes {version}: {error.message}"
            except kubernetes_validate.SchemaNotFoundError:
                yield f"{name}: {resource['kind']}: no schema for Kubernetes {version}"


def is_custom(resource):
    group = resource["apiVersion"].split("/")[0]
    return "." in group and group not in ("networking.k8s.io",)


def all_manifests():
    """Every manifest: rendered with each file of values, plain, and the examples."""
    for file in value_files():
        yield f"values/{file.name}", documents(render(yaml.safe_load(file.read_text())))
    for file in sorted(EXAMPLES.glob("*.yaml")):
        yield f"examples/{file.name}", [one for one in documents(file.read_text()) if "kind" in one]


def schemas(options):
    faults, custom, count = [], [], 0
    for name, resources in all_manifests():
        count += len(resources)
        faults += schema_faults(name, [one for one in resources if not is_custom(one)])
        custom += [{"file": name, "resource": one} for one in resources if is_custom(one)]
    broken = documents(MANIFESTS.read_text())[0]
    broken["spec"]["replica"] = 1
    if not list(schema_faults("", [broken])):
        faults.append("an unknown field goes unnoticed")
    code, said = run("node", HERE / "models.mjs", options.models, input=json.dumps(custom))
    faults += said.splitlines()
    if code and not said:
        faults.append(f"models.mjs ended with {code}")
    return count, faults


def plain_manifests(options):
    wanted = plain(yaml.safe_load((BASE / "values.yaml").read_text()))
    if options.bless:
        MANIFESTS.write_text(wanted)
    if MANIFESTS.read_text() == wanted:
        return 1, []
    return 1, [f"{MANIFESTS.name} is not what the chart renders: run deploy/check.py with --bless"]


def kustomize(_):
    """The base renders to itself, and the overlay replaces every placeholder."""
    kubectl = pathlib.Path(sys.executable).parent / "kubectl"
    faults = []
    code, base = run(kubectl, "kustomize", BASE)
    if code:
        return 1, [base]
    by_kind = lambda resources: {(one["kind"], one["metadata"]["name"]): one for one in resources}
    if by_kind(documents(base)) != by_kind(documents(MANIFESTS.read_text())):
        faults.append("the base differs from tollgate-authz.yaml")
    code, overlay = run(kubectl, "kustomize", EXAMPLES / "overlay")
    if code:
        return 2, faults + [overlay]
    faults += schema_faults("overlay", documents(overlay))
    faults += [f"overlay: {fault}" for fault in rules.faults(documents(overlay))]
    for placeholder in ("192.0.2.", "replace-with"):
        if placeholder in overlay:
            faults.append(f"overlay: `{placeholder}` is still there")
        if placeholder not in base:
            faults.append(f"base: has no placeholder `{placeholder}`, so it may admit clients")
    return 2, faults


def own_rules(_):
    """Our own rules, and whether each of them can fail."""
    faults, count = [], 0
    for name, resources in all_manifests():
        if name.startswith("values/"):
            faults += [f"{name}: {fault}" for fault in rules.faults(resources)]
            count += 1
    for file in sorted(EXAMPLES.glob("*.yaml")):
        faults += [f"{file.name}: {fault}" for fault in rules.example_faults(documents(file.read_text()))]
        count += 1
    for file, spoilers in rules.SPOILERS.items():
        if file == "chart":
            values = yaml.safe_load((CHART / "examples/minimal.yaml").read_text())
            text, check = render(values), rules.faults
        else:
            text, check = (EXAMPLES / file).read_text(), rules.example_faults
        for kind, path, value, expected in spoilers:
            noticed = check(rules.spoiled(documents(text), kind, path, value))
            if not any(expected in fault for fault in noticed):
                shown = "without it" if value is rules.GONE else json.dumps(value)
                faults.append(f"{file}: {kind} {path}, {shown}: goes unnoticed: {noticed}")
            count += 1
    return count, faults


def security_rules(_):
    """checkov, on the manifests without and with Helm."""
    with tempfile.TemporaryDirectory() as folder:
        for name, resources in all_manifests():
            if name.startswith("values/"):
                path = pathlib.Path(folder, name.replace("/", "-"))
                path.write_text(yaml.safe_dump_all(resources))
        checkov = pathlib.Path(sys.executable).parent / "checkov"
        code, said = run(
            sys.executable, checkov, "--directory", folder, "--framework", "kubernetes", "--skip-download", "--compact",
            "--quiet", "--output", "json", "--skip-check", ",".join(PERMITTED),
        )
    try:
        report = json.loads(said)
        results, summary = report["results"], report["summary"]
    except (ValueError, KeyError, TypeError):
        return 0, [f"checkov ended with {code}: {said.strip()[:500]}"]
    faults = [f"{one['check_id']} {one['check_name']}: {one['resource']}" for one in results["failed_checks"]]
    if summary["passed"] < len(value_files()):
        faults.append(f"checkov passed only {summary['passed']} checks: has it read the manifests?")
    return len(value_files()), faults


def systemd(_):
    faults = []
    text = UNIT.read_text()
    if "ExecStart=/usr/bin/tollgate authz " not in text:
        faults.append("the unit does not start `tollgate authz`")
    drain = int(re.search(r"^Environment=DRAIN_SECS=(\d+)$", text, re.M)[1])
    stop = int(re.search(r"^TimeoutStopSec=(\d+)s$", text, re.M)[1])
    if stop < drain + 30:
        faults.append(f"TimeoutStopSec={stop}s ends the process before it has drained for {drain} s")
    for name in re.findall(r"^#([A-Z_]+)=", (HERE / "systemd/tollgate-authz.default").read_text(), re.M):
        if f"Environment={name}=" not in text:
            faults.append(f"the defaults file sets {name}, which the unit does not know")
    with tempfile.TemporaryDirectory() as folder:
        # `verify` requires the program, so the copy names one that exists.
        copy = pathlib.Path(folder, UNIT.name)
        copy.write_text(text.replace("/usr/bin/tollgate authz", "/usr/bin/env tollgate authz"))
        code, said = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", copy)
        if code or said.strip():
            faults.append(f"systemd-analyze verify: {said.strip()}")
        code, said = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", copy)
        if code:
            faults.append(f"systemd-analyze security: {said.strip()}")
        copy.write_text(re.sub(r"^(Protect|Restrict|SystemCall|NoNew|Capab).*\n", "", text, flags=re.M))
        code, _ = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", copy)
        if not code:
            faults.append("a unit without protection goes unnoticed")
    return 5, faults


def options_exist(options):
    """Every option that the chart and the unit pass is one that the program has."""
    if not options.program:
        return SKIPPED, []
    code, help_text = run(options.program, "authz", "--help")
    if code:
        return 0, [f"`tollgate authz --help` ended with {code}: {help_text.strip()[:200]}"]
    texts = {name: yaml.safe_dump_all(resources) for name, resources in all_manifests() if name.startswith("values/")}
    texts |= {file.name: file.read_text() for file in (UNIT, HERE / "systemd/tollgate-authz.default")}
    used = {(name, flag) for name, text in texts.items() for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)}
    faults = [f"{name}: `tollgate authz` has no option {flag}" for name, flag in sorted(used) if not re.search(rf"{flag}\b(?!-)", help_text)]
    if len(used) < 20:
        faults.append(f"only {len(used)} options were found in the files")
    guide = (HERE.parent / "docs/deployment.md").read_text()
    program = pathlib.Path(options.program).read_bytes()
    for metric in sorted(set(re.findall(r"\btollgate_[a-z_]+", guide))):
        used.add(("docs/deployment.md", metric))
        if metric.removesuffix("_bucket").encode() not in program:
            faults.append(f"docs/deployment.md: the program has no metric {metric}")
    # `policy.url` of the chart.
    if not re.search(r"--policy <[^>]*URL", help_text):
        faults.append("chart: `tollgate authz --policy` takes no URL, so `policy.url` starts no server")
    return len(used), faults


def image(options):
    """Builds the image twice, reads it with other tools than the one that wrote it, and runs it without privileges."""
    # Without the program, another that is linked with glibc.
    program = options.program or "/usr/bin/env"
    faults, digests = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for number in (1, 2):
            target = folder / f"{number}.tar"
            # Another directory, umask and time zone must make no difference.
            code, said = run(
                sys.executable, HERE / "image/build.py", program, "--version", "0.1.0", "-o", target,
                cwd=folder if number == 1 else HERE, env={**os.environ, "TZ": f"UTC{number}"},
                umask=0o022 if number == 1 else 0o077,
            )
            if code:
                return 0, [f"image: {said.strip()}"]
            digests.append((said.split()[0], target.read_bytes()))
        if digests[0] != digests[1]:
            faults.append("two builds of the same program differ")
        code, said = run("skopeo", "inspect", "--format", "{{.Digest}}", f"oci-archive:{folder}/1.tar:0.1.0")
        if code or said.strip() != digests[0][0]:
            faults.append(f"skopeo reads another digest: {said.strip()}")
        code, said = run("skopeo", "inspect", "--config", f"oci-archive:{folder}/1.tar:0.1.0")
        config = json.loads(said)["config"]
        wanted = {"User": "65532:65532", "Entrypoint": ["/usr/bin/tollgate", "authz"], "StopSignal": "SIGTERM"}
        faults += [f"{key} is {config.get(key)}" for key in wanted if config.get(key) != wanted[key]]
        if sorted(config["ExposedPorts"]) != ["8080/tcp", "9090/tcp"]:
            faults.append(f"the ports are {config['ExposedPorts']}")
        (folder / "layout").mkdir()
        run("tar", "-xf", folder / "1.tar", "-C", folder / "layout")
        code, said = run("umoci", "unpack", "--rootless", "--image", f"{folder}/layout:0.1.0", folder / "bundle")
        if code:
            return 6, faults + [f"umoci unpack: {said.strip()}"]
        rootfs = folder / "bundle/rootfs"
        programs = [one for one in rootfs.rglob("*") if one.is_file() and one.parent.name in ("bin", "sbin")]
        if [one.name for one in programs] != ["tollgate"]:
            faults.append(f"the image has the programs {programs}")
        if "BEGIN CERTIFICATE" not in (rootfs / "etc/ssl/certs/ca-certificates.crt").read_text():
            faults.append("the image has no certificate authorities")
        code, said = run(*SANDBOX, "--ro-bind", rootfs, "/", *MOUNTS, "/usr/bin/tollgate", "--version")
        if code:
            faults.append(f"the program does not run in the image: {said.strip()}")
        if options.program:
            faults += served(options.program, rootfs, folder)
    return 9 if options.program else 8, faults


# A user without privileges, in namespaces of its own, with a read-only file system.
SANDBOX = ["bwrap", "--unshare-all", "--uid", "65532", "--gid", "65532", "--cap-drop", "ALL", "--die-with-parent"]
MOUNTS = ["--proc", "/proc", "--dev", "/dev", "--clearenv"]


def served(program, rootfs, folder):
    """Starts the server of the image as the chart does, loads an invalid policy, and ends the server."""
    policy = folder / "policy"
    policy.mkdir()
    code, said = run(program, "build", HERE.parent / "policy", "-o", policy / "policy.tgi")
    if code:
        return [f"tollgate build: {said.strip()}"]
    command = [
        *SANDBOX, "--share-net", "--ro-bind", rootfs, "/", *MOUNTS, "--ro-bind", policy, "/run", "/usr/bin/tollgate", "authz",
        "--policy=/run/policy.tgi", "--listen=127.0.0.1:0", "--status=127.0.0.1:0", "--peers=127.0.0.1/32", "--drain=2", "--log=json",
    ]
    with (folder / "log").open("w+") as log, (folder / "output").open("w") as output:
        server = subprocess.Popen([str(one) for one in command], stdout=output, stderr=log)
        try:
            faults = answers(server, folder / "output", policy / "policy.tgi")
        except (OSError, ValueError) as error:
            faults = [f"{error}"]
        finally:
            server.kill()
            server.wait()
        log.seek(0)
        return [f"server: {fault}; its log: {log.read()[-1000:]}" for fault in faults]


def answers(server, output, policy):
    for _ in range(200):
        addresses = dict(re.findall(r"^(serving|status) (127\.0\.0\.1:\d+)", output.read_text(), re.M))
        if len(addresses) == 2:
            break
        if server.poll() is not None:
            raise ValueError(f"it does not start: {server.returncode}")
        time.sleep(0.1)
    else:
        raise ValueError("it reports no addresses within 20 seconds")

    def get(path):
        try:
            with urllib.request.urlopen(f"http://{addresses['status']}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    # The examples list the headers of an allowed request by name.
    asked = {"Method": "GET", "Proto": "https", "Host": "learn.example.com", "Uri": "/courses/rust-101/preview/1", "For": "203.0.113.7"}
    request = urllib.request.Request(
        f"http://{addresses['serving']}/auth/forward", headers={f"X-Forwarded-{key}": value for key, value in asked.items()}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        returned = {name.lower() for name in answer.headers if "tollgate" in name.lower()}
    listed = {name.lower() for name in rules.ANSWERED if "tollgate" in name.lower()}
    faults = []
    if returned != listed:
        faults.append(f"it returns {sorted(returned - listed)}, which no example lists; the examples list {sorted(listed - returned)}")
    faults += [f"{path} returns {get(path)[0]}" for path in ("/healthz", "/readyz", "/metrics") if get(path)[0] != 200]
    policy.write_bytes(policy.read_bytes()[:-1])
    for _ in range(100):
        if 'tollgate_reloads_total{result="failed"}' in get("/metrics")[1]:
            break
        time.sleep(0.1)
    else:
        faults.append("an invalid policy is not noticed within 10 seconds")
    if get("/readyz")[0] != 200:
        faults.append("an invalid policy ends the service")
    # bwrap has a child, which is the first process of the new namespace; its child is the server.
    children = lambda process: pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()
    for child in children(server.pid):
        for process in children(child) or [child]:
            os.kill(int(process), signal.SIGTERM)
    time.sleep(0.5)
    states = (get("/readyz")[0], get("/healthz")[0])
    if states != (503, 200):
        faults.append(f"while it drains, /readyz and /healthz return {states}")
    if server.wait(20) != 0:
        faults.append(f"it ends with {server.returncode}")
    return faults


PARTS = {
    "yamllint": yaml_style,
    "plain manifests": plain_manifests,
    "helm lint": chart_lint,
    "values that the chart refuses": chart_refusals,
    "schemas": schemas,
    "kustomize": kustomize,
    "own rules": own_rules,
    "checkov": security_rules,
    "systemd": systemd,
    "image": image,
    "options": options_exist,
}


def main():
    parser = argparse.ArgumentParser(description="Check the deployment files")
    parser.add_argument("--models", required=True, type=pathlib.Path, help="the directory with the npm packages")
    parser.add_argument("--program", help="the `tollgate` executable for the image; default: a program of this machine")
    parser.add_argument("--bless", action="store_true", help="write tollgate-authz.yaml")
    options = parser.parse_args()
    options.program = options.program and os.path.abspath(options.program)
    passed = failed = skipped = 0
    for name, part in PARTS.items():
        try:
            count, faults = part(options)
        except (OSError, KeyError, TypeError, ValueError, helm.HelmError) as error:
            count, faults = 0, [f"{type(error).__name__}: {error}"]
        for fault in faults:
            print(f"{name}: {fault}")
        if count == SKIPPED:
            skipped += 1
            print(f"SKIP {name}: no --program")
            continue
        print(f"{name}: {count} checks, {len(faults)} faults")
        passed += max(count - len(faults), 0)
        failed += len(faults)
    print(f"deployment: {passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(3 if failed else 0)


if __name__ == "__main__":
    main()
