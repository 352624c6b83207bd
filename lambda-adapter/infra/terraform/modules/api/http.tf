# An HTTP API. No cors_configuration: API Gateway would then answer preflights itself, and replace the function's headers.

locals {
  http = var.kind == "http" ? 1 : 0
}

resource "aws_apigatewayv2_api" "http_api" {
  count = local.http

  name          = var.name
  protocol_type = "HTTP"
  # Only by its own name: the other one takes old TLS.
  disable_execute_api_endpoint = true
}

resource "aws_apigatewayv2_authorizer" "http_pool_authorizer" {
  count = local.http

  api_id           = aws_apigatewayv2_api.http_api[0].id
  name             = "user-pool"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    audience = [var.client_id]
    issuer   = "https://cognito-idp.${split(":", var.user_pool_arn)[3]}.amazonaws.com/${split("/", var.user_pool_arn)[1]}"
  }
}

resource "aws_apigatewayv2_authorizer" "http_path_authorizer" {
  count = local.http

  api_id                            = aws_apigatewayv2_api.http_api[0].id
  name                              = "path"
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = aws_lambda_function.authorizer_function.invoke_arn
  authorizer_payload_format_version = "2.0"
  # A simple response names no path, so nothing may be cached.
  enable_simple_responses = true
  # And there is no identity source: a request without a token is evaluated, too.
  authorizer_result_ttl_in_seconds = 0
}

resource "aws_apigatewayv2_integration" "http_content" {
  count = local.http

  api_id                 = aws_apigatewayv2_api.http_api[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.content_function.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_integration" "http_files" {
  count = local.http

  api_id                 = aws_apigatewayv2_api.http_api[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.files_function.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "http_get_content" {
  count = local.http

  api_id             = aws_apigatewayv2_api.http_api[0].id
  route_key          = "GET /content"
  authorization_type = "JWT"
  authorizer_id      = aws_apigatewayv2_authorizer.http_pool_authorizer[0].id
  target             = "integrations/${aws_apigatewayv2_integration.http_content[0].id}"
}

resource "aws_apigatewayv2_route" "http_ask_content" {
  count = local.http

  api_id             = aws_apigatewayv2_api.http_api[0].id
  route_key          = "OPTIONS /content"
  authorization_type = "NONE"
  target             = "integrations/${aws_apigatewayv2_integration.http_content[0].id}"
}

resource "aws_apigatewayv2_route" "http_get_file" {
  count = local.http

  api_id             = aws_apigatewayv2_api.http_api[0].id
  route_key          = "GET /files/{proxy+}"
  authorization_type = "CUSTOM"
  authorizer_id      = aws_apigatewayv2_authorizer.http_path_authorizer[0].id
  target             = "integrations/${aws_apigatewayv2_integration.http_files[0].id}"
}

# `$default` is the stage whose name is not in the path.
resource "aws_apigatewayv2_stage" "http_stage" {
  count = local.http

  api_id      = aws_apigatewayv2_api.http_api[0].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = 100
    throttling_burst_limit = 200
  }
}

resource "aws_apigatewayv2_domain_name" "http_domain" {
  count = local.http

  domain_name = var.domain_name

  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "http_mapping" {
  count = local.http

  api_id      = aws_apigatewayv2_api.http_api[0].id
  domain_name = aws_apigatewayv2_domain_name.http_domain[0].domain_name
  stage       = aws_apigatewayv2_stage.http_stage[0].name
}
