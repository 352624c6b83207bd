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
use tollgate_compiler::diagnostic::{Diagnostic, Edit, Fix, codes, edited};
use tollgate_policy::spec::ImageSpec;

pub use hunks::unified;

/// The number of rounds, each of which may reveal diagnostics for the next.
const MAX_ROUNDS: usize = 20;
/// The number of fixes that are tried together.
const MAX_TOGETHER: usize = 1_000;
/// The number of checks of a whole policy. Fixes that are then left stay suggestions.
const MAX_CHECKS: usize = 200;

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
    /// The title of the fix.
    pub title: String,
}

/// A policy after fixes.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The files.
    pub sources: SourceTree,
    /// The applied fixes, in order.
    pub applied: Vec<Done>,
    /// The fixes that the analysis rejected: they would change who can access what, or cause another error.
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

    fn kind(&self) -> Kind<'_> {
        let Done {
            file,
            code,
            message,
            title: _,
        } = &self.done;
        (code, file, message)
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

/// Applies every fix that needs no review until there are no more. `check` returns the diagnostics of a policy, `None` if it
/// cannot be checked; `now` is the time of example requests.
pub fn apply(
    sources: &SourceTree,
    check: &dyn Fn(&SourceTree) -> Option<Checked>,
    now: i64,
) -> Fixed {
    let mut state = check(sources).unwrap_or_default();
    let mut fixed = Fixed {
        sources: sources.clone(),
        applied: Vec::new(),
        withheld: Vec::new(),
        is_compared: state.policy.is_some(),
    };
    let mut rounds = Rounds {
        check,
        now,
        checks_left: MAX_CHECKS,
    };
    let mut rejected: BTreeSet<Done> = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let candidates = candidates(&state.findings, &rejected);
        if candidates.is_empty() || rounds.checks_left == 0 {
            break;
        }
        let (applied, withheld) = rounds.run(&mut fixed.sources, &mut state, &candidates);
        rejected.extend(withheld.iter().cloned());
        fixed.withheld.extend(withheld);
        fixed.applied.extend(applied);
    }
    fixed
}

/// The first fixes that need no review and do not overlap. The others are tried in the next round.
fn candidates(findings: &[Diagnostic], rejected: &BTreeSet<Done>) -> Vec<Candidate> {
    let mut free: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    let mut all = Vec::new();
    for finding in findings {
        if all.len() == MAX_TOGETHER {
            break;
        }
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

struct Rounds<'a> {
    check: &'a dyn Fn(&SourceTree) -> Option<Checked>,
    now: i64,
    checks_left: usize,
}

impl Rounds<'_> {
    /// Applies as many of the candidates as the analysis confirms. All are tried at once, and halves of them only if that
    /// fails: the edits of one half do not move those of the other, because each half starts from the same text.
    fn run(
        &mut self,
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
        while self.checks_left > 0
            && let Some(part) = queue.pop()
        {
            self.checks_left -= 1;
            let trial: Vec<&Candidate> = accepted.iter().copied().chain(part).collect();
            let confirmed = with_edits(&original, &trial).and_then(|next| {
                let after = (self.check)(&next)?;
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

    /// Whether the fixes remove their diagnostics, and neither break a file nor change a decision. An error that hid
    /// others reveals them.
    fn confirms(&self, before: &Checked, after: &Checked, fixes: &[&Candidate]) -> bool {
        let edits = by_file(fixes);
        let (old, new) = (Kinds::of(before), Kinds::of(after));
        let is_gone = |fix: &&Candidate| {
            let edits = edits.get(fix.done.file.as_str());
            let at = moved(fix.at, edits.map_or(&[][..], Vec::as_slice));
            let kind = fix.kind();
            !new.places.contains(&(kind, at)) || new.count(kind) < old.count(kind)
        };
        if !fixes.iter().all(is_gone) {
            return false;
        }
        match (&before.policy, &after.policy) {
            (Some(_), None) => false,
            (Some(old), Some(new)) => old.image == new.image || self.is_same(&old.spec, &new.spec),
            // Nothing is decided by a policy with errors.
            (None, _) => edits
                .keys()
                .all(|file| is_broken(before, file) || !is_broken(after, file)),
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

/// Code, file and message of a diagnostic.
type Kind<'a> = (&'a str, &'a str, &'a str);

/// The diagnostics of a check.
struct Kinds<'a> {
    counts: BTreeMap<Kind<'a>, usize>,
    /// With the first byte of each.
    places: BTreeSet<(Kind<'a>, usize)>,
}

impl<'a> Kinds<'a> {
    fn of(checked: &'a Checked) -> Self {
        let (mut counts, mut places) = (BTreeMap::new(), BTreeSet::new());
        for finding in &checked.findings {
            let kind: Kind<'a> = (finding.code.id, &finding.file, &finding.message);
            *counts.entry(kind).or_default() += 1;
            places.extend(finding.span.map(|span| (kind, span.start)));
        }
        Self { counts, places }
    }

    fn count(&self, kind: Kind<'_>) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }
}

/// Whether a file is not TOML.
fn is_broken(checked: &Checked, file: &str) -> bool {
    let mut findings = checked.findings.iter();
    findings.any(|finding| finding.code.id == codes::NOT_TOML.id && finding.file == file)
}

fn by_file<'a>(fixes: &[&'a Candidate]) -> BTreeMap<&'a str, Vec<&'a Edit>> {
    let mut by_file: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
    for fix in fixes {
        let edits = by_file.entry(fix.done.file.as_str()).or_default();
        edits.extend(&fix.edits);
    }
    by_file
}

/// The files with the edits; `None` if an edit does not fit.
fn with_edits(sources: &SourceTree, fixes: &[&Candidate]) -> Option<SourceTree> {
    let mut next = sources.clone();
    for (file, edits) in by_file(fixes) {
        next.insert(file, edited(sources.text(file)?, &edits)?);
    }
    Some(next)
}

#[cfg(test)]
mod tests;
