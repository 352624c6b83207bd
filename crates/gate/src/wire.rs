//! A byte encoding of requests and outcomes, for gates that run as a WASM module.
//!
//! Each call transfers one request. Numbers are little-endian, `bytes` is a `u32` length and that many bytes,
//! and `optional x` is one byte: 0 for none, or 1 followed by `x`. Both ends are here, for hosts in Rust. Not
//! here: JSON, streaming, and compatibility between versions: module and host ship together.
//!
//! Request:
//!
//! | field | type |
//! |---|---|
//! | version, 6 | `u8` |
//! | time, Unix seconds | `i64` |
//! | entropy, for sign-in | optional 32 bytes |
//! | client address as text, UTF-8, empty if unknown | bytes |
//! | method, UTF-8 | bytes |
//! | target, raw | bytes |
//! | number of header field lines | `u32` |
//! | each: name, UTF-8; value, raw | bytes, bytes |
//!
//! Reply:
//!
//! | field | type |
//! |---|---|
//! | version, 6 | `u8` |
//! | outcome: 0 allow, 1 deny, 2 reject, 3 serve | `u8` |
//! | status | `u16` |
//! | reason, its index in [`Reason::ALL`] | `u8` |
//! | detail, UTF-8 | optional bytes |
//! | rule, UTF-8 | optional bytes |
//! | whether the outcome depends on fetches: 0 no, 1 yes, followed by the fetches and tickets | `u8` |
//! | if so: fetches to begin now, see below | `u32`; fetches |
//! | if so: tickets of all fetches to wait for | `u32`; `u32` each |
//! | action: 0 forward, 1 serve, 2 refuse | `u8` |
//! | forward: new target | optional bytes |
//! | forward: number of header changes; each: index, new value or none to remove it | `u32`; `u32`, optional bytes |
//! | forward: number of added headers; each: name, value, UTF-8 | `u32`; bytes, bytes |
//! | forward: number of `Set-Cookie` values for the response; each, UTF-8 | `u32`; bytes |
//! | forward: caching of the response: 0 unchanged, 1 private, 2 no-store | `u8` |
//! | serve, refuse: number of headers; each: name, value, UTF-8 | `u32`; bytes, bytes |
//! | serve, refuse: body, UTF-8 | bytes |
//! | log record, a single JSON object, UTF-8 | bytes |
//!
//! Fetches, empty if none is due:
//!
//! | field | type |
//! |---|---|
//! | version, 6 | `u8` |
//! | number of fetches; each: | `u32` |
//! | ticket | `u32` |
//! | method, UTF-8 | bytes |
//! | URL, UTF-8 | bytes |
//! | number of headers; each: name, value, UTF-8 | `u32`; bytes, bytes |
//! | body | bytes |
//! | limits: seconds, milliseconds that requests wait, response bytes, maximum age from a shared cache in seconds | `u32` each |

mod cursor;

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use tollgate_core::{Reason, UnixSeconds};

use crate::fetch::{Fetch, FetchLimits, FetchRequest, Pending, Step};
use crate::forward::{ADDED_HEADERS, CacheEdit, Forward, HeaderEdit, RequestEdits, ResponseEdits};
use crate::gate::{Context, Gate};
use crate::kind::Kind;
use crate::outcome::{Action, Outcome};
use crate::request::Request;
use crate::response::Response;
use cursor::{Reader, Writer};

/// Version of the encoding, the first byte of both messages.
pub const WIRE_VERSION: u8 = 6;
/// Longest encoded request, in bytes. A host denies a larger request itself.
pub const MAX_REQUEST_BYTES: usize = 16 * 1_024 * 1_024;

/// Initial capacity for a log record, in bytes.
const USUAL_BYTES: usize = 384;

/// The detail code for a malformed request message.
const BAD_REQUEST: &str = "bad_wire_request";
/// The detail code for a module without a loaded policy.
const NO_POLICY: &str = "no_policy";

/// A decoded request, borrowing from the message.
pub struct WireRequest<'a> {
    method: &'a str,
    target: &'a [u8],
    headers: Vec<(&'a str, &'a [u8])>,
    ip: Option<&'a str>,
    now: UnixSeconds,
    entropy: Option<&'a [u8; 32]>,
}

