//! Requests per second, latency, processor time and memory of proxies that ask `tollgate authz`, next to peers that do
//! the same job, and to the same proxies without any decision.
//!
//! All run at the same time and are measured in turn, so that other load on the machine affects all of them; the median
//! round counts. Every response is checked before: allowed and denied requests. Not here: installing the programs.

mod configs;
mod process;
mod rows;
mod site;
mod subjects;
mod wrk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tempfile::TempDir;
use tollgate_lab_http as http;

use process::Process;
use rows::{Cost, Row, Tokens};
use site::{Asked, Site};
use subjects::{Group, Kit, Part, Running, Subject};
use tollgate_targets::courses::Issuer;
use wrk::Round;

/// Measure proxies that ask `tollgate authz`, and peers that do the same job
#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    places: Places,
    /// The policy sizes, in rules
    #[arg(long, value_delimiter = ',', default_values_t = [10, 1_000, 100_000])]
    rules: Vec<usize>,
    /// Measure only subjects whose name contains this text; can be given more than once [default: all]
    #[arg(long = "only", value_name = "TEXT")]
    only: Vec<String>,
    /// Also write the rows as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure for a shorter time: enough for an overview, too short for comparisons
    #[arg(long)]
    quick: bool,
}

/// The locations of the programs.
#[derive(clap::Args)]
pub(crate) struct Places {
    /// The `tollgate` command
    #[arg(long, value_name = "FILE")]
    pub(crate) tollgate: PathBuf,
    /// The program `nginx` with its JWT module
    #[arg(long, value_name = "FILE")]
    pub(crate) nginx: PathBuf,
    /// The program `envoy`
    #[arg(long, value_name = "FILE")]
    pub(crate) envoy: PathBuf,
    /// The program `wrk`
    #[arg(long, value_name = "FILE")]
    pub(crate) wrk: PathBuf,
}

/// The number of rounds, and the duration of each in seconds.
struct Effort {
    rounds: usize,
    secs: u32,
}

