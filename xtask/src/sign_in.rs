//! The tests of sign-in: a provider and an edge on loopback, and headless Chromium between them.
//!
//! Not here: the scenarios, which are in `lab/sign-in`.

use std::path::PathBuf;

use anyhow::Result;

use crate::build::{cloudflare, javascript};
use crate::tally::Tally;
use crate::tools::{self, Npm};
use crate::ui::Step;
use crate::{callback, repo, shell};

/// Sign-in services that run in Node.
const PROVIDERS: Npm<'static> = Npm {
    folder: "providers",
    packages: &["oidc-provider@9.13.3", "oauth2-mock-server@8.2.3"],
};
/// The number of test files that run at the same time. They mostly wait, for sessions to end.
const AT_ONCE: &str = "--test-concurrency=4";

/// Runs the tests and returns the report, the counts, and whether all passed. Parts and programs must already
/// be built.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let providers = tools::npm(&PROVIDERS, step)?.join("node_modules");
    let ministack = tools::pip(&tools::MINISTACK, step)?.join("bin/ministack");
    let workerd = cloudflare::workerd(step)?;
    let nginx = javascript::nginx(step)?;
    let mut test = shell::tool("node", ["--test", "--test-reporter=tap", AT_ONCE]);
    let files = repo::entries(&repo::root().join("lab/sign-in/test"))?;
    let is_test = |file: &&PathBuf| file.to_string_lossy().ends_with(".test.mjs");
    test.args(files.iter().filter(is_test))
        .env("TOLLGATE", repo::program("tollgate"))
        .env("TOLLGATE_PARTS", repo::parts())
        .env("TOLLGATE_PROVIDERS", providers)
        .env("TOLLGATE_MINISTACK", ministack)
        .env("TOLLGATE_WORKERD", workerd)
        .env("TOLLGATE_NGINX", nginx);
    let browser = callback::with_browser(&mut test, step)?;
    let done = shell::capture(browser, |line| step.line(line))?;
    let tally = Tally::from_tap(&done.text);
    // A runner that finds no test file succeeds, but has tested nothing.
    Ok((done.text, tally, done.success && tally.passed > 0))
}
