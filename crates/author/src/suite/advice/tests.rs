//! Tests with errors, and the diagnostics about them.

use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;
use crate::policy_gate;
use crate::suite::read;

const SITE: &str = r#"
schema = 1
[site]
name = "x"
[[issuer]]
name = "i"
issuer = "https://i.example"
clients = ["c"]
algorithms = ["HS256"]
secrets = [{ kid = "k", file = "k.key" }]
groups_claim = "groups"
[[rule]]
id = "members"
allow = ["/m/**"]
groups = ["g"]
[[rule]]
id = "closed"
deny = ["/m/x"]
"#;

fn findings(tests: &str) -> Vec<(&'static str, String, String)> {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", SITE);
    sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let compiled = compile(&sources, &CompileOptions::default());
    let policy = compiled.policy.unwrap();
    let gate = policy_gate::gate(&policy).unwrap();
    sources.insert(
        "site.test.toml",
        format!("now = 2027-01-15T00:00:00Z\n{tests}"),
    );
    let (files, mut found) = read(&sources.test_files(), &sources, Some(&gate));
    found.extend(advice(&files, &policy, &gate));
    found
        .into_iter()
        .map(|finding| (finding.code.id, finding.message, finding.help.join("; ")))
        .collect()
}

#[test]
fn every_error_has_a_fix() {
    let test = |keys: &str| format!("[[test]]\nname = \"t\"\n{keys}\n");
    let table: &[(&str, &str, &str)] = &[
        ("get = \"/m/a\"\nexpect = \"no_token\"", "", ""),
        ("get = \"/m/ä b\"\nexpect = \"bad_path\"", "", ""),
        (
            "get = \"/m/a\"\nexpect = \"allow\"\nrule = \"site/membres\"",
            "TG0721",
            "did you mean `site/members`?",
        ),
        (
            "get = \"/m/a\"\nexpect = \"allow\"\nrule = \"site/closed\"",
            "TG0721",
            "write `course/id` of a rule, or `site/id` of one in `site.toml`",
        ),
        (
            "get = \"/m/x\"\nexpect = \"denied_by_rule\"\nrule = \"other/thing\"",
            "TG0721",
            "today `site/closed` decides",
        ),
        (
            "get = \"/m/my notes.pdf\"\nexpect = \"allow\"",
            "TG0722",
            "write `/m/my%20notes.pdf`",
        ),
        (
            "get = \"/m/ä\"\nexpect = \"allow\"",
            "TG0722",
            "write `/m/%C3%A4`",
        ),
        (
            "get = \"https://x.example/m/a b\"\nexpect = \"allow\"",
            "TG0722",
            "write `/m/a%20b`",
        ),
        (
            "get = \"m/a\"\nexpect = \"allow\"",
            "TG0722",
            "write `/m/a`",
        ),
        (
            "get = \"/m/../a\"\nexpect = \"allow\"",
            "TG0722",
            "if the test is about an invalid path, write `expect = \"bad_path\"`",
        ),
        (
            "who = \"a\"\nget = \"/m/a\"\nexpect = \"allow\"\n[people.a]\nclaims = { \"cognito:groups\" = [\"g\"] }",
            "TG0723",
            "write `groups = [",
        ),
        (
            "get = \"/m/a\"\nexpect = \"alow\"",
            "TG0606",
            "did you mean `allow`?",
        ),
        (
            "get = \"/m/a\"\nexpect = 403",
            "TG0104",
            "`expect = \"forbidden\"`",
        ),
        (
            "get = \"\"\nexpect = \"allow\"",
            "TG0107",
            "such as `get = ",
        ),
        ("expect = \"allow\"", "TG0103", "such as `get = "),
        // A misspelled key is not missing as well.
        (
            "gett = \"/m/a\"\nexpect = \"allow\"",
            "TG0102",
            "did you mean `get`?",
        ),
        (
            "get = \"/m/a\"\nexpct = \"allow\"",
            "TG0102",
            "did you mean `expect`?",
        ),
    ];
    for (keys, code, help) in table {
        let found = findings(&test(keys));
        match found.as_slice() {
            [] => assert_eq!(*code, "", "{keys}"),
            [(id, _, said)] => {
                assert_eq!(id, code, "{keys}: {found:?}");
                assert!(said.contains(help), "{keys}: {said}");
            }
            more => panic!("{keys}: {more:?}"),
        }
    }
}

