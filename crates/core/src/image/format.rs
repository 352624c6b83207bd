//! The byte layout of a policy image, shared by the encoder and the reader.
//!
//! All numbers are little-endian. A header is followed by the sections in a fixed order; each section is
//! an array of records of one size, except the three blobs. Not here: reading and writing.
//!
//! | bytes | header field |
//! |---|---|
//! | 0–7 | [`MAGIC`] |
//! | 8–9 | format version, [`VERSION`] |
//! | 10–11 | flags: [`FLAG_ASCII_ONLY`], [`FLAG_S3`] or [`FLAG_FILES`], [`FLAG_INDEX`] |
//! | 12–15 | length of the whole image |
//! | 16–23 | [`checksum`] of everything else |
//! | 24–39 | content id: the first 16 bytes of the SHA-256 of the flags and everything from byte 40 |
//! | 40–43 | longest probe in the slot table |
//! | 44–47 | with [`FLAG_INDEX`] the name of the index document (string), else zero |
//! | 48– | per section: offset (u32), length in bytes (u32) |
//!
//! Numbers of records that occur once a rule or more are 24 bits wide. A string is its length and its
//! bytes, UTF-8: one length byte below [`LONG_STRING`], or that byte and the length as a u16. Strings are
//! named by their offset in `STRINGS`, and equal ones are stored once: a course's name is the label of
//! its folder and the name of its group.
//!
//! The nodes of the pattern trie are numbered level by level, so that the literal children of a node
//! are consecutive. A slot therefore need not name the parent, and a leaf with one rule is 8 bytes.

use crate::words::tail;

/// Bytes of an extra's record.
pub(super) const EXTRA_BYTES: usize = 48;
/// Bytes of an extra's record in version 2.
pub(super) const EXTRA_BYTES_2: usize = 40;

/// The first bytes of every image.
pub const MAGIC: [u8; 8] = *b"TOLLGATE";
/// The format version this code writes.
pub const VERSION: u16 = 3;
/// The oldest format version this code reads. Its rules have no `issuers`; all else is the same.
pub const OLDEST_VERSION: u16 = 2;
/// Header flag: non-ASCII request paths are rejected.
pub const FLAG_ASCII_ONLY: u16 = 1;
/// Header flag: the reader of paths is [`PathReader::S3`](crate::path::PathReader::S3). Without this flag and
/// [`FLAG_FILES`] it is `Strict`; both together are an error.
pub const FLAG_S3: u16 = 1 << 1;
/// Header flag: the reader of paths is [`PathReader::Files`](crate::path::PathReader::Files).
pub const FLAG_FILES: u16 = 1 << 2;
/// Header flag: there is an index document, named at [`INDEX_AT`].
pub const FLAG_INDEX: u16 = 1 << 3;
/// Offset of the index document's name.
pub const INDEX_AT: usize = 44;
/// "None", wherever a record number is optional.
pub const NONE: u32 = u32::MAX;
/// Offset of the checksum.
pub const CHECKSUM_AT: usize = 16;
/// Offset of the content id.
pub const ID_AT: usize = 24;
/// Offset of the part that the content id covers.
pub const ID_FROM: usize = 40;
/// Offset of the section table.
pub const SECTIONS_AT: usize = 48;
/// Offset of the first section.
pub const HEADER_BYTES: usize = SECTIONS_AT + 8 * Section::COUNT;
/// Largest image, in bytes.
pub const MAX_IMAGE_BYTES: usize = 64 << 20;
/// Longest condition program, in words.
pub const MAX_PROGRAM_WORDS: usize = 1_024;
/// Longest probe in the slot table.
pub const MAX_PROBE: u32 = 1_024;
/// Deepest evaluation stack of a condition.
pub const MAX_STACK: usize = 16;
/// Most stars in one segment of a pattern.
pub const MAX_STARS: usize = 8;

/// The length byte that announces a length of two bytes.
pub const LONG_STRING: u8 = u8::MAX;
/// Longest string, in bytes.
pub const MAX_STRING_BYTES: usize = u16::MAX as usize;
/// "None" among 24-bit numbers.
pub const NONE_24: u32 = (1 << 24) - 1;
/// Bit of a set of names: the other bits are the number of its only name, and no set is stored.
pub const ONE_NAME: u32 = 1 << 23;
/// In place of a pattern end in a node: the preceding number is that of a wide node.
pub const WIDE: u8 = u8::MAX;

