use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;

const STRICT: PathOptions<'static> = options(PathReader::Strict);

const fn options(reader: PathReader) -> PathOptions<'static> {
    PathOptions {
        ascii_only: false,
        reader,
        index: None,
    }
}

/// The decoded segments joined by `|`, and a final `/` for a trailing slash.
fn read(raw: &[u8], options: PathOptions<'_>) -> Result<String, PathError> {
    let mut scratch = PathScratch::new();
    let path = scratch.parse(raw, options)?;
    let segments: Vec<&str> = (0..path.segment_count())
        .map(|at| core::str::from_utf8(path.segment(at).unwrap()).unwrap())
        .collect();
    let slash = if path.has_trailing_slash() { "/" } else { "" };
    Ok(segments.join("|") + slash)
}

fn parse(raw: &[u8]) -> Result<String, PathError> {
    read(raw, STRICT)
}

#[test]
fn accepted_by_every_reader() {
    let cases = [
        ("/", "/"),
        ("/a", "a"),
        ("/a/", "a/"),
        ("/a/b.txt", "a|b.txt"),
        ("/my%20file", "my file"),
        ("/a%2Bb", "a+b"),
        ("/a%2bb", "a+b"),
        ("/x:y@z&=$,!*'()", "x:y@z&=$,!*'()"),
        ("/%21%2A%27%28%29%3A%40%26%3D%24%2C", "!*'():@&=$,"),
        ("/[slug]^1~2", "[slug]^1~2"),
        ("/%5Bslug%5D%5e1%7E2", "[slug]^1~2"),
        ("/%22%3C%3E%60%7B%7D%7C", "\"<>`{}|"),
        ("/...a", "...a"),
        ("/caf%C3%A9", "café"),
        ("/a%E2%80%93b", "a–b"),
        ("/10%E2%80%AFAM", "10\u{202F}AM"),
        ("/%F0%9F%93%9A", "📚"),
        ("/cafe%CC%81", "cafe\u{301}"),
        ("/TCP%E2%A7%B8IP", "TCP⧸IP"),
        ("/a%EF%BC%8Ab", "a＊b"),
    ];
    for reader in PathReader::ALL {
        for (raw, decoded) in cases {
            let read = read(raw.as_bytes(), options(reader));
            assert_eq!(read.as_deref(), Ok(decoded), "{raw} under {reader:?}");
        }
    }
    // A `|` can be raw, too.
    assert_eq!(parse(b"/a|b").as_deref(), Ok("a|b"));
}

#[test]
fn rejected_by_every_reader() {
    use PathError::*;
    let cases: &[(&[u8], PathError)] = &[
        (b"", NotOriginForm),
        (b"a", NotOriginForm),
        (b"*", NotOriginForm),
        (b"http://x/", NotOriginForm),
        (b"//", EmptySegment),
        (b"//a", EmptySegment),
        (b"/a//b", EmptySegment),
        (b"/a//", EmptySegment),
        (b"/.", DotSegment),
        (b"/..", DotSegment),
        (b"/a/.../b", DotSegment),
        (b"/a;b", ForbiddenByte),
        (b"/a\\b", ForbiddenByte),
        (b"/a#b", ForbiddenByte),
        (b"/a b", ForbiddenByte),
        (b"/a\"b", ForbiddenByte),
        (b"/a<b", ForbiddenByte),
        (b"/a>b", ForbiddenByte),
        (b"/a`b", ForbiddenByte),
        (b"/a{b", ForbiddenByte),
        (b"/a}b", ForbiddenByte),
        (b"/a\x00b", ForbiddenByte),
        (b"/a\x7f", ForbiddenByte),
        (b"/a\xc3\xa9", ForbiddenByte),
        (b"/%", BrokenEscape),
        (b"/%4", BrokenEscape),
        (b"/%4g", BrokenEscape),
        (b"/%+1", BrokenEscape),
        (b"/%41", ForbiddenEscape),
        (b"/%2d", ForbiddenEscape),
        (b"/%5F", ForbiddenEscape),
        (b"/%2F", ForbiddenEscape),
        (b"/%2e%2e", ForbiddenEscape),
        (b"/%00", ForbiddenEscape),
        (b"/%0A", ForbiddenEscape),
        (b"/%5C", ForbiddenEscape),
        (b"/%7F", ForbiddenEscape),
        (b"/%C3", BadUtf8),
        (b"/%C3x", BadUtf8),
        (b"/%C0%AF", BadUtf8),
        (b"/%ED%A0%80", BadUtf8),
        (b"/%F4%90%80%80", BadUtf8),
        (b"/%80", BadUtf8),
        (b"/%C2%85", ForbiddenCharacter),
        (b"/a%E2%80%8Eb", ForbiddenCharacter),
        (b"/a%E2%80%A8b", ForbiddenCharacter),
        (b"/a%E2%80%AEb", ForbiddenCharacter),
        (b"/a%E2%81%A9b", ForbiddenCharacter),
        (b"/a%D8%9Cb", ForbiddenCharacter),
        (b"/%EF%B7%90", ForbiddenCharacter),
        (b"/%EF%BF%BE", ForbiddenCharacter),
        (b"/%F0%9F%BF%BF", ForbiddenCharacter),
        (b"/%20a", OuterSpace),
        (b"/a%20", OuterSpace),
        (b"/.%20", OuterSpace),
        (b"/%C2%A0a", OuterSpace),
        (b"/a%E2%80%AF/b", OuterSpace),
        (b"/a%E3%80%80", OuterSpace),
    ];
    for reader in PathReader::ALL {
        for (raw, want) in cases {
            let shown = String::from_utf8_lossy(raw);
            let read = read(raw, options(reader));
            assert_eq!(read, Err(*want), "{shown} under {reader:?}");
        }
    }
}

