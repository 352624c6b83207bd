//! The gate's answer in the words of API Gateway.

use serde_json::{Value, json};
use tollgate_core::Reason;
use tollgate_gate::{Outcome, TokenSeen};

use super::event::{Asked, Way};

/// Who asked without a token that is known to be good.
const ANONYMOUS: &str = "anonymous";

/// Why there is no answer but an error. API Gateway tells them apart by their message alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// A token could help, and there is none or a bad one: 401. The message is the exact word.
    Unauthorized,
    /// Something failed inside: 500.
    Internal,
}

/// The answer for what was asked, and a detail code where it is less than the gate allowed.
pub(crate) fn reply(
    asked: &Asked,
    outcome: &Outcome,
) -> Result<(Value, Option<&'static str>), Denied> {
    let allows = match outcome.reason {
        Reason::Allow => true,
        Reason::NoToken | Reason::BadToken => return Err(Denied::Unauthorized),
        Reason::Internal => return Err(Denied::Internal),
        Reason::Forbidden | Reason::DeniedByRule | Reason::BadPath | Reason::BadMethod => false,
    };
    let who = match &outcome.log.token {
        TokenSeen::Verified(issuer) => issuer.to_string(),
        _ => ANONYMOUS.to_owned(),
    };
    match &asked.way {
        Way::Policy(arn) => {
            let (effect, resource, lost) = match arn.exact() {
                Some(exact) if allows => ("Allow", exact.to_owned(), None),
                Some(exact) => ("Deny", exact.to_owned(), None),
                None => ("Deny", arn.whole_stage(), allows.then_some("arn_not_exact")),
            };
            let statement = json!([{
                "Action": "execute-api:Invoke",
                "Effect": effect,
                "Resource": resource,
            }]);
            let policy = json!({
                "principalId": who,
                "policyDocument": { "Version": "2012-10-17", "Statement": statement },
                "context": context(outcome),
            });
            Ok((policy, lost))
        }
        Way::Simple { is_bound } => {
            let simple = json!({
                "isAuthorized": allows && *is_bound,
                "context": context(outcome),
            });
            Ok((
                simple,
                (allows && !is_bound).then_some("answer_may_be_cached"),
            ))
        }
    }
}

/// What the integration behind is told: texts only. Why something was denied stays in the log.
fn context(outcome: &Outcome) -> Value {
    let policy = outcome.log.policy.map(|id| id.to_string());
    json!({ "tollgatePolicy": policy.unwrap_or_default() })
}