/// The sections, in file order. The numbers in square brackets are bytes per record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Section {
    /// `[4]` hash table of literal edges: [fingerprint](slot_of) (u8), child node (u24); all zero if empty.
    Slots = 0,
    /// `[8]` pattern trie: label string; then either the only candidate, as rule (u24) and end (u8), or a wide node (u24) and [`WIDE`].
    Nodes,
    /// `[24]` nodes with children or several candidates: first candidate, first glob, capture child (or [`NONE`]), first literal child, literal child count, candidate count (u16), glob count (u16).
    Wides,
    /// `[8]` glob edges: text string, child node.
    Globs,
    /// `[6]` candidates: rule (u24), pattern end (u24).
    Candidates,
    /// `[16]` pattern ends: first tail part, first capture, tail count (u16), capture count (u16), [`EndKind`] (u8), unused (3).
    Ends,
    /// `[8]` tail parts, what follows the first `**`: text string, [`TailKind`] (u8), unused (3).
    Tails,
    /// `[2]` capture places: segment number from the start, or with [`FROM_END`] from the end.
    Captures,
    /// `[10]` rules in the order of their names: course string, shape (u24), groups as a set of names (u24, or [`NONE_24`]).
    Rules,
    /// `[16]` what rules of many courses share: id string, extra (or [`NONE`]), [flags](flag) (u16), capture count (u16), effect (u8), methods (u8), unused (u16).
    Shapes,
    /// `[48]` rarely used rule parts: scopes and subjects as sets of names, network set, `when`, `unless`, because string (each or [`NONE`]), from (i64), until (i64), issuers as a set of texts (or [`NONE`]), unused (4). In version 2 only the first 40 bytes.
    Extras,
    /// `[4]` sets: at a set's number its size, then its members, in increasing order where they are names or texts.
    Sets,
    /// `[4]` literal names, sorted: string. Their numbers come before those of templates.
    Literals,
    /// `[8]` names with a capture: string of prefix and suffix, prefix length (u16), capture number (u16).
    Templates,
    /// `[20]` networks: address (16, IPv4 in the first 4), prefix length (u8), 4 or 6 (u8), unused (2).
    Networks,
    /// `[8]` condition programs: first word, word count (u16), unused (u16).
    Programs,
    /// `[4]` program words: [`Op`] (u8), operand (24 bits).
    Code,
    /// `[4]` texts of conditions: string.
    Texts,
    /// `[8]` integers (i64).
    Ints,
    /// `[8]` declared claims: name string, kind (u8), unused (3).
    Claims,
    /// blob: all strings.
    Strings,
    /// blob: the gate's configuration, opaque to the core.
    Gate,
}

impl Section {
    /// The number of sections.
    pub const COUNT: usize = 22;
    /// All sections in file order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Slots,
        Self::Nodes,
        Self::Wides,
        Self::Globs,
        Self::Candidates,
        Self::Ends,
        Self::Tails,
        Self::Captures,
        Self::Rules,
        Self::Shapes,
        Self::Extras,
        Self::Sets,
        Self::Literals,
        Self::Templates,
        Self::Networks,
        Self::Programs,
        Self::Code,
        Self::Texts,
        Self::Ints,
        Self::Claims,
        Self::Strings,
        Self::Gate,
    ];

    /// Bytes per record in an image of this format version.
    pub const fn record_bytes_in(self, version: u16) -> usize {
        match self {
            Self::Extras if version == 2 => EXTRA_BYTES_2,
            _ => self.record_bytes(),
        }
    }

    /// Bytes per record.
    pub const fn record_bytes(self) -> usize {
        match self {
            Self::Strings | Self::Gate => 1,
            Self::Captures => 2,
            Self::Slots | Self::Sets | Self::Code | Self::Literals | Self::Texts => 4,
            Self::Candidates => 6,
            Self::Nodes
            | Self::Globs
            | Self::Tails
            | Self::Templates
            | Self::Programs
            | Self::Ints
            | Self::Claims => 8,
            Self::Rules => 10,
            Self::Ends | Self::Shapes => 16,
            Self::Networks => 20,
            Self::Wides => 24,
            Self::Extras => EXTRA_BYTES,
        }
    }
}

/// The end of a pattern, after the segments that led to its trie node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum EndKind {
    /// Here, without a trailing slash.
    Exact = 0,
    /// Here, with a trailing slash.
    Slash = 1,
    /// `/**`: anything below this slash.
    Below = 2,
    /// A tail that ends without a trailing slash.
    TailExact = 3,
    /// A tail that ends with a trailing slash.
    TailSlash = 4,
    /// A tail that ends in `/**`.
    TailBelow = 5,
}

impl EndKind {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::Exact,
            Self::Slash,
            Self::Below,
            Self::TailExact,
            Self::TailSlash,
            Self::TailBelow,
        ]
        .get(usize::from(number))
        .copied()
    }
}

/// One part of a tail. Every tail starts with `Rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TailKind {
    /// Exactly this text.
    Literal = 0,
    /// Text with stars.
    Glob = 1,
    /// Any one segment.
    Capture = 2,
    /// `**`.
    Rest = 3,
}

