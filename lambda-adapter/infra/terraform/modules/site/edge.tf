# What decides: a Lambda@Edge function for sign-in, and for content unless a CloudFront function does that.

locals {
  small_edge = var.edge == "cloudfront-functions"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_iam_role" "edge_role" {
  name_prefix = "${substr(var.name, 0, 30)}-edge-"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["lambda.amazonaws.com", "edgelambda.amazonaws.com"] }
      Action    = "sts:AssumeRole"
    }]
  })
}

# It decides from what is in its package and fetches public keys: logs are all it needs. They are written in the region
# where a request was answered.
resource "aws_iam_role_policy" "edge_role" {
  name = "logs"
  role = aws_iam_role.edge_role.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "EdgeLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:${data.aws_partition.current.partition}:logs:*:${data.aws_caller_identity.current.account_id}:log-group:/aws/lambda/us-east-1.${var.name}-edge:*"
    }]
  })
}

resource "aws_lambda_function" "edge_function" {
  region        = "us-east-1"
  function_name = "${var.name}-edge"
  runtime       = "nodejs22.x"
  # The only architecture at the edge.
  architectures = ["x86_64"]
  handler       = "index.handler"
  role          = aws_iam_role.edge_role.arn
  memory_size   = 128
  timeout       = 5

  filename         = var.package
  source_code_hash = filebase64sha256(var.package)

  # A distribution takes numbered versions.
  publish = true
  # Copies at the edge exist for some hours after the distribution is gone, and the function cannot be deleted before.
  skip_destroy = true

  depends_on = [aws_cloudwatch_log_group.edge_logs]
}

# The function of `edge = "cloudfront-functions"`. Its source and its policy are published, not applied: put the entries,
# switch, wait, publish.
resource "aws_cloudfront_key_value_store" "store" {
  count = local.small_edge ? 1 : 0

  name    = "${var.name}-policy"
  comment = "Tollgate's policy. Written by a publication only."
}

resource "aws_cloudfront_function" "gate_function" {
  count = local.small_edge ? 1 : 0

  name                         = "${var.name}-gate"
  runtime                      = "cloudfront-js-2.0"
  comment                      = "Tollgate"
  publish                      = true
  key_value_store_associations = [aws_cloudfront_key_value_store.store[0].arn]

  code = <<-EOT
    // Nothing is published yet: every request is denied.
    function handler() {
      return {
        statusCode: 503,
        statusDescription: "Service Unavailable",
        headers: { "cache-control": { value: "no-store" } },
      };
    }
  EOT

  lifecycle {
    # `tollgate publish` replaces it.
    ignore_changes = [code]
  }
}
