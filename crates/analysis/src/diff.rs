//! The effect of an edit: every rule and pattern because of which some request has a different result, each with
//! an example request.
//!
//! A request is newly allowed only because a new allow matches it, or because an old deny no longer does; and
//! newly denied only the other way round. So it is enough to search for such a request for every rule that
//! differs between the policies, on every class of paths that its patterns match. Rules that both policies have
//! are not searched, and folders without other rules are not entered. The search for a pattern ends once it is
//! known to newly allow or deny a request. 401-versus-403 changes for unauthenticated clients are checked on the
//! way, and completely only for patterns that do neither. So "no difference" is exact, and the most severe
//! difference of each pattern is reported. Not here: showing differences.

mod beyond;
mod gains;
mod settings;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use tollgate_core::{Effect, RuleId};
use tollgate_gate::Kind;

pub use settings::{Setting, SettingChange};

use crate::domain::Domain;
use crate::eval::{Answer, Eval};
use crate::explain::RuleTrace;
use crate::policy::Policy;
use crate::request::{Evaluation, Request, evaluate, evaluate_traced};
use crate::search::{Found, Search, request};
use crate::shrink::shrunk;
use crate::space::{Assignment, Hit, Space, Value, Var};
use crate::walk::{self, Accepted, Next, PatternId, Walk};
use gains::Edit;

/// The numbers of the two sides.
const OLD: usize = 0;
const NEW: usize = 1;

/// Steps that all searches of a comparison may take together: of policies in which dozens of conditions meet on
/// thousands of kinds of paths it would take hours. Policies that people write need some thousands.
const MOST_STEPS: u64 = 3_000_000;

/// One side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The policy before the edit.
    Old,
    /// The policy after it.
    New,
}

/// The rule and pattern because of which a result changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cause {
    /// The policy that has it.
    pub side: Side,
    /// The rule.
    pub rule: RuleId,
    /// The position of the pattern in the rule.
    pub pattern: usize,
    /// The rule of the same name in the other policy; without one, the rule was added or removed.
    pub counterpart: Option<RuleId>,
}

/// Requests for which two policies have different results.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The result of the old policy for the witness.
    pub old: Evaluation,
    /// The result of the new policy for the witness.
    pub new: Evaluation,
    /// The pattern because of which it changes, base included.
    pub paths: String,
    /// The principals whose access changes: [`principals`](Self::principals) in one text, or words where no rule
    /// is responsible.
    pub who: String,
    /// The principals who gain or lose access, each in the keys of a rule: all of them are among these. Empty if
    /// no principal does, or if no rule is responsible.
    pub principals: Vec<String>,
    /// The rule that was added, removed or edited; none for a change of settings.
    pub cause: Option<Cause>,
    /// The shortest request found that shows it, replayed on both policies.
    pub witness: Request,
}

impl Difference {
    /// Whether the witness is newly allowed.
    pub fn opens(&self) -> bool {
        self.new.kind == Kind::Allow
    }

    /// Whether the witness is newly denied.
    pub fn closes(&self) -> bool {
        self.old.kind == Kind::Allow
    }
}

/// Everything that differs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// The differences: newly allowed requests first, then newly denied ones, then others.
    pub differences: Vec<Difference>,
    /// Settings that differ: their effect depends on tokens and keys, not on rules.
    pub settings: Vec<SettingChange>,
    /// Classes of paths on which a search gave up: other differences may exist there.
    pub gave_up: Vec<String>,
}

impl Diff {
    /// Whether nothing differs, for certain.
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty() && self.settings.is_empty() && self.gave_up.is_empty()
    }

    /// Whether it is certain that nobody gets in who did not.
    pub fn opens_nothing(&self) -> bool {
        self.gave_up.is_empty()
            && !self.differences.iter().any(Difference::opens)
            && !self.settings.iter().any(|setting| setting.may_open)
    }
}

