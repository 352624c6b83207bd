//! Translates the wildcards of other tools to shapes of the policy language.
//!
//! Other tools match a path as one string, in which a wildcard may cross slashes; a pattern here
//! matches segments. A translation is either exact ([`narrow`]), with conditions on captures where
//! a pattern is too broad, or a superset ([`wide`]), for paths that must be denied completely. Not
//! here: the syntax of those tools.

use super::condition::{Piece, Star, is_expressible};
use super::shape::{End, Part, Shape, is_literal, is_segment, simplified};
use tollgate_compiler::limits::MAX_STARS_PER_SEGMENT;

/// One wildcard may become two patterns, so a few wildcards can become many.
const MAX_SHAPES: usize = 16;
/// The maximum number of steps of one translation, including dead ends.
const MAX_STEPS: usize = 20_000;

/// A piece of another tool's pattern, without the slash that every path starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Exactly this text, possibly with slashes.
    Text(String),
    /// Any run of characters.
    Run(Run),
}

/// A wildcard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// Whether the run may contain slashes.
    pub(super) crosses: bool,
    /// The restrictions of the run.
    pub(super) star: Star,
}

impl Token {
    /// Any run of characters, slashes included.
    pub(super) const ANYTHING: Self = Self::any(false);
    /// Any run of characters except the empty one.
    pub(super) const SOMETHING: Self = Self::any(true);

    const fn any(is_filled: bool) -> Self {
        Self::Run(Run {
            crosses: true,
            star: Star {
                is_filled,
                has_no_dot: false,
            },
        })
    }
}

/// One pattern, and the segments that must be captured and compared for it to be exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) shape: Shape,
    pub(super) tests: Vec<(usize, Vec<Piece>)>,
}

/// Patterns that together match exactly the same paths as the tokens, if possible.
pub(super) fn narrow(tokens: &[Token]) -> Option<Vec<Drawn>> {
    let texts = tokens.iter().filter_map(|token| match token {
        Token::Text(text) => Some(text),
        Token::Run(_) => None,
    });
    if texts.into_iter().any(|text| text.contains('*')) {
        return None;
    }
    let (items, is_exact) = items(tokens);
    let mut builder = Builder::new(true);
    builder.walk(&items, Draft::default());
    let is_sound =
        is_exact && !builder.has_too_much() && builder.done.iter().all(Drawn::is_expressible);
    if !is_sound {
        return None;
    }
    let (plain, tested): (Vec<_>, Vec<_>) = builder
        .done
        .into_iter()
        .partition(|drawn| drawn.tests.is_empty());
    let plain = simplified(plain.into_iter().map(|drawn| drawn.shape).collect());
    let is_needed = |drawn: &Drawn| !plain.iter().any(|shape| shape.covers(&drawn.shape));
    let tested: Vec<_> = tested.into_iter().filter(is_needed).collect();
    let plain = plain.into_iter().map(|shape| Drawn {
        shape,
        tests: Vec::new(),
    });
    Some(plain.chain(tested).collect())
}

/// Patterns that match every path that the tokens match, and possibly more.
pub(super) fn wide(tokens: &[Token]) -> Vec<Shape> {
    let mut builder = Builder::new(false);
    builder.walk(&items(tokens).0, Draft::default());
    let is_small = !builder.has_too_much();
    let shapes: Vec<Shape> = builder.done.into_iter().map(|drawn| drawn.shape).collect();
    if is_small && shapes.iter().all(Shape::is_pattern) {
        return simplified(shapes);
    }
    vec![folder(tokens)]
}

/// Everything below the deepest directory that the tokens name.
fn folder(tokens: &[Token]) -> Shape {
    let text = match tokens.first() {
        Some(Token::Text(text)) => text.as_str(),
        _ => "",
    };
    let folder = text.rsplit_once('/').map_or("", |(folder, _)| folder);
    let segments = folder.split('/').take_while(|segment| !segment.is_empty());
    let parts = segments
        .take(MAX_SHAPES)
        .map(|segment| Part::Text(widened(segment)));
    let shape = Shape::new(parts.collect(), End::Below);
    if shape.is_pattern() {
        shape
    } else {
        Shape::everything()
    }
}

