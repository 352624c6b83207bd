//! Converts access rules to policy rules: an `allow` for requests that exactly one rule matches, a
//! `deny` for requests that must not be allowed.
//!
//! Recent versions of Oathkeeper remove the trailing slash of a path before they match it; nothing
//! is allowed that any version denies. Not here: the documents ([`rules`](super::rules)).

use tollgate_core::MethodSet;

use super::super::condition::compare;
use super::super::draft::{Entry, Pattern, Rule};
use super::super::ids;
use super::super::sequence::Drawn;
use super::super::shape::{End, Part, Shape, overlap, simplified};
use super::super::write::one_line;
use super::access::Access;
use super::url::Paths;

/// The maximum number of overlapping pairs of rules in the output.
const MAX_OVERLAPS: usize = 200;

/// A rule being converted.
pub(super) struct Carried {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) url: String,
    pub(super) methods: MethodSet,
    paths: Paths,
    /// Patterns for paths that certainly belong to it.
    narrow: Vec<Drawn>,
    /// Patterns for all paths that may belong to it.
    wide: Vec<Shape>,
    /// Whether both are identical, except for trailing slashes.
    pub(super) is_whole: bool,
    pub(super) access: Access,
}

impl Carried {
    pub(super) fn new(
        name: &str,
        id: String,
        url: &str,
        methods: MethodSet,
        paths: Paths,
        access: Access,
    ) -> Self {
        let (narrow, is_whole) = paths.narrow();
        Self {
            name: name.to_owned(),
            id,
            url: one_line(url),
            methods,
            narrow: cleaned(narrow),
            wide: uncleaned(paths.wide()),
            is_whole,
            paths,
            access,
        }
    }

    /// Returns the reason why the rule allows nothing in the policy, as the end of a sentence about
    /// it.
    pub(super) fn closed(&self) -> Option<&str> {
        match &self.access {
            Access::Closed(why) => Some(why),
            _ if self.narrow.is_empty() => Some("has a URL that no pattern matches exactly"),
            _ => None,
        }
    }

    /// Returns the rules for an open rule: one for its plain patterns, and one for each that needs a condition.
    pub(super) fn allows(
        &self,
        who: &str,
        when: Option<&String>,
        used: &mut Vec<String>,
    ) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for drawn in &self.narrow {
            let mut shape = drawn.shape.clone();
            let mut tests: Vec<String> = when.cloned().into_iter().collect();
            for (at, pieces) in &drawn.tests {
                let name = format!("s{}", at + 1);
                tests.extend(compare(&name, pieces).unwrap_or_default());
                if let Some(part) = shape.parts.get_mut(*at) {
                    *part = Part::Text(format!("{{{name}}}"));
                }
            }
            let condition = (!tests.is_empty()).then(|| ("when", tests.join(" && ")));
            let pattern = Pattern::new(shape.pattern());
            match rules.iter_mut().find(|rule| rule.condition == condition) {
                Some(rule) => rule.patterns.push(pattern),
                None => rules.push(Rule {
                    id: match rules.is_empty() {
                        true => self.id.clone(),
                        false => ids::unused(&self.id, used),
                    },
                    patterns: vec![pattern],
                    condition,
                    ..Rule::allow("", who, self.methods)
                }),
            }
        }
        rules
    }

    /// Whether the rule allows only single paths, none of which another rule matches.
    fn is_apart_from(&self, other: &Self) -> bool {
        let is_apart = |path: &str| {
            let path = path.strip_prefix('/').unwrap_or(path);
            let cleaned = path.strip_suffix('/').unwrap_or(path);
            !other.paths.may_match(path) && !other.paths.may_match(cleaned)
        };
        let mut paths = self.narrow.iter().map(|drawn| drawn.shape.literal());
        self.closed().is_none() && paths.all(|path| path.is_some_and(|path| is_apart(&path)))
    }
}

/// Returns the patterns of the `deny` for a closed rule: all of its paths, except those that only
/// an open rule matches.
pub(super) fn closing(rules: &[Carried], at: usize) -> Vec<Pattern> {
    let Some((own, others)) = rules.get(at).map(|own| (own, || others(rules, at))) else {
        return Vec::new();
    };
    let blocked = |other: &Carried| other.is_apart_from(own) && overlap(&own.wide, &other.wide);
    let shapes = match others().any(blocked) {
        false => own.wide.clone(),
        true => {
            let open =
                others().filter(|other| other.closed().is_none() && !other.is_apart_from(own));
            simplified(open.flat_map(|other| meeting(own, other)).collect())
        }
    };
    shapes.iter().map(Pattern::from).collect()
}

/// Returns the open rules that a closed one denies completely, although Oathkeeper may not.
pub(super) fn lost<'a>(rules: &'a [Carried], at: usize, denied: &[Pattern]) -> Vec<&'a str> {
    let Some(own) = rules.get(at).filter(|own| !own.is_whole) else {
        return Vec::new();
    };
    let is_lost = |other: &&Carried| {
        let mut shapes = other.narrow.iter().map(|drawn| &drawn.shape);
        other.closed().is_none()
            && own.methods.contains(other.methods)
            && shapes.all(|shape| denied.iter().any(|denied| denied.covers(shape)))
    };
    others(rules, at)
        .filter(is_lost)
        .map(|rule| rule.name.as_str())
        .collect()
}