const WARM_UP_SECS: u32 = 1;

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
    let effort = match cli.quick {
        true => Effort { rounds: 1, secs: 1 },
        false => Effort { rounds: 5, secs: 1 },
    };
    let issuer = Issuer::new()?;
    let (origin, process) = subjects::origin(&cli.places)?;
    let mut rows = Vec::new();
    for rules in &cli.rules {
        say(&format!("a policy of {rules} rules"));
        let site = Site::new(*rules, &issuer)?;
        let kit = Kit {
            places: &cli.places,
            site: &site,
            origin,
        };
        let mut measured = Vec::new();
        let chosen = |subject: &&Subject| {
            let only = cli.only.iter();
            cli.only.is_empty() || only.clone().any(|text| subject.name.contains(text))
        };
        for subject in subjects::ALL.iter().filter(chosen) {
            say(&format!("{rules} rules, start: {}", subject.name));
            match subject.start(&kit) {
                Ok(running) => {
                    check(subject, &running, &site)?;
                    measured.push(Measured::new(subject, running));
                }
                Err(error) => rows.push(Row::missing(subject, *rules, format!("{error:#}"))),
            }
        }
        for tokens in [Tokens::Warm, Tokens::New] {
            rows.extend(measure(&mut measured, tokens, &site, cli, &effort)?);
        }
    }
    drop(process);
    print!("{}", rows::report(&rows, &effort_note(&effort)));
    if let Some(file) = &cli.json {
        fs::write(file, rows::json(&rows)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn effort_note(effort: &Effort) -> String {
    let Effort { rounds, secs } = effort;
    format!(
        "wrk, one thread, {} connections with keep-alive; RS256-2048 tokens; median of {rounds} rounds of {secs} s",
        wrk::CONNECTIONS
    )
}

fn say(what: &str) {
    eprintln!("  ..  {what}");
}

/// A running subject, and the rounds so far.
struct Measured<'a> {
    subject: &'a Subject,
    running: Running,
    rounds: Vec<(Round, Cost)>,
}

impl<'a> Measured<'a> {
    fn new(subject: &'a Subject, running: Running) -> Self {
        Self {
            subject,
            running,
            rounds: Vec::new(),
        }
    }

    /// The processor time of the proxy and of the decision service.
    fn cpu_micros(&self) -> [f64; 2] {
        let Running { proxy, decider, .. } = &self.running;
        [proxy, decider].map(|process| process.as_ref().map_or(0.0, Process::cpu_micros))
    }
}

/// Measures all subjects in turn, several times.
fn measure(
    measured: &mut [Measured<'_>],
    tokens: Tokens,
    site: &Site,
    cli: &Cli,
    effort: &Effort,
) -> Result<Vec<Row>> {
    let folder = TempDir::new().context("cannot create a temporary directory")?;
    let asked = match tokens {
        Tokens::Warm => &site.warm,
        Tokens::New => &site.new,
    };
    let script = |is_asked| -> Result<PathBuf> {
        let path = folder.path().join(format!("{is_asked}.lua"));
        fs::write(&path, wrk::script(asked, is_asked)?)?;
        Ok(path)
    };
    let (usual, own) = (script(false)?, script(true)?);
    let run = |one: &Measured<'_>, secs: u32| -> Result<Round> {
        let script: &Path = if one.subject.is_asked { &own } else { &usual };
        wrk::run(&cli.places.wrk, script, one.running.address, secs)
    };
    for one in measured.iter_mut() {
        one.rounds.clear();
        run(one, WARM_UP_SECS)?;
    }
    for number in 1..=effort.rounds {
        say(&format!(
            "{} rules, {}: round {number}",
            site.rules,
            tokens.name()
        ));
        for one in measured.iter_mut() {
            let before = one.cpu_micros();
            let round = run(one, effort.secs)?;
            let [proxy, decider] = one.cpu_micros();
            // A peer with very many rules may answer nothing within a round.
            let is_peer = one.subject.part == Part::Peer;
            ensure!(
                round.errors == 0.0 && round.requests > 0.0 || is_peer,
                "{}: {} of {} requests failed",
                one.subject.name,
                round.errors,
                round.requests
            );
            let requests = round.requests.max(1.0);
            let cost = Cost {
                proxy_micros: (proxy - before[0]) / requests,
                decider_micros: (decider - before[1]) / requests,
            };
            one.rounds.push((round, cost));
        }
    }
    measured
        .iter_mut()
        .map(|one| {
            let rounds = core::mem::take(&mut one.rounds);
            Row::of(one.subject, site.rules, tokens, &one.running, rounds)
        })
        .collect()
}

/// Checks that a subject allows and denies what it should.
fn check(subject: &Subject, running: &Running, site: &Site) -> Result<()> {
    let status = |asked: &Asked, with_token: bool| -> Result<(u16, bool)> {
        let bearer = format!("Bearer {}", asked.token);
        let mut fields: Vec<(&str, &[u8])> = Vec::new();
        if with_token {
            fields.push(("authorization", bearer.as_bytes()));
        }
        let mut target = asked.path.as_str();
        if subject.is_asked {
            target = "/auth/nginx";
            fields.push(("x-original-method", b"GET"));
            fields.push(("x-original-uri", asked.path.as_bytes()));
        }
        let reply = http::send(running.address, "GET", target.as_bytes(), &fields, b"")?;
        let is_page = subject.is_asked || reply.body == configs::PAGE.as_bytes();
        Ok((reply.status, is_page))
    };
    for asked in &site.warm {
        let (status, is_page) = status(asked, true)?;
        ensure!(
            status == 200 && is_page,
            "{} returns {status} for {}",
            subject.name,
            asked.path
        );
    }
    let denied = site.denied.iter().map(|asked| (asked, true));
    let unknown = site.warm.iter().take(4).map(|asked| (asked, false));
    for (asked, with_token) in denied.chain(unknown) {
        let (status, _) = status(asked, with_token)?;
        let is_denied = status == 401 || status == 403;
        let decides = subject.decides() || subject.group == Group::Nothing && subject.is_asked;
        ensure!(
            is_denied == decides,
            "{} returns {status} for {} with a token: {with_token}",
            subject.name,
            asked.path
        );
    }
    Ok(())
}