impl Drawn {
    /// Whether the compiler accepts the pattern with the captures that the tests need.
    fn is_expressible(&self) -> bool {
        let rests = || {
            let parts = self.shape.parts.iter().enumerate();
            let inner = parts.filter(|(_, part)| **part == Part::Rest);
            let below = (self.shape.end == End::Below).then_some(self.shape.parts.len());
            inner.map(|(at, _)| at).chain(below)
        };
        let (first, last) = (rests().min(), rests().max());
        // A capture between two `**` is ambiguous.
        let has_value =
            |at: usize| first.is_none_or(|first| at < first) || last.is_none_or(|last| at > last);
        let is_fine = |(at, pieces): &(usize, Vec<Piece>)| has_value(*at) && is_expressible(pieces);
        self.shape.is_pattern() && self.tests.iter().all(is_fine)
    }
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Slash,
    Char(char),
    Run(Run),
}

/// The tokens as single characters and wildcards, no two of which are adjacent, and whether that is
/// exact.
fn items(tokens: &[Token]) -> (Vec<Item>, bool) {
    let mut items: Vec<Item> = Vec::new();
    let mut is_exact = true;
    for token in tokens {
        match (token, items.last_mut()) {
            (Token::Run(run), Some(Item::Run(last))) => is_exact &= last.absorb(*run),
            (Token::Run(run), _) => items.push(Item::Run(*run)),
            (Token::Text(text), _) => items.extend(text.chars().map(|c| match c {
                '/' => Item::Slash,
                c => Item::Char(c),
            })),
        }
    }
    (items, is_exact)
}

impl Run {
    /// Merges two adjacent wildcards into one. Returns whether the meaning is the same.
    fn absorb(&mut self, next: Self) -> bool {
        let (one, other) = (*self, next);
        self.crosses |= next.crosses;
        self.star.is_filled |= next.star.is_filled;
        self.star.has_no_dot &= next.star.has_no_dot;
        let is_bounded = |run: Self| run.star.is_filled && !run.crosses;
        match one.crosses || other.crosses {
            // The one that matches anything absorbs the one that may be empty.
            true => {
                !(one.star.is_filled && other.star.is_filled
                    || is_bounded(one)
                    || is_bounded(other))
            }
            false => {
                one.star.has_no_dot == other.star.has_no_dot
                    && !(one.star.is_filled && other.star.is_filled)
            }
        }
    }
}

/// A pattern being built.
#[derive(Clone, Debug, Default)]
struct Draft {
    parts: Vec<Part>,
    tests: Vec<(usize, Vec<Piece>)>,
    /// The current segment.
    segment: Vec<Piece>,
}

struct Builder {
    done: Vec<Drawn>,
    /// Whether the result must be exact; otherwise it may be a superset.
    is_exact: bool,
    steps: usize,
}

impl Builder {
    fn new(is_exact: bool) -> Self {
        Self {
            done: Vec::new(),
            is_exact,
            steps: 0,
        }
    }

    fn has_too_much(&self) -> bool {
        self.done.len() > MAX_SHAPES || self.steps > MAX_STEPS
    }

    fn walk(&mut self, mut items: &[Item], mut draft: Draft) {
        while let Some((item, rest)) = items.split_first() {
            self.steps += 1;
            if self.has_too_much() {
                return;
            }
            items = rest;
            match *item {
                // No request path has an empty segment.
                Item::Slash if draft.segment.is_empty() => return,
                Item::Slash => self.close(&mut draft),
                Item::Char(c) => draft.push_char(c),
                Item::Run(run) if !run.crosses => draft.push_star(run.star),
                Item::Run(run) => match self.cross(draft, run.star, rest) {
                    Some((left, next)) => (items, draft) = (left, next),
                    None => return,
                },
            }
        }
        self.finish(draft);
    }

