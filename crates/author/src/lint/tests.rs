//! For each lint, a policy that it reports and one that it does not.

use tollgate_analysis::covers::covers;
use tollgate_compiler::diagnostic::{Edit, edited};
use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;

const HEAD: &str = "schema = 1\n[site]\nname = \"x\"\n[[issuer]]\nname = \"i\"\nissuer = \"https://i.example\"\n\
    clients = [\"c\"]\nalgorithms = [\"HS256\"]\ngroups_claim = \"cognito:groups\"\nsecrets = [{ kid = \"k\", file = \"k.key\" }]\n\
    [claims]\nlevel = \"int\"\n";

/// 2027-01-15
const NOW: i64 = 1_800_000_000;

/// The findings. Every edit removes its finding.
fn advice(rules: &str) -> LintReport {
    let site = format!("{HEAD}{rules}");
    let advice = advice_of(&site);
    for finding in &advice.findings {
        for fix in &finding.fixes {
            let edits: Vec<&Edit> = fix.edits.iter().collect();
            let fixed = edited(&site, &edits).unwrap();
            let after = advice_of(&fixed).findings;
            let is_it =
                |one: &&Diagnostic| one.code == finding.code && one.message == finding.message;
            assert_eq!(
                after.iter().find(is_it),
                None,
                "still there after {fix:?}\n{fixed}"
            );
        }
    }
    advice
}

fn advice_of(site: &str) -> LintReport {
    advice_with(site, None)
}

/// The same with the file of a course `c`.
fn advice_with(site: &str, course: Option<&str>) -> LintReport {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", site);
    if let Some(course) = course {
        sources.insert("courses/c.toml", course);
    }
    sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let context = LintContext::new(&compiled, &sources).unwrap();
    let mut findings = compiled.diagnostics.clone();
    findings.extend(lint(&context, NOW));
    let advice = apply_suppressions(&context, findings);
    for finding in &advice.findings {
        assert!(!finding.help.is_empty(), "no help: {finding:?}");
    }
    advice
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
fn each_lint_reports_what_it_should() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            "a capture with two readings",
            &["allow = [\"/{u}/**\", \"/x/{u}/**\"]\nsubjects = [\"{u}\"]"],
            &["TG0713"],
        ),
        (
            "ambiguous captures at the same positions",
            &["allow = [\"/**/{u}/b\", \"/a/{u}/*\"]\nsubjects = [\"{u}\"]"],
            &[],
        ),
        (
            "ambiguous only after a `**`",
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
            "public rule over restricted paths",
            &[
                "allow = [\"/a/b/**\", \"/a/c\"]\ngroups = [\"g\"]",
                "allow = [\"/a/**\"]\nanyone = true",
            ],
            &["TG0717"],
        ),
        (
            "public rule over a part",
            &[
                "allow = [\"/a/**\"]\ngroups = [\"g\"]",
                "allow = [\"/a/b/**\", \"/a/*.jpg\"]\nanyone = true",
            ],
            &[],
        ),
        (
            "public rule for one network",
            &[
                "allow = [\"/a/**\"]\ngroups = [\"g\"]",
                "allow = [\"/a/**\"]\nanyone = true\nnetworks = [\"10.0.0.0/8\"]",
            ],
            &[],
        ),
        (
            "a deny that forgets uploads",
            &[
                "allow = [\"/u/{user}/**\"]\nsubjects = [\"{user}\"]\nmethods = [\"GET\", \"PUT\"]",
                "deny = [\"/**\"]\ngroups = [\"banned\"]",
            ],
            &["TG0724"],
        ),
        (
            "a deny that lists what it means",
            &[
                "allow = [\"/u/{user}/**\"]\nsubjects = [\"{user}\"]\nmethods = [\"GET\", \"PUT\"]",
                "deny = [\"/**\"]\ngroups = [\"banned\"]\nmethods = [\"GET\", \"HEAD\"]",
            ],
            &[],
        ),
        (
            "a deny of other paths than those of the uploads",
            &[
                "allow = [\"/u/**\"]\nsigned_in = true\nmethods = [\"GET\", \"PUT\"]",
                "allow = [\"/v/**\"]\nsigned_in = true",
                "deny = [\"/v/x\", \"/v/x/**\"]\ngroups = [\"banned\"]",
            ],
            &[],
        ),
        (
            "a deny of others than those who upload",
            &[
                "allow = [\"/u/**\"]\nsigned_in = true\nmethods = [\"PUT\"]\nwhen = 'claims.level > 5'",
                "allow = [\"/u/**\"]\nsigned_in = true",
                "deny = [\"/u/**\"]\nwhen = 'has(claims.level) && claims.level < 3'\nunless = '!has(claims.level)'",
            ],
            &[],
        ),
        (
            "a preflight is not an upload",
            &[
                "allow = [\"/u/**\"]\nanyone = true\nmethods = [\"GET\", \"OPTIONS\"]",
                "deny = [\"/u/x\", \"/u/x/**\"]\ngroups = [\"banned\"]",
            ],
            &[],
        ),
        (
            "captures and expressions of other tools",
            &[
                "allow = [\"/:user/**\"]\nsigned_in = true",
                "allow = [\"/preview/.*\"]\nsigned_in = true",
                "allow = [\"/x/a$\"]\nsigned_in = true",
            ],
            &["TG0726", "TG0726", "TG0726"],
        ),
        (
            "names that only resemble them",
            &[
                "allow = [\"/a:b/x\", \"/(old) files/x\", \"/file.*\", \"/cost$s\"]\nsigned_in = true",
                "allow = [\"/d/**\"]\nsigned_in = true",
                "deny = [\"/**/.*\"]",
            ],
            &[],
        ),
        (
            "every address",
            &[
                "allow = [\"/a\"]\nanyone = true\nnetworks = [\"0.0.0.0/0\", \"::/0\", \"10.0.0.0/8\"]",
            ],
            &["TG0727", "TG0727"],
        ),
        ("no rules at all", &[], &["TG0729"]),
        (
            "two names that look the same",
            &[
                "allow = [\"/a\"]\ngroups = [\"ape\"]",
                "allow = [\"/b\"]\ngroups = [\"\u{430}\u{440}\u{435}\"]",
            ],
            &["TG0714"],
        ),
        (
            "two names that are spelled apart",
            &[
                "allow = [\"/a\"]\ngroups = [\"rust-l0l\"]",
                "allow = [\"/b\"]\ngroups = [\"schön\", \"rust-101\"]",
            ],
            &[],
        ),
    ];
    for (name, list, expected) in table {
        assert_eq!(codes(&rules(list)), *expected, "{name}");
    }
}

