//! Headers derived from a file's name: its content type, and the name to save it under.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters to escape in a `filename*` value: all except the attribute characters of RFC 8187.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The content type for the extension; `application/octet-stream` if it is unknown.
pub(super) fn content_type(key: &str) -> String {
    mime_guess::from_path(name(key))
        .first_or_octet_stream()
        .essence_str()
        .to_owned()
}

/// The `Content-Disposition` for a key. `filename` has the name in ASCII, with `_` for other characters, for
/// old clients. If the real name differs, `filename*` has it in the form of RFC 8187.
pub(super) fn disposition(key: &str, is_inline: bool) -> String {
    let kind = if is_inline { "inline" } else { "attachment" };
    let name = name(key);
    if name.is_empty() {
        return kind.to_owned();
    }
    // A quote or a backslash would end the quoted string, and some clients decode `%`.
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    if plain == name {
        format!("{kind}; filename=\"{plain}\"")
    } else {
        let value = utf8_percent_encode(name, VALUE);
        format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{value}")
    }
}

/// The part after the last slash.
fn name(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe() {
        let table = [
            ("a/b.mp4", r#"attachment; filename="b.mp4""#, "video/mp4"),
            (
                "slides 1.PDF",
                r#"attachment; filename="slides 1.PDF""#,
                "application/pdf",
            ),
            (
                "a/ü\"b.html",
                r#"attachment; filename="__b.html"; filename*=UTF-8''%C3%BC%22b.html"#,
                "text/html",
            ),
            (
                "a\r\nSet-Cookie: x=y.txt",
                r#"attachment; filename="a__Set-Cookie: x=y.txt"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x%3Dy.txt"#,
                "text/plain",
            ),
            (
                "'*%41.bin",
                r#"attachment; filename="'*_41.bin"; filename*=UTF-8''%27%2A%2541.bin"#,
                "application/octet-stream",
            ),
            (
                "noextension",
                r#"attachment; filename="noextension""#,
                "application/octet-stream",
            ),
            ("folder/", "attachment", "application/octet-stream"),
        ];
        for (key, expect, kind) in table {
            assert_eq!(disposition(key, false), expect);
            assert_eq!(content_type(key), kind, "{key}");
        }
        assert_eq!(disposition("a.mp4", true), r#"inline; filename="a.mp4""#);
    }
}
