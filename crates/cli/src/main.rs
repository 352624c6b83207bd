//! `tollgate`, the policy authors' command: one verb a file, and no logic of its own about rules or
//! tokens.
//!
//! Exit codes everywhere: 0 yes or clean; 3 no (a deny, an invalid token, a failing test); 2 wrong
//! use or bad input. With `--json` exactly one JSON object goes to standard output, for errors too.

mod analysed;
mod build;
mod check;
mod claims;
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

/// Decide, from a compiled policy, who may have which path.
#[derive(Parser)]
#[command(
    name = "tollgate",
    version,
    arg_required_else_help = true,
    propagate_version = true
)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Check(check::Check),
    Decide(decide::Decide),
    Explain(explain::Explain),
    Diff(diff::DiffVerb),
    Who(who::WhoVerb),
    Reach(reach::ReachVerb),
    Test(test::Test),
    Build(build::Build),
    Fmt(fmt::Fmt),
    Import(import::Import),
    Export(export::Export),
    Inspect(inspect::Inspect),
    Keygen(keygen::Keygen),
    Verify(verify::Verify),
    #[command(subcommand)]
    Token(token::Token),
    Serve(serve::Serve),
}

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => return failure::usage(&error),
    };
    let (json, result) = match command.verb {
        Verb::Check(verb) => (verb.json, verb.run()),
        Verb::Decide(verb) => (verb.json, verb.run()),
        Verb::Explain(verb) => (verb.json, verb.run()),
        Verb::Diff(verb) => (verb.json, verb.run()),
        Verb::Who(verb) => (verb.json, verb.run()),
        Verb::Reach(verb) => (verb.json, verb.run()),
        Verb::Test(verb) => (verb.json, verb.run()),
        Verb::Build(verb) => (verb.json, verb.run()),
        Verb::Fmt(verb) => (verb.json, verb.run()),
        Verb::Import(verb) => (verb.json, verb.run()),
        Verb::Export(verb) => (verb.json, verb.run()),
        Verb::Inspect(verb) => (verb.json, verb.run()),
        Verb::Keygen(verb) => (verb.json, verb.run()),
        Verb::Verify(verb) => (verb.json, verb.run()),
        Verb::Token(token::Token::Mint(verb)) => (verb.json, verb.run()),
        Verb::Serve(verb) => (false, verb.run()),
    };
    match result {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(3),
        Err(failure) => failure.report(json),
    }
}
