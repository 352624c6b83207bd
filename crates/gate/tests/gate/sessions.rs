//! Sessions: what is minted, when and from which tokens; and that a session grants what its sign-in token
//! grants.

#![expect(
    clippy::indexing_slicing,
    reason = "a helper fails its test by panicking"
)]

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_core::UnixSeconds;
use tollgate_gate::config::{ConfigError, GateConfig, TokenSource};
use tollgate_gate::session::{
    MAX_SESSION_BYTES, Names, SameSite, SessionConfig, SessionForm, SessionPath, TOO_LARGE, cwt,
};
use tollgate_gate::{Action, CacheEdit, Context, Gate, Kind, Outcome, Request, TokenCache, wire};
use tollgate_token::{IssuerConfig, Secret};

use super::site::{NOW, Provider, config, image, token};
use super::summary;

mod again;
mod equal;
mod order;

const LESSON: &str = "/courses/rust-101/a";
const ENDPOINT: &str = "/.tollgate/session";
const STUDENT: &str = r#""sub":"u-1","auth_time":1799990000,"email":"a@example.com","cognito:groups":["rust-101","other","rust-101"]"#;

fn names(exact: &[&str]) -> Names {
    Names {
        exact: exact.iter().map(|name| name.to_string()).collect(),
        around: vec![],
    }
}

fn path(path: &str, groups: &[&str]) -> SessionPath {
    SessionPath {
        path: path.to_string(),
        base: (path != "/").then(|| path.to_string()),
        groups: names(groups),
        scopes: Names::default(),
        marks: groups.iter().map(|group| mark(group)).collect(),
    }
}

/// Any five characters that distinguish the names in these tests.
fn mark(name: &str) -> String {
    let short: String = name.chars().filter(|c| *c != '-').collect();
    format!("{short:_>5}").split_off(short.len().max(5) - 5)
}

/// The small site with sessions, signed by the first of these secrets.
fn with_sessions(kids: &[&str]) -> GateConfig {
    let mut config = config();
    let first = config.issuers[0].clone();
    let secret = |kid: &&str| Secret {
        kid: kid.to_string(),
        key: vec![9; 32],
    };
    config.issuers.push(IssuerConfig {
        name: "sessions".to_string(),
        issuers: vec!["https://example.com/sessions".to_string()],
        clients: vec![config.site.clone()],
        secrets: kids.iter().map(secret).collect(),
        ..first
    });
    config.sources.push(TokenSource::Cookie("sess".to_string()));
    config.session = Some(SessionConfig {
        issuer: 1,
        kid: kids[0].to_string(),
        lifetime_secs: 400,
        form: SessionForm::Jwt,
        cookie: "sess".to_string(),
        same_site: SameSite::Lax,
        on_sign_in: true,
        endpoint: Some(ENDPOINT.to_string()),
        issuers: vec!["learn".to_string(), String::new()],
        claims: vec![],
        paths: vec![path("/", &["barred", "rust-101"])],
    });
    config
}

fn changed(change: impl FnOnce(&mut SessionConfig)) -> GateConfig {
    let mut config = with_sessions(&["s-1"]);
    change(config.session.as_mut().expect("it has sessions"));
    config
}

fn gate(config: &GateConfig) -> Gate<Vec<u8>> {
    Gate::new(image(config), &Provider).expect("a valid image")
}

/// Evaluates a request with these headers, with and without a cache and over the wire, with the same result.
fn ask_at(
    gate: &Gate<Vec<u8>>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    now: i64,
) -> Outcome {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let request = Request {
        method,
        target: target.as_bytes(),
        headers: &headers,
        ip: None,
        now: UnixSeconds(now),
        entropy: None,
    };
    let outcome = gate.ask(&request, &mut Context::new());
    let mut cache = TokenCache::new(8);
    for _ in 0..2 {
        let cached = gate.ask(&request, &mut Context::cached(&mut cache));
        assert_eq!(summary(&cached), summary(&outcome));
        assert_eq!(
            (&cached.action, &cached.log),
            (&outcome.action, &outcome.log)
        );
    }
    let reply = wire::decode_outcome(&wire::encode_outcome(&outcome)).expect("a valid message");
    assert_eq!(reply.action, outcome.action);
    outcome
}

