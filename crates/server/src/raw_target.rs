//! Preserves the request target as it was received, byte for byte. Only the head of a request is parsed here;
//! hyper still reads every message.
//!
//! hyper returns targets as `http::Uri`, which drops the part after a `#`, and rejects some bytes before the
//! service sees the request. The gate must evaluate what the client really sent. This layer is therefore
//! between the socket and hyper: it removes the target from each request head, inserts `/` instead, and
//! queues the original for the service.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest request head that is read, in bytes. For a longer one, hyper, which has the same limit,
/// responds 431.
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Maximum number of header lines in a request.
pub(crate) const MAX_HEADERS: usize = 100;

/// A target as received, and whether its request must be the last of the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawTarget {
    pub(crate) bytes: Vec<u8>,
    /// Another protocol follows, or a body of which only hyper knows where it ends. The connection is closed after
    /// the response instead of being parsed for the next head.
    pub(crate) is_last: bool,
}

/// Returns the target of a request over HTTP/2, which has it in a field of its own. `None` for other requests,
/// and for `CONNECT`, which has none.
pub(crate) fn of_uri<B>(request: &http::Request<B>) -> Option<RawTarget> {
    let target = request.uri().path_and_query();
    let target = target.filter(|_| request.version() == http::Version::HTTP_2)?;
    Some(RawTarget {
        bytes: target.as_str().as_bytes().to_vec(),
        // Streams are independent of each other.
        is_last: false,
    })
}

/// The targets of one connection that the service has not yet received, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawTargets(Arc<Mutex<VecDeque<RawTarget>>>);

impl RawTargets {
    /// Returns the target of the request that the service is called for. `None` means that hyper accepted a
    /// head that could not be parsed here. Such a request must be rejected.
    pub(crate) fn take(&self) -> Option<RawTarget> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }

    fn push(&self, target: RawTarget) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(target);
    }
}

/// A stream that replaces the target of each request head by `/`.
pub(crate) struct TargetTap<S> {
    inner: S,
    targets: RawTargets,
    /// Received bytes of an incomplete head.
    partial: Vec<u8>,
    /// Bytes ready for hyper, from `ready_from` on.
    ready: Vec<u8>,
    ready_from: usize,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The next bytes begin a request head.
    Heads,
    /// So many bytes of a body precede the next head.
    Body(u64),
    /// Bytes are forwarded without parsing: a body, or a head that could not be parsed.
    PassThrough,
}

impl<S> TargetTap<S> {
    /// A stream whose first bytes have been read already.
    pub(crate) fn begun(inner: S, begun: &[u8]) -> (TargetTap<S>, RawTargets) {
        let (mut tap, targets) = TargetTap::of(inner, Vec::new(), Mode::Heads);
        tap.receive(begun);
        (tap, targets)
    }

    /// A stream in another protocol, which is not changed.
    pub(crate) fn untouched(inner: S, begun: Vec<u8>) -> (TargetTap<S>, RawTargets) {
        TargetTap::of(inner, begun, Mode::PassThrough)
    }

    fn of(inner: S, ready: Vec<u8>, mode: Mode) -> (TargetTap<S>, RawTargets) {
        let targets = RawTargets::default();
        let tap = TargetTap {
            inner,
            targets: targets.clone(),
            partial: Vec::new(),
            ready,
            ready_from: 0,
            mode,
        };
        (tap, targets)
    }

