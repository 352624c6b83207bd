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
mod deployment;
mod dist;
mod docs;
mod drt;
mod embedding;
mod fixtures;
mod fuzz;
mod hostile;
mod infra;
mod integrations;
mod load;
mod miri;
mod mutants;
mod nightly;
mod peers;
mod proofs;
mod semver;
mod sign_in;
mod supply;
mod tally;
mod targets;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
// All modules of this program import them from here.
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
    /// Build the WASM modules and the npm package, print their sizes, check the bare targets
    Build(build::Args),
    /// Run all checks and tests of the project
    Test(test::Args),
    /// Measure cold starts and warm decisions on every target and load through proxies, and compare with peers
    Bench(bench::Args),
    /// Mint tokens, start the local edge, send real requests and compare the responses
    Demo(demo::Args),
    /// Run conformance cases on the targets
    Conformance(conformance::Args),
    /// Write fixture keys, tokens and cases, or check that they are current
    Fixtures(fixtures::Args),
    /// Write generated files, or check that they are current
    Codegen(codegen::Args),
    /// Build the documentation site, and check its links
    Docs(docs::Args),
    /// Compare the sample policy with other policy engines
    Peers(peers::Args),
    /// Compare the specification, the core and every target on the same random requests
    Drt(drt::Args),
    /// Fuzz everything that parses untrusted bytes, on nightly, with libFuzzer
    Fuzz(fuzz::Args),
    /// Evaluate inputs of a megabyte on a small stack, and print the cost of each
    Hostile,
    /// Run the tests of the core and the token layer in Miri, on nightly
    Miri(miri::Args),
    /// Mutate the core and the token layer, and list the mutants that no test catches
    Mutants(mutants::Args),
    /// Inject faults into every target, and check that nothing is allowed wrongly and nothing is lost
    Chaos(chaos::Args),
    /// Put `tollgate serve` or `tollgate authz` under load while something fails and recovers
    Load(load::Args),
    /// Check the results of the analysis on random policies
    Proofs(proofs::Args),
    /// Check the supply chain: advisories, licences, duplicates, sources; write bills of materials
    Supply(supply::Args),
    /// Build the packages of a release: archives, Debian, npm, PyPI, image, checksums, licences, provenance
    Dist(dist::Args),
    /// Compare the embedders' interface with that of a git revision
    Semver(semver::Args),
    /// Check what the compiler cannot: file sizes, imports, names, stray stubs
    Tidy,
    /// Run what CI runs
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
        Verb::Docs(args) => docs::run(&args),
        Verb::Peers(args) => peers::run(&args),
        Verb::Mutants(args) => mutants::run(&args),
        Verb::Fuzz(args) => fuzz::run(&args),
        Verb::Hostile => hostile::run(),
        Verb::Miri(args) => miri::run(&args),
        Verb::Proofs(args) => proofs::run(&args),
        Verb::Supply(args) => supply::run(&args),
        Verb::Dist(args) => dist::run(&args),
        Verb::Semver(args) => semver::run(&args),
        Verb::Tidy => tidy::run(),
        Verb::Ci => ci::run(),
    };
    xtask::exit_code(answer)
}
