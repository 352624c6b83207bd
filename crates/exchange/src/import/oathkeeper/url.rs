//! The URLs that an access rule matches: text with regular expressions or globs in `<…>`.
//!
//! A URL is parsed into alternatives of text, single characters and runs. Anything that cannot be
//! parsed is a run of any characters, marked as inexact. Not here: the decisions of the rules.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use super::super::condition::Star;
use super::super::sequence::{Drawn, Run, Token, narrow, wide};
use super::super::shape::Shape;
use super::Matching;

/// The maximum number of alternatives of one URL, before it is reduced to runs.
const MAX_ALTERNATIVES: usize = 32;
/// The maximum size of a character class that is expanded.
const MAX_CHARS: usize = 8;
/// The maximum length of a repetition that is expanded.
const MAX_REPEATED: u32 = 16;

/// A piece of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// One character of the class.
    One(ClassUnicode),
    /// A run of characters of the class.
    Many {
        class: ClassUnicode,
        is_filled: bool,
        /// Whether the source matches every such run.
        is_exact: bool,
    },
}

type Pieces = Vec<Piece>;

/// The URLs that a rule matches.
#[derive(Clone, Debug)]
pub(super) struct Url(Vec<Pieces>);

/// The paths of one site that a rule matches, without their leading slash.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths {
    /// Certainly matched, if the pieces are exact.
    certain: Vec<Pieces>,
    /// Possibly matched.
    possible: Vec<Pieces>,
}

impl Url {
    /// Parses a URL.
    pub(super) fn read(url: &str, matching: Matching) -> Self {
        let Some(parts) = cut(url) else {
            return Self(vec![vec![anything()]]);
        };
        let mut all: Vec<Pieces> = vec![Vec::new()];
        for (text, inside) in parts {
            let next = match inside {
                false => vec![vec![Piece::Text(text.to_owned())]],
                true => match matching {
                    Matching::Regexp => regexp(text),
                    Matching::Glob => glob(text),
                },
            };
            all = product(&all, &next).unwrap_or_else(|| vec![vec![anything()]]);
        }
        Self(all)
    }

    /// The scheme and host of the first URL that it matches.
    pub(super) fn origin(&self) -> String {
        let mut origin = String::new();
        for piece in self.0.first().into_iter().flatten() {
            match piece {
                Piece::Text(text) => origin.push_str(text),
                // In regular expressions, the dots of a host are often not escaped.
                Piece::One(class) | Piece::Many { class, .. } => {
                    let first = class.ranges().first().map_or('.', ClassUnicodeRange::start);
                    origin.push(if has(class, '.') { '.' } else { first });
                }
            }
            let host = origin.find("://").map(|at| at + 3);
            if let Some(end) = host.and_then(|host| Some(host + origin.get(host..)?.find('/')?)) {
                origin.truncate(end);
                break;
            }
        }
        origin
    }

    /// Whether scheme and host are plain text.
    pub(super) fn has_plain_origin(&self) -> bool {
        let plain = |pieces: &Pieces| match pieces.first() {
            Some(Piece::Text(text)) => text
                .split_once("://")
                .is_some_and(|(_, rest)| rest.contains('/') || pieces.len() == 1),
            _ => false,
        };
        self.0.len() == 1 && self.0.iter().all(plain)
    }

    /// The paths that the rule matches at a site.
    pub(super) fn paths(&self, origin: &str) -> Paths {
        let mut paths = Paths::default();
        for pieces in &self.0 {
            for state in after(pieces, origin) {
                if let Some(next) = state.step('/', pieces) {
                    let rest = next.rest(pieces);
                    // A run within the host is not meant to extend into the path, although it does.
                    let is_host =
                        next.at == state.at && state.is_inside && pieces.len() > next.at + 1;
                    if next.is_certain && !is_host {
                        paths.certain.push(rest.clone());
                    }
                    paths.possible.push(rest);
                }
            }
        }
        for list in [&mut paths.certain, &mut paths.possible] {
            let mut seen: Vec<Pieces> = Vec::new();
            list.retain(|pieces| {
                let is_new = !seen.contains(pieces);
                if is_new {
                    seen.push(pieces.clone());
                }
                is_new
            });
        }
        paths
    }
}

