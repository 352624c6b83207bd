//! Segments for every combination of globs that some segment fits.
//!
//! All globs, and the literals that fit one of them, run side by side over one letter after another; the
//! shortest word is kept for each set of globs that it fits. Words a path cannot hold are passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use tollgate_core::glob::matches;

/// Enough for any realistic folder.
const MOST_STATES: usize = 20_000;
/// With more literals than this that fit a glob, words with a letter that no literal has must do.
const MOST_LITERALS: usize = 64;

/// The kind of the last letter, as far as it matters at the end of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Last {
    Nothing,
    /// Nothing but dots so far.
    Dots,
    Dot,
    Space,
    Other,
}

/// The words that count.
pub(super) struct Wanted<'w> {
    /// A letter that each must contain.
    pub(super) letter: Option<char>,
    /// Whether a path may hold a word.
    pub(super) is_legal: &'w dyn Fn(&str) -> bool,
}

impl Wanted<'_> {
    fn accepts(&self, word: &str) -> bool {
        self.letter.is_none_or(|letter| word.contains(letter)) && (self.is_legal)(word)
    }
}

/// A wanted word for each set of globs that some word matches and that is not a literal.
pub(super) fn words<T>(
    globs: &BTreeSet<&str>,
    literals: &BTreeMap<&str, T>,
    wanted: &Wanted<'_>,
) -> Vec<String> {
    if globs.is_empty() {
        return Vec::new();
    }
    let meant: Vec<&str> = literals
        .keys()
        .copied()
        .filter(|literal| {
            globs
                .iter()
                .any(|glob| matches(glob.as_bytes(), literal.as_bytes()))
        })
        .collect();
    let followed: &[&str] = if meant.len() <= MOST_LITERALS {
        &meant
    } else {
        &[]
    };
    let side_by_side = SideBySide::new(globs, followed);
    let alphabet: BTreeSet<char> = side_by_side.moved_by.keys().copied().collect();
    let strange = ('a'..='z')
        .rev()
        .chain('0'..='9')
        .find(|letter| !alphabet.contains(letter))
        .unwrap_or('~');
    let mut letters = vec![wanted.letter.unwrap_or(strange)];
    letters.extend(alphabet);
    let start = side_by_side.start();
    // What it read, and whether the wanted letter was there.
    let mut seen: HashSet<(Rc<[u64]>, Last, bool)> = HashSet::new();
    let mut found: HashSet<Vec<bool>> = HashSet::new();
    let mut order = Vec::new();
    let mut queue = VecDeque::from([(start, Last::Nothing, String::new())]);
    while let Some((state, last, word)) = queue.pop_front() {
        if matches!(last, Last::Other | Last::Dot) && !literals.contains_key(&*word) {
            let fits = side_by_side.fits(&state);
            let (of_globs, of_literals) = fits.split_at(globs.len());
            if !of_literals.contains(&true)
                && of_globs.contains(&true)
                && !found.contains(of_globs)
                && wanted.accepts(&word)
            {
                order.push(word.clone());
                found.insert(of_globs.to_vec());
            }
        }
        if seen.len() > MOST_STATES {
            break;
        }
        for letter in &letters {
            let kind = match letter {
                '.' if matches!(last, Last::Nothing | Last::Dots) => Last::Dots,
                '.' => Last::Dot,
                ' ' | '\u{A0}' | '\u{202F}' | '\u{3000}' => Last::Space,
                _ => Last::Other,
            };
            if last == Last::Nothing && kind == Last::Space {
                continue;
            }
            let next = side_by_side.after(&state, *letter);
            let mut word = word.clone();
            word.push(*letter);
            let has_letter = wanted.letter.is_some_and(|letter| word.contains(letter));
            if side_by_side.is_alive(&next) && seen.insert((next.clone(), kind, has_letter)) {
                queue.push_back((next, kind, word));
            }
        }
    }
    let all: Vec<&str> = globs.iter().copied().collect();
    order
        .into_iter()
        .map(|word| readable(&word, &all, literals, wanted).unwrap_or(word))
        .collect()
}