#[test]
fn a_path_of_a_table_is_reported_once() {
    let found = findings(
        "[people.a]\nclaims = { sub = \"a\" }\n[[table]]\nname = \"t\"\npeople = [\"nobody\", \"a\"]\n\
         paths = [\"/m/a b\", \"/m/c\"]\nexpect = [[\"allow\", \"allow\"], [\"no_token\", \"allow site/nothing\"]]",
    );
    let codes: Vec<_> = found.iter().map(|(id, ..)| *id).collect();
    assert_eq!(codes, ["TG0722", "TG0721"]);
}

#[test]
fn tests_of_a_policy_that_does_not_compile_are_read_as_far_as_they_can_be() {
    let mut sources = SourceTree::new();
    sources.insert(
        "site.test.toml",
        "now = 2027-01-15T00:00:00Z\n[people.a]\nissuer = \"who-knows\"\nclaims = { sub = \"a\" }\n\
         [[test]]\nname = \"t\"\nwho = \"a\"\nget = \"/\"\nexpect = \"alow\"\n",
    );
    let (_, found) = read(&sources.test_files(), &sources, None);
    let codes: Vec<_> = found.iter().map(|finding| finding.code.id).collect();
    assert_eq!(codes, ["TG0606"]);
}

/// A test file for each code about test files: the text, the code, and a part of the help.
const MISTAKES: [(&str, &str, &str); 12] = [
    (
        "[[test]]\nname = \"t\"\nwho = \"nobdy\"\nget = \"/\"\nexpect = \"forbidden\"",
        "TG0601",
        "did you mean `nobody`?",
    ),
    (
        "[[test]]\nname = \"t\"\nwho = \"zoe\"\nget = \"/\"\nexpect = \"forbidden\"",
        "TG0601",
        "declare `[people.zoe]`",
    ),
    (
        "[people.nobody]\nclaims = {}\n[[test]]\nname = \"t\"\nget = \"/\"\nexpect = \"forbidden\"",
        "TG0602",
        "choose another name",
    ),
    (
        "[[test]]\nname = \"t\"\nget = \"/\"\nexpect = \"forbidden\"\n[[test]]\nname = \"t\"\nget = \"/b\"\nexpect = \"forbidden\"",
        "TG0603",
        "a unique name",
    ),
    (
        "[[table]]\nname = \"t\"\npeople = [\"nobody\"]\npaths = [\"/\", \"/b\"]\nexpect = [[\"forbidden\"]]",
        "TG0604",
        "one row per path",
    ),
    (
        "[people.a]\nissuer = \"learners\"\nclaims = {}\n[[test]]\nname = \"t\"\nget = \"/\"\nexpect = \"forbidden\"",
        "TG0605",
        "the issuers are `i`",
    ),
    (
        "[[test]]\nname = \"t\"\nget = \"/\"\nexpect = \"forbidden\"\nrule = \"site/members\"",
        "TG0606",
        "remove the rule",
    ),
    (
        "[[test]]\nname = \"t\"\nget = \"/\"\nip = \"10.0.0\"\nexpect = \"forbidden\"",
        "TG0607",
        "203.0.113.7",
    ),
    (
        "[people.a]\nclaims = { groups = 5 }\n[[test]]\nname = \"t\"\nget = \"/\"\nexpect = \"forbidden\"",
        "TG0608",
        "groups are strings",
    ),
    (
        "[[test]]\nname = \"t\"\nget = \"/\"\nnow = 2027-01-15\nexpect = \"forbidden\"",
        "TG0609",
        "date, time and offset",
    ),
    ("", "TG0610", "add a `[[test]]`"),
    (
        "[people.\"a b\"]\nclaims = {}\n[[test]]\nname = \"t\"\nget = \"/\"\nexpect = \"forbidden\"",
        "TG0611",
        "letters, digits",
    ),
];

#[test]
fn every_code_about_test_files_has_a_fix() {
    for (text, code, help) in MISTAKES {
        let found = findings(text);
        let [(id, message, said)] = found.as_slice() else {
            panic!("{text}: {found:?}");
        };
        assert_eq!(*id, code, "{text}: {message}");
        assert!(said.contains(help), "{text}: {said}");
    }
    let all = codes::codes().map(|code| code.id);
    let all: Vec<_> = all.filter(|id| id.starts_with("TG06")).collect();
    let missing = |id: &&&str| !MISTAKES.iter().any(|(_, code, _)| *code == **id);
    assert_eq!(all.iter().find(missing), None);
}