impl Paths {
    /// Whether the rule can match a path of the site.
    pub(super) fn is_empty(&self) -> bool {
        self.possible.is_empty()
    }

    /// Patterns for exactly the paths that are certainly matched, and whether that is all that may
    /// be matched.
    pub(super) fn narrow(&self) -> (Vec<Drawn>, bool) {
        let mut drawn = Vec::new();
        let mut is_all = self
            .possible
            .iter()
            .all(|pieces| self.certain.contains(pieces));
        for pieces in &self.certain {
            for (tokens, is_exact) in tokens(pieces) {
                match narrow(&tokens).filter(|_| is_exact) {
                    Some(found) => drawn.extend(found),
                    None => is_all = false,
                }
            }
        }
        (drawn, is_all)
    }

    /// Patterns for all that may be matched.
    pub(super) fn wide(&self) -> Vec<Shape> {
        let all = self.possible.iter().flat_map(|pieces| tokens(pieces));
        all.flat_map(|(tokens, _)| wide(&tokens)).collect()
    }

    /// Whether the path, without its leading slash, may be matched.
    pub(super) fn may_match(&self, path: &str) -> bool {
        self.possible.iter().any(|pieces| {
            let states = after(pieces, path);
            states.iter().any(|state| state.is_end(pieces))
        })
    }
}

/// A position in the pieces during matching.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    at: usize,
    /// The offset in the text piece, or whether a run has started.
    offset: usize,
    is_inside: bool,
    is_certain: bool,
}

impl State {
    fn new(at: usize, is_certain: bool) -> Self {
        Self {
            at,
            offset: 0,
            is_inside: false,
            is_certain,
        }
    }

    /// This position and those that are reached without consuming a character.
    fn closure(self, pieces: &[Piece]) -> Vec<Self> {
        let mut all = vec![self];
        let mut number = 0;
        while let Some(state) = all.get(number).cloned() {
            number += 1;
            let skips = match pieces.get(state.at) {
                Some(Piece::Many {
                    is_filled,
                    is_exact,
                    ..
                }) if !is_filled || state.is_inside => Some(*is_exact),
                Some(Piece::Text(text)) if state.offset == text.len() => Some(true),
                _ => None,
            };
            if let Some(is_exact) = skips {
                all.push(Self::new(state.at + 1, state.is_certain && is_exact));
            }
        }
        all
    }

    fn step(&self, c: char, pieces: &[Piece]) -> Option<Self> {
        match pieces.get(self.at)? {
            Piece::Text(text) => {
                let rest = text.get(self.offset..)?;
                rest.starts_with(c).then(|| Self {
                    offset: self.offset + c.len_utf8(),
                    ..self.clone()
                })
            }
            Piece::One(class) => {
                may_have(class, c).then(|| Self::new(self.at + 1, self.is_certain && has(class, c)))
            }
            Piece::Many {
                class, is_exact, ..
            } => may_have(class, c).then(|| Self {
                is_inside: true,
                is_certain: self.is_certain && *is_exact && has(class, c),
                ..self.clone()
            }),
        }
    }

    fn is_end(&self, pieces: &[Piece]) -> bool {
        self.at == pieces.len()
    }

    /// Returns the remaining pieces.
    fn rest(&self, pieces: &[Piece]) -> Pieces {
        let mut rest = pieces.get(self.at..).unwrap_or_default().to_vec();
        match rest.first_mut() {
            Some(Piece::Text(text)) => *text = text.split_off(self.offset.min(text.len())),
            Some(Piece::Many { is_filled, .. }) if self.is_inside => *is_filled = false,
            _ => {}
        }
        rest.retain(|piece| *piece != Piece::Text(String::new()));
        rest
    }
}

