# Logs, alarms, dashboard, WAF.

locals {
  # Lambda@Edge writes where a request was answered.
  regions = setunion(var.log_regions, ["us-east-1"])
  # A denial because something failed: the record has `"reason":"internal"`. In such patterns, quotes can be written as
  # numbers only.
  internal = "%\\x22reason\\x22:\\x22internal\\x22%"
}

resource "aws_cloudwatch_log_group" "edge_logs" {
  for_each = local.regions

  region = each.key
  # The region in the name is that of the function, not that of the log group.
  name              = "/aws/lambda/us-east-1.${var.name}-edge"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_metric_filter" "edge_internal" {
  for_each = local.regions

  region         = each.key
  name           = "${var.name}-edge-internal"
  log_group_name = aws_cloudwatch_log_group.edge_logs[each.key].name
  pattern        = local.internal

  metric_transformation {
    namespace     = "Tollgate"
    name          = "${var.name}-internal"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_group" "gate_logs" {
  count = local.small_edge ? 1 : 0

  region            = "us-east-1"
  name              = "/aws/cloudfront/function/${var.name}-gate"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_metric_filter" "gate_internal" {
  count = local.small_edge ? 1 : 0

  region         = "us-east-1"
  name           = "${var.name}-gate-internal"
  log_group_name = aws_cloudwatch_log_group.gate_logs[0].name
  pattern        = local.internal

  metric_transformation {
    namespace     = "Tollgate"
    name          = "${var.name}-internal"
    value         = "1"
    default_value = "0"
  }
}

# CloudWatch notifies topics of its own region only. A topic with a key of AWS would not receive what it sends.
resource "aws_sns_topic" "alarms" {
  for_each = local.regions

  region       = each.key
  name         = "${var.name}-alarms"
  display_name = "Tollgate, ${var.name}"
}

resource "aws_sns_topic_subscription" "alarms" {
  for_each = var.alarm_email == null ? [] : local.regions

  region    = each.key
  topic_arn = aws_sns_topic.alarms[each.key].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "internal_alarm" {
  for_each = local.regions

  region              = each.key
  alarm_name          = "${var.name}-internal"
  alarm_description   = "The gate denied requests because something failed. Records with the reason `internal` name the detail."
  namespace           = "Tollgate"
  metric_name         = "${var.name}-internal"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms[each.key].arn]
}

# Of all edges, in one place: also functions that throw, are throttled or return what CloudFront rejects.
resource "aws_cloudwatch_metric_alarm" "error_alarm" {
  region              = "us-east-1"
  alarm_name          = "${var.name}-5xx"
  alarm_description   = "More than 1 % of responses are 5xx. Every failure of the gate is one."
  namespace           = "AWS/CloudFront"
  metric_name         = "5xxErrorRate"
  dimensions          = { DistributionId = aws_cloudfront_distribution.distribution.id, Region = "Global" }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 2
  threshold           = 1
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms["us-east-1"].arn]
}

# CloudFront throttles a function that is too slow, which denies requests.
resource "aws_cloudwatch_metric_alarm" "function_alarm" {
  count = local.small_edge ? 1 : 0

  region              = "us-east-1"
  alarm_name          = "${var.name}-function"
  alarm_description   = "The CloudFront function uses more than 80 % of its time. Above it, CloudFront throttles."
  namespace           = "AWS/CloudFront"
  metric_name         = "FunctionComputeUtilization"
  dimensions          = { FunctionName = aws_cloudfront_function.gate_function[0].name, Region = "Global" }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 2
  threshold           = 80
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms["us-east-1"].arn]
}

locals {
  site_dimensions = ["DistributionId", aws_cloudfront_distribution.distribution.id, "Region", "Global"]
  gate_dimensions = ["FunctionName", "${var.name}-gate", "Region", "Global"]
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  region         = "us-east-1"
  dashboard_name = "${var.name}-edge"

  dashboard_body = jsonencode({
    widgets = [for at, widget in [
      { title = "Requests", stat = "Sum", metrics = [concat(["AWS/CloudFront", "Requests"], local.site_dimensions)] },
      { title = "Denied and failed, %", stat = "Average", metrics = [
        concat(["AWS/CloudFront", "4xxErrorRate"], local.site_dimensions),
        concat(["AWS/CloudFront", "5xxErrorRate"], local.site_dimensions),
      ] },
      { title = "Lambda@Edge, by region", stat = "Sum", metrics = [
        for region in local.regions : ["AWS/Lambda", "Invocations", "FunctionName", "us-east-1.${var.name}-edge", { region = region, label = region }]
      ] },
      # The name of a function that does not exist shows an empty graph.
      { title = "CloudFront function", stat = "Sum", metrics = [
        concat(["AWS/CloudFront", "FunctionInvocations"], local.gate_dimensions),
        concat(["AWS/CloudFront", "FunctionExecutionErrors"], local.gate_dimensions),
        concat(["AWS/CloudFront", "FunctionThrottles"], local.gate_dimensions),
        concat(["AWS/CloudFront", "FunctionComputeUtilization"], local.gate_dimensions, [{ stat = "Average", yAxis = "right" }]),
      ] },
      { title = "Denied by an internal error", stat = "Sum", metrics = [
        for region in local.regions : ["Tollgate", "${var.name}-internal", { region = region, label = region }]
      ] },
      ] : {
      type       = "metric"
      x          = 12 * (at % 2)
      y          = 6 * floor(at / 2)
      width      = 12
      height     = 6
      properties = merge(widget, { region = "us-east-1", period = 300 })
    }]
  })
}

# No rule group that reads queries and bodies: the gate rejects ambiguous paths itself, and such groups block `code` and
# `state` of a callback now and then.
resource "aws_wafv2_web_acl" "web_acl" {
  count = var.waf_requests == null ? 0 : 1

  region = "us-east-1"
  name   = "${var.name}-edge"
  scope  = "CLOUDFRONT"

  default_action {
    allow {}
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = "${var.name}-edge"
    # Samples contain cookies.
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
