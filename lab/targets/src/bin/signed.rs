//! Signed policy images on the Rust targets: `signed --wasm FILE --write FILE` tests them on the library and
//! on the WASM module, prints a line of counts for each, and writes the same test to a file for targets in
//! other languages.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use tollgate_core::UnixSeconds;
use tollgate_crypto::{Native, Portable};
use tollgate_gate::{Action, Gate, PolicyVersion, Request, Trust};
use tollgate_targets::embedded::{Compiled, Embedded};
use tollgate_targets::signed::{OLDEST, OPEN, Trial};
use tollgate_token::Provider;

/// Test signed policy images
#[derive(Parser)]
struct Cli {
    /// The plain WASM module
    #[arg(long, value_name = "FILE")]
    wasm: PathBuf,
    /// The file to which the test is written, as JSON
    #[arg(long, value_name = "FILE")]
    write: PathBuf,
}

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
    let trial = Trial::new()?;
    std::fs::write(&cli.write, trial.to_json().to_string()).context("cannot write the trial")?;
    let module = Compiled::from_file(&cli.wasm)?;
    let native = report("native", &trial, |bytes| in_gate(&trial, bytes, &Native));
    let portable = report("portable", &trial, |bytes| {
        in_gate(&trial, bytes, &Portable)
    });
    let wasmtime = report("wasmtime", &trial, |bytes| {
        in_module(&module, &trial, bytes)
    });
    long_lived(&module, &trial).context("a module that lives on")?;
    Ok(native & portable & wasmtime)
}

/// Tests every case; `ask` returns why an image is rejected.
fn report(name: &str, trial: &Trial, mut ask: impl FnMut(&[u8]) -> Result<Option<String>>) -> bool {
    let mut failed = 0_usize;
    for case in &trial.cases {
        let wrong = match ask(&case.bytes) {
            Ok(said) => case.expect.mismatch(said.as_deref()),
            Err(error) => Some(format!("{error:#}")),
        };
        if let Some(wrong) = wrong {
            failed += 1;
            println!("FAIL {name}: an image {}: {wrong}", case.name);
        }
    }
    let passed = trial.cases.len().saturating_sub(failed);
    println!("{name}: {passed} passed, {failed} failed, 0 skipped");
    failed == 0
}

fn in_gate(trial: &Trial, bytes: &[u8], provider: &'static dyn Provider) -> Result<Option<String>> {
    let trust = Trust::from_json(trial.trust.as_bytes(), provider);
    let oldest = PolicyVersion::new(OLDEST).context("no version")?;
    let mut trust = trust.map_err(|error| anyhow!("{error}"))?.at_least(oldest);
    match Gate::load(bytes.to_vec(), Some(&mut trust), provider) {
        Ok(gate) => {
            let answer = gate.ask(&request(), &mut tollgate_gate::Context::new());
            ensure!(
                matches!(answer.action, Action::Forward(_)),
                "it does not decide"
            );
            Ok(None)
        }
        Err(error) => Ok(Some(error.to_string())),
    }
}

fn in_module(module: &Compiled, trial: &Trial, bytes: &[u8]) -> Result<Option<String>> {
    let mut instance = module.instance()?;
    instance.trust(trial.trust.as_bytes(), OLDEST)?;
    let said = instance.load(bytes).err().map(|error| error.to_string());
    let expect = if said.is_none() { 200 } else { 500 };
    ensure!(
        status(&mut instance)? == expect,
        "it decides without an image"
    );
    Ok(said)
}

/// Offers all cases to one instance in turn: a rejected image leaves the policy in force, and versions only
/// increase.
fn long_lived(module: &Compiled, trial: &Trial) -> Result<()> {
    let mut instance = module.instance()?;
    instance.trust(trial.trust.as_bytes(), OLDEST)?;
    let mut highest = 0;
    for case in &trial.cases {
        let taken = instance.load(&case.bytes).is_ok();
        let version = instance.version()?;
        ensure!(
            version >= highest,
            "{}: version {version} after {highest}",
            case.name
        );
        ensure!(
            taken || version == highest,
            "{}: rejected, but in force",
            case.name
        );
        ensure!(
            status(&mut instance)? == 200,
            "{}: nothing decides",
            case.name
        );
        highest = version;
    }
    ensure!(
        highest == PolicyVersion::MAX,
        "version {highest} is the last"
    );
    let oldest = trial.cases.first().context("no case")?;
    let refused = instance
        .load(&oldest.bytes)
        .map_err(|error| error.to_string());
    ensure!(
        refused.is_err_and(|said| said.contains("(image_older)")),
        "it accepts a rollback"
    );
    // The host may request a rollback. Rejected trust keys leave none.
    instance.trust(trial.trust.as_bytes(), OLDEST)?;
    instance.load(&oldest.bytes)?;
    ensure!(
        instance.trust(b"{}", 0).is_err(),
        "an empty key list is accepted"
    );
    ensure!(
        instance.load(&oldest.bytes).is_err(),
        "an image without keys is accepted"
    );
    Ok(())
}

fn status(instance: &mut Embedded) -> Result<u16> {
    Ok(instance.decide(&request())?.status)
}

fn request() -> Request<'static> {
    Request {
        method: "GET",
        target: OPEN.as_bytes(),
        headers: &[],
        ip: None,
        now: UnixSeconds(1_800_000_000),
        entropy: None,
    }
}
