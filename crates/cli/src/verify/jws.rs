//! `tollgate verify --jws`: verifies the signature of any payload with one key.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;
use tollgate_crypto::Native;
use tollgate_token::{Algorithm, Jwk, jws};

use super::invalid::invalid;
use crate::failure::Failure;
use crate::input;
use crate::output::{StdoutError, forgive_closed_pipe, print, print_json, visible};
use crate::verdict::Verdict;

/// The maximum size of a JWS, in bytes. Payloads need not be tokens, so the limit is higher than that of tokens.
const MAX_JWS_BYTES: u32 = 16 * 1024 * 1024;

pub(super) fn run(
    key: &Path,
    algorithms: &[Algorithm],
    token: &OsStr,
    json: bool,
) -> Result<Verdict, Failure> {
    let parsed = Jwk::parse(&input::read(key)?);
    let jwk = parsed.map_err(|error| Failure::Key {
        path: key.to_owned(),
        error,
    })?;
    let allowed = (!algorithms.is_empty()).then_some(algorithms);
    let token = input::argument_or_stdin(token)?;
    let payload = match jws::verify(&token, &jwk, allowed, MAX_JWS_BYTES, &Native) {
        Ok(payload) => payload,
        Err(error) if json => {
            print_json(json!({
                "valid": false,
                "code": error.code(),
                "message": error.to_string(),
                "payload": null,
            }))?;
            return Ok(Verdict::No);
        }
        Err(error) => return invalid(error.into(), None, false),
    };
    if json {
        let payload = Base64UrlUnpadded::encode_string(&payload);
        print_json(json!({ "valid": true, "code": null, "payload": payload }))?;
    } else {
        if io::stdout().is_terminal() {
            print(visible(&String::from_utf8_lossy(&payload)))?;
            return Ok(Verdict::Yes);
        }
        // A pipe receives the raw bytes, because the payload need not be text.
        let mut out = io::stdout().lock();
        let written = out.write_all(&payload).and_then(|()| out.write_all(b"\n"));
        forgive_closed_pipe(written.and_then(|()| out.flush())).map_err(StdoutError)?;
    }
    Ok(Verdict::Yes)
}
