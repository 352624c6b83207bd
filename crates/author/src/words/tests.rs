//! What is written compiles back to the same.

use tollgate_compiler::spec::ImageSpec;
use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;

fn policy(rule: &str) -> ImageSpec {
    let mut tree = SourceTree::new();
    let site = format!(
        "schema = 1\n[site]\nname = \"x\"\n[claims]\n\"custom:cohort\" = \"string\"\nlevel = \"int\"\n\
         beta = \"bool\"\nroles = \"string[]\"\nin = \"string\"\n[[rule]]\nid = \"r\"\n\
         allow = [\"/{{a}}/**\"]\nanyone = true\n{rule}\n"
    );
    tree.insert("site.toml", site);
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{rule}: {:?}", compiled.diagnostics);
    compiled.policy.unwrap()
}

#[test]
fn conditions_come_back() {
    let table = [
        r#"claims["custom:cohort"] == "2027-spring" && now < timestamp("2027-02-01T00:00:00Z")"#,
        r#"(claims.beta || claims.level > 3) && !(claims.level == -4)"#,
        r#"claims.level * 2 - 1 > 6 && claims.level != 13"#,
        r#"claims.level - (1 - 2) == (claims.level + 1) * 2"#,
        r#"-claims.level < -3"#,
        r#""a" in groups || path.a in claims.roles"#,
        r#"claims.level in [1, 2, -3] || sub in ["x", "y\"z"]"#,
        r#"has(claims.beta) && ("custom:cohort" in claims) && claims["in"] == "q""#,
        r#"cidr("198.51.100.128/25").containsIP(ip) || ip in ["203.0.113.100"] || ip == "2001:db8::bad""#,
        r#"now >= timestamp("2027-01-11T07:00:00Z") - duration("72h30m5s")"#,
        r#"issuer.endsWith("b") == method.contains("G")"#,
        r#"claims.beta == (1 < 2)"#,
    ];
    for text in table {
        let first = policy(&format!("when = '{text}'"));
        let written = condition(first.rules[0].when.as_ref().unwrap(), &first.claims);
        let second = policy(&format!("when = '''{written}'''"));
        assert_eq!(
            first.rules[0].when, second.rules[0].when,
            "{text} → {written}"
        );
    }
}

#[test]
fn moments() {
    let table = [
        (0, "1970-01-01T00:00:00Z"),
        (1_800_014_400, "2027-01-15T12:00:00Z"),
        (951_868_799, "2000-02-29T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (-62_135_596_800, "0001-01-01T00:00:00Z"),
        (i64::MAX, "9223372036854775807 s"),
    ];
    for (seconds, text) in table {
        assert_eq!(moment(seconds), text);
    }
}

#[test]
fn patterns_and_names_come_back() {
    for text in ["/", "/a", "/a/", "/{x}/*.pdf/**", "/**/b"] {
        let mut tree = SourceTree::new();
        tree.insert(
            "site.toml",
            format!(
                "schema = 1\n[site]\nname = \"x\"\n[[rule]]\nid = \"r\"\ndeny = [\"{text}\"]\n"
            ),
        );
        let compiled = compile(&tree, &CompileOptions::default());
        let spec = compiled.policy.unwrap();
        assert_eq!(pattern(&spec.rules[0].patterns[0]), text);
    }
}