/// The positions after a text.
fn after(pieces: &[Piece], text: &str) -> Vec<State> {
    let mut states = State::new(0, true).closure(pieces);
    for c in text.chars() {
        let mut next: Vec<State> = Vec::new();
        for state in states.iter().filter_map(|state| state.step(c, pieces)) {
            for state in state.closure(pieces) {
                if !next.contains(&state) {
                    next.push(state);
                }
            }
        }
        states = next;
    }
    states
}

/// The text outside of `<…>` and, marked, inside; `None` if the brackets do not match.
fn cut(url: &str) -> Option<Vec<(&str, bool)>> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in url.char_indices() {
        match c {
            '<' => {
                if depth == 0 {
                    parts.push((url.get(start..at)?, false));
                    start = at + 1;
                }
                depth += 1;
            }
            '>' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    parts.push((url.get(start..at)?, true));
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    parts.push((url.get(start..)?, false));
    parts.retain(|(text, is_inside)| *is_inside || !text.is_empty());
    (depth == 0).then_some(parts)
}

fn product(left: &[Pieces], right: &[Pieces]) -> Option<Vec<Pieces>> {
    if left.len() * right.len() > MAX_ALTERNATIVES {
        return None;
    }
    let mut all = Vec::new();
    for start in left {
        for end in right {
            let mut joined = start.clone();
            for piece in end {
                match (joined.last_mut(), piece) {
                    (Some(Piece::Text(last)), Piece::Text(text)) => last.push_str(text),
                    _ => joined.push(piece.clone()),
                }
            }
            all.push(joined);
        }
    }
    Some(all)
}

fn regexp(text: &str) -> Vec<Pieces> {
    let plain = without_lookaround(text);
    let own = plain.as_deref().unwrap_or(text);
    let parsed = regex_syntax::parse(own).ok().filter(|_| is_common(own));
    let mut all = match parsed {
        Some(hir) => alternatives(&hir).unwrap_or_else(|| vec![vec![spanning(&hir)]]),
        None => vec![vec![anything()]],
    };
    if plain.is_some() {
        all.iter_mut().for_each(|pieces| pieces.push(restricted()));
    }
    all
}

/// The expression without lookaround groups; `None` if it has none.
fn without_lookaround(text: &str) -> Option<String> {
    const STARTS: [&str; 4] = ["(?!", "(?=", "(?<!", "(?<="];
    let mut rest = text;
    let mut left = String::new();
    while let Some(at) = STARTS.iter().filter_map(|start| rest.find(start)).min() {
        let (before, group) = rest.split_at_checked(at)?;
        left.push_str(before);
        let mut depth = 0_usize;
        let mut is_escaped = false;
        let end = group.char_indices().find(|(_, c)| {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            *c == ')' && depth == 0
        });
        rest = group.get(end?.0 + 1..)?;
    }
    left.push_str(rest);
    // A bracket within a class would have been counted, too.
    (left.len() < text.len() && !classes(text).any(|class| class.contains(['(', ')'])))
        .then_some(left)
}

/// Whether the expression has the same meaning in Oathkeeper's engine: it has no flags, and no sets
/// within classes.
fn is_common(text: &str) -> bool {
    let mut groups = text.split("(?").skip(1);
    groups.all(|group| group.starts_with([':', '<']))
        && !classes(text).any(|class| {
            ["[", "&&", "--", "~~"]
                .iter()
                .any(|set| class.contains(set))
        })
}

/// Returns the contents of the character classes of an expression, up to the first `]`.
fn classes(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let start = rest.find('[')?;
        let class = rest.get(start + 1..)?;
        // A leading bracket does not end the class.
        let from = class.len() - class.trim_start_matches('^').trim_start_matches(']').len();
        let end = class
            .get(from..)?
            .find(']')
            .map_or(class.len(), |end| from + end);
        rest = class.get(end..)?;
        class.get(..end)
    })
}

