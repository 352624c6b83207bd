//! One function: a gate, its role, and the way from an event to a result.
//!
//! A failure is an error or a denial, never an allow. Every decision is logged once, as one line of JSON with
//! the status of the response that was really sent. Not here: the Lambda runtime.

use core::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_gate::{Action, EdgeDenial, Forward, Gate, LogRecord, Outcome, Request, TokenStatus};
use tollgate_host::Client;

use crate::authorizer::{self, AuthorizerSettings, Denied};
use crate::clock::{Clock, Log, system_time};
use crate::cloudfront;
use crate::content::{self, Content, Delivered, Format, HttpReply, locate};
use crate::host::{KeyedGate, keyed_gate};
use crate::http::{self, HttpRequest};

use crate::shape::{Shape, ShapeError};
use crate::store::Store;

/// The role of a function.
pub enum Role<S> {
    /// Decides whether requests to an API are allowed.
    Authorizer(AuthorizerSettings),
    /// Responds to requests with files.
    Content(Content<S>),
    /// Handles CloudFront's request events.
    CloudFront,
}

/// A function.
pub struct Function<S, C: Client> {
    gate: Arc<KeyedGate<C>>,
    role: Role<S>,
    clock: Clock,
    log: Log,
}

/// The result of a function.
pub enum Reply<B> {
    /// A result.
    Value(Value),
    /// An HTTP response; if it has a body in a store, that is streamed.
    Stream(HttpReply, Option<B>),
}

/// The reason why there is no result. API Gateway receives the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// API Gateway responds 401 for exactly this message.
    Unauthorized,
    /// The event is rejected.
    Event(ShapeError),
    /// An internal failure.
    Internal,
}

impl<S: Store, C: Client> Function<S, C> {
    /// A function in this role, which fetches keys through `client`. `log` is called with every line, without
    /// its line end.
    pub fn new(
        gate: Gate<Vec<u8>>,
        client: C,
        role: Role<S>,
        clock: Clock,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let log: Log = Arc::new(log);
        Self {
            gate: keyed_gate(gate, client, clock, Arc::clone(&log)),
            role,
            clock,
            log,
        }
    }

    /// Returns the result for one event.
    ///
    /// # Errors
    ///
    /// Returns an error for an authorizer's 401, and for an event that is not for this function.
    pub async fn answer(&self, event: Value) -> Result<Reply<S::Body>, Failure> {
        let answered = self.answer_shape(event).await;
        if let Err(Failure::Event(error)) = &answered {
            let line = json!({ "outcome": "deny", "status": 500, "error": error.to_string() });
            (self.log)(&line.to_string());
        }
        answered
    }

    async fn answer_shape(&self, event: Value) -> Result<Reply<S::Body>, Failure> {
        let shape = Shape::of(&event).ok_or(ShapeError::Unknown)?;
        match (&self.role, shape) {
            (
                Role::Authorizer(settings),
                Shape::RestToken | Shape::RestRequest | Shape::HttpAuthorizer,
            ) => self.authorize(&event, shape, settings).await,
            (Role::Content(content), Shape::RestProxy) => {
                let request = http::read_first(&event)?;
                self.deliver(content, &request, Format::First).await
            }
            (Role::Content(content), Shape::HttpProxy) => {
                let request = http::read_second(&event)?;
                self.deliver(content, &request, Format::Second).await
            }
            (Role::CloudFront, Shape::CloudFront) => self.at_cloudfront(event).await,
            _ => Err(ShapeError::Role.into()),
        }
    }

    async fn authorize(
        &self,
        event: &Value,
        shape: Shape,
        settings: &AuthorizerSettings,
    ) -> Result<Reply<S::Body>, Failure> {
        let asked = authorizer::Asked::read(event, shape, settings)?;
        let mut outcome = self.decide(&asked.request, &asked.path).await?;
        let denial = match &outcome.action {
            Action::Forward(_) if !asked.is_exact() => Some(EdgeDenial::InexactArn),
            // An authorizer cannot change what API Gateway forwards, so another path must not be allowed.
            Action::Forward(forward) => forwarded_path(forward)
                .is_some_and(|path| path != asked.path)
                .then_some(EdgeDenial::IndexNotForwarded),
            // An authorizer sends no response of its own, and an allowed request would reach the API.
            Action::Serve(_) => Some(EdgeDenial::NoEndpoint),
            Action::Refuse(_) => None,
        };
        if let Some(denial) = denial {
            let (now, token) = (outcome.log.time, outcome.log.token);
            outcome = self.deny(&asked.request, &asked.path, now, token, denial);
        }
        outcome.log.status = authorizer::status(outcome.reason);
        self.record(&outcome.log);
        let now = outcome.log.time;
        let identity = self.gate.machine().with(|gate, tokens| {
            let identify = |asked: &Request<'_>| gate.identity(asked, tokens);
            asked.request.ask(&asked.path, now, identify)
        });
        let value = authorizer::reply(&asked, &outcome, identity.as_ref())?;
        Ok(Reply::Value(value))
    }

