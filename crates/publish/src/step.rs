//! Steps as data, and the one loop that runs them.
//!
//! A dry run prints the list that a run executes. Every write is guarded: the state that the plan was made from is read
//! again before each attempt, and its ETag is sent with the write. So nothing of anybody else is overwritten, and a step
//! that an interrupted run has done is not done twice. Not here: the order of steps, which each platform has.

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{AKAMAI_AUTHENTICATION, Call, Reply};
use crate::edgeworkers;
use crate::error::PublishError;
use crate::workers;
use crate::world::{Event, SendError, World};
use crate::xml::{LocalName, first_of};

/// Attempts at a call whose failure may pass.
const ATTEMPTS: u32 = 5;
/// The time before the second attempt; it doubles after each.
const FIRST_PAUSE_MS: u64 = 500;
/// The interval of polling and of reports about waiting, in seconds.
const TICK_SECS: u64 = 5;

/// What decides requests, in messages.
pub(crate) const PREVIOUS: &str = "the previous policy decides every request";
pub(crate) const EITHER: &str = "the previous policy or the new one decides every request";
pub(crate) const NEW: &str = "the new policy decides every request";

/// One step of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does, in a few words.
    pub what: String,
    /// What decides requests if the publication ends before or in this step.
    pub before: &'static str,
    /// How.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Changes something.
    Write(Box<Write>),
    /// Waits, because the platform does not report when a change has arrived everywhere.
    Pause {
        /// How long.
        secs: u64,
    },
    /// Reads until a condition holds.
    Poll(Box<Poll>),
}

impl Write {
    /// A change by a call as it is.
    pub(crate) const fn of(reads: Vec<Read>, call: Call) -> Self {
        Self {
            reads,
            call,
            edit: None,
            known: None,
            capture: None,
        }
    }
}

impl From<Write> for Action {
    fn from(write: Write) -> Self {
        Self::Write(Box::new(write))
    }
}

impl Poll {
    /// Repeats a call until a condition holds.
    pub(crate) const fn of(call: Call, until: Check, limit_secs: u64) -> Self {
        Self {
            etag: None,
            call,
            until,
            failed: None,
            changed: None,
            limit_secs,
            is_test: false,
        }
    }
}

impl From<Poll> for Action {
    fn from(poll: Poll) -> Self {
        Self::Poll(Box::new(poll))
    }
}

/// A guarded change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What is read before every attempt. The ETag of the first guards the call.
    pub reads: Vec<Read>,
    /// The change.
    pub call: Call,
    /// How the body is made from that of the first read, instead of the call's own.
    pub edit: Option<Edit>,
    /// A value of the first read that the body needs: its name, and its place in the JSON.
    pub known: Option<(&'static str, &'static str)>,
    /// A value of the response that later steps need: its name, and its place in the JSON.
    pub capture: Option<(&'static str, &'static str)>,
}

/// A read before a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The call.
    pub call: Call,
    /// The subject, for messages.
    pub what: String,
    /// What it must find; otherwise somebody else changed it.
    pub expect: Check,
    /// What it finds if the write was already done.
    pub done: Option<Check>,
}

/// Repeated reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poll {
    /// The call whose ETag the repeated one needs.
    pub etag: Option<Call>,
    /// The repeated call.
    pub call: Call,
    /// The condition.
    pub until: Check,
    /// A condition after which the other one never holds, and the place of the reason in the JSON.
    pub failed: Option<(Check, &'static str)>,
    /// A condition that holds if somebody else changed it, and the subject.
    pub changed: Option<(Check, String)>,
    /// The longest time, in seconds.
    pub limit_secs: u64,
    /// The reason if the condition never holds: an error of the new code rather than a slow platform.
    pub is_test: bool,
}

