//! Evaluating a rule when only some variables have values.
//!
//! The logic is the core's: sets of three truth values. If a variable has no value, everything that
//! depends on it is undetermined, and the variable is named, so that a search knows which one to choose next. Not
//! here: the search, and the final check on the core's evaluator.

use std::rc::Rc;

use core::cmp::Ordering;
use core::net::IpAddr;

use tollgate_core::{ClaimKind, Effect, MethodSet, Tri};
use tollgate_policy::spec::{
    Arithmetic, Comparison, Expr, Network, Principals, RuleSpec, StringTest, Template,
};

use crate::space::{Alias, Assignment, Hit, Space, Value, Var};

/// The possible truth values, and the variable to choose next if they are not determined.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) set: Tri,
    pub(crate) need: Option<Var>,
}

impl Truth {
    fn settled(set: Tri) -> Self {
        Self { set, need: None }
    }

    fn known(value: bool) -> Self {
        Self::settled(Tri::known(value))
    }

    fn open(set: Tri, need: Var) -> Self {
        Self {
            set,
            need: Some(need),
        }
    }

    fn with(set: Tri, left: Option<Var>, right: Option<Var>) -> Self {
        let is_settled = [Tri::TRUE, Tri::FALSE, Tri::UNKNOWN].contains(&set);
        let need = if is_settled { None } else { left.or(right) };
        Self { set, need }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self::with(self.set.and(other.set), self.need, other.need)
    }

    fn or(self, other: Self) -> Self {
        Self::with(self.set.or(other.set), self.need, other.need)
    }

    fn not(self) -> Self {
        Self {
            set: self.set.not(),
            need: self.need,
        }
    }
}

/// A yes or no that may still depend on a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Open(Var),
}

impl Answer {
    pub(crate) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            open => open,
        }
    }

    pub(crate) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            open => match other() {
                Self::No => Self::No,
                _ => open,
            },
        }
    }
}

/// A value, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Term {
    Text(Rc<str>),
    Int(i64),
    Ip(IpAddr),
    Bool(Tri, Option<Var>),
    Unknown,
    Open(Var),
}

/// The variables' values so far, and what they mean.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'a, 'p> {
    pub(crate) space: &'a Space<'p>,
    pub(crate) chosen: &'a Assignment,
}

impl Eval<'_, '_> {
    /// Whether a hit's rule matches: an allow if it is true, a deny unless it is false.
    pub(crate) fn matches(&self, hit: &Hit<'_>) -> Answer {
        let truth = self.rule(hit);
        let (yes, no) = match hit.spec.effect {
            Effect::Allow => (truth.set == Tri::TRUE, !truth.set.may_be_true()),
            Effect::Deny => (!truth.set.may_be_false(), truth.set == Tri::FALSE),
        };
        match truth.need {
            _ if yes => Answer::Yes,
            _ if no => Answer::No,
            Some(need) => Answer::Open(need),
            None => Answer::No,
        }
    }

