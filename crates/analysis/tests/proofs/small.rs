//! Small policies about which the analysis was once wrong.

use tollgate_analysis::dead::{self, Dead};
use tollgate_analysis::diff;
use tollgate_analysis::{Kind, Policy};
use tollgate_compiler::{CompileOptions, SourceTree, compile};

use crate::support::NOW;

/// A token's scopes are one string, separated by spaces, so no name has a space.
const SPACED_SCOPE: &str = r#"
[[rule]]
id = "spaced"
allow = ["/{c}/x"]
scopes = ["course-{c}"]
when = 'path.c == "a b"'
"#;

const OPEN: &str = r#"
[[rule]]
id = "open"
allow = ["/{c}/y"]
anyone = true
when = 'path.c == "a b"'
"#;

fn policy(rules: &[&str]) -> Policy {
    let mut sources = SourceTree::new();
    let head = "schema = 1\n[site]\nname = \"small\"\n".to_owned();
    sources.insert("site.toml", head + &rules.concat());
    let compiled = compile(&sources, &CompileOptions::default());
    Policy::new(compiled.policy.unwrap()).unwrap()
}

#[test]
fn a_rule_for_a_scope_with_a_space_lets_nobody_in() {
    let lives = dead::rules(&policy(&[OPEN, SPACED_SCOPE]), NOW);
    let whys: Vec<Dead> = lives.dead.iter().map(|dead| dead.why).collect();
    assert_eq!(whys, [Dead::NeverMatches], "{lives:?}");
    assert_eq!((lives.alive.len(), lives.unknown.len()), (1, 0));
}

#[test]
fn such_a_rule_added_lets_nobody_in_for_certain() {
    let (old, new) = (policy(&[OPEN]), policy(&[OPEN, SPACED_SCOPE]));
    let found = diff::diff(&old, &new, NOW);
    // Unauthenticated requests get 401 instead of 403: the core does not know the possible scopes.
    let changes: Vec<(u16, u16)> = found
        .differences
        .iter()
        .map(|difference| (difference.old.status, difference.new.status))
        .collect();
    assert_eq!(changes, [(403, 401)]);
    assert!(found.opens_nothing(), "{found:?}");
}

#[test]
fn paths_that_one_policy_refuses_are_told_once() {
    let text = |extra: &str| {
        policy(&[
            extra,
            "[[rule]]\nid = \"all\"\nallow = [\"/**\"]\nanyone = true\n",
        ])
    };
    let (old, new) = (text(""), text("[paths]\nascii_only = true\n"));
    let reported: Vec<(Kind, Kind)> = diff::diff(&old, &new, NOW)
        .differences
        .iter()
        .map(|difference| (difference.old.kind, difference.new.kind))
        .collect();
    assert_eq!(reported, [(Kind::Allow, Kind::Reject)]);
}

/// The new policy accepts paths that are not ASCII, and this rule allows one there, whatever is around it.
#[test]
fn a_path_that_is_not_ascii_is_found_wherever_a_rule_allows_one() {
    let rule =
        |allow: &str, rest: &str| format!("[[rule]]\nid = \"a\"\nallow = [\"{allow}\"]\n{rest}\n");
    let strict = "[paths]\nascii_only = true\n";
    for (allow, rest, is_found) in [
        ("/**", "anyone = true", true),
        ("/*", "anyone = true", true),
        ("/a/**", "anyone = true", true),
        ("/a/*", "anyone = true", true),
        ("/a/{x}", "anyone = true", true),
        ("/**/x", "anyone = true", true),
        ("/a/*.pdf", "anyone = true", true),
        ("/a/x*", "anyone = true", true),
        ("/a/x*y*z", "anyone = true", true),
        ("/a/{x}/b", "groups = [\"of-{x}\"]", true),
        (
            "/a/{x}/b",
            "anyone = true\nwhen = 'path.x.startsWith(\"p\") && path.x.endsWith(\"q\")'",
            true,
        ),
        ("/é", "anyone = true", true),
        ("/a/é/b", "anyone = true", true),
        ("/a", "anyone = true", false),
        ("/a/{x}", "anyone = true\nwhen = 'path.x == \"p\"'", false),
    ] {
        let rule = rule(allow, rest);
        // A pattern that is not ASCII is an error where such paths are rejected.
        let before = if allow.is_ascii() { rule.as_str() } else { "" };
        let (old, new) = (policy(&[strict, before]), policy(&[&rule]));
        let found = diff::diff(&old, &new, NOW);
        // Whether a request shows it or not.
        assert!(!found.opens_nothing(), "{rule}");
        let shown = found.differences.iter().any(diff::Difference::opens);
        assert_eq!(shown, is_found, "{rule}: {found:#?}");
        assert!(diff::diff(&new, &old, NOW).opens_nothing(), "{rule}");
    }
}

