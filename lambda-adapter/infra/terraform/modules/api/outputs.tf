locals {
  target = local.rest == 1 ? aws_api_gateway_domain_name.domain[0].regional_domain_name : aws_apigatewayv2_domain_name.http_domain[0].domain_name_configuration[0].target_domain_name
}

output "bucket" {
  description = "Where content goes."
  value       = aws_s3_bucket.content_bucket.id
}

output "content" {
  description = "What the callback page calls."
  value       = "https://${var.domain_name}/content"
}

output "domain_target" {
  description = "What the API's name has to point to."
  value       = local.target
}

output "alarm_topic" {
  description = "Where alarms go."
  value       = aws_sns_topic.alarms.arn
}
