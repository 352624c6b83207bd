//! The report for people: failures, a line per file, coverage, mutants, and tests to paste.

use core::fmt::Write;

use tollgate_author::coverage::{Item, Kind};
use tollgate_author::mutate::Tally;
use tollgate_author::report::{FileResult, Findings, total};

use crate::failure::counted;
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, styled, visible};

/// The longest list of what is not covered; the rest is counted.
const MAX_MISSED: usize = 20;

pub(super) fn text(findings: &Findings<'_>, wanted: Option<u8>) -> String {
    let mut text = String::new();
    failures(findings.results, &mut text);
    files(findings.results, &mut text);
    coverage(findings, wanted, &mut text);
    mutants(findings, &mut text);
    suggestions(findings, &mut text);
    text.truncate(text.trim_end().len());
    text
}

// Writing to a string cannot fail, so what `writeln!` returns says nothing.

fn failures(results: &[FileResult], text: &mut String) {
    for result in results {
        for test in result.tests.iter().filter(|test| !test.passed()) {
            let case = &test.case;
            let _ = write!(
                text,
                "{} {}\n  {} {}:{}\n  {} {}\n  {} {}\n\n",
                styled(BAD, "FAIL"),
                styled(STRONG, visible(&case.name)),
                styled(FAINT, "at      "),
                visible(&result.file),
                case.line,
                styled(FAINT, "expected"),
                styled(GOOD, visible(&test.expected())),
                styled(FAINT, "got     "),
                styled(BAD, visible(&test.answered())),
            );
        }
    }
}

fn files(results: &[FileResult], text: &mut String) {
    let widths = results.iter().map(|result| result.file.chars().count());
    let width = widths.max().unwrap_or(0);
    for result in results {
        let (passed, failed) = result.counts();
        let mark = if failed == 0 {
            styled(GOOD, "ok  ")
        } else {
            styled(BAD, "FAIL")
        };
        let file = visible(&result.file);
        let _ = write!(text, "{mark} {file:width$}  {passed:5} passed");
        if failed > 0 {
            text.push_str(&styled(BAD, format_args!(", {failed} failed")));
        }
        text.push('\n');
    }
    let (passed, failed) = total(results);
    let _ = write!(text, "\n{passed} passed, {failed} failed\n");
}

fn coverage(findings: &Findings<'_>, wanted: Option<u8>, text: &mut String) {
    text.push_str("covered");
    for (name, kind) in [
        ("rules", Kind::Rule),
        ("paths", Kind::Path),
        ("branches", Kind::Branch),
    ] {
        let ratio = findings.coverage.ratio(kind);
        let percent = ratio.percent();
        let enough = wanted.is_none_or(|wanted| percent >= usize::from(wanted));
        let style = match (percent, enough) {
            (_, false) => BAD,
            (100, true) => GOOD,
            _ => NOTE,
        };
        let percent = styled(style, format_args!("{percent}%"));
        let (covered, all) = (ratio.covered, ratio.all);
        let _ = write!(text, "  {name} {percent} ({covered} of {all})");
    }
    text.push('\n');
    if let Some(wanted) = wanted.filter(|wanted| !findings.coverage.reaches(usize::from(*wanted))) {
        let message = format!("each must be at least {wanted}%");
        let _ = writeln!(text, "{}", styled(BAD, message));
    }
    let missed: Vec<&Item> = findings.coverage.missed().collect();
    for item in missed.iter().take(MAX_MISSED) {
        let Some(places) = findings.places.get(item.rule) else {
            continue;
        };
        let line = places.line(&item.part, findings.sources);
        let place = styled(FAINT, format_args!("{}:{line}", places.file));
        let what = excerpt(findings, item);
        let _ = writeln!(text, "  {place} {what}  {}", item.wanted.missed());
    }
    if missed.len() > MAX_MISSED {
        let _ = writeln!(text, "  and {} more", missed.len() - MAX_MISSED);
    }
}

/// The text of an item's part, on one line.
fn excerpt(findings: &Findings<'_>, item: &Item) -> String {
    const LONGEST: usize = 60;
    let rule = findings.rules.get(item.rule).map_or("", String::as_str);
    if item.kind() == Kind::Rule {
        return visible(rule);
    }
    let part = findings.places.get(item.rule).and_then(|places| {
        let span = places.span(&item.part, findings.sources);
        let text = findings.sources.text(&places.file)?;
        text.get(span.start..span.end)
    });
    let words: Vec<&str> = part.unwrap_or_default().split_whitespace().collect();
    let mut line = words.join(" ");
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).chain(['…']).collect();
    }
    format!("{} {}", visible(rule), visible(&line))
}

fn mutants(findings: &Findings<'_>, text: &mut String) {
    let Some((mutants, fates)) = findings.mutants else {
        return;
    };
    let tally = Tally::of(fates);
    text.push('\n');
    for missed in findings.missed_mutants() {
        let visit = &missed.survivor.visit;
        let _ = write!(
            text,
            "{} {} {}\n  {} {}\n  {} {} {}: {} would be {}\n",
            styled(BAD, "UNNOTICED"),
            styled(FAINT, format_args!("{}:{}", missed.file, missed.line)),
            missed.rule,
            styled(FAINT, "mistake"),
            styled(STRONG, visible(&missed.mutant.change)),
            styled(FAINT, "then   "),
            visible(&visit.method),
            visible(&visit.target),
            missed.survivor.before.reason.code(),
            styled(BAD, missed.survivor.after.reason.code()),
        );
    }
    let style = if tally.missed == 0 { GOOD } else { BAD };
    let noticed = format!("{} of {}", tally.noticed, tally.noticed + tally.missed);
    let _ = write!(
        text,
        "{}: tests notice {}",
        counted(mutants.len(), "mutant"),
        styled(style, noticed)
    );
    if tally.same > 0 {
        let _ = write!(text, "; {} change no answer", tally.same);
    }
    if tally.alike > 0 {
        let _ = write!(
            text,
            "; {} answered like the policy on random requests, which proves nothing",
            tally.alike
        );
    }
    text.push('\n');
}

fn suggestions(findings: &Findings<'_>, text: &mut String) {
    let mut file = "";
    for suggestion in findings.suggestions {
        if suggestion.file != file {
            file = &suggestion.file;
            let _ = write!(
                text,
                "\n{}\n",
                styled(STRONG, format_args!("# for {}", visible(file)))
            );
            text.push_str("# The answers are what the policy says today: paste what is right.\n");
        }
        let _ = write!(
            text,
            "\n# {}\n{}",
            visible(&suggestion.why),
            visible_lines(&suggestion.text)
        );
    }
}

/// Lines with their control characters spelled out.
fn visible_lines(text: &str) -> String {
    text.lines().map(|line| visible(line) + "\n").collect()
}
