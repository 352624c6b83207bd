use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;

fn parse(raw: &[u8]) -> Result<(Vec<String>, bool), PathError> {
    let mut scratch = PathScratch::new();
    let path = scratch.parse(raw, PathOptions::default())?;
    let segments = (0..path.segment_count())
        .map(|at| String::from_utf8(path.segment(at).unwrap().to_vec()).unwrap())
        .collect();
    Ok((segments, path.has_trailing_slash()))
}

#[test]
fn accepted() {
    let cases: &[(&str, &[&str], bool)] = &[
        ("/", &[], true),
        ("/a", &["a"], false),
        ("/a/", &["a"], true),
        ("/a/b.txt", &["a", "b.txt"], false),
        ("/my%20file", &["my file"], false),
        ("/a%2Bb", &["a+b"], false),
        ("/a%2bb", &["a+b"], false),
        ("/x:y@z&=$,!*'()", &["x:y@z&=$,!*'()"], false),
        (
            "/%21%2A%27%28%29%3A%40%26%3D%24%2C",
            &["!*'():@&=$,"],
            false,
        ),
        ("/...a", &["...a"], false),
        ("/caf%C3%A9", &["café"], false),
        ("/a%E2%80%93b", &["a–b"], false),
        ("/10%E2%80%AFAM", &["10\u{202F}AM"], false),
        ("/%F0%9F%93%9A", &["📚"], false),
        ("/cafe%CC%81", &["cafe\u{301}"], false),
    ];
    for (raw, segments, slash) in cases {
        let (got, got_slash) =
            parse(raw.as_bytes()).unwrap_or_else(|error| panic!("{raw}: {error}"));
        assert_eq!(
            (got.as_slice(), got_slash),
            (segments.map_owned().as_slice(), *slash),
            "{raw}"
        );
    }
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| String::from(*text)).collect()
    }
}

#[test]
fn refused() {
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
        (b"/a./b", TrailingDot),
        (b"/a;b", ForbiddenByte),
        (b"/a+b", ForbiddenByte),
        (b"/a\\b", ForbiddenByte),
        (b"/a#b", ForbiddenByte),
        (b"/a b", ForbiddenByte),
        (b"/a[b", ForbiddenByte),
        (b"/a\x7f", ForbiddenByte),
        (b"/a\xc3\xa9", ForbiddenByte),
        (b"/%", BrokenEscape),
        (b"/%4", BrokenEscape),
        (b"/%4g", BrokenEscape),
        (b"/%+1", BrokenEscape),
        (b"/%41", ForbiddenEscape),
        (b"/%2d", ForbiddenEscape),
        (b"/%7E", ForbiddenEscape),
        (b"/%2F", ForbiddenEscape),
        (b"/%2e%2e", ForbiddenEscape),
        (b"/%25", ForbiddenEscape),
        (b"/%00", ForbiddenEscape),
        (b"/%5C", ForbiddenEscape),
        (b"/%3B", ForbiddenEscape),
        (b"/%3F", ForbiddenEscape),
        (b"/%23", ForbiddenEscape),
        (b"/%22", ForbiddenEscape),
        (b"/%7F", ForbiddenEscape),
        (b"/%C3", BadUtf8),
        (b"/%C3x", BadUtf8),
        (b"/%C0%AF", BadUtf8),
        (b"/%ED%A0%80", BadUtf8),
        (b"/%F4%90%80%80", BadUtf8),
        (b"/%80", BadUtf8),
        (b"/%C2%85", ForbiddenCharacter),
        (b"/a%C2%ADb", ForbiddenCharacter),
        (b"/%EF%BC%8E", ForbiddenCharacter),
        (b"/%EE%80%80", ForbiddenCharacter),
        (b"/%EF%BF%BE", ForbiddenCharacter),
        (b"/%F0%9F%BF%BF", ForbiddenCharacter),
        (b"/%F3%A0%81%81", ForbiddenCharacter),
        (b"/%20a", OuterSpace),
        (b"/a%20", OuterSpace),
        (b"/%C2%A0a", OuterSpace),
        (b"/a%E2%80%AF/b", OuterSpace),
        (b"/a%E3%80%80", OuterSpace),
    ];
    for (raw, want) in cases {
        assert_eq!(
            parse(raw).err(),
            Some(*want),
            "{}",
            String::from_utf8_lossy(raw)
        );
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
    // What is too long is not looked at; what is not, is.
    let raw = |n: usize| parse(&vec![b'a'; n]).err();
    assert_eq!(raw(MAX_RAW_BYTES), Some(PathError::NotOriginForm));
    assert_eq!(raw(MAX_RAW_BYTES + 1), Some(PathError::TooLong));
    let literal = |n: usize| check_literal_chars(&"a".repeat(n), false);
    assert_eq!(literal(MAX_DECODED_BYTES), Ok(()));
    assert_eq!(literal(MAX_DECODED_BYTES + 1), Err(PathError::TooLong));
}

#[test]
fn every_fault_has_its_own_code_and_words() {
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
fn ascii_only_refuses_non_ascii_alone() {
    let mut scratch = PathScratch::new();
    let options = PathOptions { ascii_only: true };
    assert_eq!(
        scratch.parse(b"/caf%C3%A9", options).err(),
        Some(PathError::NotAscii)
    );
    assert!(scratch.parse(b"/a%20b", options).is_ok());
}

#[test]
fn compile_time_and_request_time_agree_on_every_character() {
    // A character may stand in a pattern exactly when some spelling of it passes in a request.
    for c in (0..=0x10_FFFF).filter_map(char::from_u32) {
        let mut utf8 = [0; 4];
        let escaped: String = c
            .encode_utf8(&mut utf8)
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect();
        let raw = if c.is_ascii() {
            parse(&[b'/', b'x', c as u8, b'x']).is_ok() && c != '/'
        } else {
            false
        };
        let request = raw || parse(format!("/x{escaped}x").as_bytes()).is_ok();
        let pattern = check_segment(&format!("x{c}x"), false).is_ok();
        assert_eq!(pattern, request, "U+{:04X}", u32::from(c));
    }
}
