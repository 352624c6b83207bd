//! Tests in Miri, which detects undefined behaviour, leaks and out-of-bounds reads: the core and the token
//! layer.
//!
//! Miri is some hundred times slower than native code, so tests with many random inputs are skipped by name.
//! Neither crate has `unsafe` of its own; Miri also checks the standard library as we use it.

use anyhow::Result;

use crate::{Verdict, nightly, repo, shell};

/// Arguments of `miri`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// The tests of a package to run.
struct Run {
    package: &'static str,
    /// Its test programs.
    programs: &'static [&'static str],
    /// Skipped tests, and the reasons.
    left_out: &'static [(&'static str, &'static str)],
}

const RUNS: [Run; 2] = [
    Run {
        package: "tollgate-edge-core",
        programs: &["--lib", "--test", "golden"],
        left_out: &[],
    },
    Run {
        package: "tollgate-token",
        programs: &["--lib"],
        left_out: &[],
    },
];

/// Runs the packages one after another.
pub(crate) fn run(_: &Args) -> Result<Verdict> {
    println!("{}", nightly::need(&["miri", "rust-src"])?);
    let mut good = true;
    for Run {
        package,
        programs,
        left_out,
    } in RUNS
    {
        for (test, why) in left_out {
            println!("SKIP {package} {test}: {why}");
        }
        let mut miri = nightly::on_nightly("cargo", &["miri", "test", "--package", package]);
        miri.args(programs)
            .arg("--target-dir")
            .arg(repo::target().join("miri"))
            // Golden images are files.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation")
            .arg("--");
        for (test, _) in left_out {
            miri.args(["--skip", test]);
        }
        good &= shell::hand_over(&mut miri)? == 0;
    }
    Ok(Verdict::of(good))
}
