//! The issuer inside a real HTTP server on loopback. It has its own threads, so callers need no async
//! runtime. Limits: a 64 KiB body, a request head within 15 seconds.

use core::convert::Infallible;
use core::error::Error;
use core::fmt;
use core::future::Future;
use core::net::SocketAddr;
use core::pin::pin;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::CONTENT_LENGTH;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::issuer::{Ask, Issuer, Options, Problem};
use crate::reply::{Ending, Reply, status};
use crate::routes;

const MAX_BODY_BYTES: usize = 64 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An issuer that is bound but not yet serving.
pub struct LocalIssuer {
    runtime: Runtime,
    listener: TcpListener,
    addr: SocketAddr,
    issuer: Arc<Mutex<Issuer>>,
}

/// A running issuer. Dropping it stops the server and waits for that.
pub struct Running {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The reason why an issuer could not be bound.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Other machines could reach the address.
    NotLoopback(SocketAddr),
    /// The operating system reported an error.
    Io(io::Error),
    /// No issuer could be created.
    Issuer(Problem),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::NotLoopback(addr) => {
                write!(f, "`{addr}` is not a loopback address")
            }
            BindError::Io(error) => write!(f, "{error}"),
            BindError::Issuer(problem) => write!(f, "{problem}"),
        }
    }
}

impl Error for BindError {}

impl LocalIssuer {
    /// Generates the first keys and binds `listen`; port 0 selects a free port.
    ///
    /// # Errors
    ///
    /// Returns an error if the address is not loopback or cannot be bound, or no key can be generated.
    pub fn bind(listen: SocketAddr, options: Options) -> Result<LocalIssuer, BindError> {
        if !listen.ip().to_canonical().is_loopback() {
            return Err(BindError::NotLoopback(listen));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(BindError::Io)?;
        let listener = runtime
            .block_on(TcpListener::bind(listen))
            .map_err(BindError::Io)?;
        let addr = listener.local_addr().map_err(BindError::Io)?;
        let issuer = Issuer::new(format!("http://{addr}"), options).map_err(BindError::Issuer)?;
        Ok(LocalIssuer {
            runtime,
            listener,
            addr,
            issuer: Arc::new(Mutex::new(issuer)),
        })
    }

    /// The bound address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> String {
        self.lock(|issuer| issuer.issuer.clone())
    }

    /// The address of its key set.
    pub fn jwks_uri(&self) -> String {
        self.lock(|issuer| issuer.jwks_uri())
    }

    fn lock<T>(&self, read: impl FnOnce(&Issuer) -> T) -> T {
        read(&self.issuer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves until the process ends.
    pub fn run(self) {
        let for_ever = core::future::pending();
        self.runtime
            .block_on(serve(self.listener, self.issuer, for_ever));
    }

    /// Serves on its own thread until the handle is dropped.
    pub fn run_in_background(self) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let addr = self.addr;
        let thread = std::thread::spawn(move || {
            let stopped = async {
                // A dropped sender means the same as a message.
                let _ = stopped.await;
            };
            self.runtime
                .block_on(serve(self.listener, self.issuer, stopped));
            // Deliberately slow responses must not delay the shutdown.
            self.runtime.shutdown_background();
        });
        Running {
            addr,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Running {
    /// The address it serves.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, issuer: Arc<Mutex<Issuer>>, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let issuer = Arc::clone(&issuer);
        tokio::spawn(async move {
            let handler = service_fn(move |request| {
                let issuer = Arc::clone(&issuer);
                async move { answer(issuer, request).await }
            });
            // A client may disconnect at any time.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), handler)
                .await;
        });
    }
}

/// A fault: the connection ends.
#[derive(Debug)]
struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was ended on purpose")
    }
}

impl Error for Ended {}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(
    issuer: Arc<Mutex<Issuer>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Ended> {
    let (head, body) = request.into_parts();
    let reply = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Err(_) => status(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(body) => {
            let body = body.to_bytes();
            let work = move || {
                let ask = Ask {
                    method: head.method,
                    path: head.uri.path(),
                    query: head.uri.query().unwrap_or_default(),
                    body: &body,
                    now: now(),
                };
                let mut issuer = issuer.lock().unwrap_or_else(PoisonError::into_inner);
                routes::answer(&mut issuer, &ask)
            };
            // A rotation is compute-bound for a while.
            let done = tokio::task::spawn_blocking(work).await;
            done.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
        }
    };
    tokio::time::sleep(reply.pause).await;
    into_response(reply)
}

fn into_response(reply: Reply) -> Result<Response<Body>, Ended> {
    let Reply {
        status,
        mut headers,
        mut body,
        pause: _,
        ending,
    } = reply;
    let body = match ending {
        Ending::Closed => return Err(Ended),
        Ending::Complete => Full::new(Bytes::from(body)).boxed_unsync(),
        Ending::Truncated => {
            headers.insert(CONTENT_LENGTH, body.len().into());
            body.truncate(body.len() / 2);
            // A body whose length is not known, so that the length in the header is sent as it is.
            let body = Full::new(Bytes::from(body)).map_frame(|frame| frame);
            body.boxed_unsync()
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}
