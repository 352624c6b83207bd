variable "name" {
  description = "The prefix of every name."
  type        = string
}

variable "kind" {
  description = "`rest` or `http`. Only a REST API limits callers by address, has WAF, and passes paths as they were sent; an HTTP API costs less."
  type        = string
  default     = "rest"

  validation {
    condition     = contains(["rest", "http"], var.kind)
    error_message = "Use rest or http."
  }
}

variable "package" {
  description = "A zip with `bootstrap` and `policy.tgi`."
  type        = string
}

variable "user_pool_arn" {
  description = "The Cognito user pool whose ID tokens are taken."
  type        = string
}

variable "client_id" {
  description = "The app client whose ID tokens an HTTP API takes. A REST API leaves that to the function."
  type        = string
  default     = null

  validation {
    condition     = var.kind == "rest" || var.client_id != null
    error_message = "An HTTP API needs client_id, the app client whose tokens it takes."
  }
}

variable "page_origin" {
  description = "The origin of the callback page, such as https://learn.example.com."
  type        = string
}

variable "domain_name" {
  description = "The API's name, such as api.example.com."
  type        = string
}

variable "certificate_arn" {
  description = "A certificate for it in the provider's region."
  type        = string
}

variable "hosted_zone_id" {
  description = "The Route 53 zone of the API's name, for its record. Without one, write it where the zone is."
  type        = string
  default     = null
}

variable "allowed_networks" {
  description = "Who may call a REST API at all, as CIDRs."
  type        = list(string)
  default     = ["0.0.0.0/0", "::/0"]

  validation {
    condition     = var.kind == "rest" || join(" ", var.allowed_networks) == "0.0.0.0/0 ::/0"
    error_message = "An HTTP API has no resource policy. Use kind = \"rest\" to limit callers by address."
  }
}

variable "max_concurrency" {
  description = "The most requests for content at one time, so that they cannot take the whole account's share."
  type        = number
  default     = 50
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 90
}

variable "alarm_email" {
  description = "The address that is notified of alarms. It has to confirm this once."
  type        = string
  default     = null
}

variable "waf_requests" {
  description = "AWS WAF for a REST API, with this limit of requests per address in five minutes. Without one, there is no WAF."
  type        = number
  default     = null

  validation {
    condition     = var.kind == "rest" || var.waf_requests == null
    error_message = "AWS WAF does not protect HTTP APIs. Use kind = \"rest\"."
  }
}
