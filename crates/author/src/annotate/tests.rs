//! The forms of results, and the escapes in them.

use serde_json::Value;

use super::*;

fn annotation(file: &str, message: &str, region: Option<Region>) -> Annotation {
    Annotation {
        kind: NEWLY_ALLOWED,
        severity: Severity::Warning,
        message: message.to_owned(),
        help: Vec::new(),
        fixes: Vec::new(),
        file: file.to_owned(),
        region,
        excerpt: "x".to_owned(),
    }
}

#[test]
fn workflow_commands_have_escapes() {
    let span = |line, end_line| Region {
        line,
        end_line,
        columns: Some((3, 9)),
    };
    for (annotation, expected) in [
        (
            annotation("a/b.toml", "100 % of it", Some(span(2, 2))),
            "::warning file=a/b.toml,line=2,endLine=2,col=3,endColumn=9,title=newly-allowed::100 %25 of it",
        ),
        (
            annotation("a,b:c.toml", "x::y,z", Some(span(2, 4))),
            "::warning file=a%2Cb%3Ac.toml,line=2,endLine=4,title=newly-allowed::x::y,z",
        ),
        (
            annotation("", "a\r\n::error::b", None),
            "::warning title=newly-allowed::a\\r%0A::error::b",
        ),
        (
            Annotation {
                severity: Severity::Error,
                help: vec!["one".to_owned(), "two".to_owned()],
                ..annotation("a", "m", Some(Region::line(7)))
            },
            "::error file=a,line=7,endLine=7,title=newly-allowed::m%0Ahelp: one%0Ahelp: two",
        ),
    ] {
        assert_eq!(github(&[annotation]), expected);
    }
    // Other text of a step is read for commands, too.
    assert_eq!(
        inert("a\n ::error::b\n##[error]c"),
        "a\n|  ::error::b\n## [error]c"
    );
    let escape = annotation("a\u{1b}[2J", "b\u{202e}c", None);
    let text = github(&[escape.clone(), escape]);
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
}

/// GitHub shows ten annotations of a severity per step: the tenth names the number of the others, which are in the log.
#[test]
fn what_github_does_not_show_is_counted() {
    let warning = |at: usize| annotation("a", &format!("w{at} ##[error]"), Some(Region::line(at)));
    let error = Annotation {
        severity: Severity::Error,
        ..annotation("a", "e", None)
    };
    let all: Vec<Annotation> = (1..=10).map(warning).chain([error.clone()]).collect();
    let text = github(&all);
    assert!(
        text.starts_with("::error file=a"),
        "errors come first: {text}"
    );
    assert_eq!(text.matches("::warning").count(), 10, "{text}");
    let all: Vec<Annotation> = (1..=14).map(warning).chain([error]).collect();
    let text = github(&all);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(text.matches("::warning").count(), 10, "{text}");
    assert!(
        lines[10].starts_with("::warning title=tollgate::5 more of this severity"),
        "{text}"
    );
    assert_eq!(lines[11], "warning[newly-allowed] a:10: w10 ## [error]");
    assert_eq!(lines.len(), 16, "{text}");
}

#[test]
fn a_code_quality_report_has_locations_and_fingerprints() {
    let two = annotation("a b/é.toml", "m\u{1b}", Some(Region::line(7)));
    let report = gitlab(&[two.clone(), two, annotation("", "n", None)]);
    assert_eq!(report[0]["location"]["path"], "a b/é.toml");
    assert_eq!(report[0]["location"]["lines"]["begin"], 7);
    assert_eq!(report[0]["severity"], "minor");
    assert_eq!(report[2]["location"]["path"], ".");
    assert_ne!(report[0]["fingerprint"], report[1]["fingerprint"]);
    assert!(!report.to_string().contains('\u{1b}'));
}

#[test]
fn a_log_has_rules_locations_and_fingerprints() {
    let two = annotation("a b/é.toml", "m", Some(Region::line(7)));
    let moved = Annotation {
        region: Some(Region::line(9)),
        ..two.clone()
    };
    let failed = Annotation {
        kind: FAILED,
        ..annotation("", "no such file", None)
    };
    let log = sarif(&[two.clone(), two, failed], "1.2.3");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "newly-allowed");
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    let location = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "a%20b/%C3%A9.toml");
    assert_eq!(location["region"]["startLine"], 7);
    assert_eq!(results[0]["ruleIndex"], 0);
    let fingerprint = |log: &Value, at: usize| {
        let prints = &log["runs"][0]["results"][at]["partialFingerprints"];
        prints["tollgate/v1"].as_str().unwrap().to_owned()
    };
    assert_ne!(fingerprint(&log, 0), fingerprint(&log, 1));
    let later = sarif(&[moved], "1.2.3");
    assert_eq!(fingerprint(&later, 0), fingerprint(&log, 0));
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["message"]["text"], "no such file");
}

#[test]
fn every_kind_has_its_own_id() {
    let ids: Vec<&str> = kinds().map(|kind| kind.id).collect();
    let different: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    let titles = kinds().all(|kind| !kind.title.is_empty() && !kind.explanation.is_empty());
    assert!(titles);
}
