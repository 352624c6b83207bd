//! Settings one per line: environment files, ini files, YAML, TOML and HCL.
//!
//! Not here: the settings that matter.

use super::found::{Found, Setting};

/// Parses `name = value` and `name: value`.
pub(super) fn read(text: &str) -> Vec<Setting> {
    let all: Vec<&str> = text.lines().collect();
    let settings = all.iter().enumerate().filter_map(|(at, line)| {
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
            found: match found(value.get(1..)?.trim()) {
                Found::Other(value) if value.is_empty() && starts_list(&all, at + 1) => {
                    Found::Other("a list".to_owned())
                }
                found => found,
            },
        })
    });
    settings.collect()
}

/// Whether the first non-empty line from `at` is an item of a list.
fn starts_list(lines: &[&str], at: usize) -> bool {
    let mut rest = lines.iter().skip(at).map(|line| line.trim());
    let first = rest.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line == "-" || line.starts_with("- ") || line.starts_with('['))
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
