//! Printed random rules compile back to the same rules.

use tollgate_analysis::text::{constraints, people};
use tollgate_analysis::who::{Times, who};
use tollgate_compiler::limits::MAX_NAME_BYTES;
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::{ClaimKind, Effect};
use tollgate_policy::spec::{Expr, ImageSpec, RuleSpec};
use tollgate_policy::syntax::{condition, quoted};
use tollgate_spec::generate::Generator;
use tollgate_spec::render;

use crate::support::{Both, NOW, Tally, prove};

/// The policy of one rule with these keys, and the claims of another policy.
pub(crate) fn with_keys(claims: &ImageSpec, keys: &str) -> Result<ImageSpec, String> {
    let mut text = "schema = 1\n[site]\nname = \"printed\"\n[claims]\n".to_owned();
    for claim in &claims.claims {
        let kind = match claim.kind {
            ClaimKind::String => "string",
            ClaimKind::Int => "int",
            ClaimKind::Bool => "bool",
            ClaimKind::StringList => "string[]",
        };
        text.push_str(&format!("{} = \"{kind}\"\n", quoted(&claim.name)));
    }
    text.push_str(&format!(
        "[paths]\nascii_only = {}\norigin = \"{}\"\n",
        claims.ascii_only,
        claims.reader.code()
    ));
    if let Some(index) = &claims.index {
        text.push_str(&format!("index = {}\n", quoted(index)));
    }
    // The issuers of rendered policies, which rules name.
    for (name, iss) in render::ISSUERS {
        text.push_str(&format!(
            "[[issuer]]\nname = \"{name}\"\nissuer = \"{iss}\"\nclients = [\"c\"]\nalgorithms = [\"HS256\"]\n\
             groups_claim = \"g\"\nsecrets = [{{ kid = \"k\", file = \"k.key\" }}]\n"
        ));
    }
    text.push_str(&format!("[[rule]]\nid = \"printed\"\n{keys}\n"));
    // Claims that no rule reads have no slot.
    let slots = 0..u16::try_from(claims.claims.len()).unwrap();
    let read: Vec<String> = slots
        .map(|slot| condition(&Expr::Has(slot), &claims.claims))
        .collect();
    if !read.is_empty() {
        let when = quoted(&read.join(" && "));
        text.push_str(&format!(
            "[[rule]]\nid = \"reads\"\ndeny = [\"/never-requested\"]\nwhen = {when}\n"
        ));
    }
    let mut sources = SourceTree::new();
    sources.insert("k.key", "A".repeat(43));
    sources.insert("site.toml", text.clone());
    let compiled = compile(&sources, &CompileOptions::default());
    match compiled.policy {
        Some(spec) if !compiled.diagnostics.iter().any(|found| found.is_error()) => Ok(spec),
        _ => Err(format!("{text}\n{:#?}", compiled.diagnostics)),
    }
}

/// The rule's effect and patterns as keys.
fn paths(rule: &RuleSpec) -> String {
    let effect = match rule.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let paths: Vec<String> = rule
        .patterns
        .iter()
        .map(|one| quoted(&one.source))
        .collect();
    format!("{effect} = [{}]", paths.join(", "))
}

/// Keys of a rule that were printed in one line, as lines.
pub(crate) fn lines(keys: &str) -> String {
    // A `deny` for everyone has no key for its principals.
    let keys = keys.strip_prefix("everyone").unwrap_or(keys);
    let keys = keys.strip_prefix(", ").unwrap_or(keys);
    let table = format!("rule = {{ {keys} }}");
    let table: toml::Table = table
        .parse()
        .unwrap_or_else(|error| panic!("{keys}: {error}"));
    let table = table["rule"].as_table().unwrap();
    table
        .iter()
        .map(|(key, value)| format!("{key} = {}\n", value_text(value)))
        .collect()
}

fn value_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => quoted(text),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
        toml::Value::Array(items) => {
            let items: Vec<String> = items.iter().map(value_text).collect();
            format!("[{}]", items.join(", "))
        }
        other => panic!("{other:?}"),
    }
}

/// A condition with its chains of `&&` and `||` grouped from the left: how they are grouped makes no difference.
fn flat(condition: &Option<Expr>) -> Option<Expr> {
    fn operands(expr: Expr, is_and: bool, all: &mut Vec<Expr>) {
        match (expr, is_and) {
            (Expr::And(left, right), true) | (Expr::Or(left, right), false) => {
                operands(*left, is_and, all);
                operands(*right, is_and, all);
            }
            (expr, _) => all.push(grouped(expr)),
        }
    }
    fn grouped(expr: Expr) -> Expr {
        let join: fn(Box<Expr>, Box<Expr>) -> Expr = match &expr {
            Expr::And(..) => Expr::And,
            Expr::Or(..) => Expr::Or,
            Expr::Not(inner) => return Expr::Not(Box::new(grouped((**inner).clone()))),
            Expr::Compare(how, left, right) => {
                let sides = [left, right].map(|side| Box::new(grouped((**side).clone())));
                let [left, right] = sides;
                return Expr::Compare(*how, left, right);
            }
            _ => return expr,
        };
        let (mut all, is_and) = (Vec::new(), matches!(expr, Expr::And(..)));
        operands(expr, is_and, &mut all);
        all.into_iter()
            .reduce(|left, right| join(left.into(), right.into()))
            .unwrap()
    }
    condition.clone().map(grouped)
}

fn check(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let both = Both::of(Generator::new(seed).policy());
    let spec = both.policy.spec();
    for rule in both.policy.rules() {
        let mut keys = vec![paths(rule)];
        keys.extend(people(&both.policy, rule));
        keys.extend(constraints(&both.policy, rule));
        let printed = with_keys(spec, &keys.join("\n")).unwrap_or_else(|text| panic!("{text}"));
        let again = &printed.rules[0];
        assert_eq!(
            (again.effect, again.methods, &again.who, &again.networks),
            (rule.effect, rule.methods, &rule.who, &rule.networks),
            "seed {seed}: {keys:?}"
        );
        assert_eq!(
            (
                again.from,
                again.until,
                flat(&again.when),
                flat(&again.unless)
            ),
            (rule.from, rule.until, flat(&rule.when), flat(&rule.unless)),
            "seed {seed}: {keys:?}"
        );
        tally.add("rules printed", 1);
    }
    // With the captures of a path filled in.
    let mut generator = Generator::new(seed);
    let model = generator.policy();
    for _ in 0..8 {
        let target = generator.request(&model).target;
        // A name that a capture makes may be longer than one that a rule can hold.
        if target.len() > MAX_NAME_BYTES / 2 {
            continue;
        }
        let Ok(found) = who(
            &both.policy,
            &String::from_utf8_lossy(&target),
            Times::Any(NOW),
        ) else {
            continue;
        };
        let allows = found.allows.iter().map(|access| ("allow", access));
        let denies = found.denies.iter().map(|access| ("deny", access));
        for (effect, access) in allows.chain(denies) {
            // A scope has no spaces, so that some captures make none, and the name stays as it is.
            // Neither has a rule a name with a character that cannot be seen.
            if access.who.contains(['{', '\\']) {
                continue;
            }
            let keys = format!("{effect} = [\"/**\"]\n{}", lines(&access.who));
            with_keys(spec, &keys).unwrap_or_else(|text| panic!("seed {seed}: {text}"));
            tally.add("rules printed for a path", 1);
        }
    }
    tally
}

#[test]
fn printed_rules_compile_back() {
    prove("printed", check);
}
