//! `[paths]`: the path with the index document is evaluated, forwarded and recorded; the path reader decides
//! the meaning of a path.

use tollgate_core::{PathReader, UnixSeconds};
use tollgate_gate::config::GateConfig;
use tollgate_gate::{Action, ClientCache, Context, Gate, Outcome, Request, TokenCache};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::ImageSpec;

use super::site::{NOW, Provider, config, everything, spec, token};
use super::summary;

fn gate(config: &GateConfig, reader: PathReader, index: Option<&str>) -> Gate<Vec<u8>> {
    let spec = ImageSpec {
        reader,
        index: index.map(str::to_owned),
        ..spec(config.encode().expect("a valid configuration"))
    };
    Gate::new(encode(&spec).expect("a valid policy").image, &Provider).expect("a valid image")
}

fn request<'a>(target: &'a str, headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request {
        method: "GET",
        target: target.as_bytes(),
        headers,
        ip: Some("203.0.113.7"),
        now: UnixSeconds(NOW),
        entropy: None,
    }
}

/// The target that the origin receives, if the request is allowed.
fn sent(outcome: &Outcome, request: &Request<'_>) -> Option<String> {
    match &outcome.action {
        Action::Forward(forward) => {
            Some(String::from_utf8_lossy(forward.request.target_for(request)).into_owned())
        }
        Action::Serve(_) | Action::Refuse(_) => None,
    }
}

