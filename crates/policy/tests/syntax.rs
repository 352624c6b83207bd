//! Printed rules compile back to the same rules.

#![cfg(test)]

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_policy::spec::{Arithmetic, ClaimSpec, Comparison, Expr, ImageSpec, Network};
use tollgate_policy::syntax::*;

/// A rule that reads every claim: the compiler drops claims that no rule reads.
const READS_ALL: &str = r#"
[[rule]]
id = "z"
deny = ["/z"]
when = '("custom:cohort" in claims) && has(claims.level) && has(claims.beta) && has(claims.roles) && ("in" in claims)'
"#;

fn policy(rule: &str) -> ImageSpec {
    let mut tree = SourceTree::new();
    let site = format!(
        "schema = 1\n[site]\nname = \"x\"\n[claims]\n\"custom:cohort\" = \"string\"\nlevel = \"int\"\n\
         beta = \"bool\"\nroles = \"string[]\"\nin = \"string\"\n[[rule]]\nid = \"r\"\n\
         allow = [\"/{{a}}/**\"]\nanyone = true\n{rule}\n{READS_ALL}"
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
        r#"!("custom:cohort" in claims) && !has(claims.level)"#,
        r#"("custom:cohort" in claims) == has(claims.level)"#,
        r#"(sub == "a" && sub == "b") && (sub == "c" && (sub == "d" && sub == "e")) && sub == "f""#,
        r#"sub == "a" && (sub == "b" || sub == "c" || (sub == "d" && sub == "e"))"#,
    ];
    for text in table {
        let first = policy(&format!("when = '{text}'"));
        let written = condition(first.rules[0].when.as_ref().unwrap(), &first.claims);
        let second = policy(&format!("when = '''{written}'''"));
        let whens = [&first, &second].map(|spec| flat(spec.rules[0].when.as_ref().unwrap()));
        assert_eq!(whens[0], whens[1], "{text} → {written}");
    }
}

/// The claims of [`policy`].
fn claims() -> Vec<ClaimSpec> {
    policy("").claims
}

/// A condition without the grouping of `&&` and `||`.
fn flat(expr: &Expr) -> String {
    fn operands<'e>(expr: &'e Expr, is_and: bool, all: &mut Vec<&'e Expr>) {
        match (expr, is_and) {
            (Expr::And(left, right), true) | (Expr::Or(left, right), false) => {
                operands(left, is_and, all);
                operands(right, is_and, all);
            }
            _ => all.push(expr),
        }
    }
    let mut all = Vec::new();
    let is_and = matches!(expr, Expr::And(..));
    operands(expr, is_and, &mut all);
    match (expr, all.as_slice()) {
        (Expr::Not(inner), _) => format!("not {}", flat(inner)),
        (_, [_]) => format!("{expr:?}"),
        _ => format!(
            "{is_and} {:?}",
            all.into_iter().map(flat).collect::<Vec<_>>()
        ),
    }
}

/// The compiled form of a condition.
fn compiled(text: &str) -> Expr {
    let spec = policy(&format!("when = {}", quoted(text)));
    spec.rules.into_iter().next().unwrap().when.unwrap()
}

/// An expression as part of a condition.
fn compared(expr: Expr, with: Expr) -> Expr {
    Expr::Compare(Comparison::Lt, Box::new(expr), Box::new(with))
}