/// Compares two policies. `now` is the time of witnesses that do not depend on it.
pub fn diff(old: &Policy, new: &Policy, now: i64) -> Diff {
    let space = Space::new(&[old, new], now);
    let mut walk = Walk::new(&space);
    let mut found = Collector {
        space: &space,
        old,
        new,
        keeps_denies: [OLD, NEW].map(|side| keeps_denies(&space, &walk, side)),
        done: HashSet::new(),
        left: MOST_STEPS,
        diff: Diff {
            settings: settings::changed(old, new),
            ..Diff::default()
        },
    };
    // Where only one of the policies accepts some paths, every rule that stays may still change.
    if walk.readers().foreign().is_empty() {
        for number in 0..walk.pattern_count() {
            let id = PatternId(u32::try_from(number).unwrap_or(u32::MAX));
            let shared = walk.is_shared(id);
            walk.set_interesting(id, !shared);
        }
    }
    let complete = walk.run(&mut |walk, kind| {
        found.look(walk, kind);
        if found.left == 0 {
            Next::Stop
        } else {
            Next::Continue
        }
    });
    if !complete || found.left == 0 {
        found.diff.gave_up.push("/**".to_owned());
    }
    for telling in walk.readers().foreign() {
        let telling = [telling.to_string().into()];
        if let Accepted::Only(lax) = walk.readers().accepting_all(&telling)
            && found.done.insert(letters(lax))
        {
            found.no_letters(&telling);
        }
    }
    found.answers();
    beyond::note(&mut found, &walk);
    let mut diff = found.diff;
    diff.differences
        .sort_by_key(|difference| (!difference.opens(), !difference.closes()));
    diff
}

/// The differences found so far. Each cause is reported once per direction.
struct Collector<'a, 'p> {
    space: &'a Space<'p>,
    old: &'p Policy,
    new: &'p Policy,
    /// Per side whether the other one has all its denies.
    keeps_denies: [bool; 2],
    done: HashSet<(PatternId, usize, usize, Change)>,
    /// Steps that searches may still take.
    left: u64,
    diff: Diff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Change {
    Opens,
    Closes,
    /// Another status for unauthenticated clients: from this one to that one.
    Unauthenticated(u16, u16),
    /// Paths that only this side accepts.
    Letters(usize),
}

/// That some user can access a path which only one side accepts: reported once for all such paths.
const fn letters(lax: usize) -> (PatternId, usize, usize, Change) {
    (PatternId(u32::MAX), 0, 0, Change::Letters(lax))
}

impl<'p> Collector<'_, 'p> {
    fn look(&mut self, walk: &mut Walk<'_, 'p>, kind: &walk::PathClass<'p>) {
        match walk.readers().accepting_all(&kind.segments) {
            Accepted::ByAll => {}
            Accepted::Only(lax) => return self.letters(kind, lax),
            Accepted::ByNone => return,
        }
        let mut search = None;
        for (hit, pattern) in kind.hits.iter().zip(&kind.patterns) {
            if hit.shared {
                continue;
            }
            let (side, change) = match (hit.side, hit.spec.effect) {
                (NEW, Effect::Allow) => (NEW, Change::Opens),
                (NEW, Effect::Deny) => (OLD, Change::Closes),
                (_, Effect::Allow) => (OLD, Change::Closes),
                (_, Effect::Deny) => (NEW, Change::Opens),
            };
            let key = (*pattern, hit.side, hit.rule, change);
            if self.done.contains(&key) {
                continue;
            }
            let search = search.get_or_insert_with(|| Search::new(self.space, &kind.hits));
            let property = flips(hit, side, &kind.hits);
            let mut left = self.left;
            let found = {
                let accept = self.shows(kind, change, hit);
                search.find_within(&mut left, &property, &mut |chosen| accept(chosen))
            };
            self.left = left;
            match found {
                Found::Yes(witness) => {
                    self.done.insert(key);
                    self.report(walk, hit, *pattern, witness, None);
                    self.lose_interest(walk, *pattern);
                }
                Found::No => {}
                Found::GaveUp => self.diff.gave_up.push(kind.target.clone()),
            }
        }
        self.unauthenticated(walk, kind);
    }

