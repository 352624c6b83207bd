//! Request paths: the core and the specification reject the same ones, and the reader sees the
//! accepted path.

use tollgate_core::path::{MAX_DECODED_BYTES, MAX_RAW_BYTES, MAX_SEGMENTS, check_segment};
use tollgate_core::{PathOptions, PathReader, PathScratch};
use tollgate_spec::decide;
use tollgate_spec::model::{Course, Effect, Origin, Policy, Request, Rule, Token, Who};

const READERS: [(PathReader, Origin); 3] = [
    (PathReader::Strict, Origin::Strict),
    (PathReader::S3, Origin::S3),
    (PathReader::Files, Origin::Files),
];

/// Uses the bytes as a request target.
pub fn check(data: &[u8]) {
    let raw = data.split(|byte| *byte == b'?').next().unwrap_or_default();
    let settings = READERS.into_iter().flat_map(|(reader, origin)| {
        let both = [(false, None), (true, None), (false, Some("index.html"))];
        both.map(|(ascii_only, index)| {
            let options = PathOptions {
                ascii_only,
                reader,
                index,
            };
            (options, origin)
        })
    });
    for (options, origin) in settings {
        let mut scratch = PathScratch::new();
        let parsed = scratch.parse(raw, options);
        let rejected = is_rejected(data, options, origin);
        assert_eq!(parsed.is_err(), rejected, "{options:?} {parsed:?}");
        let Ok(path) = parsed else {
            let fault = scratch.parse_at(raw, options).map(drop).unwrap_err();
            assert!(raw.get(fault.at.clone()).is_some(), "{fault:?}");
            continue;
        };
        assert!(raw.len() <= MAX_RAW_BYTES && path.decoded().len() <= MAX_DECODED_BYTES);
        assert!(path.segment_count() <= MAX_SEGMENTS);
        let mut read = once_decoded(raw, options.reader);
        if read.ends_with(b"/") {
            read.extend_from_slice(options.index.unwrap_or_default().as_bytes());
        }
        assert_eq!(read, [b"/", path.decoded()].concat());
        let mut joined = Vec::new();
        for index in 0..path.segment_count() {
            let segment = path.segment(index).expect("it has so many");
            let text = core::str::from_utf8(segment).expect("UTF-8");
            // The compiler accepts the same characters in patterns.
            assert_eq!(check_segment(text, options), Ok(()), "{text:?}");
            joined.push(segment);
        }
        let end: &[u8] = if path.has_trailing_slash() && path.segment_count() > 0 {
            b"/"
        } else {
            b""
        };
        assert_eq!([joined.join(&b'/'), end.to_vec()].concat(), path.decoded());
        assert_eq!(path.segment(path.segment_count()), None);
    }
}

/// Decodes escapes once, as the simplest reader does.
fn once_decoded(raw: &[u8], reader: PathReader) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        let hex = rest
            .get(1..3)
            .and_then(|digits| core::str::from_utf8(digits).ok());
        let escaped = hex
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(match (escaped, first) {
            (Some(byte), _) => byte,
            (None, b'+') if reader == PathReader::S3 => b' ',
            (None, byte) => *byte,
        });
        rest = if escaped.is_some() {
            rest.get(3..).unwrap_or_default()
        } else {
            after
        };
    }
    decoded
}

/// Whether the specification rejects the path on a site that allows everything to anyone.
fn is_rejected(target: &[u8], options: PathOptions<'_>, origin: Origin) -> bool {
    let rule = Rule {
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
    };
    let course = Course {
        id: "site".to_owned(),
        base: String::new(),
        rules: vec![rule],
    };
    let policy = Policy {
        origin,
        index: options.index.map(str::to_owned),
        ascii_only: options.ascii_only,
        courses: vec![course],
        ..Policy::default()
    };
    let request = Request {
        method: "GET".to_owned(),
        target: target.to_vec(),
        ip: None,
        now: 0,
        token: Token::Absent,
    };
    let reason = decide(&policy, &request).reason;
    assert!(["allow", "bad_path"].contains(&reason), "{reason}");
    reason == "bad_path"
}
