//! The canonical request path: the only thing a policy is matched against.
//!
//! Ambiguity is rejected, never repaired, because the readers after the edge repair it differently. What is
//! ambiguous depends on the reader, which a site declares ([`PathReader`]). The same functions check request
//! paths at run time and pattern text at compile time. Not here: the query, the origin, and any normalisation.

mod chars;
mod error;
mod table;

use crate::words;
use chars::Escaped;

pub use chars::rejected_characters;
pub use error::{PathError, PathFault};

/// Longest raw path, in bytes, escapes included.
pub const MAX_RAW_BYTES: usize = 3_072;
/// Longest decoded path, in bytes, without the leading slash (an S3 object key).
pub const MAX_DECODED_BYTES: usize = 1_024;
/// Most segments in a path.
pub const MAX_SEGMENTS: usize = 64;

/// Longest index document name, in bytes.
pub const MAX_INDEX_BYTES: usize = 255;

/// The program that reads the path after the gate. What is ambiguous depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PathReader {
    /// Any reader: only paths that all of them read in the same way are accepted.
    #[default]
    Strict,
    /// Amazon S3: decodes exactly once, compares byte for byte, and reads a raw `+` as a space.
    S3,
    /// A server of static files: decodes exactly once, compares byte for byte, and a raw `+` is a plus sign.
    Files,
}

impl PathReader {
    /// All readers.
    pub const ALL: [Self; 3] = [Self::Strict, Self::S3, Self::Files];

    /// The value of `[paths] origin`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::S3 => "s3",
            Self::Files => "files",
        }
    }

    /// The reader with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reader| reader.code() == code)
    }
}

/// The site's rules for paths (`[paths]`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathOptions<'a> {
    /// Reject every non-ASCII path, for origins that fold Unicode.
    pub ascii_only: bool,
    /// The reader of the path after the gate.
    pub reader: PathReader,
    /// The index document: a path that ends in `/` counts as the path with this name appended. It must be
    /// one that [`is_index_name`] accepts.
    pub index: Option<&'a str>,
}