    /// Whether any of these rules matches.
    pub(crate) fn any<'h, 'p: 'h>(&self, hits: impl IntoIterator<Item = &'h Hit<'p>>) -> Answer {
        let mut open = None;
        for hit in hits {
            match self.matches(hit) {
                Answer::Yes => return Answer::Yes,
                Answer::No => {}
                Answer::Open(need) => open = open.or(Some(need)),
            }
        }
        open.map_or(Answer::No, Answer::Open)
    }

    /// Whether the rules of one side let the request in.
    pub(crate) fn allowed(&self, side: usize, hits: &[Hit<'_>]) -> Answer {
        let of = |effect| {
            hits.iter()
                .filter(move |hit| hit.side == side && hit.spec.effect == effect)
        };
        self.any(of(Effect::Deny))
            .not()
            .and(|| self.any(of(Effect::Allow)))
    }

    /// The truth of a rule whose pattern names the path.
    pub(crate) fn rule(&self, hit: &Hit<'_>) -> Truth {
        let RuleSpec {
            when,
            unless,
            // A part each.
            methods: _,
            from: _,
            until: _,
            networks: _,
            who: _,
            // The hit is about these.
            course: _,
            id: _,
            effect: _,
            because: _,
            patterns: _,
        } = hit.spec;
        let mut truth = self.method_part(hit.spec);
        for part in [Self::window, Self::networks, Self::who] {
            if truth.set == Tri::FALSE {
                return truth;
            }
            truth = truth.and(part(self, hit));
        }
        if let Some(when) = when
            && truth.set != Tri::FALSE
        {
            truth = truth.and(self.truth(when, hit));
        }
        if let Some(unless) = unless
            && truth.set != Tri::FALSE
        {
            truth = truth.and(self.truth(unless, hit).not());
        }
        truth
    }

    pub(crate) fn method_part(&self, rule: &RuleSpec) -> Truth {
        match self.chosen.value(&Var::Method) {
            Some(Value::Text(name)) => {
                let method = MethodSet::from_name(name).unwrap_or(MethodSet::EMPTY);
                Truth::known(rule.methods.contains(method))
            }
            _ if rule.methods == MethodSet::ALL => Truth::known(true),
            _ => Truth::open(Tri::EITHER, Var::Method),
        }
    }

    pub(crate) fn window(&self, hit: &Hit<'_>) -> Truth {
        let (from, until) = (hit.spec.from, hit.spec.until);
        if from.is_none() && until.is_none() {
            return Truth::known(true);
        }
        match self.chosen.value(&Var::Now) {
            Some(Value::Int(now)) => Truth::known(
                from.is_none_or(|from| from <= *now) && until.is_none_or(|until| *now < until),
            ),
            _ => Truth::open(Tri::EITHER, Var::Now),
        }
    }

    pub(crate) fn networks(&self, hit: &Hit<'_>) -> Truth {
        match (&hit.spec.networks, self.chosen.value(&Var::Ip)) {
            (None, _) => Truth::known(true),
            (Some(networks), Some(Value::Ip(Some(ip)))) => Truth::known(is_in(networks, *ip)),
            (Some(_), Some(_)) => Truth::settled(Tri::UNKNOWN),
            (Some(_), None) => Truth::open(Tri::ANY, Var::Ip),
        }
    }

    pub(crate) fn who(&self, hit: &Hit<'_>) -> Truth {
        let Principals {
            // A rule without principals is for anyone.
            anyone: _,
            signed_in,
            groups,
            scopes,
            subjects,
            issuers,
        } = &hit.spec.who;
        let names = [groups, scopes, subjects];
        if !signed_in && issuers.is_none() && names.iter().all(|names| names.is_none()) {
            return Truth::known(true);
        }
        match self.has_token() {
            Some(true) => {}
            Some(false) => return Truth::known(false),
            None => return Truth::open(Tri::EITHER, Var::Token),
        }
        let mut truth = Truth::known(true);
        if let Some(issuers) = issuers {
            truth = truth.and(match self.chosen.value(&Var::Issuer) {
                None => Truth::open(Tri::EITHER, Var::Issuer),
                Some(Value::Text(iss)) => Truth::known(issuers.iter().any(|one| **one == **iss)),
                Some(_) => Truth::known(false),
            });
        }
        if let Some(names) = subjects {
            truth = truth.and(self.subject_is(names, hit));
        }
        if let Some(names) = groups {
            truth = truth.and(self.has_any(names, hit, Var::Group));
        }
        if let Some(names) = scopes {
            truth = truth.and(self.has_any(names, hit, Var::Scope));
        }
        truth
    }

    /// Whether the token's issuer can issue a token with this subject.
    fn can_have_subject(&self, subject: &str) -> Truth {
        if !self.space.is_restricted {
            return Truth::known(true);
        }
        match self.chosen.value(&Var::Issuer) {
            None => Truth::open(Tri::EITHER, Var::Issuer),
            Some(Value::Text(iss)) => {
                Truth::known(self.space.issuer(Some(iss)).can_have_subject(subject))
            }
            Some(_) => Truth::known(true),
        }
    }

    fn has_token(&self) -> Option<bool> {
        match self.chosen.value(&Var::Token) {
            Some(Value::Bool(has)) => Some(*has),
            _ => None,
        }
    }

    fn has_any(&self, names: &[Template], hit: &Hit<'_>, var: fn(Rc<str>) -> Var) -> Truth {
        let mut truth = Truth::known(false);
        for name in names {
            let found = match filled(name, hit, self.chosen) {
                Ok(text) => self.flag(var(text)),
                Err(need) => Truth::open(Tri::EITHER, need),
            };
            truth = truth.or(found);
            if truth.set == Tri::TRUE {
                break;
            }
        }
        truth
    }

    fn subject_is(&self, names: &[Template], hit: &Hit<'_>) -> Truth {
        let mut truth = Truth::known(false);
        for name in names {
            let one = match (
                filled(name, hit, self.chosen),
                self.chosen.value(&Var::Subject),
            ) {
                (Err(need), _) => Truth::open(Tri::EITHER, need),
                (Ok(_), None) => Truth::open(Tri::EITHER, Var::Subject),
                (Ok(name), Some(Value::Text(subject))) => {
                    Truth::known(name == *subject).and(self.can_have_subject(subject))
                }
                (Ok(_), Some(_)) => Truth::known(false),
            };
            truth = truth.or(one);
        }
        truth
    }

    /// Whether the token has this group, scope or member.
    fn flag(&self, var: Var) -> Truth {
        if matches!(&var, Var::Scope(name) if !can_be_scope(name)) {
            return Truth::known(false);
        }
        if let Var::Group(name) = &var
            && self.space.is_restricted
        {
            // Which groups a token can have depends on its issuer.
            match self.chosen.value(&Var::Issuer) {
                None => return Truth::open(Tri::EITHER, Var::Issuer),
                Some(Value::Text(iss)) if !self.space.issuer(Some(iss)).can_grant(name) => {
                    return Truth::known(false);
                }
                Some(_) => {}
            }
        }
        match self.chosen.value(&var) {
            Some(value) => Truth::known(*value == Value::Bool(true)),
            None => Truth::open(Tri::EITHER, var),
        }
    }

    /// The truth of a condition.
    pub(crate) fn truth(&self, expr: &Expr, hit: &Hit<'_>) -> Truth {
        match expr {
            Expr::Bool(value) => Truth::known(*value),
            Expr::Not(inner) => self.truth(inner, hit).not(),
            Expr::And(left, right) => {
                let left = self.truth(left, hit);
                if left.set == Tri::FALSE {
                    return left;
                }
                left.and(self.truth(right, hit))
            }
            Expr::Or(left, right) => {
                let left = self.truth(left, hit);
                if left.set == Tri::TRUE {
                    return left;
                }
                left.or(self.truth(right, hit))
            }
            Expr::Compare(comparison, left, right) => {
                let (left, right) = (self.term(left, hit), self.term(right, hit));
                compare(*comparison, left, right)
            }
            Expr::StringTest(test, whole, part) => {
                match both(self.term(whole, hit), self.term(part, hit)) {
                    Ok((Term::Text(whole), Term::Text(part))) => Truth::known(match test {
                        StringTest::StartsWith => whole.starts_with(&*part),
                        StringTest::EndsWith => whole.ends_with(&*part),
                        StringTest::Contains => whole.contains(&*part),
                    }),
                    Ok(_) => Truth::settled(Tri::UNKNOWN),
                    Err(open) => open,
                }
            }
            Expr::InStrings(inner, texts) => member(
                self.term(inner, hit),
                |term| matches!(term, Term::Text(text) if texts.iter().any(|one| **one == **text)),
            ),
            Expr::InInts(inner, ints) => member(
                self.term(inner, hit),
                |term| matches!(term, Term::Int(int) if ints.contains(int)),
            ),
            Expr::InNetworks(inner, networks) => member(
                self.term(inner, hit),
                |term| matches!(term, Term::Ip(ip) if is_in(networks, *ip)),
            ),
            Expr::InGroups(inner) => self.in_groups(self.term(inner, hit)),
            Expr::InClaim(inner, slot) => self.in_claim(inner, *slot, hit),
            Expr::Has(slot) => self.has(*slot, hit),
            other => match self.term(other, hit) {
                Term::Bool(set, need) => Truth { set, need },
                Term::Open(need) => Truth::open(Tri::ANY, need),
                _ => Truth::settled(Tri::UNKNOWN),
            },
        }
    }

    fn in_groups(&self, wanted: Term) -> Truth {
        match (self.has_token(), wanted) {
            (_, Term::Unknown) => Truth::settled(Tri::UNKNOWN),
            (_, Term::Open(need)) => Truth::open(Tri::ANY, need),
            (None, _) => Truth::open(Tri::ANY, Var::Token),
            (Some(false), _) => Truth::known(false),
            (Some(true), Term::Text(name)) => self.flag(Var::Group(name)),
            _ => Truth::known(false),
        }
    }

    fn in_claim(&self, wanted: &Expr, slot: u16, hit: &Hit<'_>) -> Truth {
        let unknown = Truth::settled(Tri::UNKNOWN);
        match self.has_token() {
            None => return Truth::open(Tri::ANY, Var::Token),
            Some(false) => return unknown,
            Some(true) => {}
        }
        let Some((number, _)) = self.space.slot(hit.side, slot) else {
            return unknown;
        };
        let alias = self.space.claim_var(number).map(|claim| claim.alias);
        let wanted = self.term(wanted, hit);
        if alias == Some(Alias::Groups) {
            return self.in_groups(wanted);
        }
        match self.chosen.value(&Var::Claim(number)) {
            None => Truth::open(Tri::ANY, Var::Claim(number)),
            Some(Value::List) => match wanted {
                Term::Text(text) => self.flag(Var::Member(number, text)),
                Term::Open(need) => Truth::open(Tri::ANY, need),
                _ => unknown,
            },
            Some(_) => unknown,
        }
    }

    fn has(&self, slot: u16, hit: &Hit<'_>) -> Truth {
        let unknown = Truth::settled(Tri::UNKNOWN);
        match self.has_token() {
            None => return Truth::open(Tri::ANY, Var::Token),
            Some(false) => return unknown,
            Some(true) => {}
        }
        let Some((number, kind)) = self.space.slot(hit.side, slot) else {
            return unknown;
        };
        match self.claim_value(number) {
            Err(need) => Truth::open(Tri::ANY, need),
            Ok(Value::Missing) => Truth::known(false),
            Ok(value) if is_of(&value, kind) => Truth::known(true),
            Ok(_) => unknown,
        }
    }

    /// The value of a claim, at any path.
    fn claim_value(&self, number: u16) -> Result<Value, Var> {
        let var = match self.space.claim_var(number).map(|claim| claim.alias) {
            Some(Alias::Subject) => Var::Subject,
            Some(Alias::Issuer) => Var::Issuer,
            Some(Alias::Groups) => return Ok(Value::List),
            _ => Var::Claim(number),
        };
        self.chosen.value(&var).cloned().ok_or(var)
    }

    /// The value of an expression.
    pub(crate) fn term(&self, expr: &Expr, hit: &Hit<'_>) -> Term {
        match expr {
            Expr::Str(text) => Term::Text(text.as_str().into()),
            Expr::Int(int) | Expr::Time(int) => Term::Int(*int),
            Expr::Ip(ip) => Term::Ip(*ip),
            Expr::Claim(slot) => self.claim(*slot, hit),
            Expr::Subject => match (self.has_token(), self.chosen.value(&Var::Subject)) {
                (None, _) => Term::Open(Var::Token),
                (Some(false), _) => Term::Text("".into()),
                (_, None) => Term::Open(Var::Subject),
                (_, Some(Value::Text(subject))) => Term::Text(subject.clone()),
                (_, Some(_)) => Term::Unknown,
            },
            Expr::Issuer => match (self.has_token(), self.chosen.value(&Var::Issuer)) {
                (None, _) => Term::Open(Var::Token),
                (Some(false), _) => Term::Unknown,
                (_, None) => Term::Open(Var::Issuer),
                (_, Some(Value::Text(issuer))) => Term::Text(issuer.clone()),
                (_, Some(_)) => Term::Unknown,
            },
            Expr::Method => match self.chosen.value(&Var::Method) {
                Some(Value::Text(name)) => Term::Text(name.clone()),
                _ => Term::Open(Var::Method),
            },
            Expr::ClientIp => match self.chosen.value(&Var::Ip) {
                Some(Value::Ip(Some(ip))) => Term::Ip(*ip),
                Some(_) => Term::Unknown,
                None => Term::Open(Var::Ip),
            },
            Expr::Now => match self.chosen.value(&Var::Now) {
                Some(Value::Int(now)) => Term::Int(*now),
                _ => Term::Open(Var::Now),
            },
            Expr::Capture(name) => match capture(name, hit, self.chosen) {
                Ok(text) => Term::Text(text),
                Err(need) => Term::Open(need),
            },
            Expr::Arithmetic(operator, left, right) => arithmetic(
                self.term(left, hit),
                self.term(right, hit),
                |left, right| match operator {
                    Arithmetic::Add => left.checked_add(right),
                    Arithmetic::Sub => left.checked_sub(right),
                    Arithmetic::Mul => left.checked_mul(right),
                },
            ),
            Expr::Negate(inner) => {
                arithmetic(Term::Int(0), self.term(inner, hit), i64::checked_sub)
            }
            Expr::TimeShift(inner, secs) => {
                arithmetic(self.term(inner, hit), Term::Int(*secs), i64::checked_add)
            }
            logic => {
                let truth = self.truth(logic, hit);
                Term::Bool(truth.set, truth.need)
            }
        }
    }

    fn claim(&self, slot: u16, hit: &Hit<'_>) -> Term {
        match self.has_token() {
            None => return Term::Open(Var::Token),
            Some(false) => return Term::Unknown,
            Some(true) => {}
        }
        let Some((number, kind)) = self.space.slot(hit.side, slot) else {
            return Term::Unknown;
        };
        match self.claim_value(number) {
            Err(need) => Term::Open(need),
            Ok(value) if !is_of(&value, kind) => Term::Unknown,
            Ok(Value::Text(text)) => Term::Text(text),
            Ok(Value::Int(int)) => Term::Int(int),
            Ok(Value::Bool(truth)) => Term::Bool(Tri::known(truth), None),
            Ok(_) => Term::Unknown,
        }
    }
}

