//! Conditions as CEL, with no more parentheses than needed.
//!
//! Not here: reading them ([`condition`](crate::condition)).

use super::{moment, network, quoted, width};
use crate::spec::{Arithmetic, ClaimSpec, Comparison, Expr, Network, StringTest};

/// The first and the last second that RFC 3339 can write.
const TIMES: core::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// A condition in CEL.
pub fn condition(expr: &Expr, claims: &[ClaimSpec]) -> String {
    Cel { claims }.write(expr, 0)
}

struct Cel<'a> {
    claims: &'a [ClaimSpec],
}

impl Cel<'_> {
    /// Writes `expr` in parentheses if it binds less tightly than `outer`.
    fn write(&self, expr: &Expr, outer: u8) -> String {
        let (text, level) = self.bare(expr);
        if level < outer {
            format!("({text})")
        } else {
            text
        }
    }

    /// The text, and how tightly it binds: 1 `||`, 2 `&&`, 3 comparisons, 4 sums, 5 products, 6 signs, 7 all else.
    fn bare(&self, expr: &Expr) -> (String, u8) {
        // Sums and products group from the left; a comparison of comparisons needs parentheses on both sides. How
        // `&&` and `||` are grouped makes no difference.
        let two = |left: &Expr, sign: &str, right: &Expr, level: u8| {
            let (left_level, right_level) = match level {
                1 | 2 => (level, level),
                3 => (4, 4),
                _ => (level, level + 1),
            };
            let left = self.write(left, left_level);
            let right = self.write(right, right_level);
            (format!("{left} {sign} {right}"), level)
        };
        match expr {
            Expr::Bool(value) => (value.to_string(), 7),
            Expr::Str(text) => (quoted(text), 7),
            Expr::Int(value) => int(*value),
            Expr::Time(seconds) => time(*seconds),
            Expr::Ip(addr) => (format!("\"{addr}\""), 7),
            Expr::Claim(slot) => (self.claim(*slot), 7),
            Expr::Has(slot) => self.has(*slot),
            Expr::Subject => ("sub".to_owned(), 7),
            Expr::Issuer => ("issuer".to_owned(), 7),
            Expr::Method => ("method".to_owned(), 7),
            Expr::ClientIp => ("ip".to_owned(), 7),
            Expr::Now => ("now".to_owned(), 7),
            Expr::Capture(name) => (format!("path.{name}"), 7),
            // Two signs in a row would cancel each other when they are read.
            Expr::Not(inner) => (format!("!{}", self.write(inner, 7)), 6),
            Expr::And(left, right) => two(left, "&&", right, 2),
            Expr::Or(left, right) => two(left, "||", right, 1),
            Expr::Compare(how, left, right) => two(left, comparison(*how), right, 3),
            Expr::Arithmetic(Arithmetic::Mul, left, right) => two(left, "*", right, 5),
            Expr::Arithmetic(Arithmetic::Add, left, right) => two(left, "+", right, 4),
            Expr::Arithmetic(Arithmetic::Sub, left, right) => two(left, "-", right, 4),
            // A sign before a number would make it another number.
            Expr::Negate(inner) if matches!(**inner, Expr::Int(_)) => {
                (format!("-({})", self.write(inner, 0)), 6)
            }
            Expr::Negate(inner) => (format!("-{}", self.write(inner, 7)), 6),
            Expr::TimeShift(inner, seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                let length = duration(seconds.unsigned_abs());
                let inner = self.write(inner, 4);
                (format!("{inner} {sign} duration(\"{length}\")"), 4)
            }
            Expr::StringTest(test, left, right) => {
                let (left, right) = (self.write(left, 7), self.write(right, 0));
                (format!("{left}.{}({right})", string_test(*test)), 7)
            }
            Expr::InStrings(inner, list) => {
                let list: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                (self.one_of(inner, &list), 3)
            }
            Expr::InInts(inner, list) => {
                let list: Vec<String> = list.iter().map(i64::to_string).collect();
                (self.one_of(inner, &list), 3)
            }
            Expr::InNetworks(inner, list) => self.in_networks(inner, list),
            Expr::InGroups(inner) => (format!("{} in groups", self.write(inner, 4)), 3),
            Expr::InClaim(inner, slot) => {
                let (inner, claim) = (self.write(inner, 4), self.claim(*slot));
                (format!("{inner} in {claim}"), 3)
            }
        }
    }

    /// A list holds single addresses only; networks are tested one by one.
    fn in_networks(&self, inner: &Expr, list: &[Network]) -> (String, u8) {
        let is_single = |one: &Network| one.prefix == width(one.addr);
        if list.iter().all(is_single) {
            let list: Vec<String> = list.iter().map(|one| format!("\"{}\"", one.addr)).collect();
            return (self.one_of(inner, &list), 3);
        }
        let ip = self.write(inner, 0);
        let each: Vec<String> = list
            .iter()
            .map(|one| format!("cidr(\"{}\").containsIP({ip})", network(one)))
            .collect();
        (each.join(" || "), if each.len() == 1 { 7 } else { 1 })
    }

    fn one_of(&self, inner: &Expr, list: &[String]) -> String {
        format!("{} in [{}]", self.write(inner, 4), list.join(", "))
    }

    fn name(&self, slot: u16) -> &str {
        let claim = self.claims.get(usize::from(slot));
        claim.map_or("?", |claim| claim.name.as_str())
    }

    fn claim(&self, slot: u16) -> String {
        let name = self.name(slot);
        if is_word(name) {
            format!("claims.{name}")
        } else {
            format!("claims[{}]", quoted(name))
        }
    }

    fn has(&self, slot: u16) -> (String, u8) {
        let name = self.name(slot);
        if is_word(name) {
            (format!("has(claims.{name})"), 7)
        } else {
            (format!("{} in claims", quoted(name)), 3)
        }
    }
}

/// A number, of which CEL has no literal for the least one.
fn int(value: i64) -> (String, u8) {
    match value {
        i64::MIN => (format!("{} - 1", value + 1), 4),
        value if value < 0 => (value.to_string(), 6),
        value => (value.to_string(), 7),
    }
}

/// A time; one that no timestamp can write is counted from one that it can.
fn time(seconds: i64) -> (String, u8) {
    if TIMES.contains(&seconds) {
        return (format!("timestamp(\"{}\")", moment(seconds)), 7);
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let distance = seconds.unsigned_abs().min(i64::MAX.unsigned_abs());
    let text = format!(
        "timestamp(\"{}\") {sign} duration(\"{distance}s\")",
        moment(0)
    );
    (text, 4)
}

/// Whether CEL can read `name` after a dot: no other character, and none of the words it reserves.
fn is_word(name: &str) -> bool {
    const RESERVED: [&str; 21] = [
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
    ];
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&name)
}

/// The sign of a comparison.
pub fn comparison(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => "==",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}

/// The name of a string test.
pub fn string_test(test: StringTest) -> &'static str {
    match test {
        StringTest::StartsWith => "startsWith",
        StringTest::EndsWith => "endsWith",
        StringTest::Contains => "contains",
    }
}

/// A length of time: `72h`, `1h30m`, `90s`.
fn duration(seconds: u64) -> String {
    let parts = [
        (seconds / 3_600, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let text: String = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}
