//! Rules without effect, with the rules that are responsible.
//!
//! A rule is live if some request is allowed, or denied, only because of it. All rules are examined in one walk
//! over the classes of paths, each until it is known to be live, so the cost is about one search per rule. Not
//! here: messages for authors.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_core::{Effect, RuleId};
use tollgate_gate::Kind;

use crate::eval::{Answer, Eval};
use crate::explain::RuleTrace;
use crate::policy::Policy;
use crate::request::{Evaluation, Request, evaluate_traced};
use crate::search::{Found, Search, request};
use crate::shrink::shrunk;
use crate::space::{Hit, Space};
use crate::walk::{Next, Walk};

/// The reason why a rule has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dead {
    /// Nothing can match it: its parts contradict each other.
    NeverMatches,
    /// An allow: whenever it matches, a deny matches too. The blockers are those denies.
    Overridden,
    /// An allow: other rules allow every request that it allows (or a deny denies it). The blockers are
    /// those rules.
    Redundant,
    /// A deny: no rule allows any request that it matches. It has no blockers.
    DeniesNothing,
    /// A deny: other denies deny every request that it denies. The blockers are those.
    AlreadyDenied,
}

impl Dead {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NeverMatches => "never_matches",
            Self::Overridden => "overridden",
            Self::Redundant => "redundant",
            Self::DeniesNothing => "denies_nothing",
            Self::AlreadyDenied => "already_denied",
        }
    }
}

/// A rule without effect.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadRule {
    /// The rule.
    pub rule: RuleId,
    /// The reason.
    pub why: Dead,
    /// The rules that make it ineffective: without all of them it would have an effect.
    pub blockers: Vec<RuleId>,
    /// A request that matches the rule and has the same result without it; none if nothing can match.
    pub witness: Option<Request>,
}

/// The live and dead rules of a policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleLiveness {
    /// Rules without effect, in the order of their names.
    pub dead: Vec<DeadRule>,
    /// For every live rule a request that only it allows or denies, replayed.
    pub alive: BTreeMap<RuleId, Request>,
    /// Rules for which a search took too long.
    pub unknown: Vec<RuleId>,
}

