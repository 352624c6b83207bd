//! `tollgate serve` under sustained load: `load --minutes N --tollgate FILE`; and `tollgate authz` under faults:
//! `load --server authz`.
//!
//! Clients send requests as fast as they receive responses, and compare every response with the expected
//! one. Meanwhile the issuer fails in one way after another and recovers. Prints requests, wrong responses,
//! latencies, and the memory of the server. Exit codes: 0 if no response is wrong and memory is flat, 3 if
//! not, 2 for a usage error. Not here: the maximum speed of an edge, which `cargo xtask bench` measures.

mod authz;
mod client;
mod figures;
mod plan;
mod server;

use core::time::Duration;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use tollgate_targets::live::issuer::Issuer;
use tollgate_targets::live::site;

use client::{Asked, asks, missing};
use figures::{Figures, Tally};
use plan::{State, direct};
use server::Server;

/// Put `tollgate serve` or `tollgate authz` under load while something fails and recovers
#[derive(Parser)]
struct Cli {
    /// The server
    #[arg(long, value_enum, default_value_t = Which::Serve)]
    server: Which,
    /// With `serve`: the duration in minutes
    #[arg(long, default_value_t = 2)]
    minutes: u64,
    /// With `authz`: the program `nginx`
    #[arg(long, value_name = "FILE", required_if_eq("server", "authz"))]
    nginx: Option<PathBuf>,
    /// With `authz`: the program `envoy`, without which its part fails
    #[arg(long, value_name = "FILE")]
    envoy: Option<PathBuf>,
    /// With `authz`: only the parts that take seconds
    #[arg(long)]
    quick: bool,
    /// With `authz`: only parts whose name contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// With `authz`: the number of requests while memory is watched
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// The `tollgate` command
    #[arg(long, value_name = "FILE")]
    tollgate: PathBuf,
    /// Also write the measurements as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The server under load.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// `tollgate serve`
    Serve,
    /// `tollgate authz`
    Authz,
}

/// Clients whose requests need no new key.
const CLIENTS: usize = 3;
const SAMPLE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.server {
        Which::Serve => run(&cli),
        Which::Authz => parts(&cli),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let mut issuer = Issuer::start("load")?;
    let stranger = Issuer::start("a stranger")?;
    let policy = site::policy(&issuer, "load", false)?;
    let mut server = Server::start(&cli.tollgate, policy.file())?;
    let (known, unknown) = (asks(&issuer)?, missing(&issuer, &stranger)?);
    let state = Arc::new(State::default());
    let limit = Duration::from_secs(60 * cli.minutes);
    eprintln!(
        "  ..  {CLIENTS} clients at http://{} and one with unknown keys, {} min",
        server.address, cli.minutes
    );
    let start = |asks: Arc<Vec<Asked>>, seed: usize, pause: Option<Duration>| {
        let (state, address) = (Arc::clone(&state), server.address);
        thread::spawn(move || client::run(address, &asks, seed, pause, &state))
    };
    let known = Arc::new(known);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|seed| start(Arc::clone(&known), seed, None))
        .collect();
    let needy = start(Arc::new(unknown), 0, Some(Duration::from_millis(20)));
    let began = Instant::now();
    let mut figures = Figures::default();
    let sampler = {
        let (state, pid) = (Arc::clone(&state), server.pid());
        thread::spawn(move || {
            let mut samples = Vec::new();
            while !state.is_over() {
                thread::sleep(SAMPLE);
                samples.extend(server::resident_kib(pid));
            }
            samples
        })
    };
    let directed = direct(&mut issuer, &stranger, &state, began, limit);
    state.end();
    let join = |client: thread::JoinHandle<Tally>| client.join().ok().context("a client panicked");
    for client in clients {
        figures.usual.add(join(client)?);
    }
    figures.needy = join(needy)?;
    figures.resident_kib = sampler.join().ok().context("the sampler panicked")?;
    figures.seconds = began.elapsed().as_secs();
    figures.faults = directed?;
    server.stop()?;
    println!("{}", figures.text());
    if let Some(file) = &cli.json {
        std::fs::write(file, figures.json()?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(figures.is_good())
}

/// Runs the parts for `tollgate authz`.
fn parts(cli: &Cli) -> Result<bool> {
    let (good, list) = authz::run(&authz::Options {
        tollgate: &cli.tollgate,
        nginx: cli.nginx.as_deref().context("--nginx is missing")?,
        envoy: cli.envoy.as_deref(),
        quick: cli.quick,
        requests: cli.requests,
        only: cli.only.as_deref(),
    })?;
    if let Some(file) = &cli.json {
        std::fs::write(file, serde_json::to_string_pretty(&list)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(good)
}

/// The machine's time in Unix seconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
