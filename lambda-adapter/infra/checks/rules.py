"""What must hold in resolved templates. Each rule yields faults: a resource and what is wrong with it.

Not here: conditions and parameters, which `template.py` has resolved; the form of templates, which cfn-lint checks.
"""

import json
import re

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
# Origin request policies that forward every header, cookie and query parameter.
ALL_VIEWER = ("216adef6-5c7f-47e4-b989-5492eafa07d3", "b689b0a8-53d0-40ab-baf2-68738e2966ac")
NETWORK = re.compile(r"[0-9a-f.:]+/\d{1,3}")
READING = {"GET", "HEAD", "OPTIONS"}
NEW_TLS = re.compile(r"TLSv1\.[23]_20(2[1-9]|[3-9]\d)")
# Records, as the gate writes them after what the platform puts in front. Clients choose the path.
INTERNAL = 'x {"time":1,"edge":"e","path":"/a","outcome":"deny","status":500,"reason":"internal","detail":"handler"}'
DENIED = 'x {"time":1,"edge":"e","path":"/reason\':\'internal","outcome":"deny","status":403,"reason":"forbidden"}'
# The statements of roles that may contain `*`: by `Sid`, the form of the resource, and the reason.
WILDCARDS = {
    "EdgeLogs": (r".+:logs:\*:.+:log-group:/aws/lambda/us-east-1\..+:\*", "Lambda@Edge writes logs in every region"),
    "Objects": (r"[^*]+/\*", "every object of this one bucket is content"),
    "Logs": (r"[^*]+:\*", "the streams of one log group"),
}


def listed(value):
    return value if isinstance(value, list) else [value]


def resources(template, kind):
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def text_of(value):
    """A value as one string, in which a reference is `${Name}` or `${Name.Attribute}`."""
    if isinstance(value, dict) and len(value) == 1:
        (function, argument), = value.items()
        if function == "Ref":
            return f"${{{argument}}}"
        if function == "Fn::GetAtt":
            return f"${{{'.'.join(listed(argument))}}}"
        if function == "Fn::Sub":
            return argument if isinstance(argument, str) else json.dumps(argument)
        if function == "Fn::Join":
            return argument[0].join(text_of(one) for one in argument[1])
    return value if isinstance(value, str) else json.dumps(value)


def named(value, kind, template):
    """The resource of this kind that a value refers to."""
    text = text_of(value) if not isinstance(value, list) else " ".join(text_of(one) for one in value)
    return next((name for name, _ in resources(template, kind) if re.search(rf"\$\{{{re.escape(name)}[.}}]", text)), None)


def statements(document):
    return listed((document or {}).get("Statement", []))


def every_principal(principal):
    values = principal.values() if isinstance(principal, dict) else [principal]
    return any(one == "*" for value in values for one in listed(value))


def condition(statement, operator, key):
    wanted = statement.get("Condition", {}).get(operator, {})
    return next((value for name, value in wanted.items() if name.lower() == key.lower()), None)


def sign_in(template):
    """The pattern of the behaviour of sign-in."""
    return template["Parameters"].get("SignInPath", "/.tollgate") + "/*"


def gates(behaviour, template):
    """What decides in a behaviour: the kinds of the functions at the viewer request, in numbered versions."""
    for one in behaviour.get("LambdaFunctionAssociations", []):
        if one["EventType"] == "viewer-request" and named(one["LambdaFunctionARN"], "AWS::Lambda::Version", template):
            yield "lambda-edge"
    for one in behaviour.get("FunctionAssociations", []):
        if one["EventType"] == "viewer-request" and named(one["FunctionARN"], "AWS::CloudFront::Function", template):
            yield "cloudfront-functions"


