//! Applying suggested fixes to a policy, with proof that they change no decision.
//!
//! Only fixes that need no review are applied. If the policy compiles before, the analysis compares it with the fixed one:
//! a fix after which any request is decided differently, or any setting differs, is withheld, whatever its diagnostic
//! promised. A policy with errors decides no request, so there is nothing to compare. Not here: finding fixes, and
//! reading and writing files.

mod hunks;

use std::collections::{BTreeMap, BTreeSet};

use tollgate_analysis::{Policy, diff};
use tollgate_compiler::SourceTree;
use tollgate_compiler::diagnostic::{Diagnostic, Edit, Fix, edited};
use tollgate_policy::spec::ImageSpec;

pub use hunks::unified;

/// The number of rounds, each of which may reveal diagnostics for the next.
const MAX_ROUNDS: usize = 20;

/// The result of a check.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// All diagnostics.
    pub findings: Vec<Diagnostic>,
    /// The policy, if it compiles.
    pub policy: Option<CheckedPolicy>,
}

/// A policy that compiles.
#[derive(Clone, Debug)]
pub struct CheckedPolicy {
    /// Its rules.
    pub spec: ImageSpec,
    /// Its image: two policies with the same image decide everything in the same way.
    pub image: Vec<u8>,
}

/// A fix that was applied, or withheld.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Done {
    /// The file, relative to the policy folder.
    pub file: String,
    /// The code of the diagnostic.
    pub code: &'static str,
    /// The message of the diagnostic.
    pub message: String,
    /// What the fix does.
    pub title: String,
}

/// A policy after fixes.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The files.
    pub sources: SourceTree,
    /// What was applied, in this order.
    pub applied: Vec<Done>,
    /// What the analysis rejected: it would change who can access what, or cause another error.
    pub withheld: Vec<Done>,
    /// Whether the policy compiled before, so that the analysis compared it with the result.
    pub is_compared: bool,
}

/// A fix of a diagnostic.
#[derive(Clone, Debug)]
struct Candidate {
    done: Done,
    /// The first byte of the diagnostic.
    at: usize,
    edits: Vec<Edit>,
}

impl Candidate {
    fn of(finding: &Diagnostic, fix: &Fix) -> Self {
        Self {
            done: Done {
                file: finding.file.clone(),
                code: finding.code.id,
                message: finding.message.clone(),
                title: fix.title.clone(),
            },
            at: finding.span.map_or(0, |span| span.start),
            edits: fix.edits.clone(),
        }
    }

    /// Whether a diagnostic is the one that this is a fix of, `at` a byte.
    fn is_of(&self, finding: &Diagnostic, at: usize) -> bool {
        self.is_like(finding) && finding.span.is_some_and(|span| span.start == at)
    }

    /// Whether a diagnostic has the same message in the same file.
    fn is_like(&self, finding: &Diagnostic) -> bool {
        let Done {
            file,
            code,
            message,
            title: _,
        } = &self.done;
        finding.code.id == *code && finding.file == *file && finding.message == *message
    }
}

/// The position of a byte after edits.
fn moved(at: usize, edits: &[&Edit]) -> usize {
    let mut moved = at;
    for edit in edits {
        let Edit { span, replacement } = edit;
        if span.end <= at {
            moved = (moved + replacement.len()).saturating_sub(span.end - span.start);
        } else if span.start < at {
            moved = moved.saturating_sub(at - span.start);
        }
    }
    moved
}

/// Applies every fix that needs no review until there are no more. `check` returns the diagnostics of a policy; `now` is
/// the time of example requests.
pub fn apply(sources: &SourceTree, check: &dyn Fn(&SourceTree) -> Checked, now: i64) -> Fixed {
    let start = check(sources);
    let mut fixed = Fixed {
        sources: sources.clone(),
        applied: Vec::new(),
        withheld: Vec::new(),
        is_compared: start.policy.is_some(),
    };
    let mut state = start;
    let mut rejected: BTreeSet<Done> = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let candidates = candidates(&state.findings, &rejected);
        if candidates.is_empty() {
            break;
        }
        let round = Round { check, now };
        let (applied, withheld) = round.run(&mut fixed.sources, &mut state, &candidates);
        rejected.extend(withheld.iter().cloned());
        fixed.withheld.extend(withheld);
        fixed.applied.extend(applied);
    }
    fixed
}