/// The alternatives of a regular expression; `None` if there are too many.
fn alternatives(hir: &Hir) -> Option<Vec<Pieces>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => {
            let text = core::str::from_utf8(&literal.0).ok()?;
            Some(vec![vec![Piece::Text(text.to_owned())]])
        }
        HirKind::Class(Class::Unicode(class)) => Some(vec![vec![Piece::One(class.clone())]]),
        HirKind::Class(Class::Bytes(class)) => {
            Some(vec![vec![Piece::One(class.to_unicode_class()?)]])
        }
        HirKind::Look(_) => Some(vec![vec![restricted()]]),
        HirKind::Capture(capture) => alternatives(&capture.sub),
        HirKind::Concat(parts) => parts.iter().try_fold(vec![Vec::new()], |all, part| {
            product(&all, &alternatives(part)?)
        }),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(alternatives(part)?);
            }
            (all.len() <= MAX_ALTERNATIVES).then_some(all)
        }
        HirKind::Repetition(repetition) => {
            let sub = alternatives(&repetition.sub)?;
            if let ([pieces], 0 | 1, None) = (sub.as_slice(), repetition.min, repetition.max)
                && let [Piece::One(class)] = pieces.as_slice()
            {
                return Some(vec![vec![Piece::Many {
                    class: class.clone(),
                    is_filled: repetition.min == 1,
                    is_exact: true,
                }]]);
            }
            let Some(max) = repetition.max.filter(|max| *max <= MAX_REPEATED) else {
                return Some(vec![vec![spanning(hir)]]);
            };
            let mut all = Vec::new();
            let mut times: Vec<Pieces> = vec![Vec::new()];
            for count in 0..=max {
                if count >= repetition.min {
                    all.extend(times.iter().cloned());
                }
                if count < max {
                    times = product(&times, &sub)?;
                }
            }
            (all.len() <= MAX_ALTERNATIVES).then_some(all)
        }
    }
}

/// A run of the characters of an expression that is too large to expand.
fn spanning(hir: &Hir) -> Piece {
    let mut class = ClassUnicode::empty();
    alphabet(hir, &mut class);
    Piece::Many {
        class,
        is_filled: hir.properties().minimum_len().is_some_and(|len| len > 0),
        is_exact: false,
    }
}

fn alphabet(hir: &Hir, all: &mut ClassUnicode) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => match core::str::from_utf8(&literal.0) {
            Ok(text) => text
                .chars()
                .for_each(|c| all.push(ClassUnicodeRange::new(c, c))),
            Err(_) => *all = everything(),
        },
        HirKind::Class(Class::Unicode(class)) => all.union(class),
        HirKind::Class(Class::Bytes(class)) => match class.to_unicode_class() {
            Some(class) => all.union(&class),
            None => *all = everything(),
        },
        HirKind::Capture(capture) => alphabet(&capture.sub, all),
        HirKind::Repetition(repetition) => alphabet(&repetition.sub, all),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| alphabet(part, all));
        }
    }
}

fn glob(text: &str) -> Vec<Pieces> {
    glob_pieces(text).unwrap_or_else(|| vec![vec![anything()]])
}

/// The pieces of a glob; `None` if it contains anything but stars, question marks, escapes and
/// simple alternatives.
fn glob_pieces(text: &str) -> Option<Vec<Pieces>> {
    let separators = ClassUnicode::new(['.', '/'].map(|c| ClassUnicodeRange::new(c, c)));
    let mut others = separators;
    others.negate();
    let mut all: Vec<Pieces> = vec![Vec::new()];
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..)?;
        let (next, left) = match c {
            '*' if after.starts_with('*') => {
                (vec![exact(anything())], after.trim_start_matches('*'))
            }
            '*' => {
                let run = Piece::Many {
                    class: others.clone(),
                    is_filled: false,
                    is_exact: true,
                };
                (vec![vec![run]], after)
            }
            '?' => (vec![vec![Piece::One(others.clone())]], after),
            '{' => {
                let (choices, left) = after.split_once('}')?;
                if choices.contains(['{', '*', '?', '[', '\\']) {
                    return None;
                }
                let choices = choices
                    .split(',')
                    .map(|text| vec![Piece::Text(text.to_owned())]);
                (choices.collect(), left)
            }
            '[' | ']' | '}' => return None,
            '\\' => {
                let escaped = after.chars().next()?;
                (
                    vec![vec![Piece::Text(escaped.into())]],
                    after.get(escaped.len_utf8()..)?,
                )
            }
            c => (vec![vec![Piece::Text(c.into())]], after),
        };
        all = product(&all, &next)?;
        rest = left;
    }
    Some(all)
}

