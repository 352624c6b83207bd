//! Accepts connections and serves HTTP/1.1 on them, and HTTP/2 where a server supports it.
//!
//! Not here: what a request is answered with ([`Answer`]).

use core::convert::Infallible;
use core::future::Future;
use core::net::IpAddr;
use core::pin::{Pin, pin};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::body::{AnyBody, closing, holding, plain};
use crate::raw_target::{self, RawTarget, TargetTap};

/// The pause after a failed accept, for instance for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The number of peers that get an answer at a time although they may not connect; the connections of others are closed.
const MAX_REFUSALS: usize = 64;

/// The time in which a peer that may not connect gets its answer.
const REFUSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The first bytes of an HTTP/2 connection (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The sender of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A host.
    Ip(IpAddr),
    /// A process on this machine, through a Unix socket.
    Local,
}

/// A server's answers.
pub(crate) trait Answer: Send + Sync + 'static {
    /// Answers one request with this target.
    fn answer(
        &self,
        peer: Peer,
        target: RawTarget,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<AnyBody>> + Send;
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Listener {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Small responses should not be delayed. A failure only costs time.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Peer::Ip(peer.ip().to_canonical())))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), Peer::Local))
            }
        }
    }
}

/// The encryption of connections; asked for each, so that certificates can be replaced.
pub(crate) type TlsSource = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;

/// The properties of a server.
#[derive(Clone)]
pub(crate) struct Limits {
    /// The time for a request head, also between two requests of a connection: over HTTP/2, the time without a request
    /// in flight.
    pub(crate) head: Duration,
    /// The time for responses in flight after the server is stopped.
    pub(crate) stop: Duration,
    pub(crate) connections: usize,
    /// Whether clients may use HTTP/2.
    pub(crate) http2: bool,
    pub(crate) tls: Option<TlsSource>,
    /// Whether a peer may connect; `None` admits everybody.
    pub(crate) admits: Option<Arc<dyn Fn(Peer) -> bool + Send + Sync>>,
}

/// Serves until `stop` completes, then waits for the responses in flight.
pub(crate) async fn serve<A: Answer>(
    listener: Listener,
    answers: Arc<A>,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    // Every connection has a receiver, so the last one that ends closes the channel.
    let (stopping, stopped) = watch::channel(());
    let room = Arc::new(Semaphore::new(limits.connections));
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    let mut stop = pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed, so waiting for a permit cannot fail.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (listener.accept().await, permit)
        };
        tokio::select! {
            () = &mut stop => break,
            (accepted, permit) = next => match accepted {
                Ok((stream, peer)) if limits.admits.as_ref().is_some_and(|admits| !admits(peer)) => {
                    // It takes no room from those that may connect.
                    drop(permit);
                    if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                        tokio::spawn(async move {
                            refuse(stream).await;
                            drop(permit);
                        });
                    }
                }
                Ok((stream, peer)) => {
                    let answers = Arc::clone(&answers);
                    let (limits, stopped) = (limits.clone(), stopped.clone());
                    tokio::spawn(async move {
                        // An aborted connection is not an error of the server.
                        let _ = encrypted(stream, peer, answers, limits, stopped).await;
                        drop(permit);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop((listener, stopped));
    stopping.send_replace(());
    let _ = tokio::time::timeout(limits.stop, stopping.closed()).await;
}

/// Answers a peer that may not connect, whatever it sends. The code is that of the log and of the metric: a proxy may pass
/// the answer on to its client, who must not learn more.
async fn refuse(mut stream: Box<dyn Stream>) {
    const FORBIDDEN: &[u8] =
        b"HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-type: application/json\r\n\
        cache-control: no-store\r\ncontent-length: 21\r\n\r\n{\"error\":\"stranger\"}\n";
    let answered = async {
        // If bytes are left unread, the peer sees a reset instead of the answer.
        let mut some = [0; 4_096];
        let _ = stream.read(&mut some).await;
        let _ = stream.write_all(FORBIDDEN).await;
        let _ = stream.shutdown().await;
    };
    let _ = tokio::time::timeout(REFUSE_TIMEOUT, answered).await;
}

async fn encrypted<A: Answer>(
    stream: Box<dyn Stream>,
    peer: Peer,
    answers: Arc<A>,
    limits: Limits,
    stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let Some(tls) = &limits.tls else {
        return connection(stream, peer, answers, limits, stopped).await;
    };
    let stream = tokio::time::timeout(limits.head, tls().accept(stream)).await??;
    connection(stream, peer, answers, limits, stopped).await
}

async fn connection<A: Answer, S: Stream + 'static>(
    mut stream: S,
    peer: Peer,
    answers: Arc<A>,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let begun = if limits.http2 {
        tokio::time::timeout(limits.head, begin(&mut stream)).await??
    } else {
        Vec::new()
    };
    let is_http2 = begun == HTTP2_PREFACE;
    let (tap, targets) = if is_http2 {
        TargetTap::untouched(stream, begun)
    } else {
        TargetTap::begun(stream, &begun)
    };
    let (requests, in_flight) = watch::channel(0);
    let handler = service_fn(move |mut request| {
        let answers = Arc::clone(&answers);
        // HTTP/1 has a limit of its own, which costs nothing per request.
        let held = is_http2.then(|| InFlight::begin(&requests));
        let target = targets.take().or_else(|| raw_target::of_uri(&request));
        name_host(&mut request);
        async move {
            let Some(target) = target else {
                return Ok::<_, Infallible>(closing(plain(StatusCode::BAD_REQUEST)));
            };
            let response = answers.answer(peer, target, request).await;
            Ok(match held {
                Some(held) => response.map(|body| holding(body, held)),
                None => response,
            })
        }
    });
    let io = TokioIo::new(tap);
    let stop = async move {
        // An error is the end of the server.
        let _ = stopped.changed().await;
    };
    if is_http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.head)
            .max_header_list_size(raw_target::MAX_HEAD_BYTES as u32)
            .serve_connection(io, handler);
        let end = async move {
            tokio::select! {
                () = idle(in_flight, limits.head) => {}
                () = stop => {}
            }
        };
        until(end, connection, http2::Connection::graceful_shutdown).await;
    } else {
        // Not hyper-util's builder for both: it has no time limit for the first bytes, and the tap passes on none before
        // the head is complete.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(raw_target::MAX_HEAD_BYTES)
            .max_headers(raw_target::MAX_HEADERS)
            .serve_connection(io, handler)
            .with_upgrades();
        until(
            stop,
            connection,
            http1::UpgradeableConnection::graceful_shutdown,
        )
        .await;
    }
    Ok(())
}

