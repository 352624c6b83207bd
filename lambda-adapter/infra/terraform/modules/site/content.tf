# Content: only this distribution reads it.

resource "aws_s3_bucket" "content_bucket" {
  bucket_prefix = "${lower(substr(var.name, 0, 28))}-content-"
  force_destroy = var.force_destroy
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
      # Objects, and no listing: with `s3:ListBucket` a request for `/` would show every name there is. A missing
      # object is therefore 403 from S3.
      {
        Sid       = "ThisDistributionReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.content_bucket.arn}/*"
        Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.distribution.arn } }
      },
      # Also for users and roles of this account, whatever their own policies say.
      {
        Sid       = "NobodyElseReads"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.content_bucket.arn}/*"
        Condition = { StringNotEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.distribution.arn } }
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

  # A policy that is written before the block could be a public one.
  depends_on = [aws_s3_bucket_public_access_block.content_bucket]
}

resource "aws_cloudfront_origin_access_control" "origin_access" {
  name                              = "${var.name}-content"
  origin_access_control_origin_type = "s3"
  # Always: a viewer's own Authorization header never reaches S3.
  signing_behavior = "always"
  signing_protocol = "sigv4"
}
