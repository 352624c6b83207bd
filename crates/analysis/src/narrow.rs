//! Rules narrowed by others: the principals that an `allow` gives access beside a `deny`, or after an edit.
//!
//! What a narrowed rule requires is written in the keys of policy files, so that it can be printed. Where these cannot
//! express it, a rule stays wider than it should be. Not here: which rules meet.

use tollgate_compiler::limits::is_condition_within;
use tollgate_core::MethodSet;
use tollgate_policy::spec::{Comparison, Expr, Principals, RuleSpec, Template};

/// One part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
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

/// Narrowing of a rule to the principals that an edit affects.
pub(crate) trait Narrow {
    /// Excludes the principals that the rule allowed when one part of it was as in `before`.
    fn without(&mut self, before: &RuleSpec, part: Part);
    /// Keeps the principals that a deny matches, as far as its parts are never unknown.
    fn among(&mut self, deny: &RuleSpec);
    /// Keeps the principals that the conditions of a deny do not except, as far as these are never unknown.
    fn among_conditions(&mut self, deny: &RuleSpec);
    /// Keeps the principals that one part of a deny excludes for certain. Returns whether these are all that it excludes.
    fn outside(&mut self, deny: &RuleSpec, part: Part) -> bool;
    /// The same principals with fewer names: without groups whose members a condition excludes anyway.
    fn simplify(&mut self);
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

    fn among_conditions(&mut self, deny: &RuleSpec) {
        let known = |conditions: Vec<&Expr>, join: fn(Box<Expr>, Box<Expr>) -> Expr| {
            let known = conditions.into_iter().filter(|part| is_never_unknown(part));
            known
                .cloned()
                .reduce(|left, right| join(left.into(), right.into()))
        };
        let (mut when, mut unless) = (Vec::new(), Vec::new());
        if let Some(condition) = &deny.when {
            conjuncts(condition, &mut when);
        }
        if let Some(condition) = &deny.unless {
            disjuncts(condition, &mut unless);
        }
        self.also_when(known(when, Expr::And));
        self.also_unless(known(unless, Expr::Or));
    }

    fn outside(&mut self, deny: &RuleSpec, part: Part) -> bool {
        match part {
            Part::Methods => self.methods = minus(self.methods, deny.methods),
            Part::From => self.until = earliest(self.until, deny.from),
            Part::Until => self.from = latest(self.from, deny.until),
            Part::When => return self.also_unless(deny.when.clone()),
            Part::Unless => return self.also_when(deny.unless.clone()),
            Part::Networks => {
                let networks = deny.networks.clone();
                return self.also_unless(
                    networks.map(|list| Expr::InNetworks(Expr::ClientIp.into(), list)),
                );
            }
            Part::Groups => {
                let names = deny.who.groups.as_deref().and_then(plain);
                return self.also_unless(names.and_then(in_groups));
            }
            Part::Subjects => {
                let names = deny.who.subjects.as_deref().and_then(plain);
                return self.also_unless(names.map(is_subject));
            }
            Part::Issuers => {
                let names = deny.who.issuers.clone();
                let is_one = |names| Expr::InStrings(Expr::Issuer.into(), names);
                return self.also_unless(names.map(is_one));
            }
            Part::Scopes | Part::OtherPrincipals => return false,
        }
        true
    }

    fn simplify(&mut self) {
        let Some(groups) = &mut self.who.groups else {
            return;
        };
        let mut excluded: Vec<&str> = Vec::new();
        let (mut required, mut excepted) = (Vec::new(), Vec::new());
        if let Some(condition) = &self.when {
            conjuncts(condition, &mut required);
        }
        if let Some(condition) = &self.unless {
            disjuncts(condition, &mut excepted);
        }
        excluded.extend(excepted.into_iter().filter_map(group));
        excluded.extend(required.iter().filter_map(|part| match part {
            Expr::Not(inner) => group(inner),
            _ => None,
        }));
        let has = |names: &[&str], name: &Template| {
            name.capture.is_none() && names.contains(&name.prefix.as_str())
        };
        groups.retain(|name| !has(&excluded, name));
        // Where a condition requires some of the groups, the others are not enough.
        let enough = required.iter().find_map(|part| {
            let mut any = Vec::new();
            disjuncts(part, &mut any);
            let names: Option<Vec<&str>> = any.into_iter().map(group).collect();
            let is_listed = |name: &&str| {
                groups
                    .iter()
                    .any(|known| has(core::slice::from_ref(name), known))
            };
            names.filter(|names| names.iter().all(is_listed))
        });
        if let Some(enough) = enough {
            groups.retain(|name| has(&enough, name));
            let left: Vec<Expr> = required
                .into_iter()
                .filter(|part| {
                    let mut any = Vec::new();
                    disjuncts(part, &mut any);
                    !any.into_iter()
                        .all(|part| group(part).is_some_and(|name| enough.contains(&name)))
                })
                .cloned()
                .collect();
            self.when = left
                .into_iter()
                .reduce(|left, right| Expr::And(left.into(), right.into()));
        }
    }

    fn holds_for_some(&self) -> bool {
        let Self {
            methods,
            from,
            until,
            who,
            // Whether these leave any principal is not determined.
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
        let has_groups = who.groups.as_ref().is_none_or(|groups| !groups.is_empty());
        is_ever && has_groups && !methods.is_empty()
    }
}

/// Adding conditions, as far as they still make a condition that compiles.
pub(crate) trait Conditions {
    /// Returns whether the condition was added.
    fn also_when(&mut self, condition: Option<Expr>) -> bool;
    /// Returns whether the condition was added.
    fn also_unless(&mut self, condition: Option<Expr>) -> bool;
}

impl Conditions for RuleSpec {
    fn also_when(&mut self, condition: Option<Expr>) -> bool {
        joined(&mut self.when, condition, Expr::And)
    }

    fn also_unless(&mut self, condition: Option<Expr>) -> bool {
        joined(&mut self.unless, condition, Expr::Or)
    }
}

fn joined(
    known: &mut Option<Expr>,
    condition: Option<Expr>,
    join: fn(Box<Expr>, Box<Expr>) -> Expr,
) -> bool {
    // A capture is one of the other rule's pattern.
    let Some(condition) = condition.filter(|condition| !reads_capture(condition)) else {
        return false;
    };
    let joined = match &*known {
        Some(known) => join(known.clone().into(), condition.into()),
        None => condition,
    };
    let fits = is_condition_within(&joined);
    if fits {
        *known = Some(joined);
    }
    fits
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

/// The parts of a condition that must all hold.
pub(crate) fn conjuncts<'e>(condition: &'e Expr, all: &mut Vec<&'e Expr>) {
    if let Expr::And(left, right) = condition {
        conjuncts(left, all);
        conjuncts(right, all);
    } else {
        all.push(condition);
    }
}

/// Whether a condition is true or false of every request: it reads only what every request has.
pub(crate) fn is_never_unknown(condition: &Expr) -> bool {
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
pub(crate) fn opposite(condition: &Expr) -> Expr {
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

/// The parts of a condition of which one must hold.
pub(crate) fn disjuncts<'e>(condition: &'e Expr, all: &mut Vec<&'e Expr>) {
    if let Expr::Or(left, right) = condition {
        disjuncts(left, all);
        disjuncts(right, all);
    } else {
        all.push(condition);
    }
}

/// The group of a condition that asks for one.
pub(crate) fn group(condition: &Expr) -> Option<&str> {
    match condition {
        Expr::InGroups(name) => match &**name {
            Expr::Str(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}