def behaviours(template):
    """Every behaviour has the gate and TLS alone; the one of sign-in can do what sign-in needs."""
    for name, distribution in resources(template, "AWS::CloudFront::Distribution"):
        config = distribution["DistributionConfig"]
        others = config.get("CacheBehaviors", [])
        for path, one in [("default", config["DefaultCacheBehavior"])] + [(text_of(one["PathPattern"]), one) for one in others]:
            where = f"{name}, behaviour {path}"
            found = list(gates(one, template))
            if len(found) != 1:
                yield f"{where}: the gate does not decide here"
            for association in one.get("LambdaFunctionAssociations", []):
                arn = text_of(association["LambdaFunctionARN"])
                if "$LATEST" in arn or not named(arn, "AWS::Lambda::Version", template):
                    yield f"{where}: not a numbered version of a function"
            if one.get("FunctionAssociations") and any(association["EventType"].startswith("viewer") for association in one.get("LambdaFunctionAssociations", [])):
                yield f"{where}: CloudFront does not accept both kinds of functions at viewer events"
            if one.get("ViewerProtocolPolicy") != "https-only":
                yield f"{where}: not HTTPS alone"
            if "ForwardedValues" in one:
                yield f"{where}: headers of clients go to the origin"
            yield from (sign_in_behaviour if path == sign_in(template) else content_behaviour)(where, one, found, template)
        if not others or text_of(others[0]["PathPattern"]) != sign_in(template):
            yield f"{name}: sign-in is not the first behaviour, so another may take its requests"


def sign_in_behaviour(where, one, found, template):
    if found and found != ["lambda-edge"]:
        yield f"{where}: sign-in needs Lambda@Edge"
    if not {"GET", "HEAD", "POST"} <= set(one.get("AllowedMethods", [])):
        yield f"{where}: sign-out and refresh need POST"
    if one.get("CachePolicyId") != CACHING_DISABLED:
        yield f"{where}: responses with cookies may be cached"
    # At the viewer request, a function receives everything; later, what policies forward.
    early = any(association["EventType"] == "viewer-request" for association in one.get("LambdaFunctionAssociations", []))
    if not early and one.get("OriginRequestPolicyId") not in ALL_VIEWER:
        yield f"{where}: the gate does not receive headers, cookies and query"
    if early and "OriginRequestPolicyId" in one:
        yield f"{where}: headers of clients go to the origin"
    # The gate's pages have a policy of their own, which this would replace.
    policy = template["Resources"].get(named(one.get("ResponseHeadersPolicyId"), "AWS::CloudFront::ResponseHeadersPolicy", template), {})
    headers = policy.get("Properties", {}).get("ResponseHeadersPolicyConfig", {}).get("SecurityHeadersConfig", {})
    if "ContentSecurityPolicy" in headers:
        yield f"{where}: another policy for the pages of the gate"


def content_behaviour(where, one, _found, _template):
    if set(one.get("AllowedMethods", [])) - READING:
        yield f"{where}: methods that write"
    if "OriginRequestPolicyId" in one:
        yield f"{where}: headers of clients go to the origin"


def distributions(template):
    """New TLS, origin access control alone, and the path that was decided about."""
    for name, distribution in resources(template, "AWS::CloudFront::Distribution"):
        config = distribution["DistributionConfig"]
        if not NEW_TLS.fullmatch(str(config.get("ViewerCertificate", {}).get("MinimumProtocolVersion"))):
            yield f"{name}: old TLS"
        for origin in config["Origins"]:
            if not named(origin.get("OriginAccessControlId"), "AWS::CloudFront::OriginAccessControl", template):
                yield f"{name}, origin {origin['Id']}: no origin access control"
            if origin.get("S3OriginConfig", {}).get("OriginAccessIdentity") or "CustomOriginConfig" in origin:
                yield f"{name}, origin {origin['Id']}: another way than origin access control"
        if config.get("DefaultRootObject"):
            yield f"{name}: goes to the origin with another path than was decided about"
        if any(resources(template, "AWS::WAFv2::WebACL")) and not named(config.get("WebACLId"), "AWS::WAFv2::WebACL", template):
            yield f"{name}: the web ACL protects nothing"
    for name, control in resources(template, "AWS::CloudFront::OriginAccessControl"):
        if control["OriginAccessControlConfig"]["SigningBehavior"] != "always":
            yield f"{name}: requests may go to the origin as clients signed them"
    for name, acl in resources(template, "AWS::WAFv2::WebACL"):
        if any(one["VisibilityConfig"].get("SampledRequestsEnabled") for one in [acl] + acl.get("Rules", [])):
            yield f"{name}: keeps samples of requests, with their cookies"


