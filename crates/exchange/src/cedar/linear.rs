//! Numbers computed from one claim or the time: `claims.level * 2 - 1`.
//!
//! Cedar skips a policy if a number overflows. For a number computed from one variable, the range
//! of values without overflow is known at export time, and the exported condition checks it first.

use tollgate_core::ClaimKind;
use tollgate_policy::spec::{Arithmetic, ClaimSpec, Expr};

use super::limit::Limit;
use super::truth::{Value, both};

/// A number: the condition under which it is known, and its value.
pub(super) struct Line {
    pub(super) known: String,
    pub(super) text: String,
}

/// Whether the expression is a number or a timestamp.
pub(super) fn is_number(expr: &Expr, claims: &[ClaimSpec]) -> bool {
    match expr {
        Expr::Int(_) | Expr::Time(_) | Expr::Now => true,
        Expr::Arithmetic(..) | Expr::Negate(_) | Expr::TimeShift(..) => true,
        Expr::Claim(slot) => kind(*slot, claims).is_some_and(|kind| match kind {
            ClaimKind::Int => true,
            ClaimKind::String | ClaimKind::Bool | ClaimKind::StringList => false,
        }),
        _ => false,
    }
}

/// Whether the expression is a string.
pub(super) fn is_text(expr: &Expr, claims: &[ClaimSpec]) -> bool {
    match expr {
        Expr::Str(_) | Expr::Subject | Expr::Issuer | Expr::Method | Expr::Capture(_) => true,
        Expr::Claim(slot) => kind(*slot, claims).is_some_and(|kind| match kind {
            ClaimKind::String => true,
            ClaimKind::Int | ClaimKind::Bool | ClaimKind::StringList => false,
        }),
        _ => false,
    }
}

fn kind(slot: u16, claims: &[ClaimSpec]) -> Option<ClaimKind> {
    claims.get(usize::from(slot)).map(|claim| claim.kind)
}

/// `factor · variable + offset`, and the range of the variable without overflow.
struct Parts {
    unknown: Option<Value>,
    factor: i128,
    offset: i128,
    lowest: i128,
    highest: i128,
    text: String,
}

/// The number in Cedar; `None` if it always overflows.
pub(super) fn line(expr: &Expr, claim: &dyn Fn(u16) -> Value) -> Result<Option<Line>, Limit> {
    let Some(parts) = parts(expr, claim)? else {
        return Ok(None);
    };
    let Some(unknown) = parts.unknown else {
        return Ok(Some(Line {
            known: "true".to_owned(),
            text: parts.text,
        }));
    };
    if parts.lowest > parts.highest {
        return Ok(None);
    }
    let mut known = unknown.known;
    if parts.lowest > i128::from(i64::MIN) {
        known = both(&known, &format!("{} >= {}", unknown.text, parts.lowest));
    }
    if parts.highest < i128::from(i64::MAX) {
        known = both(&known, &format!("{} <= {}", unknown.text, parts.highest));
    }
    Ok(Some(Line {
        known,
        text: parts.text,
    }))
}

fn parts(expr: &Expr, claim: &dyn Fn(u16) -> Value) -> Result<Option<Parts>, Limit> {
    let unknown = |value: Value| Parts {
        text: value.text.clone(),
        unknown: Some(value),
        factor: 1,
        offset: 0,
        lowest: i128::from(i64::MIN),
        highest: i128::from(i64::MAX),
    };
    Ok(match expr {
        Expr::Int(value) | Expr::Time(value) => Some(constant(*value)),
        Expr::Now => Some(unknown(Value {
            known: "true".to_owned(),
            text: "context.now".to_owned(),
        })),
        Expr::Claim(slot) => Some(unknown(claim(*slot))),
        Expr::Negate(inner) => parts(inner, claim)?.and_then(|inner| {
            step(&inner, None, -inner.factor, -inner.offset, |text, _| {
                format!("-({text})")
            })
        }),
        Expr::TimeShift(inner, by) => match parts(inner, claim)? {
            Some(inner) => joined(Arithmetic::Add, &inner, &constant(*by))?,
            None => None,
        },
        Expr::Arithmetic(how, left, right) => match (parts(left, claim)?, parts(right, claim)?) {
            (Some(left), Some(right)) => joined(*how, &left, &right)?,
            _ => None,
        },
        _ => None,
    })
}

