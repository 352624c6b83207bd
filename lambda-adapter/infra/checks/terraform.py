"""Translates the state of the Terraform modules to resources as CloudFormation names them, so that the rules are the same.

A resource gets its Terraform name in capitals (`content_bucket` is `ContentBucket`), which is also its name in the
templates. A computed value such as `${aws_s3_bucket_3.arn}` becomes `${ContentBucket.arn}`. Not here: rules.
"""

import json
import re

# The region whose resources belong to a module; others have a template of their own, as with edge-logs.yaml.
HOME = {"site": "us-east-1"}


def camel(name):
    return "".join(part.capitalize() for part in name.split("_"))


def first(value, default=None):
    return value[0] if value else default


def kept(**properties):
    return {name: value for name, value in properties.items() if value not in (None, [], {}, "")}


def statements(text):
    return json.loads(text) if text else {}


def association(behavior):
    lambdas = [{"EventType": one["event_type"], "LambdaFunctionARN": one["lambda_arn"]} for one in behavior["lambda_function_association"]]
    functions = [{"EventType": one["event_type"], "FunctionARN": one["function_arn"]} for one in behavior["function_association"]]
    return kept(
        PathPattern=behavior.get("path_pattern"),
        ViewerProtocolPolicy=behavior["viewer_protocol_policy"],
        AllowedMethods=behavior["allowed_methods"],
        CachePolicyId=behavior["cache_policy_id"],
        OriginRequestPolicyId=behavior["origin_request_policy_id"],
        ResponseHeadersPolicyId=behavior["response_headers_policy_id"],
        ForwardedValues=behavior["forwarded_values"],
        LambdaFunctionAssociations=lambdas,
        FunctionAssociations=functions,
    )


def distribution(one):
    origins = [
        kept(
            Id=origin["origin_id"],
            OriginAccessControlId=origin["origin_access_control_id"],
            S3OriginConfig={"OriginAccessIdentity": first(origin["s3_origin_config"], {}).get("origin_access_identity", "")},
            CustomOriginConfig=first(origin["custom_origin_config"]),
        )
        for origin in one["origin"]
    ]
    return {
        "DistributionConfig": kept(
            DefaultCacheBehavior=association(one["default_cache_behavior"][0]),
            CacheBehaviors=[association(behavior) for behavior in one["ordered_cache_behavior"]],
            ViewerCertificate={"MinimumProtocolVersion": one["viewer_certificate"][0]["minimum_protocol_version"]},
            DefaultRootObject=one["default_root_object"],
            WebACLId=one["web_acl_id"],
            Origins=origins,
        )
    }


def headers_policy(one):
    security = first(one["security_headers_config"], {})
    return {"ResponseHeadersPolicyConfig": {"SecurityHeadersConfig": kept(ContentSecurityPolicy=first(security.get("content_security_policy")))}}


def web_acl(one):
    visibility = lambda value: {"SampledRequestsEnabled": value["visibility_config"][0]["sampled_requests_enabled"]}  # noqa: E731
    return {"VisibilityConfig": visibility(one), "Rules": [{"VisibilityConfig": visibility(rule)} for rule in one["rule"]]}


def function(one):
    environment = first(one["environment"], {}).get("variables")
    return kept(
        FunctionName=one["function_name"],
        Architectures=one["architectures"],
        Code={"S3Key": one["filename"]},
        Environment=environment and {"Variables": environment},
        LoggingConfig=kept(LogGroup=first(one["logging_config"], {}).get("log_group")),
        ReservedConcurrentExecutions=one["reserved_concurrent_executions"],
    )


def alarm(one):
    return {
        "Namespace": one["namespace"],
        "MetricName": one["metric_name"],
        "Statistic": one["statistic"],
        "Threshold": one["threshold"],
        "ComparisonOperator": one["comparison_operator"],
        "AlarmActions": one["alarm_actions"] or [],
    }


def metric_filter(one):
    metrics = [{"MetricNamespace": metric["namespace"], "MetricName": metric["name"]} for metric in one["metric_transformation"]]
    return {"LogGroupName": one["log_group_name"], "FilterPattern": one["pattern"], "MetricTransformations": metrics}


def client(one):
    return kept(
        AllowedOAuthFlows=one["allowed_oauth_flows"],
        AllowedOAuthFlowsUserPoolClient=one["allowed_oauth_flows_user_pool_client"],
        AllowedOAuthScopes=one["allowed_oauth_scopes"],
        CallbackURLs=one["callback_urls"],
        LogoutURLs=one["logout_urls"],
        EnableTokenRevocation=one["enable_token_revocation"],
        PreventUserExistenceErrors=one["prevent_user_existence_errors"],
        GenerateSecret=one["generate_secret"],
    )


