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
use tollgate_gate::{Gate, LoadError};

use crate::content::Content;
use crate::fetch::{Https, http_client};
use crate::settings::{RoleSettings, Settings};
use crate::store::s3::S3;
use crate::{Clock, Failure, Function, Reply, Role, stream};

/// The policy image beside the program, if nothing else is set.
const POLICY: &str = "policy.tgi";

/// A function over S3.
pub type S3Function = Function<S3, Https>;

/// The function that the environment describes, with the gate that `load` makes of its image, at a fixed time
/// or at its own.
///
/// # Errors
///
/// If a variable means nothing, or the policy image is refused.
pub fn function(
    load: impl FnOnce(Vec<u8>) -> Result<Gate<Vec<u8>>, LoadError>,
    fixed: Option<UnixSeconds>,
) -> Result<S3Function, Error> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = Settings::read(&environment)?;
    let path = match settings.policy {
        Some(path) => path,
        None => beside_program()?,
    };
    let shown = path.display();
    let image = std::fs::read(&path).map_err(|error| format!("{shown}: {error}"))?;
    let gate = load(image).map_err(|error| format!("{shown}: {error}"))?;
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

fn beside_program() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(POLICY))
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
