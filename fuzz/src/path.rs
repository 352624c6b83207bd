//! Request paths: the core and the specification refuse the same ones, and what is taken is what it says.

use tollgate_core::path::{MAX_DECODED_BYTES, MAX_RAW_BYTES, MAX_SEGMENTS, check_segment};
use tollgate_core::{PathOptions, PathScratch};
use tollgate_spec::decide;
use tollgate_spec::model::{Course, Effect, Policy, Request, Rule, Token, Who};

/// Takes the bytes for a request target.
pub fn check(data: &[u8]) {
    let raw = data.split(|byte| *byte == b'?').next().unwrap_or_default();
    for ascii_only in [false, true] {
        let mut scratch = PathScratch::new();
        let parsed = scratch.parse(raw, PathOptions { ascii_only });
        assert_eq!(parsed.is_err(), is_refused(data, ascii_only), "{parsed:?}");
        let Ok(path) = parsed else {
            continue;
        };
        assert!(raw.len() <= MAX_RAW_BYTES && path.decoded().len() <= MAX_DECODED_BYTES);
        assert!(path.segment_count() <= MAX_SEGMENTS);
        assert_eq!(once_decoded(raw), [b"/", path.decoded()].concat());
        let mut joined = Vec::new();
        for index in 0..path.segment_count() {
            let segment = path.segment(index).expect("it has so many");
            let text = core::str::from_utf8(segment).expect("UTF-8");
            // The compiler judges patterns by the same characters.
            assert_eq!(check_segment(text, ascii_only), Ok(()), "{text:?}");
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

/// Escapes decoded once, by the simplest reader there is.
fn once_decoded(raw: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        let hex = rest
            .get(1..3)
            .and_then(|digits| core::str::from_utf8(digits).ok());
        let escaped = hex
            .filter(|_| *first == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() {
            rest.get(3..).unwrap_or_default()
        } else {
            after
        };
    }
    decoded
}

/// Whether the specification refuses the path on a site that is open to all.
fn is_refused(target: &[u8], ascii_only: bool) -> bool {
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
        ascii_only,
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