/// A decoded outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The kind of outcome.
    pub kind: Kind,
    /// 200 for allow, otherwise the status of the response.
    pub status: u16,
    /// The reason code.
    pub reason: Reason,
    /// The detail code.
    pub detail: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The fetches to begin now.
    pub fetches: Vec<Fetch>,
    /// The tickets of the fetches that the outcome depends on; empty if it is final.
    pub tickets: Vec<u32>,
    /// The action that the edge must take.
    pub action: Action,
    /// The log record, as JSON.
    pub log: String,
}

/// The message is not in this encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireError;

/// Evaluates an encoded request as far as possible without the network. The result is an encoded step,
/// whatever the bytes.
pub fn step<B: AsRef<[u8]>>(
    gate: &mut Gate<B>,
    message: &[u8],
    context: &mut Context<'_>,
) -> Vec<u8> {
    match decode_request(message) {
        Ok(request) => encode_step(&gate.step(&request.as_request(), context)),
        Err(WireError) => encode_outcome(&Outcome::internal("", BAD_REQUEST)),
    }
}

/// The encoded outcome of a module without a loaded policy: denied.
pub fn without_policy() -> Vec<u8> {
    encode_outcome(&Outcome::internal("", NO_POLICY))
}

impl WireRequest<'_> {
    /// The request to evaluate.
    pub fn as_request(&self) -> Request<'_> {
        let Self {
            method,
            target,
            headers,
            ip,
            now,
            entropy,
        } = self;
        Request {
            method,
            target,
            headers,
            ip: *ip,
            now: *now,
            entropy: *entropy,
        }
    }
}

/// Encodes a request.
pub fn encode_request(request: &Request<'_>) -> Vec<u8> {
    let mut out = Writer::default();
    out.byte(WIRE_VERSION);
    out.fixed(&request.now.0.to_le_bytes());
    out.byte(u8::from(request.entropy.is_some()));
    if let Some(entropy) = request.entropy {
        out.fixed(entropy);
    }
    out.bytes(request.ip.unwrap_or_default().as_bytes());
    out.bytes(request.method.as_bytes());
    out.bytes(request.target);
    out.count(request.headers.len());
    for (name, value) in request.headers {
        out.bytes(name.as_bytes());
        out.bytes(value);
    }
    out.finish()
}

/// Decodes a request. Never panics.
///
/// # Errors
///
/// Returns an error for another version, a truncated message, trailing bytes, a message longer than
/// [`MAX_REQUEST_BYTES`], and text that is not UTF-8.
pub fn decode_request(message: &[u8]) -> Result<WireRequest<'_>, WireError> {
    if message.len() > MAX_REQUEST_BYTES {
        return Err(WireError);
    }
    let mut read = Reader::new(message);
    read.version()?;
    let now = UnixSeconds(i64::from_le_bytes(read.fixed()?));
    let entropy = read.optional(Reader::fixed_ref)?;
    let ip = Some(read.text()?).filter(|text| !text.is_empty());
    let method = read.text()?;
    let target = read.bytes()?;
    let headers = read.list(|read| Ok((read.text()?, read.bytes()?)))?;
    read.end()?;
    Ok(WireRequest {
        method,
        target,
        headers,
        ip,
        now,
        entropy,
    })
}

/// Encodes a step.
pub fn encode_step(step: &Step) -> Vec<u8> {
    match step {
        Step::Done(outcome) => encode_outcome(outcome),
        Step::Fetch(Pending {
            outcome,
            fetches,
            tickets,
        }) => encode(outcome, Some((&**fetches, &**tickets))),
    }
}

/// Encodes a final outcome.
pub fn encode_outcome(outcome: &Outcome) -> Vec<u8> {
    encode(outcome, None)
}

