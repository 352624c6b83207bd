variable "name" {
  description = "The prefix of every name, such as learn. The Lambda@Edge function is NAME-edge, the CloudFront function NAME-gate."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,50}$", var.name))
    error_message = "Use a letter, then letters, digits and hyphens: AWS accepts these in all names that the module builds."
  }
}

variable "edge" {
  description = "What decides about content: `lambda-edge`, or `cloudfront-functions`. Sign-in is Lambda@Edge in both cases."
  type        = string
  default     = "lambda-edge"

  validation {
    condition     = contains(["lambda-edge", "cloudfront-functions"], var.edge)
    error_message = "Use lambda-edge or cloudfront-functions."
  }
}

variable "package" {
  description = "The zip that `tollgate build --target lambda-edge` wrote."
  type        = string
}

variable "domain_name" {
  description = "The site's name, such as learn.example.com."
  type        = string
}

variable "certificate_arn" {
  description = "A certificate for it in us-east-1."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "CloudFront takes certificates of us-east-1 only."
  }
}

variable "hosted_zone_id" {
  description = "The Route 53 zone of the site's name, for its records. Without one, write them where the zone is."
  type        = string
  default     = null
}

variable "sign_in_path" {
  description = "The `path` of `[sign_in]`, also for the endpoint of `[session]`."
  type        = string
  default     = "/.tollgate"

  validation {
    condition     = can(regex("^/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]$", var.sign_in_path))
    error_message = "Use the path as in site.toml, without a slash at its end."
  }
}

variable "api_origin" {
  description = "The origin of the API that the callback page calls. Without one, there is no behaviour for the page."
  type        = string
  default     = null
}

variable "login_origin" {
  description = "Where the hosted login is, which the callback page calls for tokens."
  type        = string
  default     = "https://login.example.com"
}

variable "http_version" {
  description = "What viewers may speak. HTTP/3 excludes continuous deployment."
  type        = string
  default     = "http2and3"
}

variable "behaviors" {
  description = "More behaviours, in this order after that of sign-in. Each has the gate; that is not an option."
  type = list(object({
    path_pattern    = string
    cache_policy_id = optional(string, "658327ea-f89d-4fab-a63d-7e88639e58f6")
    allowed_methods = optional(list(string), ["GET", "HEAD", "OPTIONS"])
  }))
  default = []

  validation {
    condition     = alltrue([for one in var.behaviors : length(setsubtract(one.allowed_methods, ["GET", "HEAD", "OPTIONS"])) == 0])
    error_message = "Content is read with GET, HEAD and OPTIONS. A behaviour that writes belongs on another distribution."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept, in every region."
  type        = number
  default     = 90
}

variable "log_regions" {
  description = "The regions other than us-east-1 where Lambda@Edge answers requests: each has a log group, and an alarm."
  type        = set(string)
  default = [
    "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1",
    "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2",
  ]

  validation {
    condition     = !contains(var.log_regions, "us-east-1")
    error_message = "The log group of us-east-1 is always there: leave it out."
  }
}

variable "alarm_email" {
  description = "The address that is notified of alarms. It has to confirm this once in each region."
  type        = string
  default     = null
}

variable "waf_requests" {
  description = "AWS WAF with this limit of requests per address in five minutes, and with Amazon's list of bad addresses. Without one, there is no WAF."
  type        = number
  default     = null
}

variable "force_destroy" {
  description = "Whether the bucket is deleted with its content. Meant for tests."
  type        = bool
  default     = false
}
