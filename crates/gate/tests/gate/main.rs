//! The gate with a real image and mock cryptography: every kind of outcome, and its log record.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a helper fails its test by panicking"
)]

use tollgate_core::{Reason, UnixSeconds};
use tollgate_gate::config::{DenyAnswer, GateConfig};
use tollgate_gate::{Action, Context, Gate, Kind, LoadError, Outcome, Request, wire};
use tollgate_token::Claims;

mod cache;
mod clients;
mod edges;
mod forwarded;
mod keys;
mod paths;
mod sessions;
mod signed;
mod site;

use site::{NOW, Provider, config, gate, image, token};

struct Ask<'a> {
    method: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
    ip: Option<&'a str>,
}

const GET: Ask<'static> = Ask {
    method: "GET",
    target: "/",
    headers: &[],
    ip: None,
};

impl Ask<'_> {
    fn of(&self, gate: &Gate<Vec<u8>>) -> Outcome {
        self.with(|request| gate.ask(request, &mut Context::new()))
    }

    fn with<T>(&self, then: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(n, v)| (*n, v.as_bytes()))
            .collect();
        then(&Request {
            method: self.method,
            target: self.target.as_bytes(),
            headers: &headers,
            ip: self.ip,
            now: UnixSeconds(NOW),
            entropy: None,
        })
    }
}

/// `outcome status reason detail rule`, the format of conformance cases.
fn summary(outcome: &Outcome) -> String {
    let detail = outcome.detail.unwrap_or("-");
    let rule = outcome.rule.as_deref().unwrap_or("-");
    let (kind, reason) = (outcome.kind.code(), outcome.reason.code());
    format!("{kind} {} {reason} {detail} {rule}", outcome.status)
}

fn log(outcome: &Outcome) -> String {
    let mut text = String::new();
    outcome
        .log
        .write_json(&mut text)
        .expect("writing to a string cannot fail");
    text
}