fn encode(outcome: &Outcome, pending: Option<(&[Fetch], &[u32])>) -> Vec<u8> {
    let mut out = Writer::with_capacity(2 * USUAL_BYTES);
    out.byte(WIRE_VERSION);
    out.byte(number_of(&Kind::ALL, outcome.kind));
    out.fixed(&outcome.status.to_le_bytes());
    out.byte(outcome.reason as u8);
    out.optional(outcome.detail.map(str::as_bytes));
    out.optional(outcome.rule.as_deref().map(str::as_bytes));
    out.byte(u8::from(pending.is_some()));
    if let Some((fetches, tickets)) = pending {
        write_fetches(&mut out, fetches);
        out.count(tickets.len());
        for ticket in tickets {
            out.fixed(&ticket.to_le_bytes());
        }
    }
    match &outcome.action {
        Action::Forward(forward) => {
            out.byte(0);
            write_forward(&mut out, forward);
        }
        Action::Serve(response) => {
            out.byte(1);
            write_response(&mut out, response);
        }
        Action::Refuse(response) => {
            out.byte(2);
            write_response(&mut out, response);
        }
    }
    let mut log = String::with_capacity(USUAL_BYTES);
    // Writing to a string cannot fail.
    _ = outcome.log.write_json(&mut log);
    out.bytes(log.as_bytes());
    out.finish()
}

fn write_forward(out: &mut Writer, forward: &Forward) {
    let Forward { request, response } = forward;
    let RequestEdits {
        target,
        headers,
        added,
    } = request;
    out.optional(target.as_deref());
    out.count(headers.len());
    for HeaderEdit { index, value } in headers {
        out.count(*index);
        out.optional(value.as_deref());
    }
    out.count(added.len());
    for (name, value) in added {
        out.bytes(name.as_bytes());
        out.bytes(value.as_bytes());
    }
    let ResponseEdits { set_cookies, cache } = response;
    out.count(set_cookies.len());
    for cookie in set_cookies {
        out.bytes(cookie.as_bytes());
    }
    out.byte(number_of(&CacheEdit::ALL, *cache));
}

fn write_response(out: &mut Writer, response: &Response) {
    // Every outcome has the status in a field of its own.
    let Response {
        status: _,
        headers,
        body,
    } = response;
    out.count(headers.len());
    for (name, value) in headers {
        out.bytes(name.as_bytes());
        out.bytes(value.as_bytes());
    }
    out.bytes(body.as_bytes());
}

/// The index of a value among all values of its type.
fn number_of<T: PartialEq>(all: &[T], value: T) -> u8 {
    let number = all.iter().position(|known| *known == value);
    number
        .and_then(|number| u8::try_from(number).ok())
        .unwrap_or(u8::MAX)
}

/// The value with this index among all values of its type.
fn numbered<T: Copy>(all: &[T], number: u8) -> Result<T, WireError> {
    all.get(usize::from(number)).copied().ok_or(WireError)
}

/// Decodes an outcome. Never panics.
///
/// # Errors
///
/// Returns an error for another version, a truncated message, trailing bytes, unknown numbers, and text that
/// is not UTF-8.
pub fn decode_outcome(message: &[u8]) -> Result<Reply, WireError> {
    let mut read = Reader::new(message);
    read.version()?;
    let kind = numbered(&Kind::ALL, read.byte()?)?;
    let status = u16::from_le_bytes(read.fixed()?);
    let reason = Reason::from_number(read.byte()?).ok_or(WireError)?;
    let detail = read.optional(|read| read.text().map(String::from))?;
    let rule = read.optional(|read| read.text().map(String::from))?;
    let (fetches, tickets) = read
        .optional(|read| {
            let fetches = read_fetches(read)?;
            Ok((
                fetches,
                read.list(|read| read.fixed().map(u32::from_le_bytes))?,
            ))
        })?
        .unwrap_or_default();
    let action = match read.byte()? {
        0 => Action::Forward(read_forward(&mut read)?),
        1 => Action::Serve(read_response(&mut read, status)?),
        2 => Action::Refuse(read_response(&mut read, status)?),
        _ => return Err(WireError),
    };
    let log = read.text()?.into();
    read.end()?;
    // Kind and action must agree: no gate forwards a denied request.
    let fits = match action {
        Action::Forward(_) => kind == Kind::Allow,
        Action::Serve(_) => kind == Kind::Serve,
        Action::Refuse(_) => matches!(kind, Kind::Deny | Kind::Reject),
    };
    if !fits {
        return Err(WireError);
    }
    Ok(Reply {
        kind,
        status,
        reason,
        detail,
        rule,
        fetches,
        tickets,
        action,
        log,
    })
}