/// The principals of a difference are those whose access changes.
#[test]
fn principals_are_those_who_gain_access() {
    let exam = |until: &str| {
        format!(
            "[claims]\ncohort = \"string\"\n[[rule]]\nid = \"all\"\nallow = [\"/**\"]\ngroups = [\"rust\", \"staff\"]\n\
             [[rule]]\nid = \"exam\"\ndeny = [\"/exams/**\"]\n\
             unless = 'claims.cohort == \"spring\" && now < timestamp(\"2027-0{until}-01T00:00:00Z\")'\n"
        )
    };
    let allow = |rest: &str| format!("[[rule]]\nid = \"a\"\nallow = [\"/a\"]\n{rest}\n");
    let deny = |rest: &str| {
        format!(
            "[[rule]]\nid = \"all\"\nallow = [\"/**\"]\nanyone = true\n[[rule]]\nid = \"no\"\ndeny = [\"/a/**\"]\n{rest}\n"
        )
    };
    for (old, new, expect) in [
        (
            exam("2"),
            exam("3"),
            "groups = [\"rust\", \"staff\"], when = 'claims.cohort == \"spring\" && \
             now < timestamp(\"2027-03-01T00:00:00Z\") && now >= timestamp(\"2027-02-01T00:00:00Z\")'",
        ),
        (
            allow("anyone = true\nwhen = 'now < timestamp(\"2027-02-01T00:00:00Z\")'"),
            allow("anyone = true\nwhen = 'now < timestamp(\"2027-03-01T00:00:00Z\")'"),
            "anyone = true, when = 'now < timestamp(\"2027-03-01T00:00:00Z\") && now >= timestamp(\"2027-02-01T00:00:00Z\")'",
        ),
        // An address can be unknown, and then the old condition is, too.
        (
            allow("anyone = true\nwhen = 'ip == \"192.0.2.1\"'"),
            allow("anyone = true\nwhen = 'method == \"GET\"'"),
            "anyone = true, when = 'method == \"GET\"'",
        ),
        (
            allow("groups = [\"a\"]"),
            allow("groups = [\"a\", \"b\"]"),
            "groups = [\"b\"]",
        ),
        (
            allow("anyone = true\nuntil = 2027-01-01T00:00:00Z"),
            allow("anyone = true\nuntil = 2027-02-01T00:00:00Z"),
            "anyone = true, from = 2027-01-01T00:00:00Z, until = 2027-02-01T00:00:00Z",
        ),
        (
            allow("anyone = true"),
            allow("anyone = true\nmethods = [\"GET\", \"PUT\"]"),
            "anyone = true, methods = [\"PUT\"]",
        ),
        (
            allow("anyone = true\nnetworks = [\"10.0.0.0/8\"]"),
            allow("anyone = true\nnetworks = [\"10.0.0.0/8\", \"192.0.2.0/24\"]"),
            "anyone = true, networks = [\"192.0.2.0/24\"]",
        ),
        (
            allow("groups = [\"a\"]"),
            allow("signed_in = true"),
            "signed_in = true",
        ),
        (
            allow(
                "groups = [\"a\", \"b\"]\n[[rule]]\nid = \"d\"\ndeny = [\"/a\"]\ngroups = [\"b\"]",
            ),
            allow("groups = [\"a\", \"b\"]"),
            "groups = [\"b\"]",
        ),
        (
            allow(
                "groups = [\"a\"]\n[[rule]]\nid = \"d\"\ndeny = [\"/a\"]\ngroups = [\"b\"]\nsubjects = [\"x\"]",
            ),
            allow("groups = [\"a\"]"),
            "groups = [\"a\"], subjects = [\"x\"], when = '\"b\" in groups'",
        ),
        (
            deny("unless = '\"a\" in groups || now > timestamp(\"2027-03-01T00:00:00Z\")'"),
            deny("unless = '\"a\" in groups || now > timestamp(\"2027-02-01T00:00:00Z\")'"),
            "anyone = true, when = '(\"a\" in groups || now > timestamp(\"2027-02-01T00:00:00Z\")) && \
             !(\"a\" in groups) && now <= timestamp(\"2027-03-01T00:00:00Z\")'",
        ),
        // A deny that goes away, or shrinks.
        (
            deny("groups = [\"out\"]"),
            deny("groups = [\"gone\"]"),
            "groups = [\"out\"], unless = '\"gone\" in groups'",
        ),
        (
            deny(""),
            deny("until = 2027-02-01T00:00:00Z"),
            "anyone = true, from = 2027-02-01T00:00:00Z",
        ),
        (
            deny(""),
            deny("groups = [\"out\"]"),
            "anyone = true, unless = '\"out\" in groups'",
        ),
        (
            deny(""),
            deny("networks = [\"10.0.0.0/8\", \"192.0.2.0/24\"]"),
            "anyone = true, unless = 'cidr(\"10.0.0.0/8\").containsIP(ip) || cidr(\"192.0.2.0/24\").containsIP(ip)'",
        ),
        (
            deny("groups = [\"out\"]"),
            deny("")
                .replace("deny =", "allow =")
                .replace("\"/a/**\"", "\"/b\"")
                + "anyone = true\n",
            "groups = [\"out\"]",
        ),
    ] {
        let (old, new) = (policy(&[&old]), policy(&[&new]));
        let found = diff::diff(&old, &new, NOW);
        let opened = found.differences.iter().find(|one| one.opens()).unwrap();
        assert_eq!(opened.who, expect, "{found:#?}");
        // And back again they lose it.
        let found = diff::diff(&new, &old, NOW);
        let closed = found.differences.iter().find(|one| one.closes()).unwrap();
        assert_eq!(closed.who, expect, "{found:#?}");
    }
}

