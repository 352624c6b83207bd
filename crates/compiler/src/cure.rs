//! Help that is derived from what the author wrote.
//!
//! Each is a line of help: an imperative, with text to paste if possible. Not here: finding errors.

use crate::diagnostic::{Applicability, Code, shown, shown_address};

/// The help for a diagnostic that has none of its own.
pub(crate) fn explanation(code: &Code) -> String {
    format!("run `tollgate check --explain {}`", code.id)
}

/// The help for a path that does not start with a slash.
pub(crate) fn absolute(text: &str) -> String {
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        return format!("remove scheme and host: `{}`", shown(path));
    }
    if is_regex(text) {
        let path = text
            .trim_start_matches('^')
            .trim_end_matches('$')
            .replace(".*", "*");
        return format!(
            "patterns are not regular expressions: write `{}` for one segment, `/**` at the end for everything below",
            shown(&with_slash(&path))
        );
    }
    if let Some((_, rest)) = drive(text) {
        let path = with_slash(&rest.replace('\\', "/"));
        return format!(
            "write the path of the URL, not that of a file: `{}`",
            shown(&path)
        );
    }
    if text.contains('\\') {
        let path = with_slash(&text.replace('\\', "/"));
        return format!("write slashes: `{}`", shown(&path));
    }
    let path = text.trim_start_matches("./").trim_start_matches("../");
    format!("write `{}`", shown(&with_slash(path)))
}

/// The path that [`absolute`] suggests, if it suggests one.
pub(crate) fn absolute_path(text: &str) -> Option<(Applicability, String)> {
    if is_regex(text) || drive(text).is_some() {
        return None;
    }
    if let Some((_, rest)) = text.split_once("://") {
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        return Some((Applicability::Unsure, path.to_owned()));
    }
    if text.contains('\\') {
        return Some((Applicability::Unsure, with_slash(&text.replace('\\', "/"))));
    }
    let path = text.trim_start_matches("./").trim_start_matches("../");
    let applicability = match path == text {
        true => Applicability::Safe,
        false => Applicability::Unsure,
    };
    Some((applicability, with_slash(path)))
}

fn with_slash(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

/// Whether a string has syntax that only regular expressions have.
fn is_regex(text: &str) -> bool {
    text.starts_with('^') || text.ends_with('$') || text.contains(".*") || text.contains("\\d")
}

/// The letter of a disk, and what follows it.
fn drive(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let letter = chars.next().filter(char::is_ascii_alphabetic)?;
    let rest = chars.as_str().strip_prefix(':')?;
    rest.starts_with(['\\', '/']).then_some((letter, rest))
}

/// The help for a segment that means several names, such as `{a,b}` or `*.{jpg,png}`.
pub(crate) fn alternatives(segment: &str) -> Option<String> {
    let (before, rest) = segment.split_once('{')?;
    let (inner, after) = rest.split_once('}')?;
    if !inner.contains(',') || after.contains('{') {
        return None;
    }
    let each: Vec<String> = inner
        .split(',')
        .map(|one| format!("`{before}{}{after}`", one.trim()))
        .collect();
    Some(format!("write one pattern for each: {}", shown_list(&each)))
}

/// A list in words, cut where it gets long.
fn shown_list(items: &[String]) -> String {
    const MOST: usize = 6;
    let mut text = items
        .iter()
        .take(MOST)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if items.len() > MOST {
        text.push_str(", …");
    }
    text
}

/// The help for a missing key set.
pub(crate) fn missing_key_set(name: &str) -> String {
    format!(
        "run `tollgate keys fetch`, or save what the issuer publishes at the `jwks_uri` of its discovery document as `{}`",
        shown(name)
    )
}

/// The help for a missing secret of at least this many bytes; `path` is its file as the caller sees it.
pub(crate) fn missing_secret(name: &str, path: &str, least: usize) -> String {
    /// The size of the secrets that the command makes.
    const MADE: usize = 32;
    let old = format!(
        "write the secret from where you keep it to `{}`",
        shown(name)
    );
    match least > MADE {
        true => format!(
            "{old}; a new one is at least {least} random bytes as base64url, without padding"
        ),
        false => format!(
            "{old}; for a new one run `tollgate keys new --alg HS256 --secret {}`",
            shown_address(path)
        ),
    }
}

/// The problem with the text of a file that should be a key set, and its help.
pub(crate) fn key_set(text: &str) -> Option<(&'static str, &'static str)> {
    const FROM_PROVIDER: &str = "run `tollgate keys fetch`, or save what the provider publishes at the `jwks_uri` of its discovery document";
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Some(("the file is empty", FROM_PROVIDER));
    }
    if text.starts_with("-----BEGIN") {
        return Some((
            "it is a PEM file, not a JSON Web Key Set",
            "convert the public key to a JSON Web Key, and write `{\"keys\": [ … ]}` around it",
        ));
    }
    if text.starts_with('<') {
        return Some((
            "it is an HTML or XML page, not a JSON Web Key Set",
            "the address was not that of a key set: remove the file and run `tollgate keys fetch`, or save what the \
             provider publishes at its `jwks_uri`",
        ));
    }
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => return None,
    };
    if value.is_array() {
        return Some((
            "it is a list of keys without the object around it",
            "write `{\"keys\": [ … ]}` around the list",
        ));
    }
    if value.get("kty").is_some() {
        return Some((
            "it is a single key, not a key set",
            "write `{\"keys\": [ … ]}` around the key",
        ));
    }
    if value.get("jwks_uri").is_some() {
        return Some((
            "it is a discovery document, not a key set",
            "remove the file and run `tollgate keys fetch`, or save what is at the address that its `jwks_uri` names",
        ));
    }
    if value
        .get("keys")
        .is_some_and(|keys| keys.as_array().is_some_and(Vec::is_empty))
    {
        return Some(("its list of keys is empty", FROM_PROVIDER));
    }
    if value.is_object() && value.get("keys").is_none() {
        return Some(("it has no member `keys`", FROM_PROVIDER));
    }
    None
}

/// The problem with the text of a file that should be a discovery document, where it is clear what it is instead.
pub(crate) fn discovery(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Some("the file is empty");
    }
    if text.starts_with('<') {
        return Some("it is an HTML or XML page");
    }
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let is_key_set = value.get("keys").is_some() && value.get("authorization_endpoint").is_none();
    is_key_set.then_some("it is a key set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_without_a_slash() {
        let table = [
            ("courses", "write `/courses`"),
            ("./courses", "write `/courses`"),
            ("\\courses\\a", "write slashes: `/courses/a`"),
            (
                "https://cdn.example/x/**",
                "remove scheme and host: `/x/**`",
            ),
            ("https://cdn.example", "remove scheme and host: `/`"),
            (
                "C:\\films",
                "write the path of the URL, not that of a file: `/films`",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(absolute(text), expected, "{text}");
        }
        assert!(absolute("^/x.*$").contains("write `/x*` for one segment"));
    }

    #[test]
    fn several_names_in_one_segment() {
        assert_eq!(
            alternatives("*.{jpg, png}").as_deref(),
            Some("write one pattern for each: `*.jpg`, `*.png`")
        );
        assert_eq!(
            alternatives("{a,b}").as_deref(),
            Some("write one pattern for each: `a`, `b`")
        );
        assert_eq!(alternatives("{a}"), None);
        assert_eq!(alternatives("a"), None);
    }
}
