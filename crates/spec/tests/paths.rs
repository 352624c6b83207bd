//! Request paths that the specification rejects.

use tollgate_spec::decide;
use tollgate_spec::model::*;

const ORIGINS: [Origin; 3] = [Origin::Strict, Origin::S3, Origin::Files];

/// Whether a site that allows everything to anyone rejects this path.
fn is_rejected(raw: &[u8], origin: Origin) -> bool {
    let policy = Policy {
        origin,
        ..Policy::default()
    };
    let reason = reason(policy, "/**", raw);
    assert!(["bad_path", "allow"].contains(&reason), "{reason}");
    reason == "bad_path"
}

/// The reason for the decision about a path on a site that allows one pattern to anyone.
fn reason(mut policy: Policy, pattern: &str, raw: &[u8]) -> &'static str {
    let rule = Rule {
        id: "all".to_owned(),
        effect: Effect::Allow,
        paths: vec![pattern.to_owned()],
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
    policy.courses = vec![Course {
        id: "site".to_owned(),
        base: String::new(),
        rules: vec![rule],
    }];
    let (method, target) = ("GET".to_owned(), raw.to_vec());
    let request = Request {
        method,
        target,
        ip: None,
        now: 0,
        token: Token::Absent,
    };
    decide(&policy, &request).reason
}

#[test]
fn shapes() {
    let fine: &[&str] = &[
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/...a",
        "/.a",
        "/a.b",
        "/~",
        "/a-b_c~d.txt",
        "/seg(1)!.ts",
        "/x:y@&=$,",
        "/my%20file.pdf",
        "/a%2Bb",
        "/%2A%27%28%29%3A%40%26%3D%24%2C%21",
        "/a?",
        "/a?//..#%",
        "/%C3%A9",
        "/cafe%CC%81",
        "/%c3%a9",
        "/a%E2%80%93b",
        "/%F0%9F%98%80",
        "/a%C2%A0b",
        "/[x]^y|z",
        "/%5bx%5D%5E%7C%7e",
        "/%22%3C%3E%60%7B%7D",
    ];
    let rejected: &[&str] = &[
        "",
        "a",
        "*",
        "?",
        "?/a",
        "http://x/a",
        "//",
        "//a",
        "/a//b",
        "/a//",
        "///",
        "/.",
        "/..",
        "/./a",
        "/a/..",
        "/a/../b",
        "/.../x",
        "/%20a",
        "/a%20",
        "/a%20/b",
        "/%20",
        "/%C2%A0a",
        "/a%E2%80%AF",
        "/%E3%80%80",
        "/a b",
        "/a;b",
        "/a\\b",
        "/{x}",
        "/\"",
        "/<",
        "/a#b",
        "/`",
        "/}",
        "/>",
        "/\u{7f}",
        "/a\tb",
        "/\0",
        "/%00",
        "/%0a",
        "/%1F",
        "/%7F",
        "/%2e",
        "/%2E%2e",
        "/a%2Fb",
        "/a%2fb",
        "/%5C",
        "/%61",
        "/%41",
        "/%30",
        "/%2d",
        "/%2D",
        "/%5f",
        "/%",
        "/%2",
        "/%zz",
        "/%u002e",
        "/%-1",
        "/%+1",
        "/% 1",
        "/%C3",
        "/%A9",
        "/%C0%AF",
        "/%E0%80%AF",
        "/%ED%A0%80",
        "/%F4%90%80%80",
        "/%FF",
        "/%C2%80",
        "/%C2%9F",
        "/é",
    ];
    for origin in ORIGINS {
        for path in fine {
            assert!(!is_rejected(path.as_bytes(), origin), "{path} {origin:?}");
        }
        for path in rejected {
            assert!(is_rejected(path.as_bytes(), origin), "{path} {origin:?}");
        }
        assert!(is_rejected(b"/\xc3\xa9", origin) && is_rejected(b"/\xff", origin));
    }
}

