//! The segments to try in one state of a walk.
//!
//! The literals that come next in some pattern; for every combination of globs a segment that matches exactly
//! those; for captures the strings that a rule can distinguish; and one or two that no rule mentions.

mod globs;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use core::cell::RefCell;
use core::cmp::Ordering;

use tollgate_core::{MethodSet, glob};
use tollgate_policy::spec::{Comparison, Expr, RuleSpec, StringTest, Template};

use super::pattern::Part;
use super::readers::Readers;
use super::{Item, PatternId, Walk};
use crate::domain::texts::{self, Material};
use globs::Wanted;

/// The segments to try, and the items each can move.
pub(super) struct Alphabet<'p> {
    pub(super) letters: Vec<Rc<str>>,
    /// The items that wait for a literal.
    pub(super) literals: BTreeMap<&'p str, Vec<Item>>,
    /// The items that may take any segment.
    pub(super) others: Vec<Item>,
}

/// Words by the input that they were computed from.
type Known<K> = RefCell<HashMap<K, Rc<[String]>>>;

/// Results that were computed before.
#[derive(Default)]
pub(super) struct Memory<'p> {
    words: Known<(Vec<&'p str>, Vec<&'p str>, Option<char>)>,
    captured: Known<Vec<(usize, usize)>>,
}

impl<'p> Memory<'p> {
    fn words(
        &self,
        globs: &BTreeSet<&'p str>,
        literals: &BTreeMap<&'p str, Vec<Item>>,
        wanted: &Wanted<'_>,
    ) -> Rc<[String]> {
        let key = (
            globs.iter().copied().collect(),
            literals.keys().copied().collect(),
            wanted.letter,
        );
        if let Some(words) = self.words.borrow().get(&key) {
            return words.clone();
        }
        let words: Rc<[String]> = globs::words(globs, literals, wanted).into();
        self.words.borrow_mut().insert(key, words.clone());
        words
    }
}

pub(super) fn alphabet<'p>(walk: &Walk<'_, 'p>, items: &[Item]) -> Alphabet<'p> {
    let mut literals: BTreeMap<&'p str, Vec<Item>> = BTreeMap::new();
    let mut others = Vec::new();
    let mut globs: BTreeSet<&'p str> = BTreeSet::new();
    let (mut all_matter, mut captures) = (false, false);
    for item in items {
        let Some(pat) = walk.pat(item.pat) else {
            continue;
        };
        let interesting = walk.is_interesting(PatternId(item.pat));
        match pat.part(item.at) {
            Some(Part::Literal(text)) => {
                literals.entry(text).or_default().push(*item);
                continue;
            }
            Some(Part::Glob(glob)) => drop(globs.insert(glob)),
            Some(Part::Capture(_)) => captures = true,
            None if !pat.is_inside_rest(item.at) => continue,
            _ => {}
        }
        all_matter |= interesting;
        others.push(*item);
    }
    let mut letters: Vec<Rc<str>> = Vec::new();
    for (text, waiting) in &literals {
        let matters = |item: &Item| walk.is_interesting(PatternId(item.pat));
        if all_matter || waiting.iter().any(matters) {
            letters.push((*text).into());
        }
    }
    if all_matter {
        let mut known: HashSet<Rc<str>> = HashSet::new();
        let mut add = |text: String, letters: &mut Vec<Rc<str>>| {
            if !literals.contains_key(&*text) && walk.readers.accept(&text) {
                let text: Rc<str> = text.into();
                if known.insert(text.clone()) {
                    letters.push(text);
                }
            }
        };
        // A segment that no rule mentions comes first, so that witnesses have ordinary paths.
        let mut fresh = fresh_segments(&literals, &globs);
        let many = fresh.split_off(1.min(fresh.len()));
        for text in fresh {
            add(text, &mut letters);
        }
        if captures {
            for text in many {
                add(text, &mut letters);
            }
            for text in distinguished(walk, items).iter() {
                add(text.clone(), &mut letters);
            }
        }
        if !globs.is_empty() {
            let is_legal = &|text: &str| walk.readers.accept(text);
            let foreign = walk.readers.foreign().iter().map(|telling| Some(*telling));
            for letter in [None].into_iter().chain(foreign) {
                let wanted = Wanted { letter, is_legal };
                for text in walk.memory.words(&globs, &literals, &wanted).iter() {
                    add(text.clone(), &mut letters);
                }
            }
        }
        // Next to every segment one that fits the same globs and that only one policy accepts.
        let texts: Vec<Rc<str>> = letters.clone();
        for telling in walk.readers.foreign() {
            add(telling.to_string(), &mut letters);
            for text in &texts {
                for foreign in foreign(text, *telling, &globs) {
                    add(foreign, &mut letters);
                }
            }
        }
    }
    Alphabet {
        letters,
        literals,
        others,
    }
}

