# A site with sign-in, and an API in front of other content. Order: see docs/infrastructure.md.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

# The region of the API. The site is in us-east-1 whatever is here.
provider "aws" {
  region = "eu-west-1"
}

variable "edge_package" {
  description = "What `tollgate build --target lambda-edge` wrote."
  type        = string
}

variable "api_package" {
  description = "A zip with `bootstrap` and `policy.tgi`."
  type        = string
}

variable "edge" {
  type    = string
  default = "lambda-edge"
}

variable "kind" {
  type    = string
  default = "rest"
}

module "sign_in" {
  source = "../../modules/sign-in"

  name         = "learn"
  region       = "eu-west-1"
  domain_name  = "learn.example.com"
  login_prefix = "example-learn"
}

module "site" {
  source = "../../modules/site"

  name            = "learn"
  edge            = var.edge
  package         = var.edge_package
  domain_name     = "learn.example.com"
  certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/site"
  hosted_zone_id  = "Z0000000000000"
  api_origin      = "https://api.example.com"
  login_origin    = "https://example-learn.auth.eu-west-1.amazoncognito.com"
  behaviors       = [{ path_pattern = "/videos/*" }]
  alarm_email     = "ops@example.com"
  waf_requests    = 3000
}

module "api" {
  source = "../../modules/api"

  name            = "learn-api"
  kind            = var.kind
  package         = var.api_package
  user_pool_arn   = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/${module.sign_in.user_pool_id}"
  client_id       = module.sign_in.client_id
  page_origin     = "https://learn.example.com"
  domain_name     = "api.example.com"
  certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/api"
  hosted_zone_id  = "Z0000000000000"
  alarm_email     = "ops@example.com"
}

output "client_id" {
  value = module.sign_in.client_id
}

output "distribution" {
  value = module.site.distribution_domain_name
}
