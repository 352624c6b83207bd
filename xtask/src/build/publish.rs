//! `tollgate publish` against an emulator of AWS from PyPI.
//!
//! Not here: the tests, which are in `crates/cli/tests/publish_ministack.rs`, and faults, which `tollgate-publish` tests.

use anyhow::Result;

use crate::shell;
use crate::tally::Tally;
use crate::tools;
use crate::ui::Step;

/// Runs the test with the emulator. `cargo test` must have built it.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let ministack = tools::pip(&tools::MINISTACK, step)?.join("bin/ministack");
    // Of the whole workspace, as in `cargo test`: for a single package dependencies would be rebuilt.
    let mut test = shell::linted(["test", "--workspace", "--test", "publish_ministack"]);
    test.args(["--", "--nocapture"])
        .env("TOLLGATE_MINISTACK", ministack);
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_cargo_test(&done.text);
    // Without the emulator the test skips itself.
    let has_run = tally.passed > 0 && !done.text.contains("skipped: ");
    Ok((done.text, tally, done.success && has_run))
}
