//! Conditions with one part changed.

use tollgate_policy::spec::{Arithmetic, ClaimSpec, Comparison, Expr, StringTest};

use super::network::neighbours;
use crate::syntax;

/// A changed condition.
pub(super) struct Change {
    /// The original text of the changed part.
    pub(super) was: String,
    /// The number of earlier parts with the same text.
    pub(super) nth: usize,
    /// The new text of the part.
    pub(super) is: String,
    /// The whole changed condition.
    pub(super) now: Expr,
}

/// Every condition that differs from `expr` in one part.
pub(super) fn changes(expr: &Expr, claims: &[ClaimSpec]) -> Vec<Change> {
    let mut all = Vec::new();
    // Count parts with the same text, to find the right span.
    let mut before: Vec<String> = Vec::new();
    walk(expr, true, &mut |part, is_condition, put| {
        let was = syntax::condition(part, claims);
        let nth = before.iter().filter(|text| **text == was).count();
        before.push(was.clone());
        for now in local(part, is_condition) {
            all.push(Change {
                was: was.clone(),
                nth,
                is: syntax::condition(&now, claims),
                now: put(now),
            });
        }
    });
    all
}

/// Receives a part, whether it is itself a condition, and a function that replaces it.
type Visit<'v> = &'v mut dyn FnMut(&Expr, bool, &dyn Fn(Expr) -> Expr);

/// Calls `visit` for every part of `expr`.
fn walk(expr: &Expr, is_condition: bool, visit: Visit<'_>) {
    visit(expr, is_condition, &|now| now);
    for (at, part) in parts(expr).into_iter().enumerate() {
        let joins = matches!(expr, Expr::And(..) | Expr::Or(..) | Expr::Not(_));
        walk(
            part,
            is_condition && joins,
            &mut |inner, is_condition, put| {
                visit(inner, is_condition, &|now| with_part(expr, at, put(now)));
            },
        );
    }
}

fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::And(left, right)
        | Expr::Or(left, right)
        | Expr::Compare(_, left, right)
        | Expr::Arithmetic(_, left, right)
        | Expr::StringTest(_, left, right) => vec![left, right],
        Expr::Not(inner)
        | Expr::Negate(inner)
        | Expr::TimeShift(inner, _)
        | Expr::InStrings(inner, _)
        | Expr::InInts(inner, _)
        | Expr::InNetworks(inner, _)
        | Expr::InGroups(inner)
        | Expr::InClaim(inner, _) => vec![inner],
        _ => Vec::new(),
    }
}

fn with_part(expr: &Expr, at: usize, part: Expr) -> Expr {
    let mut changed = expr.clone();
    let place = match &mut changed {
        Expr::And(left, right)
        | Expr::Or(left, right)
        | Expr::Compare(_, left, right)
        | Expr::Arithmetic(_, left, right)
        | Expr::StringTest(_, left, right) => {
            if at == 0 {
                left
            } else {
                right
            }
        }
        Expr::Not(inner)
        | Expr::Negate(inner)
        | Expr::TimeShift(inner, _)
        | Expr::InStrings(inner, _)
        | Expr::InInts(inner, _)
        | Expr::InNetworks(inner, _)
        | Expr::InGroups(inner)
        | Expr::InClaim(inner, _) => inner,
        _ => return changed,
    };
    **place = part;
    changed
}

/// The mutations of this part.
fn local(expr: &Expr, is_condition: bool) -> Vec<Expr> {
    let mut all = Vec::new();
    match expr {
        Expr::And(left, right) => {
            all.push(Expr::Or(left.clone(), right.clone()));
            all.extend([(**left).clone(), (**right).clone()]);
        }
        Expr::Or(left, right) => {
            all.push(Expr::And(left.clone(), right.clone()));
            all.extend([(**left).clone(), (**right).clone()]);
        }
        Expr::Not(inner) | Expr::Negate(inner) => all.push((**inner).clone()),
        Expr::Compare(how, left, right) => {
            all.extend(
                others(*how)
                    .iter()
                    .map(|other| Expr::Compare(*other, left.clone(), right.clone())),
            );
        }
        Expr::Arithmetic(how, left, right) => {
            let other = match how {
                Arithmetic::Add => Arithmetic::Sub,
                Arithmetic::Sub | Arithmetic::Mul => Arithmetic::Add,
            };
            all.push(Expr::Arithmetic(other, left.clone(), right.clone()));
        }
        Expr::StringTest(how, left, right) => {
            let other = match how {
                StringTest::StartsWith | StringTest::EndsWith => StringTest::Contains,
                StringTest::Contains => StringTest::StartsWith,
            };
            all.push(Expr::StringTest(other, left.clone(), right.clone()));
        }
        Expr::Int(value) => {
            let near = [value.checked_add(1), value.checked_sub(1)];
            all.extend(near.into_iter().flatten().map(Expr::Int));
        }
        Expr::Time(seconds) => {
            let near = [seconds.checked_add(1), seconds.checked_sub(1)];
            all.extend(near.into_iter().flatten().map(Expr::Time));
        }
        Expr::TimeShift(inner, by) => {
            let opposite = by.checked_neg();
            all.extend(opposite.map(|by| Expr::TimeShift(inner.clone(), by)));
            all.push((**inner).clone());
        }
        Expr::Str(text) => all.push(Expr::Str(format!("{text}~"))),
        Expr::InStrings(inner, list) => {
            for at in 0..list.len() {
                let rest = if list.len() == 1 {
                    list.iter().map(|text| format!("{text}~")).collect()
                } else {
                    without(list, at)
                };
                all.push(Expr::InStrings(inner.clone(), rest));
            }
        }
        Expr::InInts(inner, list) if list.len() > 1 => {
            all.extend((0..list.len()).map(|at| Expr::InInts(inner.clone(), without(list, at))));
        }
        Expr::InNetworks(inner, list) => {
            if list.len() > 1 {
                all.extend(
                    (0..list.len()).map(|at| Expr::InNetworks(inner.clone(), without(list, at))),
                );
            } else {
                let near = list.iter().flat_map(neighbours);
                all.extend(near.map(|network| Expr::InNetworks(inner.clone(), vec![network])));
            }
        }
        _ => {}
    }
    let is_joint = matches!(
        expr,
        Expr::And(..) | Expr::Or(..) | Expr::Not(_) | Expr::Compare(..)
    );
    if is_condition && !is_joint {
        all.push(Expr::Not(Box::new(expr.clone())));
    }
    all
}

fn others(how: Comparison) -> &'static [Comparison] {
    match how {
        Comparison::Eq => &[Comparison::Ne],
        Comparison::Ne => &[Comparison::Eq],
        Comparison::Lt => &[Comparison::Le, Comparison::Ge],
        Comparison::Le => &[Comparison::Lt, Comparison::Gt],
        Comparison::Gt => &[Comparison::Ge, Comparison::Le],
        Comparison::Ge => &[Comparison::Gt, Comparison::Lt],
    }
}

pub(super) fn without<T: Clone>(list: &[T], at: usize) -> Vec<T> {
    let mut list = list.to_vec();
    if at < list.len() {
        list.remove(at);
    }
    list
}
