//! The page is complete and self-contained, and nothing in a policy is interpreted as markup.

use std::collections::BTreeSet;

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_policy::visible::is_visible;

use super::*;
use crate::coverage::Meter;
use crate::report::{FileResult, TestResult, junit};
use crate::suggest::Suggestion;
use crate::suite::{self, run};
use crate::{lint, locate, policy_gate};

/// Markup, and characters that reorder or hide text.
const HOSTILE: &str = "<img src=x>&amp;\"' \u{202e}ffats\u{2066}\u{200b}\u{feff}\u{e0041} ]]>";

/// The page and the XML for a policy with this many course files.
fn reports(courses: usize) -> (String, String) {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", "schema = 1\n[site]\nname = \"x <b>\"\n");
    for number in 0..courses {
        let course = format!(
            "course = \"c{number}\"\nbase = \"/c{number}\"\n# {HOSTILE}\n[[rule]]\nid = \"open\"\nallow = [\"/**\"]\n\
             groups = [\"a\", \"<b>\"]\nbecause = '''{HOSTILE}'''\n"
        );
        sources.insert(format!("courses/c{number}.toml"), course);
        let tests = format!(
            "now = 2027-01-15T08:00:00Z\n[[test]]\nname = '''{HOSTILE}'''\nget = \"/c{number}/x\"\nexpect = \"allow\"\n"
        );
        sources.insert(format!("courses/c{number}.test.toml"), tests);
    }
    let compiled = compile(&sources, &CompileOptions::default());
    let spec = compiled.policy.unwrap();
    let gate = policy_gate::gate(&spec).unwrap();
    let names: Vec<String> = sources
        .files()
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.ends_with(".test.toml"))
        .collect();
    let files = suite::read_all(&names, &sources, &gate).unwrap();
    let results: Vec<FileResult> = files
        .iter()
        .map(|file| FileResult {
            file: file.file.clone(),
            tests: file
                .cases
                .iter()
                .map(|case| TestResult {
                    got: run(&gate, &case.request(), &mut ()),
                    case: case.clone(),
                })
                .collect(),
        })
        .collect();
    let suggestion = |why: &str| Suggestion {
        file: "courses/c0.test.toml".to_owned(),
        rule: 0,
        why: why.to_owned(),
        text: format!("[[test]]\nname = \"{why}\"\n"),
    };
    let findings = Findings {
        site: HOSTILE,
        policy: Some("id".to_owned()),
        sources: &sources,
        places: &locate::places(&sources, &compiled.origins),
        rules: spec.rules.iter().map(lint::name).collect(),
        results: &results,
        coverage: &Meter::new(&spec).unwrap().measure(&files),
        mutants: None,
        suggestions: &[suggestion("first"), suggestion(HOSTILE)],
    };
    (html(&findings), junit(&findings).unwrap())
}

#[test]
fn nothing_in_a_policy_is_interpreted() {
    let (page, xml) = reports(2);
    for text in [&page, &xml] {
        let seen = |c: char| is_visible(c) || c == '\n';
        let hidden: BTreeSet<char> = text.chars().filter(|c| !seen(*c)).collect();
        assert!(hidden.is_empty(), "{hidden:?}");
        assert!(!text.contains("<img"), "{text}");
        assert!(text.contains("\\u{202e}ffats\\u{2066}\\u{200b}"), "{text}");
    }
    for elsewhere in ["http:", "https:", "src=\"", "<link", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    // Exactly one script, our own.
    assert_eq!(page.matches("<script").count(), 1);
}

#[test]
fn everything_is_on_the_page() {
    let (page, _) = reports(2);
    for part in [
        "id=\"policy\"",
        "href=\"#policy\"",
        "href=\"#failing\"",
        "href=\"#tests\"",
        "id=\"tests\"",
        "href=\"#f0\"",
        "id=\"f1\"",
        "<strong>courses/c1.toml</strong>",
        "<code>GET /c0/x</code> as nobody",
        "# first\n[[test]]",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let lines = page.matches("<li>").count();
    assert_eq!(lines, 2 * 8, "{page}");
    // Every link has a target.
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[test]
fn a_large_policy_is_initially_collapsed() {
    let (small, _) = reports(2);
    assert_eq!(small.matches(" open>").count(), 2);
    let (large, _) = reports(MOST_OPEN + MOST_LISTED);
    assert_eq!(large.matches(" open>").count(), 0);
    assert_eq!(
        large.matches("<details class=\"file\"").count(),
        MOST_OPEN + MOST_LISTED
    );
    assert!(large.contains(&format!(", and {MOST_OPEN} more")));
}
