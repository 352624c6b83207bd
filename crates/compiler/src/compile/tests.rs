use tollgate_core::{Effect, MethodSet};

use super::*;
use tollgate_policy::spec::Principals;

fn rule() -> SpannedRule {
    let rule = RuleSpec {
        course: SITE_COURSE.to_owned(),
        id: "r".to_owned(),
        effect: Effect::Deny,
        methods: MethodSet::READ,
        because: None,
        patterns: Vec::new(),
        who: Principals::default(),
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    };
    SpannedRule {
        rule,
        span: Span::default(),
    }
}

#[test]
fn rules_are_counted_over_all_files() {
    for (count, findings) in [(MAX_RULES, 0), (MAX_RULES + 1, 1)] {
        let rules: Vec<_> = (0..count).map(|_| (SITE_FILE.to_owned(), rule())).collect();
        let mut diagnostics = Vec::new();
        check_whole(&Site::default(), &rules, &mut diagnostics);
        assert_eq!(diagnostics.len(), findings);
        assert!(
            diagnostics
                .iter()
                .all(|finding| *finding.code == codes::TOO_MANY_RULES)
        );
    }
}

#[test]
fn usage_counts() {
    let mut tree = SourceTree::new();
    tree.insert(
        SITE_FILE,
        r#"
schema = 1
[site]
name = "x"
[claims]
a = "int"
[[rule]]
id = "a"
deny = ["/a", "/b/**"]
when = "claims.a in [1, 2]"
[[rule]]
id = "b"
allow = ["/**"]
anyone = true
"#,
    );
    let usage = compile(&tree, &CompileOptions::default()).usage.unwrap();
    assert_eq!((usage.image.rules, usage.image.patterns), (2, 3));
    assert_eq!(
        (usage.conditional_rules, usage.max_patterns_per_rule),
        (1, 2)
    );
    assert_eq!((usage.claims, usage.max_condition_parts), (1, 4));
    assert!(usage.gate_bytes > 0 && usage.image.image_bytes > usage.gate_bytes);
}
