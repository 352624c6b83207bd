//! One record per decision, for the operator.
//!
//! It names the rule and the policy that decided, and never contains a token, a query, a subject or an
//! address. Not here: where records are written, and when they are dropped.

use alloc::{borrow::ToOwned, string::String, sync::Arc};
use core::fmt::{self, Write};

use tollgate_core::{ImageId, Reason, UnixSeconds};

use crate::kind::Kind;

/// The log record of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The time of the request, as the edge passed it.
    pub time: UnixSeconds,
    /// The policy that decided; `None` if no policy was loaded.
    pub policy: Option<ImageId>,
    /// The site's name.
    pub site: Arc<str>,
    /// Allow, deny or reject.
    pub outcome: Kind,
    /// The status of the response, 200 for allow.
    pub status: u16,
    /// The reason code.
    pub reason: Reason,
    /// The detail code of the token or path error.
    pub detail: Option<&'static str>,
    /// The rule that decided, as `course/id`.
    pub rule: Option<String>,
    /// The method, cut to [`LogRecord::MAX_METHOD_BYTES`].
    pub method: String,
    /// The raw path in visible ASCII, cut to [`LogRecord::MAX_PATH_BYTES`]; other bytes are written `\xNN`.
    pub path: String,
    /// The token's status. A path that needs no token is allowed with any status.
    pub token: TokenStatus,
}

/// The result of checking the token of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// Not read, because the path was rejected first.
    Unread,
    /// The request has none.
    Absent,
    /// The token is invalid.
    Bad {
        /// The stable code.
        code: &'static str,
        /// The malformed claim, if that is the reason.
        claim: Option<Arc<str>>,
        /// The configured issuer, if the signature is valid.
        issuer: Option<Arc<str>>,
    },
    /// The token is valid and from this configured issuer.
    Verified(Arc<str>),
    /// A session of this gate, of a user who signed in at this configured issuer.
    Session(Arc<str>),
}

impl LogRecord {
    /// Longest path in a record, in bytes; a longer one is truncated and ends in `…`.
    pub const MAX_PATH_BYTES: usize = 1_024;
    /// Longest method in a record, in bytes.
    pub const MAX_METHOD_BYTES: usize = 32;

    /// Writes the record as a single JSON object without a line end.
    ///
    /// Written by hand: the shape is flat and fixed, and a JSON library would add a tenth to the size of an
    /// edge module.
    ///
    /// # Errors
    ///
    /// Returns only errors of `out`.
    pub fn write_json(&self, out: &mut impl Write) -> fmt::Result {
        write!(out, "{{\"time\":{},\"policy\":", self.time.0)?;
        match self.policy {
            Some(id) => {
                out.write_char('"')?;
                id.0.iter().try_for_each(|byte| write_hex(out, *byte))?;
                out.write_char('"')?;
            }
            None => out.write_str("null")?,
        }
        write_member(out, "site", Some(&self.site))?;
        write_member(out, "outcome", Some(self.outcome.code()))?;
        write!(out, ",\"status\":{}", self.status)?;
        write_member(out, "reason", Some(self.reason.code()))?;
        write_member(out, "detail", self.detail)?;
        write_member(out, "rule", self.rule.as_deref())?;
        write_member(out, "method", Some(&self.method))?;
        write_member(out, "path", Some(&self.path))?;
        let (token, issuer, claim) = match &self.token {
            TokenStatus::Unread => ("unread", None, None),
            TokenStatus::Absent => ("absent", None, None),
            TokenStatus::Bad {
                code,
                claim,
                issuer,
            } => (*code, issuer.as_deref(), claim.as_deref()),
            TokenStatus::Verified(issuer) => ("verified", Some(&**issuer), None),
            TokenStatus::Session(issuer) => ("session", Some(&**issuer), None),
        };
        write_member(out, "token", Some(token))?;
        write_member(out, "issuer", issuer)?;
        if let Some(claim) = claim {
            write_member(out, "claim", Some(claim))?;
        }
        out.write_char('}')
    }

    /// The record of a failure before a gate was called.
    pub(crate) fn internal(method: &str, status: u16, detail: &'static str) -> Self {
        Self {
            time: UnixSeconds(0),
            policy: None,
            site: "".into(),
            outcome: Kind::Deny,
            status,
            reason: Reason::Internal,
            detail: Some(detail),
            rule: None,
            method: shown_method(method),
            path: String::new(),
            token: TokenStatus::Unread,
        }
    }
}

/// Truncates a method for a record.
pub(crate) fn shown_method(method: &str) -> String {
    let fits = |end: &usize| method.is_char_boundary(*end);
    let end = (0..=method.len().min(LogRecord::MAX_METHOD_BYTES))
        .rev()
        .find(fits)
        .unwrap_or(0);
    method.get(..end).unwrap_or_default().to_owned()
}