/// Finds the rules without effect. Whether an unauthenticated client gets 401 or 403 does not count as an effect.
///
/// Two rules can be dead because of each other: of two equal rules both are listed, and only one of them can be
/// removed.
///
/// # Example
/// ```
/// use tollgate_analysis::{Policy, dead};
/// use tollgate_compiler::{CompileOptions, SourceTree, compile};
///
/// let mut tree = SourceTree::new();
/// tree.insert("site.toml", r#"
/// schema = 1
/// [site]
/// name = "example"
/// [[rule]]
/// id = "docs"
/// allow = ["/docs/**"]
/// anyone = true
/// [[rule]]
/// id = "manual"
/// allow = ["/docs/manual.pdf"]
/// anyone = true
/// "#);
/// let spec = compile(&tree, &CompileOptions::default()).policy.ok_or("compiles")?;
/// let policy = Policy::new(spec)?;
/// let lives = dead::rules(&policy, 1_800_000_000);
/// assert_eq!(lives.dead.len(), 1);
/// assert_eq!(lives.dead[0].why, dead::Dead::Redundant);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn rules(policy: &Policy, now: i64) -> RuleLiveness {
    let space = Space::new(&[policy], now);
    let mut walk = Walk::new(&space);
    let mut lives = RuleLiveness::default();
    let mut gave_up: BTreeSet<usize> = BTreeSet::new();
    let mut places: BTreeMap<usize, Vec<Place<'_>>> = BTreeMap::new();
    let complete = walk.run(&mut |walk, kind| {
        let mut search = Search::new(&space, &kind.hits);
        for (at, (hit, pattern)) in kind.hits.iter().zip(&kind.patterns).enumerate() {
            if lives.alive.contains_key(&id(hit.rule)) {
                continue;
            }
            let matters = |eval: &Eval<'_, '_>| matters(eval, hit, &kind.hits);
            let shows = |request: &Request| {
                let mut trace = RuleTrace::default();
                let evaluation = evaluate_traced(policy, request, &mut trace);
                let matching = trace.matching();
                let effect = |rule: &RuleId| policy.rule(*rule).map(|rule| rule.effect);
                let is_only = matching
                    .iter()
                    .all(|rule| effect(rule) != Some(hit.spec.effect) || *rule == id(hit.rule));
                match hit.spec.effect {
                    Effect::Allow => evaluation.kind == Kind::Allow && is_only,
                    // An unauthenticated request may get 401 instead, without a rule.
                    Effect::Deny => evaluation.kind == Kind::Deny && is_only,
                }
            };
            let found = search.find(&matters, &mut |chosen| {
                let witness = request(&space, &kind.target, chosen);
                shows(&witness).then_some(witness)
            });
            match found {
                Found::Yes(witness) => {
                    lives.alive.insert(id(hit.rule), witness);
                    places.remove(&hit.rule);
                    let owners = walk.owners(*pattern, 0);
                    if owners
                        .iter()
                        .all(|rule| lives.alive.contains_key(&id(*rule)))
                    {
                        walk.set_interesting(*pattern, false);
                    }
                }
                Found::No => places.entry(hit.rule).or_default().push(Place {
                    target: kind.target.clone(),
                    hits: kind.hits.clone(),
                    at,
                }),
                Found::GaveUp => drop(gave_up.insert(hit.rule)),
            }
        }
        Next::Continue
    });
    for (number, _) in policy.rules().iter().enumerate() {
        let rule = id(number);
        if lives.alive.contains_key(&rule) {
            continue;
        }
        if !complete || gave_up.contains(&number) {
            lives.unknown.push(rule);
            continue;
        }
        let places = places.remove(&number).unwrap_or_default();
        let dead = Inquest {
            space: &space,
            policy,
            rule: number,
            places,
        };
        match dead.report() {
            Some(report) => lives.dead.push(report),
            None => lives.unknown.push(rule),
        }
    }
    lives
}

fn id(rule: usize) -> RuleId {
    RuleId(u32::try_from(rule).unwrap_or(u32::MAX))
}

/// Whether the answer would be another one without this rule.
fn matters(eval: &Eval<'_, '_>, hit: &Hit<'_>, hits: &[Hit<'_>]) -> Answer {
    let others = |effect| {
        hits.iter()
            .filter(move |other| other.rule != hit.rule && other.spec.effect == effect)
    };
    eval.matches(hit)
        .and(|| eval.any(others(Effect::Deny)).not())
        .and(|| match hit.spec.effect {
            Effect::Allow => eval.any(others(Effect::Allow)).not(),
            Effect::Deny => eval.any(others(Effect::Allow)),
        })
}

/// A kind of path that a rule names, and all rules that do.
struct Place<'p> {
    target: String,
    hits: Vec<Hit<'p>>,
    at: usize,
}

/// Determines why a rule has no effect.
struct Inquest<'a, 'p> {
    space: &'a Space<'p>,
    policy: &'p Policy,
    rule: usize,
    places: Vec<Place<'p>>,
}

