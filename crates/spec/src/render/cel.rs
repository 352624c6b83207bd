//! Conditions as CEL, with no more parentheses than needed.

use super::time;
use crate::model::{Expr, Network, Operator, Value};

/// Alternates between equivalent notations.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(usize);

impl Turns {
    /// 0, 1 or 2.
    pub(super) fn next(&mut self) -> usize {
        // The period is odd, so that the choices do not follow the structure around them.
        self.0 = (self.0 * 5 + 3) % 1_021;
        self.0 % 3
    }
}

pub(super) fn is_single(network: &Network) -> bool {
    network.prefix == if network.address.is_ipv4() { 32 } else { 128 }
}

/// The precedence of an expression.
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

pub(super) fn condition(expr: &Expr, turns: &mut Turns) -> String {
    expression(expr, turns).1
}

/// The text of `expr`, in parentheses if its precedence is below `at_least`.
fn operand(expr: &Expr, at_least: Binding, turns: &mut Turns) -> String {
    let (binding, text) = expression(expr, turns);
    if binding < at_least {
        format!("({text})")
    } else {
        text
    }
}

fn expression(expr: &Expr, turns: &mut Turns) -> (Binding, String) {
    let primary = |text: String| (Binding::Primary, text);
    match expr {
        Expr::Literal(Value::Int(int)) if *int < 0 => (Binding::Unary, int.to_string()),
        Expr::Literal(value) => primary(literal(value, turns)),
        Expr::Claim(name) => primary(claim(name, turns)),
        // The second notation is CEL's for names that are not identifiers.
        Expr::Has(name) if is_word(name) && turns.next() != 0 => {
            primary(format!("has(claims.{name})"))
        }
        Expr::Has(name) => (
            Binding::Relation,
            format!("{} in claims", string(name, turns)),
        ),
        Expr::Groups => primary("groups".to_owned()),
        Expr::Subject => primary("sub".to_owned()),
        Expr::Issuer => primary("issuer".to_owned()),
        Expr::Method => primary("method".to_owned()),
        Expr::ClientAddress => primary("ip".to_owned()),
        Expr::Now => primary("now".to_owned()),
        Expr::Capture(name) => primary(format!("path.{name}")),
        Expr::Not(a) => (
            Binding::Unary,
            format!("!{}", operand(a, Binding::Unary, turns)),
        ),
        Expr::And(a, b) => infix(Binding::And, Binding::And, "&&", a, b, turns),
        Expr::Or(a, b) => infix(Binding::Or, Binding::Or, "||", a, b, turns),
        Expr::Binary(operator, a, b) => binary(*operator, a, b, turns),
    }
}

fn binary(operator: Operator, a: &Expr, b: &Expr, turns: &mut Turns) -> (Binding, String) {
    let sign = match operator {
        Operator::Eq => "==",
        Operator::Ne => "!=",
        Operator::Lt => "<",
        Operator::Le => "<=",
        Operator::Gt => ">",
        Operator::Ge => ">=",
        Operator::Add => "+",
        Operator::Sub => "-",
        Operator::Mul => "*",
        Operator::In => match b {
            Expr::Literal(Value::Networks(networks)) => return within(networks, turns),
            _ => "in",
        },
        Operator::StartsWith => return method("startsWith", a, b, turns),
        Operator::EndsWith => return method("endsWith", a, b, turns),
        Operator::Contains => return method("contains", a, b, turns),
    };
    match operator {
        Operator::Sub if *a == Expr::Literal(Value::Int(0)) && turns.next() != 0 => (
            Binding::Unary,
            format!("-{}", operand(b, Binding::Primary, turns)),
        ),
        Operator::Add | Operator::Sub => infix(Binding::Sum, Binding::Product, sign, a, b, turns),
        Operator::Mul => infix(Binding::Product, Binding::Unary, sign, a, b, turns),
        _ => {
            let (a, b) = (
                operand(a, Binding::Sum, turns),
                operand(b, Binding::Sum, turns),
            );
            (Binding::Relation, format!("{a} {sign} {b}"))
        }
    }
}

fn infix(
    own: Binding,
    right: Binding,
    sign: &str,
    a: &Expr,
    b: &Expr,
    turns: &mut Turns,
) -> (Binding, String) {
    let (a, b) = (operand(a, own, turns), operand(b, right, turns));
    (own, format!("{a} {sign} {b}"))
}

fn method(name: &str, a: &Expr, b: &Expr, turns: &mut Turns) -> (Binding, String) {
    let (a, b) = (operand(a, Binding::Primary, turns), expression(b, turns).1);
    (Binding::Primary, format!("{a}.{name}({b})"))
}

fn within(networks: &[Network], turns: &mut Turns) -> (Binding, String) {
    match networks {
        [network] if !is_single(network) || turns.next() == 0 => {
            let text = format!(
                "cidr(\"{}/{}\").containsIP(ip)",
                network.address, network.prefix
            );
            (Binding::Primary, text)
        }
        _ => {
            let list: Vec<String> = networks
                .iter()
                .map(|network| format!("\"{}\"", network.address))
                .collect();
            (Binding::Relation, format!("ip in [{}]", list.join(", ")))
        }
    }
}

fn is_word(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn claim(name: &str, turns: &mut Turns) -> String {
    let is_identifier = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_identifier && turns.next() != 0 {
        format!("claims.{name}")
    } else {
        format!("claims[{}]", string(name, turns))
    }
}

fn literal(value: &Value, turns: &mut Turns) -> String {
    match value {
        Value::Text(text) => string(text, turns),
        Value::Int(int) => int.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Time(secs) => format!("timestamp(\"{}\")", time::rfc3339(*secs, turns.next())),
        Value::Secs(secs) => format!("duration(\"{}\")", duration(*secs, turns)),
        Value::Address(address) => format!("\"{address}\""),
        Value::List(values) => {
            let list: Vec<String> = values.iter().map(|value| literal(value, turns)).collect();
            format!("[{}]", list.join(", "))
        }
        // Written together with the compared address.
        Value::Networks(_) => String::new(),
    }
}

fn duration(secs: i64, turns: &mut Turns) -> String {
    match turns.next() {
        0 => format!("{secs}s"),
        1 if secs % 60 == 0 => format!("{}m", secs / 60),
        _ => format!("{}h{}m{}s", secs / 3_600, secs / 60 % 60, secs % 60),
    }
}

fn string(text: &str, turns: &mut Turns) -> String {
    let quote = if turns.next() == 0 { '\'' } else { '"' };
    let mut escaped = String::from(quote);
    for letter in text.chars() {
        if letter == '\\' || letter == quote {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped.push(quote);
    escaped
}
