//! Which bytes and characters a path may hold, raw and escaped.
//!
//! Not here: how a path is cut into segments.

use super::PathError;

const RAW: u8 = 1;
const ESCAPED: u8 = 2;

/// Per byte: may it stand raw, may it stand escaped. Unreserved characters never need an escape, so
/// an escaped one is a second spelling of the same path and refused.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        #[expect(
            clippy::indexing_slicing,
            reason = "the index is below 128, checked at compile time"
        )]
        {
            table[byte as usize] = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => RAW,
                b'!' | b'*' | b'\'' | b'(' | b')' | b':' | b'@' | b'&' | b'=' | b'$' | b',' => {
                    RAW | ESCAPED
                }
                b' ' | b'+' => ESCAPED,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
}

/// Spaces that a segment may hold inside but not at its ends.
pub(super) const OUTER_SPACES: [&[u8]; 4] = [b" ", b"\xC2\xA0", b"\xE2\x80\xAF", b"\xE3\x80\x80"];

/// Whether the byte may stand unescaped in a segment.
pub(super) fn may_stand_raw(byte: u8) -> bool {
    CLASS
        .get(usize::from(byte))
        .is_some_and(|class| class & RAW != 0)
}

/// The bytes at the start of `rest` that may stand unescaped in a segment, and what follows them.
pub(super) fn split_raw_run(rest: &[u8]) -> (&[u8], &[u8]) {
    let is_other = |byte: &u8| !may_stand_raw(*byte);
    let end = rest.iter().position(is_other).unwrap_or(rest.len());
    rest.split_at_checked(end).unwrap_or((rest, &[]))
}

/// Whether the ASCII byte may stand as `%XX` in a segment.
pub(super) fn may_be_escaped(byte: u8) -> bool {
    CLASS
        .get(usize::from(byte))
        .is_some_and(|class| class & ESCAPED != 0)
}

/// One decoded character, as UTF-8.
pub(super) struct Escaped {
    pub(super) bytes: [u8; 4],
    pub(super) count: usize,
}

impl Escaped {
    pub(super) fn is_ascii(&self) -> bool {
        self.count == 1
    }
}

/// Decodes the escapes of one character at the start of `rest`, and returns what follows them.
pub(super) fn unescape(rest: &[u8]) -> Result<(Escaped, &[u8]), PathError> {
    let (first, mut rest) = escaped_byte(rest)?;
    if first < 0x80 {
        if !may_be_escaped(first) {
            return Err(PathError::ForbiddenEscape);
        }
        return Ok((
            Escaped {
                bytes: [first, 0, 0, 0],
                count: 1,
            },
            rest,
        ));
    }
    let count = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Err(PathError::BadUtf8),
    };
    let mut bytes = [first, 0, 0, 0];
    for slot in bytes.iter_mut().take(count).skip(1) {
        if rest.first() != Some(&b'%') {
            return Err(PathError::BadUtf8);
        }
        (*slot, rest) = escaped_byte(rest)?;
    }
    // The standard library judges overlong forms, surrogates and the upper limit.
    let text = bytes
        .get(..count)
        .and_then(|bytes| core::str::from_utf8(bytes).ok());
    let c = text
        .and_then(|text| text.chars().next())
        .ok_or(PathError::BadUtf8)?;
    if !is_unambiguous(c) {
        return Err(PathError::ForbiddenCharacter);
    }
    Ok((Escaped { bytes, count }, rest))
}

fn escaped_byte(rest: &[u8]) -> Result<(u8, &[u8]), PathError> {
    let [b'%', high, low, after @ ..] = rest else {
        return Err(PathError::BrokenEscape);
    };
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    match (digit(*high), digit(*low)) {
        (Some(high), Some(low)) => Ok((high << 4 | low, after)),
        _ => Err(PathError::BrokenEscape),
    }
}

/// Whether all readers take a non-ASCII character for itself: none drops it, folds it into structure,
/// or shows it as another (Unicode UAX #15 and UTS #39).
pub(super) fn is_unambiguous(c: char) -> bool {
    !matches!(u32::from(c),
        0..=0x9F                    // ASCII is judged by class; C1 controls
        | 0xAD | 0x61C | 0x180E     // soft hyphen, Arabic letter mark, Mongolian vowel separator
        | 0x2000..=0x200F           // spaces, zero-width, direction marks
        | 0x2024..=0x2026           // dot leaders, ellipsis
        | 0x2028..=0x202E           // line separators, direction overrides
        | 0x2044                    // fraction slash
        | 0x205F..=0x206F           // mathematical space, invisible operators, isolates
        | 0x2100 | 0x2101 | 0x2105 | 0x2106 // a/c, a/s, c/o, c/u
        | 0x212A | 0x212B           // Kelvin and Angstrom signs
        | 0x2215                    // division slash
        | 0xE000..=0xF8FF           // private use
        | 0xFDD0..=0xFDEF           // noncharacters
        | 0xFE52 | 0xFE68           // small full stop, small backslash
        | 0xFEFF                    // byte order mark
        | 0xFF03 | 0xFF05 | 0xFF0B | 0xFF0E | 0xFF0F | 0xFF1B | 0xFF1F | 0xFF3C // full-width # % + . / ; ? \
        | 0xFFF9..=0xFFFD           // interlinear marks, replacement character
        | 0xE0000..=0xE007F         // tags
        | 0xF0000..=0x10_FFFF       // private use planes
    ) && u32::from(c) & 0xFFFE != 0xFFFE // noncharacters at the end of every plane
}
