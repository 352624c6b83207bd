//! The header of an image: its sections, and the reader of paths.
//!
//! Not here: the records in the sections (`validate`).

use core::ops::Range;

use super::error::ImageError;
use super::format::{
    FLAG_ASCII_ONLY, FLAG_FILES, FLAG_INDEX, FLAG_S3, HEADER_BYTES, ID_AT, INDEX_AT, MAGIC,
    MAX_IMAGE_BYTES, OLDEST_VERSION, SECTIONS_AT, Section, VERSION, checksum,
};
use super::id::ImageId;
use crate::path::PathReader;

/// The header of a validated image.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) sections: [Range<usize>; Section::COUNT],
    pub(crate) version: u16,
    pub(crate) id: ImageId,
    pub(crate) ascii_only: bool,
    pub(crate) reader: PathReader,
    /// The offset of the index document's name.
    pub(crate) index: Option<u32>,
    pub(crate) max_probe: u32,
}

/// Checks the header and returns the positions of the sections.
pub(super) fn layout(bytes: &[u8]) -> Result<Layout, ImageError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(ImageError::NotAnImage);
    }
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(ImageError::Length)?;
    let (words, _) = header.as_chunks::<4>();
    let word = |at: usize| {
        words
            .get(at / 4)
            .map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let version = word(8) as u16;
    if !(OLDEST_VERSION..=VERSION).contains(&version) {
        return Err(ImageError::Version(version));
    }
    if word(12) as usize != bytes.len() || bytes.len() > MAX_IMAGE_BYTES {
        return Err(ImageError::Length);
    }
    let stated = u64::from(word(16)) | u64::from(word(20)) << 32;
    if checksum(bytes) != stated {
        return Err(ImageError::Damaged);
    }
    let flags = (word(8) >> 16) as u16;
    let Some(reader) = reader(flags) else {
        return Err(ImageError::Damaged);
    };
    let index = word(INDEX_AT);
    let has_index = flags & FLAG_INDEX != 0;
    if index != 0 && !has_index {
        return Err(ImageError::Damaged);
    }
    let mut id = [0; 16];
    for (to, from) in id.iter_mut().zip(bytes.get(ID_AT..).unwrap_or_default()) {
        *to = *from;
    }
    let mut sections = [const { 0..0 }; Section::COUNT];
    let mut next = HEADER_BYTES;
    for ((slot, section), at) in sections
        .iter_mut()
        .zip(Section::ALL)
        .zip((SECTIONS_AT..).step_by(8))
    {
        let (start, len) = (word(at) as usize, word(at + 4) as usize);
        let end = start
            .checked_add(len)
            .ok_or(ImageError::BadSection(section))?;
        if start != next || end > bytes.len() || len % section.record_bytes_in(version) != 0 {
            return Err(ImageError::BadSection(section));
        }
        *slot = start..end;
        next = end;
    }
    if next != bytes.len() {
        return Err(ImageError::Length);
    }
    Ok(Layout {
        sections,
        version,
        id: ImageId(id),
        ascii_only: flags & FLAG_ASCII_ONLY != 0,
        reader,
        index: has_index.then_some(index),
        max_probe: word(40),
    })
}

/// The reader of paths in the header's flags; `None` if one of them is unknown.
fn reader(flags: u16) -> Option<PathReader> {
    match flags & !(FLAG_ASCII_ONLY | FLAG_INDEX) {
        0 => Some(PathReader::Strict),
        FLAG_S3 => Some(PathReader::S3),
        FLAG_FILES => Some(PathReader::Files),
        _ => None,
    }
}
