//! `tollgate keys`: the public keys that a policy pins, and test keys.

mod failed;
mod fetch;
mod new;

use clap::Subcommand;

pub(crate) use failed::{NotPinned, Reason};
pub(crate) use fetch::{Fetched, fetch};

/// Fetch the public keys of issuers, or generate test keys
#[derive(Subcommand)]
pub(crate) enum Keys {
    Fetch(fetch::Fetch),
    New(new::New),
}
