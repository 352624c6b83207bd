//! The bytes and characters that a path may contain, raw and escaped, under each reader.
//!
//! Not here: splitting a path into segments.

use super::table::{REJECTED_BY_ALL, REJECTED_BY_STRICT};
use super::{PathError, PathReader};

/// Accepted raw by every reader.
const RAW: u8 = 1;
/// Accepted raw by `files` only.
const RAW_FILES: u8 = 2;
/// Accepted as an escape by every reader.
const ESCAPED: u8 = 4;
/// Accepted as an escape by the readers that decode exactly once.
const ESCAPED_ONCE: u8 = 8;

/// The ways in which each byte may occur. Unreserved characters never need an escape, so an escaped one is a second
/// spelling of the same path and rejected; `~` is the exception, because some encoders escape it.
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
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => RAW,
                b'~' | b'!' | b'*' | b'\'' | b'(' | b')' | b':' | b'@' | b'&' | b'=' | b'$'
                | b',' | b'[' | b']' | b'^' | b'|' => RAW | ESCAPED,
                b' ' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' => ESCAPED,
                // `s3` accepts it raw as a space, which is not a matter of bytes that are copied.
                b'+' => RAW_FILES | ESCAPED,
                b'#' | b'%' | b';' | b'?' => ESCAPED_ONCE,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
}

/// Whether the byte never needs an escape.
pub(super) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn has_class(byte: u8, wanted: u8) -> bool {
    CLASS
        .get(usize::from(byte))
        .is_some_and(|class| class & wanted != 0)
}

const fn raw_classes(reader: PathReader) -> u8 {
    match reader {
        PathReader::Strict | PathReader::S3 => RAW,
        PathReader::Files => RAW | RAW_FILES,
    }
}

const fn escaped_classes(reader: PathReader) -> u8 {
    match reader {
        PathReader::Strict => ESCAPED,
        PathReader::S3 | PathReader::Files => ESCAPED | ESCAPED_ONCE,
    }
}

/// Spaces that a segment may hold inside but not at its ends.
pub(super) const OUTER_SPACES: [&[u8]; 4] = [b" ", b"\xC2\xA0", b"\xE2\x80\xAF", b"\xE3\x80\x80"];

/// Whether the byte may occur unescaped in a segment, as itself.
pub(super) fn may_be_raw(byte: u8, reader: PathReader) -> bool {
    has_class(byte, raw_classes(reader))
}

/// The bytes at the start of `rest` that may occur unescaped in a segment, and what follows them.
pub(super) fn split_raw_run(rest: &[u8], reader: PathReader) -> (&[u8], &[u8]) {
    let wanted = raw_classes(reader);
    let is_other = |byte: &u8| !has_class(*byte, wanted);
    let end = rest.iter().position(is_other).unwrap_or(rest.len());
    rest.split_at_checked(end).unwrap_or((rest, &[]))
}

/// A one in each byte of a word.
pub(super) const ONES: u64 = u64::from_le_bytes([1; 8]);
/// The high bit of each byte.
pub(super) const HIGHS: u64 = ONES << 7;

/// Whether the eight bytes of a word are slashes, or bytes that every reader accepts unescaped. These are the most
/// frequent ones, not all.
pub(super) const fn are_common(word: u64) -> bool {
    // The high bit of each byte that is at least `first` and at most `last`, of ASCII bytes.
    const fn between(word: u64, first: u8, last: u8) -> u64 {
        (word + ONES * (0x80 - first as u64)) & !(word + ONES * (0x7F - last as u64))
    }
    if word & HIGHS != 0 {
        return false;
    }
    // With this bit, letters are lower case, and nothing else becomes a letter.
    let lower = word | (ONES * 0x20);
    let common = between(word, b',', b':') | between(lower, b'a', b'z') | between(word, b'_', b'_');
    common & HIGHS == HIGHS
}

/// The high bit of each byte that is a slash, of ASCII bytes.
pub(super) const fn slashes(word: u64) -> u64 {
    !((word ^ (ONES * b'/' as u64) | HIGHS) - ONES) & HIGHS
}

/// Whether the ASCII byte may occur as `%XX` in a segment.
pub(super) fn may_be_escaped(byte: u8, reader: PathReader) -> bool {
    has_class(byte, escaped_classes(reader))
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
pub(super) fn unescape(rest: &[u8], reader: PathReader) -> Result<(Escaped, &[u8]), PathError> {
    let (first, mut rest) = escaped_byte(rest)?;
    if first < 0x80 {
        if !may_be_escaped(first, reader) {
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
    // The standard library checks overlong forms, surrogates and the upper limit.
    let text = bytes
        .get(..count)
        .and_then(|bytes| core::str::from_utf8(bytes).ok());
    let c = text
        .and_then(|text| text.chars().next())
        .ok_or(PathError::BadUtf8)?;
    if !is_accepted(c, reader) {
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

/// The non-ASCII characters that no path may hold under a reader, as ranges of code points in rising order,
/// except the two noncharacters at the end of every plane.
///
/// `strict` rejects what some reader drops, treats as structure, or folds into structure. Readers that decode
/// once and compare byte for byte take these for what they are; they reject only what spoils a log or a screen.
pub const fn rejected_characters(reader: PathReader) -> &'static [(u32, u32)] {
    match reader {
        PathReader::Strict => &REJECTED_BY_STRICT,
        PathReader::S3 | PathReader::Files => &REJECTED_BY_ALL,
    }
}

/// Whether a path may hold a non-ASCII character under a reader.
pub(super) fn is_accepted(c: char, reader: PathReader) -> bool {
    let code = u32::from(c);
    let is_nonsense = code & 0xFFFE == 0xFFFE;
    let ranges = rejected_characters(reader);
    let next = ranges.partition_point(|(_, last)| *last < code);
    !is_nonsense && ranges.get(next).is_none_or(|(first, _)| code < *first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_byte_is_accepted_by_every_reader() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                for other in [b'/', b'a', 0, 0x7F, 0x80, 0xFF, b'~'] {
                    let mut bytes = [other; 8];
                    bytes[at] = byte;
                    let word = u64::from_le_bytes(bytes);
                    for reader in PathReader::ALL {
                        let accepted = bytes.iter().all(|b| *b == b'/' || may_be_raw(*b, reader));
                        assert!(!are_common(word) || accepted, "{bytes:?}");
                    }
                    if bytes.is_ascii() {
                        let found: [u8; 8] = core::array::from_fn(|at| match bytes[at] {
                            b'/' => 0x80,
                            _ => 0,
                        });
                        assert_eq!(slashes(word), u64::from_le_bytes(found), "{bytes:?}");
                    }
                }
            }
            let is_common = matches!(byte, b','..=b':' | b'A'..=b'Z' | b'_' | b'a'..=b'z');
            assert_eq!(are_common(u64::from_le_bytes([byte; 8])), is_common);
        }
    }
}
