//! `tollgate-lambda`: a function for AWS Lambda, set up by environment variables.
//!
//! With `--stdin` it answers events from standard input instead, one a line, for testing a policy
//! locally: one result a line out, log records on standard error. Not here: everything it does.

use core::pin::Pin;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::streaming::Body;
use lambda_runtime::{Diagnostic, FunctionResponse, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::{Gate, Trust};
use tollgate_lambda::content::Content;
use tollgate_lambda::fetch::{Https, http_client};
use tollgate_lambda::settings::{RoleSettings, Settings, VARIABLES};
use tollgate_lambda::store::s3::S3;
use tollgate_lambda::{Clock, Failure, Function, Reply, Role, stream};

/// Exit code for wrong use or bad input.
const BAD_INPUT: u8 = 2;

/// The policy image beside the program, if nothing else is set.
const POLICY: &str = "policy.tgi";
/// The trust keys beside the program, if nothing else is set.
const TRUST: &str = "trust.json";

const USAGE: &str = "usage: tollgate-lambda [--stdin [--now SECS] < EVENTS.jsonl]";

type S3Function = Function<S3, Https>;

/// What stands on the command line.
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
    let done = function(fixed).and_then(|function| {
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

/// The function that the environment describes.
fn function(fixed: Option<UnixSeconds>) -> Result<S3Function, lambda_runtime::Error> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = Settings::read(&environment)?;
    let mut trust = trust(&settings)?;
    let path = match settings.policy {
        Some(path) => path,
        None => beside_program(POLICY)?,
    };
    let shown = path.display();
    let image = std::fs::read(&path).map_err(|error| format!("{shown}: {error}"))?;
    let gate = Gate::load(image, trust.as_mut(), &Native);
    let gate = gate.map_err(|error| format!("{shown}: {error}"))?;
    let role = match settings.role {
        RoleSettings::Authorizer(settings) => Role::Authorizer(settings),
        RoleSettings::Content(settings) => {
            let (settings, bucket) = *settings;
            Role::Content(Content::new(settings, S3::new(&bucket, http_client())))
        }
        RoleSettings::CloudFront => Role::CloudFront,
    };
    let clock = fixed.map_or(settings.clock, Clock::Fixed);
    let log = |line: &str| eprintln!("{line}");
    Ok(Function::new(gate, Https::new(), role, clock, log))
}

/// The trust keys of the settings, or those beside the program; none if there are none.
fn trust(settings: &Settings) -> Result<Option<Trust>, lambda_runtime::Error> {
    let path = match &settings.trust {
        Some(path) => path.clone(),
        None => beside_program(TRUST)?,
    };
    let shown = path.display();
    let keys = match std::fs::read(&path) {
        Ok(keys) => keys,
        Err(error) if error.kind() == io::ErrorKind::NotFound && settings.trust.is_none() => {
            return match settings.oldest_policy {
                Some(_) => Err("TOLLGATE_OLDEST_POLICY is set, and there are no trust keys".into()),
                None => Ok(None),
            };
        }
        Err(error) => return Err(format!("{shown}: {error}").into()),
    };
    let trust = Trust::from_json(&keys, &Native).map_err(|error| format!("{shown}: {error}"))?;
    Ok(Some(match settings.oldest_policy {
        Some(oldest) => trust.at_least(oldest),
        None => trust,
    }))
}

fn beside_program(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Answers what the runtime API hands over, until the process is ended.
async fn serve(function: S3Function) -> Result<(), lambda_runtime::Error> {
    let function = Arc::new(function);
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let function = function.clone();
        // Behind a pointer: the client of S3 nests its futures too deeply for the compiler.
        let answered: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { answer(&function, event.payload).await });
        answered
    });
    lambda_runtime::run::<Value, _, _, Value, Body, _, _>(service).await
}

async fn answer(
    function: &S3Function,
    event: Value,
) -> Result<FunctionResponse<Value, Body>, Diagnostic> {
    match function.answer(event).await {
        Ok(Reply::Value(value)) => Ok(FunctionResponse::BufferedResponse(value)),
        Ok(Reply::Stream(reply, chunks)) => {
            let response = stream::response(reply, chunks);
            Ok(FunctionResponse::StreamingResponse(response))
        }
        Err(failure) => Err(diagnostic(failure)),
    }
}

fn diagnostic(failure: Failure) -> Diagnostic {
    Diagnostic {
        error_type: "TollgateError".to_owned(),
        error_message: failure.to_string(),
    }
}

/// Answers every line; `false` if one was no event for this function. Such a line has an error for a
/// result, as API Gateway would see it, and the rest goes on.
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
