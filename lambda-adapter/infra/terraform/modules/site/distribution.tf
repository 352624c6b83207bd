# The distribution: a behaviour without the gate would be an open door.

locals {
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  caching_disabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

  # The association of content: exactly one of the two.
  lambda_gate   = local.small_edge ? [] : [aws_lambda_function.edge_function.qualified_arn]
  function_gate = aws_cloudfront_function.gate_function[*].arn

  callback = var.api_origin == null ? [] : [{
    path_pattern               = "/callback/*"
    cache_policy_id            = local.caching_optimized
    allowed_methods            = ["GET", "HEAD"]
    response_headers_policy_id = aws_cloudfront_response_headers_policy.callback_headers[0].id
  }]
  content = [for one in var.behaviors : merge(one, {
    response_headers_policy_id = aws_cloudfront_response_headers_policy.content_headers.id
  })]
}

resource "aws_cloudfront_distribution" "distribution" {
  enabled         = true
  comment         = var.name
  aliases         = [var.domain_name]
  http_version    = var.http_version
  is_ipv6_enabled = true
  web_acl_id      = one(aws_wafv2_web_acl.web_acl[*].arn)

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  origin {
    origin_id                = "content"
    domain_name              = aws_s3_bucket.content_bucket.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.origin_access.id
  }

  # No default_root_object: CloudFront would fetch another path than the one that was decided about.
  default_cache_behavior {
    target_origin_id       = "content"
    viewer_protocol_policy = "https-only"
    # Preflights must reach the function: see `cors` of `[deny]`.
    allowed_methods            = ["GET", "HEAD", "OPTIONS"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.content_headers.id

    dynamic "lambda_function_association" {
      for_each = local.lambda_gate
      content {
        event_type = "viewer-request"
        lambda_arn = lambda_function_association.value
      }
    }

    dynamic "function_association" {
      for_each = local.function_gate
      content {
        event_type   = "viewer-request"
        function_arn = function_association.value
      }
    }
  }

  # `[sign_in]` and the endpoint of `[session]`: the function answers with cookies, and nothing reaches the bucket. No
  # origin request policy is needed: the function runs at the viewer request, before the cache, where it receives every
  # header, cookie and query parameter. It is first: of several behaviours that match, CloudFront takes the first.
  ordered_cache_behavior {
    path_pattern               = "${var.sign_in_path}/*"
    target_origin_id           = "content"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.caching_disabled
    response_headers_policy_id = aws_cloudfront_response_headers_policy.gate_headers.id

    lambda_function_association {
      event_type = "viewer-request"
      lambda_arn = aws_lambda_function.edge_function.qualified_arn
    }
  }

  dynamic "ordered_cache_behavior" {
    for_each = concat(local.callback, local.content)
    iterator = behavior
    content {
      path_pattern               = behavior.value.path_pattern
      target_origin_id           = "content"
      viewer_protocol_policy     = "https-only"
      allowed_methods            = behavior.value.allowed_methods
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = behavior.value.cache_policy_id
      response_headers_policy_id = behavior.value.response_headers_policy_id

      dynamic "lambda_function_association" {
        for_each = local.lambda_gate
        content {
          event_type = "viewer-request"
          lambda_arn = lambda_function_association.value
        }
      }

      dynamic "function_association" {
        for_each = local.function_gate
        content {
          event_type   = "viewer-request"
          function_arn = function_association.value
        }
      }
    }
  }
}

# The gate's own pages have a content security policy, and all its responses are `no-store`.
resource "aws_cloudfront_response_headers_policy" "gate_headers" {
  name = "${var.name}-gate"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "content_headers" {
  name = "${var.name}-content"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }

    content_type_options {
      override = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }
  }

  custom_headers_config {
    # Browsers may keep a file, and have to ask every time whether they may still have it.
    items {
      header   = "Cache-Control"
      value    = "private, no-cache"
      override = true
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "callback_headers" {
  count = var.api_origin == null ? 0 : 1

  name = "${var.name}-callback"

  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }

    content_type_options {
      override = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    content_security_policy {
      content_security_policy = join(" ", [
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:;",
        "connect-src 'self' ${var.api_origin} ${var.login_origin};",
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      ])
      override = true
    }
  }

  custom_headers_config {
    items {
      header   = "Cache-Control"
      value    = "no-store"
      override = true
    }
  }
}

resource "aws_route53_record" "record" {
  for_each = var.hosted_zone_id == null ? [] : toset(["A", "AAAA"])

  zone_id = var.hosted_zone_id
  name    = var.domain_name
  type    = each.key

  alias {
    name                   = aws_cloudfront_distribution.distribution.domain_name
    zone_id                = aws_cloudfront_distribution.distribution.hosted_zone_id
    evaluate_target_health = false
  }
}
