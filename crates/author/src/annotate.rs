//! Results with locations, in the forms that code hosts and editors read: SARIF, the workflow commands of GitHub
//! Actions, and the code quality report of GitLab.
//!
//! Not here: finding results, and text for terminals.

mod github;
mod gitlab;
mod sarif;

use tollgate_compiler::diagnostic::render::line_and_column;
use tollgate_compiler::diagnostic::{Code, Fix, Severity, Span, codes};
use tollgate_compiler::{Diagnostic, SourceTree};

use crate::report::Findings;

pub use github::{github, inert, inert_behind};
pub use gitlab::gitlab;
pub use sarif::sarif;

/// A kind of result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The stable ID.
    pub id: &'static str,
    /// The problem in a few words.
    pub title: &'static str,
    /// Its meaning and its remedy, in Markdown.
    pub explanation: &'static str,
}

/// A test whose result is not the expected one.
pub const TEST_FAILED: Kind = Kind {
    id: "test-failed",
    title: "test failed",
    explanation: "The policy decides the request of this test in another way than the test expects. Correct the rule, or \
                  the expectation.",
};
/// A part of the policy without a test.
pub const NOT_COVERED: Kind = Kind {
    id: "not-covered",
    title: "no test covers this part",
    explanation: "No test depends on this rule, path or branch of a condition. `tollgate test --suggest` prints tests to \
                  paste.",
};
/// A change of the policy that no test catches.
pub const MUTANT_MISSED: Kind = Kind {
    id: "mutant-missed",
    title: "no test catches this change",
    explanation: "All tests also pass for a policy with this change, so they would not catch such a mistake. \
                  `tollgate test --mutate --suggest` prints tests to paste.",
};
/// Requests that only the new policy allows.
pub const NEWLY_ALLOWED: Kind = Kind {
    id: "newly-allowed",
    title: "newly allowed",
    explanation: "The new policy allows requests that the old one denies. Review who gains access.",
};
/// Requests that only the old policy allows.
pub const NEWLY_DENIED: Kind = Kind {
    id: "newly-denied",
    title: "newly denied",
    explanation: "The new policy denies requests that the old one allows.",
};
/// Requests with another response.
pub const ANSWERED_DIFFERENTLY: Kind = Kind {
    id: "answered-differently",
    title: "another response",
    explanation: "Both policies deny these requests, with different responses.",
};
/// A setting that differs.
pub const SETTING_CHANGED: Kind = Kind {
    id: "setting-changed",
    title: "another setting",
    explanation: "A setting differs, whose effect depends on tokens and keys.",
};
/// A policy where there was none.
pub const FIRST_POLICY: Kind = Kind {
    id: "first-policy",
    title: "first policy",
    explanation: "There is no earlier policy to compare with, and without a policy, edges deny every request. So everything \
                  that this one allows is new. Review all of it.",
};
/// Requests that could not be compared.
pub const UNDECIDED: Kind = Kind {
    id: "undecided",
    title: "not compared",
    explanation: "Too many rules overlap to compare all requests for these paths; some may differ.",
};
/// The command could not do its work.
pub const FAILED: Kind = Kind {
    id: "tollgate",
    title: "tollgate failed",
    explanation: "An argument or a file is invalid.",
};

/// A result and its location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its kind.
    pub kind: Kind,
    /// How severe it is.
    pub severity: Severity,
    /// The result: a sentence, and details on further lines.
    pub message: String,
    /// Suggested fixes, one per line.
    pub help: Vec<String>,
    /// The file, as the caller sees it; empty if there is none.
    pub file: String,
    /// The part of the file; `None` if it is about the file as a whole.
    pub region: Option<Region>,
    /// Edits that carry out some of them.
    pub fixes: Vec<Suggested>,
    /// The text at the location: unlike a line number, it does not change if lines are added above it.
    pub excerpt: String,
}

/// A suggested fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggested {
    /// The title.
    pub title: String,
    /// Parts of the annotation's file, and the text that replaces each.
    pub replacements: Vec<(Region, String)>,
}

/// A part of a file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The first line.
    pub line: usize,
    /// The last line.
    pub end_line: usize,
    /// The first column, and the one after the last; `None` for whole lines.
    pub columns: Option<(usize, usize)>,
}

impl Region {
    /// A whole line.
    pub const fn line(line: usize) -> Self {
        Self {
            line,
            end_line: line,
            columns: None,
        }
    }

    fn of(text: &str, span: Span) -> Self {
        let (line, column) = line_and_column(text, span.start);
        let (end_line, end_column) = line_and_column(text, span.end);
        Self {
            line,
            end_line,
            columns: Some((column, end_column)),
        }
    }
}

