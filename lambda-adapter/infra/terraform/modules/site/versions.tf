terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6: every resource has a region, which the log groups of Lambda@Edge need.
      version = ">= 6.0"
    }
  }
}
