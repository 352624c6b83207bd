//! Requests per second through proxies that ask `tollgate authz`, and through peers that do the same job: installs the
//! programs and starts `beside` of `tollgate-targets`, which measures.

use std::path::Path;

use anyhow::Result;

use super::Args;
use crate::{Verdict, build, repo, shell, tools, ui};

/// Measures all subjects in one run.
pub(super) fn measure(args: &Args, json: &Path) -> Result<Verdict> {
    let nginx = ui::in_step("nginx", build::javascript::nginx)?;
    let proxies = ui::in_step("proxies", build::proxies::programs)?;
    let wrk = ui::in_step("wrk", |step| tools::debian(&["wrk"], "wrk", step))?;
    ui::in_step("programs", |step| {
        shell::must(&mut build::programs(), |line| step.line(line))
    })?;
    // Measure what would be shipped. The program that measures waits for others, so its own speed does not count.
    let built = ["build", "--release", "--package", "tollgate"];
    let mut built = shell::cargo(built.iter().chain(&["--bin", "tollgate"]));
    if shell::hand_over(&mut built)? != 0 {
        return Ok(Verdict::No);
    }
    let mut command = shell::tool(repo::program("beside"), ["--tollgate"]);
    command
        .arg(repo::target().join("release/tollgate"))
        .arg("--nginx")
        .arg(nginx)
        .arg("--envoy")
        .arg(proxies.join("envoy"))
        .arg("--wrk")
        .arg(wrk)
        .arg("--json")
        .arg(json)
        .args(args.quick.then_some("--quick"));
    Ok(Verdict::of(shell::hand_over(&mut command)? == 0))
}
