//! Which request paths are refused, and what the others mean. Nothing is ever repaired.

/// Bytes that may stand in a path as they are.
const RAW: &[u8] =
    b"/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!*'():@&=$,";
/// ASCII bytes that may be written as `%XX`.
const ESCAPED: &[u8] = b" +!*'():@&=$,";
const SPACES: [char; 4] = [' ', '\u{A0}', '\u{202F}', '\u{3000}'];

/// The decoded pieces between the slashes. The last one is empty if the path ends in a slash, so
/// `/` is `[""]`, `/a` is `["a"]` and `/a/` is `["a", ""]`. `None` is a refusal.
pub(crate) fn pieces(raw: &[u8], ascii_only: bool) -> Option<Vec<String>> {
    // Decoding before splitting is safe because no escape decodes to a slash.
    let decoded = decode(raw)?;
    let text = decoded.strip_prefix('/')?;
    let names = text.strip_suffix('/').unwrap_or(text);
    let refused = raw.len() > 3072
        || text.len() > 1024
        || names.split('/').count() > 64
        || !(text.is_empty() || names.split('/').all(is_name))
        || !text.chars().all(is_allowed)
        || (ascii_only && !text.is_ascii());
    (!refused).then(|| text.split('/').map(String::from).collect())
}

fn decode(raw: &[u8]) -> Option<String> {
    let mut decoded = Vec::new();
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        decoded.push(match byte {
            b'%' => {
                let high = char::from(*rest.next()?).to_digit(16)?;
                let low = char::from(*rest.next()?).to_digit(16)?;
                let escaped = u8::try_from(high * 16 + low).ok()?;
                (escaped >= 0x80 || ESCAPED.contains(&escaped)).then_some(escaped)?
            }
            _ => RAW.contains(&byte).then_some(byte)?,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Refuses the empty name, names of dots only, and names that end in a dot or have space around.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.ends_with('.') && name.trim_matches(SPACES) == name
}

/// Refuses what is invisible, directional, private or no character, and the look-alikes of
/// characters that carry structure.
fn is_allowed(character: char) -> bool {
    let code = u32::from(character);
    code & 0xFFFE != 0xFFFE
        && !matches!(code,
            0x80..=0x9F | 0xAD | 0x61C | 0x180E | 0x2000..=0x200F | 0x2024..=0x2026
            | 0x2028..=0x202E | 0x2044 | 0x205F..=0x206F | 0x2100 | 0x2101 | 0x2105 | 0x2106
            | 0x212A | 0x212B | 0x2215 | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFE52 | 0xFE68
            | 0xFEFF | 0xFF03 | 0xFF05 | 0xFF0B | 0xFF0E | 0xFF0F | 0xFF1B | 0xFF1F | 0xFF3C
            | 0xFFF9..=0xFFFD | 0xE0000..=0xE007F | 0xF0000..=0x10FFFF)
}
