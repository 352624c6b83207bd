//! The functions of a gate for edges: denials of edges, identities, and shared caches.

use tollgate_core::{Reason, UnixSeconds};
use tollgate_gate::{
    Action, CacheEdit, Context, EdgeDenial, Kind, Request, TokenCache, TokenStatus,
};

use super::site::{NOW, gate, token};
use super::{log, summary};

const OPEN: &str = "/courses/rust-101/preview/a";
const LESSON: &str = "/courses/rust-101/a";

fn with<T>(
    target: &str,
    headers: &[(&str, &str)],
    ip: Option<&str>,
    then: impl FnOnce(&Request<'_>) -> T,
) -> T {
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_bytes())).collect();
    then(&Request {
        method: "GET",
        target: target.as_bytes(),
        headers: &headers,
        ip,
        now: UnixSeconds(NOW),
        entropy: None,
    })
}

#[test]
fn a_denial_of_an_edge_is_the_outcome_and_the_record() {
    let gate = gate();
    let table = [
        (
            EdgeDenial::UnknownHost,
            "reject 400 bad_path unknown_host -",
        ),
        (EdgeDenial::Unsendable, "reject 400 bad_path unsendable -"),
        (EdgeDenial::NoFile, "reject 400 bad_path no_file_named -"),
        (EdgeDenial::Upgrade, "deny 403 forbidden upgrade -"),
        (EdgeDenial::InexactArn, "deny 403 forbidden arn_not_exact -"),
        (EdgeDenial::ChangedPath, "deny 500 internal changed_path -"),
        (EdgeDenial::NoEndpoint, "deny 403 forbidden no_endpoint -"),
        (
            EdgeDenial::IndexNotForwarded,
            "deny 500 internal index_not_forwarded -",
        ),
    ];
    for (denial, expect) in table {
        let outcome = with("/a?token=secret", &[], None, |request| {
            gate.deny_at_edge(request, TokenStatus::Verified("learners".into()), denial)
        });
        assert_eq!(summary(&outcome), expect);
        let Action::Refuse(respond) = &outcome.action else {
            panic!("{denial:?} forwards");
        };
        assert_eq!(respond.status, outcome.status);
        let record = log(&outcome);
        assert!(
            record.contains(r#""path":"/a","token":"verified""#),
            "{record}"
        );
        assert!(record.contains(&format!(r#""status":{}"#, outcome.status)));
        assert_eq!(Kind::of(denial.reason()), outcome.kind);
        assert_ne!(denial.reason(), Reason::Allow);
    }
}

#[test]
fn a_response_is_private_where_the_request_would_be_denied_without_its_token() {
    let gate = gate();
    let student = token(r#""cognito:groups":["rust-101"]"#);
    let bearer = format!("Bearer {student}");
    let query = format!("{LESSON}?token={student}");
    let open_query = format!("{OPEN}?token={student}");
    let table = [
        (LESSON, Some(bearer.as_str()), None, true),
        (&query, None, None, true),
        (OPEN, Some(&bearer), None, false),
        (&open_query, None, None, false),
        (OPEN, None, None, false),
        // Allowed by address, without a token.
        ("/corp/a", Some(&bearer), Some("203.0.113.7"), false),
    ];
    for (target, authorization, ip, expect) in table {
        let headers: Vec<_> = authorization
            .iter()
            .map(|value| ("authorization", *value))
            .collect();
        with(target, &headers, ip, |request| {
            let outcome = gate.ask(request, &mut Context::new());
            let Action::Forward(forward) = &outcome.action else {
                panic!("{target} is not forwarded")
            };
            let is_private = forward.response.cache == CacheEdit::Private;
            assert_eq!(is_private, expect, "{target}");
        });
    }
}

#[test]
fn an_identity_is_that_of_the_verified_token() {
    let gate = gate();
    let mut cache = TokenCache::new(8);
    let ann = token(r#""sub":"ann","cognito:groups":["rust-101"]"#);
    let table = [
        (ann.as_str(), Some(("learners", "ann"))),
        (&token(""), Some(("learners", ""))),
        (&token(r#""sub":"ann","exp":1799999999"#), None),
        (&ann.replace("R0dHR", "AAAAA"), None),
        ("", None),
    ];
    for (token, expect) in table {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let headers = if token.is_empty() {
            &[][..]
        } else {
            &headers[..]
        };
        for _ in 0..2 {
            let identity = with(LESSON, headers, None, |request| {
                gate.identity(request, &mut cache)
            });
            let found = identity
                .as_ref()
                .map(|found| (&*found.issuer, found.subject.as_str()));
            assert_eq!(found, expect, "{token}");
        }
    }
}
