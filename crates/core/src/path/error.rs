//! The reasons for which a path is rejected, and where in it they are.

use core::fmt;
use core::ops::Range;

/// The reason for which a path is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathError {
    /// The path does not start with exactly one `/`.
    NotOriginForm,
    /// More than [`MAX_RAW_BYTES`] or [`MAX_DECODED_BYTES`].
    TooLong,
    /// More than [`MAX_SEGMENTS`].
    TooManySegments,
    /// A byte that must not occur raw.
    ForbiddenByte,
    /// `%` without two hexadecimal digits.
    BrokenEscape,
    /// An escape of a byte that must not be escaped, or that needs no escape.
    ForbiddenEscape,
    /// Escaped bytes that are not UTF-8.
    BadUtf8,
    /// A character that some reader treats as structure, or as nothing.
    ForbiddenCharacter,
    /// A non-ASCII character on a site that accepts none.
    NotAscii,
    /// `//`, or nothing between two slashes.
    EmptySegment,
    /// A segment of dots only.
    DotSegment,
    /// A segment that ends in a dot.
    TrailingDot,
    /// A segment that starts or ends with a space of some kind.
    OuterSpace,
}

impl PathError {
    /// The stable code, for log records.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotOriginForm => "not_origin_form",
            Self::TooLong => "too_long",
            Self::TooManySegments => "too_many_segments",
            Self::ForbiddenByte => "forbidden_byte",
            Self::BrokenEscape => "broken_escape",
            Self::ForbiddenEscape => "forbidden_escape",
            Self::BadUtf8 => "bad_utf8",
            Self::ForbiddenCharacter => "forbidden_character",
            Self::NotAscii => "not_ascii",
            Self::EmptySegment => "empty_segment",
            Self::DotSegment => "dot_segment",
            Self::TrailingDot => "trailing_dot",
            Self::OuterSpace => "outer_space",
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOriginForm => "the path does not start with exactly one `/`",
            Self::TooLong => "the path is too long",
            Self::TooManySegments => "the path has too many segments",
            Self::ForbiddenByte => "the path contains a character that must not occur unescaped",
            Self::BrokenEscape => "`%` is not followed by two hexadecimal digits",
            Self::ForbiddenEscape => "the path escapes a character that must not be escaped",
            Self::BadUtf8 => "the escaped bytes are not UTF-8",
            Self::ForbiddenCharacter => {
                "the path contains a character that servers treat differently"
            }
            Self::NotAscii => "the path is not ASCII, and the site accepts ASCII paths only",
            Self::EmptySegment => "the path has an empty segment",
            Self::DotSegment => "a segment consists of dots only",
            Self::TrailingDot => "a segment ends in a dot",
            Self::OuterSpace => "a segment starts or ends with a space",
        })
    }
}

impl core::error::Error for PathError {}

/// A fault in a raw path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathFault {
    /// The kind of fault.
    pub error: PathError,
    /// The bytes of the raw path at fault. Empty at the end of the path if something is missing there.
    pub at: Range<usize>,
}

impl PathFault {
    /// A fault of the byte or escape that starts at an offset.
    #[cold]
    pub(super) fn new(error: PathError, raw: &[u8], start: usize) -> Self {
        let rest = raw.get(start..).unwrap_or_default();
        let escapes = |count: usize| (3 * count).min(rest.len());
        let len = match error {
            PathError::TooLong => rest.len(),
            PathError::BrokenEscape | PathError::ForbiddenEscape => escapes(1),
            PathError::BadUtf8 | PathError::ForbiddenCharacter | PathError::NotAscii => {
                escapes(escaped_bytes(rest))
            }
            _ => rest.len().min(1),
        };
        Self {
            error,
            at: start..start + len,
        }
    }

    /// A fault of the segment that ends before an offset.
    #[cold]
    pub(super) fn in_segment(error: PathError, raw: &[u8], end: usize) -> Self {
        if error == PathError::EmptySegment {
            return Self::new(error, raw, end);
        }
        let before = raw.get(..end).unwrap_or_default();
        let slash = before.iter().rposition(|byte| *byte == b'/');
        Self {
            error,
            at: slash.map_or(0, |slash| slash + 1)..end,
        }
    }
}

/// The number of escapes at the start of `rest` that belong to one character: those that the first one
/// announces, as far as they exist.
fn escaped_bytes(rest: &[u8]) -> usize {
    let wanted = match rest.get(1) {
        Some(b'e' | b'E') => 3,
        Some(b'f' | b'F') => 4,
        _ => 2,
    };
    let is_escape = |chunk: &&[u8]| chunk.len() == 3 && chunk.first() == Some(&b'%');
    rest.chunks(3).take(wanted).take_while(is_escape).count()
}
