//! Edits that open access for requests that no enumeration finds.

use tollgate_compiler::{CompileOptions, SourceTree, compile};

use crate::diff::diff;
use crate::policy::Policy;

fn policy(rule: &str) -> Policy {
    let mut tree = SourceTree::new();
    let head = "schema = 1\n[site]\nname = \"x\"\n[claims]\nn = \"int\"\nm = \"int\"\n[[rule]]\nid = \"r\"\n";
    tree.insert("site.toml", format!("{head}{rule}\n"));
    let compiled = compile(&tree, &CompileOptions::default());
    Policy::new(compiled.policy.unwrap()).unwrap()
}

#[test]
fn an_edit_of_a_relation_never_passes_for_one_that_opens_nothing() {
    let pair = "allow = [\"/{c}/{d}\"]\n";
    let numbers = "allow = [\"/n\"]\nsigned_in = true\n";
    for (head, old, new) in [
        (
            pair,
            "groups = [\"t-{c}\"]\nwhen = 'path.c == path.d'",
            "groups = [\"t-{c}\"]\nwhen = 'path.c.startsWith(path.d)'",
        ),
        (
            pair,
            "anyone = true\nwhen = 'path.c.startsWith(path.d)'",
            "anyone = true\nwhen = 'path.c.contains(path.d)'",
        ),
        (
            pair,
            "subjects = [\"{c}\"]",
            "signed_in = true\nwhen = 'path.c == sub || (path.d == sub && path.c.startsWith(sub))'",
        ),
        (
            numbers,
            "when = 'false'",
            "when = 'claims.n - claims.m == 5 && claims.m * 7 == 77'",
        ),
        (
            numbers,
            "when = 'false'",
            "when = 'claims.n + claims.m == 23 && claims.n - claims.m == 3'",
        ),
    ] {
        let found = diff(
            &policy(&format!("{head}{old}")),
            &policy(&format!("{head}{new}")),
            0,
        );
        assert!(!found.opens_nothing(), "{old} to {new}: {found:#?}");
    }
    // What can be tried is decided.
    for (old, new) in [
        (
            "anyone = true\nwhen = 'path.c == path.d'",
            "anyone = true\nwhen = 'path.c == path.d && path.c != \"a\"'",
        ),
        (
            "signed_in = true\nwhen = 'claims.n > 3'",
            "signed_in = true\nwhen = 'claims.n > 4'",
        ),
    ] {
        let found = diff(
            &policy(&format!("{pair}{old}")),
            &policy(&format!("{pair}{new}")),
            0,
        );
        assert!(found.opens_nothing(), "{old} to {new}: {found:#?}");
    }
}