/// Texts with this character that fit the same globs as this one: one for each end that may matter, and one that
/// has both of its ends.
fn foreign(text: &str, telling: char, globs: &BTreeSet<&str>) -> Vec<String> {
    let fits = |text: &str| -> Vec<bool> {
        let fits = |glob: &&str| glob::matches(glob.as_bytes(), text.as_bytes());
        globs.iter().map(fits).collect()
    };
    let wanted = fits(text);
    let with_letter = |place: usize| {
        let (start, end) = text.split_at_checked(place)?;
        let candidate = format!("{start}{telling}{end}");
        (fits(&candidate) == wanted).then_some(candidate)
    };
    let ends = [text.len(), 0].map(with_letter);
    let inside = (1..text.len()).find_map(with_letter);
    ends.into_iter().flatten().chain(inside).collect()
}

fn fresh_segments(literals: &BTreeMap<&str, Vec<Item>>, globs: &BTreeSet<&str>) -> Vec<String> {
    let names = ["x", "y", "z", "other", "page", "file", "q7", "w8", "k9-q"];
    let is_free = |name: &&str| {
        !literals.contains_key(*name)
            && !globs
                .iter()
                .any(|glob| glob::matches(glob.as_bytes(), name.as_bytes()))
    };
    let mut free: Vec<String> = names
        .into_iter()
        .filter(is_free)
        .take(3)
        .map(str::to_owned)
        .collect();
    let mut number = 0_u32;
    while free.len() < 3 && number < 1_000 {
        let name = format!("x{number}");
        if is_free(&name.as_str()) {
            free.push(name);
        }
        number += 1;
    }
    free
}

/// Strings that the current rules can distinguish when they are captured.
fn distinguished(walk: &Walk<'_, '_>, items: &[Item]) -> Rc<[String]> {
    let mut rules: BTreeSet<(usize, usize)> = BTreeSet::new();
    for item in items {
        for (side, owners) in walk
            .pat(item.pat)
            .into_iter()
            .flat_map(|pat| pat.owners.iter().enumerate())
        {
            rules.extend(owners.iter().map(|(rule, _)| (side, *rule)));
        }
    }
    let rules: Vec<(usize, usize)> = rules.into_iter().collect();
    if let Some(texts) = walk.memory.captured.borrow().get(&rules) {
        return texts.clone();
    }
    let texts: Rc<[String]> = distinguished_by(walk, &rules).into();
    let mut memory = walk.memory.captured.borrow_mut();
    memory.insert(rules, texts.clone());
    texts
}

