//! Which request paths the specification refuses.

use tollgate_spec::decide;
use tollgate_spec::model::*;

/// Whether a site that allows everything to anyone refuses this path.
fn is_refused(raw: &[u8], ascii_only: bool) -> bool {
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
    let courses = vec![Course {
        id: "site".to_owned(),
        base: String::new(),
        rules: vec![rule],
    }];
    let policy = Policy {
        ascii_only,
        courses,
        ..Policy::default()
    };
    let (method, target) = ("GET".to_owned(), raw.to_vec());
    let request = Request {
        method,
        target,
        ip: None,
        now: 0,
        token: Token::Absent,
    };
    let reason = decide(&policy, &request).reason;
    assert!(["allow", "bad_path"].contains(&reason), "{reason}");
    reason == "bad_path"
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
    ];
    let refused: &[&str] = &[
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
        "/a.",
        "/a./b",
        "/%20a",
        "/a%20",
        "/a%20/b",
        "/%20",
        "/%C2%A0a",
        "/a%E2%80%AF",
        "/%E3%80%80",
        "/a b",
        "/a+b",
        "/a;b",
        "/a\\b",
        "/[x]",
        "/{x}",
        "/x|y",
        "/\"",
        "/<",
        "/a#b",
        "/a^",
        "/`",
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
        "/%3B",
        "/%3F",
        "/%23",
        "/%25",
        "/%2525",
        "/%61",
        "/%41",
        "/%30",
        "/%2d",
        "/%2D",
        "/%5f",
        "/%7e",
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
    for path in fine {
        assert!(!is_refused(path.as_bytes(), false), "{path}");
    }
    for path in refused {
        assert!(is_refused(path.as_bytes(), false), "{path}");
    }
    assert!(is_refused(b"/\xc3\xa9", false) && is_refused(b"/\xff", false));
}

#[test]
fn ascii_only() {
    for (path, refused) in [
        ("/a", false),
        ("/a%20b", false),
        ("/%C3%A9", true),
        ("/a/%E2%80%93", true),
    ] {
        assert_eq!(is_refused(path.as_bytes(), true), refused, "{path}");
    }
}

/// Every character of Unicode, in an escape. The list of what is refused is written out once more,
/// from the design.
#[test]
fn every_character() {
    let listed: &[(u32, u32)] = &[
        (0xAD, 0xAD),
        (0x61C, 0x61C),
        (0x180E, 0x180E),
        (0x2000, 0x200F),
        (0x2024, 0x2026),
        (0x2028, 0x202E),
        (0x2044, 0x2044),
        (0x205F, 0x206F),
        (0x2100, 0x2100),
        (0x2101, 0x2101),
        (0x2105, 0x2105),
        (0x2106, 0x2106),
        (0x212A, 0x212A),
        (0x212B, 0x212B),
        (0x2215, 0x2215),
        (0xFE52, 0xFE52),
        (0xFE68, 0xFE68),
        (0xFEFF, 0xFEFF),
        (0xFF03, 0xFF03),
        (0xFF05, 0xFF05),
        (0xFF0B, 0xFF0B),
        (0xFF0E, 0xFF0E),
        (0xFF0F, 0xFF0F),
        (0xFF1B, 0xFF1B),
        (0xFF1F, 0xFF1F),
        (0xFF3C, 0xFF3C),
        (0xFFF9, 0xFFFD),
        (0xE0000, 0xE007F),
        // Private use.
        (0xE000, 0xF8FF),
        (0xF0000, 0xFFFFD),
        (0x100000, 0x10FFFD),
        // Noncharacters, the last two of every plane aside.
        (0xFDD0, 0xFDEF),
    ];
    for character in '\0'..=char::MAX {
        let code = u32::from(character);
        let refused = match character {
            ' ' | '!' | '*' | '\'' | '(' | ')' | ':' | '@' | '&' | '=' | '$' | ',' | '+' => false,
            '\0'..'\u{A0}' => true,
            _ => {
                code % 0x1_0000 >= 0xFFFE
                    || listed
                        .iter()
                        .any(|(first, last)| *first <= code && code <= *last)
            }
        };
        let mut escaped = "/a".to_owned();
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            escaped.push_str(&format!("%{byte:02X}"));
        }
        escaped.push('a');
        assert_eq!(is_refused(escaped.as_bytes(), false), refused, "{code:X}");
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
    for (path, refused) in cases {
        assert_eq!(
            is_refused(path.as_bytes(), false),
            refused,
            "{}",
            path.len()
        );
    }
}
