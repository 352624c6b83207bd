//! Each piece of advice: a policy that deserves it, and one that does not.

use tollgate_compiler::{CompileOptions, compile};

use super::*;

const HEAD: &str = "schema = 1\n[site]\nname = \"x\"\n[[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\n\
    clients = [\"c\"]\nalgorithms = [\"HS256\"]\ngroups_claim = \"cognito:groups\"\nsecrets = [{ kid = \"k\", file = \"k.key\" }]\n\
    [claims]\nlevel = \"int\"\n";

/// 2027-01-15
const NOW: i64 = 1_800_000_000;

fn advice(rules: &str) -> Advice {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", format!("{HEAD}{rules}"));
    sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let subject = Subject::new(&compiled, &sources).unwrap();
    let mut findings = compiled.diagnostics.clone();
    findings.extend(lint(&subject, NOW));
    settle(&subject, findings)
}

fn codes(rules: &str) -> Vec<&'static str> {
    let findings = advice(rules).findings;
    findings.iter().map(|finding| finding.code.id).collect()
}

fn rules(list: &[&str]) -> String {
    let rule = |(at, text): (usize, &&str)| format!("[[rule]]\nid = \"r{at}\"\n{text}\n");
    list.iter().enumerate().map(rule).collect()
}

#[test]
fn advice_is_given_where_it_is_due() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            "a capture with two readings",
            &["allow = [\"/{u}/**\", \"/x/{u}/**\"]\nsubjects = [\"{u}\"]"],
            &["TG0713"],
        ),
        (
            "two readings that cannot be told apart by their places alone",
            &["allow = [\"/**/{u}/b\", \"/a/{u}/*\"]\nsubjects = [\"{u}\"]"],
            &[],
        ),
        (
            "readings that differ behind a `**` only",
            &["allow = [\"/**/{u}/b\", \"/a/{u}/**\"]\nsubjects = [\"{u}\"]"],
            &["TG0713"],
        ),
        (
            "a capture that a condition reads",
            &["allow = [\"/{u}/**\", \"/x/{u}/**\"]\nsigned_in = true\nwhen = 'path.u == sub'"],
            &["TG0713"],
        ),
        (
            "a capture that nobody reads",
            &["allow = [\"/{u}/**\", \"/x/{u}/**\"]\nanyone = true"],
            &[],
        ),
        (
            "the same segment in both patterns",
            &["allow = [\"/{u}/**\", \"/{u}/x\"]\nsubjects = [\"{u}\"]"],
            &[],
        ),
        (
            "patterns that never meet",
            &["allow = [\"/a/{u}\", \"/{u}/b/c\"]\nsubjects = [\"{u}\"]"],
            &[],
        ),
        (
            "a group misspelled once",
            &[
                "allow = [\"/a\"]\ngroups = [\"staff\"]",
                "allow = [\"/b\"]\ngroups = [\"staff\"]",
                "allow = [\"/c\"]\ngroups = [\"staf\"]",
            ],
            &["TG0714"],
        ),
        (
            "a group misspelled in a condition",
            &[
                "allow = [\"/a\"]\ngroups = [\"teachers\"]",
                "allow = [\"/b\"]\ngroups = [\"teachers\"]",
                "deny = [\"/b\"]\nunless = '\"teahcers\" in groups'",
            ],
            &["TG0714"],
        ),
        (
            "a series is not a misspelling",
            &[
                "allow = [\"/a\"]\ngroups = [\"rust-101\"]",
                "allow = [\"/b\"]\ngroups = [\"rust-102\", \"rust-1010\"]",
            ],
            &[],
        ),
        (
            "two letters apart",
            &[
                "allow = [\"/a\"]\ngroups = [\"alpha\"]",
                "allow = [\"/b\"]\ngroups = [\"aplhas\"]",
            ],
            &[],
        ),
        (
            "a window that is over",
            &["allow = [\"/a\"]\nanyone = true\nuntil = 2026-01-01T00:00:00Z"],
            &["TG0716"],
        ),
        (
            "a window that is not over",
            &["allow = [\"/a\"]\nanyone = true\nuntil = 2028-01-01T00:00:00Z"],
            &[],
        ),
        (
            "everybody has what some should",
            &[
                "allow = [\"/a/b/**\", \"/a/c\"]\ngroups = [\"g\"]",
                "allow = [\"/a/**\"]\nanyone = true",
            ],
            &["TG0717"],
        ),
        (
            "everybody has a part of it",
            &[
                "allow = [\"/a/**\"]\ngroups = [\"g\"]",
                "allow = [\"/a/b/**\", \"/a/*.jpg\"]\nanyone = true",
            ],
            &[],
        ),
        (
            "everybody from one network",
            &[
                "allow = [\"/a/**\"]\ngroups = [\"g\"]",
                "allow = [\"/a/**\"]\nanyone = true\nnetworks = [\"10.0.0.0/8\"]",
            ],
            &[],
        ),
    ];
    for (name, list, expected) in table {
        assert_eq!(codes(&rules(list)), *expected, "{name}");
    }
}

