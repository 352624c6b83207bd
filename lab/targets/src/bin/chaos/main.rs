//! Fault injection for targets: `chaos --target NAME… [--fault NAME…] [--json FILE] …`.
//!
//! Injects every fault into every target that it applies to, and sends requests before, during and after it,
//! each with a known expected result. Prints what happened, how many requests were sent, how many were
//! wrongly allowed, and how many valid ones were wrongly denied. Exit codes: 0 if there were none of either,
//! 3 if there were, 2 for a usage error. Not here: the faults inside issuers and targets, which are in
//! `tollgate_targets::live`.

mod driver;
mod faults;
mod report;
mod scenarios;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tollgate_targets::{Places, Target};

use faults::{FAULTS, Fault};
use report::Row;
use scenarios::World;

/// Inject faults into targets and check their decisions
#[derive(Parser)]
struct Cli {
    /// Run only this target; can be given more than once [default: all]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<Target>,
    /// Inject only this fault; can be given more than once [default: all]
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<String>,
    /// Also write the rows as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    places: Places,
}

fn main() -> ExitCode {
    quiet_injected_panics();
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let chosen = chosen(&cli.faults)?;
    let targets = Target::chosen(&cli.targets);
    for target in &targets {
        if let Some(why) = target.missing(&cli.places) {
            bail!("{target} cannot run here: {why}");
        }
    }
    let mut world = World::new()?;
    let (began, all) = (Instant::now(), chosen.len() * targets.len());
    let mut rows = Vec::new();
    for fault in chosen {
        for target in &targets {
            let row = one(&cli.places, &mut world, fault, *target);
            eprintln!(
                "  {:>3}/{all}  {:>5.0} s  {}",
                rows.len() + 1,
                began.elapsed().as_secs_f64(),
                row.line()
            );
            rows.push(row);
        }
    }
    println!("{}", report::table(&rows));
    println!("{}", report::summary(&rows));
    if let Some(file) = &cli.json {
        std::fs::write(file, report::json(&rows)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(rows.iter().all(Row::is_good))
}

fn one(places: &Places, world: &mut World, fault: &'static Fault, target: Target) -> Row {
    if let Some(why) = fault.means_nothing(target) {
        return Row::left_out(fault, target, why);
    }
    match scenarios::run_scenario(places, world, fault, target) {
        Ok((score, what)) => Row::played(fault, target, score, what),
        Err(error) => Row::failed(fault, target, format!("{error:#}")),
    }
}

fn chosen(names: &[String]) -> Result<Vec<&'static Fault>> {
    if names.is_empty() {
        return Ok(FAULTS.iter().collect());
    }
    let find = |name: &String| {
        let found = FAULTS.iter().find(|fault| fault.name == name);
        found.with_context(|| {
            let known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
            format!("no fault `{name}`; the faults are {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// Requested panics are not reported.
fn quiet_injected_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload();
        let text = said.downcast_ref::<&str>().copied();
        let text = text.or_else(|| said.downcast_ref::<String>().map(String::as_str));
        if text != Some("injected") {
            usual(panic);
        }
    }));
}
