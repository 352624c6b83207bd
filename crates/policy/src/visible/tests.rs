//! The list is Unicode's, and what is shown has none of it.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::*;

#[test]
fn the_list_is_that_of_unicode() {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let is_listed = |c: char| {
        let code = u32::from(c);
        let is_noncharacter = code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
        matches!(
            categories.get(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
        ) || ignorable.contains(c)
            || is_noncharacter
            || c == '\u{2800}'
    };
    let wrong: Vec<char> = ('\0'..=char::MAX)
        .filter(|c| is_listed(*c) == is_visible(*c))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn runs_are_in_order() {
    let all: Vec<u32> = INVISIBLE.iter().flat_map(|(a, b)| [*a, *b]).collect();
    assert!(all.is_sorted());
}

#[test]
fn what_is_shown() {
    for (text, line, lines) in [
        ("é – 日本 🎓", "é – 日本 🎓", "é – 日本 🎓"),
        (
            "a\u{1b}[2Jb\r\u{9b}é\n",
            "a\\u{1b}[2Jb\\r\\u{9b}é\\n",
            "a\\u{1b}[2Jb\\r\\u{9b}é\n",
        ),
        ("a\tb\nc", "a\\tb\\nc", "a\tb\nc"),
        ("staff\u{200b}", "staff\\u{200b}", "staff\\u{200b}"),
        (
            "\u{202e}ffats\u{2066}",
            "\\u{202e}ffats\\u{2066}",
            "\\u{202e}ffats\\u{2066}",
        ),
        (
            "\u{e0041}\u{2028}",
            "\\u{e0041}\\u{2028}",
            "\\u{e0041}\\u{2028}",
        ),
        ("", "", ""),
    ] {
        assert_eq!((&*visible(text), &*visible_lines(text)), (line, lines));
    }
}
