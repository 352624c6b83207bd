"""What must hold in templates beyond their being well-formed, which cfn-lint checks.

    python check.py FILE…

A file is a page of documentation (`*.md`), whose commands must fit the templates, or a template. A template is a CloudFormation file in YAML or JSON, also a synthesised one, or `terraform show -json` of a state
(`*.tfstate.json`). Each template is resolved for every combination of the parameters that its conditions read. Prints one line
for each fault, and ends with 3 if there is one. Before that it spoils the templates in every way it knows, and makes
sure that it would notice. Given all templates of this directory, it also makes sure that each fault that a rule can report
came of some way to spoil them. It runs where cfn-lint is installed, which brings the YAML reader.

Not here: the rules (`checks/rules.py`), the ways to spoil (`checks/mutants.py`), resolving (`checks/template.py`).
"""

import json
import pathlib
import re
import sys

import yaml

from checks.commands import page_faults
from checks.mutants import mutants_of
from checks.rules import faults
from checks.template import GONE, read, resolve, scenarios, spoiled
from checks.terraform import templates

HERE = pathlib.Path(__file__).parent


def shown(parameters, template):
    """The parameters that differ from their defaults."""
    changed = {
        name: value
        for name, value in parameters.items()
        if value != template.get("Parameters", {}).get(name, {}).get("Default") and name in json.dumps(template.get("Conditions", {}))
    }
    return " ".join(f"{name}={value}" for name, value in changed.items()) or "defaults"


def faults_of(template):
    """Every fault, with one set of parameters that has it, and the number of sets."""
    found, count = {}, 0
    for parameters in scenarios(template, thorough=True):
        count += 1
        for fault in faults(resolve(template, parameters)):
            found.setdefault(fault, parameters)
    return [f"{fault} ({shown(parameters, template)})" for fault, parameters in found.items()], count


def unnoticed(template, seen):
    """Spoils resolved templates, and yields the ways that no rule notices. The last item is the number of ways.

    Adds the faults that came of them to `seen`."""
    tried, untried = set(), set()
    for parameters in scenarios(template, thorough=False):
        resolved = resolve(template, parameters)
        for path, value, expected in mutants_of(resolved):
            way = f"{path} {'gone' if value is GONE else json.dumps(value)}"
            if (way, expected) in tried:
                continue
            try:
                broken = spoiled(resolved, path, value)
            except (KeyError, IndexError):
                # In this combination there is nothing to spoil.
                untried.add((way, expected))
                continue
            tried.add((way, expected))
            noticed = faults(broken)
            seen.update(noticed)
            if not any(expected in fault for fault in noticed):
                yield f"{way} goes unnoticed: {noticed}"
    for way, _ in sorted(untried - tried):
        yield f"{way} spoils nothing, because there is no such place"
    yield len(tried)


def never_seen(seen):
    """The messages in the source of the rules that no fault has."""
    source = (HERE / "checks/rules.py").read_text(encoding="utf-8")
    messages = re.findall(r'yield f"(.+)"$', source, re.M)
    form = lambda message: ".+".join(re.escape(part) for part in re.split(r"\{[^{}]*\}", message))  # noqa: E731
    return [message for message in messages if not any(re.fullmatch(form(message), fault) for fault in seen)]


def read_all(file):
    """The templates in a file, by name."""
    if file.name.endswith(".tfstate.json"):
        with open(file, encoding="utf-8") as text:
            for name, template in templates(json.load(text)):
                yield f"{file.name}, {name}", template
        return
    template = read(file)
    if not isinstance(template, dict) or not template.get("Resources"):
        sys.exit(f"{file}: not a template: it has no `Resources`")
    yield file.name, template


def main(files):
    if not files:
        sys.exit(__doc__)
    passed = failed = 0
    seen = set()
    for file in map(pathlib.Path, files):
        if file.suffix == ".md":
            if not file.is_file():
                sys.exit(f"{file}: no such file")
            said, count = page_faults(file)
            for line in said:
                print(f"{file.name}: {line}")
            print(f"{file.name}: {count} commands, {len(said)} faults")
            passed += count
            failed += len(said)
            continue
        try:
            found = list(read_all(file))
        except OSError as error:
            sys.exit(f"{file}: {error.strerror}")
        except (ValueError, KeyError, yaml.YAMLError) as error:
            sys.exit(f"{file}: not a template or a state: {error}")
        for name, template in found:
            said, combinations = faults_of(template)
            *missed, ways = unnoticed(template, seen)
            if not ways:
                missed.append("no way to spoil it is known, so no rule is tested with it")
            for line in said + missed:
                print(f"{name}: {line}")
            print(f"{name}: {combinations} combinations of parameters, {ways} ways to spoil it, {len(said) + len(missed)} faults")
            passed += combinations + ways
            failed += len(said) + len(missed)
    if {file.name for file in HERE.glob("*.yaml")} <= {pathlib.Path(file).name for file in files}:
        unseen = never_seen(seen)
        for message in unseen:
            print(f"rules.py: no way to spoil a template leads to `{message}`")
        failed += len(unseen)
    print(f"infra-rules: {passed} passed, {failed} failed, 0 skipped")
    sys.exit(3 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
