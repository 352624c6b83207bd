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
    /// A body follows. Only hyper knows where it ends, so the connection is closed after the response instead
    /// of being parsed for the next head.
    pub(crate) has_body: bool,
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
    /// Bytes are forwarded without parsing: a body, or a head that could not be parsed.
    PassThrough,
}

impl<S> TargetTap<S> {
    pub(crate) fn new(inner: S) -> (TargetTap<S>, RawTargets) {
        let targets = RawTargets::default();
        let tap = TargetTap {
            inner,
            targets: targets.clone(),
            partial: Vec::new(),
            ready: Vec::new(),
            ready_from: 0,
            mode: Mode::Heads,
        };
        (tap, targets)
    }

    /// Adds received bytes and moves every complete head to `ready`.
    fn receive(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        // Only the end of a line can complete a head.
        if bytes.contains(&b'\n') {
            while self.mode == Mode::Heads && !self.partial.is_empty() {
                match take_head(&mut self.partial) {
                    Head::Whole { rewritten, target } => {
                        if target.has_body {
                            self.mode = Mode::PassThrough;
                        }
                        self.ready.extend_from_slice(&rewritten);
                        self.targets.push(target);
                    }
                    Head::Partial => break,
                    Head::NotUnderstood => self.mode = Mode::PassThrough,
                }
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
    let has_body = request.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("content-length")
            || header.name.eq_ignore_ascii_case("transfer-encoding")
    });
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
        has_body,
    };
    let mut rewritten: Vec<u8> = received.drain(..head_len).collect();
    rewritten.splice(start..end, [b'/']);
    Head::Whole { rewritten, target }
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
