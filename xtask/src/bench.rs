//! Cold and warm figures of every target in one run. What is measured, and how, stands in
//! `tollgate-targets`; this builds what it needs and hands over.

pub(crate) mod baselines;
mod signatures;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{Verdict, build, conformance, repo, shell, ui};

/// Arguments of `bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the rows as JSON to this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fewer samples: for a first look, not for a comparison.
    #[arg(long)]
    quick: bool,
    /// No times: compare counts that are the same in every run with those that are committed.
    #[arg(long)]
    check: bool,
    /// No times: write those counts down as what `--check` compares with.
    #[arg(long, conflicts_with = "check")]
    bless: bool,
}

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    if args.check || args.bless {
        return counts(args.bless);
    }
    let notes = ui::in_step("WASM modules and npm package", |step| {
        build::wasm(build::bindgen(), step)
    })?;
    print!("{notes}");
    ui::in_step("parts of the edges", build::parts)?;
    let workerd = ui::in_step("workerd", build::cloudflare::workerd)?;
    let cargo_lambda = ui::in_step("cargo-lambda", build::lambda::cargo_lambda)?;
    ui::in_step("native Lambda program", build::lambda::package)?;
    let nginx = ui::in_step("nginx", build::javascript::nginx)?;
    // What is measured is what would be shipped: release, not the profile of tests.
    let built = shell::hand_over(&mut shell::cargo([
        "build",
        "--release",
        "--package",
        "tollgate-targets",
        "--bin",
        "bench",
        "--package",
        "tollgate",
        "--bin",
        "tollgate",
    ]))?;
    if built != 0 {
        return Ok(Verdict::No);
    }
    let mut command = shell::tool(repo::target().join("release/bench"), ["--wasm"]);
    command
        .arg(build::plain_module())
        .arg("--node-package")
        .arg(repo::node_package())
        .arg("--parts")
        .arg(repo::parts())
        .arg("--tollgate")
        .arg(repo::target().join("release/tollgate"))
        .arg("--workerd")
        .arg(workerd)
        .arg("--lambda")
        .arg(build::lambda::shipped())
        .arg("--cargo-lambda")
        .arg(cargo_lambda)
        .arg("--nginx")
        .arg(nginx);
    if let Some(json) = &args.json {
        command.arg("--json").arg(json);
    }
    command.args(args.quick.then_some("--quick"));
    command.current_dir(std::env::current_dir().context("cannot tell the current folder")?);
    let good = shell::hand_over(&mut command)? == 0;
    let rows = ui::in_step("signatures, library by library", |step| {
        signatures::measure(args.quick, step)
    })?;
    anstream::print!("\n{}", signatures::table(&rows));
    Ok(Verdict::of(good))
}

/// Builds what is counted, and counts.
fn counts(bless: bool) -> Result<Verdict> {
    let notes = ui::in_step("WASM modules and npm package", |step| {
        build::wasm(build::bindgen(), step)
    })?;
    print!("{notes}");
    ui::in_step("programs", |step| {
        shell::must(&mut conformance::build_programs(), |line| step.line(line))
    })?;
    let (report, good) = ui::in_step("counts", |step| {
        if bless {
            return baselines::bless(step).map(|report| (report, true));
        }
        baselines::check(step).map(|(report, _, good)| (report, good))
    })?;
    anstream::print!("\n{report}");
    Ok(Verdict::of(good))
}
