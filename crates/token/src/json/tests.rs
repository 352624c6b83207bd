use alloc::{format, string::ToString, vec};

use super::*;

fn fault(text: &[u8]) -> Option<JsonFault> {
    Document::parse(text.to_vec())
        .err()
        .map(|error| error.fault)
}

#[test]
fn reads_every_kind_of_value() {
    let text =
        r#" {"s":"a\"b","n":-1.5e+3,"t":true,"f":false,"z":null,"a":[1,[],{"x":{}},"y"],"e":""} "#;
    let document = Document::parse(text.into()).unwrap();
    let root = document.root();
    assert!(root.is_object());
    let member = |name| root.member(name).unwrap();
    assert_eq!(member("s").as_str(), Some("a\"b"));
    assert_eq!(member("n").as_number(), Some("-1.5e+3"));
    assert_eq!(member("n").as_integer(), None);
    assert_eq!(member("t").as_bool(), Some(true));
    assert_eq!(member("f").as_bool(), Some(false));
    assert_eq!(member("z").as_bool(), None);
    assert_eq!(member("e").as_str(), Some(""));
    let elements: Vec<_> = member("a").elements().unwrap().collect();
    assert_eq!(elements.len(), 4);
    assert_eq!(elements[0].as_integer(), Some(1));
    assert_eq!(elements[1].elements().unwrap().count(), 0);
    assert_eq!(
        elements[2].member("x").unwrap().members().unwrap().count(),
        0
    );
    assert_eq!(elements[3].as_str(), Some("y"));
    assert_eq!(member("a").strings(), None);
    assert!(root.member("missing").is_none());
    assert!(root.elements().is_none());
    assert!(member("a").members().is_none());
    let names: Vec<_> = root.members().unwrap().map(|(name, _)| name).collect();
    assert_eq!(names, ["s", "n", "t", "f", "z", "a", "e"]);
}

