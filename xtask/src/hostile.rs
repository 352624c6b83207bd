//! Hostile inputs of a megabyte: prints the result, memory and time of each.

use anyhow::Result;

use crate::{Verdict, shell};

/// Runs the test with all hostile inputs and prints its table.
pub(crate) fn run() -> Result<Verdict> {
    // Built with the whole workspace, so that nothing large is built twice.
    let mut test = shell::cargo(["test", "--quiet", "--workspace", "--test", "hostile"]);
    // The compiler has a test program with the same name.
    test.args(["--", "--nocapture", "--test-threads=1", "hostile_inputs"]);
    Ok(Verdict::of(shell::hand_over(&mut test)? == 0))
}