fn ask(gate: &Gate<Vec<u8>>, method: &str, target: &str, headers: &[(&str, &str)]) -> Outcome {
    ask_at(gate, method, target, headers, NOW)
}

/// The cookies that an outcome sets.
fn cookies(outcome: &Outcome) -> Vec<String> {
    match &outcome.action {
        Action::Forward(forward) => {
            // A response that sets a cookie must not be cached.
            let edits = &forward.response;
            let is_bare = edits.set_cookies.is_empty();
            assert_eq!(edits.cache == CacheEdit::NoStore, !is_bare);
            edits.set_cookies.clone()
        }
        Action::Serve(respond) | Action::Refuse(respond) => {
            let is_cookie = |field: &&(_, _)| field.0 == "set-cookie";
            let fields: &[(std::borrow::Cow<'static, str>, String)] = &respond.headers;
            fields
                .iter()
                .filter(is_cookie)
                .map(|(_, value)| value.clone())
                .collect()
        }
    }
}

/// Splits a cookie into its token and its attributes.
fn split_cookie(cookie: &str) -> (&str, &str) {
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    (pair.strip_prefix("sess=").expect("its name"), attributes)
}

fn part(token: &str, at: usize) -> String {
    let part = token.split('.').nth(at).expect("three parts");
    let bytes = Base64UrlUnpadded::decode_vec(part).expect("base64url");
    String::from_utf8(bytes).expect("text")
}

fn sign_in(claims: &str) -> String {
    format!("Bearer {}", token(claims))
}

#[test]
fn a_session_contains_what_the_policy_reads() {
    let gate = gate(&with_sessions(&["s-1"]));
    let outcome = ask(
        &gate,
        "GET",
        LESSON,
        &[("authorization", &sign_in(STUDENT))],
    );
    assert_eq!(summary(&outcome), "allow 200 allow - rust-101/students");
    let cookies = cookies(&outcome);
    let [cookie] = cookies.as_slice() else {
        panic!("one cookie: {cookies:?}")
    };
    let (session, attributes) = split_cookie(cookie);
    assert_eq!(
        attributes,
        "Path=/; Max-Age=400; Secure; HttpOnly; SameSite=Lax"
    );
    assert_eq!(
        part(session, 0),
        r#"{"alg":"HS256","kid":"s-1","typ":"JWT"}"#
    );
    assert_eq!(
        part(session, 1),
        r#"{"iss":"https://example.com/sessions","aud":"simple \"courses\"","iat":1800000000,"exp":1800000400,"sub":"u-1","auth_time":1799990000,"idp":"learners","reads":"learnarredst101","groups":["rust-101"]}"#
    );
    // It grants the same, and is not replaced.
    let again = ask(
        &gate,
        "GET",
        LESSON,
        &[("cookie", &format!("sess={session}"))],
    );
    assert_eq!(summary(&again), "allow 200 allow - rust-101/students");
    assert!(cookies_of_none(&again));
    let over = ask_at(
        &gate,
        "GET",
        LESSON,
        &[("cookie", &format!("sess={session}"))],
        NOW + 400,
    );
    assert_eq!(summary(&over), "deny 401 bad_token expired -");
    // An expired session is cleared.
    let cleared = "sess=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";
    assert_eq!(self::cookies(&over), [cleared]);
}

fn cookies_of_none(outcome: &Outcome) -> bool {
    cookies(outcome).is_empty()
}

#[test]
fn a_session_ends_with_its_sign_in_token() {
    let gate = gate(&with_sessions(&["s-1"]));
    for (expires_in, max_age) in [(1, 1), (399, 399), (400, 400), (401, 400), (100_000, 400)] {
        let claims = format!(
            r#""cognito:groups":["rust-101"],"exp":{}"#,
            NOW + expires_in
        );
        let outcome = ask(
            &gate,
            "GET",
            LESSON,
            &[("authorization", &sign_in(&claims))],
        );
        let cookies = cookies(&outcome);
        assert!(
            cookies[0].contains(&format!("Max-Age={max_age};")),
            "{cookies:?}"
        );
        let exp = format!(r#""exp":{}"#, NOW + max_age);
        assert!(part(split_cookie(&cookies[0]).0, 1).contains(&exp));
    }
}

#[test]
fn requests_that_get_no_session() {
    let gate = gate(&with_sessions(&["s-1"]));
    let (student, bearer) = (token(STUDENT), sign_in(STUDENT));
    let minted = cookies(&ask(&gate, "GET", LESSON, &[("authorization", &bearer)]));
    let session = format!("sess={}", split_cookie(&minted[0]).0);
    let with_both = [
        ("authorization", bearer.as_str()),
        ("cookie", session.as_str()),
    ];
    let by_link = format!("{LESSON}?token={student}");
    let barred = sign_in(r#""cognito:groups":["rust-101","barred"]"#);
    for (target, headers, now, expect) in [
        (LESSON, &with_both[..1], NOW, 1),
        // It already has a session, which is kept until less than a quarter is left, whichever token is
        // evaluated.
        (LESSON, &with_both[..], NOW, 0),
        (LESSON, &with_both[..], NOW + 299, 0),
        (LESSON, &with_both[..], NOW + 300, 1),
        // A session does not extend itself.
        (LESSON, &with_both[1..], NOW + 399, 0),
        // From a link, from a session, without a user, and for a user without access.
        (&by_link, &[], NOW, 0),
        (&by_link, &with_both[..1], NOW, 1),
        (LESSON, &with_both[1..], NOW, 0),
        ("/courses/rust-101/preview/a", &[], NOW, 0),
        (LESSON, &[("authorization", &barred)], NOW, 0),
        ("/nowhere", &with_both[..1], NOW, 0),
    ] {
        let outcome = ask_at(&gate, "GET", target, headers, now);
        assert_eq!(cookies(&outcome).len(), expect, "{target} at {now}");
    }
    let off = self::gate(&changed(|session| session.on_sign_in = false));
    assert!(cookies_of_none(&ask(&off, "GET", LESSON, &with_both[..1])));
}

#[test]
fn the_endpoint_responds_to_post() {
    let gate = gate(&with_sessions(&["s-1"]));
    let bearer = sign_in(STUDENT);
    let minted = cookies(&ask(&gate, "GET", LESSON, &[("authorization", &bearer)]));
    let session = format!("sess={}", split_cookie(&minted[0]).0);
    let expired = sign_in(r#""exp":1799999999"#);
    let by_link = format!("{ENDPOINT}?token={}", token(STUDENT));
    let authorization = [("authorization", bearer.as_str())];
    // A neighbouring site may have set one of two cookies.
    let [own, other] = [STUDENT, r#""sub":"u-2","cognito:groups":["rust-101"]"#].map(token);
    let two = format!("id_token={own}; id_token={other}");
    let two_and_a_session = format!("{session}; {two}");
    let conflict = "deny 401 bad_token conflicting_tokens -";
    for (method, target, headers, expect, count) in [
        (
            "POST",
            ENDPOINT,
            &[("cookie", two.as_str())][..],
            conflict,
            0,
        ),
        (
            "POST",
            ENDPOINT,
            &[("cookie", two_and_a_session.as_str())],
            conflict,
            0,
        ),
        (
            "POST",
            ENDPOINT,
            &authorization[..],
            "serve 204 allow session -",
            1,
        ),
        (
            "GET",
            ENDPOINT,
            &authorization,
            "deny 405 bad_method - -",
            0,
        ),
        ("POST", ENDPOINT, &[], "deny 401 no_token - -", 0),
        ("POST", &by_link, &[], "deny 401 no_token - -", 0),
        (
            "POST",
            ENDPOINT,
            &[("authorization", &expired)],
            "deny 401 bad_token expired -",
            0,
        ),
        (
            "POST",
            ENDPOINT,
            &[("authorization", "Basic eDp5")],
            "deny 401 bad_token bad_scheme -",
            0,
        ),
        (
            "POST",
            ENDPOINT,
            &[("cookie", &session)],
            "deny 401 no_token - -",
            0,
        ),
        (
            "POST",
            "/.tollgate/session/",
            &authorization,
            "deny 403 forbidden - -",
            0,
        ),
    ] {
        let outcome = ask(&gate, method, target, headers);
        assert_eq!(summary(&outcome), expect, "{method} {target}");
        assert_eq!(cookies(&outcome).len(), count, "{method} {target}");
        let (Action::Serve(respond) | Action::Refuse(respond)) = &outcome.action else {
            panic!("the endpoint never forwards")
        };
        let is_served = matches!(outcome.action, Action::Serve(_));
        assert_eq!(is_served, outcome.kind == Kind::Serve);
        assert!(
            respond
                .headers
                .contains(&("cache-control".into(), "no-store".into()))
        );
        assert_eq!(respond.body.is_empty(), respond.status == 204);
    }
    let none = self::gate(&changed(|session| session.endpoint = None));
    assert_eq!(ask(&none, "POST", ENDPOINT, &authorization).status, 403);
}

#[test]
fn one_cookie_per_course() {
    let config = changed(|session| {
        session.paths = vec![
            path("/courses/java-101", &["java-101"]),
            path("/courses/rust-101", &["rust-101"]),
            path("/courses/sql-101", &["sql-101"]),
        ];
    });
    let gate = gate(&config);
    let bearer = sign_in(r#""cognito:groups":["java-101","rust-101","sql-100"]"#);
    let headers = [("authorization", bearer.as_str())];
    let paths_and_groups = |outcome: &Outcome| -> Vec<String> {
        let summary = |cookie: &String| {
            let (session, attributes) = split_cookie(cookie);
            let groups = part(session, 1);
            let groups = groups
                .split_once(r#""groups":"#)
                .map_or("", |(_, rest)| rest);
            format!(
                "{} {groups}",
                attributes.split(';').next().unwrap_or_default()
            )
        };
        cookies(outcome).iter().map(summary).collect()
    };
    let rust = r#"Path=/courses/rust-101 ["rust-101"]}"#;
    let java = r#"Path=/courses/java-101 ["java-101"]}"#;
    for (method, target, expect) in [
        ("GET", LESSON, &[rust][..]),
        ("POST", ENDPOINT, &[java, rust]),
        (
            "POST",
            "/.tollgate/session?path=/courses/java-101/a",
            &[java],
        ),
        ("POST", "/.tollgate/session?path=/courses/java-101", &[java]),
        ("POST", "/.tollgate/session?path=/courses/java-1010/a", &[]),
        ("POST", "/.tollgate/session?path=", &[]),
        ("POST", "/contact", &[]),
    ] {
        assert_eq!(
            paths_and_groups(&ask(&gate, method, target, &headers)),
            expect,
            "{target}"
        );
    }
}

#[test]
fn a_session_that_would_be_too_large_is_not_minted() {
    let many: Vec<_> = (100..200).map(|number| format!("group-{number}")).collect();
    let read: Vec<_> = many.iter().map(String::as_str).collect();
    for (count, fits) in [(1, true), (30, true), (90, false)] {
        let gate = gate(&changed(|session| {
            session.paths = vec![path("/", &read)];
            // As for any policy with as many names.
            session.paths[0].marks.truncate(3);
        }));
        let groups = format!(
            r#""cognito:groups":["rust-101","{}"]"#,
            many[..count].join("\",\"")
        );
        let bearer = sign_in(&groups);
        let outcome = ask(&gate, "GET", LESSON, &[("authorization", &bearer)]);
        assert_eq!(outcome.status, 200);
        assert_eq!(cookies(&outcome).len(), usize::from(fits), "{count}");
        assert_eq!(outcome.detail, (!fits).then_some(TOO_LARGE));
        assert!(
            cookies(&outcome)
                .iter()
                .all(|c| split_cookie(c).0.len() <= MAX_SESSION_BYTES)
        );
        let asked = ask(&gate, "POST", ENDPOINT, &[("authorization", &bearer)]);
        assert_eq!(asked.detail, Some(if fits { "session" } else { TOO_LARGE }));
    }
}

#[test]
fn the_key_rotates_without_signing_a_user_out() {
    let [before, both, after] =
        [&["s-1"][..], &["s-2", "s-1"], &["s-2"]].map(|kids| gate(&with_sessions(kids)));
    let bearer = sign_in(STUDENT);
    let session = |gate: &Gate<Vec<u8>>| {
        let minted = cookies(&ask(gate, "GET", LESSON, &[("authorization", &bearer)]));
        format!("sess={}", split_cookie(&minted[0]).0)
    };
    let (old, new) = (session(&before), session(&both));
    for (gate, cookie, status) in [
        (&before, &old, 200),
        (&before, &new, 401),
        (&both, &old, 200),
        (&both, &new, 200),
        (&after, &old, 401),
        (&after, &new, 200),
    ] {
        assert_eq!(
            ask(gate, "GET", LESSON, &[("cookie", cookie)]).status,
            status
        );
    }
}

#[test]
fn a_cwt_has_the_same_content() {
    let mut config = changed(|session| {
        session.form = SessionForm::Cwt;
        session.same_site = SameSite::Strict;
        session.paths = vec![path("/courses/rust-101", &["rust-101"])];
    });
    config.sources.pop();
    let gate = gate(&config);
    let outcome = ask(
        &gate,
        "GET",
        LESSON,
        &[("authorization", &sign_in(STUDENT))],
    );
    let minted = cookies(&outcome);
    let (session, attributes) = split_cookie(&minted[0]);
    assert_eq!(
        attributes,
        "Path=/courses/rust-101; Max-Age=400; Secure; HttpOnly; SameSite=Strict"
    );
    let bytes = Base64UrlUnpadded::decode_vec(session).expect("base64url");
    let parts = cwt::Parts::read(&bytes).expect("a token");
    assert!(parts.is_hs256());
    assert_eq!(parts.kid.as_deref(), Some(&b"s-1"[..]));
    assert_eq!(parts.tag, [b'G'; 32]);
    // {1: iss, 2: sub, 3: aud, 4: exp, 6: iat, auth_time, idp, reads, 312: {3: {1: path}}, groups}
    let expect = [
        &b"\xAA\x01\x78\x1Chttps://example.com/sessions\x02\x63u-1\x03\x70simple \"courses\""[..],
        b"\x04\x1A\x6B\x49\xD3\x90\x06\x1A\x6B\x49\xD2\x00",
        b"\x69auth_time\x1A\x6B\x49\xAA\xF0\x63idp\x68learners\x65reads\x6Alearnst101",
        b"\x19\x01\x38\xA1\x03\xA1\x01\x71/courses/rust-101",
        b"\x66groups\x81\x68rust-101",
    ]
    .concat();
    assert_eq!(parts.payload, expect);
    let mut signed = b"\x84\x64MAC0\x43\xA1\x01\x05\x40\x58".to_vec();
    signed.push(u8::try_from(expect.len()).expect("short"));
    signed.extend(&expect);
    assert_eq!(parts.signed(), Some(signed));
    for length in 0..bytes.len() {
        assert_eq!(cwt::Parts::read(&bytes[..length]), None, "cut to {length}");
    }
    assert_eq!(cwt::Parts::read(&[&bytes[..], b"\0"].concat()), None);
}

#[test]
fn a_configuration_that_cannot_mint_is_rejected() {
    let good = with_sessions(&["s-1"]);
    assert_eq!(
        GateConfig::decode(&good.encode().expect("good")),
        Ok(good.clone())
    );
    let table: [fn(&mut GateConfig, &mut SessionConfig); 17] = [
        |_, session| session.issuer = 2,
        |_, session| session.issuer = 0,
        |_, session| session.kid = "s-2".to_string(),
        |_, session| session.lifetime_secs = 59,
        |_, session| session.lifetime_secs = 86_401,
        |_, session| session.cookie = "other".to_string(),
        |_, session| session.cookie = "sess; Domain=x".to_string(),
        |_, session| session.form = SessionForm::Cwt,
        |_, session| session.endpoint = Some("session".to_string()),
        |_, session| session.paths.clear(),
        |_, session| session.paths[0].path = "/; Domain=example.com".to_string(),
        |config, _| config.issuers[1].clients.clear(),
        |_, session| session.issuers[0].clear(),
        |_, session| session.issuers[1] = "sessi".to_string(),
        |_, session| drop(session.issuers.pop()),
        |_, session| session.claims.push("four".to_string()),
        |_, session| session.paths[0].marks.push("sixsix".to_string()),
    ];
    for (number, spoil) in table.into_iter().enumerate() {
        let mut config = good.clone();
        let mut session = config.session.take().expect("it has one");
        spoil(&mut config, &mut session);
        config.session = Some(session);
        assert_eq!(config.encode(), Err(ConfigError::Session), "{number}");
    }
}
