variable "name" {
  description = "The name of the app client, and of a new pool."
  type        = string
}

variable "region" {
  description = "The region of the pool; users' accounts are stored there. Default: the provider's."
  type        = string
  default     = null
}

variable "domain_name" {
  description = "The site's name, such as learn.example.com."
  type        = string
}

variable "sign_in_path" {
  description = "The `path` of `[sign_in]`."
  type        = string
  default     = "/.tollgate"
}

variable "signed_out_path" {
  description = "The `signed_out` of `[sign_in]`, if it has one. Otherwise users return to the gate's own page."
  type        = string
  default     = null
}

variable "user_pool_id" {
  description = "An existing user pool in this region, with a domain. Without one, a pool is created."
  type        = string
  default     = null
}

variable "login_prefix" {
  description = "The first label of the login's name, PREFIX.auth.REGION.amazoncognito.com, for a new pool."
  type        = string
  default     = null
}

variable "login" {
  description = "A name of your own for the login of a new pool instead of login_prefix, its certificate in us-east-1, and its Route 53 zone. The name's parent must have an A record."
  type = object({
    domain_name     = string
    certificate_arn = string
    hosted_zone_id  = optional(string)
  })
  default = null

  validation {
    condition     = var.user_pool_id != null || (var.login == null) != (var.login_prefix == null)
    error_message = "A new pool needs exactly one of login_prefix and login, because users sign in at its domain."
  }
}

variable "id_token_minutes" {
  description = "The lifetime of ID tokens. A session never outlives the ID token that it was minted from."
  type        = number
  default     = 60
}

variable "refresh_token_days" {
  description = "How long a user stays signed in without signing in again."
  type        = number
  default     = 30
}