fn is_of(value: &Value, kind: ClaimKind) -> bool {
    match kind {
        ClaimKind::String => matches!(value, Value::Text(_)),
        ClaimKind::Int => matches!(value, Value::Int(_)),
        ClaimKind::Bool => matches!(value, Value::Bool(_)),
        ClaimKind::StringList => matches!(value, Value::List),
    }
}

/// Whether a token can have a scope with this name: they are in one string, separated by spaces. A capture can put
/// a space into the name in a rule.
pub(crate) fn can_be_scope(name: &str) -> bool {
    !name.is_empty() && !name.contains(' ')
}

/// A name with its capture filled in, or the capture that is missing.
pub(crate) fn filled(name: &Template, hit: &Hit<'_>, chosen: &Assignment) -> Result<Rc<str>, Var> {
    match &name.capture {
        None => Ok(name.prefix.as_str().into()),
        Some(wanted) => {
            let value = capture(wanted, hit, chosen)?;
            Ok(format!("{}{value}{}", name.prefix, name.suffix).into())
        }
    }
}

fn capture(name: &str, hit: &Hit<'_>, chosen: &Assignment) -> Result<Rc<str>, Var> {
    if let Some(text) = hit.capture(name) {
        return Ok(text.clone());
    }
    let var = Var::Capture(name.into());
    match chosen.value(&var) {
        Some(Value::Text(text)) => Ok(text.clone()),
        _ => Err(var),
    }
}

