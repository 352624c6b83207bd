use std::collections::BTreeSet;

use super::*;
use crate::claims::Claims;
use crate::diagnostic::Span;
use crate::diagnostic::render::line_and_column;
use crate::document::{Document, repair};
use crate::rule::who::Captures;

/// Reads one condition as in a rule with the pattern `/{cap}`, and returns the
/// expression or the diagnostics as `column code message`.
fn lower(condition: &str) -> Result<Expr, Vec<String>> {
    let source = format!(
        "[claims]\nbeta = \"bool\"\nlevel = \"int\"\nroles = \"string[]\"\n\n[r]\nwhen = '''{condition}'''\n"
    );
    let mut report = Report::new("x.toml");
    let repaired = repair(&source, &mut report);
    let document = Document::parse(&repaired);
    let claims = Claims::read(document.root(), &mut report);
    let captures = [Captures {
        names: BTreeSet::from(["cap".to_owned()]),
        span: Span::default(),
    }];
    let text = document.root().table("r").unwrap().text("when").unwrap();
    let scope = Scope {
        claims: &claims,
        captures: &captures,
    };
    let expr = read(&text, scope, &mut report);
    let findings: Vec<_> = report
        .diagnostics
        .iter()
        .map(|finding| {
            let (_, column) = line_and_column(&source, finding.span.unwrap().start);
            format!(
                "{} {} {}",
                column.saturating_sub("when = '''".len()),
                finding.code.id,
                finding.message
            )
        })
        .collect();
    // What is refused is explained, and what is explained is refused.
    assert_eq!(
        expr.is_none(),
        !findings.is_empty(),
        "{condition:?} {findings:?}"
    );
    expr.ok_or(findings)
}

#[test]
fn operators_bind_as_in_cel() {
    let cases = [
        (
            "claims.beta || claims.beta && !claims.beta",
            "Or(Claim(0), And(Claim(0), Not(Claim(0))))",
        ),
        (
            "1 + 2 * 3 - -4 == 0",
            "Compare(Eq, Arithmetic(Sub, Arithmetic(Add, Int(1), Arithmetic(Mul, Int(2), Int(3))), Int(-4)), Int(0))",
        ),
        (
            "-claims.level < -(1)",
            "Compare(Lt, Negate(Claim(1)), Negate(Int(1)))",
        ),
        ("!!claims.beta", "Claim(0)"),
        ("has(claims.roles)", "Has(2)"),
        ("'roles' in claims", "Has(2)"),
        ("'a' in claims.roles", "InClaim(Str(\"a\"), 2)"),
        ("path.cap in groups", "InGroups(Capture(\"cap\"))"),
        ("sub in ['a', \"b\"]", "InStrings(Subject, [\"a\", \"b\"])"),
        (
            "r'\\d' == \"\\u00e9\\n\"",
            "Compare(Eq, Str(\"\\\\d\"), Str(\"é\\n\"))",
        ),
        ("0x10 == 16", "Compare(Eq, Int(16), Int(16))"),
        (
            "now - duration('1h') < timestamp('1970-01-01T00:00:10Z')",
            "Compare(Lt, TimeShift(Now, -3600), Time(10))",
        ),
        (
            "duration('-1m') + now == now",
            "Compare(Eq, TimeShift(Now, -60), Now)",
        ),
        (
            "'::ffff:1.2.3.4' == ip",
            "Compare(Eq, Ip(1.2.3.4), ClientIp)",
        ),
        (
            "cidr('10.0.0.0/8').containsIP(ip)",
            "InNetworks(ClientIp, [Network { addr: 10.0.0.0, prefix: 8 }])",
        ),
        ("true // && false", "Bool(true)"),
    ];
    for (condition, expected) in cases {
        assert_eq!(
            lower(condition).map(|expr| format!("{expr:?}")),
            Ok(expected.to_owned()),
            "{condition}"
        );
    }
}

#[test]
fn findings_point_into_the_condition() {
    let cases: &[(&str, &[&str])] = &[
        (
            "claims.beta && claims.leve == 1",
            &["16 TG0304 claim `leve` is not declared"],
        ),
        (
            "(claims.beta) && ( 3 == \"x\" )",
            &["20 TG0302 an int cannot be compared with a string"],
        ),
        (
            "claims.x || claims.y",
            &[
                "1 TG0304 claim `x` is not declared",
                "13 TG0304 claim `y` is not declared",
            ],
        ),
        ("sub == 'é' && foo", &["15 TG0305 `foo` is not a name here"]),
        (
            "claims.level == 1 + ",
            &["21 TG0301 the condition ends too early"],
        ),
        ("sub.matches('x') || é", &["21 TG0301 unexpected `é`"]),
        (
            "sub == '?' && a ? b : c",
            &["17 TG0307 `?` is not accepted in conditions"],
        ),
    ];
    for (condition, expected) in cases {
        assert_eq!(lower(condition).unwrap_err(), *expected, "{condition}");
    }
}

