//! Images written by earlier compilers load and answer, whatever the compiler writes today. The files
//! under `fixtures/images` are never written again; a new format version gets a folder of its own.

#![cfg(test)]

use std::{fs, path::Path};

use tollgate_core::{
    FactsBuilder, Image, ImageError, PathOptions, PathScratch, Query, Reason, TokenState,
    UnixSeconds, decide,
};

fn golden(version: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images");
    fs::read(folder.join(version).join("sample.tgi")).unwrap()
}

#[test]
fn version_1_was_never_released_and_is_refused_by_name() {
    let refused = Image::from_bytes(golden("v1")).map(drop);
    assert_eq!(refused, Err(ImageError::Version(1)));
}

#[test]
fn version_2() {
    let image = Image::from_bytes(golden("v2")).unwrap();
    let facts = FactsBuilder::new(&image)
        .subject(Some("alice"))
        .group("rust-101")
        .build();
    let (none, alice) = (TokenState::Absent, TokenState::Verified(&facts));
    let cases = [
        (
            "/courses/rust-101/preview/a.html",
            none,
            Reason::Allow,
            Some("rust-101/preview"),
        ),
        (
            "/courses/rust-101/week1/a.html",
            none,
            Reason::NoToken,
            None,
        ),
        (
            "/courses/rust-101/week1/a.html",
            alice,
            Reason::Allow,
            Some("rust-101/students"),
        ),
        (
            "/courses/rust-101/exams/1",
            alice,
            Reason::DeniedByRule,
            Some("rust-101/exam-window"),
        ),
        (
            "/courses/go-201/lessons/a.html",
            alice,
            Reason::Forbidden,
            None,
        ),
        (
            "/users/alice/notes.txt",
            alice,
            Reason::Allow,
            Some("users/own-folder"),
        ),
        ("/users/bob/notes.txt", alice, Reason::Forbidden, None),
    ];
    let mut scratch = PathScratch::new();
    for (raw, token, reason, rule) in cases {
        let path = scratch
            .parse(raw.as_bytes(), PathOptions::default())
            .unwrap();
        let now = UnixSeconds(1_800_000_000);
        let decision = decide(
            &image,
            &Query {
                path: &path,
                method: "GET",
                ip: None,
                now,
                token,
            },
        );
        let name = decision
            .rule
            .map(|rule| image.rule_name(rule).unwrap().to_string());
        assert_eq!((decision.reason, name.as_deref()), (reason, rule), "{raw}");
    }
}