#[test]
fn readers() {
    // The path, and which of the three readers reject it.
    for (path, strict, s3, files) in [
        ("/a.", true, false, false),
        ("/a./b", true, false, false),
        ("/a../", true, false, false),
        ("/%3B", true, false, false),
        ("/%3F", true, false, false),
        ("/%23", true, false, false),
        ("/%25", true, false, false),
        ("/%2525", true, false, false),
        ("/%252e%252E/a", true, false, false),
        ("/a+b", true, false, false),
        ("/+a", true, true, false),
        ("/a+/b", true, true, false),
        ("/a.+", true, true, false),
        ("/+", true, true, false),
        ("/%2B", false, false, false),
    ] {
        for (origin, rejected) in ORIGINS.into_iter().zip([strict, s3, files]) {
            let is = is_rejected(path.as_bytes(), origin);
            assert_eq!(is, rejected, "{path} {origin:?}");
        }
    }
    let policy = |origin| Policy {
        origin,
        ..Policy::default()
    };
    for (origin, pattern, raw, expected) in [
        (Origin::S3, "/a b", "/a+b", "allow"),
        (Origin::S3, "/a b", "/a%20b", "allow"),
        (Origin::S3, "/a+b", "/a+b", "forbidden"),
        (Origin::S3, "/a+b", "/a%2Bb", "allow"),
        (Origin::Files, "/a b", "/a+b", "forbidden"),
        (Origin::Files, "/a+b", "/a+b", "allow"),
        (Origin::Files, "/a+b", "/a%2Bb", "allow"),
        (Origin::Strict, "/a+b", "/a+b", "bad_path"),
        (Origin::Strict, "/a+b", "/a%2Bb", "allow"),
        (Origin::S3, "/%2e%2e", "/%252e%252e", "allow"),
        (Origin::Files, "/c#", "/c%23", "allow"),
        (Origin::Strict, "/~a", "/%7Ea", "allow"),
        (Origin::Strict, "/[a]", "/%5Ba]", "allow"),
    ] {
        let reason = reason(policy(origin), pattern, raw.as_bytes());
        assert_eq!(reason, expected, "{raw} {origin:?}");
    }
}

#[test]
fn index_documents() {
    let policy = |index: Option<&str>| Policy {
        index: index.map(str::to_owned),
        ..Policy::default()
    };
    for (raw, pattern, expected) in [
        ("/", "/index.html", "allow"),
        ("/", "/", "forbidden"),
        ("/docs/", "/docs/index.html", "allow"),
        ("/docs/", "/docs/", "forbidden"),
        ("/docs/", "/docs/**", "allow"),
        ("/docs", "/docs", "allow"),
        ("/docs/?x=/", "/docs/index.html", "allow"),
        ("/docs/index.html/", "/docs/index.html/index.html", "allow"),
        ("//", "/**", "bad_path"),
        ("/a//", "/**", "bad_path"),
        ("", "/**", "bad_path"),
    ] {
        let reason = reason(policy(Some("index.html")), pattern, raw.as_bytes());
        assert_eq!(reason, expected, "{raw}");
    }
    let long = format!("/{}/", "n".repeat(1013));
    for (index, expected) in [
        (None, "allow"),
        (Some("0123456789"), "allow"),
        (Some("0123456789a"), "bad_path"),
    ] {
        assert_eq!(reason(policy(index), "/**", long.as_bytes()), expected);
    }
    let deep = "/n".repeat(64) + "/";
    for (index, expected) in [(None, "allow"), (Some("i"), "bad_path")] {
        assert_eq!(reason(policy(index), "/**", deep.as_bytes()), expected);
    }
}

#[test]
fn ascii_only() {
    for (path, expected) in [
        ("/a", "allow"),
        ("/a%20b", "allow"),
        ("/%C3%A9", "bad_path"),
        ("/a/%E2%80%93", "bad_path"),
    ] {
        for origin in ORIGINS {
            let policy = Policy {
                ascii_only: true,
                origin,
                ..Policy::default()
            };
            assert_eq!(reason(policy, "/**", path.as_bytes()), expected, "{path}");
        }
    }
}

/// Every ASCII character as an escape. `tollgate-targets` tests all of Unicode with every
/// implementation.
#[test]
fn every_ascii_character() {
    for code in 0..0x80_u8 {
        let strict = " +~\"<>[]^`{|}!*'():@&=$,".contains(char::from(code));
        let once = strict || "#%;?".contains(char::from(code));
        let escaped = format!("/a%{code:02X}a");
        for (origin, accepted) in ORIGINS.into_iter().zip([strict, once, once]) {
            let rejected = is_rejected(escaped.as_bytes(), origin);
            assert_eq!(rejected, !accepted, "{code:X} {origin:?}");
        }
    }
}

#[test]
fn sizes() {
    let cases = [
        (format!("/{}", "n".repeat(1024)), false),
        (format!("/{}", "n".repeat(1025)), true),
        (format!("/{}/", "n".repeat(1023)), false),
        (format!("/{}/", "n".repeat(1024)), true),
        ("/n".repeat(64), false),
        ("/n".repeat(65), true),
        (format!("{}/", "/n".repeat(64)), false),
        (format!("{}/", "/n".repeat(65)), true),
        // 3,067 raw and 1,022 decoded bytes, then two more of both.
        (format!("/{}nn", "%C3%A9".repeat(511)), false),
        (
            format!("/{}?{}", "%C3%A9".repeat(511), "n".repeat(9_000)),
            false,
        ),
        (format!("/{}n", "%C3%A9".repeat(512)), true),
        (format!("/{}", "%20".repeat(1024)), true),
    ];
    for (path, rejected) in cases {
        assert_eq!(
            is_rejected(path.as_bytes(), Origin::Strict),
            rejected,
            "{}",
            path.len()
        );
    }
}