fn distinguished_by(walk: &Walk<'_, '_>, rules: &[(usize, usize)]) -> Vec<String> {
    let mut material = Material::default();
    let rules: Vec<&RuleSpec> = rules
        .iter()
        .filter_map(|(side, rule)| walk.space.rule(*side, *rule))
        .collect();
    let templates: Vec<&Template> = rules
        .iter()
        .flat_map(|rule| rule.who.names())
        .filter(|name| name.capture.is_some())
        .collect();
    let mut asked: BTreeSet<&str> = walk.asked.iter().map(String::as_str).collect();
    material.constants.extend(walk.asked.iter().cloned());
    let (mut groups, mut related) = (false, false);
    let mut tests: Vec<&Expr> = Vec::new();
    for rule in &rules {
        asked.extend(
            rule.who
                .names()
                .filter(|name| name.capture.is_none())
                .map(|name| name.prefix.as_str()),
        );
        for condition in [&rule.when, &rule.unless].into_iter().flatten() {
            condition.each(&mut |expr| match expr {
                Expr::InGroups(inner) => {
                    if let Expr::Str(text) = &**inner {
                        asked.insert(text);
                    }
                    groups |= reads_capture(inner);
                }
                Expr::InClaim(inner, _) => related |= reads_capture(inner),
                Expr::InStrings(inner, list) if reads_capture(inner) => {
                    material.constants.extend(list.iter().cloned());
                }
                Expr::Compare(how, left, right) if reads_capture(left) || reads_capture(right) => {
                    material.ordered |= !matches!(how, Comparison::Eq | Comparison::Ne);
                    tests.push(expr);
                    related |= !compared_with(left, &mut material);
                    related |= !compared_with(right, &mut material);
                }
                Expr::StringTest(test, whole, part)
                    if reads_capture(whole) || reads_capture(part) =>
                {
                    material.ordered = true;
                    tests.push(expr);
                    related |= !compared_with(whole, &mut material);
                    related |= !compared_with(part, &mut material);
                    // A text that is part of the capture, or that the capture is part of.
                    for text in [whole, part] {
                        if let Expr::Str(text) = &**text {
                            match test {
                                StringTest::StartsWith => material.prefixes.insert(text.clone()),
                                StringTest::EndsWith => material.suffixes.insert(text.clone()),
                                StringTest::Contains => material.parts.insert(text.clone()),
                            };
                        }
                    }
                }
                _ => {}
            });
        }
    }
    if related {
        // A claim that must equal the capture may have to be something else as well.
        for condition in rules
            .iter()
            .flat_map(|rule| [&rule.when, &rule.unless])
            .flatten()
        {
            condition.each(&mut |expr| match expr {
                Expr::Str(text) => drop(material.constants.insert(text.clone())),
                Expr::InStrings(_, list) => material.constants.extend(list.iter().cloned()),
                _ => {}
            });
        }
    }
    if groups || related {
        material
            .constants
            .extend(asked.iter().map(|name| (*name).to_owned()));
    }
    // A name that a rule reads literally may be the result of a template.
    for template in &templates {
        for name in &asked {
            let middle = name
                .strip_prefix(template.prefix.as_str())
                .and_then(|rest| rest.strip_suffix(template.suffix.as_str()));
            material.constants.extend(middle.map(str::to_owned));
        }
        // One template may come to the same name as another.
        for other in &templates {
            if other.prefix != template.prefix || other.suffix != template.suffix {
                for value in ["x", "y"] {
                    let name = format!("{}{value}{}", other.prefix, other.suffix);
                    let middle = name
                        .strip_prefix(template.prefix.as_str())
                        .and_then(|rest| rest.strip_suffix(template.suffix.as_str()));
                    material.constants.extend(middle.map(str::to_owned));
                }
            }
        }
    }
    kinds(&material, &tests, &walk.readers)
}

/// The constants, and of all texts made from them one for every answer that the tests can give.
fn kinds(material: &Material, tests: &[&Expr], readers: &Readers<'_>) -> Vec<String> {
    let answers = |text: &str| -> Vec<Option<(Ordering, bool)>> {
        let side = |side: &Expr| match side {
            Expr::Capture(_) => Some(text.to_owned()),
            Expr::Str(constant) => Some(constant.clone()),
            _ => None,
        };
        let answer = |test: &&Expr| match test {
            Expr::Compare(_, left, right) => Some((side(left)?.cmp(&side(right)?), false)),
            Expr::StringTest(test, whole, part) => {
                let (whole, part) = (side(whole)?, side(part)?);
                let holds = match test {
                    StringTest::StartsWith => whole.starts_with(&part),
                    StringTest::EndsWith => whole.ends_with(&part),
                    StringTest::Contains => whole.contains(&part),
                };
                Some((Ordering::Equal, holds))
            }
            _ => None,
        };
        tests.iter().map(answer).collect()
    };
    let mut seen: BTreeSet<Vec<Option<(Ordering, bool)>>> = material
        .constants
        .iter()
        .map(|text| answers(text))
        .collect();
    let mut texts: Vec<String> = material.constants.iter().cloned().collect();
    // Below the least constant there may be no text that a path can hold but this one.
    let least = material.ordered.then(|| "!".to_owned());
    for text in texts::candidates(material).into_iter().chain(least) {
        if readers.accept(&text) && seen.insert(answers(&text)) {
            texts.push(text);
        }
    }
    texts
}

fn reads_capture(condition: &Expr) -> bool {
    let mut reads = false;
    condition.each(&mut |expr| reads |= matches!(expr, Expr::Capture(_)));
    reads
}

/// Notes what a capture is compared with; `false` if that is not known before a request is.
fn compared_with(side: &Expr, material: &mut Material) -> bool {
    match side {
        Expr::Str(text) => {
            material.constants.insert(text.clone());
            true
        }
        Expr::Method => {
            let names = MethodSet::ALL.names().map(str::to_owned);
            material.constants.extend(names);
            true
        }
        Expr::Capture(_) => true,
        _ => false,
    }
}

/// A path as it is spelled in a request. Every reader that accepts the segments reads this spelling as them.
pub(crate) fn escaped(segments: &[Rc<str>], slash: bool) -> String {
    const PLAIN: &[u8] = b"-._~!*'():@&=$,";
    let mut target = String::new();
    for segment in segments {
        target.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
                target.push(char::from(byte));
            } else {
                target.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if slash {
        target.push('/');
    }
    target
}