#[test]
fn told_apart_by_reader() {
    use PathError::*;
    /// The path, and what `strict`, `s3` and `files` make of it.
    type Row = (
        &'static str,
        Result<&'static str, PathError>,
        Result<&'static str, PathError>,
        Result<&'static str, PathError>,
    );
    const fn once(raw: &'static str, error: PathError, decoded: &'static str) -> Row {
        (raw, Err(error), Ok(decoded), Ok(decoded))
    }
    let cases: &[Row] = &[
        once("/c%23/1", ForbiddenEscape, "c#|1"),
        once("/50%25", ForbiddenEscape, "50%"),
        once("/%252e%252e/a", ForbiddenEscape, "%2e%2e|a"),
        once("/a%3Bb", ForbiddenEscape, "a;b"),
        once("/a%3fb", ForbiddenEscape, "a?b"),
        once("/Inc./logo.png", TrailingDot, "Inc.|logo.png"),
        once("/a../b", TrailingDot, "a..|b"),
        once("/A.I./", TrailingDot, "A.I./"),
        once("/a%C2%ADb", ForbiddenCharacter, "a\u{AD}b"),
        once("/%EF%BC%8E", ForbiddenCharacter, "．"),
        once("/%EF%BC%8F", ForbiddenCharacter, "／"),
        once("/%EF%BC%9F.webm", ForbiddenCharacter, "？.webm"),
        once("/more%E2%80%A6", ForbiddenCharacter, "more…"),
        once("/%CD%BE", ForbiddenCharacter, "\u{37E}"),
        once("/%EF%B8%99", ForbiddenCharacter, "\u{FE19}"),
        once("/%EF%B8%B0", ForbiddenCharacter, "\u{FE30}"),
        once("/%E2%92%88", ForbiddenCharacter, "\u{2488}"),
        once("/a%E2%80%8Db", ForbiddenCharacter, "a\u{200D}b"),
        once("/%E2%80%83a", ForbiddenCharacter, "\u{2003}a"),
        once("/%EE%80%80", ForbiddenCharacter, "\u{E000}"),
        once("/%EF%BB%BFa", ForbiddenCharacter, "\u{FEFF}a"),
        once("/%EF%BF%BD", ForbiddenCharacter, "\u{FFFD}"),
        once("/%F3%A0%81%81", ForbiddenCharacter, "\u{E0041}"),
        ("/c++/1", Err(ForbiddenByte), Err(OuterSpace), Ok("c++|1")),
        ("/a+b", Err(ForbiddenByte), Ok("a b"), Ok("a+b")),
        ("/a++b%2B", Err(ForbiddenByte), Ok("a  b+"), Ok("a++b+")),
        ("/+a", Err(ForbiddenByte), Err(OuterSpace), Ok("+a")),
        ("/a/+/", Err(ForbiddenByte), Err(OuterSpace), Ok("a|+/")),
        ("/.+", Err(ForbiddenByte), Err(OuterSpace), Ok(".+")),
    ];
    for (raw, strict, s3, files) in cases {
        for (reader, want) in PathReader::ALL.into_iter().zip([strict, s3, files]) {
            let read = read(raw.as_bytes(), options(reader));
            assert_eq!(
                read.as_deref(),
                want.as_ref().copied(),
                "{raw} under {reader:?}"
            );
        }
    }
}