/// The fixes of all diagnostics that need no review and do not overlap; others have a turn in the next round.
fn candidates(findings: &[Diagnostic], rejected: &BTreeSet<Done>) -> Vec<Candidate> {
    let mut free: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    let mut all = Vec::new();
    for finding in findings {
        let Some(fix) = finding.safe_fix() else {
            continue;
        };
        let candidate = Candidate::of(finding, fix);
        let taken = free.entry(finding.file.as_str()).or_default();
        let spans = || {
            fix.edits
                .iter()
                .map(|edit| (edit.span.start, edit.span.end))
        };
        let meets = |(start, end): (usize, usize)| {
            let touches = |(from, to): &(usize, usize)| start <= *to && *from <= end;
            taken.iter().any(touches)
        };
        if rejected.contains(&candidate.done) || spans().any(meets) {
            continue;
        }
        taken.extend(spans());
        all.push(candidate);
    }
    all
}

/// The texts of the changed files.
type Texts = BTreeMap<String, String>;

struct Round<'a> {
    check: &'a dyn Fn(&SourceTree) -> Checked,
    now: i64,
}

impl Round<'_> {
    /// Applies as many of the candidates as the analysis confirms. All are tried at once, and halves of them only if that
    /// fails: the edits of one half do not move those of the other, because each half starts from the same text.
    fn run(
        &self,
        sources: &mut SourceTree,
        state: &mut Checked,
        candidates: &[Candidate],
    ) -> (Vec<Done>, Vec<Done>) {
        let original = sources.clone();
        let before = core::mem::take(state);
        let mut accepted: Vec<&Candidate> = Vec::new();
        let mut withheld = Vec::new();
        let mut latest = None;
        let mut queue: Vec<&[Candidate]> = vec![candidates];
        while let Some(part) = queue.pop() {
            let trial: Vec<&Candidate> = accepted.iter().copied().chain(part).collect();
            let confirmed = with_edits(&original, &trial).and_then(|next| {
                let after = (self.check)(&next);
                self.confirms(&before, &after, &trial)
                    .then_some((next, after))
            });
            match (confirmed, part) {
                (Some(confirmed), _) => {
                    accepted = trial;
                    latest = Some(confirmed);
                }
                (None, [one]) => withheld.push(one.done.clone()),
                (None, _) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    queue.extend([second, first]);
                }
            }
        }
        match latest {
            Some((next, after)) => (*sources, *state) = (next, after),
            None => *state = before,
        }
        let applied = accepted.into_iter().map(|one| one.done.clone()).collect();
        (applied, withheld)
    }

    /// Whether the fixes remove their diagnostics, and neither cause an error nor change a decision.
    fn confirms(&self, before: &Checked, after: &Checked, fixes: &[&Candidate]) -> bool {
        let is_gone = |fix: &&Candidate| {
            let edits = fixes
                .iter()
                .filter(|other| other.done.file == fix.done.file);
            let edits: Vec<&Edit> = edits.flat_map(|other| &other.edits).collect();
            let at = moved(fix.at, &edits);
            let count = |checked: &Checked| {
                let all = checked.findings.iter();
                all.filter(|finding| fix.is_like(finding)).count()
            };
            let is_there = after.findings.iter().any(|finding| fix.is_of(finding, at));
            !is_there || count(after) < count(before)
        };
        let are_gone = fixes.iter().all(is_gone);
        match (&before.policy, &after.policy) {
            _ if !are_gone => false,
            (Some(_), None) => false,
            (Some(old), Some(new)) => old.image == new.image || self.is_same(&old.spec, &new.spec),
            // Nothing is decided by a policy with errors. An error that hid others reveals them.
            (None, _) => true,
        }
    }

    /// Whether both policies decide every request in the same way, with the same settings.
    fn is_same(&self, old: &ImageSpec, new: &ImageSpec) -> bool {
        let (Ok(old), Ok(new)) = (Policy::new(old.clone()), Policy::new(new.clone())) else {
            return false;
        };
        let found = diff::diff(&old, &new, self.now);
        found.differences.is_empty() && found.gave_up.is_empty() && found.settings.is_empty()
    }
}

/// The files with the edits; `None` if an edit does not fit.
fn with_edits(sources: &SourceTree, fixes: &[&Candidate]) -> Option<SourceTree> {
    let mut by_file: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for fix in fixes {
        let edits = by_file.entry(fix.done.file.as_str()).or_default();
        edits.extend(&fix.edits);
    }
    let mut texts = Texts::new();
    for (file, edits) in by_file {
        let text = edited(sources.text(file)?, &edits)?;
        texts.insert(file.to_owned(), text);
    }
    let mut next = sources.clone();
    for (file, text) in texts {
        next.insert(file, text);
    }
    Some(next)
}

#[cfg(test)]
mod tests;