fn others(rules: &[Carried], at: usize) -> impl Iterator<Item = &Carried> {
    let others = rules
        .iter()
        .enumerate()
        .filter(move |(other, _)| *other != at);
    others.map(|(_, rule)| rule)
}

/// The paths that two open rules match.
pub(super) struct Overlap {
    one: usize,
    other: usize,
    methods: MethodSet,
    shapes: Vec<Shape>,
}

/// Returns the overlaps of open rules. A rule that overlaps too many others is closed, so that the
/// list stays readable.
pub(super) fn overlaps(rules: &mut [Carried]) -> Vec<Overlap> {
    let mut all: Vec<Overlap> = Vec::new();
    for other in 0..rules.len() {
        let mut own: Vec<Overlap> = (0..other)
            .filter_map(|one| overlap_of(rules, one, other))
            .collect();
        match rules.get_mut(other) {
            Some(rule) if all.len() + own.len() > MAX_OVERLAPS => {
                let why = "overlaps too many other rules";
                rule.access = Access::Closed(why.to_owned());
            }
            _ => all.append(&mut own),
        }
    }
    all
}

fn overlap_of(rules: &[Carried], one: usize, other: usize) -> Option<Overlap> {
    let (own, next) = (rules.get(one)?, rules.get(other)?);
    // A closed rule denies its own paths.
    if own.closed().is_some() || next.closed().is_some() {
        return None;
    }
    let is_apart = |one: &Carried, other: &Carried| one.is_whole && one.is_apart_from(other);
    let methods = shared(own.methods, next.methods);
    if methods.is_empty() || is_apart(own, next) || is_apart(next, own) {
        return None;
    }
    let shapes = meeting(own, next);
    (!shapes.is_empty()).then_some(Overlap {
        one,
        other,
        methods,
        shapes,
    })
}

/// Denies paths that two open rules match. Also returns notes.
pub(super) fn denials(
    rules: &[Carried],
    overlaps: &[Overlap],
    used: &mut Vec<String>,
) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut notes) = (Vec::new(), Vec::new());
    for overlap in overlaps {
        let (Some(own), Some(other)) = (rules.get(overlap.one), rules.get(overlap.other)) else {
            continue;
        };
        let (own_name, other_name) = (&own.name, &other.name);
        let note = format!(
            "paths that both rule `{own_name}` and rule `{other_name}` match are denied: Oathkeeper responds with 500"
        );
        let id = ids::unused(&format!("both-{}-{}", own.id, other.id), used);
        let because = format!("In Oathkeeper, both `{own_name}` and `{other_name}` match.");
        entries.push(Entry::Rule(Rule {
            comment: note.clone(),
            patterns: overlap.shapes.iter().map(Pattern::from).collect(),
            ..Rule::deny(&id, overlap.methods, &because)
        }));
        notes.push(note);
    }
    (entries, notes)
}

/// The paths that both rules may match.
fn meeting(own: &Carried, other: &Carried) -> Vec<Shape> {
    let pairs = own
        .wide
        .iter()
        .flat_map(|own| other.wide.iter().map(move |other| (own, other)));
    simplified(
        pairs
            .flat_map(|(own, other)| own.meet(other).shapes)
            .collect(),
    )
}

fn shared(one: MethodSet, other: MethodSet) -> MethodSet {
    let names = one
        .names()
        .filter(|name| other.names().any(|own| own == *name));
    let names = names.filter_map(MethodSet::from_name);
    names.fold(MethodSet::EMPTY, |all, one| all | one)
}

/// Patterns for paths that every version of Oathkeeper matches: recent ones remove the trailing
/// slash of a path before they match it.
fn cleaned(drawn: Vec<Drawn>) -> Vec<Drawn> {
    let files: Vec<Vec<Part>> = drawn
        .iter()
        .filter(|drawn| drawn.shape.end == End::File && drawn.tests.is_empty())
        .map(|drawn| drawn.shape.parts.clone())
        .collect();
    let has_file = |parts: &[Part]| {
        let file = Shape::new(parts.to_vec(), End::File);
        parts.is_empty()
            || files
                .iter()
                .any(|own| Shape::new(own.clone(), End::File).covers(&file))
    };
    let mut kept = Vec::new();
    for one in drawn {
        match one.shape.end {
            End::File => kept.push(one),
            _ if has_file(&one.shape.parts) => kept.push(one),
            End::Slash => {}
            End::Below => {
                for end in [End::File, End::Below] {
                    let mut parts = one.shape.parts.clone();
                    parts.push(Part::Text("*".to_owned()));
                    kept.push(Drawn {
                        shape: Shape::new(parts, end),
                        tests: one.tests.clone(),
                    });
                }
            }
        }
    }
    kept
}

/// Patterns for paths that any version of Oathkeeper matches.
fn uncleaned(shapes: Vec<Shape>) -> Vec<Shape> {
    let slashes: Vec<Shape> = shapes
        .iter()
        .filter(|shape| shape.end == End::File)
        .map(|shape| Shape::new(shape.parts.clone(), End::Slash))
        .collect();
    simplified(shapes.into_iter().chain(slashes).collect())
}