#[test]
fn what_no_author_writes_comes_back_too() {
    let network = |text: &str| {
        let (addr, prefix) = text.split_once('/').unwrap();
        Network {
            addr: addr.parse().unwrap(),
            prefix: prefix.parse().unwrap(),
        }
    };
    let negate = |expr| Expr::Negate(Box::new(expr));
    let at = claims().iter().position(|claim| claim.name == "level");
    let level = Expr::Claim(u16::try_from(at.unwrap()).unwrap());
    let int = |value| compared(level.clone(), value);
    let text = |text: &str| {
        let text = Expr::Str(text.to_owned());
        Expr::Compare(Comparison::Eq, Box::new(Expr::Subject), Box::new(text))
    };
    let table = [
        int(negate(Expr::Int(3))),
        int(negate(Expr::Int(-3))),
        int(negate(negate(level.clone()))),
        int(negate(Expr::Arithmetic(
            Arithmetic::Sub,
            Box::new(level.clone()),
            Box::new(Expr::Int(-1)),
        ))),
        int(Expr::Int(i64::MIN + 1)),
        int(Expr::Int(i64::MAX)),
        Expr::Not(Box::new(Expr::Not(Box::new(text("x"))))),
        Expr::And(
            Box::new(text("a")),
            Box::new(Expr::And(Box::new(text("b")), Box::new(text("c")))),
        ),
        Expr::And(
            Box::new(Expr::Or(Box::new(text("a")), Box::new(text("b")))),
            Box::new(text("c")),
        ),
        Expr::InNetworks(Box::new(Expr::ClientIp), vec![network("198.51.100.7/32")]),
        Expr::InNetworks(Box::new(Expr::ClientIp), vec![network("2001:db8::/32")]),
        text("\u{202e}staff\u{200b} \u{1f393} \u{e0041} \u{7f} \t \" \\ ' é"),
        compared(Expr::Now, Expr::Time(-62_167_219_200)),
        compared(Expr::Now, Expr::Time(253_402_300_799)),
        compared(
            Expr::TimeShift(Box::new(Expr::TimeShift(Box::new(Expr::Now), -1)), 0),
            Expr::Time(0),
        ),
    ];
    for expr in table {
        let text = condition(&expr, &claims());
        assert_eq!(text, tollgate_policy::visible::visible(&text));
        assert_eq!(flat(&compiled(&text)), flat(&expr), "{text}");
    }
    // What has no text of its own is written as something equal.
    let networks = ["10.0.0.0/8", "2001:db8::/32", "203.0.113.7/32"].map(network);
    for (expr, equal) in [
        (
            Expr::And(
                Box::new(Expr::InNetworks(
                    Box::new(Expr::ClientIp),
                    networks.to_vec(),
                )),
                Box::new(text("x")),
            ),
            "(cidr('10.0.0.0/8').containsIP(ip) || cidr('2001:db8::/32').containsIP(ip) \
             || cidr('203.0.113.7/32').containsIP(ip)) && sub == 'x'",
        ),
        (
            int(Expr::Int(i64::MIN)),
            "claims.level < -9223372036854775807 - 1",
        ),
        (
            compared(Expr::Now, Expr::Time(253_402_300_800)),
            "now < timestamp('1970-01-01T00:00:00Z') + duration('253402300800s')",
        ),
        (
            compared(Expr::Time(-62_167_219_201), Expr::Now),
            "timestamp('1970-01-01T00:00:00Z') - duration('62167219201s') < now",
        ),
    ] {
        let written = condition(&expr, &claims());
        assert_eq!(compiled(&written), compiled(equal), "{written}");
    }
}

#[test]
fn every_name_of_a_claim_comes_back() {
    let names = [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
        "_x",
        "x1",
        "1x",
        "a-b",
        "a b",
        "é",
        "it's",
        "has",
        "claims",
    ];
    for name in names {
        for (kind, expr) in [("bool", Expr::Claim(0)), ("string", Expr::Has(0))] {
            let rule = "[[rule]]\nid = \"r\"\nallow = [\"/\"]\nanyone = true\n";
            let claim = format!("{} = \"{kind}\"", quoted(name));
            let head = format!("schema = 1\n[site]\nname = \"x\"\n[claims]\n{claim}\n{rule}");
            let compile = |site: String| {
                let mut tree = SourceTree::new();
                tree.insert("site.toml", site);
                let compiled = compile(&tree, &CompileOptions::default());
                assert!(!compiled.has_errors(), "{name}: {:?}", compiled.diagnostics);
                compiled.policy.unwrap()
            };
            let declared = ClaimSpec {
                name: (*name).to_owned(),
                kind: tollgate_core::ClaimKind::Bool,
            };
            let written = condition(&expr, &[declared]);
            let spec = compile(format!("{head}when = {}\n", quoted(&written)));
            assert_eq!(spec.rules[0].when.as_ref(), Some(&expr), "{written}");
        }
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