/// A condition about a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Any response, also that it does not exist.
    Always,
    /// Any response, if it exists.
    Any,
    /// The `Value` of an entry; `None` if the entry does not exist.
    Value(Option<String>),
    /// The body by its digest; `None` if it does not exist.
    Digest(Option<String>),
    /// A member of a JSON response, by pointer, is this.
    Json(&'static str, Value),
    /// A version has this share of an alias's requests, in percent.
    Share(String, u8),
    /// The latest deployment of a Worker has exactly these versions, with these shares in percent; `{name}` stands for a
    /// captured value.
    Deployed(Vec<(String, u8)>),
    /// A condition about a response of Akamai's API.
    EdgeWorkers(Box<edgeworkers::Is>),
    /// The first XML element of this name does not have this text.
    XmlIsNot(&'static str, &'static str),
    /// The first XML element of this name has this text.
    XmlIs(&'static str, &'static str),
    /// The function's test: no error, and no internal error as its response.
    Answers,
    /// An association of a function with a distribution: all of these ARNs, and none of its others.
    Uses {
        /// The function's ARN without version.
        function: String,
        /// The versions that are expected; `{name}` stands for a captured value.
        versions: Vec<String>,
    },
}

/// How a body is made from what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Every association of this function, whatever its version, gets this version. All other bytes stay.
    Version {
        /// The function's ARN without version.
        function: String,
        /// The version; `{name}` stands for a captured value.
        to: String,
    },
}

/// A publication that ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The number of the step, from 1.
    pub step: usize,
    /// The number of steps.
    pub of: usize,
    /// What the step was to do.
    pub what: String,
    /// What decides requests now.
    pub in_force: &'static str,
    /// Why.
    pub error: PublishError,
}

impl Step {
    /// The calls of the step, in order.
    pub fn calls(&self) -> Vec<&Call> {
        match &self.action {
            Action::Write(write) => {
                let reads = write.reads.iter().map(|read| &read.call);
                reads.chain([&write.call]).collect()
            }
            Action::Pause { .. } => Vec::new(),
            Action::Poll(poll) => poll.etag.iter().chain([&poll.call]).collect(),
        }
    }

    /// The step for programs.
    pub fn json(&self) -> Value {
        let calls: Vec<Value> = self.calls().into_iter().map(Call::json).collect();
        match &self.action {
            Action::Pause { secs } => json!({ "step": self.what, "pause_secs": secs }),
            Action::Write(_) | Action::Poll(_) => json!({ "step": self.what, "calls": calls }),
        }
    }
}

/// Runs the steps in order.
///
/// # Errors
/// Returns the step that failed. What it and the steps after it would have done is done by the next publication.
pub fn run(world: &mut dyn World, steps: &[Step]) -> Result<(), Box<Stopped>> {
    let mut captured = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        world.note(&Event::Step {
            number: at + 1,
            of: steps.len(),
            what: step.what.clone(),
        });
        let result = match &step.action {
            Action::Write(write) => run_write(world, write, &mut captured),
            Action::Pause { secs } => {
                pause(world, *secs);
                Ok(())
            }
            Action::Poll(poll) => run_poll(world, &step.what, poll, &captured),
        };
        result.map_err(|error| {
            Box::new(Stopped {
                step: at + 1,
                of: steps.len(),
                what: step.what.clone(),
                in_force: step.before,
                error,
            })
        })?;
    }
    Ok(())
}

fn pause(world: &mut dyn World, secs: u64) {
    let mut waited = 0;
    while waited < secs {
        let tick = TICK_SECS.min(secs - waited);
        world.note(&Event::Waiting {
            secs: waited,
            of: secs,
        });
        world.pause(Duration::from_secs(tick));
        waited += tick;
    }
}

