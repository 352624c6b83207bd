//! Generated files: the table of characters from the Unicode data ([`characters`]); JSON Schemas and
//! reference pages, which the compiler writes from the items they describe; and tables of edges, which
//! `tollgate-edges` writes. This module starts the programs.

mod characters;

use std::ffi::OsString;

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::ui::Step;
use crate::{Verdict, repo, shell};

/// Arguments of `codegen`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a file is out of date
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes or checks the generated files.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    // This file comes first, because the compiler is built with it.
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
    let mut good = true;
    for (package, program, arguments) in [
        ("tollgate-compiler", "codegen", arguments(args.check)),
        ("tollgate-edges", TABLES, tables(args.check)),
    ] {
        let mut command = shell::cargo(["run", "--quiet", "--package", package, "--bin", program]);
        command.arg("--").args(arguments);
        good &= shell::hand_over(&mut command)? == 0;
    }
    Ok(Verdict::of(good))
}

/// The program that writes tables of edges.
const TABLES: &str = "edge-tables";

fn tables(check: bool) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec![repo::root().join("docs/edges/README.md").into()];
    if check {
        arguments.insert(0, "--check".into());
    }
    arguments
}

/// Checks with programs that are already built.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let codegen = shell::capture(
        &mut shell::tool(repo::program("codegen"), arguments(true)),
        |line| step.line(line),
    )?;
    let tables = shell::capture(
        &mut shell::tool(repo::program(TABLES), tables(true)),
        |line| step.line(line),
    )?;
    let good = codegen.success && tables.success;
    Ok((codegen.text + &tables.text, Tally::default(), good))
}

fn arguments(check: bool) -> Vec<OsString> {
    let sites = repo::fixtures().join("sites");
    let mut arguments: Vec<OsString> = vec![repo::policy().into(), sites.into()];
    if check {
        arguments.insert(0, "--check".into());
    }
    arguments
}
