//! Evaluates requests with an image that has loaded: whatever it contains, no decision may be
//! "internal".
//!
//! The only exception: the loader does not know how many segments lead to the end of a pattern, so
//! it cannot detect a capture after them. Such a pattern returns "internal", which denies.

use std::net::IpAddr;

use tollgate_core::image::format::Section;
use tollgate_core::{
    Claim, ClaimKind, Effect, Facts, FactsBuilder, Image, PathScratch, Query, Reason, TokenState,
    UnixSeconds, decide,
};

/// Paths of the sample policy, and paths with long walks.
const PATHS: [&str; 10] = [
    "/",
    "/courses/rust-101/preview/a.html",
    "/courses/rust-101/exams/1",
    "/courses/go-201/lessons/a.html",
    "/users/alice/notes.txt",
    "/catalog/rust-101/a/b/c",
    "/a/b/a/b/a/b/a/b/",
    "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a",
    "/%C3%A9/x",
    "/x",
];

/// Evaluates all of [`PATHS`], and two paths built from words in the image.
pub(crate) fn all<B: AsRef<[u8]>>(image: &Image<B>) {
    let facts = facts(image);
    let words = words(image.as_bytes());
    let own = [
        format!("/{}", words.join("/")),
        words
            .iter()
            .rev()
            .fold(String::new(), |all, word| format!("{all}/{word}")),
    ];
    let mut scratch = PathScratch::new();
    let options = image.path_options();
    for raw in PATHS.into_iter().chain(own.iter().map(String::as_str)) {
        let Ok(path) = scratch.parse(raw.as_bytes(), options) else {
            continue;
        };
        for token in [
            TokenState::Absent,
            TokenState::Bad,
            TokenState::Verified(&facts),
        ] {
            for (method, ip) in [("GET", Some(IpAddr::from([203, 0, 113, 7]))), ("X", None)] {
                let now = UnixSeconds(1_800_000_000);
                let decision = decide(
                    image,
                    &Query {
                        path: &path,
                        method,
                        ip,
                        now,
                        token,
                    },
                );
                let has_captures = image.section_bytes(Section::Captures) > 0;
                assert!(decision.reason != Reason::Internal || has_captures, "{raw}");
                let effect = decision.rule.map(|rule| {
                    assert!(image.rule_name(rule).is_some());
                    _ = image.rule_because(rule);
                    image.rule_effect(rule).map(|(effect, _)| effect)
                });
                let expected = match decision.reason {
                    Reason::Allow => Some(Some(Effect::Allow)),
                    Reason::DeniedByRule => Some(Some(Effect::Deny)),
                    _ => None,
                };
                assert_eq!(effect, expected, "{raw}");
            }
        }
    }
}

fn facts<B: AsRef<[u8]>>(image: &Image<B>) -> Facts {
    let mut facts = FactsBuilder::new(image)
        .issuer("https://issuer.example")
        .subject(Some("alice"));
    for group in ["rust-101", "staff", "course-a", ""] {
        facts = facts.group(group).scope(group);
    }
    for claim in image.claims() {
        let value = match claim.kind {
            ClaimKind::String => Claim::String("2027-spring".into()),
            ClaimKind::Int => Claim::Int(i64::MIN + i64::from(claim.slot)),
            ClaimKind::Bool => Claim::Bool(true),
            ClaimKind::StringList => Claim::StringList(vec!["a".into(), "".into()]),
        };
        facts = facts.claim(claim.slot, value);
    }
    facts.build()
}

/// A few words from the end of the image, where its strings are.
fn words(bytes: &[u8]) -> Vec<String> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let words = bytes
        .rsplit(|byte| !is_word(byte))
        .filter(|word| (1..20).contains(&word.len()));
    words
        .take(6)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}
