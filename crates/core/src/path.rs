//! The canonical request path: the only thing a policy is matched against.
//!
//! Ambiguity is refused, never repaired, because every reader behind the edge repairs it differently.
//! The same functions judge request paths at run time and pattern text at compile time. Not here: the
//! query, the origin, and any normalisation.

mod chars;

use core::fmt;

use chars::Escaped;

/// Longest raw path, in bytes, escapes included.
pub const MAX_RAW_BYTES: usize = 3_072;
/// Longest decoded path, in bytes, without the leading slash (an S3 object key).
pub const MAX_DECODED_BYTES: usize = 1_024;
/// Most segments in a path.
pub const MAX_SEGMENTS: usize = 64;

/// What a site allows in paths beyond the common rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathOptions {
    /// Refuse every non-ASCII path, for origins that fold Unicode.
    pub ascii_only: bool,
}

/// Why a path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathError {
    /// The path does not start with exactly one `/`.
    NotOriginForm,
    /// More than [`MAX_RAW_BYTES`] or [`MAX_DECODED_BYTES`].
    TooLong,
    /// More than [`MAX_SEGMENTS`].
    TooManySegments,
    /// A byte that may not stand raw.
    ForbiddenByte,
    /// `%` without two hexadecimal digits.
    BrokenEscape,
    /// An escape of a byte that may not be escaped, or needed no escape.
    ForbiddenEscape,
    /// Escaped bytes that are not UTF-8.
    BadUtf8,
    /// A character that some reader takes for structure, or for nothing.
    ForbiddenCharacter,
    /// A non-ASCII character on a site that allows none.
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
            Self::NotOriginForm => "a path starts with exactly one `/`",
            Self::TooLong => "the path is too long",
            Self::TooManySegments => "the path has too many segments",
            Self::ForbiddenByte => "the path holds a character that may not stand there unescaped",
            Self::BrokenEscape => "`%` is not followed by two hexadecimal digits",
            Self::ForbiddenEscape => "the path escapes a character that may not be escaped",
            Self::BadUtf8 => "the escaped bytes are not UTF-8",
            Self::ForbiddenCharacter => "the path holds a character that readers disagree about",
            Self::NotAscii => "the site allows ASCII paths only",
            Self::EmptySegment => "the path has an empty segment",
            Self::DotSegment => "a segment consists of dots only",
            Self::TrailingDot => "a segment ends in a dot",
            Self::OuterSpace => "a segment starts or ends with a space",
        })
    }
}

impl core::error::Error for PathError {}

/// A checked path: decoded, non-empty segments, and whether a slash ends it.
///
/// INVARIANT (canonical): made only by [`PathScratch::parse`].
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    decoded: &'a [u8],
    ends: &'a [u16],
    trailing_slash: bool,
}

impl<'a> Path<'a> {
    /// How many segments there are; a trailing slash is not one.
    pub fn segment_count(&self) -> usize {
        self.ends.len()
    }

    /// The decoded segment at `index`, from the left, never empty.
    pub fn segment(&self, index: usize) -> Option<&'a [u8]> {
        let end = usize::from(*self.ends.get(index)?);
        let start = match index.checked_sub(1) {
            Some(before) => usize::from(*self.ends.get(before)?) + 1,
            None => 0,
        };
        self.decoded.get(start..end)
    }

    /// Whether the path ends in `/`.
    pub fn has_trailing_slash(&self) -> bool {
        self.trailing_slash
    }

    /// The decoded path without its leading slash.
    pub fn decoded(&self) -> &'a [u8] {
        self.decoded
    }
}

/// Room for one decoded path, so that checking a path allocates nothing. Reusable.
#[derive(Clone, Debug)]
pub struct PathScratch {
    bytes: [u8; MAX_DECODED_BYTES],
    ends: [u16; MAX_SEGMENTS],
}

impl Default for PathScratch {
    fn default() -> Self {
        Self::new()
    }
}

impl PathScratch {
    /// Empty room.
    pub const fn new() -> Self {
        Self {
            bytes: [0; MAX_DECODED_BYTES],
            ends: [0; MAX_SEGMENTS],
        }
    }