/// Serves a connection. When `end` completes, it accepts no further request. The type of the connection is erased, because
/// the compiler cannot show for it that the task which awaits it may change threads.
fn until<C: Future + Send + 'static>(
    end: impl Future<Output = ()> + Send + 'static,
    connection: C,
    shut_down: fn(Pin<&mut C>),
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = end => {}
        }
        shut_down(connection.as_mut());
        let _ = connection.await;
    })
}

/// A request in flight, until the last byte of its response is sent. Beginning and end are changes of the count, and
/// restart the idle time of the connection.
struct InFlight(watch::Sender<usize>);

impl InFlight {
    fn begin(requests: &watch::Sender<usize>) -> Self {
        requests.send_modify(|count| *count = count.saturating_add(1));
        Self(requests.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Completes when no request has been in flight for `limit`. Pings of a client do not count.
async fn idle(mut in_flight: watch::Receiver<usize>, limit: Duration) {
    loop {
        // The senders are dropped only with the connection, which is not served any more.
        let _ = in_flight.wait_for(|count| *count == 0).await;
        match tokio::time::timeout(limit, in_flight.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

/// Gives a request over HTTP/2 the `Host` that it has over HTTP/1.1. It names the host in `:authority` instead, which
/// counts before a `Host` (RFC 9113, section 8.3.1).
fn name_host(request: &mut Request<Incoming>) {
    if request.version() != Version::HTTP_2 {
        return;
    }
    let authority = request.uri().authority();
    let host = authority.map(|authority| HeaderValue::try_from(authority.as_str()));
    if let Some(Ok(host)) = host {
        request.headers_mut().insert(HOST, host);
    }
}

/// Reads the beginning of a connection until it differs from HTTP/2's preface or is the preface.
async fn begin(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut begun = Vec::with_capacity(HTTP2_PREFACE.len());
    let mut byte = [0; HTTP2_PREFACE.len()];
    while begun.len() < HTTP2_PREFACE.len() && HTTP2_PREFACE.starts_with(&begun) {
        let room = HTTP2_PREFACE.len() - begun.len();
        let read = stream
            .read(byte.get_mut(..room).unwrap_or_default())
            .await?;
        if read == 0 {
            break;
        }
        begun.extend_from_slice(byte.get(..read).unwrap_or_default());
    }
    Ok(begun)
}

/// Completes on an interrupt or SIGTERM.
#[cfg(unix)]
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Completes on an interrupt.
#[cfg(not(unix))]
pub(crate) async fn interrupted() {
    let _ = tokio::signal::ctrl_c().await;
}
