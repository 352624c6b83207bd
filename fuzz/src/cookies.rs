//! Cookie headers: if the gate allows a request because of a cookie, every reader finds only one
//! token in it, and no reader finds a token in the forwarded request.
//!
//! Each line of the input is one `Cookie` header. `TOKEN` represents a valid token, `OTHER` a
//! second one.

use tollgate_core::UnixSeconds;
use tollgate_gate::{Action, Context, Gate, Kind, Request, TokenStatus};

use crate::site;

/// Uses the lines as cookie headers.
pub fn check(data: &[u8]) {
    let [token, other] = ["", r#""sub":"x""#].map(|more| {
        let more = if more.is_empty() {
            String::new()
        } else {
            format!(",{more}")
        };
        site::token(&format!(r#""cognito:groups":["rust-101"]{more}"#))
    });
    let filled = replaced(
        &replaced(data, b"TOKEN", token.as_bytes()),
        b"OTHER",
        other.as_bytes(),
    );
    let lines: Vec<&[u8]> = filled.split(|byte| *byte == b'\n').collect();
    for config in [site::config(), site::everything()] {
        let names: Vec<&str> = if config.session.is_some() {
            vec!["id_token", "session"]
        } else {
            vec!["id_token"]
        };
        let gate = Gate::new(site::image(&config), &site::Provider).expect("an image");
        ask(&gate, &lines, &names, &[token.as_bytes(), other.as_bytes()]);
    }
}

fn ask(gate: &Gate<Vec<u8>>, lines: &[&[u8]], names: &[&str], good: &[&[u8]]) {
    let headers: Vec<(&str, &[u8])> = lines.iter().map(|line| ("Cookie", *line)).collect();
    let request = Request {
        method: "GET",
        target: b"/courses/rust-101/a",
        headers: &headers,
        ip: None,
        now: UnixSeconds(site::NOW),
        entropy: None,
    };
    let outcome = gate.ask(&request, &mut Context::new());
    let Action::Forward(forward) = &outcome.action else {
        assert_ne!(outcome.kind, Kind::Allow);
        return;
    };
    // The path requires a token, so one of the values is valid.
    let mut read = names.iter().flat_map(|name| values(lines, name));
    assert!(read.any(|value| good.contains(&value)), "no token is valid");
    let sent: Vec<(&str, Vec<u8>)> = forward
        .request
        .headers_for(&request)
        .map(|(name, value)| (name, value.to_vec()))
        .collect();
    let lines_sent: Vec<&[u8]> = sent.iter().map(|(_, value)| value.as_slice()).collect();
    for name in names {
        assert!(
            values(&lines_sent, name).is_empty(),
            "the origin receives a token"
        );
    }
    // Cookies without a token name are unchanged, in their order.
    let others = |lines: &[&[u8]]| -> Vec<Vec<u8>> {
        let all = lines.iter().flat_map(|line| pairs(line));
        let kept = all.filter(|pair| !names.iter().any(|name| name_of(pair) == name.as_bytes()));
        kept.map(|pair| trim(pair).to_vec())
            .filter(|pair| !pair.is_empty())
            .collect()
    };
    assert_eq!(others(lines), others(&lines_sent));
    let headers: Vec<(&str, &[u8])> = sent
        .iter()
        .map(|(name, value)| (*name, value.as_slice()))
        .collect();
    let again = gate.ask(
        &Request {
            headers: &headers,
            ..request
        },
        &mut Context::new(),
    );
    assert_eq!(again.log.token, TokenStatus::Absent);
}

/// The values of all cookies with a name, as a simple parser reads them.
fn values<'a>(lines: &[&'a [u8]], name: &str) -> Vec<&'a [u8]> {
    let all = lines.iter().flat_map(|line| pairs(line));
    let named = all.filter(|pair| name_of(pair) == name.as_bytes());
    named
        .map(|pair| {
            pair.iter()
                .position(|byte| *byte == b'=')
                .map_or(&[][..], |at| &pair[at + 1..])
        })
        .map(trim)
        .collect()
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';')
}

fn name_of(pair: &[u8]) -> &[u8] {
    trim(pair.split(|byte| *byte == b'=').next().unwrap_or_default())
}

fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes
        .iter()
        .position(|byte| !is_space(byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(start, |at| at + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// `data` with every `word` replaced.
pub(crate) fn replaced(data: &[u8], word: &[u8], with: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(word.len()).position(|part| part == word) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(with);
        rest = &rest[at + word.len()..];
    }
    made.extend_from_slice(rest);
    made
}
