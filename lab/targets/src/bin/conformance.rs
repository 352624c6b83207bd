//! Runs case files on targets: `conformance --policy DIR --cases FILE…`, with any number of such pairs.
//!
//! Prints each failure and, per target, `NAME: N passed, N failed, N skipped`. Exit codes: 0 if all results
//! are as expected, 3 if not, 2 for a usage error or invalid input. Not here: building what the targets
//! need.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use tollgate_targets::javascript::resign::Exchanged;
use tollgate_targets::{Places, Policy, Target};
use tollgate_testkit::{Case, Report, read_cases, run};

/// Run conformance cases on targets
#[derive(Parser)]
struct Cli {
    /// Run only this target; can be given more than once [default: all]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<Target>,
    /// A policy directory, for the cases that follow
    #[arg(long = "policy", value_name = "DIR", required = true)]
    policies: Vec<PathBuf>,
    /// Case files for the preceding policy, one JSON object per line
    #[arg(long = "cases", value_name = "FILE", num_args = 1.., required = true)]
    cases: Vec<PathBuf>,
    #[command(flatten)]
    places: Places,
}

/// A policy and the cases for it.
struct Suite {
    policy: Policy,
    cases: Vec<Case>,
}

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let answer = Cli::from_arg_matches(&matches)
        .map_err(anyhow::Error::from)
        .and_then(|cli| all(&cli, &matches));
    match answer {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn all(cli: &Cli, matches: &ArgMatches) -> Result<bool> {
    let suites = suites(cli, matches)?;
    let mut clean = true;
    for target in Target::chosen(&cli.targets) {
        let (report, exchanged) = on(target, &cli.places, &suites);
        println!("{report}");
        if let Some(exchanged) = exchanged {
            println!("  {exchanged}");
        }
        clean &= report.is_clean();
    }
    Ok(clean)
}

/// Runs all suites on one target; returns a single report, and the treatment of the tokens.
fn on(target: Target, places: &Places, suites: &[Suite]) -> (Report, Option<Exchanged>) {
    let total: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let bar = bar(target, total);
    let mut all = Report {
        name: target.name().to_owned(),
        passed: 0,
        failures: Vec::new(),
        skips: Vec::new(),
    };
    let mut exchanged: Option<Exchanged> = None;
    for suite in suites {
        let mut engine = target.start(places, &suite.policy);
        let report = run(&mut engine, &suite.cases, &mut |_| bar.inc(1));
        all.passed += report.passed;
        all.failures.extend(report.failures);
        all.skips.extend(report.skips);
        if let Some(more) = engine.exchanged() {
            *exchanged.get_or_insert_default() += more;
        }
    }
    bar.finish_and_clear();
    (all, exchanged)
}

/// A progress bar on standard error; indicatif hides it if that is not a terminal.
fn bar(target: Target, total: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX)).with_prefix(target.name());
    if let Ok(style) = ProgressStyle::with_template("{prefix:18} {bar:40} {pos}/{len}  {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Pairs the options in command-line order: each case file belongs to the preceding policy.
fn suites(cli: &Cli, matches: &ArgMatches) -> Result<Vec<Suite>> {
    let places = |id| matches.indices_of(id).into_iter().flatten();
    let policies: Vec<(usize, &PathBuf)> = places("policies").zip(&cli.policies).collect();
    let files: Vec<(usize, &PathBuf)> = places("cases").zip(&cli.cases).collect();
    let mut suites = Vec::new();
    for (at, (place, folder)) in policies.iter().enumerate() {
        let end = policies.get(at + 1).map_or(usize::MAX, |(next, _)| *next);
        let mut cases = Vec::new();
        for (_, file) in files.iter().filter(|(own, _)| (*place..end).contains(own)) {
            cases.extend(read(file)?);
        }
        if cases.is_empty() {
            bail!("no cases follow --policy {}", folder.display());
        }
        suites.push(Suite {
            policy: Policy::from_folder(folder)?,
            cases,
        });
    }
    match (files.first(), policies.first()) {
        (Some((file, path)), Some((policy, _))) if file < policy => {
            bail!("--cases {} must follow a --policy", path.display())
        }
        _ => Ok(suites),
    }
}

fn read(file: &Path) -> Result<Vec<Case>> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    read_cases(&text).with_context(|| format!("{} has invalid lines", file.display()))
}
