//! Differential random testing: the specification, the core and every target evaluate the same random
//! requests against the same random policies. Prints the numbers of pairs and of disagreements.

use anyhow::Result;

use crate::{Verdict, build, conformance, peers, shell, targets, ui};

/// Arguments of `drt`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long to test, in minutes' worth of work: one is a million pairs natively, 100,000 for each
    /// WebAssembly engine, 10,000 for Cedar and a few of everything else, which takes about two minutes on
    /// two processors
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// The seed of the first policy: change it for other policies, repeat it to reproduce a failure
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Pairs per minute for the specification and the core.
const NATIVE_PAIRS: u64 = 1_000_000;
/// Pairs per minute for the generated JavaScript in Node; a tenth of that in nginx's engine.
const SCRIPT_PAIRS: u64 = 10_000;
/// Requests per minute for Cedar, with random policies restricted to what Cedar can express.
const CEDAR_REQUESTS: usize = 10_000;
/// Seconds per minute for the theorems on each target.
const THEOREM_SECONDS: u64 = 1;
/// Pairs per minute for each WebAssembly engine: wasmtime, V8 in Node and in workerd.
const ENGINE_PAIRS: u64 = 100_000;
/// Seconds per minute for each other target.
const OTHER_SECONDS: u64 = 2;

/// Runs all comparisons.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    conformance::prepare(&[])?;
    let mut good = true;
    println!("the specification against the core:");
    let mut native = shell::cargo(["test", "--workspace"]);
    native
        .args(["--test", "differential", "--", "--nocapture"])
        .env("TOLLGATE_PAIRS", (NATIVE_PAIRS * args.minutes).to_string())
        .env("TOLLGATE_SEED", args.seed.to_string());
    good &= shell::hand_over(&mut native)? == 0;
    println!("the library against targets:");
    let (pairs, seconds): (Vec<_>, Vec<_>) = targets::chosen(&[])?
        .into_iter()
        .filter(|target| target.drt != "elsewhere")
        .partition(|target| target.drt == "pairs");
    let pairs = pairs.iter().map(|target| (target, "--pairs", ENGINE_PAIRS));
    let seconds = seconds
        .iter()
        .map(|target| (target, "--seconds", OTHER_SECONDS));
    for (target, unit, count) in pairs.chain(seconds) {
        let mut drt = conformance::program("drt", &[&target.name]);
        drt.args([unit, &(count * args.minutes).to_string()])
            .args(["--seed", &args.seed.to_string()]);
        good &= shell::hand_over(&mut drt)? == 0;
    }
    println!("the library against generated JavaScript:");
    let nginx = ui::in_step("nginx", build::javascript::nginx)?;
    good &= build::javascript::pairs(SCRIPT_PAIRS * args.minutes, &nginx)?;
    println!("theorems on every target:");
    let seconds = THEOREM_SECONDS * args.minutes;
    let mut theorems = conformance::program("theorems", &[]);
    theorems
        .args(["--seconds", &seconds.to_string()])
        .args(["--seed", &args.seed.to_string()]);
    good &= shell::hand_over(&mut theorems)? == 0;
    println!("the library against Cedar:");
    let requests = CEDAR_REQUESTS.saturating_mul(usize::try_from(args.minutes)?);
    good &= matches!(
        peers::run(&peers::Args::random(requests, args.seed))?,
        Verdict::Yes
    );
    Ok(Verdict::of(good))
}
