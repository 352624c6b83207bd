//! Conditions as CEL text, with no more brackets than needed.

use core::net::IpAddr;

use tollgate_compiler::spec::{Arithmetic, Comparison, Expr, Network, StringTest};

use super::rfc3339;
use crate::policy::Policy;

/// How strongly an expression holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Relation,
    Sum,
    Product,
    Unary,
    Primary,
}

/// The text of a condition of this policy.
pub fn condition(policy: &Policy, expr: &Expr) -> String {
    write(policy, expr).1
}

fn operand(policy: &Policy, expr: &Expr, at_least: Binding) -> String {
    let (binding, text) = write(policy, expr);
    if binding < at_least {
        format!("({text})")
    } else {
        text
    }
}

fn write(policy: &Policy, expr: &Expr) -> (Binding, String) {
    let primary = |text: String| (Binding::Primary, text);
    let infix = |own, left: &Expr, sign: &str, right: &Expr, right_binding| {
        let left = operand(policy, left, own);
        let right = operand(policy, right, right_binding);
        (own, format!("{left} {sign} {right}"))
    };
    let relation = |left: &Expr, sign: &str, right: String| {
        let left = operand(policy, left, Binding::Sum);
        (Binding::Relation, format!("{left} {sign} {right}"))
    };
    match expr {
        Expr::Bool(value) => primary(value.to_string()),
        Expr::Str(text) => primary(string(text)),
        Expr::Int(int) if *int < 0 => (Binding::Unary, int.to_string()),
        Expr::Int(int) => primary(int.to_string()),
        Expr::Time(secs) => primary(format!("timestamp(\"{}\")", rfc3339(*secs))),
        Expr::Ip(addr) => primary(string(&addr.to_string())),
        Expr::Claim(slot) => primary(claim(policy, *slot)),
        Expr::Has(slot) => {
            let name = name(policy, *slot);
            if is_word(name) {
                primary(format!("has(claims.{name})"))
            } else {
                (Binding::Relation, format!("{} in claims", string(name)))
            }
        }
        Expr::Subject => primary("sub".to_owned()),
        Expr::Issuer => primary("issuer".to_owned()),
        Expr::Method => primary("method".to_owned()),
        Expr::ClientIp => primary("ip".to_owned()),
        Expr::Now => primary("now".to_owned()),
        Expr::Capture(name) => primary(format!("path.{name}")),
        Expr::Not(inner) => (
            Binding::Unary,
            format!("!{}", operand(policy, inner, Binding::Unary)),
        ),
        Expr::And(left, right) => infix(Binding::And, left, "&&", right, Binding::And),
        Expr::Or(left, right) => infix(Binding::Or, left, "||", right, Binding::Or),
        Expr::Compare(comparison, left, right) => {
            let right = operand(policy, right, Binding::Sum);
            relation(left, sign(*comparison), right)
        }
        Expr::Arithmetic(Arithmetic::Add, left, right) => {
            infix(Binding::Sum, left, "+", right, Binding::Product)
        }
        Expr::Arithmetic(Arithmetic::Sub, left, right) => {
            infix(Binding::Sum, left, "-", right, Binding::Product)
        }
        Expr::Arithmetic(Arithmetic::Mul, left, right) => {
            infix(Binding::Product, left, "*", right, Binding::Unary)
        }
        Expr::Negate(inner) => (
            Binding::Unary,
            format!("-{}", operand(policy, inner, Binding::Primary)),
        ),
        Expr::TimeShift(inner, secs) => {
            let inner = operand(policy, inner, Binding::Sum);
            let sign = if *secs < 0 { '-' } else { '+' };
            let secs = secs.unsigned_abs();
            (
                Binding::Sum,
                format!("{inner} {sign} duration(\"{}\")", duration(secs)),
            )
        }
        Expr::StringTest(test, whole, part) => {
            let name = match test {
                StringTest::StartsWith => "startsWith",
                StringTest::EndsWith => "endsWith",
                StringTest::Contains => "contains",
            };
            let whole = operand(policy, whole, Binding::Primary);
            primary(format!("{whole}.{name}({})", condition(policy, part)))
        }
        Expr::InStrings(inner, texts) => {
            let texts: Vec<String> = texts.iter().map(|text| string(text)).collect();
            relation(inner, "in", format!("[{}]", texts.join(", ")))
        }
        Expr::InInts(inner, ints) => {
            let ints: Vec<String> = ints.iter().map(i64::to_string).collect();
            relation(inner, "in", format!("[{}]", ints.join(", ")))
        }
        Expr::InNetworks(inner, networks) => match networks.as_slice() {
            [network] if !is_single(network) => primary(format!(
                "cidr(\"{}/{}\").containsIP({})",
                network.addr,
                network.prefix,
                condition(policy, inner)
            )),
            networks => {
                let addrs: Vec<String> = networks
                    .iter()
                    .map(|network| string(&network.addr.to_string()))
                    .collect();
                relation(inner, "in", format!("[{}]", addrs.join(", ")))
            }
        },
        Expr::InGroups(inner) => relation(inner, "in", "groups".to_owned()),
        Expr::InClaim(inner, slot) => relation(inner, "in", claim(policy, *slot)),
    }
}

fn is_single(network: &Network) -> bool {
    match network.addr {
        IpAddr::V4(_) => network.prefix == 32,
        IpAddr::V6(_) => network.prefix == 128,
    }
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "==",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}

fn name(policy: &Policy, slot: u16) -> &str {
    let claims = &policy.spec().claims;
    claims
        .get(usize::from(slot))
        .map_or("?", |claim| claim.name.as_str())
}

fn claim(policy: &Policy, slot: u16) -> String {
    let name = name(policy, slot);
    if is_word(name) {
        format!("claims.{name}")
    } else {
        format!("claims[{}]", string(name))
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn duration(secs: u64) -> String {
    match secs {
        _ if secs > 0 && secs.is_multiple_of(3_600) => format!("{}h", secs / 3_600),
        _ if secs > 0 && secs.is_multiple_of(60) => format!("{}m", secs / 60),
        _ => format!("{secs}s"),
    }
}

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        if letter == '\\' || letter == '"' {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}