#[test]
fn the_guard_knows_literals() {
    for condition in [
        "'(?' == sub",
        "\"\\\"?\" == sub",
        "r'\\' == sub || '?' == sub",
        "sub == \"\"\"a\"?\"\"\"",
        "true // ?(",
    ] {
        assert!(guard::check(condition).is_ok(), "{condition}");
    }
    for condition in ["'a' ? 1", "r'\\' ? 1", "\"\\\\\" ? 1", "'''a''' ? 1"] {
        assert!(guard::check(condition).is_err(), "{condition}");
    }
    assert_eq!(guard::bracketed_length("(a[')'] + {b}) + c"), 14);
    assert_eq!(guard::bracketed_length("(a"), 2);
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    /// An expression that CEL's grammar knows, of any type.
    fn expression(&mut self, depth: usize) -> String {
        let atoms = [
            "claims",
            "claims.beta",
            "claims.level",
            "claims.roles",
            "claims['level']",
            "groups",
            "sub",
            "issuer",
            "path",
            "path.cap",
            "method",
            "ip",
            "now",
            "1",
            "-1",
            "'a'",
            "'10.0.0.1'",
            "true",
            "null",
            "1.5",
            "{}",
            "has(claims.beta)",
            "[1, 2]",
            "['a']",
            "[]",
            "duration('1h')",
            "timestamp('2027-01-01T00:00:00Z')",
            "cidr('10.0.0.0/8')",
            "unknown",
            "claims.unknown",
        ];
        let operators = [
            "==", "!=", "<", "<=", ">", ">=", "&&", "||", "in", "+", "-", "*", "/", "%",
        ];
        let calls = [
            "startsWith",
            "contains",
            "containsIP",
            "matches",
            "size",
            "exists",
            "nothing",
        ];
        if depth == 0 {
            return self.pick(&atoms).to_owned();
        }
        let (left, right) = (self.expression(depth - 1), self.expression(depth - 1));
        match self.below(6) {
            0 => format!("!({left})"),
            1 => format!("-({left})"),
            2 => format!("({left}).{}({right})", self.pick(&calls)),
            3 => format!("({left})[{right}]"),
            _ => format!("({left}) {} ({right})", self.pick(&operators)),
        }
    }
}

#[test]
fn every_expression_is_taken_or_explained() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    for depth in [1, 2, 3] {
        for _ in 0..4_000 {
            accepted += usize::from(lower(&random.expression(depth)).is_ok());
        }
    }
    assert!(accepted > 100, "{accepted}");
}

/// Strings of random tokens must be rejected or accepted, never panic, and on a small stack.
#[test]
fn no_token_soup_panics() {
    let tokens = [
        "claims",
        ".",
        "level",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "'a'",
        "\"",
        "'",
        "\\",
        "1",
        "1u",
        "1.5",
        "0x",
        "-",
        "!",
        "+",
        "*",
        "/",
        "%",
        "==",
        "<",
        "&&",
        "||",
        "&",
        "in",
        "groups",
        "has",
        "path",
        "cap",
        ",",
        ":",
        "now",
        "ip",
        "sub",
        "timestamp",
        "cidr",
        "startsWith",
        "containsIP",
        "exists",
        "all",
        "x",
        "é",
        "`",
        "?",
        " ",
        "\n",
        "//",
        "null",
        "true",
        "b'",
        "r\"",
        "99999999999999999999",
        ".5",
        "if",
        "$",
        "@",
    ];
    let run = move || {
        let mut random = Random(0x2545_F491_4F6C_DD1D);
        for _ in 0..20_000 {
            let length = 1 + random.below(14);
            let condition: String = (0..length).map(|_| random.pick(&tokens)).collect();
            if !condition.contains("'''") && !condition.trim().is_empty() {
                let _ = lower(&condition);
            }
        }
        // What nests as deep as the limits let it.
        for unit in [
            "!-", "-(", "a.", "a[", "[", "{1:", "f(", "a.f(", "1+", "a&&", "a in ", "has(", "(",
            "x.all(y,",
        ] {
            let _ = lower(&unit.repeat(1_999 / unit.len()));
            let _ = lower(&(unit.repeat(31) + "1"));
        }
    };
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}