impl TailKind {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Literal, Self::Glob, Self::Capture, Self::Rest]
            .get(usize::from(number))
            .copied()
    }
}

/// Bit in a capture place: count from the last segment, which is 0.
pub const FROM_END: u16 = 1 << 15;

/// Rule flags.
pub mod flag {
    /// Any principal, also without a token.
    pub const ANYONE: u16 = 1;
    /// Any principal with a verified token.
    pub const SIGNED_IN: u16 = 2;
    /// All defined flags.
    pub const ALL: u16 = ANYONE | SIGNED_IN;
}

/// Instructions of a condition program: a stack machine over typed values. "a, b → c" means that a
/// and b are popped and c is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
    /// → bool; operand 0 or 1.
    Bool = 0,
    /// → string; operand: text.
    Text,
    /// → int; operand: integer.
    Int,
    /// → time; operand: integer.
    Time,
    /// → ip; operand: network (its address).
    Ip,
    /// → string, int or bool by declaration; operand: claim.
    Claim,
    /// → bool; operand: claim.
    Has,
    /// → string.
    Subject,
    /// → string.
    Issuer,
    /// → string.
    Method,
    /// → ip.
    ClientIp,
    /// → time.
    Now,
    /// → string; operand: capture number.
    Capture,
    /// bool → bool.
    Not,
    /// bool, bool → bool.
    And,
    /// bool, bool → bool.
    Or,
    /// a, a → bool.
    Eq,
    /// a, a → bool.
    Ne,
    /// a, a → bool, for string, int, time.
    Lt,
    /// a, a → bool, for string, int, time.
    Le,
    /// a, a → bool, for string, int, time.
    Gt,
    /// a, a → bool, for string, int, time.
    Ge,
    /// int, int → int.
    Add,
    /// int, int → int.
    Sub,
    /// int, int → int.
    Mul,
    /// int → int.
    Neg,
    /// time → time; operand: integer, in seconds.
    Shift,
    /// string, string → bool.
    StartsWith,
    /// string, string → bool.
    EndsWith,
    /// string, string → bool.
    Contains,
    /// string → bool; operand: set of texts.
    InTexts,
    /// int → bool; operand: set of integers.
    InInts,
    /// ip → bool; operand: set of networks.
    InNetworks,
    /// string → bool.
    InGroups,
    /// string → bool; operand: claim.
    InClaim,
}

impl Op {
    /// All instructions, in the order of their numbers.
    pub const ALL: [Self; 35] = [
        Self::Bool,
        Self::Text,
        Self::Int,
        Self::Time,
        Self::Ip,
        Self::Claim,
        Self::Has,
        Self::Subject,
        Self::Issuer,
        Self::Method,
        Self::ClientIp,
        Self::Now,
        Self::Capture,
        Self::Not,
        Self::And,
        Self::Or,
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Neg,
        Self::Shift,
        Self::StartsWith,
        Self::EndsWith,
        Self::Contains,
        Self::InTexts,
        Self::InInts,
        Self::InNetworks,
        Self::InGroups,
        Self::InClaim,
    ];

    /// The instruction with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// The checksum of an image: over all of it except the 8 bytes that hold the checksum.
///
/// Detects every change within one aligned 8-byte word, and other damage with probability about
/// 1 − 2⁻⁶⁴. It does not protect against an attacker who constructs a collision.
pub fn checksum(image: &[u8]) -> u64 {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15; // odd, so that every step is a bijection
    let (words, rest) = image.as_chunks::<8>();
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let step = |sum: u64, word: &[u8; 8]| {
        (sum ^ u64::from_le_bytes(*word))
            .wrapping_mul(MIX)
            .rotate_left(29)
    };
    let (head, body) = words.split_at(words.len().min(CHECKSUM_AT / 8));
    let sum = head.iter().fold(image.len() as u64, step);
    let sum = body.iter().skip(1).fold(sum, step);
    let sum = step(sum, &last);
    sum ^ (sum >> 32)
}

/// The slot where the search for an edge starts in a table with `homes` home slots, and the edge's fingerprint.
///
/// An edge is in its home slot or at most the header's longest probe after it. The search does not wrap around:
/// the table has that many slots more than homes.
pub fn slot_of(parent: u32, label: &[u8], homes: u32) -> (u32, u8) {
    const MIX: u64 = 0xD6E8_FEB8_6659_FD93;
    let (words, _) = label.as_chunks::<8>();
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(MIX).rotate_left(32);
    let seed = u64::from(parent) << 16 ^ label.len() as u64;
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let sum = step(words.fold(seed, step), tail(label)).wrapping_mul(MIX);
    let home = ((sum >> 32) * u64::from(homes)) >> 32;
    (home as u32, (sum >> 24) as u8)
}
