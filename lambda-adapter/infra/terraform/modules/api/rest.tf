# A REST API.

locals {
  rest = var.kind == "rest" ? 1 : 0
}

resource "aws_api_gateway_rest_api" "api" {
  count = local.rest

  name = var.name
  # Only by its own name: the other one takes old TLS.
  disable_execute_api_endpoint = true
  # Files are bytes.
  binary_media_types = ["*/*"]

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Call"
        Effect    = "Allow"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = "execute-api:/*"
        Condition = { IpAddress = { "aws:SourceIp" = var.allowed_networks } }
      },
      {
        Sid       = "FromNowhereElse"
        Effect    = "Deny"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = "execute-api:/*"
        Condition = { NotIpAddress = { "aws:SourceIp" = var.allowed_networks } }
      },
    ]
  })
}

resource "aws_api_gateway_authorizer" "pool_authorizer" {
  count = local.rest

  name            = "user-pool"
  rest_api_id     = aws_api_gateway_rest_api.api[0].id
  type            = "COGNITO_USER_POOLS"
  identity_source = "method.request.header.Authorization"
  provider_arns   = [var.user_pool_arn]
}

resource "aws_api_gateway_authorizer" "path_authorizer" {
  count = local.rest

  name           = "path"
  rest_api_id    = aws_api_gateway_rest_api.api[0].id
  type           = "REQUEST"
  authorizer_uri = aws_lambda_function.authorizer_function.invoke_arn
  # Nothing is cached, so nothing identifies what is cached: a request without a token is evaluated, too.
  identity_source                  = ""
  authorizer_result_ttl_in_seconds = 0
}

resource "aws_api_gateway_resource" "content_resource" {
  count = local.rest

  rest_api_id = aws_api_gateway_rest_api.api[0].id
  parent_id   = aws_api_gateway_rest_api.api[0].root_resource_id
  path_part   = "content"
}

resource "aws_api_gateway_resource" "files_resource" {
  count = local.rest

  rest_api_id = aws_api_gateway_rest_api.api[0].id
  parent_id   = aws_api_gateway_rest_api.api[0].root_resource_id
  path_part   = "files"
}

resource "aws_api_gateway_resource" "files_proxy" {
  count = local.rest

  rest_api_id = aws_api_gateway_rest_api.api[0].id
  parent_id   = aws_api_gateway_resource.files_resource[0].id
  path_part   = "{proxy+}"
}

resource "aws_api_gateway_method" "get_content" {
  count = local.rest

  rest_api_id   = aws_api_gateway_rest_api.api[0].id
  resource_id   = aws_api_gateway_resource.content_resource[0].id
  http_method   = "GET"
  authorization = "COGNITO_USER_POOLS"
  authorizer_id = aws_api_gateway_authorizer.pool_authorizer[0].id
}

# A browser's question whether it may ask, which carries no token; the function answers it.
resource "aws_api_gateway_method" "ask_content" {
  count = local.rest

  rest_api_id   = aws_api_gateway_rest_api.api[0].id
  resource_id   = aws_api_gateway_resource.content_resource[0].id
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_method" "get_file" {
  count = local.rest

  rest_api_id   = aws_api_gateway_rest_api.api[0].id
  resource_id   = aws_api_gateway_resource.files_proxy[0].id
  http_method   = "GET"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.path_authorizer[0].id
}

locals {
  methods = local.rest == 0 ? {} : {
    get_content = { method = aws_api_gateway_method.get_content[0], function = aws_lambda_function.content_function }
    ask_content = { method = aws_api_gateway_method.ask_content[0], function = aws_lambda_function.content_function }
    get_file    = { method = aws_api_gateway_method.get_file[0], function = aws_lambda_function.files_function }
  }
  # What API Gateway refuses itself, the page's script must be able to read.
  refusals = local.rest == 0 ? {} : {
    UNAUTHORIZED = "401"
    DEFAULT_4XX  = null
    DEFAULT_5XX  = null
  }
}

resource "aws_api_gateway_integration" "integration" {
  for_each = local.methods

  rest_api_id             = each.value.method.rest_api_id
  resource_id             = each.value.method.resource_id
  http_method             = each.value.method.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = each.value.function.invoke_arn
}

resource "aws_api_gateway_gateway_response" "refused" {
  for_each = local.refusals

  rest_api_id   = aws_api_gateway_rest_api.api[0].id
  response_type = each.key
  status_code   = each.value

  response_parameters = merge(
    {
      "gatewayresponse.header.Access-Control-Allow-Origin" = "'${var.page_origin}'"
      "gatewayresponse.header.Cache-Control"               = "'no-store'"
    },
    each.key == "UNAUTHORIZED" ? { "gatewayresponse.header.WWW-Authenticate" = "'Bearer'" } : {},
  )
}

# A deployment is a picture of the methods.
resource "aws_api_gateway_deployment" "deployment" {
  count = local.rest

  rest_api_id = aws_api_gateway_rest_api.api[0].id

  triggers = {
    # What the API consists of, apart from identifiers.
    methods = sha256(jsonencode([filesha256("${path.module}/rest.tf"), var.page_origin, var.allowed_networks]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_api_gateway_integration.integration, aws_api_gateway_gateway_response.refused]
}

resource "aws_api_gateway_stage" "stage" {
  count = local.rest

  rest_api_id   = aws_api_gateway_rest_api.api[0].id
  deployment_id = aws_api_gateway_deployment.deployment[0].id
  stage_name    = "live"
}

resource "aws_api_gateway_method_settings" "throttling" {
  count = local.rest

  rest_api_id = aws_api_gateway_rest_api.api[0].id
  stage_name  = aws_api_gateway_stage.stage[0].stage_name
  method_path = "*/*"

  settings {
    throttling_rate_limit  = 100
    throttling_burst_limit = 200
  }
}

resource "aws_api_gateway_domain_name" "domain" {
  count = local.rest

  domain_name              = var.domain_name
  regional_certificate_arn = var.certificate_arn
  security_policy          = "TLS_1_2"

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

# The stage's name is not in the path: functions see `/content` and `/files/…`.
resource "aws_api_gateway_base_path_mapping" "mapping" {
  count = local.rest

  api_id      = aws_api_gateway_rest_api.api[0].id
  stage_name  = aws_api_gateway_stage.stage[0].stage_name
  domain_name = aws_api_gateway_domain_name.domain[0].domain_name
}
