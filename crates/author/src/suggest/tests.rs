//! Suggestions can be pasted, repeatedly.

use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;
use crate::mutate;
use crate::{locate, policy_gate};

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
[claims]
level = "int"
[[rule]]
id = "some"
allow = ["/a/**", "/b/*"]
groups = ["g", "h"]
when = 'claims.level > 3'
"#;

#[test]
fn suggestions_can_be_pasted_again_and_again() {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", SITE);
    sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let compiled = compile(&sources, &CompileOptions::default());
    let policy = compiled.policy.unwrap();
    let gate = policy_gate::gate(&policy).unwrap();
    let places = locate::places(&sources, &compiled.origins);
    let meter = Meter::new(&policy).unwrap();
    let mutants = mutate::mutants(&policy, &places);
    let mut tests = String::from(
        "now = 2027-01-15T00:00:00Z\n[[test]]\nname = \"first\"\nget = \"/a/b\"\nexpect = \"no_token\"\n",
    );
    let mut pasted = Vec::new();
    for round in 0..3 {
        sources.insert("site.test.toml", tests.clone());
        // Two tests or two users with the same name would be errors.
        let files = suite::read_all(&sources.test_files(), &sources, &gate).unwrap();
        let coverage = meter.measure(&files);
        let outcomes = mutate::run(&policy, &places, &mutants, &files, &|| ()).unwrap();
        let mut suggester = Suggester::new(&policy, &places, &files, &gate);
        let items: Vec<_> = coverage
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| !item.is_covered())
            .collect();
        let mut found = suggester.cover(&meter, &items, &|| ());
        if round > 0 {
            let missed = mutants.iter().zip(&outcomes);
            found.extend(
                missed.filter_map(|(mutant, outcome)| suggester.catch_mutant(mutant, outcome)),
            );
        }
        pasted.push(found.len());
        for suggestion in found {
            assert!(
                suggestion.text.contains("name = \"site/some: "),
                "{}",
                suggestion.text
            );
            tests.push_str(&suggestion.text);
        }
    }
    let [covering, noticing, left] = pasted.as_slice() else {
        panic!("{pasted:?}");
    };
    assert!(*covering > 0 && *noticing > 0, "{pasted:?}");
    assert_eq!(*left, 0, "{pasted:?}");
}
