"""Deploys the templates to an emulator of AWS on loopback, in the order of docs/infrastructure.md, and sends requests.

    python deploy.py --tollgate PROGRAM --parts FOLDER --lambda PROGRAM

It runs where MiniStack is installed. The last lines list what MiniStack does not model. Ends with 3 if a check fails.
"""

import argparse
import base64
import contextlib
import hashlib
import html
import io
import json
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse
import zipfile

from emulator import ACCOUNT, INFRA, Emulator

SITE = "learn.example.com"
POOL_REGION = "eu-west-1"
PASSWORD = "Correct-horse-7"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/site"
API_CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/api"
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html"}
RULES = """\
course = "rust-101"
base = "/courses/rust-101"

[[rule]]
id = "students"
allow = ["/**"]
groups = ["rust"]

[[rule]]
id = "preview"
allow = ["/preview/**"]
anyone = true
"""
NOT_MODELLED = [
    "Lambda@Edge: the distribution has the associations, but requests do not reach the function; it is invoked with events instead",
    "CloudFront's module `cloudfront` and `rawQueryString`: the function runs with its store inside",
    "`aws:PrincipalArn`: the bucket policies of the APIs are removed, and only the rights of the role remain",
    "preflights of HTTP APIs with a route of their own: not sent",
    "caches, TLS versions, WAF rules, DNS, certificates, e-mail, metric filters and alarm states",
]