#[test]
fn is_printed_as_written() {
    let text = r#" {"a":[1, "\u0078"]} "#;
    let document = Document::parse(text.into()).unwrap();
    assert_eq!(format!("{document:?}"), text);
    let list = document.root().member("a").unwrap();
    assert_eq!(format!("{list:?}"), r#"[1, "\u0078"]"#);
}

#[test]
fn unescapes() {
    for (text, value) in [
        (r#""\u0041\n\/\\\b\f\r\t""#, "A\n/\\\u{8}\u{c}\r\t"),
        (r#""\uD83D\uDE00x""#, "😀x"),
        (r#""\uffff""#, "\u{ffff}"),
        (r#""a\u0000b""#, "a\0b"),
        ("\"\u{7f}é\u{10ffff}\"", "\u{7f}é\u{10ffff}"),
        (r#""é\u00e9é""#, "ééé"),
        (r#""\uABCD\uabcd""#, "\u{abcd}\u{abcd}"),
    ] {
        let document = Document::parse(text.into()).unwrap();
        assert_eq!(document.root().as_str(), Some(value), "{text}");
    }
}

#[test]
fn rejects_what_is_not_json() {
    use JsonFault::{Escape, Syntax, Utf8};
    let table: &[(&[u8], JsonFault)] = &[
        (b"", Syntax),
        (b" ", Syntax),
        (b"\xEF\xBB\xBF{}", Syntax),
        (b"{}{}", Syntax),
        (b"{} x", Syntax),
        (b"{}\0", Syntax),
        (b"{,}", Syntax),
        (b"{\"a\":1,}", Syntax),
        (b"[1,]", Syntax),
        (b"[,1]", Syntax),
        (b"[1 2]", Syntax),
        (b"[1}", Syntax),
        (b"{\"a\":1]", Syntax),
        (b"{\"a\"}", Syntax),
        (b"{\"a\" 1}", Syntax),
        (b"{\"a\":}", Syntax),
        (b"{a:1}", Syntax),
        (b"{'a':1}", Syntax),
        (b"{1:1}", Syntax),
        (b"]", Syntax),
        (b"[", Syntax),
        (b"{", Syntax),
        (b"\"", Syntax),
        (b"\"\\", Syntax),
        (b"\"a\nb\"", Syntax),
        (b"\"a\x1fb\"", Syntax),
        (b"\"\\u0041\x01\"", Syntax),
        (b"[1]\x0b", Syntax),
        (b"\xc2\xa01", Syntax),
        (b"/**/1", Syntax),
        (b"nul", Syntax),
        (b"nullx", Syntax),
        (b"True", Syntax),
        (b"NaN", Syntax),
        (b"-Infinity", Syntax),
        (b"+1", Syntax),
        (b"-", Syntax),
        (b"01", Syntax),
        (b"-01", Syntax),
        (b"00", Syntax),
        (b"1.", Syntax),
        (b".5", Syntax),
        (b"1.e1", Syntax),
        (b"1e", Syntax),
        (b"1e+", Syntax),
        (b"0x10", Syntax),
        (b"1_0", Syntax),
        (b"\xEF\xBC\x91", Syntax),
        (b"\"\\x41\"", Escape),
        (b"\"\\'\"", Escape),
        (b"\"\\U0041\"", Escape),
        (b"\"\\u004\"", Escape),
        (b"\"\\u00G0\"", Escape),
        (b"\"\\u+041\"", Escape),
        (b"\"\\ud800\"", Escape),
        (b"\"\\udc00\"", Escape),
        (b"\"\\ud800x\"", Escape),
        (b"\"\\ud800\\n\"", Escape),
        (b"\"\\ud800\\u0041\"", Escape),
        (b"\"\\ud800\\ud800\"", Escape),
        (b"\"\\udc00\\ud800\"", Escape),
        (b"\"\xff\"", Utf8),
        (b"\"\xc0\xaf\"", Utf8),
        (b"\"\xed\xa0\x80\"", Utf8),
        (b"\"\xf4\x90\x80\x80\"", Utf8),
        (b"\"\xc3\"", Utf8),
        (b"{\x00\"\x00", Syntax),
    ];
    for (text, expected) in table {
        assert_eq!(fault(text), Some(*expected), "{}", text.escape_ascii());
    }
}

#[test]
fn rejects_duplicate_names_everywhere() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"a":3}"#,
        r#"{"exp":1,"\u0065xp":2}"#,
        r#"{"\u0065xp":1,"e\u0078p":2}"#,
        r#"{"/":1,"\/":2}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"[[{"x":[{"b":{},"b":[]}]}]]"#,
        r#"{"":1,"":2}"#,
        r#"{"😀":1,"\ud83d\ude00":2}"#,
    ] {
        assert_eq!(
            fault(text.as_bytes()),
            Some(JsonFault::DuplicateName),
            "{text}"
        );
    }
    for text in [
        r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#,
        r#"{"a":1,"A":2,"a ":3,"á":4,"a\u0301":5}"#,
        r#"{"x":"x","y":"x"}"#,
        r#"[{"a":1},{"a":1}]"#,
    ] {
        assert_eq!(fault(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn bounds_depth() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(fault(nested(MAX_DEPTH).as_bytes()), None);
    assert_eq!(
        fault(nested(MAX_DEPTH + 1).as_bytes()),
        Some(JsonFault::TooDeep)
    );
    assert_eq!(
        fault("[".repeat(100_000).as_bytes()),
        Some(JsonFault::TooDeep)
    );
    let wide = format!("[{}[]]", "[],".repeat(10_000));
    assert_eq!(fault(wide.as_bytes()), None);
    let objects = format!("{}1{}", "{\"a\":".repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH));
    assert_eq!(fault(objects.as_bytes()), None);
}

#[test]
fn bounds_length() {
    let mut text = vec![b' '; MAX_TEXT_BYTES - 1];
    text.push(b'1');
    assert_eq!(fault(&text), None);
    text.push(b' ');
    assert_eq!(fault(&text), Some(JsonFault::TooLong));
}

#[test]
fn reads_plain_integers_only() {
    for (text, value) in [
        ("0", Some(0)),
        ("-1", Some(-1)),
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("-0", None),
        ("1.0", None),
        ("1e0", None),
        ("\"1\"", None),
        ("true", None),
    ] {
        assert_eq!(
            Document::parse(text.into()).unwrap().root().as_integer(),
            value,
            "{text}"
        );
    }
    let long = "9".repeat(100_000);
    assert_eq!(
        Document::parse(long.clone().into())
            .unwrap()
            .root()
            .as_number(),
        Some(&*long)
    );
}

#[test]
fn reports_the_offset() {
    let error = Document::parse(b"{\"a\":1, x".to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "the text is not JSON (at byte 8)");
}

/// No text, however malformed, is slow or panics: every prefix of a text with all kinds of values,
/// and every single-byte change of it.
#[test]
fn survives_every_small_corruption() {
    let text = r#"{"a":[1,-2.5e7,{"\u0062\ud83d\ude00":"x\\"}],"c":{"d":null,"e":true},"f":"é"}"#
        .as_bytes();
    assert_eq!(fault(text), None);
    for end in 0..text.len() {
        assert!(fault(&text[..end]).is_some());
    }
    for place in 0..text.len() {
        for byte in 0..=255 {
            let mut damaged = text.to_vec();
            damaged[place] = byte;
            if let Ok(document) = Document::parse(damaged) {
                assert!(
                    document
                        .root()
                        .members()
                        .is_some_and(|members| members.count() == 3)
                );
            }
        }
    }
}
