//! Real path readers from PyPI (nginx, Caddy and an S3 emulator), which read the paths that the core has
//! decided.
//!
//! Not here: the file names they are tested with, which are in the test of `tollgate-targets`.

use anyhow::Result;

use super::{javascript, proxies};
use crate::shell;
use crate::tally::Tally;
use crate::tools;
use crate::ui::Step;

/// Runs the tests with all readers. `cargo test` must have built them.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let nginx = javascript::nginx(step)?;
    let caddy = proxies::programs(step)?.join("caddy");
    let ministack = tools::pip(&tools::MINISTACK, step)?.join("bin/ministack");
    // Of the whole workspace, as in `cargo test`: for a single package wasmtime would be rebuilt.
    let mut test = shell::linted(["test", "--workspace", "--test", "readers"]);
    test.args(["--", "--nocapture"])
        .env("TOLLGATE_NGINX", nginx)
        .env("TOLLGATE_CADDY", caddy)
        .env("TOLLGATE_MINISTACK", ministack);
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_cargo_test(&done.text);
    Ok((done.text, tally, done.success && tally.passed > 0))
}
