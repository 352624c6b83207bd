//! The human-readable report: failures with their requests, one line per file, coverage, mutants, and tests to paste.

use core::fmt::Write;

use tollgate_author::coverage::{Item, Kind};
use tollgate_author::mutate::Tally;
use tollgate_author::report::{FileResult, Findings, total};
use tollgate_author::suite::{self, Case, TestUser};
use tollgate_author::syntax::moment;
use tollgate_gate::Gate;
use tollgate_policy::visible::visible_lines;

use crate::failure::counted;
use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, styled, visible};
use crate::trace::Evaluated;

/// The maximum number of uncovered items that are listed; the rest is counted.
const MAX_MISSED: usize = 20;

pub(super) fn text(findings: &Findings<'_>, wanted: Option<u8>, gate: &Gate<Vec<u8>>) -> String {
    let mut text = String::new();
    failures(findings, gate, &mut text);
    files(findings, &mut text);
    coverage(findings, wanted, &mut text);
    mutants(findings, &mut text);
    suggestions(findings, &mut text);
    text.truncate(text.trim_end().len());
    text
}

// Writing to a string cannot fail, so the result of `writeln!` is ignored.

fn failures(findings: &Findings<'_>, gate: &Gate<Vec<u8>>, text: &mut String) {
    for result in findings.results {
        for test in result.tests.iter().filter(|test| !test.passed()) {
            let case = &test.case;
            let _ = write!(
                text,
                "{} {}\n  {} {}:{}\n  {} {}\n  {} {}\n  {} {}\n",
                styled(BAD, "FAIL"),
                styled(STRONG, visible(&case.name)),
                styled(FAINT, "at      "),
                visible(&findings.sources.path_of(&result.file)),
                case.line,
                styled(FAINT, "request "),
                visible(&request(case)),
                styled(FAINT, "expected"),
                styled(GOOD, visible(&test.expected())),
                styled(FAINT, "got     "),
                styled(BAD, visible(&test.answered())),
            );
            let mut evaluated = Evaluated::default();
            suite::run(gate, &case.request(), &mut evaluated);
            let mut name = "because ";
            for line in evaluated.lines(gate) {
                let _ = writeln!(text, "  {} {line}", styled(FAINT, name));
                name = "        ";
            }
            text.push('\n');
        }
    }
}

/// The request of a test in one line.
fn request(case: &Case) -> String {
    let who = match &case.who {
        TestUser::Nobody => "without a token".to_owned(),
        TestUser::BadToken => "with an invalid token".to_owned(),
        TestUser::Person(person) => format!("as {}", person.name),
    };
    let from = case.ip.as_ref().map(|ip| format!(" from {ip}"));
    format!(
        "{} {} {who}{} at {}",
        case.method,
        case.target,
        from.unwrap_or_default(),
        moment(case.now)
    )
}

fn files(findings: &Findings<'_>, text: &mut String) {
    let results: Vec<(String, &FileResult)> = findings
        .results
        .iter()
        .map(|result| (findings.sources.path_of(&result.file), result))
        .collect();
    let widths = results.iter().map(|(file, _)| file.chars().count());
    let width = widths.max().unwrap_or(0);
    for (file, result) in &results {
        let (passed, failed) = result.counts();
        let mark = if failed == 0 {
            styled(GOOD, "ok  ")
        } else {
            styled(BAD, "FAIL")
        };
        let file = visible(file);
        let _ = write!(text, "{mark} {file:width$}  {passed:5} passed");
        if failed > 0 {
            text.push_str(&styled(BAD, format_args!(", {failed} failed")));
        }
        text.push('\n');
    }
    let (passed, failed) = total(findings.results);
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
        let message = format!("coverage is too low: each must be at least {wanted}%");
        let _ = writeln!(text, "{} {message}", styled(BAD, "FAIL"));
    }
    let missed: Vec<&Item> = findings.coverage.missed().collect();
    for item in missed.iter().take(MAX_MISSED) {
        let Some(places) = findings.places.get(item.rule) else {
            continue;
        };
        let line = places.line(&item.part, findings.sources);
        let file = findings.sources.path_of(&places.file);
        let place = styled(FAINT, format_args!("{file}:{line}"));
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
            styled(BAD, "MISSED"),
            styled(
                FAINT,
                format_args!("{}:{}", findings.sources.path_of(missed.file), missed.line)
            ),
            missed.rule,
            styled(FAINT, "change "),
            styled(STRONG, visible(&missed.mutant.change)),
            styled(FAINT, "then   "),
            visible(&visit.method),
            visible(&visit.target),
            missed.survivor.before.reason.code(),
            styled(BAD, missed.survivor.after.reason.code()),
        );
    }
    let style = if tally.missed == 0 { GOOD } else { BAD };
    let caught = format!("{} of {}", tally.caught, tally.caught + tally.missed);
    let _ = write!(
        text,
        "{}: tests catch {}",
        counted(mutants.len(), "mutant"),
        styled(style, caught)
    );
    if tally.equivalent > 0 {
        let _ = write!(text, "; {} change no response", tally.equivalent);
    }
    if tally.unproven > 0 {
        let _ = write!(
            text,
            "; {} responded like the policy to random requests, which proves nothing",
            tally.unproven
        );
    }
    text.push('\n');
}

fn suggestions(findings: &Findings<'_>, text: &mut String) {
    let mut file = "";
    for suggestion in findings.suggestions {
        if suggestion.file != file {
            file = &suggestion.file;
            let path = visible(&findings.sources.path_of(file));
            let _ = write!(text, "\n{}\n", styled(STRONG, format_args!("# for {path}")));
            text.push_str("# Results of the current policy: paste only those that are correct.\n");
        }
        let _ = write!(
            text,
            "\n# {}\n{}",
            visible(&suggestion.why),
            visible_lines(&suggestion.text)
        );
    }
}