    /// A run that may cross slashes: either it stays in its segment, or it ends this segment,
    /// contains any number of whole segments, and starts another. Returns where to continue, if
    /// only one way exists.
    fn cross<'a>(
        &mut self,
        mut draft: Draft,
        star: Star,
        rest: &'a [Item],
    ) -> Option<(&'a [Item], Draft)> {
        let is_start = draft.segment.is_empty();
        let filled = star.is_filled;
        match rest.split_first() {
            None if is_start && !filled => self.end(draft, End::Below),
            None => {
                let mut below = draft.clone();
                draft.push_star(star);
                self.close(&mut draft);
                self.end(draft, End::File);
                below.push_star(Star::default());
                self.close(&mut below);
                self.end(below, End::Below);
            }
            Some(_) if is_start && !filled => {
                draft.parts.push(Part::Rest);
                draft.push_star(Star::default());
                return Some((rest, draft));
            }
            Some((Item::Slash, after)) if !is_start && !filled => {
                draft.push_star(Star::default());
                self.close(&mut draft);
                draft.parts.push(Part::Rest);
                return Some((after, draft));
            }
            Some((next, after)) => {
                let mut crossing = draft.clone();
                draft.push_star(star);
                self.walk(rest, draft);
                crossing.push_star(Star::default());
                self.close(&mut crossing);
                if matches!(next, Item::Slash) {
                    // The run ends with a whole segment.
                    crossing.parts.push(Part::Text("*".to_owned()));
                    crossing.parts.push(Part::Rest);
                    return Some((after, crossing));
                }
                crossing.parts.push(Part::Rest);
                crossing.push_star(Star::default());
                return Some((rest, crossing));
            }
        }
        None
    }

    /// Ends the current segment, which is not empty.
    fn close(&self, draft: &mut Draft) {
        let pieces = core::mem::take(&mut draft.segment);
        let needs_test = match pieces.as_slice() {
            // A segment is never empty.
            [Piece::Star(star)] => star.has_no_dot,
            pieces => pieces.iter().any(|piece| match piece {
                Piece::Star(star) => star.is_filled || star.has_no_dot,
                Piece::Text(_) => false,
            }),
        };
        let text: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Star(_) => "*",
                Piece::Text(text) => text.as_str(),
            })
            .collect();
        if needs_test && self.is_exact {
            draft.tests.push((draft.parts.len(), pieces));
        }
        let text = if self.is_exact { text } else { widened(&text) };
        draft.parts.push(Part::Text(text));
    }

    fn finish(&mut self, mut draft: Draft) {
        match draft.segment.as_slice() {
            [] => return self.end(draft, End::Slash),
            [Piece::Star(star)] if !star.is_filled => {
                // The run may be empty, and then the path ends in the slash before it.
                let mut slash = draft.clone();
                slash.segment.clear();
                self.end(slash, End::Slash);
            }
            _ => {}
        }
        self.close(&mut draft);
        self.end(draft, End::File);
    }

    fn end(&mut self, draft: Draft, end: End) {
        self.done.push(Drawn {
            shape: Shape::new(draft.parts, end),
            tests: draft.tests,
        });
    }
}

impl Draft {
    fn push_star(&mut self, star: Star) {
        self.segment.push(Piece::Star(star));
    }

    fn push_char(&mut self, c: char) {
        match self.segment.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.segment.push(Piece::Text(c.into())),
        }
    }
}

/// A segment of a pattern that matches the text and possibly more.
fn widened(text: &str) -> String {
    let mut wider = String::new();
    for c in text.chars() {
        // Some readers interpret a plus sign as a space.
        let c = if is_literal(c) && c != '+' { c } else { '*' };
        if !(c == '*' && wider.ends_with('*')) {
            wider.push(c);
        }
    }
    if wider.matches('*').count() > MAX_STARS_PER_SEGMENT
        && let (Some((start, _)), Some((_, end))) = (wider.split_once('*'), wider.rsplit_once('*'))
    {
        wider = format!("{start}*{end}");
    }
    // A segment that no path can have, because of its first or last character.
    let open = format!("*{}*", wider.trim_matches('*'));
    [wider, open]
        .into_iter()
        .find(|text| is_segment(text))
        .unwrap_or_else(|| "*".to_owned())
}

#[cfg(test)]
mod tests;
