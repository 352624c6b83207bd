//! Pattern matching, by exhaustive search.

use std::collections::BTreeMap;

/// The values of the `{name}` pieces of a pattern.
pub(crate) type Captures = BTreeMap<String, String>;

/// Matches the pieces of a pattern against the pieces of a path. A trailing slash is an empty last
/// piece on both sides, so that `/a/` and `/a` differ like any two paths.
pub(crate) fn matches(pattern: &[&str], path: &[String]) -> Option<Captures> {
    match (pattern, path) {
        // `**` at the end: everything below the slash, and the slash itself.
        ([], []) | (["**"], [_, ..]) => Some(Captures::new()),
        (["**", more @ ..], _) if !more.is_empty() => matches(more, path).or_else(|| match path {
            [name, below @ ..] if !name.is_empty() => matches(pattern, below),
            _ => None,
        }),
        ([piece, more @ ..], [name, below @ ..]) => {
            let mut captures = matches(more, below)?;
            // Only the empty piece matches the empty name.
            let mut fits = piece.is_empty() == name.is_empty();
            if piece.starts_with('{') {
                captures.insert(piece.replace(['{', '}'], ""), name.clone());
            } else {
                fits = fits && glob(piece.as_bytes(), name.as_bytes());
            }
            fits.then_some(captures)
        }
        _ => None,
    }
}

/// Whether a string matches a pattern in which `*` matches any string.
pub(crate) fn is_like(pattern: &str, text: &str) -> bool {
    glob(pattern.as_bytes(), text.as_bytes())
}

fn glob(piece: &[u8], name: &[u8]) -> bool {
    match (piece, name) {
        ([], []) => true,
        ([b'*', more @ ..], []) => glob(more, name),
        ([b'*', more @ ..], [_, rest @ ..]) => glob(more, name) || glob(piece, rest),
        ([letter, more @ ..], [same, rest @ ..]) => letter == same && glob(more, rest),
        _ => false,
    }
}

/// Inserts captures into a name such as `course-{course}`.
pub(crate) fn fill(template: &str, captures: &Captures) -> String {
    captures
        .iter()
        .fold(template.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
}
