//! Differential testing of targets against the library with random policies and requests: `drt --target
//! NAME… --seconds N …`.
//!
//! Prints, per target, how many pairs were compared without a difference, or the first difference with its
//! seed, the policy as text and both results. Exit codes: 0 if all results are identical, 3 if not, 2 for a
//! usage error. Not here: the library against the specification, which needs no target.

use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tollgate_targets::random::{Answers, Site};
use tollgate_targets::{Places, Policy, Target};
use tollgate_testkit::Answer;

/// Compare targets with the library on the same random requests
#[derive(Parser)]
struct Cli {
    /// The targets
    #[arg(long = "target", value_name = "NAME", required = true)]
    targets: Vec<Target>,
    /// How long to test each target
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Test this many pairs, however long that takes
    #[arg(long, conflicts_with = "seconds")]
    pairs: Option<u64>,
    /// The seed of the first policy
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    places: Places,
}

/// The number of requests per policy: for targets that start quickly, and for those that are processes.
const FEW: usize = 200;
const MANY: usize = 4_000;
/// The interval between progress reports.
const TELL: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    match all(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn all(cli: &Cli) -> Result<bool> {
    let mut good = true;
    for target in &cli.targets {
        if let Some(why) = target.missing(&cli.places) {
            bail!("{target} cannot run here: {why}");
        }
        good &= one(*target, cli)?;
    }
    Ok(good)
}

/// Tests one target until its time is over; returns whether all its results equal the library's.
fn one(target: Target, cli: &Cli) -> Result<bool> {
    let (began, limit) = (Instant::now(), Duration::from_secs(cli.seconds));
    let requests = if target.starts_at_once() { FEW } else { MANY };
    let (mut pairs, mut not_askable, mut told) = (0_u64, 0_u64, began);
    let mut seed = cli.seed;
    let is_enough = |pairs: u64| match cli.pairs {
        Some(wanted) => pairs >= wanted,
        None => began.elapsed() >= limit,
    };
    while !is_enough(pairs) {
        let site = Site::new(seed, requests).with_context(|| format!("seed {seed}"))?;
        let policy = Policy::from_spec(site.policy.clone())?;
        let mut asked = target
            .open(&cli.places, &policy)
            .with_context(|| format!("{target}, seed {seed}\n{}", site.text))?;
        for (number, ours) in site.ours.iter().enumerate() {
            match site.ask(asked.as_mut(), number)? {
                None => not_askable += 1,
                Some(theirs) if is_same(target, ours, &theirs, &site.id) => pairs += 1,
                Some(theirs) => {
                    println!(
                        "{target}: {pairs} pairs tried, 1 disagreement\nseed {seed}, request {number}\n{}\n\
                         --- request {:?}\n--- library {ours:?}\n--- {target} {theirs:?}",
                        site.text,
                        site.requests.get(number)
                    );
                    return Ok(false);
                }
            }
            if told.elapsed() >= TELL {
                told = Instant::now();
                eprintln!("  ..  {target}: {pairs} pairs");
            }
        }
        seed += 1;
    }
    let took = began.elapsed().as_secs();
    println!(
        "{target}: {pairs} pairs tried, 0 disagreements, in {took} s; {} policies, from seed {}{}",
        seed - cli.seed,
        cli.seed,
        if not_askable > 0 {
            format!("; {not_askable} not expressible there")
        } else {
            String::new()
        }
    );
    Ok(true)
}

/// Returns whether a result equals the library's. What a target does not report is not compared, except for
/// the decision. Workers see a path as their platform normalised it, with more escapes and a leading slash,
/// so for a path with several faults they may report a different one.
fn is_same(target: Target, ours: &Answers, theirs: &Answer, id: &str) -> bool {
    let is_rewritten = target.rewrites_paths() && ours.reason == "bad_path";
    let told = |ours: &Option<String>, theirs: &Option<String>| theirs.is_none() || ours == theirs;
    ours.outcome == theirs.outcome.to_string()
        && ours.status == u64::from(theirs.status)
        && ours.reason == theirs.reason.to_string()
        && (is_rewritten || told(&ours.detail, &theirs.detail))
        && told(&ours.rule, &theirs.rule)
        && theirs.policy.as_deref().is_none_or(|policy| policy == id)
        && (theirs.response.is_none() || ours.response == theirs.response)
}