#[test]
fn two_readings_are_shown_on_a_path() {
    let findings = advice(&rules(&[
        "allow = [\"/{u}/**\", \"/x/{u}/**\"]\nsubjects = [\"{u}\"]",
    ]))
    .findings;
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    let [label] = finding.labels.as_slice() else {
        panic!("{finding:?}");
    };
    assert_eq!(
        label.message,
        "of `/x/y/` this one takes `x`, and that one `y`"
    );
    assert!(finding.help.iter().any(|help| help.contains("two rules")));
}

#[test]
fn what_is_meant_to_be_so_is_not_shown() {
    let rule = rules(&["allow = [\"/a\"]\nanyone = true\nuntil = 2026-01-01T00:00:00Z"]);
    let allow =
        "[[lint]]\nallow = \"TG0716\"\nrule = \"site/r0\"\nbecause = \"kept as an example\"\n";
    let advice = advice(&format!("{allow}{rule}"));
    assert_eq!(advice.findings, []);
    assert_eq!(advice.excused.len(), 1);
    assert_eq!(advice.excused[0].because, "kept as an example");
    // For another rule it allows nothing, and says so.
    let other = rules(&[
        "allow = [\"/b\"]\nanyone = true",
        "allow = [\"/a\"]\nanyone = true\nuntil = 2026-01-01T00:00:00Z",
    ]);
    assert_eq!(codes(&format!("{allow}{other}")), ["TG0720", "TG0716"]);
    assert_eq!(
        codes(&format!(
            "{allow}{}",
            rules(&["allow = [\"/a\"]\nanyone = true"])
        )),
        ["TG0720"]
    );
}

#[test]
fn patterns_that_take_in_others() {
    let pattern = |text: &str| {
        let mut sources = SourceTree::new();
        let site = format!(
            "schema = 1\n[site]\nname = \"x\"\n[[rule]]\nid = \"r\"\ndeny = [\"{text}\"]\n"
        );
        sources.insert("site.toml", site);
        let compiled = compile(&sources, &CompileOptions::default());
        compiled.policy.unwrap().rules.remove(0).patterns.remove(0)
    };
    let table = [
        ("/a/**", "/a/", true),
        ("/a/**", "/a", false),
        ("/a/**", "/a/b/c", true),
        ("/a/**", "/*/b", false),
        ("/**/b", "/a/**", false),
        ("/a/*.pdf", "/a/x*", false),
        ("/a/*.pdf", "/a/x.pdf", true),
        ("/a/*.pdf", "/a/*.png", false),
        ("/{u}/x", "/y/{v}", false),
        ("/{u}/x", "/y/x", true),
        ("/a", "/a/", false),
        ("/**", "/", true),
        ("/**", "/x/**", true),
        ("/x/**", "/**", false),
    ];
    for (outer, inner, expected) in table {
        let found = covers(&pattern(outer), &pattern(inner));
        assert_eq!(found, expected, "{outer} over {inner}");
    }
}
