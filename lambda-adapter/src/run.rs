//! The function that the environment configures, in the Lambda runtime.
//!
//! A panic affects only the event that triggered it: the runtime reports an error, which no platform treats
//! as an allow, and passes on the next event. Not here: event handling.

use core::pin::Pin;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use lambda_runtime::streaming::Body;
use lambda_runtime::{Diagnostic, Error, FunctionResponse, LambdaEvent, service_fn};
use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_gate::{Gate, Trust};
use tollgate_host::HttpClient;
use tollgate_token::Provider;

use crate::content::Content;
use crate::settings::{RoleSettings, Settings};
use crate::store::s3::{S3, http_client};
use crate::{Clock, Failure, Function, Reply, Role, stream};

/// The policy image next to the program, unless configured otherwise.
const POLICY: &str = "policy.tgi";
/// The trust keys next to the program, unless configured otherwise.
const TRUST: &str = "trust.json";

/// A function over S3.
pub type S3Function = Function<S3, HttpClient>;

/// Builds the function that the environment configures, with a fixed time or with its own clock.
///
/// # Errors
///
/// Returns an error if a variable is invalid, or if the trust keys or the policy image are rejected.
pub fn function(
    provider: &'static dyn Provider,
    fixed: Option<UnixSeconds>,
) -> Result<S3Function, Error> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = Settings::read(&environment)?;
    let mut trust = trust(&settings, provider)?;
    let path = match settings.policy {
        Some(path) => path,
        None => next_to_program(POLICY)?,
    };
    let shown = path.display();
    let image = std::fs::read(&path).map_err(|error| format!("{shown}: {error}"))?;
    let gate = Gate::load(image, trust.as_mut(), provider);
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
    Ok(Function::new(gate, HttpClient::new(), role, clock, log))
}

/// The configured trust keys, or those next to the program; `None` if there are none.
fn trust(settings: &Settings, provider: &'static dyn Provider) -> Result<Option<Trust>, Error> {
    let path = match &settings.trust {
        Some(path) => path.clone(),
        None => next_to_program(TRUST)?,
    };
    let shown = path.display();
    let keys = match std::fs::read(&path) {
        Ok(keys) => keys,
        Err(error) if error.kind() == io::ErrorKind::NotFound && settings.trust.is_none() => {
            return match settings.oldest_policy {
                Some(_) => Err("TOLLGATE_OLDEST_POLICY is set, but there are no trust keys".into()),
                None => Ok(None),
            };
        }
        Err(error) => return Err(format!("{shown}: {error}").into()),
    };
    let trust = Trust::from_json(&keys, provider).map_err(|error| format!("{shown}: {error}"))?;
    Ok(Some(match settings.oldest_policy {
        Some(oldest) => trust.at_least(oldest),
        None => trust,
    }))
}

fn next_to_program(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Handles the events of the runtime API until the process is terminated.
///
/// # Errors
///
/// Returns an error if the runtime API cannot be reached.
pub async fn serve(function: S3Function) -> Result<(), Error> {
    let function = Arc::new(function);
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let function = function.clone();
        // Boxed, because the S3 client nests its futures too deeply for the compiler.
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
