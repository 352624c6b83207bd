//! Compares the public interface of the embedders' crates with that of a git revision, by cargo-semver-checks.
//!
//! The facade names items of the crates behind it, and the tool does not follow names into other packages. So each of
//! these packages is compared, and what embedders cannot reach counts too. Not here: which change is allowed when, see
//! the crate documentation of `tollgate-edge`.

use anyhow::Result;

use crate::tools::{self, Crate};
use crate::ui::{self, Mark, Step};
use crate::{Verdict, shell};

const TOOL: Crate<'_> = Crate {
    name: "cargo-semver-checks",
    version: "0.51.0",
};
/// The facade, and the packages whose items it names.
const PACKAGES: [&str; 6] = [
    "tollgate-core",
    "tollgate-token",
    "tollgate-crypto",
    "tollgate-gate",
    "tollgate-host",
    "tollgate-edge",
];

/// Arguments of `semver`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The git revision to compare with, such as the tag of the last release.
    #[arg(long, value_name = "REV")]
    baseline_rev: String,
}

/// Compares package by package. The answer is no if a change needs a higher version than the manifest has.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let program = ui::in_step(TOOL.name, |step| tools::program_of(&TOOL, step))?;
    let mut all = true;
    for package in PACKAGES {
        let step = Step::start(package);
        let mut compare = shell::tool(&program, ["semver-checks", "--package", package]);
        compare.args(["--baseline-rev", &args.baseline_rev]);
        let done = shell::capture(&mut compare, |line| step.line(line))?;
        step.end(if done.success { Mark::Good } else { Mark::Bad }, "");
        if !done.success {
            println!("{}", done.text.trim_end());
        }
        all &= done.success;
    }
    Ok(Verdict::of(all))
}