/// The messages about a site with these tables before its rules.
fn messages(tables: &str, list: &[&str]) -> Vec<String> {
    let findings = advice(&format!("{tables}{}", rules(list))).findings;
    findings
        .into_iter()
        .map(|finding| format!("{} {}", finding.code.id, finding.message))
        .collect()
}

#[test]
fn redirects_to_denied_pages_are_reported() {
    let members = "allow = [\"/**\"]\nsigned_in = true";
    let login = "allow = [\"/login\", \"/login/**\"]\nanyone = true";
    let to_login = "[deny]\nno_token = { redirect = \"login\" }\n";
    let own_page =
        "[deny]\nno_token = { redirect = \"login\" }\n[login]\nurl = \"/welcome?to=sign-in\"\n";
    let elsewhere = "[deny]\nno_token = { redirect = \"login\" }\n[login]\nurl = \"https://id.example/login\"\n";
    let forbidden = "[deny]\nforbidden = { redirect = \"/sorry\" }\n";
    let banned = "deny = [\"/**\"]\ngroups = [\"banned\"]";
    let sorry = "allow = [\"/sorry\"]\nanyone = true";
    let table: &[(&str, &[&str], &[&str])] = &[
        (
            to_login,
            &[members],
            &["TG0725 `no_token` redirects to `/login`, which redirects to itself"],
        ),
        (
            to_login,
            &["allow = [\"/a/**\"]\nsigned_in = true"],
            &["TG0725 `no_token` redirects to `/login`, which is denied (forbidden)"],
        ),
        (to_login, &[members, login], &[]),
        (
            own_page,
            &[members, login],
            &["TG0725 `no_token` redirects to `/welcome?to=sign-in`, which redirects to itself"],
        ),
        (elsewhere, &[members], &[]),
        (
            forbidden,
            &["allow = [\"/a/**\"]\ngroups = [\"staff\"]"],
            &["TG0725 `forbidden` redirects to `/sorry`, which redirects to itself"],
        ),
        (forbidden, &[members, sorry], &[]),
        (
            forbidden,
            &[members, sorry, banned],
            &["TG0725 `forbidden` redirects to `/sorry`, which redirects to itself"],
        ),
    ];
    for (tables, list, expected) in table {
        assert_eq!(messages(tables, list), *expected, "{tables}{list:?}");
    }
}

