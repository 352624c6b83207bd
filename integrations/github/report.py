"""Reports results to GitHub: one comment on the pull request, which is updated, and SARIF for code scanning.

Called by action.yml. A token that may not write, as that of a pull request from a fork, is not an error: the results are
in the log and in the summary of the job.
"""

import base64
import gzip
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

# GitHub rejects a comment with more characters.
MAX_COMMENT = 65_536
CUT = "\n\n…\n\nThe comment is too long for GitHub: the summary of the job contains all of it.\n"
# 403: no permission. 404: GitHub hides what a token may not see.
DENIED = (403, 404)


class Denied(Exception):
    """The token may not do this."""


def env(name):
    value = os.environ.get(name, "")
    if not value:
        sys.exit(f"::error title=tollgate::the variable {name} is missing")
    return value


def call(method, path, body=None):
    """Sends a request to the API, and returns the decoded response."""
    request = urllib.request.Request(
        env("GITHUB_API_URL").rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {env('TOLLGATE_TOKEN')}",
            "Content-Type": "application/json",
            "User-Agent": "tollgate",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")[:300]
        if error.code in DENIED:
            raise Denied(text) from error
        sys.exit(f"::error title=tollgate::GitHub responded {error.code} to {method} {path}: {escaped(text)}")
    except (OSError, ValueError) as error:
        sys.exit(f"::error title=tollgate::no valid response from GitHub to {method} {path}: {escaped(str(error))}")


def escaped(text):
    """Text in a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def notice(text):
    print(f"::notice title=tollgate::{escaped(text)}")


def repository():
    return "/repos/" + env("GITHUB_REPOSITORY")


def comments(issue):
    """All comments, page by page."""
    page = 1
    while True:
        found = call("GET", f"{repository()}/issues/{issue}/comments?per_page=100&page={page}")
        yield from found
        if len(found) < 100:
            return
        page += 1


def is_ours(one, mark):
    """Anyone can write a comment with the mark; only those of apps are ours. A deleted user is null."""
    return (one.get("body") or "").startswith(mark) and (one.get("user") or {}).get("type") == "Bot"


def comment():
    event = json.loads(Path(env("GITHUB_EVENT_PATH")).read_text())
    issue = (event.get("pull_request") or {}).get("number")
    if issue is None:
        notice("this is not a pull request, so there is no comment")
        return
    # The name of a directory cannot end the HTML comment.
    policy = base64.urlsafe_b64encode(env("TOLLGATE_POLICY").encode()).decode()
    mark = f"<!-- tollgate diff {policy} -->"
    text = f"{mark}\n{Path(env('TOLLGATE_MARKDOWN')).read_text()}"
    if len(text) > MAX_COMMENT:
        # A table has one row per line, so a cut after a line leaves a table.
        text = text[: MAX_COMMENT - len(CUT)].rsplit("\n", 1)[0] + CUT
    try:
        known = next((one for one in comments(issue) if is_ours(one, mark)), None)
        if known is None and os.environ.get("TOLLGATE_CHANGED") != "true":
            print("nothing changes, so there is no comment")
        elif known is None:
            made = call("POST", f"{repository()}/issues/{issue}/comments", {"body": text})
            print(f"commented: {made.get('html_url', made['id'])}")
        elif known["body"] == text:
            print("the comment is up to date")
        else:
            call("PATCH", f"{repository()}/issues/comments/{known['id']}", {"body": text})
            print(f"updated the comment: {known.get('html_url', known['id'])}")
    except Denied:
        notice(
            "the token may not comment, as usual for a pull request from a fork; the summary of the job contains the "
            "differences. Otherwise grant the job the permission pull-requests: write"
        )


def sarif():
    log = Path(env("TOLLGATE_SARIF")).read_bytes()
    if not log.strip():
        sys.exit("::error title=tollgate::the SARIF file is empty")
    body = {
        "commit_sha": env("GITHUB_SHA"),
        "ref": env("GITHUB_REF"),
        "sarif": base64.b64encode(gzip.compress(log, mtime=0)).decode(),
        "tool_name": "tollgate",
    }
    try:
        done = call("POST", f"{repository()}/code-scanning/sarifs", body)
        print(f"uploaded: {done.get('id', '')}")
    except Denied:
        notice(
            "the token may not upload to code scanning, as usual for a pull request from a fork. Otherwise enable code "
            "scanning, and grant the job the permission security-events: write"
        )


if __name__ == "__main__":
    {"comment": comment, "sarif": sarif}[sys.argv[1]]()
