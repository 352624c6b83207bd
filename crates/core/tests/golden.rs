//! Images written by earlier compilers load and answer, whatever the compiler writes today. The files
//! under `fixtures/images` are never written again; a new format version gets a folder of its own.

#![cfg(test)]

use std::{fs, path::Path};

use tollgate_core::{
    FactsBuilder, Image, ImageError, PathError, PathOptions, PathReader, PathScratch, Query,
    Reason, TokenState, UnixSeconds, decide,
};

fn golden(image: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/images");
    fs::read(folder.join(image)).unwrap()
}

#[test]
fn version_1_was_never_released_and_is_refused_by_name() {
    let refused = Image::from_bytes(golden("v1/sample.tgi")).map(drop);
    assert_eq!(refused, Err(ImageError::Version(1)));
}

#[test]
fn version_2() {
    let image = Image::from_bytes(golden("v2/sample.tgi")).unwrap();
    // Without flags for it, any reader.
    assert_eq!(image.path_options(), PathOptions::default());
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

/// The flags of readers and of index documents came later, in the same version.
#[test]
fn version_2_with_settings_for_paths() {
    let image = Image::from_bytes(golden("v2/paths.tgi")).unwrap();
    let options = PathOptions {
        ascii_only: true,
        reader: PathReader::S3,
        index: Some("index.html"),
    };
    assert_eq!(image.path_options(), options);
    let mut scratch = PathScratch::new();
    for (raw, expected) in [
        ("/docs/", Ok((Reason::Allow, "site/docs"))),
        ("/docs/my+notes.pdf", Ok((Reason::Allow, "site/docs"))),
        ("/names/50%25.", Ok((Reason::Allow, "site/names"))),
        ("/names/c%23/", Ok((Reason::DeniedByRule, "site/closed"))),
        ("/docs/my%2Bnotes.pdf", Ok((Reason::Forbidden, ""))),
        ("/names/%C3%A9", Err(PathError::NotAscii)),
        ("/names/a%2Fb", Err(PathError::ForbiddenEscape)),
    ] {
        let path = match (
            scratch.parse(raw.as_bytes(), image.path_options()),
            expected,
        ) {
            (Ok(path), Ok(_)) => path,
            (result, expected) => {
                assert_eq!(result.map(drop).err(), expected.err(), "{raw}");
                continue;
            }
        };
        let query = Query {
            path: &path,
            method: "GET",
            ip: None,
            now: UnixSeconds(0),
            token: TokenState::Absent,
        };
        let decision = decide(&image, &query);
        let name = decision.rule.and_then(|rule| image.rule_name(rule));
        let name = name.map(|name| name.to_string()).unwrap_or_default();
        assert_eq!(Ok((decision.reason, name.as_str())), expected, "{raw}");
    }
}
