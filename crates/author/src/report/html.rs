//! The report for people: one page without anything from elsewhere, light or dark as the reader's system is.

use maud::{DOCTYPE, Markup, PreEscaped, html as page};

use super::paint::{self, Colour};
use super::{Findings, total};
use crate::coverage::{Kind, Ratio};
use crate::mutate::Tally;
use crate::suite::beside;

const STYLE: &str = include_str!("report.css");

/// The page.
pub fn html(findings: &Findings<'_>) -> String {
    let (passed, failed) = total(findings.results);
    let markup = page! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="tollgate";
                title { (findings.site) " – policy tests" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (findings.site) }
                    p .faint { "policy " code { (findings.policy) } ", " (findings.rules.len()) " rules" }
                }
                section .figures {
                    (figure("tests", passed, passed + failed))
                    @for (name, kind) in [("rules", Kind::Rule), ("paths", Kind::Path), ("branches", Kind::Branch)] {
                        @let Ratio { covered, all } = findings.coverage.ratio(kind);
                        (figure(name, covered, all))
                    }
                    @if let Some((_, fates)) = findings.mutants {
                        @let tally = Tally::of(fates);
                        (figure("mutants noticed", tally.noticed, tally.noticed + tally.missed))
                    }
                }
                (failures(findings))
                (mutants(findings))
                (suggestions(findings))
                h2 { "The policy" }
                p .legend {
                    span .covered { "covered" } " " span .half { "covered in part" } " " span .missed { "not covered" }
                }
                @for (file, rules) in findings.files() {
                    (source(findings, file, rules.len()))
                }
            }
        }
    };
    markup.into_string()
}

fn figure(name: &str, count: usize, of: usize) -> Markup {
    let percent = (count * 100).checked_div(of).unwrap_or(100);
    let class = match percent {
        100 => "good",
        80..=99 => "fair",
        _ => "bad",
    };
    page! {
        div .figure .(class) {
            div .number { (percent) span .unit { "%" } }
            div .name { (name) }
            div .bar { div .filled style=(format!("width:{percent}%")) {} }
            div .faint { (count) " of " (of) }
        }
    }
}

fn failures(findings: &Findings<'_>) -> Markup {
    let failing = || {
        findings.results.iter().flat_map(|result| {
            let failing = result.tests.iter().filter(|test| !test.passed());
            failing.map(move |test| (result.file.as_str(), test))
        })
    };
    page! {
        @if failing().next().is_some() {
            h2 { "Failing tests" }
            table {
                tr { th { "test" } th { "expected" } th { "got" } }
                @for (file, test) in failing() {
                    tr {
                        td { (test.case.name) div .faint { (file) ":" (test.case.line) } }
                        td { code { (test.expected()) } }
                        td { code .bad { (test.answered()) } }
                    }
                }
            }
        }
    }
}

fn mutants(findings: &Findings<'_>) -> Markup {
    let Some((_, fates)) = findings.mutants else {
        return page! {};
    };
    let tally = Tally::of(fates);
    page! {
        h2 { "Mistakes that no test would notice" }
        @if tally.missed == 0 {
            p { "None: each of " (tally.noticed) " small mistakes makes a test fail." }
        } @else {
            table {
                tr { th { "mistake" } th { "then" } }
                @for missed in findings.missed_mutants() {
                    tr {
                        td { (ticked(&missed.mutant.change)) div .faint { (missed.file) ":" (missed.line) ", " (missed.rule) } }
                        td {
                            code { (missed.survivor.visit.method) " " (missed.survivor.visit.target) }
                            div { code { (missed.survivor.before.reason.code()) } " would be " code .bad { (missed.survivor.after.reason.code()) } }
                        }
                    }
                }
            }
        }
        @if tally.same + tally.alike > 0 {
            p .faint {
                (tally.same + tally.alike) " mistakes change no answer and are not counted"
                @if tally.alike > 0 { " (for " (tally.alike) " of them that is not proven, but held on random visits)" }
                "."
            }
        }
    }
}

/// Text whose parts in backticks are code.
fn ticked(text: &str) -> Markup {
    page! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn suggestions(findings: &Findings<'_>) -> Markup {
    page! {
        @if !findings.suggestions.is_empty() {
            h2 { "Tests to paste" }
            p .faint { "The answers are what the policy says today. Paste a test only if that is right." }
            @for suggestion in findings.suggestions {
                details {
                    summary { (ticked(&suggestion.why)) " " span .faint { (suggestion.file) } }
                    pre { (suggestion.text) }
                }
            }
        }
    }
}

fn source(findings: &Findings<'_>, file: &str, rules: usize) -> Markup {
    let text = findings.sources.text(file).unwrap_or_default();
    let lines = paint::lines(findings, file, text);
    let missed: Vec<_> = findings
        .missed_mutants()
        .filter(|missed| missed.file == file)
        .collect();
    let tests = beside(file);
    let count = findings.results.iter().find(|result| result.file == tests);
    let count = count.map_or(0, |result| result.tests.len());
    let open = lines
        .iter()
        .flatten()
        .any(|run| run.colour > Colour::Covered)
        || !missed.is_empty();
    page! {
        details open[open] .file {
            summary {
                strong { (file) } " "
                span .faint { (rules) " rules, " (count) " tests in " (tests) }
            }
            div .code {
                @for (at, line) in lines.iter().enumerate() {
                    @let remarks: Vec<&str> = missed.iter().filter(|missed| missed.line == at + 1).map(|missed| missed.mutant.change.as_str()).collect();
                    div .line {
                        span .nr { (at + 1) }
                        span .text {
                            @for run in line {
                                @match run.colour {
                                    Colour::None => { (run.text) },
                                    colour => { span class=(class(colour)) title=(run.remark) { (run.text) } },
                                }
                            }
                        }
                        @if !remarks.is_empty() {
                            span .note title=(remarks.join("\n")) { (remarks.len()) " unnoticed" }
                        }
                    }
                }
            }
        }
    }
}

fn class(colour: Colour) -> &'static str {
    match colour {
        Colour::None => "",
        Colour::Covered => "covered",
        Colour::Half => "half",
        Colour::Missed => "missed",
    }
}
