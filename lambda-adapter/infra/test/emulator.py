"""MiniStack on loopback: a program that emulates AWS, with clients, deployments of templates, and plain HTTP requests.

Not here: what is deployed, and what the answers must be.
"""

import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

INFRA = pathlib.Path(__file__).parent.parent
ACCOUNT = "000000000000"
# MiniStack's servers for MQTT and SFTP listen on all addresses.
LOOPBACK = {"BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}


class Unmoved(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Unmoved)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def cookies(self):
        return [line.split(";")[0] for line in self.headers.get_all("set-cookie") or []]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Emulator:
    """Started with `with`, which also ends it."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.address = f"http://127.0.0.1:{free_port()}"
        program = pathlib.Path(sys.executable).parent / "ministack"
        self.log = open(pathlib.Path(self.folder.name) / "log", "w+", encoding="utf-8")
        settings = LOOPBACK | {"GATEWAY_PORT": self.address.rsplit(":", 1)[1], "LOG_LEVEL": "WARNING", "AUTH": "true"}
        self.process = subprocess.Popen([program], cwd=self.folder.name, env=os.environ | settings, stdout=self.log, stderr=self.log)
        for _ in range(300):
            try:
                if self.send("/_ministack/health").status == 200:
                    return self
            except OSError:
                time.sleep(0.1)
            if self.process.poll() is not None:
                break
        raise SystemExit(f"MiniStack does not start: {self.said()}")

    def __exit__(self, *problem):
        self.process.terminate()
        self.process.wait(10)
        if problem[0]:
            print(self.said())
        self.log.close()
        self.folder.cleanup()

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-3000:]

    def client(self, service, region="us-east-1"):
        return botocore.session.Session().create_client(
            service,
            endpoint_url=self.address,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}, read_timeout=60, s3={"addressing_style": "path"}),
        )

    def signed(self, service, path, method="GET", headers=None, data=b""):
        """A request that is signed with SigV4, for services whose clients need a library of their own for SigV4A."""
        request = AWSRequest(method, self.address + path, headers or {}, data)
        SigV4Auth(Credentials("test", "test"), service, "us-east-1").add_auth(request)
        return self.send(path, method, dict(request.headers.items()), data=data or None)

    def deploy(self, stack, template, region="us-east-1", update=False, **parameters):
        """The outputs of a stack after its deployment, or the reason why it failed."""
        cloudformation = self.client("cloudformation", region)
        call = cloudformation.update_stack if update else cloudformation.create_stack
        call(
            StackName=stack,
            TemplateBody=(INFRA / template).read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
        status = self.settled(cloudformation, stack)
        if status["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
            reasons = [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}" for one in events if "FAILED" in one["ResourceStatus"]]
            raise RuntimeError(f"{stack}: {status['StackStatus']}: {reasons}")
        return {one["OutputKey"]: one["OutputValue"] for one in status.get("Outputs", [])}

    def remove(self, stack, region="us-east-1"):
        cloudformation = self.client("cloudformation", region)
        identifier = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack)
        return self.settled(cloudformation, identifier)["StackStatus"]

    @staticmethod
    def settled(cloudformation, stack):
        for _ in range(300):
            status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            if not status["StackStatus"].endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.1)
        raise RuntimeError(f"{stack}: still {status['StackStatus']}")

    def send(self, target, method="GET", headers=None, form=None, data=None):
        """One request; redirects are not followed. A full address must be one of the emulator."""
        address = target if "://" in target else self.address + target
        data = urllib.parse.urlencode(form).encode() if form else data
        request = urllib.request.Request(address, data, headers or {}, method=method)
        try:
            return Answer(OPENER.open(request, timeout=30))
        except urllib.error.HTTPError as error:
            return Answer(error)