/// Escapes and truncates a raw path for a record.
pub(crate) fn shown_path(raw: &[u8]) -> String {
    let mut shown = String::with_capacity(raw.len().min(LogRecord::MAX_PATH_BYTES));
    for byte in raw {
        if shown.len() >= LogRecord::MAX_PATH_BYTES {
            shown.push('…');
            break;
        }
        match byte {
            b'\\' => shown.push_str("\\\\"),
            b'!'..=b'~' => shown.push(char::from(*byte)),
            // Writing to a string cannot fail.
            _ => _ = write!(shown, "\\x{byte:02x}"),
        }
    }
    shown
}

/// Writes two digits without the formatting machinery: every record has sixteen such bytes.
fn write_hex(out: &mut impl Write, byte: u8) -> fmt::Result {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    out.write_char(digit(byte >> 4))?;
    out.write_char(digit(byte & 15))
}

fn write_member(out: &mut impl Write, name: &str, value: Option<&str>) -> fmt::Result {
    out.write_str(",\"")?;
    out.write_str(name)?;
    out.write_str("\":")?;
    match value {
        Some(text) => write_string(out, text),
        None => out.write_str("null"),
    }
}

fn needs_escape(c: char) -> bool {
    matches!(
        c,
        '"' | '\\' | '\0'..='\x1F' | '\x7F'..='\u{9F}' | '\u{2028}' | '\u{2029}'
    )
}

/// Writes a JSON string. Control characters, and the two line separators that break log readers, are escaped.
fn write_string(out: &mut impl Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    // Almost every string needs no escapes and is written in one piece.
    let mut rest = text;
    while let Some((at, c)) = rest.char_indices().find(|(_, c)| needs_escape(*c)) {
        out.write_str(rest.get(..at).unwrap_or_default())?;
        if matches!(c, '"' | '\\') {
            write!(out, "\\{c}")?;
        } else {
            write!(out, "\\u{:04x}", u32::from(c))?;
        }
        rest = rest.get(at + c.len_utf8()..).unwrap_or_default();
    }
    out.write_str(rest)?;
    out.write_char('"')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_record_is_one_json_object() {
        let record = LogRecord {
            time: UnixSeconds(1_800_000_000),
            policy: None,
            site: "a \"site\"".into(),
            outcome: Kind::Allow,
            status: 200,
            reason: Reason::Allow,
            detail: None,
            rule: Some("rust-101/students".to_string()),
            method: "GET".to_string(),
            path: shown_path(b"/a\\b\x00\xffc d"),
            token: TokenStatus::Verified("learners".into()),
        };
        let mut text = String::new();
        record
            .write_json(&mut text)
            .expect("writing to a string cannot fail");
        assert_eq!(
            text,
            concat!(
                r#"{"time":1800000000,"policy":null,"site":"a \"site\"","outcome":"allow","#,
                r#""status":200,"reason":"allow","detail":null,"rule":"rust-101/students","#,
                r#""method":"GET","path":"/a\\\\b\\x00\\xffc\\x20d","token":"verified","#,
                r#""issuer":"learners"}"#
            )
        );
    }

    #[test]
    fn strings_cannot_end_a_line_or_a_string() {
        let table = [
            ("a", r#""a""#),
            ("\"\\", r#""\"\\""#),
            ("\n\r\t\0\u{1b}", r#""\u000a\u000d\u0009\u0000\u001b""#),
            (
                "\u{7f}\u{85}\u{2028}\u{2029}",
                r#""\u007f\u0085\u2028\u2029""#,
            ),
            ("für 😀", "\"für 😀\""),
        ];
        for (text, expect) in table {
            let mut out = String::new();
            write_string(&mut out, text).expect("writing to a string cannot fail");
            assert_eq!(out, expect);
        }
    }

    #[test]
    fn long_input_is_cut() {
        let path = shown_path(&[b'a'; 5_000]);
        assert_eq!(path.chars().count(), LogRecord::MAX_PATH_BYTES + 1);
        assert!(path.ends_with('…'));
        let hostile = shown_path(&[0xFF; 5_000]);
        assert!(hostile.len() < LogRecord::MAX_PATH_BYTES + 8);
        assert_eq!(
            shown_method(&"M".repeat(100)).len(),
            LogRecord::MAX_METHOD_BYTES
        );
        assert_eq!(
            shown_method(&"é".repeat(100)).len(),
            LogRecord::MAX_METHOD_BYTES
        );
        assert_eq!(shown_method("GÉT"), "GÉT");
    }
}
