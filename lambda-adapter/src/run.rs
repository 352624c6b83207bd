//! The function that the environment describes, and the Lambda runtime around it.
//!
//! A panic costs the event that met it: the runtime makes an error of it, which no platform takes for an allow,
//! and hands over the next event. Not here: what a function does with an event.

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

/// The policy image beside the program, if nothing else is set.
const POLICY: &str = "policy.tgi";
/// The trust keys beside the program, if nothing else is set.
const TRUST: &str = "trust.json";

/// A function over S3.
pub type S3Function = Function<S3, HttpClient>;

/// The function that the environment describes, at a fixed time or at its own.
///
/// # Errors
///
/// If a variable means nothing, or the trust keys or the policy image are refused.
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
        None => beside_program(POLICY)?,
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

/// The trust keys of the settings, or those beside the program; none if there are none.
fn trust(settings: &Settings, provider: &'static dyn Provider) -> Result<Option<Trust>, Error> {
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
    let trust = Trust::from_json(&keys, provider).map_err(|error| format!("{shown}: {error}"))?;
    Ok(Some(match settings.oldest_policy {
        Some(oldest) => trust.at_least(oldest),
        None => trust,
    }))
}

fn beside_program(name: &str) -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Answers what the runtime API hands over, until the process is ended.
///
/// # Errors
///
/// If the runtime API cannot be reached.
pub async fn serve(function: S3Function) -> Result<(), Error> {
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
