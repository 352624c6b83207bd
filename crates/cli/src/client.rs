//! Fetching of public files over HTTPS, one after the other.
//!
//! Not here: what is fetched, and what becomes of it.

use core::fmt;
use core::time::Duration;
use std::io;

use tollgate_gate::FetchRequest;
use tollgate_host::{Client as _, Fetched, HttpClient, HttpError};

/// The limits of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The time until the response is complete.
    pub(crate) secs: u64,
    /// The longest response that is accepted.
    pub(crate) bytes: usize,
}

/// The reason why a file was not fetched.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// No response.
    Http(HttpError),
    /// No complete response in time.
    Late(u64),
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
                f.write_str(&tollgate_publish::causes(error))
            }
            Self::Late(secs) => write!(f, "no complete response within {secs} s"),
            Self::Redirect(status) => {
                write!(f, "status {status}; redirects are not followed")
            }
            Self::Status(status) => write!(f, "status {status}"),
        }
    }
}

/// Sends requests, and waits for their responses.
pub(crate) struct Client {
    /// Taken when it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
    http: HttpClient,
}

impl Drop for Client {
    /// Also works on a thread of another runtime, where waiting for this one would panic.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Client {
    /// A client without open connections.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            http: HttpClient::new(),
        })
    }

    /// The body at a URL.
    pub(crate) fn get(&self, url: &str, limits: Limits) -> Result<Vec<u8>, FetchError> {
        let Limits { secs, bytes } = limits;
        let request = FetchRequest {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), "*/*".to_owned())],
            body: Vec::new(),
        };
        let response = self.http.send(request, bytes);
        let limit = Duration::from_secs(secs);
        let runtime = self.runtime.as_ref().ok_or(FetchError::Late(secs))?;
        let response = runtime.block_on(async { tokio::time::timeout(limit, response).await });
        let Fetched { status, body } = response
            .map_err(|_| FetchError::Late(secs))?
            .map_err(FetchError::Http)?;
        match status {
            200 => Ok(body),
            300..=399 => Err(FetchError::Redirect(status)),
            _ => Err(FetchError::Status(status)),
        }
    }
}
