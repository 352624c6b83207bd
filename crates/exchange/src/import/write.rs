//! Writing policy files, so that whatever a source held ends up as text and never as structure.

use super::Imported;

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A TOML list of strings.
pub(super) fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Lines of comment.
pub(super) fn comment(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.lines()
        .map(|line| format!("# {}\n", line.chars().map(plain).collect::<String>()))
        .collect()
}

/// An id made of a name: small letters, digits and dashes.
pub(super) fn id(name: &str, taken: &mut Vec<String>) -> String {
    let mut id = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
        if id.len() >= 60 {
            break;
        }
    }
    let id = id.trim_end_matches('-');
    let id = if id.is_empty() { "rule" } else { id };
    let mut name = id.to_owned();
    let mut count = 1;
    while taken.contains(&name) {
        count += 1;
        name = format!("{id}-{count}");
    }
    taken.push(name.clone());
    name
}

/// The beginning of a `site.toml`.
pub(super) fn head(site: &str, source: &str) -> String {
    format!(
        "# Made from {source}. Whatever is not written here is denied.\nschema = 1\n\n[site]\nname = {}\n",
        quoted(site)
    )
}

/// The place of an issuer's keys.
const KEYS_FILE: &str = "keys/imported.jwks.json";

/// An issuer, ready if its `keys` are at hand, else as a comment that says how to finish it. `published` is
/// where the keys are fetched again at run time.
pub(super) fn issuer(
    table: &str,
    published: &str,
    keys: Option<&str>,
    out: &mut Imported,
) -> String {
    let table = format!(
        "[[issuer]]\n{table}jwks = {}\nrefresh = {}\n",
        quoted(KEYS_FILE),
        quoted(published)
    );
    if let Some(keys) = keys {
        out.files.push((KEYS_FILE.to_owned(), keys.to_owned()));
        return format!("\n{table}");
    }
    let note = format!(
        "no token is good yet: save {published} as {KEYS_FILE}, and take the `#` from the issuer"
    );
    let text = format!("\n{}{}", comment(&note), comment(&table));
    out.notes.push(note);
    text
}
