//! The machine-readable report.

use serde_json::{Map, Value, json};
use tollgate_author::coverage::{Item, Kind};
use tollgate_author::mutate::Tally;
use tollgate_author::report::{FileResult, Findings, Missed, TestResult, total};

pub(super) fn object(findings: &Findings<'_>, wanted: Option<u8>) -> Value {
    let (passed, failed) = total(findings.results);
    let mut object = Map::new();
    object.insert("passed".to_owned(), passed.into());
    object.insert("failed".to_owned(), failed.into());
    let results = findings.results.iter();
    let files: Vec<Value> = results.map(|result| file(findings, result)).collect();
    object.insert("files".to_owned(), files.into());
    object.insert("coverage".to_owned(), coverage(findings, wanted));
    if let Some((mutants, fates)) = findings.mutants {
        let tally = Tally::of(fates);
        let missed: Vec<Value> = findings
            .missed_mutants()
            .map(|mutant| missed(findings, &mutant))
            .collect();
        let mutants = json!({
            "tried": mutants.len(),
            "noticed": tally.caught,
            "same": tally.equivalent,
            "same_on_random_requests": tally.unproven,
            "missed": missed,
        });
        object.insert("mutants".to_owned(), mutants);
    }
    if !findings.suggestions.is_empty() {
        let suggestion = |suggestion: &tollgate_author::suggest::Suggestion| {
            json!({
                "file": findings.sources.path_of(&suggestion.file),
                "rule": findings.rules.get(suggestion.rule),
                "why": suggestion.why,
                "toml": suggestion.text,
            })
        };
        let list: Vec<Value> = findings.suggestions.iter().map(suggestion).collect();
        object.insert("suggestions".to_owned(), list.into());
    }
    object.into()
}

fn file(findings: &Findings<'_>, result: &FileResult) -> Value {
    let (passed, failed) = result.counts();
    let tests: Vec<Value> = result.tests.iter().map(test).collect();
    let file = findings.sources.path_of(&result.file);
    json!({ "file": file, "passed": passed, "failed": failed, "tests": tests })
}

fn test(test: &TestResult) -> Value {
    json!({
        "name": test.case.name,
        "line": test.case.line,
        "passed": test.passed(),
        "expected": { "reason": test.case.expect.reason.code(), "rule": test.case.expect.rule },
        "got": {
            "reason": test.got.reason.code(),
            "detail": test.got.detail,
            "rule": test.got.rule,
            "status": test.got.status,
        },
    })
}

fn coverage(findings: &Findings<'_>, wanted: Option<u8>) -> Value {
    let ratio = |kind| {
        let ratio = findings.coverage.ratio(kind);
        json!({ "covered": ratio.covered, "all": ratio.all, "percent": ratio.percent() })
    };
    let missed = |item: &Item| {
        let places = findings.places.get(item.rule)?;
        let span = places.span(&item.part, findings.sources);
        let text = findings.sources.text(&places.file)?;
        Some(json!({
            "file": findings.sources.path_of(&places.file),
            "line": places.line(&item.part, findings.sources),
            "rule": findings.rules.get(item.rule),
            "text": text.get(span.start..span.end),
            "why": item.wanted.missed(),
        }))
    };
    let missed: Vec<Value> = findings.coverage.missed().filter_map(missed).collect();
    json!({
        "rules": ratio(Kind::Rule),
        "paths": ratio(Kind::Path),
        "branches": ratio(Kind::Branch),
        "min_percent": wanted,
        "missed": missed,
    })
}

fn missed(findings: &Findings<'_>, missed: &Missed<'_>) -> Value {
    let visit = &missed.survivor.visit;
    let claims = visit.with_request(|ask| match ask.who {
        tollgate_author::suite::TestUser::Person(person) => {
            serde_json::from_str(person.claims.text()).unwrap_or(Value::Null)
        }
        _ => Value::Null,
    });
    json!({
        "file": findings.sources.path_of(missed.file),
        "line": missed.line,
        "rule": missed.rule,
        "change": missed.mutant.change,
        "before": missed.survivor.before.reason.code(),
        "after": missed.survivor.after.reason.code(),
        "witness": {
            "method": visit.method,
            "target": visit.target,
            "ip": visit.ip,
            "now": visit.now,
            "claims": claims,
        },
    })
}
