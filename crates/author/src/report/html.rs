//! The report for policy authors: one self-contained page, light or dark as the system is.
//!
//! It is complete without scripts; its script searches, and copies tests. Not here: the sections
//! ([`sections`]) and the highlighted policy files ([`source`]).

mod sections;
mod source;

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html as page};
use tollgate_policy::visible::visible_lines;

use super::{Findings, Missed, total};
use crate::coverage::{Kind, Ratio};
use crate::mutate::Tally;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// With more policy files or more mistakes than this, all are initially collapsed.
const MOST_OPEN: usize = 20;
/// The number of files with gaps in the table of contents.
const MOST_LISTED: usize = 30;

/// The page.
pub fn html(findings: &Findings<'_>) -> String {
    let site = Page::new(findings);
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
                    p .faint {
                        @if let Some(policy) = &findings.policy { "policy " code { (policy) } ", " }
                        (findings.rules.len()) " rules"
                    }
                }
                section .figures { (figures(findings)) }
                (site.contents())
                // Search needs scripts, so the script reveals the field.
                p #search hidden {
                    input type="search" placeholder="Search rules, files, tests" aria-label="Search";
                    " " span .faint role="status" {}
                }
                (sections::failures(findings))
                (sections::mutants(findings))
                (site.files())
                (sections::suggestions(findings))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    // Nothing on the page is invisible or bidirectional, whatever the policy contains.
    visible_lines(&markup.into_string())
}

fn figures(findings: &Findings<'_>) -> Markup {
    let (passed, failed) = total(findings.results);
    page! {
        (figure("tests", passed, passed + failed))
        @for (name, kind) in [("rules", Kind::Rule), ("paths", Kind::Path), ("branches", Kind::Branch)] {
            @let Ratio { covered, all } = findings.coverage.ratio(kind);
            (figure(name, covered, all))
        }
        @if let Some((_, outcomes)) = findings.mutants {
            @let tally = Tally::of(outcomes);
            (figure("mutants caught", tally.caught, tally.caught + tally.missed))
        }
    }
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

/// The policy files of the page, each with its results.
struct Page<'a> {
    findings: &'a Findings<'a>,
    files: Vec<source::File<'a>>,
}

impl<'a> Page<'a> {
    fn new(findings: &'a Findings<'a>) -> Self {
        let mut missed: BTreeMap<&str, Vec<Missed<'_>>> = BTreeMap::new();
        for one in findings.missed_mutants() {
            missed.entry(one.file).or_default().push(one);
        }
        let files = findings.files().into_iter().enumerate();
        let files = files.map(|(number, (name, rules))| {
            let missed = missed.remove(name).unwrap_or_default();
            source::File::new(findings, number, name, rules.len(), missed)
        });
        Self {
            files: files.collect(),
            findings,
        }
    }

    /// Links to the sections, and to the files with gaps.
    fn contents(&self) -> Markup {
        let (_, failed) = total(self.findings.results);
        let missed = self
            .findings
            .mutants
            .map(|(_, outcomes)| Tally::of(outcomes).missed);
        let gaps: Vec<&source::File<'_>> =
            self.files.iter().filter(|file| file.has_gaps()).collect();
        let tests = self.findings.suggestions.len();
        page! {
            nav aria-label="Contents" {
                @if failed > 0 { a .bad href="#failing" { "Failing tests (" (failed) ")" } " " }
                @if let Some(missed) = missed { a href="#mistakes" { "Mistakes (" (missed) ")" } " " }
                a href="#policy" { "The policy (" (self.files.len()) " files)" } " "
                @if tests > 0 { a href="#tests" { "Tests to paste (" (tests) ")" } }
                @if !gaps.is_empty() {
                    p .faint {
                        "Files with gaps: "
                        @for (at, file) in gaps.iter().take(MOST_LISTED).enumerate() {
                            @if at > 0 { ", " }
                            a href=(format!("#{}", file.anchor())) { (file.name) }
                        }
                        @if gaps.len() > MOST_LISTED { ", and " (gaps.len() - MOST_LISTED) " more" }
                    }
                }
            }
        }
    }

    fn files(&self) -> Markup {
        let is_large = self.files.len() > MOST_OPEN;
        page! {
            h2 #policy { "The policy" }
            p .legend {
                mark .c { "covered" } " " mark .h { "partly covered" } " " mark .m { "not covered" }
            }
            @for file in &self.files {
                (file.markup(self.findings, !is_large && file.has_gaps()))
            }
        }
    }
}

/// Text in which the parts in backticks are code.
fn ticked(text: &str) -> Markup {
    page! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests;
