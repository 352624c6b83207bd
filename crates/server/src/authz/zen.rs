//! The evaluation APIs of OpenID AuthZEN 1.0, for callers that are not proxies.
//!
//! `action.name` is the method, and `resource.id` the raw target. `subject.id` becomes the claim `sub`, and
//! `subject.properties` the other claims of a token that the caller has verified; with `properties.token`, the
//! gate verifies that token instead. An empty `subject.id` is an unauthenticated client. `context.ip` is the
//! client's address and `context.now` the time in Unix seconds.
//!
//! Not here: decisions.

use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tollgate_token::Claims;

use super::asked::Asked;

/// The most evaluations in one request.
const MAX_EVALUATIONS: usize = 1_000;

/// One evaluation.
pub(super) struct Question<'a> {
    pub(super) asked: Asked,
    pub(super) claims: Option<&'a Claims>,
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
    defaults: Evaluation,
    /// The default subject, which is read once: it can be large.
    user: Option<User>,
    /// Each with its own subject, if it has one.
    evaluations: Vec<(Option<User>, Evaluation)>,
    /// Whether the response is a list.
    is_list: bool,
    semantic: Semantic,
}

/// Who a subject is to the gate.
#[derive(Default)]
struct User {
    claims: Option<Claims>,
    token: Option<String>,
}

impl Asks {
    /// Reads the body of a request, and checks every evaluation before any is answered. Returns what is wrong with
    /// the request.
    pub(super) fn read(body: &[u8], is_batch: bool) -> Result<Self, String> {
        let batch: Batch = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let Batch {
            mut defaults,
            evaluations,
            options,
        } = batch;
        let is_list = is_batch && !evaluations.is_empty();
        if evaluations.len() > MAX_EVALUATIONS {
            return Err(format!("at most {MAX_EVALUATIONS} evaluations"));
        }
        let user = defaults.subject.take().map(User::new).transpose()?;
        let evaluations = if is_list {
            evaluations
        } else {
            vec![Evaluation::default()]
        };
        let named = |at: usize, message: String| match is_list {
            true => format!("`evaluations[{at}]`: {message}"),
            false => message,
        };
        let own = evaluations.into_iter().enumerate().map(|(at, mut one)| {
            let user = one.subject.take().map(User::new).transpose();
            Ok((user.map_err(|message| named(at, message))?, one))
        });
        let asks = Self {
            defaults,
            user,
            evaluations: own.collect::<Result<_, String>>()?,
            is_list,
            semantic: options.evaluations_semantic,
        };
        for at in 0..asks.evaluations.len() {
            asks.question(at).map_err(|message| named(at, message))?;
        }
        Ok(asks)
    }

    /// The number of evaluations.
    pub(super) fn len(&self) -> usize {
        self.evaluations.len()
    }

    /// One evaluation; complete for every number below [`Asks::len`].
    pub(super) fn question(&self, at: usize) -> Result<Question<'_>, String> {
        let (own, one) = self
            .evaluations
            .get(at)
            .ok_or_else(|| missing("evaluation"))?;
        let user = own.as_ref().or(self.user.as_ref());
        let user = user.ok_or_else(|| missing("subject"))?;
        let action = one.action.as_ref().or(self.defaults.action.as_ref());
        let action = action.ok_or_else(|| missing("action"))?;
        let resource = one.resource.as_ref().or(self.defaults.resource.as_ref());
        let resource = resource.ok_or_else(|| missing("resource"))?;
        if http::Method::from_bytes(action.name.as_bytes()).is_err() {
            return Err("`action.name` is not a method, such as `GET`".to_owned());
        }
        let context = one.context.as_ref().or(self.defaults.context.as_ref());
        let member = |name: &str| context.and_then(|context| context.get(name));
        let ip = match member("ip") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => return Err("`context.ip` is not text".to_owned()),
        };
        let now = match member("now") {
            None | Some(Value::Null) => None,
            Some(now) => Some(
                now.as_i64()
                    .ok_or("`context.now` is not a time in Unix seconds")?,
            ),
        };
        let token = user.token.as_ref();
        let token = token.map(|token| (AUTHORIZATION, format!("Bearer {token}").into_bytes()));
        Ok(Question {
            asked: Asked {
                method: action.name.clone(),
                target: resource.id.clone().into_bytes(),
                headers: token.into_iter().collect(),
                ip,
            },
            claims: user.claims.as_ref(),
            now,
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

fn missing(name: &str) -> String {
    format!("`{name}` is missing")
}

impl User {
    fn new(subject: Subject) -> Result<Self, String> {
        match subject.properties.get("token") {
            Some(Value::String(token)) => Ok(Self {
                claims: None,
                token: Some(token.clone()),
            }),
            Some(_) => Err("`subject.properties.token` is not text".to_owned()),
            None if subject.id.is_empty() => Ok(Self::default()),
            None => {
                let mut object = subject.properties;
                object.insert("sub".to_owned(), Value::String(subject.id));
                let text = Value::Object(object).to_string();
                let read = Claims::from_json(text.as_bytes());
                Ok(Self {
                    claims: Some(read.map_err(|error| format!("`subject.properties`: {error}"))?),
                    token: None,
                })
            }
        }
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
