use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::super::lint;
use super::*;

/// The diagnostics about paths: code, labelled text, and all helps.
fn findings(paths: &str, rules: &[&str]) -> Vec<(&'static str, String, String)> {
    let mut sources = SourceTree::new();
    let site = format!("schema = 1\n[site]\nname = \"x\"\n[paths]\n{paths}\n");
    sources.insert("site.toml", site);
    sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let list: Vec<String> = (0..)
        .zip(rules)
        .map(|(at, text)| format!("[[rule]]\nid = \"r{at}\"\n{text}\n"))
        .collect();
    let course = format!("course = \"c\"\nbase = \"/c+\"\n{}", list.concat());
    sources.insert("courses/c.toml", course.as_str());
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let context = LintContext::new(&compiled, &sources).unwrap();
    lint(&context, 1_800_000_000)
        .into_iter()
        .filter(|finding| !["TG0710", "TG0711"].contains(&finding.code.id))
        .map(|finding| {
            let span = finding.span.unwrap();
            let marked = course.get(span.start..span.end).unwrap().to_owned();
            (finding.code.id, marked, finding.help.join("; "))
        })
        .collect()
}

#[test]
fn each_lint_applies_and_has_a_fix() {
    const STRICT: &str = "origin = \"strict\"";
    const S3: &str = "origin = \"s3\"";
    const FILES: &str = "origin = \"files\"";
    const ISSUER: &str = "origin = \"files\"\n[[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\n\
                          clients = [\"c\"]\nalgorithms = [\"HS256\"]\nsecrets = [{ kid = \"k\", file = \"k.key\" }]";
    const INDEX: &str = "index = \"home.html\"";
    const ALL: &str = "allow = [\"/**\"]\nanyone = true";
    /// Settings and rules; for each diagnostic its code, the labelled text, and a part of its
    /// helps.
    type Row<'r> = (&'r str, &'r [&'r str], &'r [(&'r str, &'r str, &'r str)]);
    let table: &[Row<'_>] = &[
        // Names that browsers do not escape. This rule cannot change the base.
        (
            STRICT,
            &["allow = [\"/c++/*\", \"/a\"]\nanyone = true"],
            &[("TG0730", "\"/c++/*\"", "`%2B`")],
        ),
        (
            S3,
            &["allow = [\"/c++/*\"]\nanyone = true"],
            &[("TG0730", "\"/c++/*\"", "`%2B`")],
        ),
        (FILES, &["allow = [\"/c++/*\"]\nanyone = true"], &[]),
        (
            S3,
            &["allow = [\"/c#\"]\nanyone = true"],
            &[("TG0730", "\"/c#\"", "fragment; spell links with `%23`")],
        ),
        (
            FILES,
            &["allow = [\"/a?\"]\nanyone = true"],
            &[("TG0730", "\"/a?\"", "query or fragment")],
        ),
        (
            FILES,
            &["allow = [\"/*;x\"]\nanyone = true"],
            &[("TG0730", "\"/*;x\"", "`%3B`")],
        ),
        (
            S3,
            &["allow = [\"/50%\"]\nanyone = true"],
            &[("TG0730", "\"/50%\"", "`%25`")],
        ),
        (S3, &["allow = [\"/a. …/[x]\"]\nanyone = true"], &[]),
        // Index documents.
        (
            INDEX,
            &["allow = [\"/docs/\", \"/x\"]\nanyone = true"],
            &[("TG0731", "\"/docs/\"", "`/docs/home.html`")],
        ),
        (
            INDEX,
            &["allow = [\"/\"]\nanyone = true"],
            &[("TG0731", "\"/\"", "`/home.html`")],
        ),
        (
            INDEX,
            &["allow = [\"/**/\"]\nanyone = true"],
            &[("TG0731", "\"/**/\"", "`/**/home.html`")],
        ),
        (INDEX, &["allow = [\"/docs/**\"]\nanyone = true"], &[]),
        (STRICT, &["allow = [\"/docs/\"]\nanyone = true"], &[]),
        // Denies of the content of a directory.
        (
            STRICT,
            &[ALL, "deny = [\"/exams/**\"]"],
            &[("TG0732", "\"/exams/**\"", "add `/exams` to the `deny`")],
        ),
        (
            FILES,
            &[ALL, "deny = [\"/exams/**\"]"],
            &[("TG0732", "\"/exams/**\"", "`/exams`")],
        ),
        (
            INDEX,
            &[ALL, "deny = [\"/exams/**\"]"],
            &[("TG0732", "\"/exams/**\"", "`/exams`")],
        ),
        (S3, &[ALL, "deny = [\"/exams/**\"]"], &[]),
        (STRICT, &[ALL, "deny = [\"/exams/**\", \"/exams\"]"], &[]),
        (
            STRICT,
            &[ALL, "deny = [\"/{x}/a*/**\"]"],
            &[("TG0732", "\"/{x}/a*/**\"", "`/{x}/a*`")],
        ),
        (STRICT, &[ALL, "deny = [\"/**\"]\ngroups = [\"g\"]"], &[]),
        (STRICT, &[ALL, "deny = [\"/**/x/**\"]"], &[]),
        (
            STRICT,
            &[
                "allow = [\"/a/**\"]\nanyone = true",
                "deny = [\"/a/**\"]\ngroups = [\"g\"]",
            ],
            &[],
        ),
        // Another deny is sufficient if it applies to everyone.
        (FILES, &[ALL, "deny = [\"/x/**\"]", "deny = [\"/x\"]"], &[]),
        (
            FILES,
            &[
                ALL,
                "deny = [\"/x/**\"]",
                "deny = [\"/x\"]\ngroups = [\"g\"]",
            ],
            &[("TG0732", "\"/x/**\"", "`/x`")],
        ),
        (
            ISSUER,
            &[
                ALL,
                "deny = [\"/x/**\"]",
                "deny = [\"/x\"]\nissuers = [\"i\"]",
            ],
            &[("TG0732", "\"/x/**\"", "`/x`")],
        ),
        // Methods that no allow grants.
        (
            STRICT,
            &[ALL, "deny = [\"/x/**\"]\nmethods = [\"PUT\"]"],
            &[],
        ),
        // Denies that a slash evades.
        (
            STRICT,
            &[ALL, "deny = [\"/x.pdf\"]"],
            &[("TG0733", "\"/x.pdf\"", "add `/x.pdf/**` to the `deny`")],
        ),
        (
            INDEX,
            &[ALL, "deny = [\"/x.pdf\"]"],
            &[("TG0733", "\"/x.pdf\"", "`/x.pdf/**`")],
        ),
        // What is below stays open as well, and one `*` is no more than a segment.
        (
            STRICT,
            &[ALL, "deny = [\"/staff\"]"],
            &[(
                "TG0733",
                "\"/staff\"",
                "add `/staff/**` to the `deny`: it matches the path with a slash, and everything below it; if the origin \
                 distinguishes the two, declare it in `site.toml`: `[paths] origin = \"s3\"` or `\"files\"`; everything \
                 below stays allowed then",
            )],
        ),
        (
            STRICT,
            &[ALL, "deny = [\"/staff\", \"/staff/*\"]"],
            &[(
                "TG0733",
                "\"/staff/*\"",
                "write `/staff/**` instead of `/staff/*`, which matches one segment only: deeper paths are not denied, either",
            )],
        ),
        (
            STRICT,
            &[
                "allow = [\"/staff/*/\"]\nanyone = true",
                "deny = [\"/staff/*\"]",
            ],
            &[(
                "TG0733",
                "\"/staff/*\"",
                "write `/staff/**` instead of `/staff/*`, which matches one segment only; if the origin distinguishes the \
                 two, declare it in `site.toml`: `[paths] origin = \"s3\"` or `\"files\"`",
            )],
        ),
        // Here it is closed by another rule.
        (
            STRICT,
            &[
                ALL,
                "deny = [\"/staff/*\"]",
                "deny = [\"/staff/*/*/**\", \"/staff/*/*\"]",
            ],
            &[(
                "TG0733",
                "\"/staff/*\"",
                "which matches one segment only; if the origin",
            )],
        ),
        (
            STRICT,
            &["allow = [\"/*/\"]\nanyone = true", "deny = [\"/x.pdf\"]"],
            &[(
                "TG0733",
                "\"/x.pdf\"",
                "add `/x.pdf/**` to the `deny`, if the origin may serve the same content for it",
            )],
        ),
        (STRICT, &[ALL, "deny = [\"/staff\", \"/staff/**\"]"], &[]),
        (STRICT, &[ALL, "deny = [\"/*.pdf\", \"/*.pdf/**\"]"], &[]),
        (FILES, &[ALL, "deny = [\"/x.pdf\"]"], &[]),
        (S3, &[ALL, "deny = [\"/x.pdf\"]"], &[]),
        (
            STRICT,
            &["allow = [\"/*\"]\nanyone = true", "deny = [\"/x.pdf\"]"],
            &[],
        ),
    ];
    for (paths, rules, expected) in table {
        // The test sites have no issuer, and groups without one cause another diagnostic.
        let found: Vec<_> = findings(paths, rules)
            .into_iter()
            .filter(|(code, _, _)| code.starts_with("TG073"))
            .collect();
        assert_eq!(found.len(), expected.len(), "{paths} {rules:?}: {found:?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert_eq!(
                (found.0, found.1.as_str()),
                (expected.0, expected.1),
                "{rules:?}"
            );
            assert!(found.2.contains(expected.2), "{rules:?}: {}", found.2);
        }
    }
}

#[test]
fn a_rule_that_never_matches_because_of_its_slash_is_reported_once() {
    let rules = ["allow = [\"/docs/\"]\nanyone = true"];
    let codes = |paths: &str| -> Vec<&str> {
        let found = findings(paths, &rules).into_iter();
        found.map(|(code, _, _)| code).collect()
    };
    assert_eq!(codes("index = \"index.html\""), ["TG0731"]);
    assert_eq!(codes("origin = \"strict\""), Vec::<&str>::new());
}
