//! The layout of policy files.
//!
//! One layout for every file, so that a diff shows what an author changed and nothing else. Comments and the
//! order of everything stay, and comments that are aligned with each other stay aligned. Not here: what the
//! files say.

mod comments;

use core::fmt;

use taplo::formatter::{self, Options};

/// Why a text has no layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// It is not TOML.
    NotToml,
    /// It is TOML that the layout engine does not know, such as a newer edition's.
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

/// The text in the one layout. A byte order mark and the kind of line ends stay as they are.
///
/// # Errors
/// If it is not TOML that the layout engine knows.
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
        // Comments are aligned as their author aligned them.
        align_comments: false,
        align_entries: false,
        allowed_blank_lines: 1,
        array_auto_collapse: false,
        // Tables of tests are laid out by those who read them.
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
    // Layout that depends on the layout before it is no layout: what comes out must stay as it is.
    let twice = formatter::format(&once, options);
    let laid_out = comments::align(text, &twice).ok_or(FormatError::Unsupported)?;
    let after = toml::de::DeTable::parse(&laid_out).map_err(|_| FormatError::Unsupported)?;
    let is_same = plain(before.get_ref()) == plain(after.get_ref());
    is_same
        .then(|| laid_out.clone())
        .ok_or(FormatError::Unsupported)
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

#[cfg(test)]
mod tests;
