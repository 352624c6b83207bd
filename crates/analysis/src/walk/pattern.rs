//! Patterns as a walk steps through them.

use std::collections::HashMap;
use std::hash::DefaultHasher;

use core::hash::{Hash, Hasher};

use tollgate_core::ClaimKind;
use tollgate_policy::spec::{Expr, Pattern, RuleSpec, Segment};

use crate::policy::Policy;
use crate::space::Space;

/// A part of a pattern.
#[derive(Debug)]
pub(super) enum Part<'p> {
    Literal(&'p str),
    Glob(&'p str),
    /// Any one segment that nothing reads.
    Any,
    /// Any one segment; the number is the place of its text among the captures.
    Capture(usize),
    /// `**`; the last one of `/**` takes at least a slash.
    Rest {
        last: bool,
    },
}

/// A pattern of one or more equivalent rules.
#[derive(Debug)]
pub(super) struct Pat<'p> {
    pub(super) pattern: &'p Pattern,
    parts: Vec<Part<'p>>,
    /// The number of captures that the rules read.
    pub(super) captures: usize,
    /// Per side: rules, and the number of the pattern in them.
    pub(super) owners: Vec<Vec<(usize, usize)>>,
}

impl<'p> Pat<'p> {
    pub(super) fn is_shared(&self) -> bool {
        self.owners.len() > 1 && self.owners.iter().all(|owners| !owners.is_empty())
    }

    pub(super) fn part(&self, at: u16) -> Option<&Part<'p>> {
        self.parts.get(usize::from(at))
    }

    /// The place from which every path fits.
    pub(super) fn inside_rest(&self) -> u16 {
        u16::try_from(self.parts.len() + 1).unwrap_or(u16::MAX)
    }

    pub(super) fn is_inside_rest(&self, at: u16) -> bool {
        usize::from(at) == self.parts.len() + 1
    }

    /// Whether a path that ends here fits.
    pub(super) fn ends(&self, at: u16, slash: bool) -> bool {
        match self.part(at) {
            Some(Part::Rest { last: true }) => slash,
            Some(_) => false,
            None if self.is_inside_rest(at) => true,
            None => slash == self.pattern.trailing_slash,
        }
    }
}

/// All patterns of a space's policies. Equal patterns of equivalent rules are one.
pub(super) fn all<'p>(space: &Space<'p>) -> Vec<Pat<'p>> {
    let mut pats: Vec<Pat<'p>> = Vec::new();
    let mut owner_of: Vec<(usize, &'p RuleSpec)> = Vec::new();
    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    for (number, side) in space.sides.iter().enumerate() {
        let policy: &'p Policy = side.policy;
        for (rule_number, rule) in policy.rules().iter().enumerate() {
            for (at, pattern) in rule.patterns.iter().enumerate() {
                let places = known.entry(hash(rule, pattern)).or_default();
                let is_equal = |index: &&usize| {
                    let pat = pats.get(**index).map(|pat| pat.pattern);
                    let owner = owner_of.get(**index);
                    pat.is_some_and(|other| is_same_pattern(other, pattern))
                        && owner.is_some_and(|(side, other)| {
                            are_equivalent(space, (*side, other), (number, rule))
                        })
                };
                let index = match places.iter().find(is_equal) {
                    Some(index) => *index,
                    None => {
                        pats.push(pat(rule, pattern, space.sides.len()));
                        owner_of.push((number, rule));
                        places.push(pats.len() - 1);
                        pats.len() - 1
                    }
                };
                if let Some(owners) = pats
                    .get_mut(index)
                    .and_then(|pat| pat.owners.get_mut(number))
                {
                    owners.push((rule_number, at));
                }
            }
        }
    }
    pats
}

fn hash(rule: &RuleSpec, pattern: &Pattern) -> u64 {
    let mut hasher = DefaultHasher::new();
    pattern.source.hash(&mut hasher);
    (rule.effect, rule.methods, rule.from, rule.until).hash(&mut hasher);
    rule.who.groups.hash(&mut hasher);
    hasher.finish()
}

fn is_same_pattern(a: &Pattern, b: &Pattern) -> bool {
    a.segments == b.segments && a.trailing_slash == b.trailing_slash
}

/// Whether two rules are equivalent, except for their names, reasons and patterns.
fn are_equivalent(space: &Space<'_>, a: (usize, &RuleSpec), b: (usize, &RuleSpec)) -> bool {
    let ((a_side, a), (b_side, b)) = (a, b);
    let condition = |a: &Option<Expr>, b: &Option<Expr>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            // Slots are a policy's own numbers; claims are identified by name and type.
            let by_name = a_side == b_side || has_same_slots(space, a_side, a, b_side, b);
            if by_name {
                a == b
            } else {
                renumbered(space, a_side, a)
                    .is_some_and(|a| renumbered(space, b_side, b).is_some_and(|b| a == b))
            }
        }
        _ => false,
    };
    // Without `..`, so that a new part of rules does not compile before it is compared.
    let RuleSpec {
        course: _,
        id: _,
        effect,
        methods,
        because: _,
        patterns: _,
        who,
        networks,
        from,
        until,
        when,
        unless,
    } = a;
    *effect == b.effect
        && *methods == b.methods
        && *who == b.who
        && *networks == b.networks
        && *from == b.from
        && *until == b.until
        && condition(when, &b.when)
        && condition(unless, &b.unless)
}

fn has_same_slots(space: &Space<'_>, a_side: usize, a: &Expr, b_side: usize, b: &Expr) -> bool {
    let mut same = true;
    for expr in [a, b] {
        expr.each(&mut |expr| {
            if let Some(slot) = slot_of(expr) {
                same &= space.slot(a_side, slot) == space.slot(b_side, slot);
            }
        });
    }
    same
}

fn slot_of(expr: &Expr) -> Option<u16> {
    match expr {
        Expr::Claim(slot) | Expr::Has(slot) | Expr::InClaim(_, slot) => Some(*slot),
        _ => None,
    }
}

/// A condition with the space's numbers of claims and their types in place of slots.
fn renumbered(space: &Space<'_>, side: usize, expr: &Expr) -> Option<(Expr, Vec<ClaimKind>)> {
    let mut kinds = Vec::new();
    let mut expr = expr.clone();
    let mut good = true;
    expr.each_mut(&mut |expr| {
        let slot = match expr {
            Expr::Claim(slot) | Expr::Has(slot) | Expr::InClaim(_, slot) => slot,
            _ => return,
        };
        match space.slot(side, *slot) {
            Some((number, kind)) => {
                *slot = number;
                kinds.push(kind);
            }
            None => good = false,
        }
    });
    good.then_some((expr, kinds))
}

fn pat<'p>(rule: &'p RuleSpec, pattern: &'p Pattern, sides: usize) -> Pat<'p> {
    let used = rule.captures();
    let count = pattern.segments.len();
    let parts = pattern
        .segments
        .iter()
        .enumerate()
        .map(|(at, segment)| match segment {
            Segment::Literal(text) => Part::Literal(text),
            Segment::Glob(text) if text == "*" => Part::Any,
            Segment::Glob(text) => Part::Glob(text),
            Segment::Capture(name) => match used.iter().position(|used| *used == name) {
                Some(number) => Part::Capture(number),
                None => Part::Any,
            },
            Segment::Rest => Part::Rest {
                last: at + 1 == count && !pattern.trailing_slash,
            },
        })
        .collect();
    Pat {
        pattern,
        parts,
        captures: used.len(),
        owners: vec![Vec::new(); sides],
    }
}