fn read_forward(read: &mut Reader<'_>) -> Result<Forward, WireError> {
    Ok(Forward {
        request: RequestEdits {
            target: read.optional(|read| read.bytes().map(Vec::from))?,
            headers: read.list(|read| {
                let index = read.count()?;
                let value = read.optional(|read| read.bytes().map(Vec::from))?;
                Ok(HeaderEdit { index, value })
            })?,
            added: read.list(|read| Ok((added_name(read.text()?)?, read.text()?.into())))?,
        },
        response: ResponseEdits {
            set_cookies: read.list(|read| read.text().map(String::from))?,
            cache: numbered(&CacheEdit::ALL, read.byte()?)?,
        },
    })
}

/// Returns the name of a header field that a gate adds.
fn added_name(name: &str) -> Result<&'static str, WireError> {
    let mut known = ADDED_HEADERS.into_iter();
    known.find(|known| *known == name).ok_or(WireError)
}

fn read_response(read: &mut Reader<'_>, status: u16) -> Result<Response, WireError> {
    Ok(Response {
        status,
        headers: read.list(|read| Ok((Cow::Owned(read.text()?.into()), read.text()?.into())))?,
        body: Cow::Owned(read.text()?.into()),
    })
}

/// Encodes fetches; empty if there are none.
pub fn encode_fetches(fetches: &[Fetch]) -> Vec<u8> {
    let mut out = Writer::default();
    if !fetches.is_empty() {
        out.byte(WIRE_VERSION);
        write_fetches(&mut out, fetches);
    }
    out.finish()
}

fn write_fetches(out: &mut Writer, fetches: &[Fetch]) {
    out.count(fetches.len());
    for fetch in fetches {
        let Fetch {
            ticket,
            request:
                FetchRequest {
                    method,
                    url,
                    headers,
                    body,
                },
            limits:
                FetchLimits {
                    secs,
                    patience_ms,
                    bytes,
                    cached_secs,
                },
        } = fetch;
        out.fixed(&ticket.to_le_bytes());
        out.bytes(method.as_bytes());
        out.bytes(url.as_bytes());
        out.count(headers.len());
        for (name, value) in headers {
            out.bytes(name.as_bytes());
            out.bytes(value.as_bytes());
        }
        out.bytes(body);
        for limit in [secs, patience_ms, bytes, cached_secs] {
            out.fixed(&limit.to_le_bytes());
        }
    }
}

/// Decodes fetches. Never panics.
///
/// # Errors
///
/// Returns an error for another version, a truncated message, trailing bytes, and text that is not UTF-8.
pub fn decode_fetches(message: &[u8]) -> Result<Vec<Fetch>, WireError> {
    if message.is_empty() {
        return Ok(Vec::new());
    }
    let mut read = Reader::new(message);
    read.version()?;
    let fetches = read_fetches(&mut read)?;
    read.end()?;
    Ok(fetches)
}

fn read_fetches(read: &mut Reader<'_>) -> Result<Vec<Fetch>, WireError> {
    let number = |read: &mut Reader<'_>| read.fixed().map(u32::from_le_bytes);
    read.list(|read| {
        Ok(Fetch {
            ticket: number(read)?,
            request: FetchRequest {
                method: read.text()?.into(),
                url: read.text()?.into(),
                headers: read.list(|read| Ok((read.text()?.into(), read.text()?.into())))?,
                body: read.bytes()?.into(),
            },
            limits: FetchLimits {
                secs: number(read)?,
                patience_ms: number(read)?,
                bytes: number(read)?,
                cached_secs: number(read)?,
            },
        })
    })
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is not in the gate's wire encoding")
    }
}

impl core::error::Error for WireError {}

#[cfg(test)]
mod tests;
