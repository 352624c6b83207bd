//! One function: a gate, the role it plays, and the way from an event to a result.
//!
//! What goes wrong is an error or a denial, never an allow. Every decision is logged once, as one line
//! of JSON; a delivery that fails after the decision is a second line. Not here: the Lambda runtime.

use core::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tollgate_core::UnixSeconds;
use tollgate_gate::{Action, Forward, Gate, LogRecord, Outcome, TokenCache};

use crate::authorizer::{self, AuthorizerSettings, Denied};
use crate::cloudfront;
use crate::content::{self, Content, Delivered, Format, HttpReply, locate};
use crate::http::{self, HttpRequest};
use crate::keeper::{FetchKeys, Keeper};
use crate::shape::{Shape, ShapeError};
use crate::store::Store;

/// The part that a function plays.
pub enum Role<S> {
    /// Says whether requests to an API may go on.
    Authorizer(AuthorizerSettings),
    /// Answers requests with files.
    Content(Content<S>),
    /// Answers CloudFront's request events.
    CloudFront,
}

/// Where the time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine.
    #[default]
    System,
    /// The event, which then must tell it: for tests that replay requests.
    Event,
    /// It stands still.
    Fixed(UnixSeconds),
}

/// A function.
pub struct Function<S, F> {
    keeper: Keeper<F>,
    role: Role<S>,
    clock: Clock,
    log: Box<dyn Fn(&str) + Send + Sync>,
}

/// What a function returns.
pub enum Reply<B> {
    /// A result.
    Value(Value),
    /// An HTTP answer whose bytes, if it has any beside its own, come piece by piece.
    Stream(HttpReply, Option<B>),
}

/// Why there is no result. The message is what API Gateway sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// API Gateway makes a 401 of exactly this message.
    Unauthorized,
    /// The event is refused.
    Event(ShapeError),
    /// Something failed inside.
    Internal,
}

impl<S: Store, F: FetchKeys> Function<S, F> {
    /// A function in this role. `log` gets every line, without its end.
    pub fn new(
        gate: Gate<Vec<u8>>,
        keys: F,
        role: Role<S>,
        clock: Clock,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        Self {
            keeper: Keeper::new(gate, keys),
            role,
            clock,
            log: Box::new(log),
        }
    }

    /// The result for one event.
    ///
    /// # Errors
    ///
    /// If the answer is an error: an authorizer's 401, an event that is not for this function.
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
        // An authorizer cannot change what API Gateway forwards, so another path must not be allowed.
        if let Action::Forward(forward) = &outcome.action
            && forwarded_path(forward).is_some_and(|path| path != asked.path)
        {
            outcome = Outcome::internal(&asked.request.method, "index_not_forwarded");
        }
        self.record(&outcome.log);
        let (value, less) = authorizer::reply(&asked, &outcome)?;
        if let Some(code) = less {
            self.trouble(&outcome.log, 403, code);
        }
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
            let outcome = Outcome::internal(&request.method, "no_file_named");
            self.trouble(&outcome.log, 400, "no_file_named");
            return Ok(Delivered::plain(HttpReply::plain(400)));
        };
        let outcome = self.decide(request, &path).await?;
        self.record(&outcome.log);
        let now = outcome.log.time;
        match &outcome.action {
            Action::Respond(respond) => Ok(Delivered::plain(HttpReply::from_gate(respond))),
            Action::Forward(forward) => {
                // The path as it was decided.
                let path = forwarded_path(forward).unwrap_or(path);
                let reader = self.keeper.path_reader();
                let delivered = content.deliver(request, (&path, reader), now).await;
                if let Some(code) = delivered.trouble {
                    self.trouble(&outcome.log, delivered.reply.status, code);
                }
                Ok(delivered)
            }
        }
    }

    async fn at_cloudfront(&self, event: Value) -> Result<Reply<S::Body>, Failure> {
        let answer = match cloudfront::Event::read(event) {
            Ok(event) => {
                let now = self.now(None)?;
                let ask = |gate: &Gate<Vec<u8>>, tokens: &mut TokenCache| {
                    event.with_request(now, |asked| gate.handle_cached(asked, tokens))
                };
                let outcome = self.keeper.decide(now, ask).await;
                cloudfront::conclude(event, outcome)
            }
            Err(error) => cloudfront::refuse(error),
        };
        self.record(&answer.log);
        Ok(Reply::Value(answer.result))
    }

    async fn decide(&self, request: &HttpRequest, path: &str) -> Result<Outcome, Failure> {
        let now = self.now(request.time)?;
        let ask = |gate: &Gate<Vec<u8>>, tokens: &mut TokenCache| {
            request.ask(path, now, |asked| gate.handle_cached(asked, tokens))
        };
        Ok(self.keeper.decide(now, ask).await)
    }

    /// The time of a request. No token can be judged without one.
    fn now(&self, told: Option<UnixSeconds>) -> Result<UnixSeconds, Failure> {
        match self.clock {
            Clock::Fixed(now) => Ok(now),
            Clock::Event => told.ok_or(ShapeError::Member("requestContext time").into()),
            Clock::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                let secs = since
                    .ok()
                    .and_then(|since| i64::try_from(since.as_secs()).ok());
                secs.map(UnixSeconds).ok_or(Failure::Internal)
            }
        }
    }

    fn record(&self, record: &LogRecord) {
        let mut line = String::new();
        // Writing to a string cannot fail.
        _ = record.write_json(&mut line);
        (self.log)(&line);
    }

    /// A line about what came of a decision, where that is not what the decision said.
    fn trouble(&self, record: &LogRecord, status: u16, code: &str) {
        let line = json!({
            "time": record.time.0, "site": &*record.site, "path": record.path,
            "delivery": code, "status": status,
        });
        (self.log)(&line.to_string());
    }
}

/// The raw path of the target to forward, if that changes.
fn forwarded_path(forward: &Forward) -> Option<String> {
    let path = forward
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
