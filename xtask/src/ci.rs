//! The CI command: runs `cargo xtask test` and has no steps of its own.

use anyhow::Result;

use crate::{Verdict, test};

/// Runs the whole of `cargo xtask test`.
pub(crate) fn run() -> Result<Verdict> {
    test::run(&test::Args { quick: false })
}
