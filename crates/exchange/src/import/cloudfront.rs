//! The behaviours of a CloudFront distribution.
//!
//! The first behaviour whose pattern matches the path decides. A public behaviour becomes an
//! `allow`. A guarded one becomes a `deny`, except for paths that an earlier public behaviour
//! matches, so that no later behaviour can grant access to its paths, and no rule that a policy
//! author adds for one. Not here: the documents that describe a distribution ([`find`], [`read`]).

mod find;
mod pattern;
mod read;

use tollgate_core::MethodSet;

use super::document;
use super::draft::{Entry, Pattern, Rule};
use super::except::{can_be_excepted, except};
use super::ids;
use super::shape::{Shape, covers_all, overlap};
use super::write::{Site, list, one_line};
use super::{ImportError, Imported};
use pattern::Matched;
use read::{Behaviour, Root};

/// Imports a distribution: the output of the AWS command, a CloudFormation template, or the output
/// of `terraform show -json`. `name` chooses one of several.
///
/// # Errors
/// Returns an error if the text describes no distribution, or if its behaviours cannot be
/// determined.
pub fn cloudfront(text: &str, name: Option<&str>) -> Result<Imported, ImportError> {
    if find::is_terraform(text) {
        return Err(ImportError::Shape {
            accepted: "run `terraform show -json` and import what it prints",
            found: "it is in Terraform's own language".to_owned(),
        });
    }
    let document = document::read(text)?;
    let config = find::find(&document, name)?;
    let distribution = read::distribution(&config)?;
    let mut importer = Importer {
        site: Site::new(
            &distribution.name,
            "the behaviours of a CloudFront distribution",
        ),
        notes: distribution.notes,
        tries: Vec::new(),
    };
    for behaviour in distribution.behaviours {
        let label = if behaviour.is_default {
            "default"
        } else {
            &behaviour.pattern
        };
        let id = importer.site.id(label);
        importer.add(id, behaviour);
    }
    for at in 0..importer.tries.len() {
        importer.behaviour(at);
    }
    importer.root(&distribution.root);
    Ok(Imported {
        files: vec![("site.toml".to_owned(), importer.site.text())],
        notes: importer.notes,
        warnings: Vec::new(),
    })
}

/// A behaviour, and the paths that its pattern matches.
struct Try {
    id: String,
    behaviour: Behaviour,
    matched: Matched,
}

impl Try {
    /// The paths that certainly belong to it.
    fn narrow(&self) -> &[Shape] {
        self.matched.narrow.as_deref().unwrap_or_default()
    }

    fn opens(&self, method: &str) -> bool {
        self.behaviour.methods.names().any(|name| name == method)
    }
}

struct Importer {
    site: Site,
    notes: Vec<String>,
    tries: Vec<Try>,
}

/// Methods that are denied except on the same paths.
struct Denied {
    methods: MethodSet,
    /// The earlier behaviours that allow some of the paths.
    exceptions: Vec<usize>,
    /// Whether a later behaviour allows some of the paths.
    is_needed: bool,
}

impl Importer {
    /// Adds a behaviour, unless no request ever reaches it.
    fn add(&mut self, id: String, mut behaviour: Behaviour) {
        let matched = pattern::translate(&behaviour.pattern);
        behaviour.pattern = one_line(&behaviour.pattern);
        let pattern = &behaviour.pattern;
        let hides = |first: &&Try| covers_all(first.narrow(), &matched.wide);
        let comment = match self.tries.iter().find(hides) {
            _ if matched.wide.is_empty() => {
                format!("`{pattern}` matches no path that an edge accepts")
            }
            Some(first) => {
                format!(
                    "`{pattern}` is never used: `{}` comes first",
                    first.behaviour.pattern
                )
            }
            None => {
                self.tries.push(Try {
                    id,
                    matched,
                    behaviour,
                });
                return;
            }
        };
        self.site.entries.push(Entry::Comment(comment));
    }

