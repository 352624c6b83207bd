//! `tollgate-lambda`: a function for AWS Lambda, configured by environment variables.
//!
//! With `--stdin` it processes events from standard input instead, one per line, for testing a policy
//! locally. It prints one result per line, and log records on standard error. Not here: the function itself,
//! which is the library.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_lambda::run::{S3Function, function, serve};
use tollgate_lambda::settings::VARIABLES;
use tollgate_lambda::{Failure, Reply};

/// Exit code for a usage error or invalid input.
const BAD_INPUT: u8 = 2;

const USAGE: &str = "usage: tollgate-lambda [--stdin [--now SECS] < EVENTS.jsonl]";

/// The mode that the command line selects.
enum Mode {
    Runtime,
    Lines(Option<UnixSeconds>),
    Help,
}

fn main() -> ExitCode {
    let Some(mode) = mode(std::env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(BAD_INPUT);
    };
    let fixed = match mode {
        Mode::Help => {
            print!("{}", help());
            return ExitCode::SUCCESS;
        }
        Mode::Runtime | Mode::Lines(None) => None,
        Mode::Lines(now) => now,
    };
    let done = function(&Native, fixed).and_then(|function| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        match mode {
            Mode::Lines(_) => runtime.block_on(answer_lines(&function)),
            Mode::Runtime | Mode::Help => runtime.block_on(serve(function)).map(|()| true),
        }
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(BAD_INPUT),
        Err(error) => {
            eprintln!("tollgate-lambda: {error}");
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// Processes every line; returns `false` if one was not an event for this function. The result of such a line
/// is an error, as API Gateway would receive it, and the next line is processed.
async fn answer_lines(function: &S3Function) -> Result<bool, lambda_runtime::Error> {
    let mut out = io::stdout().lock();
    let mut all_were_events = true;
    for (number, line) in (1_u64..).zip(io::stdin().lock().split(b'\n')) {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let event = serde_json::from_slice(&line).unwrap_or(Value::Null);
        let result = match function.answer(event).await {
            Ok(Reply::Value(value)) => value,
            Ok(Reply::Stream(reply, _)) => json!({ "statusCode": reply.status }),
            Err(failure) => {
                if failure != Failure::Unauthorized {
                    all_were_events = false;
                    eprintln!("tollgate-lambda: line {number}: {failure}");
                }
                json!({ "errorMessage": failure.to_string() })
            }
        };
        writeln!(out, "{result}")?;
    }
    out.flush()?;
    Ok(all_were_events)
}

fn mode(mut args: impl Iterator<Item = std::ffi::OsString>) -> Option<Mode> {
    let Some(first) = args.next() else {
        return Some(Mode::Runtime);
    };
    let mode = match (first.to_str()?, args.next()) {
        ("--help", None) => Mode::Help,
        ("--stdin", None) => Mode::Lines(None),
        ("--stdin", Some(flag)) if flag == "--now" => {
            Mode::Lines(Some(UnixSeconds(args.next()?.to_str()?.parse().ok()?)))
        }
        _ => return None,
    };
    args.next().is_none().then_some(mode)
}

fn help() -> String {
    let mut text = format!("{USAGE}\n\nA function for AWS Lambda. Environment variables:\n");
    for variable in VARIABLES {
        text += &format!(
            "\n  {}\n      {}\n      {}\n",
            variable.name, variable.about, variable.values
        );
    }
    text
}