fn run_write(
    world: &mut dyn World,
    write: &Write,
    captured: &mut BTreeMap<&'static str, String>,
) -> Result<(), PublishError> {
    let mut conflicts = 0;
    let mut attempt = 0;
    loop {
        let mut etag = None;
        let mut first = None;
        let (mut changed, mut undone, mut known) = (None, false, false);
        for (at, read) in write.reads.iter().enumerate() {
            let reply = read_call(world, &filled(&read.call, captured))?;
            if let Some(done) = &read.done {
                known = true;
                undone |= !holds(done, &reply, captured);
            }
            if !holds(&read.expect, &reply, captured) && changed.is_none() {
                changed = Some(read.what.clone());
            }
            if at == 0 {
                etag.clone_from(&reply.etag);
                first = Some(reply);
            }
        }
        if known && !undone {
            world.note(&Event::Done);
            return Ok(());
        }
        if let Some(what) = changed {
            return Err(PublishError::Changed { what });
        }
        if let (Some((name, place)), Some(reply)) = (write.known, &first) {
            capture(captured, name, place, reply);
        }
        let mut call = filled(&write.call, captured);
        // Only a body that needs a value has its name: a package may contain anything.
        if let (Some(_), Ok(text)) = (write.known, core::str::from_utf8(&call.body)) {
            call.body = fill(text, captured).into_bytes();
        }
        if let (Some(edit), Some(first)) = (&write.edit, &first) {
            call.body = edited(edit, &first.text(), captured).into_bytes();
        }
        if let Some(etag) = etag {
            call = call.with_header("if-match", etag);
        }
        let why = match world.send(&call) {
            Ok(reply) if reply.status < 300 => {
                if let Some((name, place)) = write.capture {
                    capture(captured, name, place, &reply);
                }
                return Ok(());
            }
            Ok(reply) if is_conflict(&reply) => {
                conflicts += 1;
                if conflicts > 1 {
                    let what = write.reads.first().map(|read| read.what.clone());
                    return Err(PublishError::Changed {
                        what: what.unwrap_or_else(|| call.action()),
                    });
                }
                "it was changed meanwhile".to_owned()
            }
            Ok(reply) if is_transient(&reply) && attempt + 1 < ATTEMPTS => describe(&reply),
            Ok(reply) => return Err(failed(&call, &reply)),
            Err(SendError::Lost(message)) if attempt + 1 < ATTEMPTS => message,
            Err(error) => return Err(lost(&call, error)),
        };
        world.note(&Event::Again { why });
        world.pause(backoff(attempt));
        attempt += 1;
    }
}

fn run_poll(
    world: &mut dyn World,
    what: &str,
    poll: &Poll,
    captured: &BTreeMap<&'static str, String>,
) -> Result<(), PublishError> {
    let mut waited = 0;
    loop {
        let mut call = filled(&poll.call, captured);
        if let Some(before) = &poll.etag {
            let reply = read_call(world, &filled(before, captured))?;
            if let Some(etag) = reply.etag {
                call = call.with_header("if-match", etag);
            }
        }
        let reply = read_call(world, &call)?;
        if holds(&poll.until, &reply, captured) {
            return Ok(());
        }
        if let Some((check, place)) = &poll.failed
            && holds(check, &reply, captured)
        {
            let object = reply.json();
            if let Check::EdgeWorkers(is) = check
                && let Some(error) = edgeworkers::aborted(is, &object)
            {
                return Err(error);
            }
            let reason = object.pointer(place).and_then(Value::as_str);
            return Err(PublishError::Broken {
                what: what.to_owned(),
                message: reason.unwrap_or("without a reason").to_owned(),
            });
        }
        if let Some((check, what)) = &poll.changed
            && holds(check, &reply, captured)
        {
            return Err(PublishError::Changed { what: what.clone() });
        }
        if waited >= poll.limit_secs {
            return Err(match poll.is_test {
                true => PublishError::Broken {
                    what: what.to_owned(),
                    message: test_message(&reply),
                },
                false => PublishError::Late {
                    what: what.to_owned(),
                    secs: poll.limit_secs,
                },
            });
        }
        world.note(&Event::Waiting {
            secs: waited,
            of: poll.limit_secs,
        });
        world.pause(Duration::from_secs(TICK_SECS));
        waited += TICK_SECS;
    }
}

