//! Comparison with peers: builds the program that measures them, and installs the peers.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Args, Rows};
use crate::peers;
use crate::tools::{self, Npm};
use crate::{Verdict, build as built, repo, shell, ui};

/// Libraries that are common in Node for what Tollgate does.
const LIBRARIES: Npm<'_> = Npm {
    folder: "peers",
    packages: &[
        "@cedar-policy/cedar-wasm@4.13.0",
        "aws-jwt-verify@5.2.1",
        "jose@6.2.17",
    ],
};

/// Builds the program. The engines are compiled only here.
pub(super) fn build() -> Result<()> {
    ui::in_step("peers", peers::build)
}

/// Measures the chosen parts.
pub(super) fn measure(args: &Args, parts: &[Rows], json: &Path) -> Result<Verdict> {
    let npm = ui::in_step("npm packages of peers", |step| tools::npm(&LIBRARIES, step))?;
    let workerd = ui::in_step("workerd", built::cloudflare::workerd)?;
    let wrk = ui::in_step("wrk", |step| tools::debian(&["wrk"], "wrk", step));
    let mut parts: Vec<&str> = parts.iter().filter_map(|rows| part(*rows)).collect();
    let wrk = wrk.unwrap_or_else(|error| {
        println!("requests per second are skipped: {error:#}");
        parts.retain(|part| *part != "workerd");
        PathBuf::new()
    });
    let mut command = shell::tool(peers::program(), ["bench", "--parts", &parts.join(",")]);
    command
        .arg("--node-package")
        .arg(repo::node_package())
        .arg("--edges")
        .arg(repo::parts())
        .arg("--npm")
        .arg(npm)
        .arg("--workerd")
        .arg(workerd)
        .arg("--wrk")
        .arg(wrk)
        .arg("--json")
        .arg(json)
        .args(args.quick.then_some("--quick"));
    Ok(Verdict::of(shell::hand_over(&mut command)? == 0))
}

/// Makes a page of the rows in `files`.
pub(super) fn page(rows: &[PathBuf], out: &Path) -> Result<Verdict> {
    let here = std::env::current_dir()?;
    let mut command = shell::tool(peers::program(), ["page", "--out"]);
    command.arg(here.join(out)).args(rows);
    Ok(Verdict::of(shell::hand_over(&mut command)? == 0))
}

fn part(rows: Rows) -> Option<&'static str> {
    match rows {
        Rows::Targets | Rows::Signatures | Rows::Authors | Rows::Beside => None,
        Rows::Decisions => Some("decisions"),
        Rows::Node => Some("node"),
        Rows::Workerd => Some("workerd"),
    }
}
