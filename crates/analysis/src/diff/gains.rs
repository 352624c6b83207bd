//! The principals of a difference: those that one policy allows and the other does not, because of one rule.
//!
//! For an allow that was added or edited these are its own principals. For a deny that no longer matches they are
//! those of the allows that it overrode. They are narrowed by what the edit makes certain, and by nothing else, so
//! that every principal who gains access is among them. Not here: the search for the difference and its witness.

mod meet;

use tollgate_core::Effect;
use tollgate_policy::spec::{Expr, Pattern, Principals, RuleSpec, Template};

use crate::covers::covers;
use crate::narrow::{
    Conditions, Narrow, Part, conjuncts, disjuncts, group, is_never_unknown, opposite,
};
use crate::policy::Policy;
use crate::text;
use meet::meet;

/// Most principals that are listed in one text.
const MOST_LISTED: usize = 4;

/// Principals in one text.
pub(super) fn listed(principals: &[String]) -> String {
    let first: Vec<&str> = principals
        .iter()
        .take(MOST_LISTED)
        .map(String::as_str)
        .collect();
    let mut text = first.join("; or ");
    if let Some(more @ 1..) = principals.len().checked_sub(MOST_LISTED) {
        text.push_str(&format!("; or those of {more} more rules"));
    }
    text
}

/// An edit of a rule, seen from the policy that allows what the other one does not.
pub(super) struct Edit<'p> {
    /// The policy that denies.
    pub(super) shut: &'p Policy,
    /// The policy that allows.
    pub(super) open: &'p Policy,
    /// The rule that differs: an allow of the policy that allows, or a deny of the other one.
    pub(super) rule: &'p RuleSpec,
    /// The position of the pattern in the rule.
    pub(super) pattern: &'p Pattern,
    /// The rule of the same name in the other policy.
    pub(super) counterpart: Option<&'p RuleSpec>,
    /// The rule that allows the witness.
    pub(super) allowing: Option<&'p RuleSpec>,
    /// Whether the policy that allows has every deny of the other one.
    pub(super) keeps_denies: bool,
}

impl Edit<'_> {
    /// Returns the principals, each in the keys of a rule; every principal who gains access is among them.
    pub(super) fn principals(&self) -> Vec<String> {
        let clauses = match self.rule.effect {
            Effect::Allow => vec![self.allow()],
            Effect::Deny => self.deny(),
        };
        let mut texts: Vec<String> = Vec::new();
        for clause in clauses {
            let text = text::who(self.open, &clause);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }

    /// Returns the counterpart if it has the pattern and the effect, and differs in one part.
    fn edited(&self) -> Option<(&RuleSpec, Part)> {
        let other = self.counterpart?;
        let has_pattern = other.patterns.iter().any(|pattern| {
            pattern.segments == self.pattern.segments
                && pattern.trailing_slash == self.pattern.trailing_slash
        });
        // Slots of claims are a policy's own numbers.
        let same_slots = self.shut.spec().claims == self.open.spec().claims;
        let part = only_difference(self.rule, other, same_slots)?;
        (has_pattern && other.effect == self.rule.effect).then_some((other, part))
    }

    /// Returns the principals of an allow, without those that it allowed before the edit.
    fn allow(&self) -> RuleSpec {
        let mut clause = self.rule.clone();
        // If a deny went away too, its principals gain by the allow that was there before.
        if let Some((before, part)) = self.edited().filter(|_| self.keeps_denies) {
            clause.without(before, part);
            if part == Part::When {
                clause.also_when(self.no_longer(before.when.as_ref(), self.rule.when.as_ref()));
            }
        }
        if self.keeps_denies {
            self.drop_known(&mut clause);
        }
        clause.simplify();
        clause
    }

    /// Drops groups whose members the other policy allows everything that this clause does.
    fn drop_known(&self, clause: &mut RuleSpec) {
        let limits = clause.clone();
        let plain = |name: &str| Template {
            prefix: name.to_owned(),
            capture: None,
            suffix: String::new(),
        };
        if let Some(groups) = &mut clause.who.groups {
            let new: Vec<Template> = groups
                .iter()
                .filter(|name| !self.allows_already(&limits, name))
                .cloned()
                .collect();
            if !new.is_empty() {
                *groups = new;
            }
        }
        if let Some(when) = &clause.when {
            let mut parts = Vec::new();
            disjuncts(when, &mut parts);
            parts.retain(|part| {
                group(part).is_none_or(|name| !self.allows_already(&limits, &plain(name)))
            });
            let new = parts
                .into_iter()
                .cloned()
                .reduce(|left, right| Expr::Or(left.into(), right.into()));
            if new.is_some() {
                clause.when = new;
            }
        }
    }

    /// Whether the other policy has an `allow` for this group that requires nothing that the clause does not.
    fn allows_already(&self, clause: &RuleSpec, name: &Template) -> bool {
        let same_slots = self.shut.spec().claims == self.open.spec().claims;
        let is_same_path = |pattern: &Pattern| {
            pattern.segments == self.pattern.segments
                && pattern.trailing_slash == self.pattern.trailing_slash
        };
        let is_wide = |known: &&RuleSpec| {
            let RuleSpec {
                effect,
                methods,
                patterns,
                who,
                networks,
                from,
                until,
                when,
                unless,
                course: _,
                id: _,
                because: _,
            } = *known;
            let Principals {
                groups,
                scopes,
                subjects,
                issuers,
                anyone: _,
                signed_in: _,
            } = who;
            let is_kept = |own: &Option<Expr>, other: &Option<Expr>| {
                own.is_none() || own == other && same_slots
            };
            let is_listed = groups.as_ref().is_some_and(|groups| groups.contains(name))
                && is_kept(when, &self.rule.when);
            let is_asked = || {
                let mut parts = Vec::new();
                if let (None, Some(when)) = (groups, when) {
                    disjuncts(when, &mut parts);
                }
                let is_it = |part: &&Expr| group(part) == Some(name.prefix.as_str());
                name.capture.is_none() && parts.iter().any(is_it)
            };
            let is_on_path = patterns.iter().any(|pattern| match name.capture {
                // A capture has the same value only in the same place.
                Some(_) => is_same_path(pattern),
                None => covers(pattern, self.pattern),
            });
            *effect == Effect::Allow
                && methods.contains(clause.methods)
                && is_on_path
                && (is_listed || is_asked())
                && is_kept(unless, &self.rule.unless)
                && (networks.is_none() || *networks == clause.networks)
                && from.is_none_or(|from| clause.from.is_some_and(|own| own >= from))
                && until.is_none_or(|until| clause.until.is_some_and(|own| own <= until))
                && (scopes.is_none() || *scopes == clause.who.scopes)
                && (subjects.is_none() || *subjects == clause.who.subjects)
                && (issuers.is_none() || *issuers == clause.who.issuers)
        };
        self.shut.rules().iter().any(|rule| is_wide(&rule))
    }

    /// Returns the principals of the allows that a deny no longer overrides.
    fn deny(&self) -> Vec<RuleSpec> {
        let is_allowing = |rule: &RuleSpec| {
            let allowing = self.allowing;
            allowing.is_some_and(|allowing| {
                (&allowing.course, &allowing.id) == (&rule.course, &rule.id)
            })
        };
        let meets = |rule: &&RuleSpec| {
            rule.effect == Effect::Allow
                && rule
                    .patterns
                    .iter()
                    .any(|pattern| meet(pattern, self.pattern))
        };
        let mut allows: Vec<&RuleSpec> = self.open.rules().iter().filter(meets).collect();
        allows.sort_by_key(|rule| !is_allowing(rule));
        let concerned = |rule: &&RuleSpec| {
            let mut clause = (*rule).clone();
            clause.among(self.rule);
            let edited = self.edited();
            // Where a condition was edited, what it no longer excepts is more exact.
            if !edited.is_some_and(|(_, part)| matches!(part, Part::When | Part::Unless)) {
                clause.among_conditions(self.rule);
            }
            if let Some((now, part)) = edited {
                clause.outside(now, part);
                if part == Part::Unless {
                    clause
                        .also_when(self.no_longer(self.rule.unless.as_ref(), now.unless.as_ref()));
                }
            }
            clause.simplify();
            clause.holds_for_some().then_some(clause)
        };
        let clauses: Vec<RuleSpec> = allows.iter().filter_map(concerned).collect();
        match (clauses.is_empty(), self.allowing) {
            (true, Some(rule)) => vec![rule.clone()],
            _ => clauses,
        }
    }
}