    /// Builds and replays a witness of a change, in which the rule that causes it matches.
    fn shows<'k>(
        &self,
        kind: &'k walk::PathClass<'p>,
        change: Change,
        hit: &Hit<'p>,
    ) -> impl Fn(&Assignment) -> Option<Request> + use<'_, 'k, 'p> {
        let (old, new, space) = (self.old, self.new, self.space);
        let cause = if hit.side == OLD { old } else { new };
        let rule = RuleId(u32::try_from(hit.rule).unwrap_or(u32::MAX));
        let shows = move |request: &Request| {
            let (before, after) = (evaluate(old, request).kind, evaluate(new, request).kind);
            let flips = match change {
                Change::Opens => before == Kind::Deny && after == Kind::Allow,
                _ => before == Kind::Allow && after == Kind::Deny,
            };
            flips && {
                let mut trace = RuleTrace::default();
                evaluate_traced(cause, request, &mut trace);
                trace.matching().contains(&rule)
            }
        };
        move |chosen| {
            let witness = request(space, &kind.target, chosen);
            shows(&witness).then(|| shrunk(witness, space.now, &shows))
        }
    }

    /// Compares the responses to requests without a token: 401 if a token could grant access, else 403.
    fn unauthenticated(&mut self, walk: &Walk<'_, 'p>, kind: &walk::PathClass<'p>) {
        // No rule of interest matches, or all is known about it.
        let Some(at) = kind.hits.iter().position(|hit| !hit.shared) else {
            return;
        };
        let mut domain = Domain::new(self.space, &kind.hits);
        let mut chosen = Assignment::default();
        chosen.push(Var::Token, Value::Bool(false));
        let methods = domain.values(&Var::Method, &mut chosen);
        let ips = domain.values(&Var::Ip, &mut chosen);
        let nows = domain.values(&Var::Now, &mut chosen);
        for method in methods.iter() {
            for ip in ips.iter() {
                for now in nows.iter() {
                    let mut chosen = chosen.clone();
                    for (var, value) in [(Var::Method, method), (Var::Ip, ip), (Var::Now, now)] {
                        chosen.push(var, value.clone());
                    }
                    let witness = request(self.space, &kind.target, &chosen);
                    self.without_token(walk, kind, at, witness);
                }
            }
        }
    }

    fn without_token(
        &mut self,
        walk: &Walk<'_, 'p>,
        kind: &walk::PathClass<'p>,
        at: usize,
        witness: Request,
    ) {
        let (before, after) = (evaluate(self.old, &witness), evaluate(self.new, &witness));
        if before.kind != Kind::Deny || after.kind != Kind::Deny || before.same_response(&after) {
            return;
        }
        let (Some(hit), Some(pattern)) = (kind.hits.get(at), kind.patterns.get(at)) else {
            return;
        };
        let change = Change::Unauthenticated(before.status, after.status);
        if self.done.insert((*pattern, hit.side, hit.rule, change)) {
            let (old, new) = (self.old, self.new);
            let witness = shrunk(witness, self.space.now, &|request| {
                request.claims.is_none()
                    && evaluate(old, request).status == before.status
                    && evaluate(new, request).status == after.status
            });
            let who = "no token".to_owned();
            self.report(walk, hit, *pattern, witness, Some(who));
        }
    }

    /// Once it is known what a pattern opens or closes, no more paths are needed for it.
    fn lose_interest(&self, walk: &mut Walk<'_, 'p>, pattern: PatternId) {
        let changes = [Change::Opens, Change::Closes];
        let is_done = |side: usize, rule: usize| {
            changes
                .iter()
                .any(|change| self.done.contains(&(pattern, side, rule, *change)))
        };
        let all_done = [OLD, NEW].into_iter().all(|side| {
            let owners = walk.owners(pattern, side);
            owners.into_iter().all(|rule| is_done(side, rule))
        });
        // Letters matter to rules that both policies have, too.
        if all_done && walk.readers().foreign().is_empty() {
            walk.set_interesting(pattern, false);
        }
    }

    /// A path that only one of the policies accepts: can any user access it there?
    fn letters(&mut self, kind: &walk::PathClass<'p>, lax: usize) {
        if self.done.contains(&letters(lax)) {
            return;
        }
        let of_lax: Vec<Hit<'p>> = kind
            .hits
            .iter()
            .filter(|hit| hit.side == lax)
            .cloned()
            .collect();
        let allowed = |eval: &Eval<'_, 'p>| eval.allowed(lax, &of_lax);
        let policy = if lax == OLD { self.old } else { self.new };
        let shows = |request: &Request| evaluate(policy, request).kind == Kind::Allow;
        let mut left = self.left;
        let mut search = Search::new(self.space, &of_lax);
        let found = search.find_within(&mut left, &allowed, &mut |chosen| {
            let witness = request(self.space, &kind.target, chosen);
            shows(&witness).then(|| shrunk(witness, self.space.now, &shows))
        });
        self.left = left;
        match found {
            Found::Yes(witness) => {
                self.done.insert(letters(lax));
                self.report_letters(witness);
            }
            Found::No => {}
            Found::GaveUp => self.diff.gave_up.push(kind.target.clone()),
        }
    }

    /// A path that no user can access: rejected by one policy, denied by the other.
    fn no_letters(&mut self, telling: &[Rc<str>]) {
        let target = crate::walk::escaped(telling, false);
        let witness = request(self.space, &target, &Assignment::default());
        if !evaluate(self.old, &witness).same_response(&evaluate(self.new, &witness)) {
            self.report_letters(witness);
        }
    }

    fn report_letters(&mut self, witness: Request) {
        self.diff.differences.push(Difference {
            old: evaluate(self.old, &witness),
            new: evaluate(self.new, &witness),
            paths: "/**".to_owned(),
            who:
                "every principal that a rule allows, on paths that only one of the policies accepts"
                    .to_owned(),
            principals: Vec::new(),
            cause: None,
            witness,
        });
    }

    fn report(
        &mut self,
        walk: &Walk<'_, 'p>,
        hit: &Hit<'p>,
        pattern: PatternId,
        witness: Request,
        who: Option<String>,
    ) {
        let (old, new) = (evaluate(self.old, &witness), evaluate(self.new, &witness));
        let (side, other) = if hit.side == OLD {
            (Side::Old, self.new)
        } else {
            (Side::New, self.old)
        };
        let counterpart = other.named(&hit.spec.course, &hit.spec.id);
        let pattern_spec = hit.spec.patterns.get(hit.pattern);
        let opens = new.kind == Kind::Allow;
        let (open, allowing, shut) = match opens {
            true => (self.new, new.rule, OLD),
            false => (self.old, old.rule, NEW),
        };
        let principals = match (&who, pattern_spec) {
            (None, Some(pattern)) => Edit {
                shut: if opens { self.old } else { self.new },
                open,
                rule: hit.spec,
                pattern,
                counterpart: counterpart.and_then(|rule| other.rule(rule)),
                allowing: allowing.and_then(|rule| open.rule(rule)),
                keeps_denies: self.keeps_denies.get(shut) == Some(&true),
            }
            .principals(),
            _ => Vec::new(),
        };
        self.diff.differences.push(Difference {
            old,
            new,
            paths: pattern_spec.map_or_else(
                || walk.source(pattern).to_owned(),
                |pattern| pattern.source.clone(),
            ),
            who: who.unwrap_or_else(|| gains::listed(&principals)),
            principals,
            cause: Some(Cause {
                side,
                rule: RuleId(u32::try_from(hit.rule).unwrap_or(u32::MAX)),
                pattern: hit.pattern,
                counterpart,
            }),
            witness,
        });
    }

    /// Answers that the site gives otherwise, whatever the rules: one witness for each.
    fn answers(&mut self) {
        let (old, new) = (&self.old.config().deny, &self.new.config().deny);
        if old == new {
            return;
        }
        let mut wanted: HashMap<&str, ()> = HashMap::new();
        if old.no_token != new.no_token {
            wanted.insert("no_token", ());
        }
        if old.forbidden != new.forbidden {
            wanted.insert("forbidden", ());
        }
        let mut walk = Walk::new(self.space);
        let mut shown = Vec::new();
        let mut note = |witness: Request| {
            let (before, after) = (evaluate(self.old, &witness), evaluate(self.new, &witness));
            if before.reason == after.reason && !before.same_response(&after) {
                let reason = before.reason.code();
                let kept = match reason {
                    "denied_by_rule" => "forbidden",
                    other => other,
                };
                if wanted.remove(kept).is_some() {
                    shown.push((before, after, witness));
                }
            }
            wanted.is_empty()
        };
        let nowhere = Request {
            method: "GET".to_owned(),
            target: "/no-rule-names-this".to_owned(),
            ip: None,
            now: self.space.now,
            claims: None,
        };
        if !note(nowhere) {
            walk.run(&mut |_, kind| {
                for method in ["GET", "POST"] {
                    let mut witness = request(self.space, &kind.target, &Assignment::default());
                    witness.method = method.to_owned();
                    if note(witness) {
                        return Next::Stop;
                    }
                }
                Next::Continue
            });
        }
        for (old, new, witness) in shown {
            self.diff.differences.push(Difference {
                old,
                new,
                paths: "/**".to_owned(),
                who: "every denied request".to_owned(),
                principals: Vec::new(),
                cause: None,
                witness,
            });
        }
    }
}

/// Whether every deny of one side is a rule of the other one, too.
fn keeps_denies(space: &Space<'_>, walk: &Walk<'_, '_>, side: usize) -> bool {
    (0..walk.pattern_count()).all(|number| {
        let id = PatternId(u32::try_from(number).unwrap_or(u32::MAX));
        let is_deny = |rule: &usize| {
            let rule = space.rule(side, *rule);
            rule.is_none_or(|rule| rule.effect == Effect::Deny)
        };
        walk.is_shared(id) || !walk.owners(id, side).iter().any(is_deny)
    })
}

/// A request that this rule is part of, allowed on this side only.
fn flips<'h, 'p>(
    hit: &'h Hit<'p>,
    allowed: usize,
    hits: &'h [Hit<'p>],
) -> impl Fn(&Eval<'_, 'p>) -> Answer + use<'h, 'p> {
    let other = if allowed == OLD { NEW } else { OLD };
    move |eval| {
        eval.matches(hit)
            .and(|| eval.allowed(allowed, hits))
            .and(|| eval.allowed(other, hits).not())
    }
}
