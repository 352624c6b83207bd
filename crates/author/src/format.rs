//! The formatter for policy files.
//!
//! All files have one format, so that a diff shows only what an author changed. Comments and order
//! are preserved, and aligned comments stay aligned. Not here: the meaning of the files.

mod comments;

use core::fmt;

use taplo::formatter::{self, Options};

/// The reason why a text cannot be formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// It is not TOML.
    NotToml,
    /// It is TOML that the formatter does not support, such as a newer edition.
    Unsupported,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotToml => "it is not TOML",
            Self::Unsupported => "it is TOML 1.1, and only TOML 1.0 can be formatted",
        })
    }
}

impl core::error::Error for FormatError {}

/// Formats a text. A byte order mark and the style of line endings are preserved.
///
/// # Errors
/// Returns an error if it is not TOML that the formatter supports.
///
/// # Example
/// ```
/// use tollgate_author::format::{FormatError, formatted};
///
/// let text = "allow=[ '/a' ]   # all of it\n\n\n\nanyone   =true";
/// assert_eq!(formatted(text).as_deref(), Ok("allow = ['/a'] # all of it\n\nanyone = true\n"));
/// assert_eq!(formatted("allow = "), Err(FormatError::NotToml));
/// ```
pub fn formatted(text: &str) -> Result<String, FormatError> {
    const BYTE_ORDER_MARK: &str = "\u{feff}";
    match text.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => Ok(format!("{BYTE_ORDER_MARK}{}", laid_out(rest)?)),
        None => laid_out(text),
    }
}

fn laid_out(text: &str) -> Result<String, FormatError> {
    let first_line = text.split_inclusive('\n').next().unwrap_or_default();
    let options = Options {
        // Comments stay aligned as their author aligned them.
        align_comments: false,
        align_entries: false,
        allowed_blank_lines: 1,
        array_auto_collapse: false,
        // Authors lay out the tables of tests themselves.
        array_auto_expand: false,
        compact_arrays: true,
        compact_inline_tables: false,
        crlf: first_line.ends_with("\r\n"),
        indent_string: "  ".to_owned(),
        reorder_arrays: false,
        reorder_inline_tables: false,
        reorder_keys: false,
        trailing_newline: true,
        ..Options::default()
    };
    let before = toml::de::DeTable::parse(text).map_err(|_| FormatError::NotToml)?;
    let parsed = taplo::parser::parse(text);
    if !parsed.errors.is_empty() {
        return Err(FormatError::Unsupported);
    }
    let once = formatter::format_syntax(parsed.into_syntax(), options.clone());
    // Formatting must be idempotent: formatting the result again must not change it.
    let twice = formatter::format(&once, options);
    let laid_out = comments::align(text, &twice).ok_or(FormatError::Unsupported)?;
    let after = toml::de::DeTable::parse(&laid_out).map_err(|_| FormatError::Unsupported)?;
    let is_same = plain(before.get_ref()) == plain(after.get_ref());
    is_same
        .then(|| laid_out.clone())
        .ok_or(FormatError::Unsupported)
}

/// The content of the tables, without spans.
fn plain(table: &toml::de::DeTable<'_>) -> String {
    // A table prints its values without their spans.
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

#[cfg(test)]
mod tests;
