//! Fetching of public files over HTTPS, one after the other.
//!
//! Not here: what is fetched, and what becomes of it.

use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::io;

use tollgate_gate::FetchRequest;
use tollgate_host::{Client as _, Fetched, HttpClient, HttpError};

/// The time limit of a request.
const MAX_SECS: u64 = 5;
/// Longest response that is accepted, in bytes.
const MAX_BYTES: usize = 262_144;

/// The reason why a file was not fetched.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// No response.
    Http(HttpError),
    /// No complete response in time.
    Late,
    /// A redirect, which is not followed: it could lead to keys of another party.
    Redirect(u16),
    /// Another status than 200.
    Status(u16),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => {
                // The client's own message does not state the cause.
                let mut texts = vec![error.to_string()];
                let mut cause = error.source();
                while let Some(error) = cause {
                    texts.push(error.to_string());
                    cause = error.source();
                }
                texts.dedup();
                f.write_str(&texts.join(": "))
            }
            Self::Late => write!(f, "no complete response within {MAX_SECS} s"),
            Self::Redirect(status) => {
                write!(f, "status {status}; redirects are not followed")
            }
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

/// Sends requests, and waits for their responses.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    http: HttpClient,
}

impl Client {
    /// A client without open connections.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            http: HttpClient::new(),
        })
    }

    /// The body at a URL.
    pub(crate) fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let request = FetchRequest {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: Vec::new(),
        };
        let response = self.http.send(request, MAX_BYTES);
        let limit = Duration::from_secs(MAX_SECS);
        let response = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, response).await });
        let Fetched { status, body } = response
            .map_err(|_| FetchError::Late)?
            .map_err(FetchError::Http)?;
        match status {
            200 => Ok(body),
            300..=399 => Err(FetchError::Redirect(status)),
            _ => Err(FetchError::Status(status)),
        }
    }
}