def authorizer_v2(one):
    return kept(
        AuthorizerType=one["authorizer_type"],
        AuthorizerResultTtlInSeconds=one["authorizer_result_ttl_in_seconds"],
        JwtConfiguration=kept(Audience=first(one["jwt_configuration"], {}).get("audience")),
    )


# By type: the type in CloudFormation, and the properties that rules read.
KINDS = {
    "aws_s3_bucket": ("AWS::S3::Bucket", lambda one: {}),
    "aws_s3_bucket_policy": ("AWS::S3::BucketPolicy", lambda one: {"Bucket": one["bucket"], "PolicyDocument": statements(one["policy"])}),
    "aws_cloudfront_distribution": ("AWS::CloudFront::Distribution", distribution),
    "aws_cloudfront_origin_access_control": (
        "AWS::CloudFront::OriginAccessControl",
        lambda one: {"OriginAccessControlConfig": {"SigningBehavior": one["signing_behavior"]}},
    ),
    "aws_cloudfront_response_headers_policy": ("AWS::CloudFront::ResponseHeadersPolicy", headers_policy),
    "aws_cloudfront_key_value_store": ("AWS::CloudFront::KeyValueStore", lambda one: {}),
    "aws_cloudfront_function": (
        "AWS::CloudFront::Function",
        lambda one: {
            "Name": one["name"],
            "FunctionCode": one["code"],
            "FunctionConfig": {"Runtime": one["runtime"], "KeyValueStoreAssociations": [{"KeyValueStoreARN": arn} for arn in one["key_value_store_associations"] or []]},
        },
    ),
    "aws_wafv2_web_acl": ("AWS::WAFv2::WebACL", web_acl),
    "aws_lambda_function": ("AWS::Lambda::Function", function),
    "aws_lambda_permission": ("AWS::Lambda::Permission", lambda one: kept(Principal=one["principal"], SourceArn=one["source_arn"])),
    "aws_iam_role": ("AWS::IAM::Role", lambda one: {"AssumeRolePolicyDocument": statements(one["assume_role_policy"]), "Policies": []}),
    "aws_cloudwatch_log_group": ("AWS::Logs::LogGroup", lambda one: kept(LogGroupName=one["name"], RetentionInDays=one["retention_in_days"])),
    "aws_cloudwatch_log_metric_filter": ("AWS::Logs::MetricFilter", metric_filter),
    "aws_cloudwatch_metric_alarm": ("AWS::CloudWatch::Alarm", alarm),
    "aws_cloudwatch_dashboard": ("AWS::CloudWatch::Dashboard", lambda one: {}),
    "aws_cognito_user_pool": (
        "AWS::Cognito::UserPool",
        lambda one: kept(
            AdminCreateUserConfig=kept(AllowAdminCreateUserOnly=first(one["admin_create_user_config"], {}).get("allow_admin_create_user_only")),
            DeletionProtection=one["deletion_protection"],
        ),
    ),
    "aws_cognito_user_pool_domain": ("AWS::Cognito::UserPoolDomain", lambda one: {"UserPoolId": one["user_pool_id"]}),
    "aws_cognito_user_pool_client": ("AWS::Cognito::UserPoolClient", client),
    "aws_api_gateway_rest_api": (
        "AWS::ApiGateway::RestApi",
        lambda one: {"DisableExecuteApiEndpoint": one["disable_execute_api_endpoint"], "Policy": statements(one["policy"])},
    ),
    "aws_api_gateway_method": (
        "AWS::ApiGateway::Method",
        lambda one: kept(HttpMethod=one["http_method"], AuthorizationType=one["authorization"], AuthorizerId=one["authorizer_id"]),
    ),
    "aws_api_gateway_authorizer": (
        "AWS::ApiGateway::Authorizer",
        lambda one: kept(Type=one["type"], AuthorizerResultTtlInSeconds=one["authorizer_result_ttl_in_seconds"]),
    ),
    "aws_api_gateway_domain_name": ("AWS::ApiGateway::DomainName", lambda one: kept(SecurityPolicy=one["security_policy"])),
    "aws_apigatewayv2_api": ("AWS::ApiGatewayV2::Api", lambda one: kept(DisableExecuteApiEndpoint=one["disable_execute_api_endpoint"])),
    "aws_apigatewayv2_route": (
        "AWS::ApiGatewayV2::Route",
        lambda one: kept(RouteKey=one["route_key"], AuthorizationType=one["authorization_type"], AuthorizerId=one["authorizer_id"]),
    ),
    "aws_apigatewayv2_authorizer": ("AWS::ApiGatewayV2::Authorizer", authorizer_v2),
    "aws_apigatewayv2_domain_name": (
        "AWS::ApiGatewayV2::DomainName",
        lambda one: {"DomainNameConfigurations": [{"SecurityPolicy": two["security_policy"]} for two in one["domain_name_configuration"]]},
    ),
}
# Types that no rule reads. A type that is in neither list is an error, so that none is forgotten.
UNREAD = {
    "aws_api_gateway_base_path_mapping", "aws_api_gateway_deployment", "aws_api_gateway_gateway_response", "aws_api_gateway_integration",
    "aws_api_gateway_method_settings", "aws_api_gateway_resource", "aws_api_gateway_stage", "aws_apigatewayv2_api_mapping",
    "aws_apigatewayv2_integration", "aws_apigatewayv2_stage", "aws_route53_record", "aws_s3_bucket_ownership_controls",
    "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_versioning", "aws_sns_topic", "aws_sns_topic_subscription",
    "aws_wafv2_web_acl_association", "aws_caller_identity", "aws_partition", "aws_region",
}  # fmt: skip


