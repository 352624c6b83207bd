//! Akamai: EdgeGrid signatures (`EG1-HMAC-SHA256`), and connections to its API.
//!
//! No Rust library for EdgeGrid is maintained, so the signature is here; it is checked with Akamai's test data. Not here:
//! where credentials come from (`edgerc`), and the calls ([`edgeworkers`](crate::edgeworkers)).

use std::env;
use std::path::Path;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::aws::now;
use crate::call::{Call, Reply, hex};
pub use crate::edgerc::{Credentials, find};
use crate::error::PublishError;
use crate::line::{Line, Request, USER_AGENT};
use crate::world::SendError;

/// A connection to Akamai's API.
pub struct Akamai {
    line: Line,
    credentials: Credentials,
}

impl Akamai {
    /// Prepares a connection with the credentials of a file, or of the environment.
    ///
    /// # Errors
    /// Returns an error if there are no usable credentials.
    pub fn connect(file: Option<&Path>, section: Option<&str>) -> Result<Self, PublishError> {
        let credentials = find(file, section, &|name| env::var(name).ok())?;
        let line = Line::new()?;
        Ok(Self { line, credentials })
    }

    /// The account switch key that belongs to the credentials.
    pub fn account(&self) -> Option<&str> {
        self.credentials.account.as_deref()
    }

    /// Sends a call once.
    ///
    /// # Errors
    /// Returns an error if there is no response.
    pub fn send(&self, call: &Call) -> Result<Reply, SendError> {
        let fatal = |message: String| {
            SendError::Fatal(PublishError::Network {
                action: call.action(),
                message,
            })
        };
        let mut nonce = [0_u8; 16];
        getrandom::fill(&mut nonce).map_err(|error| fatal(error.to_string()))?;
        let request = signed(call, &self.credentials, now(), &hex(&nonce)).map_err(fatal)?;
        let mut reply = self.line.send(request)?;
        // The API has no conditional writes: an ETag would be sent back for nothing.
        reply.etag = None;
        Ok(reply)
    }
}

/// A call with its signature. `time` is in Unix seconds, and the nonce is another one in each request.
///
/// # Errors
/// Returns a message if the call cannot be signed.
pub fn signed(
    call: &Call,
    credentials: &Credentials,
    time: i64,
    nonce: &str,
) -> Result<Request, String> {
    let query = if call.query.is_empty() { "" } else { "?" };
    let (base, root) = (&credentials.base, call.service.root());
    let own = call.headers.iter();
    let mut request = Request {
        method: call.method,
        url: format!("{base}{root}{}{query}{}", call.path, call.query),
        headers: own
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        body: call.body.clone(),
    };
    let authorization = authorization(&request, credentials, &timestamp(time)?, nonce)?;
    request.headers.extend([
        ("authorization".to_owned(), authorization),
        ("user-agent".to_owned(), USER_AGENT.to_owned()),
    ]);
    Ok(request)
}

/// The `Authorization` header of a request. No other header is signed, as no API of Akamai requires one.
///
/// # Errors
/// Returns a message if the URL cannot be read.
pub fn authorization(
    request: &Request,
    credentials: &Credentials,
    timestamp: &str,
    nonce: &str,
) -> Result<String, String> {
    let Credentials {
        base: _,
        client_token,
        client_secret,
        access_token,
        max_body_bytes,
        account: _,
    } = credentials;
    let url: http::Uri = request
        .url
        .parse()
        .map_err(|_| "the URL is invalid".to_owned())?;
    let (Some(scheme), Some(host), Some(target)) =
        (url.scheme_str(), url.authority(), url.path_and_query())
    else {
        return Err("the URL has no host".to_owned());
    };
    // Only the bodies of POST are signed, and of long ones only the start.
    let body = match request.method {
        "POST" => request.body.get(..*max_body_bytes).unwrap_or(&request.body),
        _ => &[],
    };
    let digest = match body {
        [] => String::new(),
        body => Base64::encode_string(&Sha256::digest(body)),
    };
    let fields = format!(
        "EG1-HMAC-SHA256 client_token={client_token};access_token={access_token};timestamp={timestamp};nonce={nonce};"
    );
    let headers = "";
    let text = [
        request.method,
        scheme,
        host.as_str(),
        target.as_str(),
        headers,
        &digest,
        &fields,
    ]
    .join("\t");
    // The key is the text of the first code, not its bytes.
    let key = code(client_secret, timestamp)?;
    Ok(format!("{fields}signature={}", code(&key, &text)?))
}

/// A message authentication code in base64.
fn code(key: &str, text: &str) -> Result<String, String> {
    let mut code =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|error| error.to_string())?;
    code.update(text.as_bytes());
    Ok(Base64::encode_string(&code.finalize().into_bytes()))
}

/// The time as EdgeGrid writes it.
fn timestamp(time: i64) -> Result<String, String> {
    let time = OffsetDateTime::from_unix_timestamp(time).map_err(|error| error.to_string())?;
    Ok(format!(
        "{:04}{:02}{:02}T{:02}:{:02}:{:02}+0000",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    ))
}
