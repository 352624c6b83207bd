//! Requests that are huge in each of their parts, and messages that are not requests.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::session::cwt;
use tollgate_gate::{Context, Gate, Outcome, Request, wire};

use crate::{Case, MEGABYTE, case};

/// The gate of the sample policy.
pub(crate) fn gate() -> Arc<Gate<Vec<u8>>> {
    static GATE: OnceLock<Arc<Gate<Vec<u8>>>> = OnceLock::new();
    Arc::clone(GATE.get_or_init(|| Arc::new(own_gate())))
}

/// A gate for one case, which may modify it.
fn own_gate() -> Gate<Vec<u8>> {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy");
        let compiled = compile(&SourceTree::read(&folder), &CompileOptions::default());
        compiled.image.expect("the sample policy compiles")
    });
    Gate::new(image.clone(), &Native).expect("and loads")
}

struct Asked {
    method: String,
    target: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    ip: String,
}

impl Asked {
    fn new(target: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "GET".to_owned(),
            target: target.into(),
            headers: Vec::new(),
            ip: "203.0.113.7".to_owned(),
        }
    }

    fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn bytes(&self) -> usize {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len());
        self.method.len() + self.target.len() + self.ip.len() + headers.sum::<usize>()
    }

    fn outcome(&self, gate: &Gate<Vec<u8>>) -> Outcome {
        let headers: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        gate.ask(
            &Request {
                method: &self.method,
                target: &self.target,
                headers: &headers,
                ip: Some(&self.ip),
                now: UnixSeconds(1_800_000_000),
                entropy: None,
            },
            &mut Context::new(),
        )
    }
}

/// Returns reason and detail codes.
fn words(outcome: &Outcome) -> String {
    match outcome.detail {
        Some(detail) => format!("{} {detail}", outcome.reason.code()),
        None => outcome.reason.code().to_owned(),
    }
}

/// A target that needs a token, and one that does not.
const CLOSED: &str = "/courses/rust-101/a";
const OPEN: &str = "/courses/rust-101/preview/a";

pub(crate) fn cases() -> Vec<Case> {
    let closed = || Asked::new(CLOSED);
    let repeat = |part: &str| part.repeat(MEGABYTE / part.len());
    let bearer = |token: String| closed().header("authorization", format!("Bearer {token}"));
    let many = |count: usize, name: &str, value: &str| {
        (0..count).fold(closed(), |asked, _| asked.header(name, value))
    };
    let query = |text: String| Asked::new(format!("{CLOSED}?{text}"));
    let asked = vec![
        (
            "path: 500,000 segments",
            Asked::new(repeat("/a")),
            "bad_path too_long",
        ),
        (
            "path: 1,000,000 slashes",
            Asked::new(repeat("/")),
            "bad_path too_long",
        ),
        (
            "path: 3,072 slashes",
            Asked::new("/".repeat(3_072)),
            "bad_path empty_segment",
        ),
        (
            "path: 65 segments",
            Asked::new("/a".repeat(65)),
            "bad_path too_many_segments",
        ),
        (
            "path: escapes",
            Asked::new(repeat("/%C3%A9")),
            "bad_path too_long",
        ),
        (
            "path: 1,000,000 dots",
            Asked::new(repeat(".")),
            "bad_path too_long",
        ),
        ("query of one parameter", query(repeat("a")), "no_token"),
        ("query: 500,000 parameters", query(repeat("a&")), "no_token"),
        (
            "query: 166,666 tokens, empty",
            query(repeat("token=&")),
            "bad_token malformed",
        ),
        (
            "query: two tokens",
            query(format!("token=a&{}&token=b", repeat("b&"))),
            "bad_token conflicting_tokens",
        ),
        (
            "query on an open path",
            Asked::new(format!("{OPEN}?{}", repeat("token=a.b.c&"))),
            "allow",
        ),
        (
            "authorization: 1,000,000 letters",
            bearer(repeat("a")),
            "bad_token too_large",
        ),
        (
            "authorization: 1,000,000 dots",
            bearer(repeat(".")),
            "bad_token too_large",
        ),
        (
            "authorization: 1,000,000 spaces",
            bearer(repeat(" ")),
            "bad_token bad_scheme",
        ),
        (
            "authorization: 8,192 dots",
            bearer(".".repeat(8_192)),
            "bad_token malformed",
        ),
        (
            "authorization, 10,000 identical",
            many(10_000, "authorization", "Bearer a.b.c"),
            "bad_token bad_encoding",
        ),
        (
            "authorization, two of many",
            many(10_000, "authorization", "Bearer a.b.c").header("Authorization", "x"),
            "bad_token conflicting_tokens",
        ),
        (
            "40,000 headers",
            many(40_000, "x-forwarded-for", "203.0.113.7"),
            "no_token",
        ),
        (
            "a header's name of 1 MB",
            closed().header(&repeat("x"), ""),
            "no_token",
        ),
        (
            "cookie: 250,000 pairs",
            closed().header("cookie", repeat("a=b;")),
            "no_token",
        ),
        (
            "cookie: 1,000,000 semicolons",
            closed().header("cookie", repeat(";")),
            "no_token",
        ),
        (
            "cookie: one name of 1 MB",
            closed().header("cookie", repeat("a")),
            "no_token",
        ),
        (
            "cookie: 90,000 identical tokens",
            closed().header("cookie", repeat("id_token=a;")),
            "bad_token malformed",
        ),
        (
            "cookie: tokens that differ",
            closed().header("cookie", repeat("id_token=a; id_token=b;")),
            "bad_token malformed",
        ),
        (
            "cookie: 1,000,000 spaces",
            closed().header("cookie", repeat(" ")),
            "no_token",
        ),
        (
            "20,000 cookie headers",
            many(20_000, "cookie", "a=b; c=d"),
            "no_token",
        ),
        (
            "cookies on an open path",
            Asked::new(OPEN).header("cookie", repeat("id_token=a;b=c;")),
            "allow",
        ),
        (
            "a method of 1 MB",
            Asked {
                method: repeat("GET"),
                ..closed()
            },
            "forbidden",
        ),
        (
            "an address of 1 MB",
            Asked {
                ip: repeat("1."),
                ..closed()
            },
            "no_token",
        ),
    ];
    let mut cases: Vec<Case> = asked
        .into_iter()
        .map(|(name, asked, expected)| {
            let gate = gate();
            case(name, asked.bytes(), expected, move || {
                words(&asked.outcome(&gate))
            })
            // A list of references to the headers, and a second copy of what changes.
            .factor(3)
        })
        .collect();
    cases.extend(messages());
    cases
}

