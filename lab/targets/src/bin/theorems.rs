//! The theorems on targets: `theorems --target NAME… --seconds N …`.
//!
//! Prints, per target, how many requests were denied because something was removed from a policy that
//! allowed them, and how many raw paths were allowed that every path reader resolves inside their
//! directory; or the first request that violates a theorem. Exit codes: 0 if all theorems hold, 3 if one
//! does not, 2 for a usage error.

use core::time::Duration;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use tollgate_compiler::SourceTree;
use tollgate_core::{PathReader, UnixSeconds};
use tollgate_gate::Request;
use tollgate_spec::generate::{Generator, NOW};
use tollgate_targets::random::Site;
use tollgate_targets::theorems::{Theorem, escape, folder_policy, forged, raw_path};
use tollgate_targets::{Places, Policy, Target};
use tollgate_testkit::Answer;

/// Check the theorems on targets
#[derive(Parser)]
struct Cli {
    /// Run only this target; can be given more than once [default: all]
    #[arg(long = "target", value_name = "NAME")]
    targets: Vec<Target>,
    /// How long to test each target after the required minimum
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// The seed of the first policy
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    places: Places,
}

/// The number of requests per policy: for targets that start quickly, and for those that are processes.
const FEW: usize = 200;
const MANY: usize = 1_000;
/// The minimum number of raw paths for every target.
const PATHS: usize = 2_000;

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
    for target in Target::chosen(&cli.targets) {
        if let Some(why) = target.missing(&cli.places) {
            bail!("{target} cannot run here: {why}");
        }
        let mut tally = Tally::default();
        let broken = theorems(target, cli, &mut tally)?;
        let mut broken = broken;
        for reader in PathReader::ALL {
            if broken.is_none() {
                broken = paths(target, reader, cli, &mut tally)?;
            }
        }
        if let Some(broken) = &broken {
            println!("FAIL {target}: {broken}");
        }
        println!("  {}", tally.line());
        let (passed, failed) = (Theorem::ALL.len(), usize::from(broken.is_some()));
        // The three, and the one about paths.
        println!(
            "{target}: {} passed, {failed} failed, 0 skipped",
            passed + 1 - failed
        );
        good &= broken.is_none();
    }
    Ok(good)
}

/// The counts for a target.
#[derive(Default)]
struct Tally {
    policies: u64,
    /// Policies that a restricted edge cannot run.
    not_runnable: u64,
    requests: u64,
    /// The number of those that the unmodified policy allows.
    were_allowed: u64,
    paths: u64,
    paths_allowed: u64,
}

impl Tally {
    fn line(&self) -> String {
        let Tally {
            policies,
            not_runnable,
            requests,
            were_allowed,
            paths,
            paths_allowed,
        } = self;
        let not_runnable = match not_runnable {
            0 => String::new(),
            some => format!(" ({some} more do not fit there)"),
        };
        format!(
            "{policies} closed policies{not_runnable}: {requests} requests, of which {were_allowed} were allowed \
             before; {paths} raw paths, {paths_allowed} allowed"
        )
    }
}

/// Tests closed random policies; returns what broke a theorem, if anything did.
fn theorems(target: Target, cli: &Cli, tally: &mut Tally) -> Result<Option<String>> {
    let (began, limit) = (Instant::now(), Duration::from_secs(cli.seconds));
    let count = if target.starts_at_once() { FEW } else { MANY };
    let mut seed = cli.seed;
    let enough = |tally: &Tally| tally.were_allowed > 0 && began.elapsed() >= limit;
    while !enough(tally) {
        for theorem in Theorem::ALL {
            let mut generator = Generator::new(seed);
            let policy = generator.policy();
            let closed = theorem.closed(&policy);
            let before = Site::of(&mut generator.clone(), &policy, &policy, count)?;
            let mut site = Site::of(&mut generator, &closed, &policy, count)
                .with_context(|| format!("seed {seed}, {}", theorem.sentence()))?;
            if theorem == Theorem::Signature {
                // Also at the times of invalid tokens: some are valid at unusual times.
                for carried in &mut site.carried {
                    carried.each(forged);
                }
            }
            let policy = Policy::from_spec(site.policy.clone())?;
            let mut asked = match target.open(&cli.places, &policy) {
                Ok(asked) => asked,
                // Only generated functions and proxies have limits of their own.
                Err(_) if target.is_script() || target.is_proxy() => {
                    tally.not_runnable += 1;
                    continue;
                }
                Err(error) => {
                    return Err(error.context(format!("{target}, the policy of seed {seed}")));
                }
            };
            tally.policies += 1;
            for (number, before) in before.ours.iter().enumerate() {
                let Some(answer) = site.ask(asked.as_mut(), number)? else {
                    continue;
                };
                tally.requests += 1;
                tally.were_allowed += u64::from(before.outcome == "allow");
                if allows(&answer) {
                    let (sentence, text) = (theorem.sentence(), &site.text);
                    let said = site.requests.get(number);
                    return Ok(Some(format!(
                        "{sentence}: seed {seed}: allowed\n{text}\n{said:?}"
                    )));
                }
            }
        }
        seed += 1;
    }
    Ok(None)
}

/// Requests raw paths; returns one that is allowed but that the site's reader resolves outside the directory,
/// if there is one.
fn paths(
    target: Target,
    reader: PathReader,
    cli: &Cli,
    tally: &mut Tally,
) -> Result<Option<String>> {
    // The three readers share the time.
    let limit = Duration::from_secs(cli.seconds) / 3;
    let began = Instant::now();
    let mut sources = SourceTree::new();
    sources.insert("site.toml", folder_policy(reader));
    let mut asked = target.open(&cli.places, &Policy::from_sources(&sources)?)?;
    let mut random = fastrand::Rng::with_seed(cli.seed);
    let before = tally.paths_allowed;
    for number in 0.. {
        if number >= PATHS / 3 && began.elapsed() >= limit {
            break;
        }
        let raw = raw_path(&mut random);
        let request = Request {
            method: "GET",
            target: &raw,
            headers: &[],
            ip: None,
            now: UnixSeconds(NOW),
            entropy: None,
        };
        let answer = asked.ask_if_able(&request);
        let Some(answer) = answer.with_context(|| raw.escape_ascii().to_string())? else {
            continue;
        };
        tally.paths += 1;
        // A query is not part of the path.
        let path = raw.split(|byte| *byte == b'?').next().unwrap_or_default();
        if allows(&answer) {
            tally.paths_allowed += 1;
            if let Some(how) = escape(reader, path) {
                return Ok(Some(format!(
                    "{} is allowed for `{}`, but outside the directory for {how}",
                    raw.escape_ascii(),
                    reader.code()
                )));
            }
        }
    }
    ensure!(
        tally.paths_allowed > before,
        "{target} allowed no path at all for `{}`",
        reader.code()
    );
    Ok(None)
}

fn allows(answer: &Answer) -> bool {
    answer.outcome.to_string() == "allow"
}
