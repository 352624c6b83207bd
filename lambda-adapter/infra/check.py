"""What must hold in the templates beyond their being well-formed, which cfn-lint checks.

    python check.py TEMPLATE…

Prints one line for each fault and ends with 3 if there is one. Before that it spoils the templates in
every way it knows and makes sure that it would notice: a check that cannot fail checks nothing. It runs
where cfn-lint is installed, which brings the YAML reader.
"""

import copy
import json
import sys

import yaml


class Template(yaml.SafeLoader):
    """Reads `!Ref x` as `{"Ref": "x"}` and so on; a name that stands twice is an error."""


def tagged(loader, suffix, node):
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        return {name: value.split(".", 1) if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


def mapping(loader, node):
    names = [loader.construct_object(key) for key, _ in node.value]
    if len(names) != len(set(names)):
        raise yaml.YAMLError(f"a name stands twice in line {node.start_mark.line + 1}")
    return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}


Template.add_multi_constructor("!", tagged)
Template.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def listed(value):
    return value if isinstance(value, list) else [value]


def resources(template, kind):
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def statements(document):
    return listed((document or {}).get("Statement", []))


def anybody(principal):
    return any(value == "*" for value in (principal.values() if isinstance(principal, dict) else [principal]))


def condition(statement, operator, key):
    wanted = statement.get("Condition", {}).get(operator, {})
    return next((value for name, value in wanted.items() if name.lower() == key.lower()), None)


def refers(value, kind, template):
    """The resource of this kind that a value names."""
    text = json.dumps(value)
    return any(f'"{name}"' in text or f"${{{name}}}" in text for name, _ in resources(template, kind))


SESSION_BEHAVIOUR = "/.tollgate/*"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"


def behaviours(template):
    """Every behaviour has the deciding function, in a numbered version, and TLS alone."""
    for name, distribution in resources(template, "AWS::CloudFront::Distribution"):
        config = distribution["DistributionConfig"]
        all_of_them = {"default": config["DefaultCacheBehavior"]}
        all_of_them |= {one["PathPattern"]: one for one in config.get("CacheBehaviors", [])}
        for path, behaviour in all_of_them.items():
            deciding = [
                one
                for one in behaviour.get("LambdaFunctionAssociations", [])
                if one["EventType"] == "viewer-request"
                and refers(one["LambdaFunctionARN"], "AWS::Lambda::Version", template)
            ]
            if len(deciding) != 1:
                yield f"{name}, behaviour {path}: the function does not decide here"
            if behaviour.get("ViewerProtocolPolicy") != "https-only":
                yield f"{name}, behaviour {path}: not HTTPS alone"
            if set(behaviour.get("AllowedMethods", [])) - {"GET", "HEAD", "OPTIONS"}:
                # Sign-in and the session endpoint, which the function answers itself.
                if path != SESSION_BEHAVIOUR:
                    yield f"{name}, behaviour {path}: methods that write"
                elif behaviour.get("CachePolicyId") != CACHING_DISABLED:
                    yield f"{name}, behaviour {path}: responses with cookies may be cached"
            # The pages of sign-in have a policy of their own, which this would replace.
            headers = behaviour.get("ResponseHeadersPolicyId", {}).get("Ref")
            policy = template["Resources"].get(headers, {}).get("Properties", {}).get("ResponseHeadersPolicyConfig", {})
            if path == SESSION_BEHAVIOUR and "ContentSecurityPolicy" in policy.get("SecurityHeadersConfig", {}):
                yield f"{name}, behaviour {path}: another policy for the pages of the gate"
            if "ForwardedValues" in behaviour or "OriginRequestPolicyId" in behaviour:
                yield f"{name}, behaviour {path}: viewers' headers go to the origin"
        if config["ViewerCertificate"].get("MinimumProtocolVersion") != "TLSv1.2_2021":
            yield f"{name}: old TLS"
        for origin in config["Origins"]:
            if not refers(origin.get("OriginAccessControlId"), "AWS::CloudFront::OriginAccessControl", template):
                yield f"{name}, origin {origin['Id']}: no origin access control"
        if "DefaultRootObject" in config:
            yield f"{name}: goes to the origin with another path than was decided about"
    for name, control in resources(template, "AWS::CloudFront::OriginAccessControl"):
        if control["OriginAccessControlConfig"]["SigningBehavior"] != "always":
            yield f"{name}: requests may go to the origin as viewers signed them"


