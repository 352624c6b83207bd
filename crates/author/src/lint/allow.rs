//! Findings that are meant to be so: `[[lint]]` in `site.toml`.

use tollgate_compiler::diagnostic::{Span, codes};
use tollgate_compiler::{Diagnostic, SITE_FILE};

use super::{Subject, name, swallow};

/// A finding that is meant to be so.
#[derive(Clone, Debug)]
pub struct Excused {
    /// The finding.
    pub finding: Diagnostic,
    /// Why it is meant to be so.
    pub because: String,
}

/// Findings, sorted into those to show and those that are meant to be so.
#[derive(Clone, Debug, Default)]
pub struct Advice {
    /// To show, by file and place.
    pub findings: Vec<Diagnostic>,
    /// Meant to be so.
    pub excused: Vec<Excused>,
}

/// Applies the suppressions of `site.toml`, and then says what has one cause once. An suppression that allows
/// nothing is a finding of its own.
pub fn settle(subject: &Subject<'_>, findings: Vec<Diagnostic>) -> Advice {
    let suppressions = &subject.compiled.suppressions;
    let mut used = vec![false; suppressions.len()];
    let mut advice = Advice::default();
    excuse(subject, findings, &mut used, &mut advice);
    let mut findings = core::mem::take(&mut advice.findings);
    swallow::collapse(subject, &mut findings);
    drop_echoes(&mut findings, &advice.excused);
    // What is said at the cause can be meant to be so as well.
    excuse(subject, findings, &mut used, &mut advice);
    for (suppression, _) in suppressions.iter().zip(&used).filter(|(_, used)| !**used) {
        let message = format!(
            "nothing is left that allowing `{}` allows",
            suppression.code.id
        );
        let mut finding = Diagnostic::new(&codes::UNUSED_ALLOWANCE, SITE_FILE, message);
        finding.at(suppression.span).help("remove this `[[lint]]`");
        advice.findings.push(finding);
    }
    advice.findings.sort_by(|a, b| {
        let key = |finding: &Diagnostic| {
            let start = finding.span.map(|span| span.start);
            (
                finding.file != SITE_FILE,
                finding.file.clone(),
                start,
                finding.code.id,
            )
        };
        key(a).cmp(&key(b))
    });
    advice
}

/// Sorts findings into those to show and those that an suppression excuses.
fn excuse(
    subject: &Subject<'_>,
    findings: Vec<Diagnostic>,
    used: &mut [bool],
    advice: &mut Advice,
) {
    let suppressions = &subject.compiled.suppressions;
    for finding in findings {
        let about = rule_of(subject, &finding);
        let fits = |suppression: &&tollgate_compiler::Suppression| {
            let rule = suppression.rule.as_deref();
            *suppression.code == *finding.code && (rule.is_none() || rule == about.as_deref())
        };
        match suppressions
            .iter()
            .position(|suppression| fits(&suppression))
        {
            Some(at) => {
                if let Some(used) = used.get_mut(at) {
                    *used = true;
                }
                let because = suppressions
                    .get(at)
                    .map(|suppression| suppression.because.clone());
                advice.excused.push(Excused {
                    finding,
                    because: because.unwrap_or_default(),
                });
            }
            None => advice.findings.push(finding),
        }
    }
}

/// A rule that a wide public rule takes in is also shadowed by it; to say it once is enough.
fn drop_echoes(findings: &mut Vec<Diagnostic>, excused: &[Excused]) {
    let public: Vec<(String, Span)> = findings
        .iter()
        .chain(excused.iter().map(|excused| &excused.finding))
        .filter(|finding| *finding.code == codes::WIDE_PUBLIC)
        .flat_map(|finding| &finding.labels)
        .map(|label| (label.file.clone(), label.span))
        .collect();
    findings.retain(|finding| {
        let is_echo = finding.span.is_some_and(|span| {
            let inside = |inner: &Span| span.start <= inner.start && inner.end <= span.end;
            public
                .iter()
                .any(|(file, inner)| *file == finding.file && inside(inner))
        });
        *finding.code != codes::SHADOWED || !is_echo
    });
}

/// The rule that a finding is about, by its place.
fn rule_of(subject: &Subject<'_>, finding: &Diagnostic) -> Option<String> {
    let span = finding.span?;
    let (_, rule, _) = subject.rules().find(|(_, _, places)| {
        places.file == finding.file
            && places.whole.start <= span.start
            && span.end <= places.whole.end
    })?;
    Some(name(rule))
}
