# The app client of a site whose gate signs users in (`[sign_in]` of site.toml), and a user pool if there is none.

locals {
  pool_id    = var.user_pool_id == null ? aws_cognito_user_pool.user_pool[0].id : var.user_pool_id
  gate       = "https://${var.domain_name}${var.sign_in_path}"
  signed_out = var.signed_out_path == null ? "${local.gate}/signed-out" : "https://${var.domain_name}${var.signed_out_path}"
}

resource "aws_cognito_user_pool" "user_pool" {
  count = var.user_pool_id == null ? 1 : 0

  region                   = var.region
  name                     = var.name
  deletion_protection      = "ACTIVE"
  username_attributes      = ["email"]
  auto_verified_attributes = ["email"]
  mfa_configuration        = "OPTIONAL"

  username_configuration {
    case_sensitive = false
  }

  # The operator of the site creates accounts.
  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  software_token_mfa_configuration {
    enabled = true
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  password_policy {
    minimum_length    = 12
    require_lowercase = false
    require_numbers   = false
    require_symbols   = false
    require_uppercase = false
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cognito_user_pool_domain" "login" {
  count = var.user_pool_id == null ? 1 : 0

  region          = var.region
  user_pool_id    = local.pool_id
  domain          = var.login == null ? var.login_prefix : var.login.domain_name
  certificate_arn = var.login == null ? null : var.login.certificate_arn
}

resource "aws_route53_record" "login_record" {
  count = try(var.login.hosted_zone_id, null) == null ? 0 : 1

  zone_id = var.login.hosted_zone_id
  name    = var.login.domain_name
  type    = "A"

  alias {
    name                   = aws_cognito_user_pool_domain.login[0].cloudfront_distribution
    zone_id                = aws_cognito_user_pool_domain.login[0].cloudfront_distribution_zone_id
    evaluate_target_health = false
  }
}

resource "aws_cognito_user_pool_client" "client" {
  region       = var.region
  name         = var.name
  user_pool_id = local.pool_id
  # A public client: the gate proves with PKCE that it began the flow, and no secret has to be kept.
  generate_secret                      = false
  allowed_oauth_flows_user_pool_client = true
  # The code flow only: the implicit flow would put tokens into addresses.
  allowed_oauth_flows = ["code"]
  # Also the `scopes` of `[sign_in]`. Cognito issues refresh tokens without a scope for them.
  allowed_oauth_scopes = ["openid", "email"]
  # Compared by Cognito character by character. One per origin of the site.
  callback_urls                = ["${local.gate}/callback"]
  logout_urls                  = [local.signed_out]
  supported_identity_providers = ["COGNITO"]
  # Rotation excludes ALLOW_REFRESH_TOKEN_AUTH.
  explicit_auth_flows           = ["ALLOW_USER_SRP_AUTH"]
  prevent_user_existence_errors = "ENABLED"
  # Sign-out revokes the refresh token.
  enable_token_revocation = true

  # Two tabs may present the same refresh token at the same time: the old one is valid for a minute more.
  refresh_token_rotation {
    feature                    = "ENABLED"
    retry_grace_period_seconds = 60
  }

  id_token_validity      = var.id_token_minutes
  access_token_validity  = var.id_token_minutes
  refresh_token_validity = var.refresh_token_days

  token_validity_units {
    id_token      = "minutes"
    access_token  = "minutes"
    refresh_token = "days"
  }
}
