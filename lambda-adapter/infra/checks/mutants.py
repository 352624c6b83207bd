"""Ways to spoil the templates, and the fault that must come of each: a check that cannot fail checks nothing.

A path begins with a resource and goes on in its properties, or after `^` in the resource itself. A template whose
name is not here, such as a synthesised one, is spoiled like the one whose resources it has.
"""

from .template import GONE

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
DISTRIBUTION = "Distribution DistributionConfig"
DEFAULT = f"{DISTRIBUTION} DefaultCacheBehavior"
SIGN_IN = f"{DISTRIBUTION} CacheBehaviors 0"
LAMBDA = [{"EventType": "viewer-request", "LambdaFunctionARN": {"Ref": "EdgeVersion1"}}]
SMALL = [{"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["GateFunction", "FunctionARN"]}}]
DENY = "ContentBucketPolicy PolicyDocument Statement"

CLOUDFRONT = [
    (f"{DEFAULT} ViewerProtocolPolicy", "redirect-to-https", "not HTTPS"),
    (f"{DEFAULT} AllowedMethods", ["GET", "PUT"], "methods that write"),
    (f"{DEFAULT} OriginRequestPolicyId", "x", "headers of clients"),
    (f"{DEFAULT} ForwardedValues", {"QueryString": True}, "headers of clients"),
    (f"{SIGN_IN} LambdaFunctionAssociations", GONE, "gate does not decide"),
    (f"{SIGN_IN} LambdaFunctionAssociations", [LAMBDA[0] | {"EventType": "origin-request"}], "does not receive headers, cookies"),
    (f"{SIGN_IN} LambdaFunctionAssociations 0 LambdaFunctionARN", {"Fn::GetAtt": ["EdgeFunction", "Arn"]}, "not a numbered version"),
    (f"{SIGN_IN} PathPattern", "/uploads/*", "methods that write"),
    (f"{SIGN_IN} PathPattern", "/sign-in/*", "not the first behaviour"),
    (f"{SIGN_IN} AllowedMethods", ["GET", "HEAD"], "need POST"),
    (f"{SIGN_IN} CachePolicyId", CACHING_OPTIMIZED, "may be cached"),
    (f"{SIGN_IN} ViewerProtocolPolicy", "allow-all", "not HTTPS"),
    (f"{SIGN_IN} OriginRequestPolicyId", "216adef6-5c7f-47e4-b989-5492eafa07d3", "headers of clients"),
    (f"{SIGN_IN} ResponseHeadersPolicyId", {"Ref": "CallbackHeaders"}, "pages of the gate"),
    (f"{DISTRIBUTION} CacheBehaviors", [], "not the first behaviour"),
    (f"{DISTRIBUTION} ViewerCertificate MinimumProtocolVersion", "TLSv1", "old TLS"),
    (f"{DISTRIBUTION} ViewerCertificate MinimumProtocolVersion", GONE, "old TLS"),
    (f"{DISTRIBUTION} Origins 0 OriginAccessControlId", GONE, "no origin access control"),
    (f"{DISTRIBUTION} Origins 0 S3OriginConfig OriginAccessIdentity", "origin-access-identity/cloudfront/E1", "another way"),
    (f"{DISTRIBUTION} Origins 0 CustomOriginConfig", {"OriginProtocolPolicy": "http-only"}, "another way"),
    (f"{DISTRIBUTION} DefaultRootObject", "index.html", "another path"),
    ("OriginAccess OriginAccessControlConfig SigningBehavior", "no-override", "as clients signed"),
    ("EdgeRole ^ Properties AssumeRolePolicyDocument Statement 0 Principal", {"AWS": "*"}, "other principals than services"),
    ("EdgeRole ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"], "not listed in the template"),
    ("EdgeRole Policies 0 PolicyDocument Statement 0 Action", "logs:*", "more than is listed"),
    ("EdgeRole Policies 0 PolicyDocument Statement 0 Resource", "*", "wildcard without a reason"),
    ("EdgeRole Policies 0 PolicyDocument Statement 0 Sid", "Other", "wildcard without a reason"),
    ("EdgeFunction Environment", {"Variables": {}}, "does not accept"),
    ("EdgeFunction Architectures", ["arm64"], "does not accept"),
    ("EdgeVersion1 ^ DeletionPolicy", GONE, "deleted with the stack"),
    ("EdgeFunction ^ DeletionPolicy", GONE, "deleted with the stack"),
    ("EdgeLogs RetentionInDays", GONE, "no retention period"),
    ("EdgeLogs LogGroupName", "/aws/lambda/other", "log group is not in the template"),
    ("EdgeInternal FilterPattern", "internal", "no alarm on denials"),
    ("EdgeInternal FilterPattern", "%reason.:.internal%", "no alarm on denials"),
    ("EdgeInternal MetricTransformations 0 MetricName", "other", "no alarm on denials"),
    ("InternalAlarm Threshold", 100, "no alarm on denials"),
    ("InternalAlarm AlarmActions", [], "has no action"),
    ("ErrorAlarm MetricName", "4xxErrorRate", "no alarm on 5xx"),
    ("Dashboard ^ Type", "AWS::SNS::Topic", "no dashboard"),
]

# Where the Lambda@Edge function decides about content.
FULL_EDGE = [
    (f"{DEFAULT} LambdaFunctionAssociations", GONE, "gate does not decide"),
    (f"{DEFAULT} FunctionAssociations", SMALL, "does not accept both kinds"),
    (f"{DEFAULT} LambdaFunctionAssociations", [LAMBDA[0] | {"EventType": "viewer-response"}], "gate does not decide"),
    (f"{DEFAULT} LambdaFunctionAssociations", [LAMBDA[0] | {"EventType": "origin-request"}], "gate does not decide"),
    (f"{DEFAULT} LambdaFunctionAssociations", [LAMBDA[0] | {"LambdaFunctionARN": {"Fn::GetAtt": ["EdgeFunction", "Arn"]}}], "not a numbered version"),
    (f"{DEFAULT} LambdaFunctionAssociations", [LAMBDA[0] | {"LambdaFunctionARN": {"Fn::Sub": "${EdgeFunction.Arn}:$LATEST"}}], "not a numbered version"),
]

# Where a CloudFront function does.
SMALL_EDGE = [
    (f"{DEFAULT} FunctionAssociations", GONE, "gate does not decide"),
    (f"{DEFAULT} FunctionAssociations", [SMALL[0] | {"EventType": "viewer-response"}], "gate does not decide"),
    (f"{DEFAULT} LambdaFunctionAssociations", [LAMBDA[0] | {"EventType": "viewer-response"}], "does not accept both kinds"),
    (f"{SIGN_IN} LambdaFunctionAssociations", GONE, "gate does not decide"),
    (f"{SIGN_IN} FunctionAssociations", SMALL, "gate does not decide"),
    (f"{DEFAULT} LambdaFunctionAssociations", LAMBDA, "gate does not decide"),
    ("GateFunction FunctionConfig KeyValueStoreAssociations", [], "no policy"),
    ("GateFunction FunctionConfig Runtime", "cloudfront-js-1.0", "another runtime"),
    ("GateFunction FunctionCode", "function handler(event) { return event.request; }", "does not deny before"),
    ("GateLogs RetentionInDays", GONE, "no retention period"),
    ("GateLogs LogGroupName", "/aws/cloudfront/function/other", "log group is not in the template"),
    ("GateInternal FilterPattern", "", "no alarm on denials"),
]
PLACEHOLDER = [("EdgeFunction Code", {"ZipFile": "exports.handler = async (event) => event.Records[0].cf.request;"}, "does not deny before")]

BUCKET = [
    ("ContentBucket PublicAccessBlockConfiguration BlockPublicPolicy", False, "become public"),
    ("ContentBucket PublicAccessBlockConfiguration", GONE, "become public"),
    ("ContentBucket WebsiteConfiguration", {"IndexDocument": "index.html"}, "is a website"),
    ("ContentBucket ^ DeletionPolicy", GONE, "deleted with the stack"),
]

WAF = [
    ("WebAcl VisibilityConfig SampledRequestsEnabled", True, "keeps samples"),
    ("WebAcl Rules 0 VisibilityConfig SampledRequestsEnabled", True, "keeps samples"),
]

CLOUDFRONT_BUCKET = [
    (f"{DENY} 2", GONE, "without TLS"),
    (f"{DENY} 2 Condition Bool aws:SecureTransport", "true", "without TLS"),
    (f"{DENY} 1", GONE, "by others"),
    (f"{DENY} 1 Condition StringNotEquals AWS:SourceArn", "arn:x", "by others"),
    (f"{DENY} 0 Principal", "*", "allows every principal"),
    (f"{DENY} 0 Condition", GONE, "on behalf of any account"),
]

API_COMMON = [
    (f"{DENY} 0", GONE, "by others"),
    (f"{DENY} 1", GONE, "without TLS"),
    ("ContentRole Policies 0 PolicyDocument Statement 0 Action", ["s3:*"], "more than is listed"),
    ("ContentRole Policies 0 PolicyDocument Statement 0 Resource", "arn:aws:s3:::*", "wildcard without a reason"),
    ("AuthorizerFunction ReservedConcurrentExecutions", GONE, "account's concurrency"),
    ("FilesFunction LoggingConfig", {"LogGroup": "other"}, "log group is not in the template"),
    ("FilesLogs RetentionInDays", GONE, "no retention period"),
    ("FilesInternal FilterPattern", "%reason%", "no alarm on denials"),
    ("InternalAlarm ComparisonOperator", "LessThanThreshold", "no alarm on denials"),
    ("ErrorAlarm MetricName", "Count", "no alarm on 5xx"),
]
REST = [
    ("Api Policy Statement 0 Condition", GONE, "allows every principal"),
    ("Api Policy Statement 0 Condition IpAddress aws:SourceIp", "192.0.2.0/24,198.51.100.0/24", "is not a network"),
    ("Api DisableExecuteApiEndpoint", GONE, "old TLS"),
    ("GetContent AuthorizationType", "NONE", "no authorizer decides"),
    ("GetFile AuthorizationType", "NONE", "no authorizer decides"),
    ("GetFile AuthorizerId", GONE, "no authorizer"),
    ("PathAuthorizer AuthorizerResultTtlInSeconds", 300, "open another"),
    ("PathAuthorizer AuthorizerResultTtlInSeconds", GONE, "open another"),
    ("Domain SecurityPolicy", "TLS_1_0", "old TLS"),
]
HTTP = [
    ("HttpApi DisableExecuteApiEndpoint", GONE, "old TLS"),
    ("HttpGetContent AuthorizationType", "NONE", "no authorizer decides"),
    ("HttpGetFile AuthorizationType", GONE, "no authorizer decides"),
    ("HttpGetFile AuthorizerId", GONE, "no authorizer"),
    ("HttpPathAuthorizer AuthorizerResultTtlInSeconds", GONE, "open another"),
    ("HttpPoolAuthorizer JwtConfiguration Audience", [], "every client"),
    ("HttpDomain DomainNameConfigurations 0 SecurityPolicy", GONE, "old TLS"),
]

PERMISSION = [("SourceArn", GONE, "every principal may call it"), ("Principal", "*", "every principal may call it")]

CLIENT = [
    ("Client AllowedOAuthFlows", ["code", "implicit"], "code flow"),
    ("Client AllowedOAuthFlowsUserPoolClient", GONE, "code flow"),
    ("Client AllowedOAuthScopes", ["email"], "no ID token"),
    ("Client CallbackURLs", ["https://learn.example.com/callback"], "CallbackURLs does not lead"),
    ("Client CallbackURLs", ["http://learn.example.com/.tollgate/callback"], "CallbackURLs does not lead"),
    ("Client CallbackURLs", ["https://evil.example/.tollgate/callback/"], "CallbackURLs does not lead"),
    ("Client LogoutURLs", GONE, "LogoutURLs does not lead"),
    ("Client EnableTokenRevocation", GONE, "be revoked"),
    ("Client PreventUserExistenceErrors", "LEGACY", "has an account"),
    ("Client GenerateSecret", True, "a secret"),
]
POOL = [
    ("UserPool AdminCreateUserConfig", GONE, "create accounts"),
    ("UserPool DeletionProtection", GONE, "deleted by mistake"),
    ("UserPool ^ DeletionPolicy", "Delete", "deleted with the stack"),
]
LOGIN = [("Login UserPoolId", "eu-west-1_Other", "no domain")]

LOGS = [
    ("EdgeLogs RetentionInDays", GONE, "no retention period"),
    ("EdgeInternal FilterPattern", "%reason.:.forbidden%", "no alarm on denials"),
    ("InternalAlarm Threshold", 100, "no alarm on denials"),
    ("InternalAlarm AlarmActions", [], "has no action"),
]


def mutants_of(resolved):
    """The ways that apply to these resources."""
    names = set(resolved["Resources"])
    sets = [
        ({"Distribution", "EdgeFunction"}, CLOUDFRONT + BUCKET + CLOUDFRONT_BUCKET),
        ({"GateFunction"}, SMALL_EDGE),
        ({"Distribution"} if "GateFunction" not in names else {"no such name"}, FULL_EDGE),
        ({"WebAcl"}, WAF),
        ({"WebAcl", "Distribution"}, [(f"{DISTRIBUTION} WebACLId", GONE, "protects nothing")]),
        ({"ContentFunction"}, BUCKET + API_COMMON),
        ({"Api"}, REST),
        ({"HttpApi"}, HTTP),
        ({"Client"}, CLIENT),
        ({"UserPool"}, POOL),
        ({"UserPool", "Login"}, LOGIN),
    ]
    for wanted, ways in sets:
        if wanted <= names:
            yield from ways
    for name in names & {"FilesPermission", "HttpFilesPermission"}:
        yield from ((f"{name} {step}", value, expected) for step, value, expected in PERMISSION)
    if "EdgeLogs" in names and "Distribution" not in names:
        yield from LOGS
    if "ZipFile" in resolved["Resources"].get("EdgeFunction", {}).get("Properties", {}).get("Code", {}):
        yield from PLACEHOLDER