fn exact(piece: Piece) -> Pieces {
    match piece {
        Piece::Many {
            class, is_filled, ..
        } => vec![Piece::Many {
            class,
            is_filled,
            is_exact: true,
        }],
        piece => vec![piece],
    }
}

/// A run of any characters, for anything that is not understood.
fn anything() -> Piece {
    Piece::Many {
        class: everything(),
        is_filled: false,
        is_exact: false,
    }
}

fn everything() -> ClassUnicode {
    let mut class = ClassUnicode::empty();
    class.negate();
    class
}

/// No characters, where the source matches less: anchors, boundaries and lookaround groups.
fn restricted() -> Piece {
    Piece::Many {
        class: ClassUnicode::empty(),
        is_filled: false,
        is_exact: false,
    }
}

fn has(class: &ClassUnicode, c: char) -> bool {
    class
        .iter()
        .any(|range| range.start() <= c && c <= range.end())
}

/// Whether the class may contain the character: engines differ outside ASCII.
fn may_have(class: &ClassUnicode, c: char) -> bool {
    has(class, c) || (!c.is_ascii() && !class.ranges().is_empty())
}

/// Returns the characters that a path can contain and the class excludes.
fn excluded(class: &ClassUnicode) -> Vec<char> {
    let mut others = class.clone();
    others.negate();
    let mut chars = Vec::new();
    for range in others.iter() {
        let mut all = range.start()..=range.end();
        // Paths contain no control characters.
        chars.extend(all.by_ref().filter(|c| !c.is_control()).take(MAX_CHARS));
    }
    chars
}

/// The pieces as tokens, and whether the tokens are exact.
fn tokens(pieces: &[Piece]) -> Vec<(Vec<Token>, bool)> {
    let mut all: Vec<(Vec<Token>, bool)> = vec![(Vec::new(), true)];
    for piece in pieces {
        if *piece == restricted() {
            all.iter_mut().for_each(|(_, is_exact)| *is_exact = false);
            continue;
        }
        let next: Vec<(Token, bool)> = match piece {
            Piece::Text(text) => vec![(Token::Text(text.clone()), true)],
            Piece::One(class) => match few(class) {
                Some(chars) if chars.len() * all.len() <= MAX_ALTERNATIVES => chars
                    .into_iter()
                    .map(|c| (Token::Text(c.into()), true))
                    .collect(),
                _ => vec![(run(class, true, false), false)],
            },
            Piece::Many {
                class,
                is_filled,
                is_exact,
            } => match excluded(class).as_slice() {
                [] => vec![(run(class, *is_filled, false), *is_exact)],
                ['/'] => vec![(run(class, *is_filled, false), *is_exact)],
                ['.', '/'] => vec![(run(class, *is_filled, true), *is_exact)],
                _ => vec![(run(class, *is_filled, false), false)],
            },
        };
        let mut longer = Vec::new();
        for (tokens, was_exact) in &all {
            for (token, is_exact) in &next {
                let mut tokens = tokens.clone();
                tokens.push(token.clone());
                longer.push((tokens, *was_exact && *is_exact));
            }
        }
        all = longer;
    }
    all
}

fn run(class: &ClassUnicode, is_filled: bool, has_no_dot: bool) -> Token {
    Token::Run(Run {
        crosses: has(class, '/'),
        star: Star {
            is_filled,
            has_no_dot,
        },
    })
}

/// The characters of a small class.
fn few(class: &ClassUnicode) -> Option<Vec<char>> {
    let mut chars = Vec::new();
    for range in class.iter() {
        for c in range.start()..=range.end() {
            chars.push(c);
            if chars.len() > MAX_CHARS {
                return None;
            }
        }
    }
    Some(chars)
}

#[cfg(test)]
mod tests;
