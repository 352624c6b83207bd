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
mod completions;
mod decide;
mod diff;
mod earlier;
mod edge;
mod example;
mod explain;
mod export;
mod failure;
mod fmt;
mod form;
mod import;
mod init;
mod input;
mod inspect;
mod keygen;
mod keys;
mod man;
mod notes;
mod output;
mod overwrite;
mod person;
mod policy;
mod progress;
mod publish;
mod reach;
mod record;
mod rejected;
mod serve;
mod stamp;
mod test;
mod test_key;
mod token;
mod trace;
mod trust;
mod verdict;
mod verify;
mod version;
mod watch;
mod who;
mod write;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use form::Form;
use verdict::Verdict;

/// Check, test, analyze and build edge access policies
#[derive(Parser)]
#[command(
    name = "tollgate",
    version = version::LONG,
    arg_required_else_help = true,
    propagate_version = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
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
    Publish(publish::Publish),
    Status(publish::Status),
    Rollback(publish::Rollback),
    Serve(serve::Serve),
    Authz(authz::Authz),
    Completions(completions::Completions),
    Man(man::Man),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error),
    };
    let (form, result) = match cli.command {
        Command::Init(args) => (Form::of(args.json), args.run()),
        Command::Check(args) => (args.form.form(), args.run()),
        Command::Decide(args) => (Form::of(args.json), args.run()),
        Command::Explain(args) => (Form::of(args.json), args.run()),
        Command::Diff(args) => (args.form.form(), args.run()),
        Command::Who(args) => (Form::of(args.json), args.run()),
        Command::Reach(args) => (Form::of(args.json), args.run()),
        Command::Test(args) => (args.form.form(), args.run()),
        Command::Build(args) => (Form::of(args.json), args.run()),
        Command::Fmt(args) => (Form::of(args.json), args.run()),
        Command::Import(args) => (Form::of(args.json), args.run()),
        Command::Export(args) => (Form::of(args.json), args.run()),
        Command::Inspect(args) => (Form::of(args.json), args.run()),
        Command::Keygen(args) => (Form::of(args.json), args.run()),
        Command::Keys(keys::Keys::Fetch(args)) => (Form::of(args.json), args.run()),
        Command::Keys(keys::Keys::New(args)) => (Form::of(args.json), args.run()),
        Command::Verify(args) => (Form::of(args.json), args.run()),
        Command::Token(token::Token::Mint(args)) => (Form::of(args.json), args.run()),
        Command::Publish(args) => (Form::of(args.json), args.run()),
        Command::Status(args) => (Form::of(args.json), args.run()),
        Command::Rollback(args) => (Form::of(args.json), args.run()),
        Command::Serve(args) => (Form::Human, args.run()),
        Command::Authz(args) => (Form::Human, args.run()),
        Command::Completions(args) => (Form::Human, args.run()),
        Command::Man(args) => (Form::Human, args.run()),
    };
    match result {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(3),
        Err(failure) => failure.report(form),
    }
}