#[test]
fn a_path_that_ends_in_a_slash_is_decided_and_forwarded_with_the_index_document() {
    let gate = gate(&config(), PathReader::Strict, Some("index.html"));
    let secret = token(r#""cognito:groups":["rust-101"]"#);
    let stripped = format!("/courses/rust-101/?token={secret}&x=1");
    let only_token = format!("/courses/rust-101/?token={secret}");
    // The request, its outcome, the target that the origin receives, and the path in the record.
    let table = [
        (
            "/courses/rust-101/preview/",
            "allow 200 allow - rust-101/preview",
            Some("/courses/rust-101/preview/index.html"),
            "/courses/rust-101/preview/index.html",
        ),
        (
            "/courses/rust-101/preview/?a=/",
            "allow 200 allow - rust-101/preview",
            Some("/courses/rust-101/preview/index.html?a=/"),
            "/courses/rust-101/preview/index.html",
        ),
        (
            "/courses/rust-101/preview/a?/",
            "allow 200 allow - rust-101/preview",
            Some("/courses/rust-101/preview/a?/"),
            "/courses/rust-101/preview/a",
        ),
        (
            "/courses/rust-101/preview/index.html",
            "allow 200 allow - rust-101/preview",
            Some("/courses/rust-101/preview/index.html"),
            "/courses/rust-101/preview/index.html",
        ),
        (
            stripped.as_str(),
            "allow 200 allow - rust-101/students",
            Some("/courses/rust-101/index.html?x=1"),
            "/courses/rust-101/index.html",
        ),
        (
            only_token.as_str(),
            "allow 200 allow - rust-101/students",
            Some("/courses/rust-101/index.html"),
            "/courses/rust-101/index.html",
        ),
        (
            "/courses/rust-101/",
            "deny 401 no_token - -",
            None,
            "/courses/rust-101/index.html",
        ),
        ("/", "deny 403 forbidden - -", None, "/index.html"),
        // A rejected path was not evaluated, so it is recorded as received.
        ("/a//", "reject 400 bad_path empty_segment -", None, "/a//"),
        ("/a/?b c", "reject 400 bad_path bad_query -", None, "/a/"),
    ];
    for (target, expected, forwarded, recorded) in table {
        let request = request(target, &[]);
        let outcome = gate.ask(&request, &mut Context::new());
        assert_eq!(summary(&outcome), expected, "{target}");
        assert_eq!(sent(&outcome, &request).as_deref(), forwarded, "{target}");
        assert_eq!(outcome.log.path, recorded, "{target}");
    }
    let long = format!("/{}/", "a".repeat(1_014));
    let outcome = gate.ask(&request(&long, &[]), &mut Context::new());
    assert_eq!(summary(&outcome), "reject 400 bad_path too_long -");
    assert!(outcome.log.path.starts_with("/aaa") && !outcome.log.path.contains("index"));
}

#[test]
fn without_an_index_document_nothing_changes() {
    let gate = gate(&config(), PathReader::Strict, None);
    let request = request("/courses/rust-101/preview/?a", &[]);
    let outcome = gate.ask(&request, &mut Context::new());
    let Action::Forward(forward) = &outcome.action else {
        panic!("{outcome:?}");
    };
    assert_eq!(forward.request.target, None);
    assert_eq!(outcome.log.path, "/courses/rust-101/preview/");
}

#[test]
fn a_handle_allows_no_path_that_is_edited() {
    let gate = gate(&config(), PathReader::S3, Some("index.html"));
    let bearer = format!("Bearer {}", token(r#""cognito:groups":["rust-101"]"#));
    let headers: &[(&str, &[u8])] = &[("authorization", bearer.as_bytes())];
    let (mut tokens, mut clients) = (TokenCache::new(8), ClientCache::new(8));
    let first = request("/courses/rust-101/a", headers);
    let mut context = Context::cached(&mut tokens).with_clients(&mut clients);
    gate.ask(&first, &mut context);
    let client = context.client_handle().expect("a number").handle;
    for (target, admitted) in [
        ("/courses/rust-101/a", true),
        ("/courses/rust-101/a+b", true),
        ("/courses/rust-101/c%23", true),
        ("/courses/rust-101/", false),
        ("/courses/rust-101/+a", false),
    ] {
        let rule = gate.admit(&mut clients, client, &request(target, &[]));
        assert_eq!(rule.is_some(), admitted, "{target}");
    }
}

#[test]
fn the_session_endpoint_is_compared_with_the_path_received() {
    let mut config = everything();
    let session = config.session.as_mut().expect("sessions");
    session.endpoint = Some("/session/".to_owned());
    let gate = gate(&config, PathReader::Strict, Some("index.html"));
    for (target, expected) in [
        ("/session/", "deny 405 bad_method - -"),
        ("/session/index.html", "deny 403 forbidden - -"),
    ] {
        let outcome = gate.ask(&request(target, &[]), &mut Context::new());
        assert_eq!(summary(&outcome), expected, "{target}");
    }
}

#[test]
fn a_session_cookie_is_for_the_path_as_it_was_decided() {
    let mut config = everything();
    let session = config.session.as_mut().expect("sessions");
    session.paths.iter_mut().for_each(|path| {
        path.path = "/courses/rust-101/index.html".to_owned();
    });
    let gate = gate(&config, PathReader::Strict, Some("index.html"));
    let bearer = format!(
        "Bearer {}",
        token(r#""sub":"u","cognito:groups":["rust-101"]"#)
    );
    let headers: &[(&str, &[u8])] = &[("authorization", bearer.as_bytes())];
    let outcome = gate.ask(&request("/courses/rust-101/", headers), &mut Context::new());
    let Action::Forward(forward) = &outcome.action else {
        panic!("{outcome:?}");
    };
    assert_eq!(forward.response.set_cookies.len(), 1, "{outcome:?}");
}

#[test]
fn the_reader_decides_what_is_accepted_and_the_raw_bytes_are_forwarded() {
    for (target, strict, s3, files) in [
        ("/courses/rust-101/preview/a+b", 400, 200, 200),
        ("/courses/rust-101/preview/c%23.", 400, 200, 200),
        ("/courses/rust-101/preview/%EF%BC%9F", 400, 200, 200),
        ("/courses/rust-101/preview/[x]%7E", 200, 200, 200),
        ("/courses/rust-101/preview/a%2Fb", 400, 400, 400),
        ("/courses/rust+101/preview/a", 400, 403, 403),
    ] {
        for (reader, status) in PathReader::ALL.into_iter().zip([strict, s3, files]) {
            let gate = gate(&config(), reader, None);
            let request = request(target, &[]);
            let outcome = gate.ask(&request, &mut Context::new());
            assert_eq!(outcome.status, status, "{target} {reader:?}");
            let expected = (status == 200).then_some(target);
            assert_eq!(sent(&outcome, &request).as_deref(), expected);
        }
    }
}
