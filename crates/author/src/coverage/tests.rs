//! Small policies with known coverage.

use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;
use crate::locate::Part;
use crate::suite;

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
id = "a"
allow = ["/a/**", "/b"]
groups = ["g", "h"]
networks = ["203.0.113.0/24"]
from = 2027-01-01T00:00:00Z
when = 'claims.level > 3 || !(sub == "x")'
[[rule]]
id = "d"
deny = ["/a/d"]
when = 'claims.level > 5'
"#;

fn measure(tests: &str) -> (usize, Vec<(usize, Part, Wanted)>) {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", SITE);
    sources.insert("k.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let compiled = compile(&sources, &CompileOptions::default());
    let policy = compiled.policy.expect("compiles");
    let gate = policy_gate::gate(&policy).unwrap();
    let name = "site.test.toml".to_owned();
    sources.insert(name.clone(), format!("now = 2027-01-15T00:00:00Z\n{tests}"));
    let files = suite::read_all(&[name], &sources, &gate).unwrap();
    let coverage = Meter::new(&policy).unwrap().measure(&files);
    let missed = coverage
        .missed()
        .map(|item| (item.rule, item.part.clone(), item.wanted))
        .collect();
    (coverage.items.len(), missed)
}

#[test]
fn missed_items_are_described() {
    let people = r#"
[people.g]
claims = { sub = "x", groups = ["g"], level = 9 }
[people.h]
claims = { sub = "y", groups = ["h"], level = 1 }
"#;
    let (all, missed) = measure(&format!(
        "{people}[[test]]\nname = \"one\"\nwho = \"g\"\nget = \"/a/1\"\nip = \"203.0.113.1\"\nexpect = \"allow\"\n"
    ));
    // Rule, 2 paths, 2 groups and no group, 1 network and outside, 2 of `from`, 4 of `when`; rule,
    // path, 2.
    assert_eq!(all, 18);
    let piece = |text: &str| Part::Piece("when", text.to_owned(), 0);
    let expected = [
        (0, Part::Pattern(1), Wanted::Fits),
        (0, Part::Entry("groups", 1), Wanted::Holds),
        (0, Part::Key("groups"), Wanted::Fails),
        (0, Part::Key("networks"), Wanted::Fails),
        (0, Part::Key("from"), Wanted::Fails),
        (0, piece("claims.level > 3"), Wanted::Fails),
        (0, piece("sub == \"x\""), Wanted::Fails),
        (1, Part::Rule, Wanted::Matches),
        (1, Part::Pattern(0), Wanted::Fits),
        (1, piece("claims.level > 5"), Wanted::Holds),
        (1, piece("claims.level > 5"), Wanted::Fails),
    ];
    assert_eq!(missed, expected);
}

#[test]
fn everything_can_be_covered() {
    let table = r#"
[people.g]
claims = { sub = "x", groups = ["g"], level = 9 }
[people.h]
claims = { sub = "y", groups = ["h"], level = 1 }
[[table]]
name = "inside"
ip = "203.0.113.1"
people = ["nobody", "g", "h"]
paths = ["/a/1", "/a/d", "/b"]
expect = [
    ["no_token", "allow", "allow"], ["no_token", "denied_by_rule", "allow"], ["no_token", "allow", "allow"]]
[[table]]
name = "outside and before"
now = 2026-12-31T00:00:00Z
ip = "203.0.114.1"
people = ["g"]
paths = ["/a/1"]
expect = [["forbidden"]]
"#;
    let (_, missed) = measure(table);
    assert_eq!(missed, []);
}