fn constant(value: i64) -> Parts {
    Parts {
        unknown: None,
        factor: 0,
        offset: i128::from(value),
        lowest: i128::from(i64::MIN),
        highest: i128::from(i64::MAX),
        text: format!("({value})"),
    }
}

fn joined(how: Arithmetic, left: &Parts, right: &Parts) -> Result<Option<Parts>, Limit> {
    if let (Some(one), Some(other)) = (&left.unknown, &right.unknown)
        && (one.text != other.text || how == Arithmetic::Mul)
    {
        return Err(Limit::TwoClaims);
    }
    let (factor, offset, sign) = match how {
        Arithmetic::Add => (left.factor + right.factor, left.offset + right.offset, '+'),
        Arithmetic::Sub => (left.factor - right.factor, left.offset - right.offset, '-'),
        Arithmetic::Mul => {
            // One side has no variable, so its factor is zero.
            let factor = left
                .factor
                .checked_mul(right.offset)
                .zip(right.factor.checked_mul(left.offset))
                .and_then(|(one, other)| one.checked_add(other));
            let offset = left.offset.checked_mul(right.offset);
            match factor.zip(offset) {
                Some((factor, offset)) => (factor, offset, '*'),
                None => return Ok(None),
            }
        }
    };
    Ok(step(left, Some(right), factor, offset, |left, right| {
        format!("({left} {sign} {right})")
    }))
}

/// Adds one step, and narrows the range to where this step does not overflow.
fn step(
    left: &Parts,
    right: Option<&Parts>,
    factor: i128,
    offset: i128,
    text: impl Fn(&str, &str) -> String,
) -> Option<Parts> {
    let (low, high) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let mut lowest = right.map_or(left.lowest, |right| left.lowest.max(right.lowest));
    let mut highest = right.map_or(left.highest, |right| left.highest.min(right.highest));
    if factor == 0 {
        if offset < low || offset > high {
            return None;
        }
    } else {
        // low ≤ factor · x + offset ≤ high
        let (from, to) = (low.checked_sub(offset)?, high.checked_sub(offset)?);
        let (from, to) = if factor > 0 { (from, to) } else { (to, from) };
        lowest = lowest.max(ceiling(from, factor));
        highest = highest.min(floor(to, factor));
    }
    let unknown = left.unknown.clone();
    Some(Parts {
        unknown: unknown.or(right.and_then(|right| right.unknown.clone())),
        factor,
        offset,
        lowest,
        highest,
        text: text(&left.text, right.map_or("", |right| &right.text)),
    })
}

fn floor(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value / by, value % by);
    if rest != 0 && ((rest < 0) != (by < 0)) {
        quotient - 1
    } else {
        quotient
    }
}

fn ceiling(value: i128, by: i128) -> i128 {
    -floor(-value, by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_keep_every_step_from_overflowing() {
        let level = || Box::new(Expr::Claim(0));
        let int = |value| Box::new(Expr::Int(value));
        let double = Expr::Arithmetic(Arithmetic::Mul, level(), int(2));
        let less = Expr::Arithmetic(Arithmetic::Sub, Box::new(double.clone()), int(1));
        let table = [
            (Expr::Claim(0), Some((i64::MIN, i64::MAX))),
            (double, Some((i64::MIN / 2, i64::MAX / 2))),
            (less, Some((i64::MIN / 2 + 1, i64::MAX / 2))),
            (Expr::Negate(level()), Some((-i64::MAX, i64::MAX))),
            (
                Expr::Arithmetic(Arithmetic::Mul, int(i64::MAX), int(2)),
                None,
            ),
            (
                Expr::TimeShift(Box::new(Expr::Now), 10),
                Some((i64::MIN, i64::MAX - 10)),
            ),
        ];
        let claim = |_| Value {
            known: "k".to_owned(),
            text: "x".to_owned(),
        };
        for (expr, bounds) in table {
            let found = parts(&expr, &claim).unwrap();
            let found = found.map(|parts| (parts.lowest, parts.highest));
            let bounds = bounds.map(|(low, high)| (i128::from(low), i128::from(high)));
            assert_eq!(found, bounds, "{expr:?}");
        }
        let two = Expr::Arithmetic(Arithmetic::Add, level(), Box::new(Expr::Now));
        let claim = |_| Value {
            known: "k".to_owned(),
            text: "other".to_owned(),
        };
        assert!(matches!(parts(&two, &claim), Err(Limit::TwoClaims)));
    }
}
