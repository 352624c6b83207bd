//! Rejected request paths, and the meaning of the others. Paths are never repaired.

use crate::model::{Origin, Policy};

/// Bytes that may occur unescaped.
const RAW: &[u8] =
    b"/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!*'():@&=$,[]^|";
/// ASCII bytes that may be written as `%XX`.
const ESCAPED: &[u8] = b" +~\"<>[]^`{|}!*'():@&=$,";
/// More bytes that may be escaped, for readers that decode exactly once.
const ESCAPED_ONCE: &[u8] = b"#%;?";
const SPACES: [char; 4] = [' ', '\u{A0}', '\u{202F}', '\u{3000}'];

/// The decoded pieces between the slashes. The last one is empty if the path has a trailing slash,
/// so `/` is `[""]`, `/a` is `["a"]` and `/a/` is `["a", ""]`. `None` is a rejection.
pub(crate) fn pieces(raw: &[u8], policy: &Policy) -> Option<Vec<String>> {
    // Decoding before splitting is safe because no escape decodes to a slash.
    let decoded = decode(raw, policy.origin)?;
    let mut text = decoded.strip_prefix('/')?.to_owned();
    if decoded.ends_with('/') {
        text.extend(policy.index.as_deref());
    }
    let names = text.strip_suffix('/').unwrap_or(&text);
    let is_fine = raw.len() <= 3072
        && text.len() <= 1024
        && names.split('/').count() <= 64
        && (text.is_empty() || names.split('/').all(|name| is_name(name, policy.origin)))
        && text.chars().all(|c| is_allowed(c, policy.origin))
        && (text.is_ascii() || !policy.ascii_only);
    is_fine.then(|| text.split('/').map(String::from).collect())
}

fn decode(raw: &[u8], origin: Origin) -> Option<String> {
    let mut decoded = Vec::new();
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        decoded.push(match (byte, origin) {
            (b'%', _) => {
                let high = char::from(*rest.next()?).to_digit(16)?;
                let low = char::from(*rest.next()?).to_digit(16)?;
                let escaped = u8::try_from(high * 16 + low).ok()?;
                let once = origin != Origin::Strict && ESCAPED_ONCE.contains(&escaped);
                (escaped >= 0x80 || once || ESCAPED.contains(&escaped)).then_some(escaped)?
            }
            (b'+', Origin::S3) => b' ',
            (b'+', Origin::Files) => b'+',
            _ => RAW.contains(&byte).then_some(byte)?,
        });
    }
    String::from_utf8(decoded).ok()
}

/// Rejects the empty name, names of dots only, names that start or end with a space, and, unless
/// names are compared byte for byte, names that end in a dot.
fn is_name(name: &str, origin: Origin) -> bool {
    let ends_well = origin != Origin::Strict || !name.ends_with('.');
    !name.chars().all(|c| c == '.') && ends_well && name.trim_matches(SPACES) == name
}

/// Rejects controls, directional controls and noncharacters; for `strict` also invisible and
/// private characters, characters that look like structure, and those that Unicode normalization
/// turns into structure.
fn is_allowed(character: char, origin: Origin) -> bool {
    let code = u32::from(character);
    let is_control = matches!(code, 0x80..=0x9F | 0x61C | 0x200E | 0x200F | 0x2028..=0x202E
        | 0x2066..=0x2069 | 0xFDD0..=0xFDEF);
    let is_unclear = matches!(code, 0xAD | 0x180E | 0x2000..=0x200F | 0x2024..=0x2026
        | 0x2044 | 0x205F..=0x206F | 0x2100 | 0x2101 | 0x2105 | 0x2106 | 0x212A | 0x212B | 0x2215
        | 0xE000..=0xF8FF | 0xFE52 | 0xFE68 | 0xFEFF | 0xFF03 | 0xFF05 | 0xFF0B | 0xFF0E | 0xFF0F
        | 0xFF1B | 0xFF1F | 0xFF3C | 0xFFF9..=0xFFFD | 0xE0000..=0xE007F | 0xF0000..=0x10FFFF);
    let folds = matches!(code, 0x37E | 0x2047..=0x2049 | 0x2488..=0x249B | 0x33C2 | 0x33C7 | 0x33D8
        | 0xFE14 | 0xFE16 | 0xFE19 | 0xFE30 | 0xFE54 | 0xFE56 | 0xFE5F | 0xFE6A | 0x1F100);
    code & 0xFFFE != 0xFFFE && !is_control && (origin != Origin::Strict || !is_unclear && !folds)
}