impl From<&'static Code> for Kind {
    fn from(code: &'static Code) -> Self {
        Self {
            id: code.id,
            title: code.title,
            explanation: code.explanation,
        }
    }
}

/// Diagnostics of the compiler and the lints.
pub fn diagnostics(findings: &[Diagnostic], sources: &SourceTree) -> Vec<Annotation> {
    let annotation = |finding: &Diagnostic| {
        let text = sources.text(&finding.file).unwrap_or_default();
        let excerpt = |span: Span| text.get(span.start..span.end).unwrap_or_default();
        Annotation {
            kind: finding.code.into(),
            severity: finding.severity(),
            message: finding.message.clone(),
            help: finding.help.clone(),
            file: match finding.file.as_str() {
                "" => String::new(),
                file => sources.path_of(file),
            },
            region: finding.span.map(|span| Region::of(text, span)),
            fixes: finding
                .fixes
                .iter()
                .map(|fix| suggested(fix, text))
                .collect(),
            excerpt: finding.span.map(excerpt).unwrap_or_default().to_owned(),
        }
    };
    findings.iter().map(annotation).collect()
}

fn suggested(fix: &Fix, text: &str) -> Suggested {
    let Fix {
        title,
        applicability,
        edits,
    } = fix;
    let replacements = edits.iter();
    Suggested {
        title: format!("{title}{}", applicability.remark()),
        replacements: replacements
            .map(|edit| (Region::of(text, edit.span), edit.replacement.clone()))
            .collect(),
    }
}

/// The results of a test run that a change of the policy or its tests should remove. Uncovered parts are errors if the
/// coverage is too low.
pub fn tests(findings: &Findings<'_>, is_covered: bool) -> Vec<Annotation> {
    let sources = findings.sources;
    let seen = |file: &str| sources.path_of(file);
    let mut all = Vec::new();
    for result in findings.results {
        for test in result.tests.iter().filter(|test| !test.passed()) {
            all.push(Annotation {
                kind: TEST_FAILED,
                severity: Severity::Error,
                message: format!(
                    "{}: {} {} as `{}`: expected {}, got {}",
                    test.case.name,
                    test.case.method,
                    test.case.target,
                    test.case.who.name(),
                    test.expected(),
                    test.answered()
                ),
                help: Vec::new(),
                fixes: Vec::new(),
                file: seen(&result.file),
                region: Some(Region::line(test.case.line)),
                excerpt: test.case.name.clone(),
            });
        }
    }
    for item in findings.coverage.missed() {
        let Some(places) = findings.places.get(item.rule) else {
            continue;
        };
        let text = sources.text(&places.file).unwrap_or_default();
        let span = places.span(&item.part, sources);
        let rule = findings.rules.get(item.rule).map_or("", String::as_str);
        let excerpt = text.get(span.start..span.end).unwrap_or_default();
        all.push(Annotation {
            kind: NOT_COVERED,
            severity: match is_covered {
                true => Severity::Note,
                false => Severity::Error,
            },
            message: format!("{rule}: {}", item.wanted.missed()),
            help: Vec::new(),
            fixes: Vec::new(),
            file: seen(&places.file),
            region: Some(Region::of(text, span)),
            excerpt: format!("{rule} {excerpt} {}", item.wanted.missed()),
        });
    }
    for missed in findings.missed_mutants() {
        let visit = &missed.survivor.visit;
        let (before, after) = (missed.survivor.before.reason, missed.survivor.after.reason);
        all.push(Annotation {
            kind: MUTANT_MISSED,
            severity: Severity::Error,
            message: format!(
                "{}: no test catches that {}: {} {} would be {} instead of {}",
                missed.rule,
                missed.mutant.change,
                visit.method,
                visit.target,
                after.code(),
                before.code()
            ),
            help: Vec::new(),
            fixes: Vec::new(),
            file: seen(missed.file),
            region: Some(Region::line(missed.line)),
            excerpt: format!("{} {}", missed.rule, missed.mutant.change),
        });
    }
    all
}

/// Every kind of result, for lists of rules.
fn kinds() -> impl Iterator<Item = Kind> {
    let own = [
        TEST_FAILED,
        NOT_COVERED,
        MUTANT_MISSED,
        NEWLY_ALLOWED,
        NEWLY_DENIED,
        ANSWERED_DIFFERENTLY,
        SETTING_CHANGED,
        FIRST_POLICY,
        UNDECIDED,
        FAILED,
    ];
    codes::codes().map(Kind::from).chain(own)
}

#[cfg(test)]
mod tests;
