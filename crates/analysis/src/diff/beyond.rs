//! Conditions whose solutions the walk cannot enumerate: those that relate two values of a request in another way
//! than by equality. The values that are tried come from the constants of the rules and from each other, so for
//! `path.a.startsWith(path.b)` or `claims.n - claims.m == 5` there may be a request that is not among them.

use tollgate_policy::spec::{Comparison, Expr, RuleSpec};

use super::{Collector, NEW, OLD};
use crate::walk::{PatternId, Walk};

/// Notes the patterns of rules that differ and have such a condition, unless a request shows already that they
/// open access.
pub(super) fn note(found: &mut Collector<'_, '_>, walk: &Walk<'_, '_>) {
    for number in 0..walk.pattern_count() {
        let id = PatternId(u32::try_from(number).unwrap_or(u32::MAX));
        if walk.is_shared(id) {
            continue;
        }
        let sides = [(OLD, found.old), (NEW, found.new)];
        let is_beyond = sides.into_iter().any(|(side, policy)| {
            let owners = walk.owners(id, side).into_iter();
            let mut rules = owners.filter_map(|rule| policy.spec().rules.get(rule));
            rules.any(has_relation)
        });
        let source = walk.source(id);
        let is_shown = |found: &Collector<'_, '_>| {
            let mut differences = found.diff.differences.iter();
            differences.any(|difference| difference.opens() && difference.paths == source)
        };
        if is_beyond && !is_shown(found) && !found.diff.gave_up.iter().any(|known| known == source)
        {
            found.diff.gave_up.push(source.to_owned());
        }
    }
}

/// Whether a condition of the rule relates two values of a request.
fn has_relation(rule: &RuleSpec) -> bool {
    let mut has = false;
    for condition in [&rule.when, &rule.unless].into_iter().flatten() {
        condition.each(&mut |expr| has |= is_relation(expr));
    }
    has
}

fn is_relation(expr: &Expr) -> bool {
    match expr {
        Expr::StringTest(_, left, right) => values(left) > 0 && values(right) > 0,
        // Equal values are tried, but not those that make sums equal.
        Expr::Compare(Comparison::Eq | Comparison::Ne, left, right) => {
            let is_plain = |side: &Expr| side.children().next().is_none();
            values(left) + values(right) > 1 && !(is_plain(left) && is_plain(right))
        }
        Expr::Compare(_, left, right) => values(left) + values(right) > 1,
        _ => false,
    }
}

/// The number of values of a request that an expression reads. The time does not count: it is compared with
/// constants.
fn values(expr: &Expr) -> usize {
    let mut count = 0;
    expr.each(&mut |part| {
        count += usize::from(matches!(
            part,
            Expr::Claim(_) | Expr::Subject | Expr::Issuer | Expr::Method | Expr::Capture(_)
        ));
    });
    count
}

#[cfg(test)]
mod tests;