impl<'p> Inquest<'_, 'p> {
    /// The reason; `None` if a search took too long.
    fn report(&self) -> Option<DeadRule> {
        let report = |why, blockers, witness| {
            Some(DeadRule {
                rule: id(self.rule),
                why,
                blockers,
                witness,
            })
        };
        let effect = self.policy.rules().get(self.rule).map(|rule| rule.effect);
        let Some(anywhere) = self.witness(&|eval, hit, _| eval.matches(hit))? else {
            return report(Dead::NeverMatches, Vec::new(), None);
        };
        let any = |eval: &Eval<'_, 'p>, hits: &[Hit<'p>], effect| {
            let others = hits
                .iter()
                .filter(|other| other.rule != self.rule && other.spec.effect == effect);
            eval.any(others)
        };
        if effect == Some(Effect::Deny) {
            let something = self.witness(&|eval, hit, hits| {
                eval.matches(hit).and(|| any(eval, hits, Effect::Allow))
            })?;
            return match something {
                None => report(Dead::DeniesNothing, Vec::new(), Some(anywhere)),
                witness => report(Dead::AlreadyDenied, self.blockers(), witness),
            };
        }
        let undenied = self.witness(&|eval, hit, hits| {
            eval.matches(hit)
                .and(|| any(eval, hits, Effect::Deny).not())
        })?;
        match undenied {
            None => report(Dead::Overridden, self.blockers(), Some(anywhere)),
            witness => report(Dead::Redundant, self.blockers(), witness),
        }
    }

    /// The simplest request at any of the places that has the property, which includes that the rule matches; the
    /// outer `None` if a search took too long.
    fn witness(
        &self,
        property: &dyn Fn(&Eval<'_, 'p>, &Hit<'p>, &[Hit<'p>]) -> Answer,
    ) -> Option<Option<Request>> {
        let mut gave_up = false;
        for place in &self.places {
            let Some(hit) = place.hits.get(place.at) else {
                continue;
            };
            let mut search = Search::new(self.space, &place.hits);
            let property = |eval: &Eval<'_, 'p>| property(eval, hit, &place.hits);
            let found = search.find(&property, &mut |chosen| {
                let witness = request(self.space, &place.target, chosen);
                let matching = self.seen(&witness).1;
                matching.contains(&id(self.rule)).then_some(witness)
            });
            match found {
                Found::Yes(witness) => return Some(Some(self.plain(witness))),
                Found::No => {}
                Found::GaveUp => gave_up = true,
            }
        }
        (!gave_up).then_some(None)
    }

    /// The result of the real evaluator, and the rules that match.
    fn seen(&self, request: &Request) -> (Evaluation, Vec<RuleId>) {
        let mut trace = RuleTrace::default();
        let evaluation = evaluate_traced(self.policy, request, &mut trace);
        (evaluation, trace.matching())
    }

    /// The witness, simplified as long as the same rules match and the result stays the same.
    fn plain(&self, witness: Request) -> Request {
        let wanted = self.seen(&witness);
        shrunk(witness, self.space.now, &|request| {
            self.seen(request) == wanted
        })
    }

    /// A smallest set of other rules without which this one would matter.
    fn blockers(&self) -> Vec<RuleId> {
        let mut blockers: BTreeSet<usize> = self
            .places
            .iter()
            .flat_map(|place| &place.hits)
            .map(|hit| hit.rule)
            .filter(|rule| *rule != self.rule)
            .collect();
        // A deny is blocked by denies only; the allows are what it would deny.
        if self.policy.rules().get(self.rule).map(|rule| rule.effect) == Some(Effect::Deny) {
            let is_deny = |rule: &usize| {
                self.policy.rules().get(*rule).map(|rule| rule.effect) == Some(Effect::Deny)
            };
            blockers.retain(is_deny);
        }
        for candidate in blockers.clone() {
            let mut fewer = blockers.clone();
            fewer.remove(&candidate);
            if !self.matters_but_for(&fewer) {
                blockers = fewer;
            }
        }
        blockers.into_iter().map(id).collect()
    }

    /// Whether the rule would matter if these were the only others in its way.
    fn matters_but_for(&self, blockers: &BTreeSet<usize>) -> bool {
        self.places.iter().any(|place| {
            let Some(hit) = place.hits.get(place.at) else {
                return false;
            };
            let is_deny = hit.spec.effect == Effect::Deny;
            let in_the_way = |eval: &Eval<'_, 'p>| {
                eval.any(
                    place
                        .hits
                        .iter()
                        .filter(|other| blockers.contains(&other.rule)),
                )
            };
            let property = |eval: &Eval<'_, 'p>| {
                eval.matches(hit)
                    .and(|| in_the_way(eval).not())
                    .and(|| match is_deny {
                        false => Answer::Yes,
                        true => eval.any(
                            place
                                .hits
                                .iter()
                                .filter(|other| other.spec.effect == Effect::Allow),
                        ),
                    })
            };
            Search::new(self.space, &place.hits).is_possible(&property)
        })
    }
}
