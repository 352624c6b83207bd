//! The demos: real tokens and real requests, every response compared with the expected one. `cargo xtask
//! demo` builds what they need and starts this program.
//!
//! Not here: building, which xtask does, and product code: the demos only start finished programs.

mod bucket;
mod cloudfront;
mod flow_a;
mod flow_b;
mod flow_c;
mod issuer;
mod local;
mod part;
mod report;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::{Verdict, ui};

/// Runs the demos of Tollgate. `cargo xtask demo` builds what they need
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    flow: Flow,
}

#[derive(Subcommand)]
enum Flow {
    /// The local edge, serving files
    Local {
        /// Keep the edge running afterwards and print curl commands to try
        #[arg(long)]
        serve: bool,
    },
    /// Sign-in, CloudFront with the Lambda@Edge function, a private bucket
    A,
    /// Hosted login, callback page, an API with the native Lambda program, a private bucket
    B {
        /// The program that emulates Lambda's runtime API
        #[arg(long, value_name = "FILE")]
        cargo_lambda: PathBuf,
    },
    /// Sign-in, a session from the Lambda@Edge function, the generated function in nginx's engine
    C {
        /// nginx with njs
        #[arg(long, value_name = "FILE")]
        nginx: PathBuf,
    },
    /// Run a command with the address and keys of a filled bucket in its environment (`TEST_S3_…`)
    Bucket {
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let answer = match Cli::parse().flow {
        Flow::Local { serve } => local::run(serve),
        Flow::A => flow_a::run(),
        Flow::B { cargo_lambda } => flow_b::run(&cargo_lambda),
        Flow::C { nginx } => flow_c::run(&nginx),
        Flow::Bucket { command } => with_bucket(&command),
    };
    xtask::exit_code(answer)
}

/// Runs a command while a filled bucket exists.
fn with_bucket(command: &[OsString]) -> Result<Verdict> {
    let bucket = ui::in_step("start S3, fill a private bucket", bucket::Bucket::start)?;
    let (program, arguments) = command.split_first().context("no command")?;
    let status = Command::new(program)
        .args(arguments)
        .env("TEST_S3_ENDPOINT", bucket.endpoint())
        .env("TEST_S3_BUCKET", bucket::NAME)
        .env("TEST_S3_REGION", bucket::REGION)
        .env("TEST_S3_KEY_ID", &bucket.key_id)
        .env("TEST_S3_SECRET", &bucket.secret)
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok(Verdict::of(status.success()))
}