def modules(state):
    """The modules of the example, with their resources in the state."""
    for module in state["values"]["root_module"]["child_modules"]:
        yield module["address"].removeprefix("module."), module["resources"]


def templates(state):
    """For each module, and each region other than its own: resources as CloudFormation names them."""
    for name, resources in modules(state):
        groups = {}
        for one in resources:
            home = HOME.get(name)
            region = one["values"].get("region")
            away = home is not None and one["type"].startswith("aws_cloudwatch") and region not in (None, home) and not region.startswith("${")
            groups.setdefault(region if away else home, []).append(one)
        for region, members in groups.items():
            yield f"{name}{'' if region == HOME.get(name) else ' in ' + region}", template(members)


def template(resources):
    made, names = {}, {}
    for one in resources:
        kind, values = one["type"], one["values"]
        logical = camel(one["name"]) + (camel(str(one["index"])) if isinstance(one.get("index"), str) and one["type"] not in ONE_PER_REGION else "")
        if found := re.match(r"\$\{(aws_\w+?_\d+)\.", str(values.get("id") or values.get("arn") or "")):
            names[found[1]] = logical
        if kind not in KINDS:
            if kind not in UNREAD:
                settle(made, kind, one["name"], values)
            continue
        to, properties = KINDS[kind]
        made[logical] = {"Type": to, "Properties": properties(values)}
        if kind in ("aws_s3_bucket", "aws_cognito_user_pool"):
            # Terraform deletes no bucket with content, and no pool with protection.
            made[logical]["DeletionPolicy"] = "Delete" if values.get("force_destroy") else "Retain"
        if kind == "aws_lambda_function" and values.get("publish"):
            made["EdgeVersion1"] = {"Type": "AWS::Lambda::Version", "Properties": {}}
            for name in (logical, "EdgeVersion1"):
                made[name] |= {"DeletionPolicy": "Retain"} if values.get("skip_destroy") else {}
    settled(made)
    text = json.dumps(made)
    text = re.sub(r"\$\{(aws_\w+?_\d+)\.qualified_arn\}", "${EdgeVersion1.arn}", text)
    text = re.sub(r"\$\{(aws_\w+?_\d+)\.", lambda one: "${" + names.get(one[1], one[1]) + ".", text)
    return {"Resources": json.loads(text), "Parameters": {}}


# One of them is left in the template of a region, so the region is no part of its name.
ONE_PER_REGION = ("aws_cloudwatch_log_group", "aws_cloudwatch_log_metric_filter", "aws_cloudwatch_metric_alarm")


def settle(made, kind, name, values):
    """Parts of a resource that are resources of their own in Terraform."""
    made.setdefault(" later", []).append((kind, camel(name), values))


def settled(made):
    for kind, name, values in made.pop(" later", []):
        if kind == "aws_s3_bucket_public_access_block":
            keys = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
            made[name]["Properties"]["PublicAccessBlockConfiguration"] = {camel(key): values[key] for key in keys}
        elif kind == "aws_iam_role_policy":
            made[name]["Properties"]["Policies"].append({"PolicyDocument": statements(values["policy"])})
        else:
            raise SystemExit(f"{kind}: a type of resource that no rule knows: add it to KINDS or UNREAD of checks/terraform.py")