def functions(template):
    """Edge functions run where they can, read their policy, and deny until there is one."""
    for name, function in resources(template, "AWS::CloudFront::Function"):
        config = function["FunctionConfig"]
        if not any(named(one["KeyValueStoreARN"], "AWS::CloudFront::KeyValueStore", template) for one in config.get("KeyValueStoreAssociations", [])):
            yield f"{name}: has no policy, because no store is associated"
        if config.get("Runtime") != "cloudfront-js-2.0":
            yield f"{name}: another runtime than the one it is written for"
        # This is the placeholder: the function itself is published.
        if "statusCode: 503" not in function["FunctionCode"] or "request" in function["FunctionCode"].split("//", 1)[-1].split("\n", 1)[-1]:
            yield f"{name}: does not deny before something is published"
    for name, function in resources(template, "AWS::Lambda::Function"):
        inline = function.get("Code", {}).get("ZipFile")
        if inline is not None and 'status: "503"' not in inline:
            yield f"{name}: does not deny before something is deployed"
        if any(resources(template, "AWS::CloudFront::Distribution")):
            if listed(function.get("Architectures", ["x86_64"])) != ["x86_64"] or "Environment" in function:
                yield f"{name}: CloudFront does not accept it"


def buckets(template):
    """Every bucket is private, outlives its stack, and its policy denies every reader except one."""
    policies = {
        named(policy["Bucket"], "AWS::S3::Bucket", template): statements(policy["PolicyDocument"])
        for _, policy in resources(template, "AWS::S3::BucketPolicy")
    }
    for name, bucket in resources(template, "AWS::S3::Bucket"):
        block = bucket.get("PublicAccessBlockConfiguration", {})
        if [block.get(key) for key in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")] != [True] * 4:
            yield f"{name}: may become public"
        if "WebsiteConfiguration" in bucket:
            yield f"{name}: is a website, which is public"
        denied = [one for one in policies.get(name, []) if one["Effect"] == "Deny" and every_principal(one["Principal"])]
        if not any(str(condition(one, "Bool", "aws:SecureTransport")).lower() == "false" and listed(one["Action"]) == ["s3:*"] for one in denied):
            yield f"{name}: can be read without TLS"
        if not any(one_door(one, template) for one in denied):
            yield f"{name}: can be read by others than the edge"


def one_door(statement, template):
    if not set(listed(statement["Action"])) & {"s3:GetObject", "s3:*"}:
        return False
    source = condition(statement, "StringNotEquals", "aws:SourceArn") or ""
    principal = condition(statement, "StringNotEquals", "aws:PrincipalArn") or ""
    return named(source, "AWS::CloudFront::Distribution", template) or named(principal, "AWS::IAM::Role", template)


def retained(template):
    """What cannot be made again outlives the stack; so do edge functions, whose copies CloudFront deletes hours later."""
    edge = ["AWS::Lambda::Function"] if any(resources(template, "AWS::CloudFront::Distribution")) else []
    for kind in ["AWS::S3::Bucket", "AWS::Cognito::UserPool", "AWS::Lambda::Version", *edge]:
        for name, resource in template["Resources"].items():
            if resource["Type"] == kind and resource.get("DeletionPolicy") != "Retain":
                yield f"{name}: is deleted with the stack"


def rights(template):
    """Principals are limited, and permissions are listed; a wildcard needs a reason."""
    for kind in ("AWS::S3::BucketPolicy", "AWS::ApiGateway::RestApi"):
        for name, properties in resources(template, kind):
            for one in statements(properties.get("PolicyDocument", properties.get("Policy"))):
                if one["Effect"] != "Allow":
                    continue
                if every_principal(one["Principal"]) and not condition(one, "IpAddress", "aws:SourceIp"):
                    yield f"{name}: allows every principal"
                for network in networks(one):
                    if not NETWORK.fullmatch(network):
                        yield f"{name}: `{network}` is not a network"
                if not every_principal(one["Principal"]) and "Condition" not in one:
                    yield f"{name}: allows a service on behalf of any account"
    for name, role in resources(template, "AWS::IAM::Role"):
        for one in statements(role["AssumeRolePolicyDocument"]):
            if every_principal(one["Principal"]) or set(one["Principal"]) != {"Service"}:
                yield f"{name}: can be assumed by other principals than services"
        if role.get("ManagedPolicyArns"):
            yield f"{name}: has permissions that are not listed in the template"
        for policy in role.get("Policies", []):
            for one in statements(policy["PolicyDocument"]):
                yield from wildcards(name, one)


def networks(statement):
    """The networks of a statement; a parameter that is a list has them in one text."""
    given = condition(statement, "IpAddress", "aws:SourceIp") or []
    return [text_of(one) for one in listed(given)]


def wildcards(name, statement):
    if any("*" in action for action in listed(statement.get("Action", "*"))):
        yield f"{name}: may do more than is listed"
    form, _reason = WILDCARDS.get(statement.get("Sid"), (None, None))
    for resource in map(text_of, listed(statement.get("Resource", "*"))):
        if "*" in resource and not (form and re.fullmatch(form, resource)):
            yield f"{name}: `{resource}` is a wildcard without a reason"


def log_group_of(name, function, template):
    """The name of the log group that a function writes to, as text."""
    own = function.get("LoggingConfig", {}).get("LogGroup")
    if own is not None:
        return text_of(own)
    at_edge = any(resources(template, "AWS::CloudFront::Distribution"))
    return ("/aws/lambda/us-east-1." if at_edge else "/aws/lambda/") + text_of(function.get("FunctionName", f"${{{name}}}"))


def logs(template):
    """Logs end, every function has a log group, and a denial by an internal error raises an alarm."""
    groups = dict(resources(template, "AWS::Logs::LogGroup"))
    for name, group in groups.items():
        if not group.get("RetentionInDays"):
            yield f"{name}: no retention period"
    names = {text_of(group["LogGroupName"]) if "LogGroupName" in group else f"${{{name}}}": name for name, group in groups.items()}
    wanted = dict.fromkeys(groups)
    for name, function in resources(template, "AWS::Lambda::Function"):
        if log_group_of(name, function, template) not in names | {f"${{{group}}}": group for group in groups}:
            yield f"{name}: its log group is not in the template, so its logs have no retention period"
    for name, function in resources(template, "AWS::CloudFront::Function"):
        if "/aws/cloudfront/function/" + text_of(function["Name"]) not in names:
            yield f"{name}: its log group is not in the template, so its logs have no retention period"
    for name in wanted:
        if not any(alarmed(one, template) for _, one in resources(template, "AWS::Logs::MetricFilter") if log_of(one, template, names) == name):
            yield f"{name}: no alarm on denials by an internal error"
    for name, alarm in resources(template, "AWS::CloudWatch::Alarm"):
        if not alarm.get("AlarmActions"):
            yield f"{name}: has no action"


def log_of(metric, template, names):
    text = text_of(metric["LogGroupName"])
    return named(text, "AWS::Logs::LogGroup", template) or names.get(text)


def alarmed(metric, template):
    """Whether a filter counts records with the reason `internal`, and an alarm is raised by the first."""
    pattern = metric.get("FilterPattern", "")
    if not (pattern.startswith("%") and pattern.endswith("%") and len(pattern) > 2):
        return False
    if not re.search(pattern[1:-1], INTERNAL) or re.search(pattern[1:-1], DENIED):
        return False
    wanted = [(text_of(one["MetricNamespace"]), text_of(one["MetricName"])) for one in metric["MetricTransformations"]]
    return any(
        (text_of(one.get("Namespace", "")), text_of(one.get("MetricName", ""))) in wanted
        and one.get("Statistic") == "Sum"
        and (one.get("ComparisonOperator"), float(one.get("Threshold", 9))) in (("GreaterThanThreshold", 0.0), ("GreaterThanOrEqualToThreshold", 1.0))
        for _, one in resources(template, "AWS::CloudWatch::Alarm")
    )


def edge_alarms(template):
    """Failures without a log record: functions that throw, are throttled or return what CloudFront rejects."""
    watched = {(text_of(one.get("Namespace")), text_of(one.get("MetricName"))) for _, one in resources(template, "AWS::CloudWatch::Alarm")}
    for name, _ in resources(template, "AWS::CloudFront::Distribution"):
        if ("AWS/CloudFront", "5xxErrorRate") not in watched:
            yield f"{name}: no alarm on 5xx"
        if not any(resources(template, "AWS::CloudWatch::Dashboard")):
            yield f"{name}: no dashboard"
    for kind in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
        for name, _ in resources(template, kind):
            if not watched & {("AWS/ApiGateway", "5XXError"), ("AWS/ApiGateway", "5xx")}:
                yield f"{name}: no alarm on 5xx"


def apis(template):
    """Every method but a preflight asks an authorizer, nothing is cached, and only new TLS is spoken."""
    for kind, method, authorization in (
        ("AWS::ApiGateway::Method", lambda one: one["HttpMethod"], "AuthorizationType"),
        ("AWS::ApiGatewayV2::Route", lambda one: one["RouteKey"].split()[0], "AuthorizationType"),
    ):
        for name, one in resources(template, kind):
            if one.get(authorization, "NONE") == "NONE" and method(one) != "OPTIONS":
                yield f"{name}: no authorizer decides"
            if one.get(authorization, "NONE") != "NONE" and "AuthorizerId" not in one:
                yield f"{name}: no authorizer is named"
    for name, one in resources(template, "AWS::ApiGateway::Authorizer"):
        if one["Type"] != "COGNITO_USER_POOLS" and one.get("AuthorizerResultTtlInSeconds") != 0:
            yield f"{name}: a result for one path may open another"
    for name, one in resources(template, "AWS::ApiGatewayV2::Authorizer"):
        if one["AuthorizerType"] != "JWT" and one.get("AuthorizerResultTtlInSeconds") != 0:
            yield f"{name}: a result for one path may open another"
        if one["AuthorizerType"] == "JWT" and not one.get("JwtConfiguration", {}).get("Audience"):
            yield f"{name}: takes tokens of every client"
    for kind in ("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"):
        for name, one in resources(template, kind):
            if one.get("DisableExecuteApiEndpoint") is not True:
                yield f"{name}: has a name that takes old TLS"
            for function, properties in resources(template, "AWS::Lambda::Function"):
                if "ReservedConcurrentExecutions" not in properties:
                    yield f"{function}: may use all of the account's concurrency"
    for name, domain in resources(template, "AWS::ApiGateway::DomainName"):
        if domain.get("SecurityPolicy") not in ("TLS_1_2", "TLS_1_3"):
            yield f"{name}: takes old TLS"
    for name, domain in resources(template, "AWS::ApiGatewayV2::DomainName"):
        if any(one.get("SecurityPolicy") != "TLS_1_2" for one in domain["DomainNameConfigurations"]):
            yield f"{name}: takes old TLS"
    for name, permission in resources(template, "AWS::Lambda::Permission"):
        if permission.get("Principal") == "*" or "SourceArn" not in permission:
            yield f"{name}: every principal may call it"


def clients(template):
    """App clients speak the code flow alone, come back to the gate over TLS, and can be signed out."""
    parameters = template["Parameters"]
    host = re.escape(parameters["DomainName"]) if "DomainName" in parameters else "[a-z0-9.-]+"
    path = re.escape(parameters.get("SignInPath", "/.tollgate"))
    # A synthesised template does not have the parameter: any path of the site may be the page.
    ends = re.escape(parameters["SignedOutPath"] or parameters["SignInPath"] + "/signed-out") if "SignedOutPath" in parameters else "/[^*]*"
    for name, client in resources(template, "AWS::Cognito::UserPoolClient"):
        if client.get("AllowedOAuthFlows") != ["code"] or client.get("AllowedOAuthFlowsUserPoolClient") is not True:
            yield f"{name}: not the code flow alone"
        if "openid" not in client.get("AllowedOAuthScopes", []):
            yield f"{name}: no ID token"
        for key, form in (("CallbackURLs", f"https://{host}{path}/callback"), ("LogoutURLs", f"https://{host}{ends}")):
            addresses = [text_of(one) for one in client.get(key, [])]
            if not addresses or not all(re.fullmatch(form, one) for one in addresses):
                yield f"{name}: {key} does not lead to the gate"
        if client.get("EnableTokenRevocation") is not True:
            yield f"{name}: refresh tokens cannot be revoked"
        if client.get("PreventUserExistenceErrors") != "ENABLED":
            yield f"{name}: shows who has an account"
        if client.get("GenerateSecret"):
            yield f"{name}: a secret that the outputs do not show"
    for name, pool in resources(template, "AWS::Cognito::UserPool"):
        if pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly") is not True:
            yield f"{name}: users create accounts themselves"
        if pool.get("DeletionProtection") != "ACTIVE":
            yield f"{name}: every account can be deleted by mistake"
        if not any(named(one["UserPoolId"], "AWS::Cognito::UserPool", template) == name for _, one in resources(template, "AWS::Cognito::UserPoolDomain")):
            yield f"{name}: no domain, so no user can sign in"


RULES = (behaviours, distributions, functions, buckets, retained, rights, logs, edge_alarms, apis, clients)


def faults(template):
    return [fault for rule in RULES for fault in rule(template)]
