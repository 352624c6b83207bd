//! Every Unicode character in a path, for every reader: the core, the specification and the generated
//! JavaScript accept the same characters, and these match the design's lists and the Unicode data.

#![cfg(test)]

use anyhow::Result;
use serde_json::{Value, json};
use tollgate_core::{PathOptions, PathReader, PathScratch};
use tollgate_spec::model::{Course, Effect, Origin, Policy, Request, Rule, Token, Who};
use tollgate_targets::Policy as Compiled;
use tollgate_targets::javascript::{Engine, Node, Script};
use unicode_normalization::UnicodeNormalization;

/// The ID of an image that is never loaded.
const ID: &str = "0123456789abcdef0123456789abcdef";
/// The decoded length of a path with many characters.
const FULL: usize = 900;

const READERS: [(PathReader, Origin); 3] = [
    (PathReader::Strict, Origin::Strict),
    (PathReader::S3, Origin::S3),
    (PathReader::Files, Origin::Files),
];

/// Line 3 of the design, and the paragraph about readers, restated.
fn is_accepted(c: char, reader: PathReader) -> bool {
    let code = u32::from(c);
    let is_strict = reader == PathReader::Strict;
    if c.is_ascii() {
        let always = " +~\"<>[]^`{|}!*'():@&=$,";
        return always.contains(c) || (!is_strict && "#%;?".contains(c));
    }
    let is_noncharacter = code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
    let is_bidi_control =
        matches!(code, 0x61C | 0x200E | 0x200F | 0x202A..=0x202E | 0x2066..=0x2069);
    let is_separator = matches!(code, 0x2028 | 0x2029);
    if c.is_control() || is_noncharacter || is_bidi_control || is_separator {
        return false;
    }
    let listed = matches!(code,
        0xAD | 0x61C | 0x180E | 0x2000..=0x200F | 0x2024..=0x2026 | 0x2028..=0x202E | 0x2044
        | 0x205F..=0x206F | 0x2100 | 0x2101 | 0x2105 | 0x2106 | 0x212A | 0x212B | 0x2215 | 0xFE52
        | 0xFE68 | 0xFEFF | 0xFF03 | 0xFF05 | 0xFF0B | 0xFF0E | 0xFF0F | 0xFF1B | 0xFF1F | 0xFF3C
        | 0xFFF9..=0xFFFD | 0xE000..=0xF8FF | 0xF0000..=0x10_FFFF | 0xE0000..=0xE007F);
    let folds = |folded: char| "./\\%#?;".contains(folded) || folded.is_control();
    let text = || core::iter::once(c);
    let is_structure = || {
        text().nfc().any(folds)
            || text().nfd().any(folds)
            || text().nfkc().any(folds)
            || text().nfkd().any(folds)
    };
    !is_strict || !(listed || is_structure())
}

fn escaped(c: char) -> String {
    let mut utf8 = [0; 4];
    let bytes = c.encode_utf8(&mut utf8).bytes();
    bytes.map(|byte| format!("%{byte:02X}")).collect()
}

fn everything_to_anyone(origin: Origin) -> Policy {
    Policy {
        origin,
        courses: vec![Course {
            id: "site".to_owned(),
            base: String::new(),
            rules: vec![Rule {
                id: "all".to_owned(),
                effect: Effect::Allow,
                paths: vec!["/**".to_owned()],
                who: Who {
                    anyone: true,
                    ..Who::default()
                },
                methods: None,
                networks: None,
                from: None,
                until: None,
                when: None,
                unless: None,
            }],
        }],
        ..Policy::default()
    }
}

fn all() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

#[test]
fn the_core_and_the_specification_follow_the_design() {
    for (reader, origin) in READERS {
        let options = PathOptions {
            reader,
            ..PathOptions::default()
        };
        let policy = everything_to_anyone(origin);
        let mut scratch = PathScratch::new();
        let mut request = Request {
            method: "GET".to_owned(),
            target: Vec::new(),
            ip: None,
            now: 0,
            token: Token::Absent,
        };
        let mut accepted = 0;
        for c in all() {
            let expected = is_accepted(c, reader);
            let raw = format!("/x{}x", escaped(c));
            let core = scratch.parse(raw.as_bytes(), options).is_ok();
            assert_eq!(core, expected, "core: {raw} for {reader:?}");
            request.target = raw.into_bytes();
            let spec = tollgate_spec::decide(&policy, &request).outcome == "allow";
            assert_eq!(
                spec,
                expected,
                "specification: U+{:04X} for {reader:?}",
                u32::from(c)
            );
            accepted += u32::from(expected);
        }
        assert!(accepted > 900_000, "{accepted} for {reader:?}");
    }
}