impl Edit<'_> {
    /// Returns the condition under which the condition `without` does not hold although `with` does: the opposite of
    /// the parts that only it has, if none of them can be unknown.
    fn no_longer(&self, without: Option<&Expr>, with: Option<&Expr>) -> Option<Expr> {
        if self.shut.spec().claims != self.open.spec().claims {
            return None;
        }
        let (mut lacking, mut holding) = (Vec::new(), Vec::new());
        conjuncts(without?, &mut lacking);
        conjuncts(with?, &mut holding);
        lacking.retain(|part| !holding.contains(part));
        let all_known = lacking.iter().all(|part| is_never_unknown(part));
        let opposites = lacking.into_iter().map(opposite);
        opposites
            .reduce(|left, right| Expr::Or(left.into(), right.into()))
            .filter(|_| all_known)
    }
}

/// The part in which two rules differ, their names, reasons and patterns aside, if it is one.
fn only_difference(a: &RuleSpec, b: &RuleSpec, same_slots: bool) -> Option<Part> {
    // Without `..`, so that a new part does not compile before it is decided what it means here.
    let RuleSpec {
        course: _,
        id: _,
        effect: _,
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
    let Principals {
        anyone,
        signed_in,
        groups,
        scopes,
        subjects,
        issuers,
    } = who;
    let conditions = |a: &Option<Expr>, b: &Option<Expr>| a != b || !(same_slots || a.is_none());
    let differ = [
        (Part::Methods, *methods != b.methods),
        (
            Part::OtherPrincipals,
            (*anyone, *signed_in) != (b.who.anyone, b.who.signed_in),
        ),
        (Part::Groups, *groups != b.who.groups),
        (Part::Scopes, *scopes != b.who.scopes),
        (Part::Subjects, *subjects != b.who.subjects),
        (Part::Issuers, *issuers != b.who.issuers),
        (Part::Networks, *networks != b.networks),
        (Part::From, *from != b.from),
        (Part::Until, *until != b.until),
        (Part::When, conditions(when, &b.when)),
        (Part::Unless, conditions(unless, &b.unless)),
    ];
    let mut parts = differ.into_iter().filter(|(_, differs)| *differs);
    match (parts.next(), parts.next()) {
        (Some((part, _)), None) => Some(part),
        _ => None,
    }
}
