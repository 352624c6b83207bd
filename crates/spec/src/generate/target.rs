//! Random request targets: built to match a pattern, then altered.

use std::collections::BTreeMap;

use super::Random;
use super::names::{ONCE, ONCE_ONLY_IN_PATHS, ONLY_IN_PATHS, SEGMENTS};
use crate::model::Origin;

/// Characters that are unescaped in a path, in addition to letters and digits.
const UNESCAPED: &[u8] = b"-._";
/// Characters that may be escaped or not.
const EITHER_WAY: &[u8] = b"~!*'():@&=$,[]^|";

/// Pieces of a path that matches `pattern`, and the values of its captures. An empty last piece is
/// a trailing slash.
pub(super) fn fitting(
    random: &mut Random,
    origin: Origin,
    pattern: &str,
) -> (Vec<String>, BTreeMap<String, String>) {
    let mut pieces = Vec::new();
    let mut captures = BTreeMap::new();
    let mut wanted = pattern.split('/').skip(1).peekable();
    while let Some(piece) = wanted.next() {
        if piece == "**" {
            let is_last = wanted.peek().is_none();
            for _ in 0..random.below(3) {
                pieces.push(segment(random, origin));
            }
            if is_last && random.percent(25) {
                pieces.push(String::new());
            } else if is_last {
                pieces.push(segment(random, origin));
            }
        } else if let Some(name) = piece.strip_prefix('{') {
            let value = segment(random, origin);
            captures.insert(name.trim_end_matches('}').to_owned(), value.clone());
            pieces.push(value);
        } else {
            pieces.push(without_stars(random, origin, piece));
        }
    }
    (pieces, captures)
}

fn segment(random: &mut Random, origin: Origin) -> String {
    let from = match (random.below(100), origin) {
        (0..10, _) => ONLY_IN_PATHS,
        (10..18, Origin::S3 | Origin::Files) => ONCE,
        (18..24, Origin::S3 | Origin::Files) => ONCE_ONLY_IN_PATHS,
        _ => SEGMENTS,
    };
    random.pick(from).to_owned()
}

fn without_stars(random: &mut Random, origin: Origin, glob: &str) -> String {
    let mut text = String::new();
    for letter in glob.chars() {
        if letter == '*' {
            text.push_str(random.pick(&["", "a", "b", "1", "é", "a-b", "*", ".pdf", "a b"]));
        } else {
            text.push(letter);
        }
    }
    if text.is_empty() && !glob.is_empty() {
        segment(random, origin)
    } else {
        text
    }
}

/// Changes the path into a similar one.
pub(super) fn nudge(random: &mut Random, origin: Origin, pieces: &mut Vec<String>) {
    let at = random.below(pieces.len());
    match random.below(8) {
        0 if pieces.len() > 1 => drop(pieces.remove(at)),
        1 => pieces.insert(at, segment(random, origin)),
        2 => pieces.insert(at, random.pick(ONLY_IN_PATHS).to_owned()),
        3 if pieces.last().is_some_and(String::is_empty) && pieces.len() > 1 => drop(pieces.pop()),
        3 | 4 if !pieces.last().is_some_and(String::is_empty) => pieces.push(String::new()),
        _ => {
            if let Some(piece) = pieces.get_mut(at) {
                *piece = match random.below(5) {
                    0 => piece.to_uppercase(),
                    1 => format!("{piece}{}", random.pick(&["a", "x", "-", "é", ".pdf"])),
                    2 => format!("{}{piece}", random.pick(&["a", "b", ".", "~"])),
                    3 => piece.chars().skip(1).collect(),
                    _ => segment(random, origin),
                };
            }
        }
    }
}

/// Encodes the path as in a request.
pub(super) fn raw(random: &mut Random, origin: Origin, pieces: &[String]) -> Vec<u8> {
    let mut raw = Vec::new();
    for piece in pieces {
        raw.push(b'/');
        for byte in piece.bytes() {
            let plain = byte.is_ascii_alphanumeric()
                || UNESCAPED.contains(&byte)
                || (EITHER_WAY.contains(&byte) && random.percent(70));
            let plus = matches!((byte, origin), (b' ', Origin::S3) | (b'+', Origin::Files));
            if plain {
                raw.push(byte);
            } else if plus && random.percent(50) {
                raw.push(b'+');
            } else if random.percent(80) {
                raw.extend(format!("%{byte:02X}").bytes());
            } else {
                raw.extend(format!("%{byte:02x}").bytes());
            }
        }
    }
    raw
}

