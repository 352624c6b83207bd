//! Settings one per line: environment files, ini files, YAML, TOML and HCL.
//!
//! Not here: which settings matter.

use super::found::{Found, Setting};

/// Reads `name = value` and `name: value`.
pub(super) fn read(text: &str) -> Vec<Setting> {
    let lines = text.lines().enumerate();
    let settings = lines.filter_map(|(at, line)| {
        let line = line.trim();
        let is_comment = ["#", ";", "//", "[", "*", "/*"]
            .iter()
            .any(|start| line.starts_with(start));
        let at_sign = line.find(['=', ':']).filter(|_| !is_comment)?;
        let (name, value) = line.split_at_checked(at_sign)?;
        let name = name
            .rsplit(char::is_whitespace)
            .find(|word| !word.is_empty())?;
        Some(Setting {
            name: name.trim_matches(['"', '\'']).to_owned(),
            line: at + 1,
            found: found(value.get(1..)?.trim()),
        })
    });
    settings.collect()
}

fn found(value: &str) -> Found {
    let quote = value.chars().next().filter(|c| "\"'`".contains(*c));
    if let Some(quote) = quote
        && let Some((text, _)) = value.get(1..).and_then(|rest| rest.split_once(quote))
    {
        return Found::Text(text.to_owned());
    }
    let comment = [" #", " //", " ;", "\t#"]
        .iter()
        .filter_map(|start| value.find(start))
        .min();
    let value = value
        .get(..comment.unwrap_or(value.len()))
        .unwrap_or_default();
    let value = value.trim().trim_end_matches([';', ',']).trim();
    let is_plain = |c: char| c.is_alphanumeric() || "_-.:/@+".contains(c);
    match value {
        "" | "null" | "~" => Found::Other(value.to_owned()),
        _ if value.chars().all(is_plain) => Found::Text(value.to_owned()),
        _ => Found::Expression(value.to_owned()),
    }
}
