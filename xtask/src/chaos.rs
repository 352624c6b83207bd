//! Faults on every target: late, broken and missing key sets, clocks that jump, partially updated policies,
//! stores that do not respond, panics, exhausted memory. The scenarios are in `tollgate-targets`; this
//! module builds what they need and starts them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::{Verdict, build, conformance, load, repo, shell, ui};

/// Arguments of `chaos`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only this target; can be given more than once [default: all]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// Inject only this fault; can be given more than once [default: all]. An unknown name lists the valid
    /// ones
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<String>,
    /// Also write the rows as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Instead: put `tollgate serve` under load for this many minutes, like `cargo xtask load`
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["targets", "faults", "json"])]
    load: Option<u64>,
}

/// The example in the Lambda package whose keys panic.
const FRAGILE: &str = "fragile-lambda";

/// Runs the scenarios.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    if let Some(minutes) = args.load {
        return load::run(&load::Args::of(minutes));
    }
    let targets: Vec<&str> = args.targets.iter().map(String::as_str).collect();
    conformance::prepare(&targets)?;
    if targets.is_empty() || targets.contains(&"lambda") {
        ui::in_step("a Lambda program that panics", |step| {
            // Of the whole workspace: for a single package S3's library would be rebuilt.
            let feature = format!("{}/faults", build::lambda::PROGRAM);
            let mut build = shell::cargo(["build", "--workspace", "--features", &feature]);
            shell::must(build.args(["--example", FRAGILE]), |line| step.line(line))
        })?;
    }
    let mut chaos = conformance::program("chaos", &targets);
    chaos
        .arg("--fragile-lambda")
        .arg(repo::program(&format!("examples/{FRAGILE}")));
    for fault in &args.faults {
        chaos.args(["--fault", fault]);
    }
    if let Some(json) = &args.json {
        // Relative to the caller's directory, not to the repository.
        let json = std::path::absolute(json).context("cannot determine the current directory")?;
        chaos.arg("--json").arg(json);
    }
    match shell::hand_over(&mut chaos)? {
        0 => Ok(Verdict::Yes),
        3 => Ok(Verdict::No),
        _ => bail!("the scenarios could not be run"),
    }
}
