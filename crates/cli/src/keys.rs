//! `tollgate keys`: the public keys that a policy pins.

mod failed;
mod fetch;

use clap::Subcommand;

pub(crate) use failed::NotPinned;

/// Fetch the public keys of issuers
#[derive(Subcommand)]
pub(crate) enum Keys {
    Fetch(fetch::Fetch),
}