/// Whether `name` can be the index document: a segment of unreserved characters, which therefore has one
/// spelling under every reader.
pub fn is_index_name(name: &str) -> bool {
    (1..=MAX_INDEX_BYTES).contains(&name.len())
        && name.bytes().all(chars::is_unreserved)
        && !name.ends_with('.')
}

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
    /// The number of segments; a trailing slash is not one.
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

    /// The segment at `index`, which starts at `start`, and the start of the next one.
    pub(crate) fn segment_from(&self, index: usize, start: usize) -> Option<(&'a [u8], usize)> {
        let end = usize::from(*self.ends.get(index)?);
        Some((self.decoded.get(start..end)?, end + 1))
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

/// A path of which all segments but the last one have ended.
struct Scanned {
    /// The number of decoded bytes.
    len: usize,
    /// The number of segments that have ended.
    segments: usize,
    /// The start of the last segment.
    start: usize,
    /// Whether the last segment is empty, because a slash precedes it.
    trailing_slash: bool,
    /// Whether the decoded bytes are in the scratch. Otherwise they are those of the raw path.
    is_copied: bool,
}

impl Default for PathScratch {
    fn default() -> Self {
        Self::new()
    }
}

impl PathScratch {
    /// Room without a path.
    pub const fn new() -> Self {
        Self {
            bytes: [0; MAX_DECODED_BYTES],
            ends: [0; MAX_SEGMENTS],
        }
    }

    /// Checks and decodes `raw`, the bytes of a request target before the first `?`. A path that needs no decoding
    /// is not copied.
    ///
    /// Never panics; time is linear in the shorter of `raw` and [`MAX_RAW_BYTES`].
    ///
    /// # Errors
    /// Returns the first error in the path. [`PathScratch::parse_at`] also returns its offset.
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
    pub fn parse<'p>(
        &'p mut self,
        raw: &'p [u8],
        options: PathOptions<'_>,
    ) -> Result<Path<'p>, PathError> {
        self.parse_at(raw, options).map_err(|fault| fault.error)
    }

    /// Checks and decodes `raw` as [`PathScratch::parse`] does.
    ///
    /// # Errors
    /// The first thing wrong with the path, and its bytes.
    pub fn parse_at<'p>(
        &'p mut self,
        raw: &'p [u8],
        options: PathOptions<'_>,
    ) -> Result<Path<'p>, PathFault> {
        if raw.len() > MAX_RAW_BYTES {
            return Err(PathFault::new(PathError::TooLong, raw, MAX_RAW_BYTES));
        }
        let Some((b'/', rest)) = raw.split_first() else {
            return Err(PathFault::new(PathError::NotOriginForm, raw, 0));
        };
        let reader = options.reader;
        let Scanned {
            mut len,
            mut segments,
            start,
            mut trailing_slash,
            mut is_copied,
        } = match self.scan_common(rest) {
            Some(scanned) => scanned,
            None => self.decode(raw, rest, options)?,
        };
        if trailing_slash && let Some(index) = options.index {
            let before = if is_copied { &[] } else { rest };
            is_copied = true;
            len -= before.len();
            self.push(&mut len, before)
                .and_then(|()| self.push(&mut len, index.as_bytes()))
                .map_err(|error| PathFault::new(error, raw, raw.len()))?;
            trailing_slash = false;
        }
        let too_long = || PathFault::new(PathError::TooLong, raw, raw.len());
        let decoded = if is_copied {
            self.bytes.get(..len).ok_or_else(too_long)?
        } else {
            rest
        };
        if !trailing_slash {
            let last = decoded.get(start..len).ok_or_else(too_long)?;
            check_shape(last, reader)
                .and_then(|()| {
                    let slot = self.ends.get_mut(segments);
                    *slot.ok_or(PathError::TooManySegments)? =
                        u16::try_from(len).map_err(|_| PathError::TooLong)?;
                    Ok(())
                })
                .map_err(|error| PathFault::in_segment(error, raw, raw.len()))?;
            segments += 1;
        }
        let ends = self.ends.get(..segments).ok_or_else(too_long)?;
        Ok(Path {
            decoded,
            ends,
            trailing_slash,
        })
    }

    /// Scans a path of common characters, which needs no decoding, eight bytes at a time. `None` if anything about it
    /// is special, which [`Self::decode`] then reads.
    fn scan_common(&mut self, rest: &[u8]) -> Option<Scanned> {
        /// In place of the bytes after the end of the path.
        const FILLER: u64 = u64::from_le_bytes([b'a'; 8]);
        if rest.len() > MAX_DECODED_BYTES {
            return None;
        }
        let (words, last) = rest.as_chunks::<8>();
        let mut scan = Scanned {
            len: rest.len(),
            segments: 0,
            start: 0,
            trailing_slash: false,
            is_copied: false,
        };
        for (at, word) in words.iter().enumerate() {
            self.end_segments(rest, u64::from_le_bytes(*word), at * 8, &mut scan)?;
        }
        let filled = words::tail(rest) | FILLER << (8 * last.len());
        self.end_segments(rest, filled, words.len() * 8, &mut scan)?;
        scan.trailing_slash = scan.start == rest.len();
        Some(scan)
    }

    /// Ends the segments at the slashes in a word of `rest` that starts at `base`. `None` if a byte of it is not common,
    /// or if a segment is special.
    fn end_segments(
        &mut self,
        rest: &[u8],
        word: u64,
        base: usize,
        scan: &mut Scanned,
    ) -> Option<()> {
        if !chars::are_common(word) {
            return None;
        }
        let mut found = chars::slashes(word);
        while found != 0 {
            let end = base + found.trailing_zeros() as usize / 8;
            // Empty, or some servers drop the final dot.
            if end == scan.start || rest.get(end - 1) == Some(&b'.') {
                return None;
            }
            *self.ends.get_mut(scan.segments)? = end as u16;
            scan.segments += 1;
            scan.start = end + 1;
            found &= found - 1;
        }
        Some(())
    }

    /// Checks and decodes what follows the first slash of `raw`.
    fn decode(
        &mut self,
        raw: &[u8],
        mut rest: &[u8],
        options: PathOptions<'_>,
    ) -> Result<Scanned, PathFault> {
        let reader = options.reader;
        let (mut len, mut segments, mut start) = (0, 0, 0);
        let mut trailing_slash = rest.is_empty();
        while let Some((&byte, after)) = rest.split_first() {
            let at = raw.len() - rest.len();
            match byte {
                b'/' => {
                    self.end_segment(start, len, &mut segments, reader)
                        .map_err(|error| PathFault::in_segment(error, raw, at))?;
                    self.push(&mut len, b"/")
                        .map_err(|error| PathFault::new(error, raw, at))?;
                    start = len;
                    trailing_slash = after.is_empty();
                    rest = after;
                }
                b'%' => {
                    let (escaped, after) = chars::unescape(rest, reader)
                        .map_err(|error| PathFault::new(error, raw, at))?;
                    if options.ascii_only && !escaped.is_ascii() {
                        return Err(PathFault::new(PathError::NotAscii, raw, at));
                    }
                    let Escaped { bytes, count } = escaped;
                    let decoded = bytes.get(..count).unwrap_or_default();
                    self.push(&mut len, decoded)
                        .map_err(|error| PathFault::new(error, raw, at))?;
                    rest = after;
                }
                b'+' if reader == PathReader::S3 => {
                    self.push(&mut len, b" ")
                        .map_err(|error| PathFault::new(error, raw, at))?;
                    rest = after;
                }
                _ => {
                    let (run, after) = chars::split_raw_run(rest, reader);
                    if run.is_empty() {
                        return Err(PathFault::new(PathError::ForbiddenByte, raw, at));
                    }
                    self.push(&mut len, run).map_err(|error| {
                        let fitting = MAX_DECODED_BYTES.saturating_sub(len);
                        PathFault::new(error, raw, at + fitting)
                    })?;
                    rest = after;
                }
            }
        }
        Ok(Scanned {
            len,
            segments,
            start,
            trailing_slash,
            is_copied: true,
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
        reader: PathReader,
    ) -> Result<(), PathError> {
        let segment = self.bytes.get(start..end).ok_or(PathError::TooLong)?;
        check_shape(segment, reader)?;
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
/// The error that no continuation of the bytes could repair.
pub fn check_segment(decoded: &str, options: PathOptions<'_>) -> Result<(), PathError> {
    check_literal_chars(decoded, options)?;
    check_shape(decoded.as_bytes(), options.reader)
}

/// Whether every character of `decoded` could occur in a segment of some canonical path.
///
/// # Errors
/// Returns the error for the first character that could not.
pub fn check_literal_chars(decoded: &str, options: PathOptions<'_>) -> Result<(), PathError> {
    if decoded.len() > MAX_DECODED_BYTES {
        return Err(PathError::TooLong);
    }
    for c in decoded.chars() {
        if let Ok(byte) = u8::try_from(c)
            && byte.is_ascii()
        {
            if !chars::may_be_raw(byte, options.reader)
                && !chars::may_be_escaped(byte, options.reader)
            {
                return Err(PathError::ForbiddenByte);
            }
        } else if options.ascii_only {
            return Err(PathError::NotAscii);
        } else if !chars::is_accepted(c, options.reader) {
            return Err(PathError::ForbiddenCharacter);
        }
    }
    Ok(())
}

fn check_shape(segment: &[u8], reader: PathReader) -> Result<(), PathError> {
    let Some(last) = segment.last() else {
        return Err(PathError::EmptySegment);
    };
    if *last == b'.' {
        if segment.iter().all(|byte| *byte == b'.') {
            return Err(PathError::DotSegment);
        }
        // Some servers drop a final dot. Those that compare byte for byte do not.
        if reader == PathReader::Strict {
            return Err(PathError::TrailingDot);
        }
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
