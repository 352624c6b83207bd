//! The identity of the user, as header fields for the origin.
//!
//! All fields are always sent, empty for an unauthenticated client, so that an origin never reads values that
//! a client has sent. Not here: removing the client's own fields with these names.

use alloc::{borrow::Cow, string::String, vec::Vec};

use tollgate_core::Facts;

/// The subject.
pub(crate) const SUBJECT: &str = "x-tollgate-subject";
/// The groups, separated by commas.
pub(crate) const GROUPS: &str = "x-tollgate-groups";
/// The name of the issuer in the policy.
pub(crate) const ISSUER: &str = "x-tollgate-issuer";
/// The rule that allowed the request, as `course/id`.
pub(crate) const RULE: &str = "x-tollgate-rule";

/// The header fields that a gate adds.
pub const ADDED_HEADERS: [&str; 4] = [SUBJECT, GROUPS, ISSUER, RULE];

/// The data for the identity headers of a request.
pub(crate) struct IdentityHeaders<'a> {
    /// The facts of a verified token, and the name of its issuer.
    pub(crate) user: Option<(&'a Facts, &'a str)>,
    /// The rule that allowed the request.
    pub(crate) rule: &'a str,
}

impl IdentityHeaders<'_> {
    /// The header fields.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let (subject, groups, issuer) = match self.user {
            None => (String::new(), String::new(), String::new()),
            Some((facts, issuer)) => {
                let groups: Vec<_> = facts.groups().map(|group| escaped(group)).collect();
                let subject = facts.subject().map(escaped).unwrap_or_default();
                (subject.into_owned(), groups.join(","), issuer.into())
            }
        };
        Vec::from([
            (SUBJECT, subject),
            (GROUPS, groups),
            (ISSUER, issuer),
            (RULE, self.rule.into()),
        ])
    }
}

/// Percent-encodes everything except visible ASCII, and also `%` and `,`. A header field can contain nothing
/// else, and a comma separates groups.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%' && byte != b',';
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if is_plain(byte) {
            escaped.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
            escaped.push('%');
            escaped.extend([byte >> 4, byte & 15].map(|half| digit(half).to_ascii_uppercase()));
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn values_are_visible_ascii_and_unambiguous() {
        for (text, expect) in [
            ("alice", "alice"),
            ("alice@example.com", "alice@example.com"),
            ("a b", "a%20b"),
            ("a,b", "a%2Cb"),
            ("50%", "50%25"),
            ("Jürgen", "J%C3%BCrgen"),
            ("a\r\nx-evil: 1", "a%0D%0Ax-evil:%201"),
            ("", ""),
        ] {
            assert_eq!(escaped(text), expect);
        }
    }
}
