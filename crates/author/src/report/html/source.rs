//! Policy files in the report, highlighted by test coverage.
//!
//! Not here: the colours of their parts ([`paint`](crate::report::paint)).

use maud::{Markup, html as page};

use crate::report::paint::{self, Colour, Run};
use crate::report::{Findings, Missed};
use crate::suite::test_file_for;

/// A policy file with rules.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    number: usize,
    rules: usize,
    lines: Vec<Vec<Run<'a>>>,
    missed: Vec<Missed<'a>>,
}

impl<'a> File<'a> {
    pub(super) fn new(
        findings: &'a Findings<'a>,
        number: usize,
        name: &'a str,
        rules: usize,
        missed: Vec<Missed<'a>>,
    ) -> Self {
        let text = findings.sources.text(name).unwrap_or_default();
        Self {
            name,
            number,
            rules,
            lines: paint::lines(findings, name, text),
            missed,
        }
    }

    /// The anchor of the links to it.
    pub(super) fn anchor(&self) -> String {
        format!("f{}", self.number)
    }

    /// Whether it contains anything that is not covered.
    pub(super) fn has_gaps(&self) -> bool {
        let is_gap = |run: &Run<'_>| run.colour > Colour::Covered;
        !self.missed.is_empty() || self.lines.iter().flatten().any(is_gap)
    }

    pub(super) fn markup(&self, findings: &Findings<'_>, is_open: bool) -> Markup {
        let tests = test_file_for(self.name);
        let count = findings.results.iter().find(|result| result.file == tests);
        let count = count.map_or(0, |result| result.tests.len());
        page! {
            details .file id=(self.anchor()) open[is_open] {
                summary {
                    strong { (self.name) } " "
                    span .faint { (self.rules) " rules, " (count) " tests" @if self.has_gaps() { ", " span .bad { "gaps" } } }
                }
                ol {
                    @for (at, line) in self.lines.iter().enumerate() {
                        li { (self.line(at + 1, line)) }
                    }
                }
            }
        }
    }

    fn line(&self, number: usize, runs: &[Run<'_>]) -> Markup {
        let missed = self.missed.iter().filter(|missed| missed.line == number);
        let remarks: Vec<&str> = missed.map(|missed| missed.mutant.change.as_str()).collect();
        page! {
            @for run in runs {
                @match class(run.colour) {
                    None => { (run.text) },
                    Some(class) => { mark class=(class) title=(run.remark) { (run.text) } },
                }
            }
            @if !remarks.is_empty() {
                " " small title=(remarks.join("\n")) { (remarks.len()) " not caught" }
            }
        }
    }
}

fn class(colour: Colour) -> Option<&'static str> {
    match colour {
        Colour::None => None,
        Colour::Covered => Some("c"),
        Colour::Half => Some("h"),
        Colour::Missed => Some("m"),
    }
}
