//! `tollgate`, the policy authors' command: one file per subcommand.
//!
//! Not here: logic about rules and tokens, which is in the libraries.
//!
//! Exit codes: 0 on success, 3 for a negative result (request denied, invalid token, failed test), 2 for a usage error
//! or invalid input. With `--json`, exactly one JSON object is written to standard output, for errors too.

mod analysed;
mod authz;
mod build;
mod check;
mod claims;
mod client;
mod decide;
mod diff;
mod earlier;
mod edge;
mod example;
mod explain;
mod export;
mod failure;
mod fmt;
mod import;
mod input;
mod inspect;
mod keygen;
mod keys;
mod output;
mod overwrite;
mod policy;
mod progress;
mod reach;
mod rejected;
mod serve;
mod test;
mod token;
mod trace;
mod trust;
mod verdict;
mod verify;
mod who;
mod write;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use verdict::Verdict;

/// Check, test, analyze and build edge access policies
#[derive(Parser)]
#[command(
    name = "tollgate",
    version,
    arg_required_else_help = true,
    propagate_version = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Check),
    Decide(decide::Decide),
    Explain(explain::Explain),
    Diff(diff::DiffArgs),
    Who(who::WhoArgs),
    Reach(reach::ReachArgs),
    Test(test::Test),
    Build(build::Build),
    Fmt(fmt::Fmt),
    Import(import::Import),
    Export(export::Export),
    Inspect(inspect::Inspect),
    Keygen(keygen::Keygen),
    #[command(subcommand)]
    Keys(keys::Keys),
    Verify(verify::Verify),
    #[command(subcommand)]
    Token(token::Token),
    Serve(serve::Serve),
    Authz(authz::Authz),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    let (json, result) = match cli.command {
        Command::Check(args) => (args.json, args.run()),
        Command::Decide(args) => (args.json, args.run()),
        Command::Explain(args) => (args.json, args.run()),
        Command::Diff(args) => (args.json, args.run()),
        Command::Who(args) => (args.json, args.run()),
        Command::Reach(args) => (args.json, args.run()),
        Command::Test(args) => (args.json, args.run()),
        Command::Build(args) => (args.json, args.run()),
        Command::Fmt(args) => (args.json, args.run()),
        Command::Import(args) => (args.json, args.run()),
        Command::Export(args) => (args.json, args.run()),
        Command::Inspect(args) => (args.json, args.run()),
        Command::Keygen(args) => (args.json, args.run()),
        Command::Keys(keys::Keys::Fetch(args)) => (args.json, args.run()),
        Command::Verify(args) => (args.json, args.run()),
        Command::Token(token::Token::Mint(args)) => (args.json, args.run()),
        Command::Serve(args) => (false, args.run()),
        Command::Authz(args) => (false, args.run()),
    };
    match result {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(3),
        Err(failure) => failure.report(json),
    }
}
