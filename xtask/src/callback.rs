//! The tests of the callback page: its modules in Node, and the page itself in headless Chromium against the
//! local issuer. Their prerequisites are installed at first use.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::tally::Tally;
use crate::tools::{self, Npm};
use crate::ui::Step;
use crate::{repo, shell};

/// Drives Chromium; contains no browser of its own.
const PLAYWRIGHT: Npm<'static> = Npm {
    folder: "playwright",
    packages: &["playwright-core@1.64.1"],
};

/// Runs the tests and returns the report, the counts, and whether all passed. The programs must already be
/// built.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let mut test = shell::tool("node", ["--test", "--test-reporter=tap"]);
    let files = repo::entries(&repo::root().join("lambda-adapter/callback/test"))?;
    let is_test = |file: &&PathBuf| file.to_string_lossy().ends_with(".test.mjs");
    test.args(files.iter().filter(is_test))
        .env("TOLLGATE_LOCAL_ISSUER", repo::program("local-issuer"));
    let done = shell::capture(with_browser(&mut test, step)?, |line| step.line(line))?;
    let tally = Tally::from_tap(&done.text);
    // A runner that finds no test file succeeds, but has tested nothing.
    Ok((done.text, tally, done.success && tally.passed > 0))
}

/// Sets the variables with the locations of the browser and its driver.
pub(crate) fn with_browser<'a>(command: &'a mut Command, step: &Step) -> Result<&'a mut Command> {
    let playwright = tools::npm(&PLAYWRIGHT, step)?.join("node_modules");
    let chromium = tools::debian(&["chromium"], "chromium", step)?;
    Ok(command
        .env("TOLLGATE_PLAYWRIGHT", playwright)
        .env("TOLLGATE_CHROMIUM", chromium))
}
