//! The files of a new site: they compile, and their tests are complete.

use std::collections::BTreeSet;

use serde_json::json;
use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;
use crate::coverage::Meter;
use crate::lint::{LintContext, apply_suppressions, lint};
use crate::mutate::{self, Tally};
use crate::policy_gate::gate;
use crate::{locate, suite, test_keys};

/// RFC 7515, appendix A.2.
const RSA: &str = r#"{"kty":"RSA","kid":"rsa-1","alg":"RS256","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;

fn starter(provider: Provider) -> Starter {
    Starter {
        site: "x".to_owned(),
        provider,
        client: None,
        algorithms: vec![ALGORITHM.to_owned()],
        refresh: None,
        in_repository: ".".to_owned(),
    }
}

fn cognito() -> Provider {
    Provider::Cognito {
        region: "eu-west-1".to_owned(),
        user_pool: "eu-west-1_TestPool1".to_owned(),
    }
}

fn key_set(is_test: bool) -> String {
    let mut key: Value = serde_json::from_str(RSA).unwrap();
    if is_test {
        test_keys::mark(&mut key);
    }
    json!({ "keys": [key] }).to_string()
}

/// The site with a key set.
fn sources(starter: &Starter, keys: &str) -> SourceTree {
    let mut sources = SourceTree::new();
    for (name, text) in starter.files() {
        sources.insert(name, text);
    }
    sources.insert(KEY_SET, keys);
    sources
}

#[test]
fn a_site_has_no_warnings_and_its_tests_are_complete() {
    let pinned = Starter {
        client: Some("4f\"2a".to_owned()),
        refresh: Some("https://id.example.com/keys".to_owned()),
        ..starter(Provider::Oidc("https://id.example.com/".to_owned()))
    };
    for starter in [
        starter(cognito()),
        starter(Provider::Oidc(SAMPLE_ISSUER.to_owned())),
        pinned,
    ] {
        let sources = sources(&starter, &key_set(false));
        let compiled = compile(&sources, &CompileOptions::default());
        let spec = compiled.policy.clone().unwrap();
        let gate = gate(&spec).unwrap();
        let (files, tests) = suite::read(&sources.test_files(), &sources, Some(&gate));
        let context = LintContext::new(&compiled, &sources).unwrap();
        let mut findings = compiled.diagnostics.clone();
        findings.extend(tests);
        findings.extend(suite::advice(&files, &spec, &gate));
        findings.extend(lint(&context, 1_800_000_000));
        let findings = apply_suppressions(&context, findings).findings;
        assert_eq!(findings, [], "{starter:?}");

        for case in files.iter().flat_map(|file| &file.cases) {
            let got = suite::run(&gate, &case.request(), &mut ());
            assert_eq!(got.reason, case.expect.reason, "{}", case.name);
        }
        let coverage = Meter::new(&spec).unwrap().measure(&files);
        let missed: Vec<_> = coverage.missed().collect();
        assert!(missed.is_empty(), "{missed:?}");
        let places = locate::places(&sources, &compiled.origins);
        let mutants = mutate::mutants(&spec, &places);
        let outcomes = mutate::run(&spec, &places, &mutants, &files, &|| {}).unwrap();
        assert_eq!(Tally::of(&outcomes).missed, 0, "{outcomes:?}");
    }
}

#[test]
fn a_test_key_is_a_warning() {
    let starter = starter(cognito());
    for (is_test, expected) in [(true, vec!["TG0740"]), (false, vec![])] {
        let sources = sources(&starter, &key_set(is_test));
        let compiled = compile(&sources, &CompileOptions::default());
        let context = LintContext::new(&compiled, &sources).unwrap();
        let findings = lint(&context, 1_800_000_000);
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.id).collect();
        assert_eq!(codes, expected);
        for finding in findings {
            let text = sources.text(SITE_FILE).unwrap();
            let span = finding.span.unwrap();
            assert_eq!(text.get(span.start..span.end), Some("\"users\""));
            assert!(finding.message.contains("`rsa-1`"), "{}", finding.message);
        }
    }
}

#[test]
fn files_are_formatted() {
    let starter = Starter {
        client: Some("web".to_owned()),
        refresh: Some("https://id.example.com/keys".to_owned()),
        ..starter(Provider::Oidc(SAMPLE_ISSUER.to_owned()))
    };
    let unknown = self::starter(cognito());
    for (name, text) in starter.files().into_iter().chain(unknown.files()) {
        if name.ends_with(".toml") {
            assert_eq!(
                crate::format::formatted(&text).as_ref(),
                Ok(&text),
                "{name}"
            );
        }
    }
}

#[test]
fn files_are_complete_and_no_placeholder_is_left() {
    let files = starter(cognito()).files();
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), files.len());
    for (name, text) in &files {
        for placeholder in [
            "SITE_NAME",
            "_LINE",
            "GROUPS_CLAIM",
            "IN_REPOSITORY",
            "ALGORITHMS",
        ] {
            assert!(!text.contains(placeholder), "{name}: {placeholder}");
        }
        assert!(text.ends_with('\n'), "{name}");
    }
}

#[test]
fn names_of_sites() {
    for (directory, expected) in [
        ("policy", "policy"),
        ("My Site (2)", "My-Site--2"),
        ("..", "my-site"),
        ("", "my-site"),
        ("écoles", "coles"),
    ] {
        assert_eq!(site_name(directory), expected);
    }
    assert_eq!(site_name(&"a".repeat(500)).len(), MAX_SITE_BYTES);
}
