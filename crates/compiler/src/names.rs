//! Names that are what they look like: without invisible characters, and every word in letters of one script.
//!
//! Groups, scopes, subjects, claims and clients are compared byte for byte with what tokens contain. A name
//! with a zero-width space, or with a Cyrillic `а` in a Latin word, looks right in every review and matches
//! nothing, or matches what nobody reviewed. Not here: paths, in which every character is checked by the core.

use unicode_script::{Script, UnicodeScript};
use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::AugmentedScriptSet;

use crate::diagnostic::{Report, Span, codes, is_readable, shown};
use crate::document::Text;

/// Keys whose value is not a name: paths, which have checks of their own, and free text.
const NO_NAMES: [&str; 8] = [
    "allow",
    "deny",
    "base",
    "because",
    "url",
    "redirect",
    "endpoint",
    "signed_out",
];

/// Reports a value with invisible or misleading characters.
pub(crate) fn check_value(key: &str, text: &Text<'_>, report: &mut Report) {
    if NO_NAMES.contains(&key) || text.value.is_ascii() {
        return;
    }
    if let Some(problem) = problem(text.value) {
        problem.report(text.part(problem.span), report);
    }
}

/// The same for a name that is a key, which is at `span`.
pub(crate) fn check_key(name: &str, span: Span, report: &mut Report) {
    if let Some(problem) = problem(name) {
        problem.report(span, report);
    }
}

/// A problem in a name.
struct Problem {
    /// Its span in the name.
    span: Span,
    message: String,
    help: String,
}

impl Problem {
    fn report(&self, at: Span, report: &mut Report) {
        report
            .add(&codes::LOOKALIKE, at, self.message.clone())
            .help(self.help.clone());
    }
}

fn problem(name: &str) -> Option<Problem> {
    if name.is_ascii() {
        return None;
    }
    invisible(name)
        .or_else(|| mixed(name))
        .or_else(|| styled(name))
}

/// Returns a text that is the same for two names that look the same.
pub fn skeleton_of(name: &str) -> String {
    skeleton(name).collect()
}

/// The first character that cannot be seen, or looks like an ordinary space.
fn invisible(name: &str) -> Option<Problem> {
    let (at, c) = name
        .char_indices()
        .find(|(at, c)| !c.is_control() && !is_readable(*c) && !joins(name, *at, *c))?;
    let code = u32::from(c);
    let plain: String = name.chars().filter(|c| is_readable(*c)).collect();
    let what = if c.is_whitespace() {
        "looks like an ordinary space"
    } else {
        "cannot be seen"
    };
    Some(Problem {
        span: Span {
            start: at,
            end: at + c.len_utf8(),
        },
        message: format!("`{}` contains U+{code:04X}, which {what}", shown(name)),
        help: if c.is_whitespace() {
            format!("write an ordinary space, or none: `{}`", shown(&plain))
        } else {
            format!("remove it: `{}`", shown(&plain))
        },
    })
}

/// Whether a joiner is where spelling needs it: between letters of a script that joins them, or in an emoji.
fn joins(name: &str, at: usize, c: char) -> bool {
    const JOINING: [Script; 8] = [
        Script::Arabic,
        Script::Bengali,
        Script::Devanagari,
        Script::Kannada,
        Script::Malayalam,
        Script::Sinhala,
        Script::Tamil,
        Script::Telugu,
    ];
    let before = name.get(..at).and_then(|text| text.chars().next_back());
    let after = name
        .get(at + c.len_utf8()..)
        .and_then(|text| text.chars().next());
    let joins = |c: Option<char>| c.is_some_and(|c| JOINING.contains(&c.script()));
    let in_emoji = before.is_some_and(|c| !c.is_ascii() && !c.is_alphanumeric());
    match c {
        '\u{FE0F}' => in_emoji,
        '\u{200D}' if in_emoji => true,
        '\u{200C}' | '\u{200D}' => joins(before) && joins(after),
        _ => false,
    }
}

/// The first letter or digit in another form than the ordinary one, such as full width among Latin letters.
fn styled(name: &str) -> Option<Problem> {
    let is_east_asian = has_east_asian(name);
    let is_form = |c: char| {
        matches!(c, '\u{2100}'..='\u{214F}' | '\u{24B6}'..='\u{24E9}' | '\u{1D400}'..='\u{1D7FF}')
            || (matches!(c, '\u{FF01}'..='\u{FF5E}') && !is_east_asian)
    };
    let plain = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0),
        c => twin(c),
    };
    let (at, c) = name
        .char_indices()
        .find(|(_, c)| is_form(*c) && plain(*c).is_some())?;
    let ordinary: String = name
        .chars()
        .map(|c| plain(c).filter(|_| is_form(c)).unwrap_or(c))
        .collect();
    Some(Problem {
        span: Span {
            start: at,
            end: at + c.len_utf8(),
        },
        message: format!(
            "`{}` contains U+{:04X}, which is another form of `{}`",
            shown(name),
            u32::from(c),
            plain(c).unwrap_or(c)
        ),
        help: format!("did you mean `{}`?", shown(&ordinary)),
    })
}