/// A word that fits the same globs and looks like a file's name: `x.pdf` for `.pdf`.
fn readable<T>(
    word: &str,
    globs: &[&str],
    literals: &BTreeMap<&str, T>,
    wanted: &Wanted<'_>,
) -> Option<String> {
    let fits = |word: &str| -> Vec<bool> {
        globs
            .iter()
            .map(|glob| matches(glob.as_bytes(), word.as_bytes()))
            .collect()
    };
    let same = fits(word);
    let filling = wanted.letter.unwrap_or('x').to_string();
    globs
        .iter()
        .zip(&same)
        .filter(|(_, fits)| **fits)
        .map(|(glob, _)| glob.replace('*', &filling))
        .find(|candidate| {
            fits(candidate) == same
                && !literals.contains_key(&**candidate)
                && wanted.accepts(candidate)
        })
}

/// Globs and literals as one automaton: a bit for each position in each of them, and one after its end. The globs
/// come first.
struct SideBySide {
    /// The places where a letter is waited for.
    moved_by: HashMap<char, Vec<u64>>,
    /// The places of stars.
    stars: Vec<u64>,
    /// Per pattern the first position and that after its end.
    bounds: Vec<(usize, usize)>,
    /// The places of globs.
    of_globs: Vec<u64>,
}

impl SideBySide {
    fn new(globs: &BTreeSet<&str>, literals: &[&str]) -> Self {
        let patterns = || globs.iter().chain(literals);
        let places: usize = patterns().map(|text| text.chars().count() + 1).sum();
        let none = vec![0; places.div_ceil(64)];
        let mut automaton = Self {
            moved_by: HashMap::new(),
            stars: none.clone(),
            bounds: Vec::new(),
            of_globs: none.clone(),
        };
        let mut place = 0;
        for (number, text) in patterns().enumerate() {
            let first = place;
            let is_glob = number < globs.len();
            for letter in text.chars() {
                // A star in a literal is a star; in a glob it is none.
                let waiting = match letter {
                    '*' if is_glob => &mut automaton.stars,
                    _ => automaton
                        .moved_by
                        .entry(letter)
                        .or_insert_with(|| none.clone()),
                };
                set(waiting, place);
                place += 1;
            }
            automaton.bounds.push((first, place));
            place += 1;
            if is_glob {
                (first..place).for_each(|place| set(&mut automaton.of_globs, place));
            }
        }
        automaton
    }

    fn start(&self) -> Rc<[u64]> {
        let mut state = vec![0; self.stars.len()];
        for (first, _) in &self.bounds {
            set(&mut state, *first);
        }
        self.pass_stars(&mut state);
        state.into()
    }

    fn after(&self, state: &[u64], letter: char) -> Rc<[u64]> {
        let moved: Vec<u64> = match self.moved_by.get(&letter) {
            Some(waiting) => both(state, waiting).collect(),
            None => vec![0; state.len()],
        };
        let mut next: Vec<u64> = both(state, &self.stars).collect();
        add_next(&mut next, &moved);
        self.pass_stars(&mut next);
        next.into()
    }

    /// Adds the positions after stars, which can match nothing.
    fn pass_stars(&self, state: &mut [u64]) {
        loop {
            let before = state.to_vec();
            let stars: Vec<u64> = both(state, &self.stars).collect();
            add_next(state, &stars);
            if *state == *before {
                return;
            }
        }
    }

    /// Whether some glob can still fit.
    fn is_alive(&self, state: &[u64]) -> bool {
        both(state, &self.of_globs).any(|places| places != 0)
    }

    /// For each pattern, whether it matches the letters so far.
    fn fits(&self, state: &[u64]) -> Vec<bool> {
        let ends = self.bounds.iter().map(|(_, end)| *end);
        ends.map(|end| {
            state
                .get(end / 64)
                .is_some_and(|bits| bits >> (end % 64) & 1 == 1)
        })
        .collect()
    }
}

fn set(places: &mut [u64], place: usize) {
    if let Some(bits) = places.get_mut(place / 64) {
        *bits |= 1 << (place % 64);
    }
}

fn both<'p>(left: &'p [u64], right: &'p [u64]) -> impl Iterator<Item = u64> + 'p {
    left.iter().zip(right).map(|(left, right)| left & right)
}

/// Adds the position after each of these.
fn add_next(state: &mut [u64], places: &[u64]) {
    let mut carried = 0;
    for (bits, places) in state.iter_mut().zip(places) {
        *bits |= places << 1 | carried;
        carried = places >> 63;
    }
}