/// Sends a call that changes nothing, again if its failure may pass. A response that something does not exist is not a
/// failure.
///
/// # Errors
/// Returns an error if there is no response, or one with another error.
pub(crate) fn read_call(world: &mut dyn World, call: &Call) -> Result<Reply, PublishError> {
    let mut attempt = 0;
    loop {
        let why = match world.send(call) {
            Ok(reply) if reply.status < 300 || reply.status == 404 => return Ok(reply),
            Ok(reply) if is_transient(&reply) && attempt + 1 < ATTEMPTS => describe(&reply),
            Ok(reply) => return Err(failed(call, &reply)),
            Err(SendError::Lost(message)) if attempt + 1 < ATTEMPTS => message,
            Err(error) => return Err(lost(call, error)),
        };
        world.note(&Event::Again { why });
        world.pause(backoff(attempt));
        attempt += 1;
    }
}

fn backoff(attempt: u32) -> Duration {
    Duration::from_millis(FIRST_PAUSE_MS << attempt.min(6))
}

fn describe(reply: &Reply) -> String {
    let (code, message) = reply.error();
    format!("{} {code} {message}", reply.status)
        .trim()
        .to_owned()
}

fn is_conflict(reply: &Reply) -> bool {
    let (code, _) = reply.error();
    reply.status == 412
        || reply.status == 409 && (code.contains("Conflict") || code.contains("PreconditionFailed"))
        || code == "InvalidIfMatchVersion"
}

fn is_transient(reply: &Reply) -> bool {
    let (code, _) = reply.error();
    matches!(reply.status, 429 | 500..)
        || ["Throttl", "TooManyRequests", "SlowDown", "RequestLimit"]
            .iter()
            .any(|word| code.contains(word))
}

pub(crate) fn failed(call: &Call, reply: &Reply) -> PublishError {
    let (code, message) = reply.error();
    let action = call.action();
    match reply.status {
        401 | 403 if code.contains("Expired") || code.contains("InvalidClientTokenId") => {
            PublishError::Credentials(format!("{code}: {message}"))
        }
        400 | 401 | 403 if code == AKAMAI_AUTHENTICATION => {
            PublishError::Denied { action, message }
        }
        401 | 403 => PublishError::Denied {
            action,
            message: format!("{code} {message}").trim().to_owned(),
        },
        status => PublishError::Service {
            action,
            status,
            code,
            message,
        },
    }
}

pub(crate) fn lost(call: &Call, error: SendError) -> PublishError {
    match error {
        SendError::Lost(message) => PublishError::Network {
            action: call.action(),
            message,
        },
        SendError::Fatal(error) => error,
    }
}

fn capture(
    captured: &mut BTreeMap<&'static str, String>,
    name: &'static str,
    place: &str,
    reply: &Reply,
) {
    if let Some(value) = reply.json().pointer(place) {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        captured.insert(name, text);
    }
}

/// Replaces `{name}` by captured values.
fn fill(text: &str, captured: &BTreeMap<&'static str, String>) -> String {
    captured
        .iter()
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
}

/// A call with captured values in its path and query.
fn filled(call: &Call, captured: &BTreeMap<&'static str, String>) -> Call {
    let mut call = call.clone();
    if captured.is_empty() {
        return call;
    }
    call.path = fill(&call.path, captured);
    call.query = fill(&call.query, captured);
    call
}