#[test]
fn one_cause_is_one_diagnostic() {
    let swallowed = [
        "allow = [\"/a/**\"]\ngroups = [\"a\"]",
        "allow = [\"/b/**\"]\ngroups = [\"b\"]",
        "allow = [\"/c/**\"]\nsigned_in = true",
        "allow = [\"/d/**\"]\ngroups = [\"d\"]",
    ];
    let with =
        |rule: &'static str| -> Vec<&str> { swallowed.iter().copied().chain([rule]).collect() };
    let for_members = with("allow = [\"/**\"]\nsigned_in = true");
    let found = messages("", &for_members);
    assert_eq!(
        found,
        ["TG0710 because of `site/r4`, 4 other rules are redundant"]
    );
    // A rule for everyone is reported as such, with the rules that it covers.
    let for_all = with("allow = [\"/**\"]\nanyone = true");
    let advice_for_all = advice(&rules(&for_all)).findings;
    let [finding] = advice_for_all.as_slice() else {
        panic!("{advice_for_all:?}");
    };
    assert_eq!(finding.code.id, "TG0717");
    assert!(finding.help[0].contains("`site/r0`, `site/r1`, `site/r2`, `site/r3`"));
    // A deny that overrides everything is one diagnostic, too.
    let closed = with("deny = [\"/**\"]");
    assert_eq!(
        messages("", &closed),
        ["TG0712 because of `site/r4`, 4 other rules allow nothing"]
    );
    // So is an upload that many denies omit.
    let denies =
        ["/a", "/b", "/c"].map(|path| format!("deny = [\"{path}\"]\ngroups = [\"banned\"]"));
    let uploads = "allow = [\"/**\"]\nsigned_in = true\nmethods = [\"GET\", \"PUT\"]";
    let list: Vec<&str> = denies.iter().map(String::as_str).chain([uploads]).collect();
    assert_eq!(
        messages("", &list),
        [
            "TG0724 because of `site/r3`, 3 other rules leave methods allowed",
            "TG0733 because of `site/r3`, 3 other rules deny a path, but not the same path with a trailing slash",
        ]
    );
    // Two are reported separately.
    let few = [
        "allow = [\"/a\"]\ngroups = [\"a\"]",
        "allow = [\"/b\"]\ngroups = [\"b\"]",
        "allow = [\"/*\"]\nsigned_in = true",
    ];
    assert_eq!(codes(&rules(&few)), ["TG0710", "TG0710"]);
    // Suppressed diagnostics are not counted, neither one by one nor at the cause.
    let allow = |rule: &str| {
        format!("[[lint]]\nallow = \"TG0710\"\nrule = \"site/{rule}\"\nbecause = \"kept\"\n")
    };
    assert_eq!(
        messages(&allow("r0"), &for_members),
        ["TG0710 because of `site/r4`, 3 other rules are redundant"]
    );
    assert_eq!(messages(&allow("r4"), &for_members), [""; 0]);
}

#[test]
fn consequences_are_not_reported_with_their_cause() {
    const ALL: &str = "allow = [\"/**\"]\nsigned_in = true";
    const USERS: &str = "allow = [\"/users/*\"]\nsigned_in = true";
    const COURSE: &str = "course = \"c\"\nbase = \"/c\"\n";
    let kept = |code: &str| {
        format!("[[lint]]\nallow = \"{code}\"\nrule = \"site/r1\"\nbecause = \"kept\"\n")
    };
    let never = "deny = [\"/a\", \"/a/**\"]\nwhen = \"false\"";
    let always = "deny = [\"/a\", \"/a/**\"]\nwhen = \"true\"";
    let colon = "deny = [\"/users/:id/x\"]";
    let login = "[deny]\nforbidden = { redirect = \"login\" }\n[login]\nurl = \"/login\"\n";
    let (constant, syntax) = (kept("TG0704"), kept("TG0726"));
    let suppressed = format!("{login}[[lint]]\nallow = \"TG0741\"\nbecause = \"kept\"\n");
    let table: &[(&str, &[&str], &[&str])] = &[
        ("", &[ALL, never], &["TG0704"]),
        (&constant, &[ALL, never], &["TG0709"]),
        ("", &[ALL, always], &["TG0704"]),
        ("", &[USERS, colon], &["TG0726"]),
        (&syntax, &[USERS, colon], &["TG0711"]),
        // The same in another rule has its own cause.
        (
            "",
            &[USERS, colon, "deny = [\"/user\"]"],
            &["TG0726", "TG0711"],
        ),
        // Of two equal rules, one can be removed.
        ("", &[ALL, ALL], &["TG0710"]),
        (
            "",
            &[
                ALL,
                "deny = [\"/a\", \"/a/**\"]",
                "deny = [\"/a\", \"/a/**\"]",
            ],
            &["TG0710"],
        ),
        (login, &[ALL], &["TG0741"]),
        (&suppressed, &[ALL], &["TG0725"]),
    ];
    for (tables, list, expected) in table {
        let found = codes(&format!("{tables}{}", rules(list)));
        assert_eq!(found, *expected, "{tables}{list:?}");
    }
    let in_course = [
        (vec![ALL, "deny = [\"/c/a/**\"]"], vec!["TG0708"]),
        (vec![USERS, "deny = [\"/c/a/**\"]"], vec!["TG0708"]),
        (
            vec![ALL, "deny = [\"/c/a/**\", \"/b\"]"],
            vec!["TG0708", "TG0733"],
        ),
    ];
    for (list, expected) in in_course {
        let report = advice_with(HEAD, Some(&format!("{COURSE}{}", rules(&list))));
        let found: Vec<&str> = report.findings.iter().map(|one| one.code.id).collect();
        assert_eq!(found, expected, "{list:?}");
    }
}