    fn behaviour(&mut self, at: usize) {
        let Some((earlier, rest)) = self.tries.split_at_checked(at) else {
            return;
        };
        let Some((own, later)) = rest.split_first() else {
            return;
        };
        let pattern = &own.behaviour.pattern;
        let wide = &own.matched.wide;
        let denied = denied(earlier, own, later);
        let mut entries = Vec::new();
        match &own.behaviour.guard {
            Some(guard) => {
                let note = format!("`{pattern}` is denied: it {}", guard.what);
                let because = format!("In CloudFront, `{pattern}` {}.", guard.what);
                entries = deny(
                    earlier,
                    own,
                    &denied,
                    &because,
                    &mut self.site.used,
                    &mut self.notes,
                );
                if let Some(Entry::Rule(rule)) = entries.first_mut() {
                    rule.comment = format!(
                        "{note}.\nA `deny` always wins. To grant access, add `unless = '\"GROUP\" in groups'`, or `|| \"GROUP\" in groups` where\n\
                         there is a condition; and add an `allow` for the group if no other rule allows these paths."
                    );
                } else {
                    let patterns: Vec<String> = wide.iter().map(Shape::pattern).collect();
                    entries.push(Entry::Comment(format!(
                        "{note}.\nTo grant access:\n[[rule]]\nid = \"{}\"\nallow = {}\ngroups = [\"…\"]",
                        own.id,
                        list(&patterns)
                    )));
                }
                self.notes.push(note);
            }
            None => {
                entries.extend(allow(own, &mut self.notes));
                let because = format!("In CloudFront, `{pattern}` does not allow these methods.");
                let rules = deny(
                    earlier,
                    own,
                    &denied,
                    &because,
                    &mut self.site.used,
                    &mut self.notes,
                );
                entries.extend(rules);
            }
        }
        self.site.entries.extend(entries);
    }

    /// Denies `/` if it returns a file that may be guarded.
    fn root(&mut self, root: &Root) {
        let (open, what) = match root {
            Root::Origin => return,
            Root::File(file) => {
                let path = file.strip_prefix('/').unwrap_or(file);
                (self.serving(&format!("/{path}")), format!("`/{path}`"))
            }
            // It may return any file.
            Root::Unknown => (self.open_everywhere(), "an unknown file".to_owned()),
        };
        let at_root = [Shape::root()];
        let opened = self
            .tries
            .iter()
            .filter(|tried| overlap(tried.narrow(), &at_root));
        let opened = opened.fold(MethodSet::EMPTY, |all, tried| all | tried.behaviour.methods);
        let missing = without(opened, open);
        if missing.is_empty() {
            return;
        }
        let note = format!(
            "`/` is denied for {}: it returns {what}, which is not public",
            names(missing)
        );
        let mut rule = Rule::deny(
            &self.site.id("root"),
            missing,
            &format!("In CloudFront, `/` returns {what}."),
        );
        rule.comment.clone_from(&note);
        rule.patterns.push(Pattern::from(&Shape::root()));
        self.site.entries.push(Entry::Rule(rule));
        self.notes.push(note);
    }
}

impl Importer {
    /// The methods that all behaviours allow.
    fn open_everywhere(&self) -> MethodSet {
        let all = self.tries.iter().map(|tried| tried.behaviour.methods);
        all.fold(MethodSet::ALL, |left, methods| {
            without(left, without(left, methods))
        })
    }

    /// The methods that are certainly public for a path.
    fn serving(&self, path: &str) -> MethodSet {
        let [one, other] = [false, true].map(|star_has_slash| {
            let serves =
                |tried: &&Try| pattern::matches(&tried.behaviour.pattern, path, star_has_slash);
            let tried = self.tries.iter().find(serves);
            tried.map_or(MethodSet::EMPTY, |tried| tried.behaviour.methods)
        });
        without(one, without(one, other))
    }
}

/// The rule of a public behaviour.
fn allow(own: &Try, notes: &mut Vec<String>) -> Option<Entry> {
    let pattern = &own.behaviour.pattern;
    let mut comment = String::new();
    if own.behaviour.has_response_function {
        let note = format!(
            "`{pattern}` has a function for responses; the import assumes that it denies nothing"
        );
        comment.clone_from(&note);
        notes.push(note);
    }
    let Some(narrow) = &own.matched.narrow else {
        let note = format!(
            "`{pattern}` is public in CloudFront, but no pattern matches exactly its paths: no rule allows them"
        );
        notes.push(note.clone());
        return Some(Entry::Comment(note));
    };
    let mut rule = Rule::allow(&own.id, "anyone = true\n", own.behaviour.methods);
    rule.comment = comment;
    rule.patterns = narrow.iter().map(Pattern::from).collect();
    Some(Entry::Rule(rule))
}

