//! The principals of a difference: those that one policy allows and the other does not, because of one rule.
//!
//! For an allow that was added or edited these are its own principals. For a deny that no longer matches they are
//! those of the allows that it overrode. They are narrowed by what the edit makes certain, and by nothing else, so
//! that every principal who gains access is among them. Not here: the search for the difference and its witness.

mod meet;

use tollgate_compiler::limits::is_condition_within;
use tollgate_core::{Effect, MethodSet};
use tollgate_policy::spec::{Comparison, Expr, Pattern, Principals, RuleSpec, Template};

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
        clause
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
            if let Some((now, part)) = self.edited() {
                clause.outside(now, part);
                if part == Part::Unless {
                    clause
                        .also_when(self.no_longer(self.rule.unless.as_ref(), now.unless.as_ref()));
                }
            }
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

fn conjuncts<'e>(condition: &'e Expr, all: &mut Vec<&'e Expr>) {
    if let Expr::And(left, right) = condition {
        conjuncts(left, all);
        conjuncts(right, all);
    } else {
        all.push(condition);
    }
}

/// Whether a condition is true or false of every request: it reads only what every request has.
fn is_never_unknown(condition: &Expr) -> bool {
    let mut known = true;
    condition.each(&mut |expr| {
        known &= matches!(
            expr,
            Expr::Bool(_)
                | Expr::Str(_)
                | Expr::Time(_)
                | Expr::Method
                | Expr::Now
                | Expr::Not(_)
                | Expr::And(..)
                | Expr::Or(..)
                | Expr::Compare(..)
                | Expr::StringTest(..)
                | Expr::InStrings(..)
                | Expr::InGroups(_)
        );
    });
    known
}

/// The opposite of a condition that is never unknown.
fn opposite(condition: &Expr) -> Expr {
    let comparison = |comparison: Comparison| match comparison {
        Comparison::Eq => Comparison::Ne,
        Comparison::Ne => Comparison::Eq,
        Comparison::Lt => Comparison::Ge,
        Comparison::Le => Comparison::Gt,
        Comparison::Gt => Comparison::Le,
        Comparison::Ge => Comparison::Lt,
    };
    match condition {
        Expr::Not(inner) => (**inner).clone(),
        Expr::And(left, right) => Expr::Or(opposite(left).into(), opposite(right).into()),
        Expr::Or(left, right) => Expr::And(opposite(left).into(), opposite(right).into()),
        Expr::Compare(how, left, right) => {
            Expr::Compare(comparison(*how), left.clone(), right.clone())
        }
        other => Expr::Not(other.clone().into()),
    }
}

/// One part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Methods,
    Groups,
    Scopes,
    Subjects,
    Issuers,
    OtherPrincipals,
    Networks,
    From,
    Until,
    When,
    Unless,
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

/// Narrowing of a rule to the principals that an edit affects.
trait Narrow {
    /// Excludes the principals that the rule allowed when one part of it was as in `before`.
    fn without(&mut self, before: &RuleSpec, part: Part);
    /// Keeps the principals that a deny matches, as far as its parts are never unknown.
    fn among(&mut self, deny: &RuleSpec);
    /// Keeps the principals that one part of a deny excludes for certain.
    fn outside(&mut self, deny: &RuleSpec, part: Part);
    /// Whether any method and any time remain.
    fn holds_for_some(&self) -> bool;
}

impl Narrow for RuleSpec {
    fn without(&mut self, before: &RuleSpec, part: Part) {
        let who = &mut self.who;
        match part {
            Part::Methods => self.methods = minus(self.methods, before.methods),
            Part::Groups => keep_new(&mut who.groups, before.who.groups.as_ref()),
            Part::Scopes => keep_new(&mut who.scopes, before.who.scopes.as_ref()),
            Part::Subjects => keep_new(&mut who.subjects, before.who.subjects.as_ref()),
            Part::Issuers => keep_new(&mut who.issuers, before.who.issuers.as_ref()),
            Part::Networks => keep_new(&mut self.networks, before.networks.as_ref()),
            Part::From => self.until = earliest(self.until, before.from),
            Part::Until => self.from = latest(self.from, before.until),
            Part::OtherPrincipals | Part::When | Part::Unless => {}
        }
    }

    fn among(&mut self, deny: &RuleSpec) {
        let RuleSpec {
            methods,
            who,
            from,
            until,
            // They can be unknown.
            networks: _,
            when: _,
            unless: _,
            course: _,
            id: _,
            effect: _,
            because: _,
            patterns: _,
        } = deny;
        self.methods = both(self.methods, *methods);
        self.from = latest(self.from, *from);
        self.until = earliest(self.until, *until);
        let Principals {
            anyone: _,
            signed_in: _,
            groups,
            scopes,
            subjects,
            issuers,
        } = who;
        // A deny for these never matches a request without a verified token.
        if who.needs_token() && core::mem::take(&mut self.who.anyone) {
            self.who.signed_in = true;
        }
        if !narrow(&mut self.who.groups, groups.as_ref()) {
            self.also_when(groups.as_deref().and_then(plain).and_then(in_groups));
        }
        if !narrow(&mut self.who.subjects, subjects.as_ref()) {
            self.also_when(subjects.as_deref().and_then(plain).map(is_subject));
        }
        // No condition reads scopes.
        narrow(&mut self.who.scopes, scopes.as_ref());
        if let Some(issuers) = issuers {
            // A user signs in at one of them.
            match &mut self.who.issuers {
                Some(own) => own.retain(|issuer| issuers.contains(issuer)),
                None => self.who.issuers = Some(issuers.clone()),
            }
        }
        let own = [&self.who.groups, &self.who.scopes, &self.who.subjects];
        if self.who.issuers.is_some() || own.into_iter().any(Option::is_some) {
            self.who.signed_in = false;
        }
    }

