//! `tollgate token`: tokens for tests and demonstrations, signed by keys that are for nothing else.

mod mint;

use clap::Subcommand;

/// Make tokens for tests and demonstrations
#[derive(Subcommand)]
pub(crate) enum Token {
    Mint(mint::Mint),
}
