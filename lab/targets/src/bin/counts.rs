//! Counts that are identical in every run on every machine: `counts --policy DIR --cases FILE… --wasm FILE`
//! prints them as a single JSON object of names and integers.
//!
//! Not here: clocks, and the expected counts.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use tollgate_crypto::Native;
use tollgate_gate::{Gate, Kind, Request, TokenCache};
use tollgate_targets::Policy;
use tollgate_targets::counting::{Counting, allocations};
use tollgate_targets::embedded::Compiled;
use tollgate_testkit::{Case, read_cases};
use tollgate_token::{Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Count the cost of decisions
#[derive(Parser)]
struct Cli {
    /// The policy directory that the cases are for
    #[arg(long, value_name = "DIR")]
    policy: PathBuf,
    /// Case files, one JSON object per line
    #[arg(long, value_name = "FILE", num_args = 1..)]
    cases: Vec<PathBuf>,
    /// The plain WASM module
    #[arg(long, value_name = "FILE")]
    wasm: PathBuf,
}

/// The number of valid requests in the flood, and of invalid ones before each.
const FLOOD_ROUNDS: usize = 2_000;
const BAD_PER_GOOD: usize = 10;
const FLOOD_CAPACITY: usize = 256;

type Counts = BTreeMap<&'static str, u64>;

fn main() -> ExitCode {
    match all(&Cli::parse()) {
        Ok(counts) => {
            println!("{}", serde_json::json!(counts));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn all(cli: &Cli) -> Result<Counts> {
    let policy = Policy::from_folder(&cli.policy)?;
    let mut cases = Vec::new();
    for file in &cli.cases {
        let text =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        cases.extend(read_cases(&text).map_err(|error| anyhow!("{}: {error}", file.display()))?);
    }
    let mut counts = Counts::new();
    counts.insert("image.sample.bytes", policy.image().len() as u64);
    let gate = Gate::new(policy.image().to_vec(), &Watched)
        .map_err(|error| anyhow!("the gate rejects the image: {error}"))?;
    let parts: Vec<_> = cases.iter().map(headers).collect();
    let requests: Vec<Request<'_>> = cases
        .iter()
        .zip(&parts)
        .map(|(case, headers)| request(case, headers))
        .collect();
    in_gate(&gate, &requests, &mut counts)?;
    flood(&gate, &requests, &mut counts)?;
    let mut embedded = Compiled::counted(&cli.wasm)?.start(policy.image())?;
    counts.insert("fuel.start.sample", embedded.fuel().context("no fuel")?);
    for (name, wanted) in [
        ("fuel.open_path", first(&gate, &requests, Cost::Open)?),
        (
            "fuel.new_rs256_token",
            first(&gate, &requests, Cost::Token)?,
        ),
        ("fuel.known_token", first(&gate, &requests, Cost::Token)?),
    ] {
        let before = embedded.fuel().context("no fuel")?;
        let reply = embedded.decide(wanted)?;
        ensure!(reply.kind == Kind::Allow, "{name}: the module denies it");
        counts.insert(name, embedded.fuel().context("no fuel")? - before);
    }
    Ok(counts)
}

/// The reason why a request is expensive.
#[derive(Clone, Copy, PartialEq)]
enum Cost {
    /// None: the path is open.
    Open,
    /// One RSA signature.
    Token,
}

/// Returns the first allowed request of this kind.
fn first<'a, 'b>(
    gate: &Gate<Vec<u8>>,
    requests: &'a [Request<'b>],
    cost: Cost,
) -> Result<&'a Request<'b>> {
    requests
        .iter()
        .find(|request| {
            let before = Watched::rsa();
            let allowed = gate.ask(request, &mut tollgate_gate::Context::new()).kind == Kind::Allow;
            let rsa = Watched::rsa() - before;
            let signatures = u64::from(cost == Cost::Token);
            allowed && rsa == signatures && request.headers.is_empty() == (cost == Cost::Open)
        })
        .context("no case has such a request")
}

/// Counts allocations of complete requests in the gate, after the first of their kind.
fn in_gate(gate: &Gate<Vec<u8>>, requests: &[Request<'_>], counts: &mut Counts) -> Result<()> {
    let mut tokens = TokenCache::new(FLOOD_CAPACITY);
    for (name, cost) in [
        ("allocations.open_path", Cost::Open),
        ("allocations.known_token", Cost::Token),
    ] {
        let request = first(gate, requests, cost)?;
        _ = gate.ask(request, &mut tollgate_gate::Context::cached(&mut tokens));
        let before = Watched::rsa();
        let made =
            allocations(|| gate.ask(request, &mut tollgate_gate::Context::cached(&mut tokens)));
        ensure!(Watched::rsa() == before, "{name}: the token was not cached");
        counts.insert(name, made);
    }
    let request = first(gate, requests, Cost::Token)?;
    counts.insert(
        "allocations.new_rs256_token",
        allocations(|| gate.ask(request, &mut tollgate_gate::Context::new())),
    );
    Ok(())
}

/// Mixes valid tokens with ten times as many invalid ones and returns how many of 1,000 valid ones cost no
/// signature.
fn flood(gate: &Gate<Vec<u8>>, requests: &[Request<'_>], counts: &mut Counts) -> Result<()> {
    let good: Vec<&Request<'_>> = requests
        .iter()
        .filter(|request| {
            let before = Watched::rsa();
            let allowed = gate.ask(request, &mut tollgate_gate::Context::new()).kind == Kind::Allow;
            let by_token = Watched::rsa() > before && is_bearer(request);
            // Where anyone has access, an invalid token is harmless and not part of the flood.
            let bare = Request {
                headers: &[],
                ..**request
            };
            allowed
                && by_token
                && gate.ask(&bare, &mut tollgate_gate::Context::new()).kind != Kind::Allow
        })
        .collect();
    ensure!(good.len() >= 10, "{} valid tokens are too few", good.len());
    let mut tokens = TokenCache::new(FLOOD_CAPACITY);
    for request in &good {
        _ = gate.ask(request, &mut tollgate_gate::Context::cached(&mut tokens));
    }
    let mut hits = 0;
    for (round, request) in good.iter().cycle().take(FLOOD_ROUNDS).enumerate() {
        for number in 0..BAD_PER_GOOD {
            let mut header = request.headers.to_vec();
            let [(_, value)] = header.as_mut_slice() else {
                continue;
            };
            // Only the start of the signature differs: it competes for the valid token's cache slot.
            let mut bytes = value.to_vec();
            let at = bytes.iter().rposition(|byte| *byte == b'.').unwrap_or(0);
            let bad = format!("{:08}", round * BAD_PER_GOOD + number);
            if let Some(place) = bytes.get_mut(at + 1..at + 1 + bad.len()) {
                place.copy_from_slice(bad.as_bytes());
            }
            *value = &bytes;
            let flooding = Request {
                headers: &header,
                ..**request
            };
            let kind = gate
                .ask(&flooding, &mut tollgate_gate::Context::cached(&mut tokens))
                .kind;
            ensure!(kind != Kind::Allow, "an invalid token was allowed");
        }
        let before = Watched::all();
        let kind = gate
            .ask(request, &mut tollgate_gate::Context::cached(&mut tokens))
            .kind;
        ensure!(kind == Kind::Allow, "a valid token was denied");
        hits += usize::from(Watched::all() == before);
    }
    counts.insert(
        "flood.hits_of_1000_good",
        u64::try_from(hits * 1_000 / FLOOD_ROUNDS)?,
    );
    Ok(())
}

fn is_bearer(request: &Request<'_>) -> bool {
    matches!(request.headers, [(name, _)] if name.eq_ignore_ascii_case("authorization"))
}

fn headers(case: &Case) -> Vec<(&str, &[u8])> {
    case.headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

fn request<'a>(case: &'a Case, headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request {
        method: &case.method,
        target: &case.target,
        headers,
        ip: case.ip.as_deref(),
        now: tollgate_core::UnixSeconds(case.now),
        entropy: None,
    }
}

/// The native provider, counting all verified signatures, and the valid RSA signatures.
struct Watched;

static RSA: AtomicU64 = AtomicU64::new(0);
static ALL: AtomicU64 = AtomicU64::new(0);

impl Watched {
    fn rsa() -> u64 {
        RSA.load(Ordering::Relaxed)
    }

    fn all() -> u64 {
        ALL.load(Ordering::Relaxed)
    }
}

impl Provider for Watched {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        let key = Native.prepare(algorithm, key)?;
        Ok(Box::new(WatchedKey { algorithm, key }))
    }
}

struct WatchedKey {
    algorithm: Algorithm,
    key: Box<dyn PreparedKey>,
}

impl PreparedKey for WatchedKey {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let verified = self.key.verify(signing_input, signature);
        ALL.fetch_add(1, Ordering::Relaxed);
        if self.algorithm == Algorithm::RS256 && verified.is_ok() {
            RSA.fetch_add(1, Ordering::Relaxed);
        }
        verified
    }

    fn mac(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.key.mac(message)
    }
}