    async fn deliver(
        &self,
        content: &Content<S>,
        request: &HttpRequest,
        format: Format,
    ) -> Result<Reply<S::Body>, Failure> {
        let mut delivered = match content.preflight(request) {
            Some(reply) => Delivered::plain(reply),
            None => self.delivered(content, request).await?,
        };
        content.finish(request, &mut delivered.reply);
        let is_streamed = matches!(content.settings.delivery, content::Delivery::Stream);
        Ok(if is_streamed {
            Reply::Stream(delivered.reply, delivered.chunks)
        } else {
            Reply::Value(delivered.reply.to_value(format))
        })
    }

    async fn delivered(
        &self,
        content: &Content<S>,
        request: &HttpRequest,
    ) -> Result<Delivered<S::Body>, Failure> {
        let settings = &content.settings;
        let Some(path) = locate(request, settings.from, &settings.base_path) else {
            let now = self.now(request.time)?;
            let denial = EdgeDenial::NoFile;
            let outcome = self.deny(request, &request.path, now, TokenStatus::Unread, denial);
            self.record(&outcome.log);
            return Ok(Delivered::plain(HttpReply::plain(outcome.status)));
        };
        let Outcome {
            action, mut log, ..
        } = self.decide(request, &path).await?;
        let delivered = match action {
            Action::Serve(own) | Action::Refuse(own) => {
                Delivered::plain(HttpReply::from_gate(&own))
            }
            Action::Forward(forward) => {
                // The path that was evaluated.
                let path = forwarded_path(&forward).unwrap_or(path);
                let Forward {
                    // There is no request to an origin: this program reads the file itself.
                    request: _,
                    response: edits,
                } = forward;
                let reader = self.gate.machine().path_reader();
                let mut delivered = content.deliver(request, (&path, reader), log.time).await;
                delivered.reply.edit(&edits);
                delivered
            }
        };
        log.status = delivered.reply.status;
        log.detail = delivered.trouble.or(log.detail);
        self.record(&log);
        Ok(delivered)
    }

    /// The outcome for a request that is denied without an evaluation.
    fn deny(
        &self,
        request: &HttpRequest,
        path: &str,
        now: UnixSeconds,
        token: TokenStatus,
        denial: EdgeDenial,
    ) -> Outcome {
        let gate = self.gate.machine().read();
        let deny = |asked: &Request<'_>| gate.deny_at_edge(asked, token, denial);
        request.ask(path, now, deny)
    }

    async fn at_cloudfront(&self, event: Value) -> Result<Reply<S::Body>, Failure> {
        let now = self.now(None)?;
        let mut answer = match cloudfront::Event::read(event) {
            Ok(event) => {
                let step = event.with_request(now, |asked| self.gate.step(asked));
                let again = || event.with_request(now, |asked| self.gate.step(asked));
                let outcome = self.gate.settle(step, again).await;
                cloudfront::conclude(event, outcome)
            }
            Err(error) => cloudfront::refuse(error),
        };
        // The record of a failure also contains the current policy.
        answer.log.time = now;
        answer.log.policy = answer
            .log
            .policy
            .or_else(|| Some(self.gate.machine().read().policy_id()));
        self.record(&answer.log);
        Ok(Reply::Value(answer.result))
    }

    async fn decide(&self, request: &HttpRequest, path: &str) -> Result<Outcome, Failure> {
        let now = self.now(request.time)?;
        let step = request.ask(path, now, |asked| self.gate.step(asked));
        let again = || request.ask(path, now, |asked| self.gate.step(asked));
        Ok(self.gate.settle(step, again).await)
    }

    /// The time of a request. Without one, no token can be verified.
    fn now(&self, event_time: Option<UnixSeconds>) -> Result<UnixSeconds, Failure> {
        match self.clock {
            Clock::Fixed(now) => Ok(now),
            Clock::Event => event_time.ok_or(ShapeError::Member("requestContext time").into()),
            Clock::System => system_time().ok_or(Failure::Internal),
        }
    }

    fn record(&self, record: &LogRecord) {
        let mut line = String::new();
        // Writing to a string cannot fail.
        _ = record.write_json(&mut line);
        (self.log)(&line);
    }
}

/// The raw path of the target to forward, if it changes.
fn forwarded_path(forward: &Forward) -> Option<String> {
    let path = forward
        .request
        .target
        .as_ref()?
        .split(|byte| *byte == b'?')
        .next()?;
    Some(String::from_utf8_lossy(path).into_owned())
}

impl From<ShapeError> for Failure {
    fn from(error: ShapeError) -> Self {
        Self::Event(error)
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthorized => Self::Unauthorized,
            Denied::Internal => Self::Internal,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => f.write_str("Unauthorized"),
            Self::Event(error) => error.fmt(f),
            Self::Internal => f.write_str("internal failure"),
        }
    }
}

impl core::error::Error for Failure {}
