//! The evaluation APIs of OpenID AuthZEN 1.0, for callers that are not proxies.
//!
//! `action.name` is the method, and `resource.id` the raw target. `subject.id` becomes the claim `sub`, and
//! `subject.properties` the other claims of a token that the caller has verified; with `properties.token`, the
//! gate verifies that token instead. An empty `subject.id` is an unauthenticated client. `context.ip` is the
//! client's address and `context.now` the time in Unix seconds.
//!
//! Not here: decisions.

use http::HeaderName;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tollgate_token::Claims;

use super::asked::Asked;

/// The most evaluations in one request.
const MAX_EVALUATIONS: usize = 1_000;

/// One evaluation.
pub(super) struct Question {
    pub(super) asked: Asked,
    pub(super) claims: Option<Claims>,
    pub(super) now: Option<i64>,
}

/// The result of one evaluation.
pub(super) struct Decision {
    pub(super) decision: bool,
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) detail: Option<&'static str>,
    pub(super) rule: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
struct Evaluation {
    subject: Option<Subject>,
    action: Option<Action>,
    resource: Option<Resource>,
    context: Option<Map<String, Value>>,
}

#[derive(Clone, Deserialize)]
struct Subject {
    #[serde(rename = "type")]
    _kind: String,
    id: String,
    #[serde(default)]
    properties: Map<String, Value>,
}

#[derive(Clone, Deserialize)]
struct Action {
    name: String,
}

#[derive(Clone, Deserialize)]
struct Resource {
    #[serde(rename = "type")]
    _kind: String,
    id: String,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(flatten)]
    defaults: Evaluation,
    #[serde(default)]
    evaluations: Vec<Evaluation>,
    #[serde(default)]
    options: Options,
}

#[derive(Default, Deserialize)]
struct Options {
    #[serde(default)]
    evaluations_semantic: Semantic,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// The evaluations of one request.
pub(super) struct Asks {
    pub(super) questions: Vec<Question>,
    /// Whether the response is a list.
    is_list: bool,
    semantic: Semantic,
}

impl Asks {
    /// Reads the body of a request. Everything is read before anything is evaluated: a response never lacks an
    /// evaluation because of an error. Returns what is wrong with the request.
    pub(super) fn read(body: &[u8], is_batch: bool) -> Result<Self, String> {
        let batch: Batch = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let Batch {
            defaults,
            evaluations,
            options,
        } = batch;
        let semantic = options.evaluations_semantic;
        if !is_batch || evaluations.is_empty() {
            return Ok(Self {
                questions: vec![defaults.question()?],
                is_list: false,
                semantic,
            });
        }
        if evaluations.len() > MAX_EVALUATIONS {
            return Err(format!("at most {MAX_EVALUATIONS} evaluations"));
        }
        let questions = evaluations.into_iter().enumerate().map(|(at, one)| {
            let question = one.or(&defaults).question();
            question.map_err(|message| format!("`evaluations[{at}]`: {message}"))
        });
        Ok(Self {
            questions: questions.collect::<Result<_, _>>()?,
            is_list: true,
            semantic,
        })
    }

    /// Whether no further question is evaluated after this decision.
    pub(super) fn ends_with(&self, decision: bool) -> bool {
        match self.semantic {
            Semantic::ExecuteAll => false,
            Semantic::DenyOnFirstDeny => !decision,
            Semantic::PermitOnFirstPermit => decision,
        }
    }

    /// The body of the response.
    pub(super) fn answer(&self, results: &[Decision]) -> String {
        let objects: Vec<Value> = results.iter().map(object).collect();
        match objects.first() {
            Some(only) if !self.is_list => only.to_string(),
            _ => json!({ "evaluations": objects }).to_string(),
        }
    }
}

/// The object for one decision.
fn object(result: &Decision) -> Value {
    let Decision {
        decision,
        status,
        reason,
        detail,
        rule,
    } = result;
    json!({
        "decision": decision,
        "context": { "status": status, "reason": reason, "detail": detail, "rule": rule },
    })
}

impl Evaluation {
    /// Fills in what is missing.
    fn or(self, defaults: &Self) -> Self {
        Self {
            subject: self.subject.or_else(|| defaults.subject.clone()),
            action: self.action.or_else(|| defaults.action.clone()),
            resource: self.resource.or_else(|| defaults.resource.clone()),
            context: self.context.or_else(|| defaults.context.clone()),
        }
    }

    fn question(self) -> Result<Question, String> {
        let missing = |name: &str| format!("`{name}` is missing");
        let subject = self.subject.ok_or_else(|| missing("subject"))?;
        let action = self.action.ok_or_else(|| missing("action"))?;
        let resource = self.resource.ok_or_else(|| missing("resource"))?;
        if http::Method::from_bytes(action.name.as_bytes()).is_err() {
            return Err("`action.name` is not a method, such as `GET`".to_owned());
        }
        let context = self.context.unwrap_or_default();
        let text = |name: &str| match context.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("`context.{name}` is not text")),
        };
        let now = match context.get("now") {
            None | Some(Value::Null) => None,
            Some(now) => Some(
                now.as_i64()
                    .ok_or("`context.now` is not a time in Unix seconds")?,
            ),
        };
        let mut headers: Vec<(HeaderName, Vec<u8>)> = Vec::new();
        let mut claims = None;
        match subject.properties.get("token") {
            Some(Value::String(token)) => {
                let value = format!("Bearer {token}");
                headers.push((AUTHORIZATION, value.into_bytes()));
            }
            Some(_) => return Err("`subject.properties.token` is not text".to_owned()),
            None if subject.id.is_empty() => {}
            None => {
                let mut object = subject.properties;
                object.insert("sub".to_owned(), Value::String(subject.id));
                let text = Value::Object(object).to_string();
                let read = Claims::from_json(text.as_bytes());
                claims = Some(read.map_err(|error| format!("`subject.properties`: {error}"))?);
            }
        }
        Ok(Question {
            asked: Asked {
                method: action.name,
                target: resource.id.into_bytes(),
                headers,
                ip: text("ip")?,
            },
            claims,
            now,
        })
    }
}

/// The body for a request that could not be evaluated.
pub(super) fn error(message: &str) -> String {
    json!({ "error": "bad_evaluation", "message": message }).to_string()
}

/// The document that describes the endpoints of a server with this `Host`.
pub(super) fn configuration(host: &str) -> String {
    let at = |path: &str| format!("https://{host}{path}");
    json!({
        "policy_decision_point": at(""),
        "access_evaluation_endpoint": at("/access/v1/evaluation"),
        "access_evaluations_endpoint": at("/access/v1/evaluations"),
    })
    .to_string()
}
