terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # As the module `site`, so that both can be in one configuration.
      version = ">= 6.0"
    }
  }
}