#[test]
fn faults_are_located() {
    use PathError::*;
    let long = format!("/{}", "a".repeat(MAX_DECODED_BYTES + 5));
    let escapes = format!("/{}%20b", "a".repeat(MAX_DECODED_BYTES));
    let deep = "/a".repeat(MAX_SEGMENTS) + "/bcd/e";
    let raw = vec![b'/'; MAX_RAW_BYTES + 2];
    let plain: &[(&[u8], PathError, &str)] = &[
        (b"", NotOriginForm, ""),
        (b"a/b", NotOriginForm, "a"),
        (b"/a b", ForbiddenByte, " "),
        (b"/a/b\\c", ForbiddenByte, "\\"),
        (b"/a%4", BrokenEscape, "%4"),
        (b"/a%zz", BrokenEscape, "%zz"),
        (b"/a%41b", ForbiddenEscape, "%41"),
        (b"/a%C3b%20", BadUtf8, "%C3"),
        (b"/a%ED%A0%80b", BadUtf8, "%ED%A0%80"),
        (b"/a%EF%BC%8Fb", ForbiddenCharacter, "%EF%BC%8F"),
        (b"/a%F3%A0%81%81b", ForbiddenCharacter, "%F3%A0%81%81"),
        (b"/a%C2%85%20", ForbiddenCharacter, "%C2%85"),
        (b"/ab//c", EmptySegment, "/"),
        (b"/ab/../c", DotSegment, ".."),
        (b"/ab/..", DotSegment, ".."),
        (b"/ab/c./d", TrailingDot, "c."),
        (b"/ab/%20c/d", OuterSpace, "%20c"),
        (b"/c%20", OuterSpace, "c%20"),
        (long.as_bytes(), TooLong, "aaaaa"),
        (escapes.as_bytes(), TooLong, "%20b"),
        (deep.as_bytes(), TooManySegments, "bcd"),
        (&raw, TooLong, "//"),
    ];
    let mut scratch = PathScratch::new();
    for (raw, error, wrong) in plain {
        let fault = scratch.parse_at(raw, STRICT).map(drop).unwrap_err();
        let shown = String::from_utf8_lossy(raw);
        assert_eq!(fault.error, *error, "{shown}");
        assert_eq!(
            &raw[fault.at.clone()],
            wrong.as_bytes(),
            "{shown} {fault:?}"
        );
    }
    // Where the same bytes occur earlier, the place matters.
    let place = |raw: &[u8]| {
        PathScratch::new()
            .parse_at(raw, STRICT)
            .map(drop)
            .unwrap_err()
            .at
    };
    assert_eq!(place(b"/../a/.."), 1..3);
    assert_eq!(place(b"/a/b/.."), 5..7);
    assert_eq!(place(b"/a//b//"), 3..4);
    let strict = PathOptions {
        ascii_only: true,
        ..STRICT
    };
    let fault = scratch.parse_at(b"/a%F0%9F%98%80", strict).map(drop);
    assert_eq!(
        fault,
        Err(PathFault {
            error: NotAscii,
            at: 2..14
        })
    );
}

