//! Suppressions: `[[lint]]` in `site.toml`.

use tollgate_analysis::rule_name as name;
use tollgate_compiler::diagnostic::{Applicability, Edit, Span, codes};
use tollgate_compiler::edit::without_lines;
use tollgate_compiler::{Diagnostic, SITE_FILE};

use super::context::LintContext;
use super::{echoes, swallow};

/// A suppressed diagnostic.
#[derive(Clone, Debug)]
pub struct Suppressed {
    /// The diagnostic.
    pub finding: Diagnostic,
    /// The author's reason.
    pub because: String,
}

/// Diagnostics, separated into those to show and those that are suppressed.
#[derive(Clone, Debug, Default)]
pub struct LintReport {
    /// To show, by file and span.
    pub findings: Vec<Diagnostic>,
    /// Suppressed.
    pub suppressed: Vec<Suppressed>,
}

/// Applies the suppressions of `site.toml`, and then merges diagnostics that have one cause. A
/// suppression that matches nothing is reported as well.
pub fn apply_suppressions(context: &LintContext<'_>, findings: Vec<Diagnostic>) -> LintReport {
    let suppressions = &context.compiled.suppressions;
    let mut used = vec![false; suppressions.len()];
    let mut advice = LintReport::default();
    suppress(context, findings, &mut used, &mut advice);
    let mut findings = core::mem::take(&mut advice.findings);
    echoes::drop(context, &mut findings);
    swallow::collapse(context, &mut findings);
    drop_echoes(&mut findings, &advice.suppressed);
    // A diagnostic at the common cause can be suppressed, too.
    suppress(context, findings, &mut used, &mut advice);
    for (suppression, _) in suppressions.iter().zip(&used).filter(|(_, used)| !**used) {
        let message = format!("this suppresses no `{}`", suppression.code.id);
        let mut finding = Diagnostic::new(&codes::UNUSED_ALLOWANCE, SITE_FILE, message);
        finding.at(suppression.span).help("remove this `[[lint]]`");
        if let Some(edit) = without_table(context, suppression.span) {
            finding.fix(Applicability::Safe, edit);
        }
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

/// The removal of a table of `site.toml` with a header: its lines up to the last one of its own keys.
pub(super) fn without_table(context: &LintContext<'_>, header: Span) -> Option<Edit> {
    let text = context.sources.text(SITE_FILE)?;
    let from = text.get(header.start..)?;
    if !from.starts_with('[') {
        return None;
    }
    let mut end = header.start;
    let mut last = header.start;
    for (at, line) in from.split_inclusive('\n').enumerate() {
        let trimmed = line.trim_start();
        if at > 0 && trimmed.starts_with('[') {
            break;
        }
        end += line.len();
        // Comments before the next table are about that one.
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            last = end;
        }
    }
    let own = text.get(header.start..last)?;
    let mut edit = without_lines(
        text,
        Span {
            start: header.start,
            end: header.start + own.trim_end().len(),
        },
    );
    // One of the blank lines around it goes, too.
    let before = text.get(..edit.span.start)?;
    if before.ends_with("\n\n") {
        edit.span.start -= 1;
    }
    Some(edit)
}

/// Separates diagnostics into those to show and those that are suppressed.
fn suppress(
    context: &LintContext<'_>,
    findings: Vec<Diagnostic>,
    used: &mut [bool],
    advice: &mut LintReport,
) {
    let suppressions = &context.compiled.suppressions;
    for finding in findings {
        let about = rule_of(context, &finding);
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
                advice.suppressed.push(Suppressed {
                    finding,
                    because: because.unwrap_or_default(),
                });
            }
            None => advice.findings.push(finding),
        }
    }
}

/// A rule covered by a broad public rule is also shadowed by it; one diagnostic is enough.
fn drop_echoes(findings: &mut Vec<Diagnostic>, suppressed: &[Suppressed]) {
    let public: Vec<(String, Span)> = findings
        .iter()
        .chain(suppressed.iter().map(|suppressed| &suppressed.finding))
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

/// The rule that a diagnostic is about, by its span.
fn rule_of(context: &LintContext<'_>, finding: &Diagnostic) -> Option<String> {
    let span = finding.span?;
    let (_, rule, _) = context.rules().find(|(_, _, places)| {
        places.file == finding.file
            && places.whole.start <= span.start
            && span.end <= places.whole.end
    })?;
    Some(name(rule))
}