/// Inserts something into the raw path that is usually rejected.
pub(super) fn damage(random: &mut Random, raw: &mut Vec<u8>) {
    const HOSTILE: &[&[u8]] = &[
        b"/",
        b"//",
        b"/./",
        b"/../",
        b"/..",
        b"/.",
        b".",
        b"..",
        b"/.../",
        b"%2e",
        b"%2E%2e/",
        b"%2F",
        b"%2f",
        b"%5C",
        b"\\",
        b";",
        b"%3B",
        b";a=b",
        b"%25",
        b"%2525",
        b"%23",
        b"#",
        b"%3F",
        b"%00",
        b"%0a",
        b"%7F",
        b"%1f",
        b"\0",
        b"\n",
        b" ",
        b"+",
        b"[",
        b"]",
        b"{",
        b"|",
        b"\"",
        b"<",
        b"^",
        b"`",
        b"%61",
        b"%41",
        b"%2d",
        b"%7E",
        b"%",
        b"%4",
        b"%zz",
        b"%u002e",
        b"%-1",
        b"%+1",
        b"\xe9",
        b"\xc3\xa9",
        b"%C3",
        b"%A9",
        b"%C0%AF",
        b"%E0%80%AF",
        b"%ED%A0%80",
        b"%F4%90%80%80",
        b"%FF",
        b"%F0%9F%98%80",
        b"/%20",
        b"%20/",
        b"%20",
        b"%C2%A0/",
        b"/%E3%80%80",
        b"/%E2%80%AF",
        b"%2B",
        b"/+",
        b"+/",
        b"%2B/",
        b"%3b",
        b"%3f",
        b"%23a",
        b"./",
        b"%22",
        b"%5E",
        b"%24",
        b"%2A",
    ];
    let at = random.below(raw.len() + 1);
    let hostile = if random.percent(65) {
        random.pick(HOSTILE).to_vec()
    } else {
        // A character next to the limit of a rejected range.
        let code = random
            .pick(BORDERS)
            .saturating_add_signed(random.pick(&[-1, 0, 0, 1]));
        let character = char::from_u32(code).unwrap_or('\u{E000}');
        character
            .to_string()
            .bytes()
            .flat_map(|byte| format!("%{byte:02X}").into_bytes())
            .collect()
    };
    match random.below(10) {
        0 => raw.truncate(at),
        1 => drop(raw.splice(..at.min(1), [])),
        2 => drop(raw.splice(..0, hostile)),
        3 => raw.extend(hostile),
        _ => drop(raw.splice(at..at, hostile)),
    }
}

/// The first and last character of every rejected range, and others that are easily confused with
/// them.
const BORDERS: &[u32] = &[
    0x80, 0x9F, 0xA0, 0xAD, 0x37E, 0x61C, 0x1680, 0x180E, 0x2000, 0x200D, 0x200F, 0x2010, 0x2013,
    0x201C, 0x2024, 0x2026, 0x2028, 0x202E, 0x202F, 0x2044, 0x2047, 0x2049, 0x205F, 0x2066, 0x2069,
    0x206F, 0x2100, 0x2101, 0x2105, 0x2106, 0x212A, 0x212B, 0x2215, 0x2488, 0x249B, 0x3000, 0x33C2,
    0x33C7, 0x33D8, 0xD7FF, 0xE000, 0xF8FF, 0xFDD0, 0xFDEF, 0xFE14, 0xFE16, 0xFE19, 0xFE30, 0xFE52,
    0xFE54, 0xFE56, 0xFE5F, 0xFE68, 0xFE6A, 0xFEFF, 0xFF03, 0xFF05, 0xFF08, 0xFF0B, 0xFF0E, 0xFF0F,
    0xFF1B, 0xFF1F, 0xFF3C, 0xFFF9, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F100, 0x1F600, 0x1FFFE, 0x1FFFF,
    0x20000, 0xE0000, 0xE007F, 0xE0080, 0xEFFFE, 0xF0000, 0xFFFFD, 0x10FFFD, 0x10FFFF,
];

/// A path at one of the limits of size, or one beyond it.
pub(super) fn at_a_limit(
    random: &mut Random,
    origin: Origin,
    pieces: &mut Vec<String>,
    raw: &mut Vec<u8>,
) {
    let beyond = random.below(2);
    match random.below(4) {
        // Segments.
        0 => {
            let trailing_slash = pieces.last().is_some_and(String::is_empty);
            pieces.retain(|piece| !piece.is_empty());
            pieces.resize(64 + beyond, "n".to_owned());
            if trailing_slash {
                pieces.push(String::new());
            }
            *raw = self::raw(random, origin, pieces);
        }
        // Decoded bytes, in one long segment or after many.
        1 => {
            let last = pieces
                .pop()
                .filter(|last| !last.is_empty())
                .unwrap_or_else(|| "n".to_owned());
            let before: usize = pieces.iter().map(|piece| piece.len() + 1).sum();
            let room = (1024 + beyond).saturating_sub(before + last.len());
            pieces.push(format!("{}{last}", "n".repeat(room)));
            *raw = self::raw(random, origin, pieces);
        }
        // Decoded bytes, the last of which is a slash.
        2 => {
            *raw = format!("/{}/", "n".repeat(1023 + beyond)).into_bytes();
        }
        // Raw bytes: the longest path of escapes only, and a longer one that has other errors.
        _ => {
            *raw = format!("/{}", "%C3%A9".repeat(511 + beyond)).into_bytes();
            let room = 3072_usize.saturating_sub(raw.len());
            raw.extend(b"n".repeat(if random.percent(50) {
                room.min(2)
            } else {
                room
            }));
        }
    }
}