#[test]
fn generated_javascript_follows_the_design() -> Result<()> {
    let mut node = Node::start()?;
    for (reader, _) in READERS {
        let mut sources = tollgate_compiler::SourceTree::new();
        let site = format!(
            "schema = 1\n[site]\nname = \"x\"\n[paths]\norigin = \"{}\"\n[[rule]]\nid = \"all\"\nallow = [\"/**\"]\n\
             anyone = true\n",
            reader.code()
        );
        sources.insert("site.toml", site);
        let policy = Compiled::from_sources(&sources)?;
        let (accepted, rejected) = paths(reader);
        for edge in [Engine::CloudFront, Engine::EdgeWorkers] {
            // The full range where the code or its table is separate; elsewhere a part, and the ends of
            // ranges.
            let is_new = edge == Engine::CloudFront && reader != PathReader::Files;
            let step = if is_new { 1 } else { 16 };
            let some: Vec<&String> = accepted.iter().step_by(step).collect();
            let ends = |(first, last): &(u32, u32)| [(*first, *first), (*last, *last)];
            let ranges: Vec<(u32, u32)> = if is_new {
                rejected.clone()
            } else {
                rejected.iter().flat_map(ends).collect()
            };
            node.load(&Script::new(edge, policy.spec(), ID)?)?;
            let requests: Vec<Value> = some.iter().map(|path| request(path)).collect();
            for (path, answer) in some.iter().zip(node.ask(&requests)?) {
                let outcome = answer.get("outcome").and_then(Value::as_str);
                assert_eq!(outcome, Some("allow"), "{path} for {reader:?}, {edge:?}");
            }
            let allowed = node.accepted(&request(""), &ranges)?;
            assert_eq!(allowed, [0; 0], "for {reader:?}, {edge:?}");
        }
    }
    Ok(())
}

/// Returns paths that together contain all accepted characters, and the ranges of those that are rejected.
fn paths(reader: PathReader) -> (Vec<String>, Vec<(u32, u32)>) {
    let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
    let (mut together, mut bytes) = (String::from("/x"), 0);
    for c in all() {
        let code = u32::from(c);
        // A character that `encodeURIComponent` does not escape has two spellings: see
        // `raw_ascii_characters`.
        let is_unreserved = c.is_ascii_alphanumeric() || "-._~!*'()".contains(c);
        if !is_accepted(c, reader) && !is_unreserved {
            match rejected.last_mut() {
                Some((_, last)) if *last + 1 == code => *last = code,
                _ => rejected.push((code, code)),
            }
        }
        if is_accepted(c, reader) {
            together.push_str(&escaped(c));
            bytes += c.len_utf8();
        }
        if bytes > FULL {
            accepted.push(format!("{together}x"));
            (together, bytes) = (String::from("/x"), 0);
        }
    }
    accepted.push(format!("{together}x"));
    (accepted, rejected)
}

fn request(path: &str) -> Value {
    json!({ "method": "GET", "target": path, "headers": [], "ip": null, "now": 1_800_000_000 })
}

/// Both spellings of every ASCII character, and the rule that decides between them.
#[test]
fn raw_ascii_characters() -> Result<()> {
    let mut node = Node::start()?;
    for (reader, origin) in READERS {
        let mut sources = tollgate_compiler::SourceTree::new();
        let site = format!(
            "schema = 1\n[site]\nname = \"x\"\n[paths]\norigin = \"{}\"\nindex = \"i\"\n[[rule]]\nid = \"all\"\n\
             allow = [\"/**\"]\nanyone = true\n",
            reader.code()
        );
        sources.insert("site.toml", site);
        let policy = Compiled::from_sources(&sources)?;
        let spec_policy = Policy {
            index: Some("i".to_owned()),
            ..everything_to_anyone(origin)
        };
        let options = policy.spec().path_options();
        let mut targets: Vec<String> = Vec::new();
        for code in 0..=0xFF_u8 {
            let c = char::from(code);
            for (before, after) in [
                ("x", "x"),
                ("", ""),
                ("x", ""),
                ("", "x"),
                ("x", "/"),
                (".", ""),
                ("", "/y"),
            ] {
                targets.push(format!("/{before}{c}{after}"));
            }
        }
        targets.retain(|target| !target.contains('?'));
        let requests: Vec<Value> = targets.iter().map(|target| request(target)).collect();
        for edge in [Engine::CloudFront, Engine::EdgeWorkers] {
            node.load(&Script::new(
                edge,
                policy.spec(),
                "0123456789abcdef0123456789abcdef",
            )?)?;
            for (target, answer) in targets.iter().zip(node.ask(&requests)?) {
                // One character for each byte.
                let raw: Vec<u8> = target.chars().map(|c| c as u8).collect();
                let mut scratch = PathScratch::new();
                let core = scratch.parse(&raw, options);
                let detail = answer.get("detail").and_then(Value::as_str);
                let expected = core.as_ref().err().map(|error| error.code());
                assert_eq!(detail, expected, "{target:?} for {reader:?}, {edge:?}");
                let spec_request = Request {
                    method: "GET".to_owned(),
                    target: raw.clone(),
                    ip: None,
                    now: 0,
                    token: Token::Absent,
                };
                let verdict = tollgate_spec::decide(&spec_policy, &spec_request);
                assert_eq!(verdict.outcome == "allow", expected.is_none(), "{target:?}");
                if expected.is_none() {
                    let sent = if target.ends_with('/') {
                        format!("{target}i")
                    } else {
                        target.clone()
                    };
                    assert_eq!(
                        answer.get("forwarded_path").and_then(Value::as_str),
                        Some(&*sent)
                    );
                }
            }
        }
    }
    Ok(())
}
