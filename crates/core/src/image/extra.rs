//! The record of a rule's rarely used parts ([`Section::Extras`](super::format::Section::Extras)): one list of its
//! fields for the writer and all readers.
//!
//! Writers make an [`Extra`] and readers take it apart without `..`, so that a new field does not compile where
//! it is forgotten. Not here: the meaning of the numbers, which [`format`](super::format) describes.

use super::format::{EXTRA_BYTES, NONE};

/// The rarely used parts of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extra {
    /// A set of names, or [`NONE`].
    pub scopes: u32,
    /// A set of names, or [`NONE`].
    pub subjects: u32,
    /// A set of networks, or [`NONE`].
    pub networks: u32,
    /// A condition program, or [`NONE`].
    pub when: u32,
    /// A condition program, or [`NONE`].
    pub unless: u32,
    /// A string, or [`NONE`].
    pub because: u32,
    /// Unix seconds, or the least number.
    pub from: i64,
    /// Unix seconds, or the greatest number.
    pub until: i64,
    /// A set of texts, or [`NONE`].
    pub issuers: u32,
}

impl Extra {
    /// A rule without any of these parts.
    pub const EMPTY: Self = Self {
        scopes: NONE,
        subjects: NONE,
        networks: NONE,
        when: NONE,
        unless: NONE,
        because: NONE,
        from: i64::MIN,
        until: i64::MAX,
        issuers: NONE,
    };

    /// The record in the version that is written.
    pub fn to_bytes(self) -> [u8; EXTRA_BYTES] {
        let Self {
            scopes,
            subjects,
            networks,
            when,
            unless,
            because,
            from,
            until,
            issuers,
        } = self;
        let words = [scopes, subjects, networks, when, unless, because];
        let words = words.into_iter().flat_map(u32::to_le_bytes);
        let times = [from, until].into_iter().flat_map(i64::to_le_bytes);
        let mut record = [0; EXTRA_BYTES];
        let fields = words.chain(times).chain(issuers.to_le_bytes());
        for (to, from) in record.iter_mut().zip(fields) {
            *to = from;
        }
        record
    }

    /// Reads a record of any version. `None` if it is too short.
    pub fn from_bytes(record: &[u8]) -> Option<Self> {
        let (words, _) = record.as_chunks::<4>();
        let word = |at: usize| words.get(at).map(|bytes| u32::from_le_bytes(*bytes));
        let (longs, _) = record.as_chunks::<8>();
        let long = |at: usize| longs.get(at).map(|bytes| i64::from_le_bytes(*bytes));
        Some(Self {
            scopes: word(0)?,
            subjects: word(1)?,
            networks: word(2)?,
            when: word(3)?,
            unless: word(4)?,
            because: word(5)?,
            from: long(3)?,
            until: long(4)?,
            // Not in version 2.
            issuers: word(10).unwrap_or(NONE),
        })
    }
}