fn holds(check: &Check, reply: &Reply, captured: &BTreeMap<&'static str, String>) -> bool {
    match check {
        Check::Always => true,
        Check::Any => reply.status != 404,
        Check::Value(None) | Check::Digest(None) => reply.status == 404,
        Check::Value(Some(value)) => {
            reply.status != 404
                && reply.json().get("Value").and_then(Value::as_str) == Some(value.as_str())
        }
        Check::Digest(Some(digest)) => reply.status != 404 && reply.digest() == *digest,
        Check::Json(place, value) => {
            let value = match value {
                Value::String(text) => Value::String(fill(text, captured)),
                other => other.clone(),
            };
            reply.json().pointer(place) == Some(&value)
        }
        Check::Share(version, percent) => {
            let object = reply.json();
            let weights = object.pointer("/RoutingConfig/AdditionalVersionWeights");
            let weight = weights
                .and_then(|weights| weights.get(fill(version, captured)))
                .and_then(Value::as_f64);
            weight.is_some_and(|weight| (weight * 100.0 - f64::from(*percent)).abs() < 0.01)
        }
        Check::Deployed(shares) => {
            let shares: Vec<_> = shares
                .iter()
                .map(|(version, percent)| (fill(version, captured), *percent))
                .collect();
            workers::deploys(&reply.json(), &shares)
        }
        Check::EdgeWorkers(is) => edgeworkers::holds(is, &reply.json()),
        Check::XmlIs(name, text) => first_text(reply, name).as_deref() == Some(*text),
        Check::XmlIsNot(name, text) => first_text(reply, name).is_some_and(|found| found != *text),
        Check::Answers => reply.status != 404 && test_failure(reply).is_none(),
        Check::Uses { function, versions } => {
            let versions: Vec<_> = versions.iter().map(|text| fill(text, captured)).collect();
            let used = associated(&reply.text(), function);
            !used.is_empty() && used.iter().all(|version| versions.contains(version))
        }
    }
}

fn first_text(reply: &Reply, name: &str) -> Option<String> {
    first_of(&reply.text(), name)
}

/// Why a test of a function failed, if it did.
fn test_failure(reply: &Reply) -> Option<String> {
    let error = first_text(reply, "FunctionErrorMessage").unwrap_or_default();
    if !error.is_empty() {
        return Some(error);
    }
    let output = first_text(reply, "FunctionOutput").unwrap_or_default();
    let output: Value = serde_json::from_str(&output).unwrap_or_default();
    let status = output.pointer("/response/statusCode");
    match status.and_then(Value::as_u64) {
        Some(500) => Some("the function did not find its policy in the store".to_owned()),
        _ if output.is_null() => Some("the test has no output".to_owned()),
        _ => None,
    }
}

fn test_message(reply: &Reply) -> String {
    test_failure(reply).unwrap_or_else(|| "the function does not exist".to_owned())
}

/// The versions of a function in the associations of a distribution's configuration.
pub(crate) fn associated(config: &str, function: &str) -> Vec<String> {
    let mut versions = Vec::new();
    if let Ok(document) = roxmltree::Document::parse(config) {
        let nodes = document.descendants();
        for node in nodes.filter(|node| node.has_tag_name_of("LambdaFunctionARN")) {
            let arn = node.text().unwrap_or_default().trim();
            let version = arn
                .strip_prefix(function)
                .and_then(|rest| rest.strip_prefix(':'));
            versions.extend(version.map(str::to_owned));
        }
    }
    versions.sort();
    versions.dedup();
    versions
}

/// The text with the edit made. Every other byte stays, also of elements that this program does not know.
fn edited(edit: &Edit, text: &str, captured: &BTreeMap<&'static str, String>) -> String {
    let Edit::Version { function, to } = edit;
    let to = fill(to, captured);
    let Ok(document) = roxmltree::Document::parse(text) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(text.len() + 16);
    let mut at = 0;
    let nodes = document.descendants();
    for node in nodes.filter(|node| node.has_tag_name_of("LambdaFunctionARN")) {
        let Some(inner) = node.first_child() else {
            continue;
        };
        let arn = inner.text().unwrap_or_default().trim();
        let is_ours = arn
            .strip_prefix(function.as_str())
            .is_some_and(|rest| rest.starts_with(':'));
        let range = inner.range();
        if is_ours {
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(&format!("{function}:{to}"));
            at = range.end;
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
