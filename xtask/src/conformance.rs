//! Conformance cases on the targets: the project's own, or any policy directory with any case file.
//! `tollgate-targets` runs the cases; this module finds them, builds what is needed and adds up the counts.

mod refused;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tally::Tally;
use crate::ui::Step;
use crate::{Verdict, build, repo, shell, targets, ui};

/// Arguments of `conformance`.
#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Run only this target; can be given more than once [default: all]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<String>,
    /// The policy directory that the cases are for [default: the project's own pairs]
    #[arg(long, value_name = "DIR", requires = "cases")]
    policy: Option<PathBuf>,
    /// Case files, one JSON object per line
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "policy")]
    cases: Vec<PathBuf>,
    /// Instead of cases: compare the library with generated JavaScript on this many random pairs of policy
    /// and request in Node, and on a tenth of them in nginx's engine
    #[arg(long, value_name = "N", conflicts_with_all = ["targets", "policy", "cases"])]
    pairs: Option<u64>,
}

/// A policy directory and its case files.
struct Suite {
    policy: PathBuf,
    cases: Vec<PathBuf>,
}

/// Runs the cases and prints the results of the targets.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    if let Some(count) = args.pairs {
        let nginx = ui::in_step("nginx", build::javascript::nginx)?;
        return build::javascript::pairs(count, &nginx).map(Verdict::of);
    }
    let named = args.policy.is_some();
    let suites = if let Some(policy) = &args.policy {
        vec![Suite {
            policy: policy.clone(),
            cases: args.cases.clone(),
        }]
    } else {
        own_suites()?
    };
    let targets: Vec<&str> = args.targets.iter().map(String::as_str).collect();
    prepare(&targets)?;
    let mut command = command(&targets, &suites);
    // Paths are the caller's, relative to the caller's directory.
    command.current_dir(std::env::current_dir().context("cannot determine the current directory")?);
    let code = shell::hand_over(&mut command)?;
    if code == 2 {
        bail!("the cases could not be run");
    }
    let mut holds = code == 0;
    if !named {
        let (text, tally) = refused::run()?;
        print!("{text}");
        holds &= tally.failed == 0;
    }
    Ok(Verdict::of(holds))
}

/// Runs the project's own cases as one step of `test`; returns the report and the counts.
pub(crate) fn own(targets: &[&str], step: &Step) -> Result<(String, Tally, bool)> {
    targets::install(&targets::chosen(targets)?, step)?;
    let done = shell::capture(&mut command(targets, &own_suites()?), |line| {
        step.line(line)
    })?;
    let (refused, refused_tally) = refused::run()?;
    let mut tally = Tally::from_targets(&done.text);
    tally += refused_tally;
    Ok((
        done.text + &refused,
        tally,
        done.success && refused_tally.failed == 0,
    ))
}

/// Checks the theorems on every target, as one step of `test`. The tools that `own` installs must already be
/// installed.
pub(crate) fn theorems(step: &Step) -> Result<(String, Tally, bool)> {
    let done = shell::capture(&mut program("theorems", &[]), |line| step.line(line))?;
    let tally = Tally::from_targets(&done.text);
    Ok((done.text, tally, done.success))
}

/// Builds the programs, and the modules if a target needs them.
pub(crate) fn prepare(targets: &[&str]) -> Result<()> {
    ui::in_step("programs", |step| {
        shell::must(&mut build::programs(), |line| step.line(line))
    })?;
    let targets = targets::chosen(targets)?;
    if targets.iter().any(|target| target.is_built) {
        let modules = |step: &Step| build::wasm(build::built_bindgen(), step);
        let notes = ui::in_step("WASM modules and npm package", modules)?;
        print!("{notes}");
        ui::in_step("parts of the edges", build::parts)?;
    }
    ui::in_step("third-party programs", |step| {
        targets::install(&targets, step)
    })
}

fn command(targets: &[&str], suites: &[Suite]) -> Command {
    let mut command = program("conformance", targets);
    for suite in suites {
        command.arg("--policy").arg(&suite.policy);
        command.arg("--cases").args(&suite.cases);
    }
    command
}

/// A program that drives targets, with their names and locations as arguments.
pub(crate) fn program(name: &str, targets: &[&str]) -> Command {
    let mut arguments: Vec<OsString> = Vec::new();
    for target in targets {
        arguments.extend(["--target".into(), target.into()]);
    }
    arguments.extend([
        "--wasm".into(),
        build::plain_module().into(),
        "--node-package".into(),
        repo::node_package().into(),
        "--parts".into(),
        repo::parts().into(),
        "--tollgate".into(),
        repo::program("tollgate").into(),
        "--workerd".into(),
        build::cloudflare::workerd_path().into(),
        "--lambda".into(),
        repo::program(build::lambda::PROGRAM).into(),
        "--cargo-lambda".into(),
        build::lambda::cargo_lambda_path().into(),
        "--nginx".into(),
        build::javascript::nginx_path().into(),
        "--proxies".into(),
        build::proxies::programs_path().into(),
        "--haproxy".into(),
        build::proxies::haproxy_path().into(),
    ]);
    shell::tool(repo::program(name), arguments)
}

/// The project's own pairs: `fixtures/cases/NAME/*.jsonl` with the policy of that name.
fn own_suites() -> Result<Vec<Suite>> {
    let mut suites = Vec::new();
    for folder in repo::entries(&repo::fixtures().join("cases"))? {
        let cases: Vec<PathBuf> = repo::entries(&folder)?
            .into_iter()
            .filter(|file| file.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        if !cases.is_empty() {
            suites.push(Suite {
                policy: policy_of(&folder)?,
                cases,
            });
        }
    }
    if suites.is_empty() {
        bail!("no cases under fixtures/cases: create them with `cargo xtask fixtures`");
    }
    Ok(suites)
}

/// `sample` is the sample site itself; any other name is a directory under `fixtures/policies`.
fn policy_of(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().unwrap_or_default();
    let policy = if name == "sample" {
        repo::policy()
    } else {
        repo::fixtures().join("policies").join(name)
    };
    if !policy.is_dir() {
        bail!(
            "{} has cases, but {} is not a directory",
            repo::shown(folder),
            repo::shown(&policy)
        );
    }
    Ok(policy)
}