def buckets(template):
    """Every bucket is private, and its policy closes every door but one."""
    policies = {
        policy["Bucket"]["Ref"]: statements(policy["PolicyDocument"])
        for _, policy in resources(template, "AWS::S3::BucketPolicy")
    }
    for name, bucket in resources(template, "AWS::S3::Bucket"):
        block = bucket.get("PublicAccessBlockConfiguration", {})
        if [block.get(key) for key in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")] != [True] * 4:
            yield f"{name}: may become public"
        denied = [one for one in policies.get(name, []) if one["Effect"] == "Deny" and anybody(one["Principal"])]
        if not any(condition(one, "Bool", "aws:SecureTransport") == "false" and one["Action"] == "s3:*" for one in denied):
            yield f"{name}: can be read without TLS"
        one_door = [
            one
            for one in denied
            if one["Action"] in ("s3:GetObject", "s3:*")
            and (
                refers(condition(one, "StringNotEquals", "aws:SourceArn"), "AWS::CloudFront::Distribution", template)
                or refers(condition(one, "StringNotEquals", "aws:PrincipalArn"), "AWS::IAM::Role", template)
            )
        ]
        if not one_door:
            yield f"{name}: can be read by others than the edge"


def rights(template):
    """Nobody in particular may do nothing, and nobody may do everything."""
    for kind in ("AWS::S3::BucketPolicy", "AWS::ApiGateway::RestApi"):
        for name, properties in resources(template, kind):
            for one in statements(properties.get("PolicyDocument", properties.get("Policy"))):
                open_to_all = one["Effect"] == "Allow" and anybody(one["Principal"])
                by_address = condition(one, "IpAddress", "aws:SourceIp")
                if open_to_all and not by_address:
                    yield f"{name}: lets everybody in"
                if one["Effect"] == "Allow" and not anybody(one["Principal"]) and "Condition" not in one:
                    yield f"{name}: lets a whole service in, whoever it works for"
    for name, role in resources(template, "AWS::IAM::Role"):
        for one in statements(role["AssumeRolePolicyDocument"]):
            if anybody(one["Principal"]) or set(one["Principal"]) != {"Service"}:
                yield f"{name}: taken by others than services"
        if role.get("ManagedPolicyArns"):
            yield f"{name}: has rights that do not stand here"
        for policy in role.get("Policies", []):
            for one in statements(policy["PolicyDocument"]):
                if any("*" in action for action in listed(one["Action"])):
                    yield f"{name}: may do more than is listed"
                if any(resource == "*" for resource in listed(one["Resource"])):
                    yield f"{name}: may do it to anything"


def apis(template):
    """Every method but a preflight asks an authorizer, nothing is remembered, and only new TLS is spoken."""
    for name, method in resources(template, "AWS::ApiGateway::Method"):
        if method["AuthorizationType"] == "NONE" and method["HttpMethod"] != "OPTIONS":
            yield f"{name}: nobody is asked"
    for name, authorizer in resources(template, "AWS::ApiGateway::Authorizer"):
        if authorizer["Type"] != "COGNITO_USER_POOLS" and authorizer.get("AuthorizerResultTtlInSeconds") != 0:
            yield f"{name}: an answer for one path may open another"
    for name, api in resources(template, "AWS::ApiGateway::RestApi"):
        if api.get("DisableExecuteApiEndpoint") is not True:
            yield f"{name}: has a name that takes old TLS"
    for name, domain in resources(template, "AWS::ApiGateway::DomainName"):
        if domain.get("SecurityPolicy") not in ("TLS_1_2", "TLS_1_3"):
            yield f"{name}: takes old TLS"
    for name, permission in resources(template, "AWS::Lambda::Permission"):
        if permission.get("Principal") == "*" or "SourceArn" not in permission:
            yield f"{name}: anybody may call"
    if any(resources(template, "AWS::ApiGateway::RestApi")):
        for name, function in resources(template, "AWS::Lambda::Function"):
            if "ReservedConcurrentExecutions" not in function:
                yield f"{name}: may take the whole account's share"


def clients(template):
    """App clients speak the code flow alone, come back to the gate over TLS, and can be signed out."""
    for name, client in resources(template, "AWS::Cognito::UserPoolClient"):
        if client.get("AllowedOAuthFlows") != ["code"] or client.get("AllowedOAuthFlowsUserPoolClient") is not True:
            yield f"{name}: not the code flow alone"
        if "openid" not in client.get("AllowedOAuthScopes", []):
            yield f"{name}: no ID token"
        for key, end in (("CallbackURLs", "/callback"), ("LogoutURLs", "/signed-out")):
            text = json.dumps(client.get(key, []))
            if f'https://${{DomainName}}${{SignInPath}}{end}"' not in text:
                yield f"{name}: {key} does not lead to the gate"
            if "http://" in text or "*" in text:
                yield f"{name}: {key} may lead elsewhere"
        if client.get("EnableTokenRevocation") is not True:
            yield f"{name}: refresh tokens cannot be revoked"
        if client.get("PreventUserExistenceErrors") != "ENABLED":
            yield f"{name}: shows who has an account"
        if client.get("GenerateSecret"):
            yield f"{name}: a secret that the outputs do not show"
    for name, pool in resources(template, "AWS::Cognito::UserPool"):
        if pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly") is not True:
            yield f"{name}: users create accounts themselves"


CHECKS = (behaviours, buckets, rights, apis, clients)


def faults(template):
    return [fault for check in CHECKS for fault in check(template)]


GONE = object()

# Where to spoil a template, with what, and which fault must come of it.
SPOILERS = {
    "flow-a.yaml": [
        ("Distribution DistributionConfig DefaultCacheBehavior LambdaFunctionAssociations", GONE, "does not decide"),
        ("Distribution DistributionConfig CacheBehaviors 0 LambdaFunctionAssociations", [], "does not decide"),
        ("Distribution DistributionConfig CacheBehaviors 0 LambdaFunctionAssociations 0 EventType", "viewer-response", "does not decide"),
        ("Distribution DistributionConfig CacheBehaviors 0 LambdaFunctionAssociations 0 LambdaFunctionARN", {"Fn::GetAtt": ["EdgeFunction", "Arn"]}, "does not decide"),
        ("Distribution DistributionConfig CacheBehaviors 0 ViewerProtocolPolicy", "allow-all", "not HTTPS"),
        ("Distribution DistributionConfig DefaultCacheBehavior AllowedMethods", ["GET", "PUT"], "methods"),
        ("Distribution DistributionConfig CacheBehaviors 1 PathPattern", "/uploads/*", "methods"),
        ("Distribution DistributionConfig CacheBehaviors 1 CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6", "may be cached"),
        ("Distribution DistributionConfig CacheBehaviors 1 LambdaFunctionAssociations", GONE, "does not decide"),
        ("Distribution DistributionConfig CacheBehaviors 1 ResponseHeadersPolicyId", {"Ref": "CallbackHeaders"}, "pages of the gate"),
        ("Distribution DistributionConfig DefaultCacheBehavior OriginRequestPolicyId", "x", "headers go"),
        ("Distribution DistributionConfig ViewerCertificate MinimumProtocolVersion", "TLSv1", "old TLS"),
        ("Distribution DistributionConfig Origins 0 OriginAccessControlId", GONE, "no origin access"),
        ("Distribution DistributionConfig DefaultRootObject", "index.html", "another path"),
        ("OriginAccess OriginAccessControlConfig SigningBehavior", "no-override", "as viewers signed"),
        ("ContentBucket PublicAccessBlockConfiguration BlockPublicPolicy", False, "become public"),
        ("ContentBucket PublicAccessBlockConfiguration", GONE, "become public"),
        ("ContentBucketPolicy PolicyDocument Statement 2", GONE, "without TLS"),
        ("ContentBucketPolicy PolicyDocument Statement 2 Condition Bool aws:SecureTransport", "true", "without TLS"),
        ("ContentBucketPolicy PolicyDocument Statement 1", GONE, "by others"),
        ("ContentBucketPolicy PolicyDocument Statement 1 Condition StringNotEquals AWS:SourceArn", "arn:x", "by others"),
        ("ContentBucketPolicy PolicyDocument Statement 0 Principal", "*", "lets everybody"),
        ("ContentBucketPolicy PolicyDocument Statement 0 Condition", GONE, "whole service"),
        ("EdgeRole AssumeRolePolicyDocument Statement 0 Principal", {"AWS": "*"}, "others than services"),
        ("EdgeRole ManagedPolicyArns", ["x"], "do not stand here"),
        ("EdgeRole Policies 0 PolicyDocument Statement 0 Action", "logs:*", "more than"),
        ("EdgeRole Policies 0 PolicyDocument Statement 0 Resource", "*", "to anything"),
    ],
    "flow-b.yaml": [
        ("ContentBucketPolicy PolicyDocument Statement 0", GONE, "by others"),
        ("ContentBucketPolicy PolicyDocument Statement 1", GONE, "without TLS"),
        ("ContentRole Policies 0 PolicyDocument Statement 0 Action", ["s3:*"], "more than"),
        ("Api Policy Statement 0 Condition", GONE, "lets everybody"),
        ("Api DisableExecuteApiEndpoint", GONE, "old TLS"),
        ("GetContent AuthorizationType", "NONE", "nobody is asked"),
        ("GetFile AuthorizationType", "NONE", "nobody is asked"),
        ("PathAuthorizer AuthorizerResultTtlInSeconds", 300, "open another"),
        ("PathAuthorizer AuthorizerResultTtlInSeconds", GONE, "open another"),
        ("Domain SecurityPolicy", "TLS_1_0", "old TLS"),
        ("FilesPermission SourceArn", GONE, "anybody may call"),
        ("AuthorizerFunction ReservedConcurrentExecutions", GONE, "whole account"),
    ],
    "sign-in.yaml": [
        ("Client AllowedOAuthFlows", ["code", "implicit"], "code flow"),
        ("Client AllowedOAuthFlowsUserPoolClient", GONE, "code flow"),
        ("Client AllowedOAuthScopes", ["email"], "no ID token"),
        ("Client CallbackURLs", ["https://learn.example.com/callback"], "CallbackURLs does not lead"),
        ("Client CallbackURLs 0", {"Fn::Sub": "http://${DomainName}${SignInPath}/callback"}, "CallbackURLs does not lead"),
        ("Client LogoutURLs", GONE, "LogoutURLs does not lead"),
        ("Client EnableTokenRevocation", GONE, "be revoked"),
        ("Client PreventUserExistenceErrors", "LEGACY", "has an account"),
        ("Client GenerateSecret", True, "a secret"),
        ("UserPool AdminCreateUserConfig", GONE, "create accounts"),
    ],
}


def spoiled(template, path, value):
    """A copy of the template with another value in one place."""
    template = copy.deepcopy(template)
    name, *steps = path.split()
    place = template["Resources"][name]["Properties"]
    for step in steps[:-1]:
        place = place[int(step) if isinstance(place, list) else step]
    last = int(steps[-1]) if isinstance(place, list) else steps[-1]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return template


def main():
    found = 0
    for file in sys.argv[1:]:
        with open(file, encoding="utf-8") as text:
            template = yaml.load(text, Template)
        name = file.replace("\\", "/").rsplit("/", 1)[-1]
        said = [f"{name}: {fault}" for fault in faults(template)]
        for path, value, expected in SPOILERS[name]:
            noticed = faults(spoiled(template, path, value))
            if not any(expected in fault for fault in noticed):
                shown = "without" if value is GONE else json.dumps(value)
                said.append(f"{name}: {path} {shown} goes unnoticed: {noticed}")
        for line in said:
            print(line)
        print(f"{name}: {len(SPOILERS[name])} ways to spoil it, {len(said)} faults")
        found += len(said)
    sys.exit(3 if found else 0)


if __name__ == "__main__":
    main()