/// Every way in which `[paths]` can differ, below every kind of pattern: what is newly allowed is shown, and
/// what may be is reported.
#[test]
fn path_settings_that_allow_more_are_reported() {
    let site = |paths: &str, pattern: &str| {
        let rule = format!("[[rule]]\nid = \"r\"\nallow = [\"{pattern}\"]\nanyone = true\n");
        policy(&[&format!("[paths]\n{paths}\n"), &rule])
    };
    let strict = "origin = \"strict\"";
    let (s3, files) = ("origin = \"s3\"", "origin = \"files\"");
    for pattern in [
        "/**", "/a/**", "/a/*", "/a/{x}", "/**/x", "/a/*.pdf", "/*/b/**",
    ] {
        let settings = [
            ("ascii_only = true", strict, Some("%C3%A9")),
            (strict, s3, Some("%25")),
            (strict, files, Some("%25")),
            (
                "ascii_only = true",
                "ascii_only = true\norigin = \"s3\"",
                Some("%25"),
            ),
            (s3, files, None),
            (files, s3, None),
            (strict, "index = \"index.html\"", None),
            ("index = \"index.html\"", strict, None),
            ("index = \"index.html\"", "index = \"home.html\"", None),
        ];
        for (old, new, witness) in settings {
            let found = diff::diff(&site(old, pattern), &site(new, pattern), NOW);
            assert!(!found.opens_nothing(), "{pattern}: {old} to {new}");
            let shown = found.differences.iter().any(|difference| {
                witness.is_some_and(|letter| difference.witness.target.contains(letter))
                    && (difference.old.kind, difference.new.kind) == (Kind::Reject, Kind::Allow)
            });
            assert_eq!(
                shown,
                witness.is_some(),
                "{pattern}: {old} to {new}: {found:#?}"
            );
        }
        for (old, new) in [
            (strict, "ascii_only = true"),
            (s3, strict),
            (files, strict),
            ("", strict),
        ] {
            let found = diff::diff(&site(old, pattern), &site(new, pattern), NOW);
            assert!(
                found.opens_nothing(),
                "{pattern}: {old} to {new}: {found:#?}"
            );
        }
    }
}
