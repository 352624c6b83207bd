//! The layout of policy files.
//!
//! One layout for every file, so that a diff shows what an author changed and nothing else. Comments and the
//! order of everything stay. Not here: what the files say.

use taplo::formatter::{self, Options};

/// The text in the one layout, or `None` if it is not TOML.
///
/// # Example
/// ```
/// use tollgate_author::format::formatted;
///
/// let text = "allow=[ '/a' ]   # all of it\n\n\n\nanyone   =true";
/// assert_eq!(formatted(text).as_deref(), Some("allow = ['/a'] # all of it\n\nanyone = true\n"));
/// assert_eq!(formatted("allow = "), None);
/// ```
pub fn formatted(text: &str) -> Option<String> {
    let options = Options {
        align_comments: true,
        align_entries: false,
        allowed_blank_lines: 1,
        array_auto_collapse: false,
        // Tables of tests are laid out by those who read them.
        array_auto_expand: false,
        compact_arrays: true,
        compact_inline_tables: false,
        indent_string: "  ".to_owned(),
        reorder_arrays: false,
        reorder_inline_tables: false,
        reorder_keys: false,
        trailing_newline: true,
        ..Options::default()
    };
    let parsed = taplo::parser::parse(text);
    if !parsed.errors.is_empty() {
        return None;
    }
    let once = formatter::format_syntax(parsed.into_syntax(), options.clone());
    // Layout that depends on the layout before it is no layout: what comes out must stay as it is.
    let twice = formatter::format(&once, options);
    let same = toml::de::DeTable::parse(text)
        .ok()
        .zip(toml::de::DeTable::parse(&twice).ok());
    let (before, after) = same?;
    (plain(before.get_ref()) == plain(after.get_ref())).then_some(twice)
}

/// What the tables say, without places.
fn plain(table: &toml::de::DeTable<'_>) -> String {
    // A table prints its values and not where they stand.
    let entries = table
        .iter()
        .map(|(key, value)| format!("{:?} = {};", key.get_ref(), value_of(value.get_ref())));
    entries.collect()
}

fn value_of(value: &toml::de::DeValue<'_>) -> String {
    use toml::de::DeValue;
    match value {
        DeValue::Table(table) => format!("{{{}}}", plain(table)),
        DeValue::Array(list) => {
            let list = list.iter().map(|value| value_of(value.get_ref()) + ",");
            format!("[{}]", list.collect::<String>())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => format!("{}:{}", number.radix(), number.as_str()),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
    }
}
