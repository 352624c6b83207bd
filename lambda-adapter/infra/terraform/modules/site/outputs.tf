output "bucket" {
  description = "Where content goes."
  value       = aws_s3_bucket.content_bucket.id
}

output "distribution_id" {
  description = "For `tollgate publish`, and for invalidations."
  value       = aws_cloudfront_distribution.distribution.id
}

output "distribution_domain_name" {
  description = "What the site's name has to point to."
  value       = aws_cloudfront_distribution.distribution.domain_name
}

output "function_name" {
  description = "The Lambda@Edge function."
  value       = aws_lambda_function.edge_function.function_name
}

output "function_version" {
  description = "What decides at the moment, where Lambda@Edge decides."
  value       = aws_lambda_function.edge_function.version
}

output "gate_function_name" {
  description = "The CloudFront function to publish to."
  value       = one(aws_cloudfront_function.gate_function[*].name)
}

output "store_arn" {
  description = "The KeyValueStore to publish to."
  value       = one(aws_cloudfront_key_value_store.store[*].arn)
}

output "alarm_topics" {
  description = "Where alarms go, by region."
  value       = { for region, topic in aws_sns_topic.alarms : region => topic.arn }
}
