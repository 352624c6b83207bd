//! The forwarded request, byte for byte.

use alloc::string::{String, ToString};

use tollgate_core::UnixSeconds;

use super::*;
use crate::config::{DenyConfig, ForwardConfig, Strip};

fn config(strip: Strip) -> GateConfig {
    let sources = [
        "header:authorization",
        "cookie:id_token",
        "cookie:other",
        "query:token",
    ];
    GateConfig {
        site: "site".to_string(),
        issuers: Vec::new(),
        sources: sources
            .iter()
            .map(|text| TokenSource::from_text(text).expect("a valid source"))
            .collect(),
        strip,
        claim_places: Vec::new(),
        forward: ForwardConfig::default(),
        leeway_secs: 0,
        max_token_bytes: 8_192,
        deny: DenyConfig::default(),
        session: None,
        sign_in: None,
    }
}

fn forwarded(
    strip: Strip,
    target: &str,
    headers: &[(&str, &str)],
) -> (String, Vec<(String, String)>) {
    let fields: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let request = Request {
        method: "GET",
        target: target.as_bytes(),
        headers: &fields,
        ip: None,
        now: UnixSeconds(0),
        entropy: None,
    };
    let forward = RequestEdits::new(&config(strip), &request);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("tests use text");
    let headers = forward
        .headers_for(&request)
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    (text(forward.target_for(&request)), headers)
}

#[test]
fn the_query_loses_the_token_and_nothing_else() {
    let table = [
        ("/a", "/a"),
        ("/a?", "/a?"),
        ("/a?x=1", "/a?x=1"),
        ("/a?token=t", "/a"),
        ("/a?token", "/a"),
        ("/a?token=t&token=u", "/a"),
        ("/a?x=%20&token=t&&y=a+b&z", "/a?x=%20&&y=a+b&z"),
        ("/a?token=t&x", "/a?x"),
        ("/a?x&token=t", "/a?x"),
        (
            "/a?tokens=t&Token=u&xtoken=v",
            "/a?tokens=t&Token=u&xtoken=v",
        ),
        ("/a?x?token=t", "/a?x?token=t"),
        ("/a%20b?token=t", "/a%20b"),
    ];
    for (target, expect) in table {
        assert_eq!(forwarded(Strip::Everything, target, &[]).0, expect);
        assert_eq!(forwarded(Strip::Query, target, &[]).0, expect);
        assert_eq!(forwarded(Strip::Nothing, target, &[]).0, target);
    }
}

#[test]
fn cookies_lose_the_token_and_nothing_else() {
    let table = [
        ("x=1", Some("x=1")),
        ("id_token=a", None),
        ("id_token=a; other=b", None),
        ("id_token=a; x=1", Some("x=1")),
        ("x=1; id_token=a", Some("x=1")),
        ("x=1;id_token=a;  y=\"2\"", Some("x=1;  y=\"2\"")),
        ("x=1; id_token=a; id_token=b; y=2", Some("x=1; y=2")),
        ("x=1; id_token; y=2", Some("x=1; y=2")),
        ("x=1; id_token =a; y=2", Some("x=1; y=2")),
        ("x=1; ID_TOKEN=a", Some("x=1; ID_TOKEN=a")),
        (" x=1 ;", Some(" x=1 ;")),
    ];
    for (value, expect) in table {
        let headers = [("Accept", "*/*"), ("Cookie", value), ("cookie", "z=9")];
        let mut kept = alloc::vec![("Accept".to_string(), "*/*".to_string())];
        kept.extend(expect.map(|value| ("Cookie".to_string(), value.to_string())));
        kept.push(("cookie".to_string(), "z=9".to_string()));
        assert_eq!(
            forwarded(Strip::Everything, "/", &headers).1,
            kept,
            "{value}"
        );
        assert_eq!(forwarded(Strip::Query, "/", &headers).1[1].1, value);
        assert_eq!(forwarded(Strip::Nothing, "/", &headers).1[1].1, value);
    }
}

#[test]
fn headers_with_the_token_are_removed_only_if_configured() {
    let headers = [
        ("AUTHORIZATION", "Bearer a"),
        ("x", "1"),
        ("authorization", "Basic b"),
    ];
    let names = |strip| {
        let (_, kept) = forwarded(strip, "/", &headers);
        kept.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(Strip::Everything), ["x"]);
    assert_eq!(names(Strip::Query), ["AUTHORIZATION", "x", "authorization"]);
    assert_eq!(
        names(Strip::Nothing),
        ["AUTHORIZATION", "x", "authorization"]
    );
}

#[test]
fn headers_that_override_the_request_or_imitate_the_gate_are_never_forwarded() {
    let names = [
        "x-tollgate-subject",
        "x-tollgate-",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
        "x-method-override",
        "x-http-method",
    ];
    // All punctuation characters that HTTP allows in a field name.
    let marks = "!#$%&'*+-.^_`|~";
    let mut withheld = Vec::new();
    for name in names {
        withheld.push(name.to_ascii_uppercase());
        withheld.extend(
            marks
                .chars()
                .map(|mark| name.replace('-', &mark.to_string())),
        );
        withheld.push(name.replacen('-', "_", 1));
        withheld.push(name.replacen('-', ".", 1).to_ascii_uppercase());
    }
    let sent = [
        "x-tollgate",
        "x-tollgates",
        "my-x-tollgate-subject",
        "xtollgate-subject",
        "x--tollgate-subject",
        "x-original-url-x",
        "my-x-original-url",
        "x-original-uri",
        "xoriginalurl",
        "x-method",
        "x-http-methods",
        "x-http-method-overrides",
        "http-method-override",
        "x-forwarded-for",
        "x-original-ur\u{17f}",
        "",
    ];
    let cases = withheld.iter().map(|name| (name.as_str(), true));
    for (name, goes) in cases.chain(sent.map(|name| (name, false))) {
        for strip in [Strip::Everything, Strip::Query, Strip::Nothing] {
            let (_, kept) = forwarded(strip, "/", &[(name, "1"), ("accept", "*/*")]);
            assert_eq!(kept.len(), if goes { 1 } else { 2 }, "{name}");
        }
    }
}
