//! The CI command: runs `cargo xtask test` and has no steps of its own.

use anyhow::Result;

use crate::{Verdict, test};

/// Runs `cargo xtask test` in full.
pub(crate) fn run() -> Result<Verdict> {
    test::run(&test::Args { quick: false })
}