/// Two values, or what a question about them comes to if they are not both known.
fn both(left: Term, right: Term) -> Result<(Term, Term), Truth> {
    match (left, right) {
        (Term::Unknown, _) | (_, Term::Unknown) => Err(Truth::settled(Tri::UNKNOWN)),
        (Term::Open(need), _) | (_, Term::Open(need)) => Err(Truth::open(Tri::ANY, need)),
        known => Ok(known),
    }
}

fn compare(comparison: Comparison, left: Term, right: Term) -> Truth {
    if matches!(left, Term::Bool(..)) || matches!(right, Term::Bool(..)) {
        let truth = |term| match term {
            Term::Bool(set, need) => Truth { set, need },
            Term::Open(need) => Truth::open(Tri::ANY, need),
            _ => Truth::settled(Tri::UNKNOWN),
        };
        let (left, right) = (truth(left), truth(right));
        let same = Truth::with(left.set.same(right.set), left.need, right.need);
        return if comparison == Comparison::Eq {
            same
        } else {
            same.not()
        };
    }
    match both(left, right) {
        Err(open) => open,
        Ok((left, right)) => match order(&left, &right) {
            Some(order) => Truth::known(match comparison {
                Comparison::Eq => order.is_eq(),
                Comparison::Ne => order.is_ne(),
                Comparison::Lt => order.is_lt(),
                Comparison::Le => order.is_le(),
                Comparison::Gt => order.is_gt(),
                Comparison::Ge => order.is_ge(),
            }),
            None => Truth::settled(Tri::UNKNOWN),
        },
    }
}

