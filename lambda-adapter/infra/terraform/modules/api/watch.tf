# Logs, alarms, dashboard.

resource "aws_cloudwatch_log_group" "content_logs" {
  name              = "/aws/lambda/${var.name}-content"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "files_logs" {
  name              = "/aws/lambda/${var.name}-files"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "authorizer_logs" {
  name              = "/aws/lambda/${var.name}-authorizer"
  retention_in_days = var.log_retention_days
}

locals {
  # A denial because something failed: the record has `"reason":"internal"`. In such patterns, quotes can be written as
  # numbers only.
  internal = "%\\x22reason\\x22:\\x22internal\\x22%"
}

resource "aws_cloudwatch_log_metric_filter" "content_internal" {
  name           = "${var.name}-content-internal"
  log_group_name = aws_cloudwatch_log_group.content_logs.name
  pattern        = local.internal

  metric_transformation {
    namespace     = "Tollgate"
    name          = "${var.name}-internal"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_metric_filter" "files_internal" {
  name           = "${var.name}-files-internal"
  log_group_name = aws_cloudwatch_log_group.files_logs.name
  pattern        = local.internal

  metric_transformation {
    namespace     = "Tollgate"
    name          = "${var.name}-internal"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_metric_filter" "authorizer_internal" {
  name           = "${var.name}-authorizer-internal"
  log_group_name = aws_cloudwatch_log_group.authorizer_logs.name
  pattern        = local.internal

  metric_transformation {
    namespace     = "Tollgate"
    name          = "${var.name}-internal"
    value         = "1"
    default_value = "0"
  }
}

# A topic with a key of AWS would not receive what CloudWatch sends.
resource "aws_sns_topic" "alarms" {
  name         = "${var.name}-alarms"
  display_name = "Tollgate, ${var.name}"
}

resource "aws_sns_topic_subscription" "alarms" {
  count = var.alarm_email == null ? 0 : 1

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "internal_alarm" {
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
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

locals {
  dimension = local.rest == 1 ? { ApiName = var.name } : { ApiId = aws_apigatewayv2_api.http_api[0].id }
  failed    = local.rest == 1 ? "5XXError" : "5xx"
  denied    = local.rest == 1 ? "4XXError" : "4xx"
  of_api    = flatten([for name, value in local.dimension : [name, value]])
}

# The share of responses: also functions that end, or take too long.
resource "aws_cloudwatch_metric_alarm" "error_alarm" {
  alarm_name          = "${var.name}-5xx"
  alarm_description   = "More than 1 % of responses are 5xx. Every failure of the gate is one."
  namespace           = "AWS/ApiGateway"
  metric_name         = local.failed
  dimensions          = local.dimension
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 2
  threshold           = 0.01
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  dashboard_name = "${var.name}-api"

  dashboard_body = jsonencode({
    widgets = [for at, widget in [
      { title = "Requests and denials", stat = "Sum", metrics = [
        for name in ["Count", local.denied, local.failed] : concat(["AWS/ApiGateway", name], local.of_api)
      ] },
      { title = "Latency", stat = "p99", metrics = [concat(["AWS/ApiGateway", "Latency"], local.of_api)] },
      { title = "Functions", stat = "Sum", metrics = [
        for pair in setproduct(["Errors", "Throttles"], ["content", "files", "authorizer"]) : ["AWS/Lambda", pair[0], "FunctionName", "${var.name}-${pair[1]}"]
      ] },
      { title = "Denied by an internal error", stat = "Sum", metrics = [["Tollgate", "${var.name}-internal"]] },
      ] : {
      type       = "metric"
      x          = 12 * (at % 2)
      y          = 6 * floor(at / 2)
      width      = 12
      height     = 6
      properties = merge(widget, { region = data.aws_region.current.region, period = 300 })
    }]
  })
}