/// Whether a name has letters that are as wide as those of full width, which are written among them.
fn has_east_asian(name: &str) -> bool {
    const WIDE: [Script; 5] = [
        Script::Bopomofo,
        Script::Han,
        Script::Hangul,
        Script::Hiragana,
        Script::Katakana,
    ];
    name.chars().any(|c| WIDE.contains(&c.script()))
}

/// The first word in letters of more than one script.
fn mixed(name: &str) -> Option<Problem> {
    let word = name
        .split(|c: char| !c.is_alphanumeric())
        .find(|word| !word.is_ascii() && is_mixed(word))?;
    let start = name.find(word)?;
    let has_latin = word.chars().any(|c| c.script() == Script::Latin);
    let odd = word.char_indices().find(|(_, c)| {
        let script = c.script();
        let is_letter = !matches!(script, Script::Common | Script::Inherited);
        is_letter && has_latin && script != Script::Latin
    });
    let (at, c) = odd.or_else(|| word.char_indices().find(|(_, c)| !c.is_ascii()))?;
    let plain: String = word.chars().map(|c| twin(c).unwrap_or(c)).collect();
    Some(Problem {
        span: Span {
            start: start + at,
            end: start + at + c.len_utf8(),
        },
        message: format!(
            "`{}` mixes scripts in one word: `{c}` is U+{:04X} ({})",
            shown(word),
            u32::from(c),
            c.script().full_name()
        ),
        help: if plain.is_ascii() {
            format!("did you mean `{plain}`?")
        } else {
            "write the word in letters of one script".to_owned()
        },
    })
}

/// The ASCII letter that a letter of another script looks like.
fn twin(c: char) -> Option<char> {
    let mut like = skeleton(c.encode_utf8(&mut [0; 4]))
        .collect::<Vec<_>>()
        .into_iter();
    match (like.next(), like.next()) {
        (Some(letter), None) if letter.is_ascii() && !c.is_ascii() => Some(letter),
        _ => None,
    }
}

/// Whether a word has letters of scripts that no writing system uses together. Chinese, Japanese and Korean
/// are written with Latin letters among their own.
fn is_mixed(word: &str) -> bool {
    let scripts = |text: &str| AugmentedScriptSet::for_str(text);
    if !scripts(word).is_empty() {
        return false;
    }
    let rest: String = word
        .chars()
        .filter(|c| c.script() != Script::Latin)
        .collect();
    let rest = scripts(&rest);
    !(rest.jpan || rest.kore || rest.hanb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_what_they_look_like() {
        let table: &[(&str, Option<&str>)] = &[
            ("staff", None),
            ("rust-101", None),
            ("größe", None),
            ("персонал", None),
            ("персонал-rust", None),
            ("µ-kurs", None),
            ("学生A", None),
            ("ひらがなカタカナ漢字abc", None),
            ("한국어TV", None),
            ("می\u{200c}خواهم", None),
            ("３年Ａ組", None),
            ("Kurs ☕\u{fe0f}", None),
            ("\u{1f469}\u{200d}\u{1f4bb}", None),
            ("a²", None),
            ("na\u{ef}ve", None),
            ("nai\u{308}ve", None),
            ("st\u{200b}aff", Some("U+200B")),
            ("staff\u{feff}", Some("U+FEFF")),
            ("\u{202e}ffats", Some("U+202E")),
            ("a\u{a0}b", Some("U+00A0")),
            ("a\u{3000}b", Some("U+3000")),
            ("st\u{200d}aff", Some("U+200D")),
            ("a\u{ad}b", Some("U+00AD")),
            ("a\u{e0041}", Some("U+E0041")),
            ("st\u{430}ff", Some("U+0430 (Cyrillic)")),
            ("\u{441}t\u{430}ff", Some("U+0441 (Cyrillic)")),
            ("\u{3b1}bc", Some("U+03B1 (Greek)")),
            ("\u{ff53}taff", Some("U+FF53, which is another form of `s`")),
            (
                "\u{1d42c}taff",
                Some("U+1D42C, which is another form of `s`"),
            ),
            ("a\u{fe0f}", Some("U+FE0F")),
        ];
        for (name, expected) in table {
            let found = problem(name).map(|problem| problem.message);
            match expected {
                None => assert_eq!(found, None, "{name:?}"),
                Some(part) => {
                    assert!(
                        found.as_ref().is_some_and(|found| found.contains(part)),
                        "{name:?}: {found:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_cure_is_the_name_that_was_meant() {
        let help = |name| problem(name).map(|problem| problem.help);
        assert_eq!(
            help("st\u{430}ff"),
            Some("did you mean `staff`?".to_owned())
        );
        assert_eq!(help("st\u{200b}aff"), Some("remove it: `staff`".to_owned()));
    }
}