#[test]
fn an_index_document_is_appended_to_a_trailing_slash() {
    let indexed = |raw: &str, reader| {
        let options = PathOptions {
            index: Some("index.html"),
            ..options(reader)
        };
        read(raw.as_bytes(), options)
    };
    for reader in PathReader::ALL {
        for (raw, decoded) in [
            ("/", Ok("index.html")),
            ("/docs/", Ok("docs|index.html")),
            ("/docs", Ok("docs")),
            ("/docs/index.html", Ok("docs|index.html")),
            ("/docs/index.html/", Ok("docs|index.html|index.html")),
            ("/a/%20b/", Err(PathError::OuterSpace)),
            ("/a//", Err(PathError::EmptySegment)),
            ("", Err(PathError::NotOriginForm)),
        ] {
            assert_eq!(
                indexed(raw, reader).as_deref(),
                decoded.as_ref().copied(),
                "{raw}"
            );
        }
    }
    // The limits hold for the path with the name.
    let folder = |bytes: usize| format!("/{}/", "a".repeat(bytes));
    let room = MAX_DECODED_BYTES - "/index.html".len();
    assert!(indexed(&folder(room), PathReader::Strict).is_ok());
    assert_eq!(
        indexed(&folder(room + 1), PathReader::Strict),
        Err(PathError::TooLong)
    );
    let deep = |segments: usize| "/a".repeat(segments) + "/";
    assert!(indexed(&deep(MAX_SEGMENTS - 1), PathReader::Strict).is_ok());
    assert_eq!(
        indexed(&deep(MAX_SEGMENTS), PathReader::Strict),
        Err(PathError::TooManySegments)
    );
    assert!(read(deep(MAX_SEGMENTS).as_bytes(), STRICT).is_ok());
}

#[test]
fn names_of_index_documents() {
    let longest = "i".repeat(MAX_INDEX_BYTES);
    for good in ["index.html", "i", "_index-1~.HTM", ".index", &longest] {
        assert!(is_index_name(good), "{good}");
        assert_eq!(check_segment(good, STRICT), Ok(()), "{good}");
    }
    let too_long = "i".repeat(MAX_INDEX_BYTES + 1);
    for bad in [
        "",
        ".",
        "..",
        "index.",
        "a/b",
        "/index.html",
        "a b",
        "a%20b",
        "a+b",
        "indéx",
        "a*",
        "a?b",
        &too_long,
    ] {
        assert!(!is_index_name(bad), "{bad}");
    }
}

#[test]
fn sizes_are_exact() {
    let long = |n: usize| format!("/{}", "a".repeat(n));
    assert!(parse(long(MAX_DECODED_BYTES).as_bytes()).is_ok());
    assert_eq!(
        parse(long(MAX_DECODED_BYTES + 1).as_bytes()).err(),
        Some(PathError::TooLong)
    );
    let escaped = |n: usize| format!("/{}", "a%21".repeat(n));
    assert!(parse(escaped(MAX_DECODED_BYTES / 2).as_bytes()).is_ok());
    let many = |n: usize| "/a".repeat(n);
    assert!(parse(many(MAX_SEGMENTS).as_bytes()).is_ok());
    assert_eq!(
        parse(many(MAX_SEGMENTS + 1).as_bytes()).err(),
        Some(PathError::TooManySegments)
    );
    assert!(parse(format!("{}/", many(MAX_SEGMENTS)).as_bytes()).is_ok());
    // A path that is too long is not read; one that is not, is.
    let raw = |n: usize| parse(&vec![b'a'; n]).err();
    assert_eq!(raw(MAX_RAW_BYTES), Some(PathError::NotOriginForm));
    assert_eq!(raw(MAX_RAW_BYTES + 1), Some(PathError::TooLong));
    let literal = |n: usize| check_literal_chars(&"a".repeat(n), STRICT);
    assert_eq!(literal(MAX_DECODED_BYTES), Ok(()));
    assert_eq!(literal(MAX_DECODED_BYTES + 1), Err(PathError::TooLong));
}

#[test]
fn every_error_has_its_own_code_and_words() {
    use PathError::*;
    let all = [
        NotOriginForm,
        TooLong,
        TooManySegments,
        ForbiddenByte,
        BrokenEscape,
        ForbiddenEscape,
        BadUtf8,
        ForbiddenCharacter,
        NotAscii,
        EmptySegment,
        DotSegment,
        TrailingDot,
        OuterSpace,
    ];
    let codes: BTreeSet<&str> = all.iter().map(|error| error.code()).collect();
    let words: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!((codes.len(), words.len()), (all.len(), all.len()));
    assert_eq!(DotSegment.code(), "dot_segment");
    assert_eq!(DotSegment.to_string(), "a segment consists of dots only");
}

#[test]
fn ascii_only_rejects_non_ascii_only() {
    let mut scratch = PathScratch::new();
    for reader in PathReader::ALL {
        let options = PathOptions {
            ascii_only: true,
            ..options(reader)
        };
        assert_eq!(
            scratch.parse(b"/caf%C3%A9", options).err(),
            Some(PathError::NotAscii)
        );
        assert!(scratch.parse(b"/a%20b", options).is_ok());
        assert_eq!(check_segment("é", options), Err(PathError::NotAscii));
    }
}

