//! Escapes for characters that a reader cannot see, or that make text read as something else.
//!
//! Names, reasons, test names and request targets come from outside. A terminal obeys control characters,
//! bidirectional ones reorder what is read, and invisible ones make two names look the same. All human-readable
//! output goes through [`visible`] or [`visible_lines`]; this is the only list. Not here: look-alike
//! letters, and JSON, which programs read.

/// First and last of each run of characters that are escaped: controls, formats (bidirectional ones among
/// them), line and paragraph separators, private use, noncharacters, default ignorables and the blank Braille
/// pattern. From Unicode's general categories `Cc`, `Cf`, `Zl`, `Zp`, `Co` and the property
/// `Default_Ignorable_Code_Point`.
const INVISIBLE: [(u32, u32); 48] = [
    (0x0000, 0x001F),
    (0x007F, 0x009F),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x0890, 0x0891),
    (0x08E2, 0x08E2),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xE000, 0xF8FF),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x110BD, 0x110BD),
    (0x110CD, 0x110CD),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0x1FFFE, 0x1FFFF),
    (0x2FFFE, 0x2FFFF),
    (0x3FFFE, 0x3FFFF),
    (0x4FFFE, 0x4FFFF),
    (0x5FFFE, 0x5FFFF),
    (0x6FFFE, 0x6FFFF),
    (0x7FFFE, 0x7FFFF),
    (0x8FFFE, 0x8FFFF),
    (0x9FFFE, 0x9FFFF),
    (0xAFFFE, 0xAFFFF),
    (0xBFFFE, 0xBFFFF),
    (0xCFFFE, 0xCFFFF),
    (0xDFFFE, 0xDFFFF),
    (0xE0000, 0xE0FFF),
    (0xEFFFE, 0xEFFFF),
    (0xF0000, 0xFFFFD),
    (0xFFFFE, 0xFFFFF),
    (0x100000, 0x10FFFF),
];

/// Whether a reader sees the character where it is written.
pub fn is_visible(c: char) -> bool {
    let c = u32::from(c);
    let after = INVISIBLE.partition_point(|(first, _)| *first <= c);
    let run = after.checked_sub(1).and_then(|at| INVISIBLE.get(at));
    run.is_none_or(|(_, last)| *last < c)
}

/// Returns `text` on one line, with an escape for every character that a reader would not see.
///
/// # Example
/// ```
/// assert_eq!(tollgate_policy::visible::visible("a\u{202e}b\n"), "a\\u{202e}b\\n");
/// ```
pub fn visible(text: &str) -> String {
    escaped(text, |_| false)
}

/// Returns `text` as [`visible`] shows it, but with its line ends and tabs.
pub fn visible_lines(text: &str) -> String {
    escaped(text, |c| c == '\n' || c == '\t')
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_visible(c) || is_kept(c) {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    }
    out
}

#[cfg(test)]
mod tests;
