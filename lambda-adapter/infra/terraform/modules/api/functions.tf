# Content, and the functions in front of it: one program in three roles.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

resource "aws_s3_bucket" "content_bucket" {
  bucket_prefix = "${lower(substr(var.name, 0, 28))}-content-"
}

resource "aws_s3_bucket_public_access_block" "content_bucket" {
  bucket                  = aws_s3_bucket.content_bucket.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "content_bucket" {
  bucket = aws_s3_bucket.content_bucket.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "content_bucket" {
  bucket = aws_s3_bucket.content_bucket.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "content_bucket" {
  bucket = aws_s3_bucket.content_bucket.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_policy" "content_bucket_policy" {
  bucket = aws_s3_bucket.content_bucket.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # Pre-signed URLs are requests of the role that signed them, so they pass while they live.
      {
        Sid       = "NobodyElseReads"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.content_bucket.arn}/*"
        Condition = { StringNotEquals = { "aws:PrincipalArn" = aws_iam_role.content_role.arn } }
      },
      {
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.content_bucket.arn, "${aws_s3_bucket.content_bucket.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.content_bucket]
}

locals {
  lambda_only = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role" "content_role" {
  name_prefix        = "${substr(var.name, 0, 26)}-content-"
  assume_role_policy = local.lambda_only
}

resource "aws_iam_role_policy" "content_role" {
  name = "content"
  role = aws_iam_role.content_role.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Objects"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.content_bucket.arn}/*"
      },
      # It never lists. With this right S3 says 404 for what is not there, without it 403.
      {
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.content_bucket.arn
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${aws_cloudwatch_log_group.content_logs.arn}:*", "${aws_cloudwatch_log_group.files_logs.arn}:*"]
      },
    ]
  })
}

resource "aws_iam_role" "authorizer_role" {
  name_prefix        = "${substr(var.name, 0, 26)}-auth-"
  assume_role_policy = local.lambda_only
}

resource "aws_iam_role_policy" "authorizer_role" {
  name = "logs"
  role = aws_iam_role.authorizer_role.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Logs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.authorizer_logs.arn}:*"
    }]
  })
}

# `?fn=FILE`, for the callback page.
resource "aws_lambda_function" "content_function" {
  function_name = "${var.name}-content"
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = ["x86_64"]
  role          = aws_iam_role.content_role.arn
  memory_size   = 512
  # API Gateway waits 29 seconds at most.
  timeout                        = 25
  reserved_concurrent_executions = var.max_concurrency
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.content_logs.name
  }

  environment {
    variables = {
      TOLLGATE_ROLE         = "content"
      TOLLGATE_CONTENT_FROM = "fn"
      TOLLGATE_DELIVERY     = "body"
      TOLLGATE_BUCKET       = aws_s3_bucket.content_bucket.id
      TOLLGATE_CORS_ORIGINS = var.page_origin
    }
  }
}

# `/files/PATH`, for links in pages of the API's own site.
resource "aws_lambda_function" "files_function" {
  function_name                  = "${var.name}-files"
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = ["x86_64"]
  role                           = aws_iam_role.content_role.arn
  memory_size                    = 512
  timeout                        = 25
  reserved_concurrent_executions = var.max_concurrency
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.files_logs.name
  }

  environment {
    variables = {
      TOLLGATE_ROLE         = "content"
      TOLLGATE_CONTENT_FROM = "path"
      TOLLGATE_BASE_PATH    = "/files"
      TOLLGATE_DELIVERY     = "presigned"
      TOLLGATE_BUCKET       = aws_s3_bucket.content_bucket.id
    }
  }
}

resource "aws_lambda_function" "authorizer_function" {
  function_name                  = "${var.name}-authorizer"
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = ["x86_64"]
  role                           = aws_iam_role.authorizer_role.arn
  memory_size                    = 256
  timeout                        = 5
  reserved_concurrent_executions = var.max_concurrency
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.authorizer_logs.name
  }

  environment {
    variables = {
      TOLLGATE_ROLE             = "authorizer"
      TOLLGATE_BASE_PATH        = "/files"
      TOLLGATE_AUTHORIZER_CACHE = "off"
      TOLLGATE_HTTP_FORMAT      = var.kind == "http" ? "simple" : "iam"
    }
  }
}