    /// Adds received bytes and moves bodies and every complete head to `ready`.
    fn receive(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        while !self.partial.is_empty() {
            match self.mode {
                Mode::PassThrough => break,
                Mode::Body(left) => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX);
                    let here = here.min(self.partial.len());
                    self.ready.extend(self.partial.drain(..here));
                    self.mode = match left - here as u64 {
                        0 => Mode::Heads,
                        left => Mode::Body(left),
                    };
                }
                // Only the end of a line can complete a head.
                Mode::Heads if !self.partial.contains(&b'\n') => break,
                Mode::Heads => match take_head(&mut self.partial) {
                    Head::Whole {
                        rewritten,
                        target,
                        body,
                    } => {
                        self.mode = match body {
                            _ if target.is_last => Mode::PassThrough,
                            0 => Mode::Heads,
                            body => Mode::Body(body),
                        };
                        self.ready.extend_from_slice(&rewritten);
                        self.targets.push(target);
                    }
                    Head::Partial => break,
                    Head::NotUnderstood => self.mode = Mode::PassThrough,
                },
            }
        }
        if self.partial.len() > MAX_HEAD_BYTES {
            self.mode = Mode::PassThrough;
        }
        if self.mode == Mode::PassThrough {
            self.ready.append(&mut self.partial);
        }
    }

    /// Copies ready bytes into `buf`. Returns `false` if there were none.
    fn hand_out(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let waiting = self.ready.get(self.ready_from..).unwrap_or_default();
        if waiting.is_empty() {
            return false;
        }
        let count = waiting.len().min(buf.remaining());
        buf.put_slice(waiting.get(..count).unwrap_or_default());
        self.ready_from += count;
        if self.ready_from == self.ready.len() {
            self.ready.clear();
            self.ready_from = 0;
        }
        true
    }
}

enum Head {
    Whole {
        rewritten: Vec<u8>,
        target: RawTarget,
        /// The length of the body, unless the target is the last.
        body: u64,
    },
    Partial,
    NotUnderstood,
}

/// Splits one head off the front of `received`, with the parser that hyper uses, so that both find the same
/// end.
fn take_head(received: &mut Vec<u8>) -> Head {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let head_len = match request.parse(received) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(_) => return Head::NotUnderstood,
    };
    let (Some(method), Some(path)) = (request.method, request.path) else {
        return Head::NotUnderstood;
    };
    let body = body_length(request.headers);
    // The parser skips empty lines before a request and then expects `METHOD SP target`.
    let empty_lines = received
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let start = empty_lines + method.len() + 1;
    let end = start + path.len();
    if received.get(start..end) != Some(path.as_bytes()) {
        return Head::NotUnderstood;
    }
    let target = RawTarget {
        bytes: path.as_bytes().to_vec(),
        is_last: body.is_none(),
    };
    let mut rewritten: Vec<u8> = received.drain(..head_len).collect();
    rewritten.splice(start..end, [b'/']);
    Head::Whole {
        rewritten,
        target,
        body: body.unwrap_or(0),
    }
}

/// The length of the body after a head; `None` if only hyper knows it, or if another protocol may follow.
fn body_length(headers: &[httparse::Header<'_>]) -> Option<u64> {
    let is = |header: &httparse::Header<'_>, name: &str| header.name.eq_ignore_ascii_case(name);
    let others = ["transfer-encoding", "upgrade"];
    if headers
        .iter()
        .any(|header| others.iter().any(|name| is(header, name)))
    {
        return None;
    }
    let mut lengths = headers.iter().filter(|header| is(header, "content-length"));
    let Some(length) = lengths.next() else {
        return Some(0);
    };
    // Of anything that is not a plain number, hyper decides what it means.
    let text = core::str::from_utf8(length.value).ok()?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let length = text.parse().ok().filter(|_| is_number)?;
    lengths.next().is_none().then_some(length)
}

impl<S: AsyncRead + Unpin> AsyncRead for TargetTap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.hand_out(buf) {
                return Poll::Ready(Ok(()));
            }
            if self.mode == Mode::PassThrough {
                return Pin::new(&mut self.inner).poll_read(context, buf);
            }
            let mut chunk = [0; 4096];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut self.inner).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                // The client closed the connection. hyper receives the rest and detects a truncated head.
                self.mode = Mode::PassThrough;
            }
            self.receive(chunk.filled());
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TargetTap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
