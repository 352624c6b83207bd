//! Compares Tollgate with other policy engines and token libraries: whether their decisions agree, and how
//! long they take.
//!
//! `cargo xtask peers` and `cargo xtask bench` start it with what it needs. Not here: Tollgate's own
//! targets, which `tollgate-targets` measures.

mod cold;
mod decide;
mod engines;
mod load;
mod node;
mod oracle;
mod page;
mod rows;
mod site;
mod timing;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};

use engines::Engine;
use rows::Row;
use timing::Effort;

/// Compare Tollgate with its peers
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Compare Cedar and the core on random requests, with the export of a policy
    Oracle(oracle::Ask),
    /// Measure the peers and Tollgate
    Bench(Bench),
    /// Measure one engine with one number of rules, in its own process
    #[command(hide = true)]
    Engine {
        engine: Engine,
        rules: usize,
        #[arg(long)]
        quick: bool,
    },
    /// Write a page with charts of the rows in files
    Page {
        /// Files with lists of rows
        #[arg(required = true, value_name = "FILE")]
        rows: Vec<PathBuf>,
        /// The file for the page
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// The parts of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Decisions in this process, compared with policy engines
    Decisions,
    /// Tokens, decisions and starts in Node
    Node,
    /// Requests per second in workerd
    Workerd,
}

#[derive(Args)]
struct Bench {
    /// What to measure [default: everything]
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
    #[command(flatten)]
    places: Places,
    /// Also write the rows as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Take fewer samples: enough for an overview, too few for comparisons
    #[arg(long)]
    quick: bool,
}

/// The locations of the built artifacts and third-party programs.
#[derive(Args)]
struct Places {
    /// The directory of our npm package
    #[arg(long, value_name = "DIR")]
    node_package: PathBuf,
    /// The directory with the built parts of edges
    #[arg(long, value_name = "DIR")]
    edges: PathBuf,
    /// The directory in which `node_modules` contains the peers
    #[arg(long, value_name = "DIR")]
    npm: PathBuf,
    /// The program `workerd`
    #[arg(long, value_name = "FILE")]
    workerd: PathBuf,
    /// The program `wrk`
    #[arg(long, value_name = "FILE")]
    wrk: PathBuf,
}

fn main() -> ExitCode {
    match run(Cli::parse().verb) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(verb: Verb) -> Result<bool> {
    match verb {
        Verb::Oracle(ask) => oracle::run(&ask),
        Verb::Bench(bench) => measure(&bench).map(|()| true),
        Verb::Engine {
            engine,
            rules,
            quick,
        } => {
            let figures = engines::measure(engine, rules, Effort::new(quick))?;
            println!("{}", serde_json::to_string(&figures)?);
            Ok(true)
        }
        Verb::Page { rows: files, out } => {
            let mut all: Vec<Row> = Vec::new();
            for file in files {
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                all.extend(serde_json::from_str::<Vec<Row>>(&text)?);
            }
            rows::compare(&mut all);
            std::fs::write(&out, page::page(&all)?)
                .with_context(|| format!("cannot write {}", out.display()))?;
            Ok(true)
        }
    }
}

fn measure(bench: &Bench) -> Result<()> {
    let effort = Effort::new(bench.quick);
    let wants = |part| bench.parts.is_empty() || bench.parts.contains(&part);
    let progress = timing::Progress::new();
    let mut rows = Vec::new();
    if wants(Part::Decisions) {
        rows.extend(decide::measure(bench.quick, &progress)?);
    }
    if wants(Part::Node) {
        rows.extend(node::tokens(&bench.places, effort, &progress)?);
        rows.extend(node::decisions(&bench.places, effort, &progress)?);
        rows.extend(cold::measure(&bench.places, effort, &progress)?);
    }
    if wants(Part::Workerd) {
        rows.extend(load::measure(&bench.places, effort, &progress)?);
    }
    progress.end();
    rows::compare(&mut rows);
    print!("{}", rows::table(&rows));
    if let Some(file) = &bench.json {
        std::fs::write(file, serde_json::to_string_pretty(&rows)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