/// The methods that are denied for a behaviour. A method that it does not allow and a later
/// behaviour allows must be denied. A guard also denies methods where a policy author may allow a
/// later behaviour.
fn denied(earlier: &[Try], own: &Try, later: &[Try]) -> Vec<Denied> {
    let wide = &own.matched.wide;
    let is_wanted = own.behaviour.guard.as_ref().is_some_and(|guard| {
        let may_open = |tried: &Try| overlap(&tried.matched.wide, wide);
        !guard.is_known || later.iter().any(may_open)
    });
    let mut all: Vec<Denied> = Vec::new();
    for (name, method) in methods() {
        let opens = |tried: &Try| tried.opens(name) && overlap(tried.narrow(), wide);
        let is_needed = later.iter().any(opens);
        if own.opens(name) || !(is_needed || is_wanted) {
            continue;
        }
        let exceptions = earlier.iter().enumerate().filter(|(_, tried)| opens(tried));
        let exceptions: Vec<usize> = exceptions.map(|(at, _)| at).collect();
        match all
            .iter_mut()
            .find(|denied| denied.exceptions == exceptions)
        {
            Some(denied) => {
                denied.methods = denied.methods | method;
                denied.is_needed |= is_needed;
            }
            None => all.push(Denied {
                methods: method,
                exceptions,
                is_needed,
            }),
        }
    }
    all
}

/// The rules that deny the methods of a behaviour.
fn deny(
    earlier: &[Try],
    own: &Try,
    denied: &[Denied],
    because: &str,
    used: &mut Vec<String>,
    notes: &mut Vec<String>,
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for group in denied {
        let mut rules: Vec<Rule> = Vec::new();
        let mut add = |patterns: Vec<Pattern>, unless: Option<String>| {
            let condition = unless.map(|unless| ("unless", unless));
            match rules.iter_mut().find(|rule| rule.condition == condition) {
                Some(rule) => rule.patterns.extend(patterns),
                None => rules.push(Rule {
                    patterns,
                    condition,
                    is_idle: !group.is_needed,
                    ..Rule::deny("", group.methods, because)
                }),
            }
        };
        let mut all_lost: Vec<&str> = Vec::new();
        for shape in &own.matched.wide {
            let mut exceptions = Vec::new();
            let mut lost = Vec::new();
            for tried in group.exceptions.iter().filter_map(|at| earlier.get(*at)) {
                for exception in tried.narrow().iter().filter(|own| own.overlaps(shape)) {
                    match can_be_excepted(exception) {
                        true => exceptions.push(exception.clone()),
                        false => lost.push(tried.behaviour.pattern.as_str()),
                    }
                }
            }
            match except(shape, &exceptions) {
                _ if exceptions.is_empty() => add(vec![Pattern::from(shape)], None),
                Some(rules) => {
                    for rule in rules {
                        let patterns = rule.patterns.into_iter().map(Pattern::new);
                        add(patterns.collect(), rule.unless);
                    }
                }
                None => {
                    lost = group
                        .exceptions
                        .iter()
                        .filter_map(|at| earlier.get(*at))
                        .map(|tried| tried.behaviour.pattern.as_str())
                        .collect();
                    add(vec![Pattern::from(shape)], None);
                }
            }
            all_lost.extend(lost);
        }
        // Paths that no rule allows need no further rule that would deny more.
        if !all_lost.is_empty() && !group.is_needed {
            continue;
        }
        all_lost.dedup();
        for lost in all_lost {
            notes.push(format!(
                "paths that both `{lost}` and `{}` match are denied, although `{lost}` comes first in CloudFront",
                own.behaviour.pattern
            ));
        }
        for mut rule in rules {
            rule.id = match entries.is_empty() {
                true if own.behaviour.guard.is_some() => own.id.clone(),
                _ if own.behaviour.guard.is_some() => ids::unused(&own.id, used),
                _ => ids::unused(&format!("{}-methods", own.id), used),
            };
            entries.push(Entry::Rule(rule));
        }
    }
    entries
}

fn methods() -> impl Iterator<Item = (&'static str, MethodSet)> {
    let one = |name| Some((name, MethodSet::from_name(name)?));
    MethodSet::ALL.names().filter_map(one)
}

/// The methods of `all` that are not in `some`.
fn without(all: MethodSet, some: MethodSet) -> MethodSet {
    let left = methods().filter(|(_, method)| all.contains(*method) && !some.contains(*method));
    left.fold(MethodSet::EMPTY, |all, (_, method)| all | method)
}

fn names(methods: MethodSet) -> String {
    methods.names().collect::<Vec<_>>().join(", ")
}