class Tests:
    def __init__(self, emulator, options, folder):
        self.aws = emulator
        self.options = options
        self.folder = pathlib.Path(folder)
        self.results = []

    def expect(self, what, found, wanted):
        good = wanted(found) if callable(wanted) else found == wanted
        self.results.append(bool(good))
        if not good:
            print(f"infra-deploy: {what}: {found!r}, not {'as expected' if callable(wanted) else repr(wanted)}")

    def tollgate(self, *arguments):
        done = subprocess.run([self.options.tollgate, *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"tollgate {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout

    # --- sign-in: the pool and its client ---

    def sign_in(self):
        made = self.aws.deploy("pool", "sign-in.yaml", POOL_REGION, DomainName=SITE, LoginPrefix="example-learn")
        self.pool, self.client = made["Pool"], made["ClientId"]
        self.expect("callback", made["Callback"], f"https://{SITE}/.tollgate/callback")
        cognito = self.aws.client("cognito-idp", POOL_REGION)
        cognito.admin_create_user(UserPoolId=self.pool, Username="ann@example.com", MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=self.pool, Username="ann@example.com", Password=PASSWORD, Permanent=True)
        cognito.create_group(UserPoolId=self.pool, GroupName="rust")
        cognito.admin_add_user_to_group(UserPoolId=self.pool, Username="ann@example.com", GroupName="rust")
        self.discovery = json.loads(self.aws.send(f"/{self.pool}/.well-known/openid-configuration").body)
        for path, status in (("/.tollgate/callback", (200, 302)), ("/callback", (400,))):
            query = urllib.parse.urlencode({"response_type": "code", "client_id": self.client, "redirect_uri": f"https://{SITE}{path}", "scope": "openid email", "code_challenge": "x" * 43, "code_challenge_method": "S256"})
            self.expect(f"authorize with {path}", self.aws.send(f"{self.discovery['authorization_endpoint']}?{query}").status, lambda found, status=status: found in status)
        for path, status in (("/.tollgate/signed-out", 302), ("/elsewhere", 400)):
            query = urllib.parse.urlencode({"client_id": self.client, "logout_uri": f"https://{SITE}{path}"})
            self.expect(f"logout with {path}", self.aws.send(f"{self.aws.address}/logout?{query}").status, status)

    # --- the policy: site.toml as docs/sign-in/cognito.md has it ---

    def policy(self):
        root = self.folder / "policy"
        (root / "keys").mkdir(parents=True)
        (root / "courses").mkdir()
        text = (INFRA.parent.parent / "docs/sign-in/cognito.md").read_text(encoding="utf-8")
        site = re.search(r"```toml\n(.*?)```", text, re.S)[1]
        for word, value in (("eu-west-1_POOLID", self.pool), ("CLIENT-ID", self.client), ("SITE", "learn")):
            site = site.replace(word, value)
        (root / "site.toml").write_text(site)
        (root / "courses/rust-101.toml").write_text(RULES)
        (root / "keys/learners.jwks.json").write_bytes(self.aws.send(self.discovery["jwks_uri"]).body)
        (root / "keys/learners.openid.json").write_text(json.dumps(self.discovery))
        for name in ("session-1", "sign-in-1"):
            (root / f"keys/{name}.key").write_text(secrets.token_urlsafe(32))
        build = lambda target, out: self.tollgate("build", root, "--target", target, "--parts", self.options.parts, "-o", self.folder / out)  # noqa: E731
        build("lambda-edge", "edge.zip")
        build("cloudfront-functions", "small")
        build("image", "policy.tgi")
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket="artifacts")
        s3.put_object(Bucket="artifacts", Key="edge-1.zip", Body=(self.folder / "edge.zip").read_bytes())

    # --- Lambda@Edge ---

    def event(self, path, method="GET", headers=None):
        uri, _, query = path.partition("?")
        lines = {"host": SITE} | (headers or {})
        request = {"clientIp": "203.0.113.7", "method": method, "uri": uri, "querystring": query, "headers": {name: [{"key": name, "value": value}] for name, value in lines.items()}}
        config = {"distributionDomainName": "d1.cloudfront.net", "distributionId": "E1", "eventType": "viewer-request", "requestId": "r"}
        return {"Records": [{"cf": {"config": config, "request": request}}]}

    def invoke(self, path, **request):
        done = self.aws.client("lambda").invoke(FunctionName=self.edge, Payload=json.dumps(self.event(path, **request)))
        result = json.loads(done["Payload"].read())
        cookies = [one["value"].split(";")[0] for one in result.get("headers", {}).get("set-cookie", [])]
        return result, cookies

    def location(self, result):
        return result["headers"]["location"][0]["value"]

    def lambda_edge(self):
        parameters = {"DomainName": SITE, "CertificateArn": CERTIFICATE}
        made = self.aws.deploy("full", "cloudfront.yaml", **parameters)
        self.edge = made["FunctionVersion"]
        self.expect("a placeholder denies", self.invoke("/courses/rust-101/preview/1")[0]["status"], "503")
        made = self.aws.deploy("full", "cloudfront.yaml", update=True, Artifacts="artifacts", Package="edge-1.zip", **parameters)
        self.expect("a package makes a new version", made["FunctionVersion"], lambda arn: arn != self.edge)
        self.edge = made["FunctionVersion"]
        config = self.aws.client("cloudfront").get_distribution_config(Id=made["DistributionId"])["DistributionConfig"]
        every = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]["Items"]]
        arns = [one["LambdaFunctionARN"] for behavior in every for one in behavior["LambdaFunctionAssociations"]["Items"]]
        self.expect("every behaviour has the new version", arns, [self.edge] * 2)

        self.expect("a public path is forwarded", self.invoke("/courses/rust-101/preview/1")[0].get("uri"), "/courses/rust-101/preview/1")
        self.expect("a script without a session", self.invoke("/courses/rust-101/1")[0]["status"], "401")
        page, _ = self.invoke("/courses/rust-101/1", headers=NAVIGATION)
        self.expect("a page without a session", page["status"], "302")
        self.session = self.sign_in_as("ann@example.com", self.location(page))
        self.expect("signed in", self.invoke("/courses/rust-101/1", headers={"cookie": self.session})[0].get("uri"), "/courses/rust-101/1")
        self.expect("signed in, another course", self.invoke("/courses/other/1", headers={"cookie": self.session})[0]["status"], "403")

    def sign_in_as(self, user, start):
        """Follows the redirects of a browser through the pool's page; returns the session's cookie."""
        begun, flow = self.invoke(start.removeprefix(f"https://{SITE}"), headers=NAVIGATION)
        back = self.logged_in(self.location(begun), user)
        ended, cookies = self.invoke(back.removeprefix(f"https://{SITE}"), headers=NAVIGATION | {"cookie": "; ".join(flow)})
        self.expect("the callback redirects to the page", (ended["status"], self.location(ended)), ("303", "/courses/rust-101/1"))
        self.expect("the callback is not cached", ended["headers"]["cache-control"][0]["value"], lambda found: "no-store" in found)
        return next(one for one in cookies if one.startswith("__Host-tollgate="))

    def logged_in(self, authorize, user):
        """Fills in the pool's page; returns where it redirects to."""
        text = self.aws.send(authorize).body.decode()
        fields = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', text))
        form = {name: html.unescape(value) for name, value in fields.items()} | {"username": user, "password": PASSWORD}
        action = re.search(r'<form[^>]*action="([^"]+)"', text)[1]
        back = self.aws.send(urllib.parse.urljoin(authorize, action), "POST", form=form).headers["location"]
        self.expect("the pool redirects to the gate", back, lambda found: str(found).startswith(f"https://{SITE}/.tollgate/callback?"))
        return back

    def id_token_of(self, user):
        verifier = secrets.token_urlsafe(43)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        common = {"client_id": self.client, "redirect_uri": f"https://{SITE}/.tollgate/callback"}
        query = common | {"response_type": "code", "scope": "openid email", "state": "s", "code_challenge": challenge, "code_challenge_method": "S256"}
        back = self.logged_in(f"{self.discovery['authorization_endpoint']}?{urllib.parse.urlencode(query)}", user)
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["code"][0]
        form = common | {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return json.loads(self.aws.send(self.discovery["token_endpoint"], "POST", form=form).body)["id_token"]

    # --- CloudFront Functions ---

    def small_edge(self):
        parameters = {"Edge": "cloudfront-functions", "DomainName": f"small.{SITE}", "CertificateArn": CERTIFICATE, "Artifacts": "artifacts", "Package": "edge-1.zip", "Waf": "on", "AlarmEmail": "ops@example.com"}
        made = self.aws.deploy("small", "cloudfront.yaml", **parameters)
        host = {"Host": made["DistributionDomainName"], "X-Forwarded-Proto": "https"}
        ask = lambda path, method="GET", **headers: self.aws.send(path, method, host | headers)  # noqa: E731
        self.expect("a placeholder denies", ask("/courses/rust-101/preview/1").status, 503)
        self.behaviours(made)
        self.publish(made)
        self.expect("a script without a session", ask("/courses/rust-101/1").status, 401)
        page = ask("/courses/rust-101/1", **NAVIGATION)
        self.expect("a page without a session", (page.status, page.headers["location"]), (302, "/.tollgate/sign-in?to=/courses/rust-101/1"))
        s3 = self.aws.client("s3")
        for key in ("courses/rust-101/1", "courses/rust-101/preview/1"):
            s3.put_object(Bucket=made["Bucket"], Key=key, Body=b"a lesson", ContentType="text/plain")
        lesson = ask("/courses/rust-101/1", cookie=self.session)
        self.expect("the session of the other edge", (lesson.status, lesson.body), (200, b"a lesson"))
        self.expect("browsers ask every time", lesson.headers["cache-control"], "private, no-cache")
        self.expect("a public path", ask("/courses/rust-101/preview/1").status, 200)
        self.expect("no other way into the bucket", self.aws.send(f"/{made['Bucket']}/courses/rust-101/preview/1").status, 403)
        self.expect("signed in, another course", ask("/courses/other/1", cookie=self.session).status, 403)
        self.expect("a changed session", ask("/courses/rust-101/1", cookie=self.session[:-2] + "AA").status, 401)
        self.expect("plain HTTP", self.aws.send("/courses/rust-101/preview/1", headers={"Host": host["Host"]}).status, 403)
        # CloudFront's own answer has `Error`, the bucket's `Miss`.
        self.expect("a method that writes", ask("/courses/rust-101/preview/1", "PUT").headers["x-cache"], lambda found: found.startswith("Error"))
        self.expect("POST of sign-in is not cut off", ask("/.tollgate/sign-out", "POST").headers["x-cache"], lambda found: found.startswith("Miss"))

        self.aws.deploy("small", "cloudfront.yaml", update=True, **parameters, LogRetentionDays="30")
        self.expect("an update of the stack leaves the function alone", ask("/courses/rust-101/1").status, 401)
        groups = {one["logGroupName"]: one.get("retentionInDays") for one in self.aws.client("logs").describe_log_groups()["logGroups"]}
        self.expect("logs end", {groups.get("/aws/lambda/us-east-1.small-edge"), groups.get("/aws/cloudfront/function/small-gate")}, {30})

    def behaviours(self, made):
        """The first behaviour is what the build says that sign-in needs; the others have the generated function."""
        wanted = json.loads((self.folder / "small/about.json").read_text())["behaviours"][0]
        config = self.aws.client("cloudfront").get_distribution_config(Id=made["DistributionId"])["DistributionConfig"]
        first = config["CacheBehaviors"]["Items"][0]
        kinds = lambda one: [list(one.get(f"{kind}Associations", {}).get("Items", [])) for kind in ("LambdaFunction", "Function")]  # noqa: E731
        self.expect("the pattern of sign-in", first["PathPattern"], wanted["path_pattern"])
        self.expect("the methods of sign-in", set(first["AllowedMethods"]["Items"]), set(wanted["methods"]))
        self.expect("sign-in has Lambda@Edge", [one["EventType"] for one in kinds(first)[0]] + kinds(first)[1], ["viewer-request"])
        default = kinds(config["DefaultCacheBehavior"])
        self.expect("content has the function", default[0] + [one["FunctionARN"].rsplit("/", 1)[1] for one in default[1]], [made["GateFunctionName"]])

    def publish(self, made):
        """The order of docs/cloudfront-functions.md: put, switch, publish."""
        folder = self.folder / "small"
        store = "/key-value-stores/" + urllib.parse.quote(made["StoreArn"], safe="")
        entries = {}
        for file in [*sorted((folder / "kvs").glob("put-*.json")), folder / "kvs/switch.json"]:
            service = "cloudfront-keyvaluestore"
            headers = {"If-Match": self.aws.signed(service, store).headers["etag"], "Content-Type": "application/json"}
            self.expect(f"entries of {file.name}", self.aws.signed(service, f"{store}/keys", "POST", headers, file.read_bytes()).status, 200)
            entries |= {one["Key"]: one["Value"] for one in json.loads(file.read_text())["Puts"]}
        cloudfront = self.aws.client("cloudfront")
        name = made["GateFunctionName"]
        described = lambda: cloudfront.describe_function(Name=name, Stage="DEVELOPMENT")  # noqa: E731
        config = described()["FunctionSummary"]["FunctionConfig"]
        code = emulated((folder / "function.js").read_text(), entries)
        cloudfront.update_function(Name=name, IfMatch=described()["ETag"], FunctionConfig=config, FunctionCode=code.encode())
        cloudfront.publish_function(Name=name, IfMatch=described()["ETag"])

    # --- the APIs ---

    def apis(self):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            made.writestr(entry, pathlib.Path(self.options.program).read_bytes())
            made.write(self.folder / "policy.tgi", "policy.tgi")
        s3 = self.aws.client("s3", POOL_REGION)
        s3.create_bucket(Bucket="artifacts-of-api", CreateBucketConfiguration={"LocationConstraint": POOL_REGION})
        s3.put_object(Bucket="artifacts-of-api", Key="lambda-1.zip", Body=package.getvalue())
        for kind in ("rest", "http"):
            self.api(kind, s3)

    def api(self, kind, s3):
        host = f"{kind}.api.example.com"
        made = self.aws.deploy(
            f"api-{kind}", "api.yaml", POOL_REGION, Kind=kind, Artifacts="artifacts-of-api", Package="lambda-1.zip", ClientId=self.client, DomainName=host,
            UserPoolArn=f"arn:aws:cognito-idp:{POOL_REGION}:{ACCOUNT}:userpool/{self.pool}", PageOrigin=f"https://{SITE}", CertificateArn=API_CERTIFICATE,
        )  # fmt: skip
        functions = self.aws.client("lambda", POOL_REGION)
        for one in functions.list_functions()["Functions"]:
            # The emulator instead of S3.
            if one["FunctionName"].startswith(f"api-{kind}-"):
                variables = one["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": self.aws.address}
                functions.update_function_configuration(FunctionName=one["FunctionName"], Environment={"Variables": variables})
        # MiniStack knows no `aws:PrincipalArn`, so the policy denies even the functions' role. Its own rights remain.
        s3.delete_bucket_policy(Bucket=made["Bucket"])
        s3.put_object(Bucket=made["Bucket"], Key="courses/rust-101/1", Body=b"a lesson", ContentType="text/plain")
        s3.put_object(Bucket=made["Bucket"], Key="courses/other/1", Body=b"another", ContentType="text/plain")
        ask = lambda path, method="GET", **headers: self.aws.send(path, method, {"Host": host, "X-Forwarded-Proto": "https"} | headers)  # noqa: E731
        token = {"Authorization": f"Bearer {self.id_token_of('ann@example.com')}"}
        self.expect(f"{kind}: no token", ask("/files/courses/rust-101/1").status, 401)
        self.expect(f"{kind}: no token for a file name", ask("/content?fn=/courses/rust-101/1").status, 401)
        self.expect(f"{kind}: another course", ask("/files/courses/other/1", **token).status, 403)
        link = ask("/files/courses/rust-101/1", **token)
        self.expect(f"{kind}: a link to the file", (link.status, str(link.headers["location"])), lambda found: found[0] in (302, 303, 307) and "X-Amz-Signature" in found[1])
        if link.headers["location"]:
            self.expect(f"{kind}: the link leads to the file", self.aws.send(link.headers["location"]).body, b"a lesson")
        self.expect(f"{kind}: no other way into the bucket", self.aws.send(f"/{made['Bucket']}/courses/rust-101/1").status, 403)
        body = ask("/content?fn=/courses/rust-101/1", Origin=f"https://{SITE}", Accept="*/*", **token)
        self.expect(f"{kind}: the file itself", (body.status, body.body), (200, b"a lesson"))
        self.expect(f"{kind}: for the page", body.headers["access-control-allow-origin"], f"https://{SITE}")
        self.expect(f"{kind}: another course as a name", ask("/content?fn=/courses/other/1", **token).status, 403)
        self.expect(f"{kind}: logs end", {one.get("retentionInDays") for one in self.aws.client("logs", POOL_REGION).describe_log_groups()["logGroups"]}, {90})

    # --- logs of regions, wrong parameters, removal ---

    def logs(self):
        self.aws.deploy("full-logs", "edge-logs.yaml", POOL_REGION, Site="full")
        logs = self.aws.client("logs", POOL_REGION)
        groups = {one["logGroupName"]: one.get("retentionInDays") for one in logs.describe_log_groups()["logGroups"]}
        self.expect("logs of a region end", groups.get("/aws/lambda/us-east-1.full-edge"), 90)
        for name, template, region, parameters, message in (
            ("wrong-1", "edge-logs.yaml", "us-east-1", {"Site": "full"}, "NotInUsEast1"),
            ("wrong-2", "cloudfront.yaml", "eu-west-1", {"DomainName": SITE, "CertificateArn": CERTIFICATE}, "OnlyInUsEast1"),
            ("wrong-3", "cloudfront.yaml", "us-east-1", {"DomainName": SITE, "CertificateArn": CERTIFICATE, "Package": "x"}, "PackageHasItsBucket"),
            ("wrong-4", "sign-in.yaml", POOL_REGION, {"DomainName": SITE}, "NewPoolHasLogin"),
        ):
            try:
                self.aws.deploy(name, template, region, **parameters)
                problem = "deployed"
            except Exception as error:  # noqa: BLE001
                problem = str(error)
            self.expect(f"{template} with wrong parameters", problem, lambda found, message=message: message in found)

    def removal(self):
        self.expect("the stack is removed", self.aws.remove("full"), "DELETE_COMPLETE")
        versions = self.aws.client("lambda").list_versions_by_function
        with contextlib.suppress(Exception):
            self.expect("versions outlive it", len(versions(FunctionName="full-edge")["Versions"]) > 1, True)
        buckets = [one["Name"] for one in self.aws.client("s3").list_buckets()["Buckets"]]
        self.expect("its content outlives it", any(name.startswith("full-") for name in buckets), True)


def emulated(code, entries):
    """The function with its store inside, and without what MiniStack lacks: the module `cloudfront`, `rawQueryString`."""
    code, imports = re.subn(r"import (\w+) from *['\"](?:crypto|cloudfront)['\"];?", "", code)
    code, handlers = re.subn(r"async function handler\((\w+)\)\{", r"async function handler(\1){\1.request.rawQueryString=()=>query(\1.request.querystring);", code)
    if (imports, handlers) != (2, 1):
        raise RuntimeError("the function does not begin as it did when this test was written: change `emulated`")
    get = "get: async (key) => { if (key in entries) return entries[key]; throw new Error('KeyNotFound'); }"
    query = "const query = (all) => Object.keys(all).map((name) => name + '=' + all[name].value).join('&');"
    return f"const crypto = require('crypto'), entries = {json.dumps(entries)}, cf = {{ kvs: () => ({{ {get} }}), logCustomData() {{}} }};\n{query}\n{code}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tollgate", required=True)
    parser.add_argument("--parts", required=True)
    parser.add_argument("--lambda", dest="program", required=True)
    options = parser.parse_args()
    for path in (options.tollgate, options.parts, options.program):
        if not pathlib.Path(path).exists():
            sys.exit(f"{path} does not exist: build it with `cargo xtask build`")
    # Ends the emulator also when this program is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    begun = time.monotonic()
    with Emulator() as emulator, tempfile.TemporaryDirectory() as folder:
        tests = Tests(emulator, options, folder)
        for part in (tests.sign_in, tests.policy, tests.logs, tests.lambda_edge, tests.small_edge, tests.apis, tests.removal):
            try:
                part()
            except Exception:  # noqa: BLE001
                tests.results.append(False)
                print(f"infra-deploy: {part.__name__}: {traceback.format_exc()}")
                break
    for one in NOT_MODELLED:
        print(f"not modelled by MiniStack: {one}")
    failed = tests.results.count(False)
    print(f"infra-deploy: {len(tests.results) - failed} passed, {failed} failed, 0 skipped")
    print(f"in {time.monotonic() - begun:.0f} s")
    sys.exit(3 if failed else 0)


if __name__ == "__main__":
    main()
