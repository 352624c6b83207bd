//! Instrumentation rules.
//!
//! An instrumentation rule has the paths and methods of the rule that it measures, and exactly one
//! part of it. Its course has a name that no author can write, so it cannot collide with the
//! author's rules. The decisions of such a policy are meaningless; only its trace is read.

use std::collections::BTreeMap;

use tollgate_core::Effect;
use tollgate_policy::spec::{Expr, ImageSpec, Principals, RuleSpec};

use super::item::{Item, Wanted};
use crate::locate::Part;
use crate::syntax;

/// The course of instrumentation rules.
const COURSE: &str = "~";

/// The result to read from a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// It matches, subject to its effect.
    Match,
    /// Its path matches.
    Fit,
    /// It is true.
    True,
    /// It is false or unknown.
    NotTrue,
}

/// The measurement of a rule of the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Role {
    pub(super) item: usize,
    pub(super) measure: Measure,
}

/// A policy with instrumentation rules.
pub(super) struct Instrumented {
    pub(super) policy: ImageSpec,
    pub(super) items: Vec<Item>,
    /// By course and id.
    pub(super) roles: BTreeMap<(String, String), Vec<Role>>,
}

pub(super) fn instrument(policy: &ImageSpec) -> Instrumented {
    let mut all = Instrumented {
        policy: policy.clone(),
        items: Vec::new(),
        roles: BTreeMap::new(),
    };
    for (at, rule) in policy.rules.iter().enumerate() {
        all.rule(at, rule, policy);
    }
    all
}

impl Instrumented {
    fn rule(&mut self, at: usize, rule: &RuleSpec, policy: &ImageSpec) {
        let RuleSpec {
            course,
            id,
            effect: _,
            because: _,
            patterns: _,
            methods: _,
            who: _,
            networks,
            from,
            until,
            when,
            unless,
        } = rule;
        let role = self.item(at, Part::Rule, Wanted::Matches, Measure::Match);
        let name = (course.clone(), id.clone());
        self.roles.entry(name).or_default().push(role);
        let empty = || RuleSpec {
            course: COURSE.to_owned(),
            id: String::new(),
            effect: Effect::Allow,
            because: None,
            patterns: rule.patterns.clone(),
            methods: rule.methods,
            who: Principals::default(),
            networks: None,
            from: None,
            until: None,
            when: None,
            unless: None,
        };
        for (nth, pattern) in rule.patterns.iter().enumerate() {
            let patterns = vec![pattern.clone()];
            let probe = RuleSpec {
                patterns,
                ..empty()
            };
            self.probe(
                at,
                probe,
                &[(Part::Pattern(nth), Wanted::Fits, Measure::Fit)],
            );
        }
        self.who(at, rule, &empty);
        if let Some(networks) = networks {
            for (nth, network) in networks.iter().enumerate() {
                let networks = Some(vec![*network]);
                let probe = RuleSpec {
                    networks,
                    ..empty()
                };
                self.holds(at, probe, Part::Entry("networks", nth));
            }
            let networks = Some(networks.clone());
            let probe = RuleSpec {
                networks,
                ..empty()
            };
            self.fails(at, probe, Part::Key("networks"));
        }
        if from.is_some() {
            let from = *from;
            self.both(at, RuleSpec { from, ..empty() }, &Part::Key("from"));
        }
        if until.is_some() {
            let until = *until;
            self.both(at, RuleSpec { until, ..empty() }, &Part::Key("until"));
        }
        for (key, condition) in [("when", when), ("unless", unless)] {
            let mut before: BTreeMap<String, usize> = BTreeMap::new();
            for leaf in condition.iter().flat_map(|expr| leaves(expr)) {
                let text = syntax::condition(leaf, &policy.claims);
                let nth = before.entry(text.clone()).or_default();
                let part = Part::Piece(key, text, *nth);
                *nth += 1;
                let when = Some(leaf.clone());
                self.both(at, RuleSpec { when, ..empty() }, &part);
            }
        }
    }

    fn who(&mut self, at: usize, rule: &RuleSpec, empty: &impl Fn() -> RuleSpec) {
        let Principals {
            // `nobody` never matches and `anyone` always does, so there is nothing to measure.
            anyone: _,
            signed_in,
            groups,
            scopes,
            subjects,
            issuers,
        } = &rule.who;
        if *signed_in {
            let signed_in = Principals {
                signed_in: true,
                ..Principals::default()
            };
            let probe = RuleSpec {
                who: signed_in,
                ..empty()
            };
            self.both(at, probe, &Part::Key("signed_in"));
        }
        for (key, list) in [
            ("groups", groups),
            ("scopes", scopes),
            ("subjects", subjects),
        ] {
            let Some(list) = list else { continue };
            let only = |entries| {
                let mut who = Principals::default();
                match key {
                    "groups" => who.groups = Some(entries),
                    "scopes" => who.scopes = Some(entries),
                    _ => who.subjects = Some(entries),
                }
                RuleSpec { who, ..empty() }
            };
            for (nth, entry) in list.iter().enumerate() {
                self.holds(at, only(vec![entry.clone()]), Part::Entry(key, nth));
            }
            self.fails(at, only(list.clone()), Part::Key(key));
        }
        if let Some(names) = issuers {
            let only = |names| {
                let issuers = Some(names);
                let who = Principals {
                    issuers,
                    ..Principals::default()
                };
                RuleSpec { who, ..empty() }
            };
            for (nth, name) in names.iter().enumerate() {
                self.holds(at, only(vec![name.clone()]), Part::Entry("issuers", nth));
            }
            self.fails(at, only(names.clone()), Part::Key("issuers"));
        }
    }

    fn both(&mut self, at: usize, probe: RuleSpec, part: &Part) {
        let holds = (part.clone(), Wanted::Holds, Measure::True);
        let fails = (part.clone(), Wanted::Fails, Measure::NotTrue);
        self.probe(at, probe, &[holds, fails]);
    }

    fn holds(&mut self, at: usize, probe: RuleSpec, part: Part) {
        self.probe(at, probe, &[(part, Wanted::Holds, Measure::True)]);
    }

    fn fails(&mut self, at: usize, probe: RuleSpec, part: Part) {
        self.probe(at, probe, &[(part, Wanted::Fails, Measure::NotTrue)]);
    }

    fn probe(&mut self, at: usize, mut probe: RuleSpec, items: &[(Part, Wanted, Measure)]) {
        probe.id = self.roles.len().to_string();
        let roles: Vec<Role> = items
            .iter()
            .map(|(part, wanted, measure)| self.item(at, part.clone(), *wanted, *measure))
            .collect();
        self.roles
            .insert((probe.course.clone(), probe.id.clone()), roles);
        self.policy.rules.push(probe);
    }

    fn item(&mut self, rule: usize, part: Part, wanted: Wanted, measure: Measure) -> Role {
        let item = self.items.len();
        self.items.push(Item {
            rule,
            part,
            wanted,
            tests: 0,
        });
        Role { item, measure }
    }
}

/// The operands of `&&`, `||` and `!`.
fn leaves(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::And(left, right) | Expr::Or(left, right) => {
            let mut all = leaves(left);
            all.extend(leaves(right));
            all
        }
        Expr::Not(inner) => leaves(inner),
        leaf => vec![leaf],
    }
}