#[test]
fn compile_time_and_request_time_agree_on_every_character() {
    // A pattern can contain a character exactly when some spelling of it is accepted in a request.
    for reader in PathReader::ALL {
        let options = options(reader);
        for c in (0..=0x10_FFFF).filter_map(char::from_u32) {
            let mut utf8 = [0; 4];
            let escaped: String = c
                .encode_utf8(&mut utf8)
                .bytes()
                .map(|byte| format!("%{byte:02X}"))
                .collect();
            let decoded = format!("x{c}x");
            let raw = c.is_ascii()
                && read(&[b'/', b'x', c as u8, b'x'], options).as_deref() == Ok(&decoded);
            let request =
                raw || read(format!("/x{escaped}x").as_bytes(), options).as_deref() == Ok(&decoded);
            let pattern = check_segment(&decoded, options).is_ok();
            assert_eq!(pattern, request, "U+{:04X} under {reader:?}", u32::from(c));
        }
    }
}

#[test]
fn the_tables_are_in_order_and_apart() {
    for reader in PathReader::ALL {
        let ranges = rejected_characters(reader);
        assert!(ranges.iter().all(|(first, last)| first <= last));
        assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        let strict = rejected_characters(PathReader::Strict);
        let is_inside = |(first, last): &(u32, u32)| {
            strict.iter().any(|(from, to)| from <= first && last <= to)
        };
        assert!(ranges.iter().all(is_inside), "{reader:?}");
    }
}

#[test]
fn readers_have_codes() {
    for reader in PathReader::ALL {
        assert_eq!(PathReader::from_code(reader.code()), Some(reader));
    }
    assert_eq!(PathReader::from_code("S3"), None);
    assert_eq!(PathReader::default(), PathReader::Strict);
}

/// Pseudo-random numbers below `below`.
fn random(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
    (*seed >> 33) as usize % below
}

#[test]
fn paths_without_escapes_are_read_as_if_they_were_decoded() {
    let pieces = [
        "/",
        "a",
        "week-1",
        ".",
        "Z9_",
        "/x",
        ":",
        ",",
        "~",
        "lesson-2.html",
        "//",
        "/.",
    ];
    let mut seed = 21;
    let (mut plain, mut decoded) = (0, 0);
    for _ in 0..20_000 {
        let mut raw = String::from("/");
        for _ in 0..random(&mut seed, 12) {
            raw.push_str(pieces[random(&mut seed, pieces.len())]);
        }
        for reader in PathReader::ALL {
            let options = PathOptions {
                reader,
                index: [None, Some("index.html")][random(&mut seed, 2)],
                ..PathOptions::default()
            };
            let show = |path: Path<'_>| {
                let segments: Vec<Vec<u8>> = (0..path.segment_count())
                    .map(|at| path.segment(at).unwrap().to_vec())
                    .collect();
                (path.decoded().to_vec(), segments, path.has_trailing_slash())
            };
            let mut scratch = PathScratch::new();
            let rest = &raw.as_bytes()[1..];
            let scanned = scratch.scan_common(rest);
            let mut other = PathScratch::new();
            if let Some(scanned) = scanned {
                plain += 1;
                // The general code agrees on everything except the last segment, which both leave.
                let general = other.decode(raw.as_bytes(), rest, options).unwrap();
                assert_eq!(scanned.len, general.len, "{raw}");
                assert_eq!(scanned.segments, general.segments, "{raw}");
                assert_eq!(scanned.start, general.start, "{raw}");
                assert_eq!(scanned.trailing_slash, general.trailing_slash, "{raw}");
                let count = scanned.segments;
                assert_eq!(scratch.ends[..count], other.ends[..count], "{raw}");
                assert_eq!(*rest, other.bytes[..general.len], "{raw}");
            } else {
                decoded += 1;
            }
            // An escape that every reader accepts makes the general code read the path.
            let escaped = format!("{raw}/~%7E");
            let whole = format!("{raw}/~~");
            let (mut one, mut two) = (PathScratch::new(), PathScratch::new());
            let one = one.parse(escaped.as_bytes(), options).map(show);
            let two = two.parse(whole.as_bytes(), options).map(show);
            assert_eq!(one, two, "{raw}");
        }
    }
    assert!(plain > 5_000 && decoded > 5_000, "{plain} {decoded}");
}
