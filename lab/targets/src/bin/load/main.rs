//! `tollgate serve` under sustained load: `load --minutes N --tollgate FILE`.
//!
//! Clients send requests as fast as they receive responses, and compare every response with the expected
//! one. Meanwhile the issuer fails in one way after another and recovers. Prints requests, wrong responses,
//! latencies, and the memory of the server. Exit codes: 0 if no response is wrong and memory is flat, 3 if
//! not, 2 for a usage error. Not here: the maximum speed of an edge, which `cargo xtask bench` measures.

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
use clap::Parser;
use tollgate_targets::live::issuer::Issuer;
use tollgate_targets::live::site;

use client::{Asked, asks, missing};
use figures::{Figures, Tally};
use plan::{State, direct};
use server::Server;

/// Put `tollgate serve` under load while its issuer fails and recovers
#[derive(Parser)]
struct Cli {
    /// The duration in minutes
    #[arg(long)]
    minutes: u64,
    /// The `tollgate` command
    #[arg(long, value_name = "FILE")]
    tollgate: PathBuf,
    /// Also write the measurements as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Clients whose requests need no new key.
const CLIENTS: usize = 3;
const SAMPLE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
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

/// The machine's time in Unix seconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
