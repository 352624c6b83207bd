//! Conditions on captured segments, for patterns that are not exact.
//!
//! Not here: choosing the segments to capture ([`sequence`](super::sequence),
//! [`except`](super::except)).

use tollgate_policy::syntax::quoted;

use super::shape::overlapping;

/// A piece of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Exactly this text.
    Text(String),
    /// Any run of characters.
    Star(Star),
}

/// The restrictions of a run within a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Star {
    /// The run is not empty.
    pub(super) is_filled: bool,
    /// The run has no dot in it.
    pub(super) has_no_dot: bool,
}

/// Whether a condition can compare a capture with these pieces.
pub(super) fn is_expressible(pieces: &[Piece]) -> bool {
    compare("x", pieces).is_some()
}

/// The pieces of a segment with wildcards.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, text) in text.split('*').enumerate() {
        if at > 0 {
            pieces.push(Piece::Star(Star::default()));
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
    }
    pieces
}

/// Returns comparisons that are all true exactly if the capture consists of the pieces, or `None`
/// if no such comparisons exist. An empty list is always true.
pub(super) fn compare(capture: &str, pieces: &[Piece]) -> Option<Vec<String>> {
    let test = |name: &str, text: &str| format!("path.{capture}.{name}({})", quoted(text));
    let differs = |text: &str| format!("path.{capture} != {}", quoted(text));
    let (start, star, end) = match pieces {
        [Piece::Text(text)] => return Some(vec![format!("path.{capture} == {}", quoted(text))]),
        [Piece::Star(first), Piece::Text(text), Piece::Star(last)]
            if [first, last] == [&Star::default(); 2] =>
        {
            return Some(vec![test("contains", text)]);
        }
        [Piece::Star(star)] => ("", star, ""),
        [Piece::Text(start), Piece::Star(star)] => (start.as_str(), star, ""),
        [Piece::Star(star), Piece::Text(end)] => ("", star, end.as_str()),
        [Piece::Text(start), Piece::Star(star), Piece::Text(end)] => {
            (start.as_str(), star, end.as_str())
        }
        _ => return None,
    };
    let mut tests = Vec::new();
    if !start.is_empty() {
        tests.push(test("startsWith", start));
    }
    if !end.is_empty() {
        tests.push(test("endsWith", end));
    }
    if !start.is_empty() {
        tests.extend(overlapping(start, end).map(|text| differs(&text)));
    }
    // A whole segment is never empty.
    if star.is_filled && !(start.is_empty() && end.is_empty()) {
        tests.push(differs(&format!("{start}{end}")));
    }
    if star.has_no_dot {
        if start.contains('.') || end.contains('.') {
            return None;
        }
        tests.push(format!("!{}", test("contains", ".")));
    }
    Some(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparisons_say_exactly_what_the_pieces_do() {
        let filled = Piece::Star(Star {
            is_filled: true,
            has_no_dot: false,
        });
        let dotless = Piece::Star(Star {
            is_filled: false,
            has_no_dot: true,
        });
        let text = |text: &str| Piece::Text(text.to_owned());
        let table: [(Vec<Piece>, Option<&str>); 12] = [
            (pieces("a"), Some(r#"path.x == "a""#)),
            (pieces("*"), Some("")),
            (pieces("a*"), Some(r#"path.x.startsWith("a")"#)),
            (pieces("*.css"), Some(r#"path.x.endsWith(".css")"#)),
            (pieces("*a*"), Some(r#"path.x.contains("a")"#)),
            (
                pieces("ab*ba"),
                Some(r#"path.x.startsWith("ab") && path.x.endsWith("ba") && path.x != "aba""#),
            ),
            (pieces("a*b*c"), None),
            (
                vec![text("a"), filled.clone()],
                Some(r#"path.x.startsWith("a") && path.x != "a""#),
            ),
            (vec![filled], Some("")),
            (vec![dotless.clone()], Some(r#"!path.x.contains(".")"#)),
            (vec![dotless, text(".b")], None),
            (vec![text("q\"\\")], Some(r#"path.x == "q\"\\""#)),
        ];
        for (pieces, want) in table {
            let found = compare("x", &pieces).map(|tests| tests.join(" && "));
            assert_eq!(found.as_deref(), want, "{pieces:?}");
        }
    }
}