#[test]
fn issuers_that_no_token_can_match() {
    let site = |issuer: &str, algorithms: &str| {
        format!(
            "schema = 1\n[site]\nname = \"x\"\n[[issuer]]\nname = \"i\"\nissuer = \"{issuer}\"\nclients = [\"c\"]\n\
             algorithms = [{algorithms}]\njwks = \"k.json\"\n[[rule]]\nid = \"r\"\nallow = [\"/a\"]\nsigned_in = true\n"
        )
    };
    let found = |issuer: &str, algorithms: &str, set: &str| {
        let mut sources = SourceTree::new();
        sources.insert("site.toml", site(issuer, algorithms));
        sources.insert("k.json", set);
        let compiled = compile(&sources, &CompileOptions::default());
        assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
        let context = LintContext::new(&compiled, &sources).unwrap();
        let findings = apply_suppressions(&context, lint(&context, NOW)).findings;
        findings
            .into_iter()
            .map(|finding| {
                assert!(
                    finding.span.is_some() && !finding.help.is_empty(),
                    "{finding:?}"
                );
                format!("{} {}", finding.code.id, finding.message)
            })
            .collect::<Vec<_>>()
    };
    // The keys of RFC 8037, appendix A, and of RFC 7515, appendix A.3.
    const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"p","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let url = "https://i.example";
    let (one, both) = (
        format!("{{\"keys\":[{ED}]}}"),
        format!("{{\"keys\":[{ED},{EC}]}}"),
    );
    let all = "\"EdDSA\", \"ES256\"";
    assert_eq!(found(url, all, &both), [""; 0]);
    assert_eq!(
        found(url, all, &one),
        ["TG0735 issuer `i` has no key for `ES256`, so no token of that algorithm is valid"]
    );
    assert_eq!(
        found(url, "\"EdDSA\"", &both),
        ["TG0736 issuer `i` lists no algorithm for some keys of its set: `p`"]
    );
    assert_eq!(
        found(
            "https://i.example/.well-known/openid-configuration",
            all,
            &both
        ),
        ["TG0728 issuer `i` is the URL of a document, which no token has as its `iss`"]
    );
}

#[test]
fn a_token_source_has_no_wildcard() {
    let found = |source: &str| {
        let mut sources = SourceTree::new();
        let token = format!("[token]\nfrom = [\"{source}\"]\n");
        sources.insert("site.toml", format!("{HEAD}{token}"));
        sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let compiled = compile(&sources, &CompileOptions::default());
        assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
        let context = LintContext::new(&compiled, &sources).unwrap();
        let findings = apply_suppressions(&context, lint(&context, NOW)).findings;
        let foreign = findings
            .into_iter()
            .filter(|finding| finding.code.id == "TG0726");
        foreign
            .map(|finding| finding.span.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(found("cookie:id_token"), [false; 0]);
    for source in [
        "cookie:CognitoIdentityServiceProvider.*.idToken",
        "header:x-*",
    ] {
        assert_eq!(found(source), [true], "{source}");
    }
}

#[test]
fn ambiguous_captures_have_an_example_path() {
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
        "for `/x/y/` this one captures `x`, and that one `y`"
    );
    assert!(finding.help.iter().any(|help| help.contains("into two")));
}

#[test]
fn suppressed_diagnostics_are_not_shown() {
    let rule = rules(&["allow = [\"/a\"]\nanyone = true\nuntil = 2026-01-01T00:00:00Z"]);
    let allow =
        "[[lint]]\nallow = \"TG0716\"\nrule = \"site/r0\"\nbecause = \"kept as an example\"\n";
    let advice = advice(&format!("{allow}{rule}"));
    assert_eq!(advice.findings, []);
    assert_eq!(advice.suppressed.len(), 1);
    assert_eq!(advice.suppressed[0].because, "kept as an example");
    // For another rule it matches nothing, and is reported.
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
fn patterns_that_cover_others() {
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
        ("/a/**/", "/a/b", false),
        ("/a/**/", "/a/**", false),
        ("/a/**/", "/a/b/", true),
        ("/a/**/", "/a/**/", true),
    ];
    for (outer, inner, expected) in table {
        let found = covers(&pattern(outer), &pattern(inner));
        assert_eq!(found, expected, "{outer} over {inner}");
    }
}
