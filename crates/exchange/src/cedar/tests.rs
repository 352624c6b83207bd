//! Supported and unsupported policies. `lab/peers`, which has Cedar, tests that Cedar decides
//! identically.

use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;

fn exported(rule: &str) -> Result<Export, UnsupportedPolicy> {
    let mut sources = SourceTree::new();
    sources.insert("k.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    sources.insert(
        "site.toml",
        format!(
            "schema = 1\n[site]\nname = \"x\"\n[claims]\nlevel = \"int\"\nother = \"int\"\nname = \"string\"\n\
             [[issuer]]\nname = \"i\"\nissuer = [\"https://i.example\", \"i.example\"]\nclients = [\"c\"]\n\
             algorithms = [\"HS256\"]\nsecrets = [{{ kid = \"k\", file = \"k.key\" }}]\n\
             [[rule]]\nid = \"r\"\n{rule}\n"
        ),
    );
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    export(&compiled.policy.unwrap())
}

#[test]
fn a_deny_holds_where_its_condition_is_not_certainly_false() {
    let text = exported("deny = [\"/a/{b}/*.pdf\"]\nwhen = 'claims.level > 3'")
        .unwrap()
        .policies;
    for part in [
        "@id(\"site/r#0\")",
        "forbid (",
        "resource.depth == 3 && !resource.slash",
        "resource has s0 && resource.s0 == \"a\"",
        "resource has s2 && resource.s2 like \"*.pdf\"",
        "!((principal.claims has \"level\" && !(principal.claims[\"level\"] > (3))))",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_rule_for_issuers_is_exported() {
    for effect in ["allow", "deny"] {
        let text = exported(&format!("{effect} = [\"/a\"]\nissuers = [\"i\"]"));
        let text = text.unwrap().policies;
        let part = "(principal has issuer && (principal.issuer == \"https://i.example\"))";
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn unsupported_constructs_are_reported_by_name() {
    let table = [
        ("deny = [\"/**/a/**/b/**\"]", Limit::ManyRests),
        ("deny = [\"/**/a/**/b\"]", Limit::ManyRests),
        ("deny = [\"/**/a*/**\"]", Limit::OpenMiddle),
        (
            "deny = [\"/a\"]\nwhen = 'claims.name < \"b\"'",
            Limit::TextOrder,
        ),
        (
            "deny = [\"/{a}\"]\nwhen = 'claims.name.startsWith(path.a)'",
            Limit::OpenSearch,
        ),
        (
            "deny = [\"/a\"]\nwhen = 'method.startsWith(\"G\")'",
            Limit::MethodText,
        ),
        (
            "deny = [\"/a\"]\nwhen = 'claims.level + claims.other > 3'",
            Limit::TwoClaims,
        ),
    ];
    for (rule, limit) in table {
        let error = exported(rule).unwrap_err();
        assert_eq!(
            (error.rule.as_str(), error.what),
            ("site/r", limit),
            "{rule}"
        );
        assert!(error.to_string().contains("`site/r`"));
    }
}

#[test]
fn strings_cannot_end_a_literal() {
    let text = exported(
        "deny = [\"/a\"]\nwhen = '''claims.name == \"q\\\"); permit(principal, action, resource); //\"'''",
    );
    let text = text.unwrap().policies;
    assert!(text.contains("\"q\\\"); permit"), "{text}");
}

#[test]
fn a_trailing_slash_is_required_after_a_rest() {
    for (pattern, asked) in [
        ("/a/**/", "resource.depth >= 1 && resource.slash"),
        ("/a/**/b/**/", "like \"*/b/*\" && resource.slash"),
        ("/a/**", "(resource.depth == 1 && resource.slash))"),
    ] {
        let text = exported(&format!("allow = [\"{pattern}\"]\nanyone = true"));
        let text = text.unwrap().policies;
        assert!(text.contains(asked), "{pattern}: {text}");
    }
}
