//! Measures every target in one run: cold starts and warm decisions, at three policy sizes.
//!
//! Cold and warm measurements are never mixed. Ratios count for more than absolute times, because all
//! targets run on the same machine. Not here: the limits for the measurements.

mod cold;
mod figures;
mod http;
mod javascript;
mod site;
mod warm;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use tollgate_targets::courses::Issuer;
use tollgate_targets::{Places, Target};

use figures::Row;
use site::Site;

/// Policy sizes, in rules.
const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// Measure cold starts and warm decisions on every target
#[derive(Parser)]
struct Cli {
    /// The plain WASM module
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    wasm: Option<PathBuf>,
    /// The directory of the npm package
    #[arg(long, value_name = "DIR", required_unless_present = "first")]
    node_package: Option<PathBuf>,
    /// The directory with the built parts of edges
    #[arg(long, value_name = "DIR", required_unless_present = "first")]
    parts: Option<PathBuf>,
    /// The `tollgate` command
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    tollgate: Option<PathBuf>,
    /// The program `workerd`
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    workerd: Option<PathBuf>,
    /// The native Lambda program
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    lambda: Option<PathBuf>,
    /// The program `cargo-lambda`
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    cargo_lambda: Option<PathBuf>,
    /// The program `nginx` with its JavaScript engine
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    nginx: Option<PathBuf>,
    /// Also write the rows as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Take fewer samples: enough for an overview, too few for comparisons
    #[arg(long)]
    quick: bool,
    /// Make one decision with the policy image in this file and exit: the process that cold starts time
    #[arg(long, value_name = "FILE", hide = true, requires = "token")]
    first: Option<PathBuf>,
    /// The token of that decision
    #[arg(long, hide = true)]
    token: Option<String>,
}

/// The amount of measuring.
#[derive(Clone, Copy)]
struct Effort {
    /// Samples of warm operations.
    warm: usize,
    /// Starts of a process or of a module.
    cold: usize,
}

fn main() -> ExitCode {
    match all(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn all(cli: &Cli) -> Result<()> {
    if let (Some(image), Some(token)) = (&cli.first, &cli.token) {
        return cold::first(image, token);
    }
    let places = Places {
        wasm: cli.wasm.clone().context("--wasm is missing")?,
        node_package: cli
            .node_package
            .clone()
            .context("--node-package is missing")?,
        parts: cli.parts.clone().context("--parts is missing")?,
        tollgate: cli.tollgate.clone().context("--tollgate is missing")?,
        workerd: cli.workerd.clone().context("--workerd is missing")?,
        lambda: cli.lambda.clone().context("--lambda is missing")?,
        cargo_lambda: cli
            .cargo_lambda
            .clone()
            .context("--cargo-lambda is missing")?,
        nginx: cli.nginx.clone().context("--nginx is missing")?,
        // Proxies are not measured.
        proxies: PathBuf::new(),
        haproxy: PathBuf::new(),
        fragile_lambda: None,
    };
    let effort = if cli.quick {
        Effort { warm: 200, cold: 3 }
    } else {
        Effort {
            warm: 2_000,
            cold: 25,
        }
    };
    let (rows, notes) = measure(&places, effort)?;
    print!("{}{notes}", figures::table(&rows));
    if let Some(file) = &cli.json {
        std::fs::write(file, figures::json(&rows)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn measure(places: &Places, effort: Effort) -> Result<(Vec<Row>, String)> {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed}  {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(core::time::Duration::from_millis(120));
    let say = |what: String| {
        if bar.is_hidden() {
            eprintln!("  ..  {what}");
        }
        bar.set_message(what);
    };
    // Scripts are measured separately.
    let (small, targets): (Vec<Target>, Vec<Target>) = Target::all()
        .into_iter()
        .filter(|target| !target.is_proxy() && runs(*target, places))
        .partition(|target| target.is_script());
    say("a key for the tokens".to_owned());
    let issuer = Issuer::new()?;
    let mut rows = Vec::new();
    for rules in SIZES {
        say(format!("a policy of {rules} rules"));
        let site = Site::new(rules, &issuer)?;
        for target in &targets {
            say(format!("{rules} rules, {target}: warm"));
            rows.extend(warm::measure(*target, &site, places, effort)?);
            say(format!("{rules} rules, {target}: cold"));
            rows.extend(cold::measure(*target, &site, places, effort)?);
        }
    }
    let mut notes = String::new();
    if !small.is_empty() {
        say("generated JavaScript".to_owned());
        let (more, said) = javascript::measure(places, &small, &issuer, effort)?;
        rows.extend(more);
        notes = said;
    }
    bar.finish_and_clear();
    figures::sort(&mut rows);
    Ok((rows, notes))
}

fn runs(target: Target, places: &Places) -> bool {
    match target.missing(places) {
        None => true,
        Some(why) => {
            println!("{target} is skipped: {why}");
            false
        }
    }
}
