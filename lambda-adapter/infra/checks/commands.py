"""The commands of a page of documentation that deploy templates: they must fit the templates.

Not here: rules about what templates create.
"""

import pathlib
import re
import shlex

from .template import read

ROOT = pathlib.Path(__file__).parent.parent.parent.parent


def commands(page):
    """Every `aws cloudformation deploy` of the page, as a list of words."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line)
            if words[:3] == ["aws", "cloudformation", "deploy"]:
                yield words


def option(words, name):
    return words[words.index(name) + 1] if name in words else None


def page_faults(page):
    """The faults of all commands, and the number of commands."""
    found, count = [], 0
    for words in commands(page):
        count += 1
        name = option(words, "--template-file")
        file = ROOT / (name or "")
        if not file.is_file():
            found.append(f"{name}: no such template")
            continue
        template = read(file)
        after = words[words.index("--parameter-overrides") + 1 :] if "--parameter-overrides" in words else []
        given = {word.split("=", 1)[0] for word in after if "=" in word}
        known = template["Parameters"]
        found += [f"{name}: no parameter {one}" for one in sorted(given - set(known))]
        found += [f"{name}: {one} is not given" for one, parameter in known.items() if "Default" not in parameter and one not in given]
        for word in after:
            one, _, value = word.partition("=")
            pattern = known.get(one, {}).get("AllowedPattern")
            if pattern and not re.search(pattern, value):
                found.append(f"{name}: {one} does not accept `{value}`")
        has_roles = any(one["Type"] == "AWS::IAM::Role" for one in template["Resources"].values())
        if has_roles != (option(words, "--capabilities") == "CAPABILITY_IAM"):
            found.append(f"{name}: CAPABILITY_IAM is needed if the template has roles, and else not")
        if file.name == "cloudfront.yaml" and option(words, "--region") != "us-east-1":
            found.append(f"{name}: not in us-east-1")
    if not count:
        found.append("no command deploys a template")
    return found, count
