//! `[[issuer]]` tables and their key files.
//!
//! Not here: determining the issuers.

use tollgate_compiler::limits::MAX_TEXT_BYTES;

use super::Imported;
use super::write::{comment, quoted};

/// The published public keys of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// The name of the issuer in the policy; required if there are several.
    pub issuer: Option<String>,
    /// The JWKS.
    pub text: String,
}

/// An issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issuer {
    pub(super) name: String,
    /// Lines of its table.
    pub(super) lines: String,
    /// The URLs of its keys.
    pub(super) published: Vec<String>,
}

/// Writes the tables. Tables without keys are comments that describe how to complete them. Returns
/// the text and the names of the issuers that are complete.
pub(super) fn tables(
    issuers: &[Issuer],
    keys: &[KeySet],
    out: &mut Imported,
) -> (String, Vec<String>) {
    let (mut text, mut ready) = (String::new(), Vec::new());
    for issuer in issuers {
        let file = format!("keys/{}.jwks.json", issuer.name);
        let mut table = format!(
            "[[issuer]]\nname = {}\n{}jwks = {}\n",
            quoted(&issuer.name),
            issuer.lines,
            quoted(&file)
        );
        // One URL is refreshed at run time; the keys of several have to be joined manually.
        if let [url] = issuer.published.as_slice()
            && is_url(url)
        {
            table.push_str(&format!("refresh = {}\n", quoted(url)));
        }
        let own = |keys: &&KeySet| match &keys.issuer {
            Some(name) => *name == issuer.name,
            None => issuers.len() == 1,
        };
        if let Some(keys) = keys.iter().find(own) {
            out.files.push((file, keys.text.clone()));
            ready.push(issuer.name.clone());
            text.push_str(&format!("\n{table}"));
            continue;
        }
        let published = issuer.published.join(" and ");
        let keys = match issuer.published.as_slice() {
            [_] => format!("save {published} as {file}"),
            _ => format!("save the keys of {published} together as {file}"),
        };
        let warning = format!(
            "no token of `{}` is accepted yet: {keys}, and remove the `#` before its `[[issuer]]`",
            issuer.name
        );
        text.push_str(&format!("\n{}{}", comment(&warning), comment(&table)));
        out.warnings.push(warning);
    }
    (text, ready)
}

/// Whether the compiler accepts the URL of an issuer.
pub(super) fn is_url(text: &str) -> bool {
    let is_plain = !text.contains(['?', '#', '\\']) && text.chars().all(|c| c.is_ascii_graphic());
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
    let is_short = text.len() <= MAX_TEXT_BYTES;
    is_short
        && is_plain
        && host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.chars().all(is_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_without_keys_are_comments() {
        let issuer = |name: &str, urls: &[&str]| Issuer {
            name: name.to_owned(),
            lines: "clients = [\"c\"]\n".to_owned(),
            published: urls.iter().map(|url| (*url).to_owned()).collect(),
        };
        let keys = |issuer: Option<&str>| KeySet {
            issuer: issuer.map(str::to_owned),
            text: "{}".to_owned(),
        };
        let (one, two) = (
            issuer("a", &["https://a/k"]),
            issuer("b", &["https://b/k", "file:///b"]),
        );
        for (issuers, given, ready, warnings, files) in [
            (vec![one.clone()], vec![], vec![], 1, 0),
            (vec![one.clone()], vec![keys(None)], vec!["a"], 0, 1),
            (vec![one.clone()], vec![keys(Some("x"))], vec![], 1, 0),
            (
                vec![one.clone(), two.clone()],
                vec![keys(None)],
                vec![],
                2,
                0,
            ),
            (vec![one, two], vec![keys(Some("b"))], vec!["b"], 1, 1),
        ] {
            let mut out = Imported::default();
            let (text, found) = tables(&issuers, &given, &mut out);
            assert_eq!(found, ready, "{text}");
            assert_eq!(
                (out.warnings.len(), out.files.len()),
                (warnings, files),
                "{text}"
            );
            assert_eq!(text.matches("\n# [[issuer]]").count(), warnings, "{text}");
            assert!(!text.contains("\nrefresh = \"https://b/k\""), "{text}");
        }
    }

    #[test]
    fn urls_of_issuers() {
        for (url, want) in [
            ("https://id.example/", true),
            ("https://id.example:8443/x", true),
            ("http://id.example/", false),
            ("https://", false),
            ("https:///x", false),
            ("https://u@id.example", false),
            ("https://id.example/?x", false),
            ("https://id example/", false),
        ] {
            assert_eq!(is_url(url), want, "{url}");
        }
    }
}
