//! The project's commands, one subcommand per file: `cargo xtask build`, `test`, `demo` and so on.
//!
//! Contains no product logic and depends on none of our crates, so that it runs even when they do not
//! compile: all work happens in processes it starts (`cargo`, `node`, the `tollgate` command). Exit codes
//! are those of the `tollgate` command: 0 success, 3 negative result, 2 usage error or unsuitable
//! environment.

mod bench;
mod build;
mod callback;
mod chaos;
mod ci;
mod codegen;
mod conformance;
mod demo;
mod drt;
mod embedding;
mod fixtures;
mod fuzz;
mod hostile;
mod infra;
mod load;
mod miri;
mod mutants;
mod nightly;
mod peers;
mod proofs;
mod semver;
mod supply;
mod tally;
mod targets;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
// Every file of this program uses them from here.
use xtask::{Verdict, repo, shell, tools, ui};

/// Tollgate's project commands.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build the WASM modules and the npm package, print their sizes, check the bare targets.
    Build(build::Args),
    /// Run every check and test the project has.
    Test(test::Args),
    /// Measure cold starts and warm decisions on every target, and peers beside them.
    Bench(bench::Args),
    /// Mint tokens, start the local edge, send real requests and compare what comes back.
    Demo(demo::Args),
    /// Run conformance cases on the targets.
    Conformance(conformance::Args),
    /// Write fixture keys, tokens and cases, or check that they are current.
    Fixtures(fixtures::Args),
    /// Write generated files, or check that they are current.
    Codegen(codegen::Args),
    /// Hold the sample policy against other policy engines.
    Peers(peers::Args),
    /// Ask the specification, the core and every target the same random questions.
    Drt(drt::Args),
    /// Feed hostile bytes to everything that reads any, on nightly, with libFuzzer.
    Fuzz(fuzz::Args),
    /// Ask about inputs of a megabyte, on a small stack, and print what each took.
    Hostile,
    /// Run the tests of the core and the token layer in Miri, on nightly.
    Miri(miri::Args),
    /// Break the core and the token layer in many small ways, and see which the tests notice.
    Mutants(mutants::Args),
    /// Make faults happen on every target, and see that nothing is allowed wrongly and nothing lost.
    Chaos(chaos::Args),
    /// Keep `tollgate serve` under load while its issuer fails and recovers.
    Load(load::Args),
    /// Prove what the analysis says about random policies.
    Proofs(proofs::Args),
    /// Check what we build from: advisories, licences, duplicates, sources; write bills of materials.
    Supply(supply::Args),
    /// Compare the embedders' interface with that of a git revision.
    Semver(semver::Args),
    /// Check what the compiler cannot: sizes, imports, names, stray stubs.
    Tidy,
    /// What CI runs.
    Ci,
}

fn main() -> ExitCode {
    let answer = match Cli::parse().verb {
        Verb::Build(args) => build::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Bench(args) => bench::run(&args),
        Verb::Demo(args) => demo::run(&args),
        Verb::Drt(args) => drt::run(&args),
        Verb::Chaos(args) => chaos::run(&args),
        Verb::Load(args) => load::run(&args),
        Verb::Conformance(args) => conformance::run(&args),
        Verb::Fixtures(args) => fixtures::run(&args),
        Verb::Codegen(args) => codegen::run(&args),
        Verb::Peers(args) => peers::run(&args),
        Verb::Mutants(args) => mutants::run(&args),
        Verb::Fuzz(args) => fuzz::run(&args),
        Verb::Hostile => hostile::run(),
        Verb::Miri(args) => miri::run(&args),
        Verb::Proofs(args) => proofs::run(&args),
        Verb::Supply(args) => supply::run(&args),
        Verb::Semver(args) => semver::run(&args),
        Verb::Tidy => tidy::run(),
        Verb::Ci => ci::run(),
    };
    xtask::exit_code(answer)
}
