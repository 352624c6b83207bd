//! The native Lambda program: packaged for AWS, and its tests against a local S3.
//!
//! Not here: the program itself, and conformance, which `tollgate-targets` runs.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::lambda_edge;
use crate::tally::Tally;
use crate::tools::{self, Pip};
use crate::ui::{self, Step};
use crate::{repo, shell};

/// The package and its program.
pub(crate) const PROGRAM: &str = "tollgate-lambda";
/// Builds the program for Lambda, and serves it events.
const CARGO_LAMBDA: Pip<'_> = Pip {
    folder: "cargo-lambda",
    packages: &["cargo-lambda==1.9.2"],
};
/// Lambda's limit for one upload.
const LIMIT_BYTES: usize = 50 * 1_024 * 1_024;

/// The path of the program `cargo-lambda` after installation.
pub(crate) fn cargo_lambda_path() -> PathBuf {
    tools::pip_folder(&CARGO_LAMBDA).join("bin/cargo-lambda")
}

/// The program `cargo-lambda`, installed at first use.
pub(crate) fn cargo_lambda(step: &Step) -> Result<PathBuf> {
    tools::pip(&CARGO_LAMBDA, step)?;
    Ok(cargo_lambda_path())
}

/// Builds the zip that Lambda runs and reports its size. It contains no policy: that is added next to the
/// program, or named by an environment variable.
pub(crate) fn package(step: &Step) -> Result<String> {
    // With this machine's own compiler and linker; the check below reports whether Lambda can load the
    // result.
    let mut build = shell::tool(cargo_lambda(step)?, ["lambda", "build", "--release"]);
    build
        .args([
            "--compiler",
            "cargo",
            "--package",
            PROGRAM,
            "--bin",
            PROGRAM,
        ])
        .args(["--output-format", "zip", "--lambda-dir"])
        .arg(folder());
    shell::must(&mut build, |line| step.line(line))?;
    lambda_edge::runs_on_lambda(&shipped())?;
    let zip = folder().join(PROGRAM).join("bootstrap.zip");
    let bytes = std::fs::metadata(&zip)
        .with_context(|| format!("{} was not written", repo::shown(&zip)))?
        .len();
    let bytes = usize::try_from(bytes)?;
    ensure!(
        bytes < LIMIT_BYTES,
        "the zip has {bytes} bytes; the limit is {LIMIT_BYTES}"
    );
    let rows = [
        ["native Lambda program", "zip"].map(str::to_owned).to_vec(),
        vec!["without a policy".to_owned(), ui::bytes(bytes)],
    ];
    Ok(ui::table(&rows))
}

/// The program in the zip that [`package`] builds. cargo-lambda always passes a target, so it is in a
/// different directory from the programs of other builds.
pub(crate) fn shipped() -> PathBuf {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    repo::target().join(target).join("release").join(PROGRAM)
}

/// The directory of the zip.
fn folder() -> PathBuf {
    repo::parts().join("lambda")
}

/// Runs the program's tests against an S3 that checks signatures.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    // Of the whole workspace, as in `cargo test`: for a single package S3's library would be rebuilt.
    let feature = format!("{PROGRAM}/s3-tests");
    let mut test = shell::tool(repo::program("demo"), ["bucket", "--"]);
    let cargo = shell::linted(["test", "--workspace", "--features", &feature]);
    test.arg(cargo.get_program()).args(cargo.get_args());
    test.args(["--test", "s3"])
        .envs(
            cargo
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_PKG_NAME");
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_cargo_test(&done.text);
    Ok((done.text, tally, done.success && tally.passed > 0))
}