    fn outside(&mut self, deny: &RuleSpec, part: Part) {
        match part {
            Part::Methods => self.methods = minus(self.methods, deny.methods),
            Part::From => self.until = earliest(self.until, deny.from),
            Part::Until => self.from = latest(self.from, deny.until),
            Part::When => self.also_unless(deny.when.clone()),
            Part::Unless => self.also_when(deny.unless.clone()),
            Part::Networks => {
                let networks = deny.networks.clone();
                self.also_unless(
                    networks.map(|list| Expr::InNetworks(Expr::ClientIp.into(), list)),
                );
            }
            Part::Groups => {
                let names = deny.who.groups.as_deref().and_then(plain);
                self.also_unless(names.and_then(in_groups));
            }
            Part::Subjects => {
                let names = deny.who.subjects.as_deref().and_then(plain);
                self.also_unless(names.map(is_subject));
            }
            Part::Issuers => {
                let names = deny.who.issuers.clone();
                let is_one = |names| Expr::InStrings(Expr::Issuer.into(), names);
                self.also_unless(names.map(is_one));
            }
            Part::Scopes | Part::OtherPrincipals => {}
        }
    }

    fn holds_for_some(&self) -> bool {
        let Self {
            methods,
            from,
            until,
            // Whether these leave any principal is not determined.
            who: _,
            networks: _,
            when: _,
            unless: _,
            course: _,
            id: _,
            effect: _,
            because: _,
            patterns: _,
        } = self;
        let is_ever = match (from, until) {
            (Some(from), Some(until)) => from < until,
            _ => true,
        };
        is_ever && !methods.is_empty()
    }
}

/// Adding conditions, as far as they still make a condition that compiles.
trait Conditions {
    fn also_when(&mut self, condition: Option<Expr>);
    fn also_unless(&mut self, condition: Option<Expr>);
}

impl Conditions for RuleSpec {
    fn also_when(&mut self, condition: Option<Expr>) {
        joined(&mut self.when, condition, Expr::And);
    }

    fn also_unless(&mut self, condition: Option<Expr>) {
        joined(&mut self.unless, condition, Expr::Or);
    }
}

fn joined(
    known: &mut Option<Expr>,
    condition: Option<Expr>,
    join: fn(Box<Expr>, Box<Expr>) -> Expr,
) {
    // A capture is one of the other rule's pattern.
    let Some(condition) = condition.filter(|condition| !reads_capture(condition)) else {
        return;
    };
    let joined = match &*known {
        Some(known) => join(known.clone().into(), condition.into()),
        None => condition,
    };
    if is_condition_within(&joined) {
        *known = Some(joined);
    }
}

fn reads_capture(condition: &Expr) -> bool {
    let mut reads = false;
    condition.each(&mut |expr| reads |= matches!(expr, Expr::Capture(_)));
    reads
}

/// Names without captures, which mean the same in every rule; none if one has a capture.
fn plain(names: &[Template]) -> Option<Vec<String>> {
    let name = |name: &Template| name.capture.is_none().then(|| name.prefix.clone());
    names.iter().map(name).collect()
}

fn in_groups(names: Vec<String>) -> Option<Expr> {
    let one = |name| Expr::InGroups(Expr::Str(name).into());
    let all = names.into_iter().map(one);
    all.reduce(|left, right| Expr::Or(left.into(), right.into()))
}

fn is_subject(names: Vec<String>) -> Expr {
    Expr::InStrings(Expr::Subject.into(), names)
}

/// Keeps the names of a list that satisfy another list as well, if one list can express that.
fn narrow(list: &mut Option<Vec<Template>>, other: Option<&Vec<Template>>) -> bool {
    let Some(other) = other.filter(|names| plain(names).is_some()) else {
        return true;
    };
    let says_so = match list {
        None => true,
        // One of these names is enough for both lists.
        Some(list) => other.iter().all(|name| list.contains(name)),
    };
    if says_so {
        *list = Some(other.clone());
    }
    says_so
}

/// Keeps the entries that the list did not have before the edit. A missing list had all of them.
fn keep_new<T: Clone + PartialEq>(list: &mut Option<Vec<T>>, before: Option<&Vec<T>>) {
    if let (Some(list), Some(before)) = (list, before) {
        let new: Vec<T> = list
            .iter()
            .filter(|entry| !before.contains(entry))
            .cloned()
            .collect();
        if !new.is_empty() {
            *list = new;
        }
    }
}

fn minus(methods: MethodSet, less: MethodSet) -> MethodSet {
    MethodSet::from_bits(methods.bits() & !less.bits()).unwrap_or(methods)
}

fn both(a: MethodSet, b: MethodSet) -> MethodSet {
    MethodSet::from_bits(a.bits() & b.bits()).unwrap_or(a)
}

fn latest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.max(b)
}

fn earliest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
