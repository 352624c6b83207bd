output "user_pool_id" {
  description = "`user_pool` of `cognito` in the `[[issuer]]`."
  value       = local.pool_id
}

output "client_id" {
  description = "`client` of `[sign_in]`, and one of the `clients` of the `[[issuer]]`."
  value       = aws_cognito_user_pool_client.client.id
}

output "callback" {
  description = "Where Cognito sends users after they signed in."
  value       = "${local.gate}/callback"
}
