//! Generated files: the table of characters from the Unicode data ([`characters`]); JSON Schemas and reference
//! pages, written by the compiler from the items they describe. What those hold is the compiler's business; this
//! starts it.

mod characters;

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{Verdict, repo, shell};

/// Arguments of `codegen`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a file differs from what would be written.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks the generated files.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    // First, because the compiler is built with it.
    let (path, text) = (characters::path(), characters::text());
    let is_current = std::fs::read_to_string(&path).is_ok_and(|written| written == text);
    if !is_current && args.check {
        eprintln!(
            "{} is out of date: run `cargo xtask codegen`",
            repo::shown(&path)
        );
        return Ok(Verdict::of(false));
    }
    if !is_current {
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut command = shell::cargo([
        "run",
        "--quiet",
        "--package",
        "tollgate-compiler",
        "--bin",
        "codegen",
        "--",
    ]);
    Ok(Verdict::of(
        shell::hand_over(command.args(arguments(args.check)))? == 0,
    ))
}

/// The check with the program that is built already.
pub(crate) fn check() -> Command {
    shell::tool(repo::program("codegen"), arguments(true))
}

fn arguments(check: bool) -> Vec<OsString> {
    let sites = repo::fixtures().join("sites");
    let mut arguments: Vec<OsString> = vec![repo::policy().into(), sites.into()];
    if check {
        arguments.insert(0, "--check".into());
    }
    arguments
}