    /// Checks and decodes `raw`, the bytes of a request target before the first `?`.
    ///
    /// Never panics; time is linear in the shorter of `raw` and [`MAX_RAW_BYTES`].
    ///
    /// # Errors
    /// The first thing wrong with the path.
    ///
    /// # Example
    /// ```
    /// use tollgate_core::{PathError, PathOptions, PathScratch};
    /// let mut scratch = PathScratch::new();
    /// let path = scratch.parse(b"/courses/my%20file.pdf", PathOptions::default())?;
    /// assert_eq!(path.segment(1), Some(&b"my file.pdf"[..]));
    /// assert_eq!(scratch.parse(b"/a/../b", PathOptions::default()).err(), Some(PathError::DotSegment));
    /// # Ok::<(), PathError>(())
    /// ```
    pub fn parse(&mut self, raw: &[u8], options: PathOptions) -> Result<Path<'_>, PathError> {
        if raw.len() > MAX_RAW_BYTES {
            return Err(PathError::TooLong);
        }
        let Some((b'/', mut rest)) = raw.split_first() else {
            return Err(PathError::NotOriginForm);
        };
        let (mut len, mut segments, mut start) = (0, 0, 0);
        let mut trailing_slash = rest.is_empty();
        while let Some((&byte, after)) = rest.split_first() {
            match byte {
                b'/' => {
                    self.end_segment(start, len, &mut segments)?;
                    self.push(&mut len, b"/")?;
                    start = len;
                    trailing_slash = after.is_empty();
                    rest = after;
                }
                b'%' => {
                    let (escaped, after) = chars::unescape(rest)?;
                    if options.ascii_only && !escaped.is_ascii() {
                        return Err(PathError::NotAscii);
                    }
                    let Escaped { bytes, count } = escaped;
                    self.push(&mut len, bytes.get(..count).ok_or(PathError::BadUtf8)?)?;
                    rest = after;
                }
                _ => {
                    let (run, after) = chars::split_raw_run(rest);
                    if run.is_empty() {
                        return Err(PathError::ForbiddenByte);
                    }
                    self.push(&mut len, run)?;
                    rest = after;
                }
            }
        }
        if !trailing_slash {
            self.end_segment(start, len, &mut segments)?;
        }
        let decoded = self.bytes.get(..len).ok_or(PathError::TooLong)?;
        let ends = self
            .ends
            .get(..segments)
            .ok_or(PathError::TooManySegments)?;
        Ok(Path {
            decoded,
            ends,
            trailing_slash,
        })
    }

    fn push(&mut self, len: &mut usize, bytes: &[u8]) -> Result<(), PathError> {
        let room = self
            .bytes
            .get_mut(*len..*len + bytes.len())
            .ok_or(PathError::TooLong)?;
        room.copy_from_slice(bytes);
        *len += bytes.len();
        Ok(())
    }

    fn end_segment(
        &mut self,
        start: usize,
        end: usize,
        segments: &mut usize,
    ) -> Result<(), PathError> {
        let segment = self.bytes.get(start..end).ok_or(PathError::TooLong)?;
        check_shape(segment)?;
        let slot = self
            .ends
            .get_mut(*segments)
            .ok_or(PathError::TooManySegments)?;
        *slot = u16::try_from(end).map_err(|_| PathError::TooLong)?;
        *segments += 1;
        Ok(())
    }
}

/// Whether `decoded` could be a whole decoded segment of some canonical path.
///
/// # Errors
/// What keeps it from ever being one.
pub fn check_segment(decoded: &str, ascii_only: bool) -> Result<(), PathError> {
    check_literal_chars(decoded, ascii_only)?;
    check_shape(decoded.as_bytes())
}

/// Whether every character of `decoded` could stand in a segment of some canonical path.
///
/// # Errors
/// What is wrong with the first character that could not.
pub fn check_literal_chars(decoded: &str, ascii_only: bool) -> Result<(), PathError> {
    if decoded.len() > MAX_DECODED_BYTES {
        return Err(PathError::TooLong);
    }
    for c in decoded.chars() {
        if c.is_ascii() {
            let byte = c as u8;
            if !chars::may_stand_raw(byte) && !chars::may_be_escaped(byte) {
                return Err(PathError::ForbiddenByte);
            }
        } else if ascii_only {
            return Err(PathError::NotAscii);
        } else if !chars::is_unambiguous(c) {
            return Err(PathError::ForbiddenCharacter);
        }
    }
    Ok(())
}

fn check_shape(segment: &[u8]) -> Result<(), PathError> {
    let Some(last) = segment.last() else {
        return Err(PathError::EmptySegment);
    };
    if *last == b'.' {
        let only_dots = segment.iter().all(|byte| *byte == b'.');
        return Err(if only_dots {
            PathError::DotSegment
        } else {
            PathError::TrailingDot
        });
    }
    // Every outer space starts and ends with one of these bytes; hardly any segment does.
    let may_be_space = |byte: &u8| *byte == b' ' || !byte.is_ascii();
    if (may_be_space(last) || segment.first().is_some_and(may_be_space))
        && chars::OUTER_SPACES
            .iter()
            .any(|space| segment.starts_with(space) || segment.ends_with(space))
    {
        return Err(PathError::OuterSpace);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
