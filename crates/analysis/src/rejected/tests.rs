use super::*;

fn options(reader: PathReader) -> PathOptions<'static> {
    PathOptions {
        reader,
        ..PathOptions::default()
    }
}

const STRICT: PathReader = PathReader::Strict;
const S3: PathReader = PathReader::S3;
const FILES: PathReader = PathReader::Files;

#[test]
fn faults_are_shown_with_the_spelling_that_works() {
    // The target, its reader; the wrong part, a part of the help, and the target that is accepted.
    let declare = "`[paths] origin = \"s3\"` or `\"files\"`";
    let table: &[(&str, PathReader, &str, &str, Option<&str>)] = &[
        (
            "/my notes.pdf",
            STRICT,
            " ",
            "write `%20`",
            Some("/my%20notes.pdf"),
        ),
        ("/a b c?x=1", S3, " ", "write `%20`", Some("/a%20b%20c?x=1")),
        (
            "/c++/a",
            STRICT,
            "+",
            "write `%2B` for a plus sign, or `%20`",
            Some("/c%2B%2B/a"),
        ),
        (
            "/c++/a",
            S3,
            "c++",
            "S3 reads an unescaped `+` as a space",
            Some("/c%2B%2B/a"),
        ),
        (
            "/+a%20/b",
            S3,
            "+a%20",
            "S3 reads an unescaped `+` as a space",
            None,
        ),
        ("/é", STRICT, "é", "write `%C3%A9`", Some("/%C3%A9")),
        (
            "/日本",
            FILES,
            "日",
            "write `%E6%97%A5`",
            Some("/%E6%97%A5%E6%9C%AC"),
        ),
        ("/{a}", STRICT, "{", "write `%7B`", Some("/%7Ba%7D")),
        ("/\"a\"", STRICT, "\"", "write `%22`", Some("/%22a%22")),
        ("/a;b", STRICT, ";", declare, None),
        ("/a;b", S3, ";", "write `%3B`", Some("/a%3Bb")),
        ("/a#b", STRICT, "#", "leave out the fragment", None),
        ("/a#b", FILES, "#", "write `%23`", Some("/a%23b")),
        ("/a\\b", FILES, "\\", "write `/` between segments", None),
        ("/a\tb", STRICT, "\t", "remove U+0009", None),
        ("/a\u{202E}b", S3, "\u{202E}", "remove U+202E", None),
        ("/c%23", STRICT, "%23", declare, None),
        ("/50%25", STRICT, "%25", declare, None),
        ("/50%", STRICT, "%", declare, None),
        ("/50% off", S3, "%", "write `%25`", Some("/50%25%20off")),
        ("/%2e%2e/x", STRICT, "%2e", "write `.`", Some("/x")),
        ("/%61%62", STRICT, "%61", "write `a`", Some("/ab")),
        ("/a%2Fb", S3, "%2F", "no name can contain a slash", None),
        ("/a%5Cb", S3, "%5C", "backslash", None),
        ("/a%00b", FILES, "%00", "control", None),
        (
            "/caf%E9",
            STRICT,
            "%E9",
            "for `é` write `%C3%A9`",
            Some("/caf%C3%A9"),
        ),
        ("/a%80b", STRICT, "%80", "UTF-8", None),
        ("/a%EF%BC%9F", STRICT, "%EF%BC%9F", "U+FF1F: if S3", None),
        ("/a%E2%80%AEb", S3, "%E2%80%AE", "remove U+202E", None),
        ("/a//b///c", STRICT, "/", "write one `/`", Some("/a/b/c")),
        (
            "/a/./b",
            STRICT,
            "/.",
            "write the path that it leads to",
            Some("/a/b"),
        ),
        (
            "/a/../b",
            FILES,
            "/a/..",
            "write the path that it leads to",
            Some("/b"),
        ),
        (
            "/a/b/..",
            STRICT,
            "/b/..",
            "write the path that it leads to",
            Some("/a/"),
        ),
        (
            "/../../a",
            STRICT,
            "/..",
            "write the path that it leads to",
            Some("/a"),
        ),
        (
            "/..",
            STRICT,
            "/..",
            "write the path that it leads to",
            Some("/"),
        ),
        ("/.../a", S3, "...", "no name can consist of dots", None),
        ("/Inc./a", STRICT, "Inc.", declare, None),
        ("/a /b", STRICT, " ", "write `%20`", None),
        ("/a%20/b", STRICT, "a%20", "start or end with a space", None),
        (
            "https://x.example/a b?c",
            STRICT,
            "https://x.example",
            "leave out the scheme",
            Some("/a%20b?c"),
        ),
        (
            "https://x.example",
            STRICT,
            "https://x.example",
            "leave out the scheme",
            Some("/"),
        ),
        ("a/b", STRICT, "", "begin the path with `/`", Some("/a/b")),
        ("", STRICT, "", "begin the path with `/`", Some("/")),
        ("*", STRICT, "", "begin the path with `/`", None),
        ("/a?b c#d", STRICT, " ", "write `%20`", Some("/a?b%20c%23d")),
        ("/a b?c d", STRICT, " ", "write `%20`", None),
    ];
    for (target, reader, wrong, help, instead) in table {
        let context = format!("{target} {reader:?}");
        let found = rejection(target.as_bytes(), options(*reader)).expect(&context);
        let part = target.get(found.at.clone());
        assert_eq!(part, Some(*wrong), "{context}: {found:?}");
        assert!(found.help.contains(help), "{context}: {}", found.help);
        assert_eq!(found.instead.as_deref(), *instead, "{context}");
        if let Some(instead) = instead {
            assert_eq!(
                rejection(instead.as_bytes(), options(*reader)),
                None,
                "{context}"
            );
        }
    }
}