#[test]
fn every_kind_of_outcome() {
    let mut gate = gate();
    let students = token(r#""cognito:groups":["rust-101"]"#);
    let barred = token(r#""cognito:groups":["rust-101","barred"]"#);
    let forged = token("").replace("R0dHR", "AAAAA");
    let expired = token(r#""exp":1799999999"#);
    let bearer = |token: &str| format!("Bearer {token}");
    let (students, barred) = (bearer(&students), bearer(&barred));
    let (forged, expired) = (bearer(&forged), bearer(&expired));
    let table = [
        ("GET", "/courses/rust-101/a", "", "deny 401 no_token - -"),
        (
            "GET",
            "/courses/rust-101/a",
            &students,
            "allow 200 allow - rust-101/students",
        ),
        (
            "HEAD",
            "/courses/rust-101/a?x",
            &students,
            "allow 200 allow - rust-101/students",
        ),
        (
            "GET",
            "/courses/rust-101/a",
            &barred,
            "deny 403 denied_by_rule - site/barred",
        ),
        (
            "GET",
            "/courses/rust-101/a",
            &forged,
            "deny 401 bad_token bad_signature -",
        ),
        (
            "GET",
            "/courses/rust-101/a",
            &expired,
            "deny 401 bad_token expired -",
        ),
        (
            "GET",
            "/courses/rust-101/a",
            "Basic eDp5",
            "deny 401 bad_token bad_scheme -",
        ),
        (
            "GET",
            "/courses/rust-101/preview/a",
            "",
            "allow 200 allow - rust-101/preview",
        ),
        (
            "GET",
            "/courses/rust-101/preview/a",
            &expired,
            "allow 200 allow - rust-101/preview",
        ),
        ("GET", "/courses/java-101/a", "", "deny 403 forbidden - -"),
        (
            "GET",
            "/courses/java-101/a",
            &expired,
            "deny 403 forbidden - -",
        ),
        (
            "GET",
            "/courses/java-101/a",
            &students,
            "deny 403 forbidden - -",
        ),
        ("GET", "/contact", "", "deny 405 bad_method - -"),
        ("OPTIONS", "/contact", "", "deny 405 bad_method - -"),
        ("post", "/contact", "", "deny 405 bad_method - -"),
        ("POST", "/contact", "", "allow 200 allow - site/contact"),
        (
            "GET",
            "/courses//rust-101/a",
            &students,
            "reject 400 bad_path empty_segment -",
        ),
        (
            "GET",
            "/courses/rust-101/a%2fb",
            "",
            "reject 400 bad_path forbidden_escape -",
        ),
        (
            "GET",
            "/courses/rust-101/a?b c",
            &students,
            "reject 400 bad_path bad_query -",
        ),
        ("GET", "*", "", "reject 400 bad_path not_origin_form -"),
        ("GET", "", "", "reject 400 bad_path not_origin_form -"),
    ];
    for (method, target, authorization, expect) in table {
        let headers = [("authorization", authorization)];
        let headers = if authorization.is_empty() {
            &[][..]
        } else {
            &headers
        };
        let ask = Ask {
            method,
            target,
            headers,
            ..GET
        };
        let outcome = ask.of(&gate);
        assert_eq!(
            summary(&outcome),
            expect,
            "{method} {target} {authorization}"
        );

        // The log record contains the same, and contains no secrets.
        let log = log(&outcome);
        assert!(
            log.contains(&format!("\"reason\":\"{}\"", outcome.reason.code())),
            "{log}"
        );
        assert!(log.contains(&gate.policy_id().to_string()), "{log}");
        for secret in authorization
            .split([' ', '.'])
            .filter(|part| part.len() > 8)
        {
            assert!(!log.contains(secret), "{log}");
        }

        // The wire encoding preserves it.
        let reply = ask.with(|request| {
            wire::step(
                &mut gate,
                &wire::encode_request(request),
                &mut Context::new(),
            )
        });
        let reply = wire::decode_outcome(&reply).expect("a valid message");
        assert_eq!(
            (reply.kind, reply.status, reply.reason),
            (outcome.kind, outcome.status, outcome.reason)
        );
        assert_eq!(
            (reply.detail.as_deref(), reply.rule),
            (outcome.detail, outcome.rule)
        );
        assert_eq!((reply.action, reply.log), (outcome.action, log));
    }
}

#[test]
fn only_an_allow_forwards() {
    let gate = gate();
    for (target, method) in [
        ("/courses/rust-101/preview/a", "GET"),
        ("/x", "GET"),
        ("//", "HEAD"),
    ] {
        let outcome = Ask {
            method,
            target,
            ..GET
        }
        .of(&gate);
        let forwards = matches!(outcome.action, Action::Forward(_));
        assert_eq!(forwards, outcome.kind == Kind::Allow);
        assert_eq!(forwards, outcome.reason == Reason::Allow);
    }
}

#[test]
fn the_checked_path_is_forwarded_without_the_token() {
    let gate = gate();
    let token = token(r#""cognito:groups":["rust-101"]"#);
    let target = format!("/courses/rust-101/a%20b?x=1&token={token}&y=%2F");
    let cookie = format!("a=b; id_token={token}");
    let ask = Ask {
        target: &target,
        headers: &[
            ("Host", "h"),
            ("cookie", &cookie),
            ("X-Tollgate-Subject", "root"),
        ],
        ..GET
    };
    ask.with(|request| {
        let outcome = gate.ask(request, &mut Context::new());
        assert_eq!(summary(&outcome), "allow 200 allow - rust-101/students");
        let Action::Forward(forward) = &outcome.action else {
            panic!("an allow forwards")
        };
        assert_eq!(
            forward.request.target_for(request),
            b"/courses/rust-101/a%20b?x=1&y=%2F"
        );
        let sent: Vec<_> = forward.request.headers_for(request).collect();
        assert_eq!(sent, [("Host", &b"h"[..]), ("cookie", b"a=b")]);
        assert!(log(&outcome).contains(
            r#""path":"/courses/rust-101/a%20b","token":"verified","issuer":"learners""#
        ));
    });
}

#[test]
fn a_network_needs_a_known_address() {
    let gate = gate();
    for (ip, expect) in [
        (Some("203.0.113.7"), "allow 200 allow - corp/office"),
        (Some("::ffff:203.0.113.7"), "allow 200 allow - corp/office"),
        (Some("198.51.100.1"), "deny 403 forbidden - -"),
        (Some("203.0.113.7:443"), "deny 403 forbidden - -"),
        (Some(""), "deny 403 forbidden - -"),
        (None, "deny 403 forbidden - -"),
    ] {
        assert_eq!(
            summary(
                &Ask {
                    target: "/corp/a",
                    ip,
                    ..GET
                }
                .of(&gate)
            ),
            expect,
            "{ip:?}"
        );
    }
}

#[test]
fn challenges_and_redirects_come_from_the_configuration() {
    let ask = Ask {
        target: "/courses/rust-101/a",
        ..GET
    };
    let header = |outcome: &Outcome, name: &str| match &outcome.action {
        Action::Refuse(response) | Action::Serve(response) => response
            .headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.clone()),
        Action::Forward(_) => None,
    };
    let challenged = ask.of(&gate());
    let realm = header(&challenged, "www-authenticate");
    assert_eq!(
        realm.as_deref(),
        Some(r#"Bearer realm="simple \"courses\"""#)
    );

    let mut login = config();
    login.deny.no_token = DenyAnswer::Redirect("/login".to_string());
    let gate = Gate::new(image(&login), &Provider).expect("a valid image");
    let redirected = ask.of(&gate);
    assert_eq!(summary(&redirected), "deny 302 no_token - -");
    assert_eq!(header(&redirected, "location").as_deref(), Some("/login"));
    let forbidden = Ask {
        target: "/none",
        ..GET
    }
    .of(&gate);
    assert_eq!(header(&forbidden, "location"), None);

    let allowed = Ask {
        target: "/contact",
        ..GET
    }
    .of(&gate);
    assert_eq!(header(&allowed, "allow").as_deref(), Some("POST"));
}

#[test]
fn assumed_claims_replace_a_token() {
    let gate = gate();
    let ask = Ask {
        target: "/courses/rust-101/a",
        ..GET
    };
    let table = [
        (
            r#"{"cognito:groups":["rust-101"]}"#,
            Some("allow 200 allow - rust-101/students"),
        ),
        (r#"{"cognito:groups":[]}"#, Some("deny 403 forbidden - -")),
        (r#"{}"#, Some("deny 403 forbidden - -")),
        (
            r#"{"cognito:groups":"rust-101"}"#,
            Some("allow 200 allow - rust-101/students"),
        ),
        (
            r#"{"cognito:groups":{"rust-101":true}}"#,
            Some("deny 401 bad_token bad_claim -"),
        ),
        (
            r#"{"iss":"https://issuer.example"}"#,
            Some("deny 403 forbidden - -"),
        ),
        (
            r#"{"iss":"https://elsewhere.example"}"#,
            Some("deny 401 bad_token wrong_issuer -"),
        ),
        (r#"{"a":1,"a":2}"#, None),
        (r#"[]"#, None),
        ("", None),
    ];
    for (claims, expect) in table {
        let claims_read = Claims::from_json(claims.as_bytes());
        let outcome = claims_read.map(|claims| {
            ask.with(|request| gate.ask(request, &mut Context::assuming(Some(&claims))))
        });
        assert_eq!(
            outcome.ok().as_ref().map(summary).as_deref(),
            expect,
            "{claims}"
        );
    }
    // A site without issuers can also evaluate assumed claims.
    let unlisted = GateConfig {
        issuers: vec![],
        ..config()
    };
    let gate = Gate::new(image(&unlisted), &Provider).expect("a valid image");
    let claims = Claims::from_json(br#"{"cognito:groups":["rust-101"]}"#).expect("good claims");
    let outcome = ask.with(|request| gate.ask(request, &mut Context::assuming(Some(&claims))));
    assert_eq!(summary(&outcome), "allow 200 allow - rust-101/students");
    let anonymous = Ask {
        target: "/courses/rust-101/a",
        ..GET
    }
    .of(&gate);
    assert_eq!(anonymous.kind, Kind::Deny);
}

#[test]
fn a_gate_loads_completely_or_not_at_all() {
    let good = image(&config());
    assert!(Gate::new(good.clone(), &Provider).is_ok());
    assert!(matches!(
        Gate::new(&good[..good.len() - 1], &Provider),
        Err(LoadError::Image(_))
    ));
    assert!(matches!(
        Gate::new(b"", &Provider),
        Err(LoadError::Image(_))
    ));
    let foreign = site::image_with(b"\x09".to_vec());
    assert!(matches!(
        Gate::new(foreign, &Provider),
        Err(LoadError::Config(_))
    ));
    let mut weak = config();
    weak.issuers[0].secrets[0].key.truncate(4);
    match Gate::new(image(&weak), &Provider) {
        Err(error @ LoadError::Keys(_)) => assert!(error.to_string().contains("hs-1"), "{error}"),
        _ => panic!("a weak secret must be rejected"),
    }
}

#[test]
fn a_malformed_message_is_denied() {
    let mut gate = gate();
    for message in [&b""[..], b"\x04", b"\x05\0\0\0", &[0xFF; 64]] {
        let reply = wire::decode_outcome(&wire::step(&mut gate, message, &mut Context::new()))
            .expect("a valid message");
        assert_eq!(
            (reply.kind, reply.status, reply.reason),
            (Kind::Deny, 500, Reason::Internal)
        );
        assert_eq!(reply.detail.as_deref(), Some("bad_wire_request"));
    }
}
