//! Segments for every combination of globs that some segment fits.
//!
//! All globs, and the literals that fit one of them, run side by side over one letter after another; the
//! shortest word is kept for each set of globs that it fits. Words a path cannot hold are passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use tollgate_core::path::check_segment;

/// Enough for any folder that people lay out.
const MOST_STATES: usize = 20_000;
/// With more literals than this that fit a glob, words with a letter that no literal has must do.
const MOST_LITERALS: usize = 64;

/// Whether a text is the glob with every `*` replaced by something.
pub(crate) fn matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (glob.get(at), text.get(read)) {
            (Some(b'*'), _) => {
                at += 1;
                retry = Some((at, read));
            }
            (Some(wanted), Some(found)) if wanted == found => {
                at += 1;
                read += 1;
            }
            (None, None) => return true,
            _ => match retry {
                Some((after, from)) if from < text.len() => {
                    at = after;
                    read = from + 1;
                    retry = Some((at, read));
                }
                _ => return false,
            },
        }
    }
}

/// What the last letter was, as far as the end of a segment cares.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Last {
    Nothing,
    Dot,
    Space,
    Other,
}

/// A word for each set of globs that some word fits and that is no literal.
pub(super) fn words<T>(globs: &BTreeSet<&str>, literals: &BTreeMap<String, T>) -> Vec<String> {
    if globs.is_empty() {
        return Vec::new();
    }
    let meant: Vec<&str> = literals
        .keys()
        .map(String::as_str)
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
    let patterns: Vec<Vec<char>> = globs
        .iter()
        .chain(followed)
        .map(|text| text.chars().collect())
        .collect();
    let mut alphabet: BTreeSet<char> = patterns.iter().flatten().copied().collect();
    alphabet.remove(&'*');
    let strange = ('a'..='z')
        .rev()
        .chain('0'..='9')
        .find(|letter| !alphabet.contains(letter))
        .unwrap_or('~');
    let mut letters = vec![strange];
    letters.extend(alphabet);
    // A star in a literal is a star; in a glob it is none, so the two are kept apart.
    let stars = globs.len();
    let start: Vec<BTreeSet<usize>> = patterns
        .iter()
        .enumerate()
        .map(|(number, pattern)| closed(pattern, number < stars, BTreeSet::from([0])))
        .collect();
    let mut seen: HashSet<(Vec<BTreeSet<usize>>, Last)> = HashSet::new();
    let mut found: HashMap<Vec<bool>, String> = HashMap::new();
    let mut order = Vec::new();
    let mut queue = VecDeque::from([(start, Last::Nothing, String::new())]);
    while let Some((state, last, word)) = queue.pop_front() {
        if last == Last::Other {
            let fits: Vec<bool> = state
                .iter()
                .zip(&patterns)
                .map(|(places, pattern)| places.contains(&pattern.len()))
                .collect();
            let (of_globs, of_literals) = fits.split_at(stars);
            let is_literal = of_literals.contains(&true) || literals.contains_key(&word);
            if !is_literal
                && of_globs.contains(&true)
                && !found.contains_key(of_globs)
                && check_segment(&word, false).is_ok()
            {
                order.push(word.clone());
                found.insert(of_globs.to_vec(), word.clone());
            }
        }
        if seen.len() > MOST_STATES {
            break;
        }
        for letter in &letters {
            let kind = match letter {
                '.' => Last::Dot,
                ' ' | '\u{A0}' | '\u{202F}' | '\u{3000}' => Last::Space,
                _ => Last::Other,
            };
            if last == Last::Nothing && kind == Last::Space {
                continue;
            }
            let next: Vec<BTreeSet<usize>> = state
                .iter()
                .zip(&patterns)
                .enumerate()
                .map(|(number, (places, pattern))| {
                    let is_glob = number < stars;
                    let mut after = BTreeSet::new();
                    for place in places {
                        match pattern.get(*place) {
                            Some('*') if is_glob => drop(after.insert(*place)),
                            Some(wanted) if wanted == letter => drop(after.insert(place + 1)),
                            _ => {}
                        }
                    }
                    closed(pattern, is_glob, after)
                })
                .collect();
            let alive = next.iter().take(stars).any(|places| !places.is_empty());
            if alive && seen.insert((next.clone(), kind)) {
                let mut word = word.clone();
                word.push(*letter);
                queue.push_back((next, kind, word));
            }
        }
    }
    let all: Vec<&str> = globs.iter().copied().collect();
    order
        .into_iter()
        .map(|word| readable(&word, &all, literals).unwrap_or(word))
        .collect()
}

/// A word that fits the same globs and looks like somebody's file: `x.pdf` for `.pdf`.
fn readable<T>(word: &str, globs: &[&str], literals: &BTreeMap<String, T>) -> Option<String> {
    let fits = |word: &str| -> Vec<bool> {
        globs
            .iter()
            .map(|glob| matches(glob.as_bytes(), word.as_bytes()))
            .collect()
    };
    let wanted = fits(word);
    globs
        .iter()
        .zip(&wanted)
        .filter(|(_, fits)| **fits)
        .map(|(glob, _)| glob.replace('*', "x"))
        .find(|candidate| {
            fits(candidate) == wanted
                && !literals.contains_key(candidate)
                && check_segment(candidate, false).is_ok()
        })
}

/// Places, and those behind stars that take nothing.
fn closed(pattern: &[char], is_glob: bool, mut places: BTreeSet<usize>) -> BTreeSet<usize> {
    if is_glob {
        let mut at = 0;
        while at < pattern.len() {
            if places.contains(&at) && pattern.get(at) == Some(&'*') {
                places.insert(at + 1);
            }
            at += 1;
        }
    }
    places
}
