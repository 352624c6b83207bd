//! `tollgate-lambda`: answers CloudFront events from standard input, for testing a policy locally.
//!
//! One event a line in, one result a line out, log records on standard error. Not here: the Lambda
//! runtime; AWS runs this library from a handler, not this program.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::{Gate, LogRecord};
use tollgate_lambda::{EventError, answer, refuse};

/// Exit code for wrong use or bad input.
const BAD_INPUT: u8 = 2;

const USAGE: &str = "usage: tollgate-lambda --image FILE [--now SECS] < EVENTS.jsonl";

struct Options {
    image: std::path::PathBuf,
    now: Option<UnixSeconds>,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(BAD_INPUT);
    };
    let image = match std::fs::read(&options.image) {
        Ok(image) => image,
        Err(error) => {
            eprintln!("tollgate-lambda: {}: {error}", options.image.display());
            return ExitCode::from(BAD_INPUT);
        }
    };
    let gate = match Gate::new(image, &Native) {
        Ok(gate) => gate,
        Err(error) => {
            eprintln!("tollgate-lambda: {}: {error}", options.image.display());
            return ExitCode::from(BAD_INPUT);
        }
    };
    match answer_lines(&gate, options.now) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(BAD_INPUT),
        Err(error) => {
            eprintln!("tollgate-lambda: {error}");
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// Answers every line; `false` if one was no event. Such a line is denied and the rest goes on.
fn answer_lines(gate: &Gate<Vec<u8>>, now: Option<UnixSeconds>) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    let mut all_were_events = true;
    for (number, line) in (1_u64..).zip(io::stdin().lock().split(b'\n')) {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let now = now.map_or_else(clock, Ok)?;
        let answer = match serde_json::from_slice(&line) {
            Ok(event) => answer(gate, event, now),
            Err(_) => refuse(EventError::NotJson),
        };
        if let Some(error) = answer.error {
            all_were_events = false;
            eprintln!("tollgate-lambda: line {number}: {error}");
        }
        writeln!(out, "{}", answer.result)?;
        eprintln!("{}", log_line(&answer.log));
    }
    out.flush()?;
    Ok(all_were_events)
}

fn log_line(log: &LogRecord) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    _ = log.write_json(&mut line);
    line
}

/// The time now. No token can be judged by a clock that stands before 1970.
fn clock() -> io::Result<UnixSeconds> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(io::Error::other)?;
    i64::try_from(since.as_secs())
        .map(UnixSeconds)
        .map_err(io::Error::other)
}

fn options(mut args: impl Iterator<Item = std::ffi::OsString>) -> Option<Options> {
    let (mut image, mut now) = (None, None);
    while let Some(arg) = args.next() {
        match arg.to_str()? {
            "--image" => image = Some(args.next()?.into()),
            "--now" => now = Some(UnixSeconds(args.next()?.to_str()?.parse().ok()?)),
            _ => return None,
        }
    }
    Some(Options { image: image?, now })
}
