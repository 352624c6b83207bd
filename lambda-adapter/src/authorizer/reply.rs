//! The gate's outcome as a response for API Gateway.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tollgate_core::Reason;
use tollgate_gate::{Identity, Outcome};

use super::event::{Asked, Way};

/// The principal of a request without a verified token.
const ANONYMOUS: &str = "anonymous";
/// The same for a user whose subject is this string.
const NAMED_ANONYMOUS: &str = "%61nonymous";

/// Characters of a subject that are escaped in a principal ID: all that have a meaning in an IAM policy, a log
/// line or a header.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'@')
    .remove(b'+')
    .remove(b'=')
    .remove(b',')
    .remove(b':')
    .remove(b'|')
    .remove(b'/');

/// The reason why the response is an error. API Gateway distinguishes errors only by their message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// A token could help, and the request has none or an invalid one: 401. The message is this exact word.
    Unauthorized,
    /// An internal failure: 500.
    Internal,
}

/// Builds the response to an authorizer event.
pub(crate) fn reply(
    asked: &Asked,
    outcome: &Outcome,
    identity: Option<&Identity>,
) -> Result<Value, Denied> {
    let allows = match outcome.reason {
        Reason::Allow => true,
        Reason::NoToken | Reason::BadToken => return Err(Denied::Unauthorized),
        Reason::Internal => return Err(Denied::Internal),
        Reason::Forbidden | Reason::DeniedByRule | Reason::BadPath | Reason::BadMethod => false,
    };
    let arn = match &asked.way {
        Way::Policy(arn) => arn,
        Way::Simple => {
            return Ok(json!({
                "isAuthorized": allows,
                "context": context(outcome, identity),
            }));
        }
    };
    let (effect, resource) = match arn.exact() {
        Some(exact) if allows => ("Allow", exact.to_owned()),
        Some(exact) => ("Deny", exact.to_owned()),
        None => ("Deny", arn.whole_stage()),
    };
    let statement = json!([{
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": resource,
    }]);
    Ok(json!({
        "principalId": principal_id(identity),
        "policyDocument": { "Version": "2012-10-17", "Statement": statement },
        "context": context(outcome, identity),
    }))
}

/// The status that API Gateway sends to the client. It has a single one for all denials that no token can
/// change.
pub(crate) const fn status(reason: Reason) -> u16 {
    match reason {
        Reason::Allow => 200,
        Reason::NoToken | Reason::BadToken => 401,
        Reason::Internal => 500,
        Reason::Forbidden | Reason::DeniedByRule | Reason::BadPath | Reason::BadMethod => 403,
    }
}

/// The subject with special characters escaped, so that two subjects never have the same ID.
fn principal_id(identity: Option<&Identity>) -> String {
    let subject = identity.map(|identity| utf8_percent_encode(&identity.subject, ESCAPED));
    match subject.map(|escaped| escaped.to_string()) {
        Some(subject) if subject == ANONYMOUS => NAMED_ANONYMOUS.to_owned(),
        Some(subject) if !subject.is_empty() => subject,
        Some(_) | None => ANONYMOUS.to_owned(),
    }
}

/// The context for the integration: always all members, as strings, empty without a verified token. The
/// reason of a denial is only in the log.
fn context(outcome: &Outcome, identity: Option<&Identity>) -> Value {
    let policy = outcome.log.policy.map(|id| id.to_string());
    json!({
        "tollgateIssuer": identity.map(|identity| &*identity.issuer).unwrap_or_default(),
        "tollgatePolicy": policy.unwrap_or_default(),
        "tollgateRule": outcome.rule.as_deref().unwrap_or_default(),
        "tollgateSubject": identity.map(|identity| identity.subject.as_str()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_id_identifies_one_subject() {
        let long = "x".repeat(255);
        let table = [
            ("ann", "ann"),
            (
                "5f1c0a7e-0b6e-4b1e-9d5e-3a1f0c9b8d7e",
                "5f1c0a7e-0b6e-4b1e-9d5e-3a1f0c9b8d7e",
            ),
            ("auth0|12", "auth0|12"),
            ("ann@example.com", "ann@example.com"),
            ("", ANONYMOUS),
            ("anonymous", NAMED_ANONYMOUS),
            ("%61nonymous", "%2561nonymous"),
            ("a*", "a%2A"),
            ("a?${b}", "a%3F%24%7Bb%7D"),
            ("a b\r\n\"c\"", "a%20b%0D%0A%22c%22"),
            ("\u{fc}", "%C3%BC"),
            (&long, &long),
        ];
        for (subject, expect) in table {
            let identity = Identity {
                issuer: "learners".into(),
                subject: subject.to_owned(),
            };
            assert_eq!(principal_id(Some(&identity)), expect);
        }
        assert_eq!(principal_id(None), ANONYMOUS);
    }
}
