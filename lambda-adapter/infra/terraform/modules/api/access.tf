# Who may call the functions, the API's record, WAF.

locals {
  execution = local.rest == 1 ? aws_api_gateway_rest_api.api[0].execution_arn : aws_apigatewayv2_api.http_api[0].execution_arn
}

# Each function may be called by its one method only.
resource "aws_lambda_permission" "content_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.content_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${local.execution}/*/*/content"
}

resource "aws_lambda_permission" "files_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.files_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = local.rest == 1 ? "${local.execution}/*/GET/files/*" : "${local.execution}/*/*/files/{proxy+}"
}

resource "aws_lambda_permission" "authorizer_permission" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.authorizer_function.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${local.execution}/authorizers/${local.rest == 1 ? aws_api_gateway_authorizer.path_authorizer[0].id : aws_apigatewayv2_authorizer.http_path_authorizer[0].id}"
}

resource "aws_route53_record" "record" {
  count = var.hosted_zone_id == null ? 0 : 1

  zone_id = var.hosted_zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = local.target
    zone_id                = local.rest == 1 ? aws_api_gateway_domain_name.domain[0].regional_zone_id : aws_apigatewayv2_domain_name.http_domain[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}

resource "aws_wafv2_web_acl" "web_acl" {
  count = var.waf_requests == null ? 0 : 1

  name  = "${var.name}-api"
  scope = "REGIONAL"

  default_action {
    allow {}
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${var.name}-api"
    # Samples contain tokens.
    sampled_requests_enabled = false
  }

  rule {
    name     = "rate"
    priority = 0

    action {
      block {}
    }

    statement {
      rate_based_statement {
        aggregate_key_type = "IP"
        limit              = var.waf_requests
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-rate"
      sampled_requests_enabled   = false
    }
  }

  rule {
    name     = "reputation"
    priority = 1

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesAmazonIpReputationList"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-reputation"
      sampled_requests_enabled   = false
    }
  }
}

resource "aws_wafv2_web_acl_association" "web_acl_of_stage" {
  count = var.waf_requests == null ? 0 : 1

  web_acl_arn  = aws_wafv2_web_acl.web_acl[0].arn
  resource_arn = aws_api_gateway_stage.stage[0].arn
}
