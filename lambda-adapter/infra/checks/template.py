"""Reads a template, and resolves it for given parameters: conditions decided, parameters replaced by their values.

What is left are resources as CloudFormation would create them, with references to each other. Not here: rules.
"""

import copy
import itertools
import json
import re

import yaml


class Loader(yaml.SafeLoader):
    """Reads `!Ref x` as `{"Ref": "x"}` and so on; a key that occurs twice is an error."""


def tagged(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


def mapping(loader, node):
    names = [loader.construct_object(key) for key, _ in node.value]
    if len(names) != len(set(names)):
        raise yaml.YAMLError(f"a key occurs twice in line {node.start_mark.line + 1}")
    return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}


Loader.add_multi_constructor("!", tagged)
Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)

# Values of parameters without a default, or of those that may be empty.
SAMPLES = {
    "AllowedNetworks": "192.0.2.0/24",
    "AlarmEmail": "ops@example.com",
    "ApiOrigin": "https://api.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/sample",
    "ClientId": "sampleclient",
    "DomainName": "learn.example.com",
    "HostedZoneId": "ZSAMPLE",
    "LoginCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/login",
    "LoginDomainName": "login.example.com",
    "LoginPrefix": "example-learn",
    "PageOrigin": "https://learn.example.com",
    "StagingDistribution": "ESAMPLE",
    "UserPoolArn": "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Sample",
    "UserPoolId": "eu-west-1_Sample",
    "SignedOutPath": "/bye",
}
NO_VALUE = {"Ref": "AWS::NoValue"}
GONE = object()


def read(file):
    """A template in YAML or JSON."""
    with open(file, encoding="utf-8") as text:
        return yaml.load(text, Loader)


def default(name, parameter):
    if "Default" in parameter:
        return parameter["Default"]
    if "AllowedValues" in parameter:
        return parameter["AllowedValues"][0]
    return SAMPLES.get(name, f"sample-{name.lower()}")


def listed_value(parameter, value):
    """The value as CloudFormation passes it on."""
    return value.split(",") if parameter.get("Type") == "CommaDelimitedList" and isinstance(value, str) else value


def choices(template):
    """For each parameter that a condition reads: the values that make a difference."""
    read_by_conditions = json.dumps(template.get("Conditions", {}))
    for name, parameter in template.get("Parameters", {}).items():
        if json.dumps({"Ref": name}) not in read_by_conditions:
            continue
        if "AllowedValues" in parameter:
            yield name, parameter["AllowedValues"]
        else:
            yield name, [default(name, parameter), SAMPLES.get(name, f"sample-{name.lower()}")]


def scenarios(template, thorough):
    """Sets of parameters. Thorough: all combinations; else all first values, all last ones, and each on its own."""
    parameters = template.get("Parameters", {})
    base = {name: listed_value(parameter, default(name, parameter)) for name, parameter in parameters.items()}
    options = list(choices(template))
    if thorough:
        names = [name for name, _ in options]
        for values in itertools.product(*(values for _, values in options)):
            yield base | dict(zip(names, values))
        return
    first = base | {name: values[0] for name, values in options}
    last = base | {name: values[-1] for name, values in options}
    yield last
    yield first
    for name, values in options:
        for value in values:
            yield last | {name: value}
            yield first | {name: value}


class Resolver:
    """Decides conditions and replaces parameters."""

    def __init__(self, template, parameters):
        self.template = template
        self.values = {"AWS::Region": "us-east-1", "AWS::Partition": "aws"} | parameters
        self.conditions = {}

    def holds(self, name):
        if name not in self.conditions:
            self.conditions[name] = self.truth(self.template["Conditions"][name])
        return self.conditions[name]

    def truth(self, value):
        (function, arguments), *more = value.items()
        assert not more, value
        if function == "Condition":
            return self.holds(arguments)
        if function == "Fn::Equals":
            left, right = (self.resolved(one) for one in arguments)
            return str(left) == str(right)
        results = [self.truth(one) for one in arguments]
        return {"Fn::Not": lambda: not results[0], "Fn::And": lambda: all(results), "Fn::Or": lambda: any(results)}[function]()

    def resolved(self, value):
        if isinstance(value, list):
            values = [self.resolved(one) for one in value]
            return [one for one in values if one is not GONE]
        if not isinstance(value, dict):
            return value
        if value == NO_VALUE:
            return GONE
        if set(value) == {"Fn::If"}:
            name, yes, no = value["Fn::If"]
            return self.resolved(yes if self.holds(name) else no)
        if set(value) == {"Ref"} and value["Ref"] in self.values:
            return self.values[value["Ref"]]
        if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
            text = re.sub(r"\$\{([\w:]+)\}", lambda one: str(self.values.get(one[1], one[0])), value["Fn::Sub"])
            return {"Fn::Sub": text} if "${" in text else text
        values = {key: self.resolved(one) for key, one in value.items()}
        return {key: one for key, one in values.items() if one is not GONE}

    def template_with_values(self):
        resources = {}
        for name, resource in self.template["Resources"].items():
            if "Condition" not in resource or self.holds(resource["Condition"]):
                resources[name] = self.resolved(resource)
        return {"Resources": resources, "Parameters": self.values}


def resolve(template, parameters):
    return Resolver(template, parameters).template_with_values()


def spoiled(template, path, value):
    """A copy of the template with another value in one place; with `GONE`, without that place."""
    template = copy.deepcopy(template)
    name, *steps = path.split()
    resource = template["Resources"][name]
    place, steps = (resource, steps) if steps[:1] == ["^"] else (resource["Properties"], steps)
    steps = [step for step in steps if step != "^"]
    for step in steps[:-1]:
        place = place[int(step) if isinstance(place, list) else step]
    last = int(steps[-1]) if isinstance(place, list) else steps[-1]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return template
