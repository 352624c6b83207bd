//! Cloudflare: the API token, and connections to its API.
//!
//! The token comes from `CLOUDFLARE_API_TOKEN`, as for wrangler, and is never printed. Not here: the calls
//! ([`workers_kv`](crate::workers_kv)).

use std::env;

use crate::call::{Call, Reply, Service};
use crate::error::PublishError;
use crate::line::{Line, Request, USER_AGENT, endpoint};
use crate::world::SendError;

const TOKEN: &str = "CLOUDFLARE_API_TOKEN";
const BASE_URL: &str = "CLOUDFLARE_API_BASE_URL";

/// A connection to Cloudflare's API.
pub struct Cloudflare {
    line: Line,
    base: String,
    token: String,
}

impl Cloudflare {
    /// Prepares a connection with the token of the environment.
    ///
    /// # Errors
    /// Returns an error if there is no usable token or base URL.
    pub fn connect() -> Result<Self, PublishError> {
        let token = token(env::var(TOKEN).ok().as_deref())?;
        let base = base(env::var(BASE_URL).ok().as_deref())?;
        let line = Line::new()?;
        Ok(Self { line, base, token })
    }

    /// Sends a call once.
    ///
    /// # Errors
    /// Returns an error if there is no response.
    pub fn send(&self, call: &Call) -> Result<Reply, SendError> {
        let mut reply = self.line.send(request(call, &self.base, &self.token))?;
        // The API has no conditional writes: an ETag would be sent back for nothing.
        reply.etag = None;
        Ok(reply)
    }
}

/// A call with its credentials.
pub fn request(call: &Call, base: &str, token: &str) -> Request {
    let query = if call.query.is_empty() { "" } else { "?" };
    let mut headers = vec![
        ("authorization".to_owned(), format!("Bearer {token}")),
        ("user-agent".to_owned(), USER_AGENT.to_owned()),
    ];
    let own = call.headers.iter();
    headers.extend(own.map(|(name, value)| ((*name).to_owned(), value.clone())));
    Request {
        method: call.method,
        url: format!("{base}{}{query}{}", call.path, call.query),
        headers,
        body: call.body.clone(),
    }
}

/// The token, if it can be sent.
///
/// # Errors
/// Returns an error that does not contain the token.
pub fn token(given: Option<&str>) -> Result<String, PublishError> {
    let token = given.unwrap_or_default().trim();
    if token.is_empty() {
        return Err(PublishError::Token(format!("`{TOKEN}` is not set")));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(PublishError::Token(format!(
            "`{TOKEN}` has characters that no token has"
        )));
    }
    Ok(token.to_owned())
}

/// The URL that paths are appended to. Only a server on this machine may have the token unencrypted.
///
/// # Errors
/// Returns an error if the URL cannot be used.
pub fn base(given: Option<&str>) -> Result<String, PublishError> {
    let service = Service::Cloudflare;
    let Some(text) = given.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(format!("https://{}{}", service.host(), service.root()));
    };
    endpoint(BASE_URL, text)
}
