//! Rules that cause many diagnostics about others: one diagnostic at such a rule replaces them.
//!
//! Not here: finding the rules, which [`dead`](super::dead) does one by one.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_analysis::rule_name as name;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::{Code, codes};

use super::context::LintContext;
use crate::locate::Part;

/// The number of diagnostics from which one at the cause is more useful.
const MANY: usize = 3;
/// The number of rules listed as examples.
const MAX_SHOWN: usize = 3;

/// Replaces diagnostics that have one cause by one at the cause.
pub(super) fn collapse(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    const NARROW: &str = "narrow this rule if it is wider than meant, or remove the others";
    for (code, what, help) in [
        (&codes::SHADOWED, "are redundant", NARROW),
        (&codes::OVERRIDDEN, "allow nothing", NARROW),
        (
            &codes::DENY_METHODS,
            "leave methods allowed",
            "list the methods in each `deny`, or narrow this rule",
        ),
        (
            &codes::DENY_BELOW,
            "deny the content of a folder, but not the folder's own name",
            "add the name to each `deny`, or declare with `[paths] origin` that the origin distinguishes the two",
        ),
        (
            &codes::DENY_WITHOUT_SLASH,
            "deny a path, but not the same path with a trailing slash",
            "add `/**` below each path to its `deny`, and write `/**` instead of `/*`: paths below them stay allowed, too. \
             Or declare with `[paths] origin` that the origin distinguishes the two; paths below them stay allowed then",
        ),
    ] {
        while let Some((cause, echoes)) = widest(context, code, findings) {
            let rules: Vec<usize> = echoes.iter().map(|(_, rule)| *rule).collect();
            let at: BTreeSet<usize> = echoes.into_iter().map(|(at, _)| at).collect();
            let mut number = 0;
            findings.retain(|_| {
                number += 1;
                !at.contains(&(number - 1))
            });
            let mut finding = summary(context, code, what, cause, &rules);
            finding.help(help);
            match public_twin(context, cause, findings) {
                Some(public) => {
                    public.labels = finding.labels;
                    public.help.splice(0..0, finding.help);
                }
                None => findings.push(finding),
            }
        }
    }
}

/// The rule that causes the most diagnostics of a code, if it causes many, with the position of
/// each diagnostic and of the rule that it is about.
fn widest(
    context: &LintContext<'_>,
    code: &'static Code,
    findings: &[Diagnostic],
) -> Option<(usize, Vec<(usize, usize)>)> {
    let mut causes: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    let places = Index::new(context);
    for (at, finding) in findings.iter().enumerate() {
        // A summary is about its cause and is not a further effect of it.
        if finding.code != code || finding.labels.is_empty() || is_summary(finding) {
            continue;
        }
        let Some(about) = finding
            .span
            .and_then(|span| places.rule(&finding.file, span.start))
        else {
            continue;
        };
        let of_labels: BTreeSet<usize> = finding
            .labels
            .iter()
            .filter_map(|label| places.rule(&label.file, label.span.start))
            .filter(|cause| *cause != about)
            .collect();
        for cause in of_labels {
            causes.entry(cause).or_default().push((at, about));
        }
    }
    causes
        .into_iter()
        .filter(|(_, echoes)| echoes.len() >= MANY)
        // On a tie, the first by position.
        .max_by_key(|(cause, echoes)| (echoes.len(), core::cmp::Reverse(*cause)))
}

fn is_summary(finding: &Diagnostic) -> bool {
    finding.labels.iter().all(|label| label.message == EXAMPLE)
}

/// The label of the rules that a summary lists.
const EXAMPLE: &str = "for example this rule";

fn summary(
    context: &LintContext<'_>,
    code: &'static Code,
    what: &str,
    cause: usize,
    rules: &[usize],
) -> Diagnostic {
    let rule_name = |at: usize| context.policy.rules.get(at).map(name).unwrap_or_default();
    let message = format!(
        "because of `{}`, {} other rules {what}",
        rule_name(cause),
        rules.len()
    );
    let mut finding = context.finding(code, cause, &Part::Effect, message);
    for rule in rules.iter().take(MAX_SHOWN) {
        context.mark(&mut finding, *rule, &Part::Effect, EXAMPLE);
    }
    let names: Vec<String> = rules
        .iter()
        .take(10)
        .map(|rule| format!("`{}`", rule_name(*rule)))
        .collect();
    let more = match rules.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    finding.help(format!("affected rules: {}{more}", names.join(", ")));
    finding
}

/// The diagnostic that the cause allows everyone, which reports the same thing under another code.
fn public_twin<'f>(
    context: &LintContext<'_>,
    cause: usize,
    findings: &'f mut [Diagnostic],
) -> Option<&'f mut Diagnostic> {
    let places = context.places.get(cause)?;
    findings.iter_mut().find(|finding| {
        *finding.code == codes::WIDE_PUBLIC
            && finding.file == places.file
            && finding.span.is_some_and(|span| {
                places.whole.start <= span.start && span.end <= places.whole.end
            })
    })
}

/// Rules by location.
struct Index<'c> {
    by_file: BTreeMap<&'c str, BTreeMap<usize, (usize, usize)>>,
}

impl<'c> Index<'c> {
    fn new(context: &'c LintContext<'_>) -> Self {
        let mut by_file: BTreeMap<&str, BTreeMap<usize, (usize, usize)>> = BTreeMap::new();
        for (at, places) in context.places.iter().enumerate() {
            let file = by_file.entry(places.file.as_str()).or_default();
            file.insert(places.whole.start, (places.whole.end, at));
        }
        Self { by_file }
    }

    /// The rule at an offset of a file.
    fn rule(&self, file: &str, at: usize) -> Option<usize> {
        let (_, (end, rule)) = self.by_file.get(file)?.range(..=at).next_back()?;
        (at < *end).then_some(*rule)
    }
}