#[test]
fn what_is_accepted_has_no_fault() {
    for (target, reader) in [
        ("/", STRICT),
        ("/a%20b?x=%", STRICT),
        ("/a+b%25", S3),
        ("/c++", FILES),
    ] {
        assert_eq!(
            rejection(target.as_bytes(), options(reader)),
            None,
            "{target}"
        );
    }
}

#[test]
fn limits_and_bytes_that_are_not_text() {
    let found = rejection(b"/a\xE9b", options(STRICT)).unwrap();
    assert_eq!(
        (found.at, found.instead.as_deref()),
        (2..3, Some("/a%C3%A9b"))
    );
    let found = rejection(b"/a\xFF\x80b", options(STRICT)).unwrap();
    assert_eq!(found.instead, None);
    let long = format!("/{}", "a".repeat(1_025));
    let found = rejection(long.as_bytes(), options(STRICT)).unwrap();
    assert_eq!((found.at, found.code), (1_025..1_026, "too_long"));
    assert!(found.help.contains("1024"), "{}", found.help);
    let deep = "/a".repeat(65);
    let found = rejection(deep.as_bytes(), options(STRICT)).unwrap();
    assert_eq!((found.code, found.at), ("too_many_segments", 129..130));
    let ascii = PathOptions {
        ascii_only: true,
        ..PathOptions::default()
    };
    let found = rejection("/a%C3%A9".as_bytes(), ascii).unwrap();
    assert_eq!(
        (found.code, found.at, found.instead),
        ("not_ascii", 2..8, None)
    );
    // With an index document the limit is nearer.
    let indexed = PathOptions {
        index: Some("index.html"),
        ..PathOptions::default()
    };
    let folder = format!("/{}/", "a".repeat(1_020));
    let found = rejection(folder.as_bytes(), indexed).unwrap();
    assert_eq!((found.code, found.at), ("too_long", 1_022..1_022));
}

#[test]
fn random_targets_end_in_a_fault_or_none() {
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut target = vec![b'/'];
        for _ in 0..6 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let pieces = [
                "a",
                "%",
                "/",
                ".",
                "..",
                "%2",
                "%C3",
                "é",
                " ",
                "+",
                "%2e",
                "\\",
                "?",
                "#",
                "%E2%80%AE",
                "\u{85}",
            ];
            target.extend_from_slice(pieces[(state >> 40) as usize % pieces.len()].as_bytes());
        }
        for reader in PathReader::ALL {
            if let Some(found) = rejection(&target, options(reader)) {
                assert!(target.get(found.at.clone()).is_some(), "{found:?}");
                if let Some(instead) = found.instead {
                    assert_eq!(rejection(instead.as_bytes(), options(reader)), None);
                }
            }
        }
    }
}
