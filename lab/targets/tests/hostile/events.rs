//! CloudFront events: with anything that a client can put into one, and JSON that is not an event.

use core::fmt::Write;

use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_lambda::answer;

use crate::requests::gate;
use crate::{Case, MEGABYTE, case};

/// A viewer-request event.
fn event(uri: &str, query: &str, headers: &str) -> String {
    format!(
        r#"{{"Records":[{{"cf":{{"config":{{"eventType":"viewer-request"}},"request":{{"clientIp":"203.0.113.7","headers":{{{headers}}},"method":"GET","querystring":"{query}","uri":"{uri}"}}}}}}]}}"#
    )
}

pub(crate) fn cases() -> Vec<Case> {
    const CLOSED: &str = "/courses/rust-101/a";
    let mut lines = String::new();
    for number in 0..20_000 {
        let comma = if number == 0 { "" } else { "," };
        _ = write!(lines, r#"{comma}"x-{number}":[{{"key":"X","value":"a"}}]"#);
    }
    let line = r#"{"key":"Cookie","value":"id_token=a"},"#.repeat(20_000);
    let cookies = format!(r#""cookie":[{}]"#, line.trim_end_matches(','));
    let texts = [
        (
            "event: nested 1,000,000 deep",
            "[".repeat(MEGABYTE),
            "no JSON",
        ),
        (
            "event: nested 200,000 deep in the URI's place",
            event(CLOSED, "", "").replace(&format!("\"{CLOSED}\""), &"[".repeat(200_000)),
            "no JSON",
        ),
        (
            "event: 300,000 records",
            format!("{{\"Records\":[{{}}{}]}}", ",{}".repeat(300_000)),
            "internal bad_event",
        ),
        (
            "event: a URI of 1 MB",
            event(&"/a".repeat(MEGABYTE / 2), "", ""),
            "bad_path too_long",
        ),
        (
            "event: a query of 1 MB",
            event(CLOSED, &"a=b&".repeat(MEGABYTE / 4), ""),
            "no_token",
        ),
        (
            "event: 20,000 headers",
            event(CLOSED, "", &lines),
            "no_token",
        ),
        (
            "event: 20,000 cookie lines",
            event(CLOSED, "", &cookies),
            "bad_token malformed",
        ),
        (
            "event: a line that is not an object",
            event(CLOSED, "", r#""cookie":[0]"#),
            "internal bad_event",
        ),
    ];
    let cases = texts.into_iter().map(|(name, text, expected)| {
        let gate = gate();
        case(name, text.len(), expected, move || {
            let Ok(event) = serde_json::from_str::<Value>(&text) else {
                return "no JSON".to_owned();
            };
            let log = answer(&gate, event, UnixSeconds(1_800_000_000)).log;
            let detail = log.detail.map(|detail| format!(" {detail}"));
            format!("{}{}", log.reason.code(), detail.unwrap_or_default())
        })
        // A JSON tree has some hundred bytes per member.
        .factor(40)
    });
    cases.collect()
}
