//! `tollgate token`: tokens for tests and demonstrations, signed with keys that have no other use.

mod mint;

use clap::Subcommand;

/// Create tokens for tests and demonstrations
#[derive(Subcommand)]
pub(crate) enum Token {
    Mint(mint::Mint),
}
