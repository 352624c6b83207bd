//! The table of characters that request paths must not contain, generated from the Unicode data.
//!
//! The lists are those of the design. Characters that fold into structure are computed from the
//! normalisation forms, so that a new Unicode version changes the table without manual edits. Not here: the
//! use of the table, which is in the core.

use std::collections::BTreeSet;
use std::path::PathBuf;

use unicode_normalization::{UNICODE_VERSION, UnicodeNormalization};

use crate::repo;

/// The first non-ASCII character.
const FIRST: u32 = 0x80;
/// Characters with a meaning in paths. No accepted character may fold to one of them.
const STRUCTURE: &str = "./\\%#?;";

/// C1 controls, bidirectional controls, line separators and noncharacters. The last two code points of every
/// plane are noncharacters too; the core recognises them by their bits.
const REJECTED_BY_ALL: &[(u32, u32)] = &[
    (0x80, 0x9F),
    (0x61C, 0x61C),
    (0x200E, 0x200F),
    (0x2028, 0x202E),
    (0x2066, 0x2069),
    (0xFDD0, 0xFDEF),
];

/// Characters that some reader drops, hides or treats as structure, and private use.
const REJECTED_BY_STRICT: &[(u32, u32)] = &[
    (0xAD, 0xAD),
    (0x180E, 0x180E),
    (0x2000, 0x200F),
    (0x2024, 0x2026),
    (0x2044, 0x2044),
    (0x205F, 0x206F),
    (0x2100, 0x2101),
    (0x2105, 0x2106),
    (0x212A, 0x212B),
    (0x2215, 0x2215),
    (0xE000, 0xF8FF),
    (0xFE52, 0xFE52),
    (0xFE68, 0xFE68),
    (0xFEFF, 0xFEFF),
    (0xFF03, 0xFF03),
    (0xFF05, 0xFF05),
    (0xFF0B, 0xFF0B),
    (0xFF0E, 0xFF0F),
    (0xFF1B, 0xFF1B),
    (0xFF1F, 0xFF1F),
    (0xFF3C, 0xFF3C),
    (0xFFF9, 0xFFFD),
    (0xE0000, 0xE007F),
    (0xF0000, 0x10_FFFF),
];

/// The file that contains the table.
pub(super) fn path() -> PathBuf {
    repo::root().join("crates/core/src/path/table.rs")
}

/// Returns the contents of that file.
pub(super) fn text() -> String {
    let by_all = members(REJECTED_BY_ALL);
    let listed: BTreeSet<u32> = by_all
        .union(&members(REJECTED_BY_STRICT))
        .copied()
        .collect();
    let folding = (FIRST..=u32::from(char::MAX))
        .filter(|code| char::from_u32(*code).is_some_and(folds_into_structure));
    let by_strict = listed.iter().copied().chain(folding).collect();
    let (major, minor, update) = UNICODE_VERSION;
    let mut text = format!(
        "//! Characters that request paths must not hold. Written by `cargo xtask codegen` from the data of
//! Unicode {major}.{minor}.{update}; do not edit.
//!
//! Not here: ASCII, and the two noncharacters at the end of every plane.
"
    );
    write(
        &mut text,
        "REJECTED_BY_STRICT",
        "Code points that only readers which decode once may accept, and those that no reader accepts. A \
         character\n/// with a comment folds into that text.",
        &by_strict,
        &listed,
    );
    write(
        &mut text,
        "REJECTED_BY_ALL",
        "Code points that no reader accepts.",
        &by_all,
        &listed,
    );
    text
}

fn members(ranges: &[(u32, u32)]) -> BTreeSet<u32> {
    ranges
        .iter()
        .flat_map(|(first, last)| *first..=*last)
        .collect()
}

/// Returns whether a reader that normalises could see structure, or a control, in place of a character.
fn folds_into_structure(c: char) -> bool {
    let is_structure = |folded: char| STRUCTURE.contains(folded) || folded.is_control();
    let text = || core::iter::once(c);
    text().nfc().any(is_structure)
        || text().nfd().any(is_structure)
        || text().nfkc().any(is_structure)
        || text().nfkd().any(is_structure)
}

fn write(
    text: &mut String,
    name: &str,
    about: &str,
    codes: &BTreeSet<u32>,
    listed: &BTreeSet<u32>,
) {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for code in codes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *code => *last = *code,
            _ => ranges.push((*code, *code)),
        }
    }
    text.push_str(&format!(
        "\n/// {about}\npub(super) static {name}: [(u32, u32); {}] = [\n",
        ranges.len()
    ));
    for (first, last) in ranges {
        text.push_str(&format!("    (0x{first:04X}, 0x{last:04X}),"));
        let folded = char::from_u32(first).filter(|_| !listed.contains(&first));
        if let Some(c) = folded {
            let folded: String = core::iter::once(c).nfkc().collect();
            text.push_str(&format!(" // `{folded}`"));
            if first != last {
                text.push_str(" and so on");
            }
        }
        text.push('\n');
    }
    text.push_str("];\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_fold_into_structure_are_found_in_every_form() {
        // NFC and NFD, NFKC and NFKD.
        for c in [
            '\u{37E}', '\u{FE19}', '\u{FE30}', '\u{2488}', '\u{2100}', '\u{FF3C}',
        ] {
            assert!(folds_into_structure(c), "U+{:04X}", u32::from(c));
        }
        for c in ['é', '\u{A0}', '\u{2215}', '⧸', '＊', '📚'] {
            assert!(!folds_into_structure(c), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn the_table_in_the_core_is_current() {
        let written = std::fs::read_to_string(path()).unwrap();
        assert_eq!(written, text());
    }
}