/// Messages over the WASM boundary, and session tokens in CBOR.
fn messages() -> Vec<Case> {
    let wired = |name, message: Vec<u8>| {
        let mut gate = own_gate();
        case(
            name,
            message.len(),
            "internal bad_wire_request",
            move || {
                let reply =
                    wire::decode_outcome(&wire::step(&mut gate, &message, &mut Context::new()))
                        .expect("a reply");
                format!(
                    "{} {}",
                    reply.reason.code(),
                    reply.detail.unwrap_or_default()
                )
            },
        )
    };
    let head = [
        &[wire::WIRE_VERSION][..],
        &[0; 8],
        &[0; 4],
        &[0; 4],
        &[0; 4],
    ]
    .concat();
    let cbor = |name, token: Vec<u8>| {
        case(name, token.len(), "none", move || {
            cwt::Parts::read(&token)
                .map_or("none", |_| "read")
                .to_owned()
        })
    };
    vec![
        wired("wire: zeros", vec![0; MEGABYTE]),
        wired(
            "wire: the version, then ones",
            [vec![3], vec![0xFF; MEGABYTE]].concat(),
        ),
        wired(
            "wire: four billion headers",
            [head.as_slice(), &[0xFF; 4]].concat(),
        ),
        wired("wire: 125,000 empty headers and one byte", {
            let count = 125_000_u32;
            [
                head.as_slice(),
                &count.to_le_bytes(),
                &vec![0; count as usize * 8],
                &[1],
            ]
            .concat()
        })
        .factor(5),
        cbor(
            "CWT: nested arrays",
            [vec![0xD1, 0x84, 0x40, 0xA1, 0x01], vec![0x81; MEGABYTE]].concat(),
        ),
        cbor("CWT: nested tags", vec![0xD1; MEGABYTE]),
        cbor(
            "CWT: a map of four billion",
            [
                vec![0xD1, 0x84, 0x40, 0xBA, 0xFF, 0xFF, 0xFF, 0xFF],
                vec![0x01; MEGABYTE],
            ]
            .concat(),
        ),
        cbor(
            "CWT: a string longer than all",
            [vec![0xD1, 0x84, 0x5B], vec![0x7F; MEGABYTE]].concat(),
        ),
    ]
}
