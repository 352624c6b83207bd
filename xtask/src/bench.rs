//! Cold and warm figures of every target in one run. What is measured, and how, stands in
//! `tollgate-targets`; this builds what it needs and hands over.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{Verdict, build, repo, shell, ui};

/// Arguments of `bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write the rows as JSON to this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fewer samples: for a first look, not for a comparison.
    #[arg(long)]
    quick: bool,
}

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let notes = ui::in_step("WASM modules and npm package", |step| {
        build::wasm(build::bindgen(), step)
    })?;
    print!("{notes}");
    ui::in_step("parts of the edges", build::parts)?;
    let workerd = ui::in_step("workerd", build::cloudflare::workerd)?;
    let cargo_lambda = ui::in_step("cargo-lambda", build::lambda::cargo_lambda)?;
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
        "--package",
        build::lambda::PROGRAM,
        "--bin",
        build::lambda::PROGRAM,
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
        .arg(repo::target().join("release").join(build::lambda::PROGRAM))
        .arg("--cargo-lambda")
        .arg(cargo_lambda)
        .arg("--nginx")
        .arg(nginx);
    if let Some(json) = &args.json {
        command.arg("--json").arg(json);
    }
    command.args(args.quick.then_some("--quick"));
    command.current_dir(std::env::current_dir().context("cannot tell the current folder")?);
    Ok(Verdict::of(shell::hand_over(&mut command)? == 0))
}
