//! Conditions: true, false or unknown for a request.

use core::net::IpAddr;

use crate::model::{Expr, Facts, Network, Operator, Request, Token, Value, Value::*};
use crate::pattern::Captures;

/// Whether a condition may be true (`yes`), and whether it may be false (`no`). For a real request
/// at most one of them is set; with neither, it is unknown. For an imagined token both may be set.
#[derive(Clone, Copy)]
pub(crate) struct Truth {
    pub(crate) yes: bool,
    pub(crate) no: bool,
}

impl Truth {
    pub(crate) fn new(yes: bool, no: bool) -> Self {
        Self { yes, no }
    }

    pub(crate) fn known(truth: bool) -> Self {
        Self::new(truth, !truth)
    }

    pub(crate) fn not(self) -> Self {
        Self::new(self.no, self.yes)
    }

    /// True if both are true; false if one is false, even if the other is unknown.
    pub(crate) fn and(self, other: Self) -> Self {
        Self::new(self.yes && other.yes, self.no || other.no)
    }
}

/// What is known about a value.
enum Known {
    Is(Value),
    Unknown,
    /// It depends on the imagined token.
    Open,
}

/// Evaluates a condition.
pub(crate) fn truth(expr: &Expr, request: &Request, captures: &Captures) -> Truth {
    let truth = |expr| truth(expr, request, captures);
    match expr {
        Expr::Not(a) => truth(a).not(),
        Expr::And(a, b) => truth(a).and(truth(b)),
        Expr::Or(a, b) => truth(a).not().and(truth(b).not()).not(),
        _ => match value(expr, request, captures) {
            Known::Is(value) => Truth::known(value == Bool(true)),
            Known::Unknown => Truth::new(false, false),
            Known::Open => Truth::new(true, true),
        },
    }
}

fn value(expr: &Expr, request: &Request, captures: &Captures) -> Known {
    let value = |expr| value(expr, request, captures);
    let known = match expr {
        Expr::Literal(value) => Some(value.clone()),
        Expr::Method => Some(Text(request.method.clone())),
        Expr::Now => Some(Time(request.now)),
        Expr::ClientAddress => request.ip.map(|ip| Address(ip.to_canonical())),
        Expr::Capture(name) => captures.get(name).cloned().map(Text),
        Expr::Binary(operator, a, b) => match (value(a), value(b)) {
            (Known::Unknown, _) | (_, Known::Unknown) => None,
            (Known::Open, _) | (_, Known::Open) => return Known::Open,
            (Known::Is(a), Known::Is(b)) => compute(*operator, a, b),
        },
        Expr::Not(_) | Expr::And(..) | Expr::Or(..) => match truth(expr, request, captures) {
            Truth { yes, no } if yes && no => return Known::Open,
            Truth { yes, no } => (yes || no).then_some(Bool(yes)),
        },
        Expr::Claim(_) | Expr::Has(_) | Expr::Groups | Expr::Subject | Expr::Issuer => {
            match &request.token {
                Token::Imagined => return Known::Open,
                Token::Verified(facts) => from_token(expr, facts),
                // Only the groups and the subject are known, to be empty.
                _ if *expr == Expr::Groups => Some(List(Vec::new())),
                _ if *expr == Expr::Subject => Some(Text(String::new())),
                _ => None,
            }
        }
    };
    known.map_or(Known::Unknown, Known::Is)
}

fn from_token(expr: &Expr, facts: &Facts) -> Option<Value> {
    match expr {
        Expr::Groups => Some(List(
            facts.groups.iter().flatten().cloned().map(Text).collect(),
        ))
        .filter(|_| facts.groups.is_some()),
        Expr::Subject => facts.subject.clone().map(Text),
        Expr::Issuer => Some(Text(facts.issuer.clone())),
        Expr::Claim(name) => facts.claims.get(name)?.clone(),
        Expr::Has(name) if !facts.claims.contains_key(name) => Some(Bool(false)),
        Expr::Has(name) => facts.claims.get(name)?.as_ref().map(|_| Bool(true)),
        _ => None,
    }
}

/// Returns `None`, unknown, on overflow.
fn compute(operator: Operator, a: Value, b: Value) -> Option<Value> {
    use Operator::*;
    Some(match (operator, a, b) {
        (Eq, a, b) => Bool(a == b),
        (Ne, a, b) => Bool(a != b),
        (Lt, a, b) => Bool(a < b),
        (Le, a, b) => Bool(a <= b),
        (Gt, a, b) => Bool(a > b),
        (Ge, a, b) => Bool(a >= b),
        (Add, Int(a), Int(b)) => Int(a.checked_add(b)?),
        (Sub, Int(a), Int(b)) => Int(a.checked_sub(b)?),
        (Mul, Int(a), Int(b)) => Int(a.checked_mul(b)?),
        (Add, Time(a), Secs(b)) => Time(a.checked_add(b)?),
        (Sub, Time(a), Secs(b)) => Time(a.checked_sub(b)?),
        (In, a, List(list)) => Bool(list.contains(&a)),
        (In, Address(a), Networks(networks)) => Bool(is_within(a, &networks)),
        (StartsWith, Text(a), Text(b)) => Bool(a.starts_with(&b)),
        (EndsWith, Text(a), Text(b)) => Bool(a.ends_with(&b)),
        (Contains, Text(a), Text(b)) => Bool(a.contains(&b)),
        _ => return None,
    })
}

/// IPv4 addresses written as IPv6 count as IPv4; otherwise the two families never match.
pub(crate) fn is_within(address: IpAddr, networks: &[Network]) -> bool {
    networks.iter().any(|network| {
        let (a, b, bits): (u128, u128, u32) = match (address.to_canonical(), network.address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
            _ => return false,
        };
        let ignored = bits - u32::from(network.prefix);
        (a ^ b).checked_shr(ignored).unwrap_or(0) == 0
    })
}
