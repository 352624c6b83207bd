//! The sections of the report that list something: failing tests, mistakes that no test catches, tests to paste.
//!
//! Not here: the policy files ([`source`](super::source)).

use std::collections::BTreeMap;

use maud::{Markup, html as page};

use super::{MOST_OPEN, ticked};
use crate::mutate::Tally;
use crate::report::{Findings, Missed};
use crate::suggest::Suggestion;

/// The tests that fail.
pub(super) fn failures(findings: &Findings<'_>) -> Markup {
    let failing = || {
        findings.results.iter().flat_map(|result| {
            let failing = result.tests.iter().filter(|test| !test.passed());
            failing.map(move |test| (result.file.as_str(), test))
        })
    };
    page! {
        @if failing().next().is_some() {
            h2 #failing { "Failing tests" }
            table {
                thead { tr { th { "test" } th { "expected" } th { "got" } } }
                tbody {
                    @for (file, test) in failing() {
                        tr {
                            td data-label="test" {
                                (test.case.name)
                                div .faint { code { (test.case.method) " " (test.case.target) } " as " (test.case.who.name()) }
                                div .faint { (file) ":" (test.case.line) }
                            }
                            td data-label="expected" { code { (test.expected()) } }
                            td data-label="got" { code .bad { (test.answered()) } }
                        }
                    }
                }
            }
        }
    }
}

/// The mutants that no test catches.
pub(super) fn mutants(findings: &Findings<'_>) -> Markup {
    let Some((_, outcomes)) = findings.mutants else {
        return page! {};
    };
    let tally = Tally::of(outcomes);
    page! {
        h2 #mistakes { "Mistakes that no test would catch" }
        @if tally.missed == 0 {
            p { "None: each of " (tally.caught) " small mistakes makes a test fail." }
        } @else {
            details .list open[tally.missed <= MOST_OPEN] {
                summary { (tally.missed) " of " (tally.caught + tally.missed) " small mistakes" }
                table {
                    thead { tr { th { "mistake" } th { "then" } } }
                    tbody { @for missed in findings.missed_mutants() { (mutant(&missed)) } }
                }
            }
        }
        @if tally.equivalent + tally.unproven > 0 {
            p .faint {
                (tally.equivalent + tally.unproven) " mistakes change no decision and are not counted"
                @if tally.unproven > 0 { " (for " (tally.unproven) " of them, this is not proven, but random requests found no difference)" }
                "."
            }
        }
    }
}

fn mutant(missed: &Missed<'_>) -> Markup {
    let survivor = missed.survivor;
    page! {
        tr {
            td data-label="mistake" {
                (ticked(&missed.mutant.change))
                div .faint { (missed.file) ":" (missed.line) ", " (missed.rule) }
            }
            td data-label="then" {
                code { (survivor.visit.method) " " (survivor.visit.target) }
                div { code { (survivor.before.reason.code()) } " would be " code .bad { (survivor.after.reason.code()) } }
            }
        }
    }
}

/// Tests to paste, one box per test file.
pub(super) fn suggestions(findings: &Findings<'_>) -> Markup {
    let mut files: BTreeMap<&str, Vec<&Suggestion>> = BTreeMap::new();
    for suggestion in findings.suggestions {
        files.entry(&suggestion.file).or_default().push(suggestion);
    }
    page! {
        @if !files.is_empty() {
            h2 #tests { "Tests to paste" }
            p .faint { "They expect the policy's current decisions. Paste a test only if the decision is right." }
            @for (file, suggestions) in files {
                details .tests {
                    summary { strong { (file) } " " span .faint { (suggestions.len()) " tests" } }
                    pre tabindex="0" {
                        @for (at, suggestion) in suggestions.iter().enumerate() {
                            @if at > 0 { "\n" }
                            "# " (suggestion.why) "\n" (suggestion.text.trim_end()) "\n"
                        }
                    }
                }
            }
        }
    }
}