/// The order of two known values of one type.
pub(crate) fn order(left: &Term, right: &Term) -> Option<Ordering> {
    match (left, right) {
        (Term::Text(left), Term::Text(right)) => Some(left.cmp(right)),
        (Term::Int(left), Term::Int(right)) => Some(left.cmp(right)),
        (Term::Ip(left), Term::Ip(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn arithmetic(left: Term, right: Term, op: impl Fn(i64, i64) -> Option<i64>) -> Term {
    match (left, right) {
        (Term::Unknown, _) | (_, Term::Unknown) => Term::Unknown,
        (Term::Open(need), _) | (_, Term::Open(need)) => Term::Open(need),
        (Term::Int(left), Term::Int(right)) => op(left, right).map_or(Term::Unknown, Term::Int),
        _ => Term::Unknown,
    }
}

fn member(term: Term, test: impl Fn(&Term) -> bool) -> Truth {
    match term {
        Term::Unknown => Truth::settled(Tri::UNKNOWN),
        Term::Open(need) => Truth::open(Tri::ANY, need),
        known => Truth::known(test(&known)),
    }
}

/// Whether an address is in one of the networks.
pub(crate) fn is_in(networks: &[Network], ip: IpAddr) -> bool {
    networks.iter().any(|network| contains(network, ip))
}

fn contains(network: &Network, ip: IpAddr) -> bool {
    let (mask, differing) = match (network.addr, ip.to_canonical()) {
        (IpAddr::V4(net), IpAddr::V4(ip)) => (
            32_u32.saturating_sub(u32::from(network.prefix)),
            u128::from(net.to_bits() ^ ip.to_bits()),
        ),
        (IpAddr::V6(net), IpAddr::V6(ip)) => (
            128_u32.saturating_sub(u32::from(network.prefix)),
            net.to_bits() ^ ip.to_bits(),
        ),
        _ => return false,
    };
    differing.checked_shr(mask).unwrap_or(0) == 0
}
