//! Policies of the specification with rules removed, to isolate the effect of a single rule.

use tollgate_policy::spec::RuleSpec;
use tollgate_spec::model::{Course, Effect, METHODS, Policy, Rule, Who};

/// The policy with only those rules for which `keep` is true; it also receives the course's id.
pub(crate) fn only(model: &Policy, keep: impl Fn(&str, &Rule) -> bool) -> Policy {
    let mut model = model.clone();
    for course in &mut model.courses {
        let id = course.id.clone();
        course.rules.retain(|rule| keep(&id, rule));
    }
    model
}

/// The policy without its rules of the other effect, and without all rules of this effect but one.
pub(crate) fn alone_of_its_effect(model: &Policy, named: &RuleSpec) -> Policy {
    let is_it = |course: &str, rule: &Rule| course == named.course && rule.id == named.id;
    only(model, |course, rule| {
        is_it(course, rule) || rule.effect != effect(named)
    })
}

/// The policy without one rule.
pub(crate) fn without(model: &Policy, named: &RuleSpec) -> Policy {
    only(model, |course, rule| {
        course != named.course || rule.id != named.id
    })
}

/// The policy without denies.
pub(crate) fn without_denies(model: &Policy) -> Policy {
    only(model, |_, rule| rule.effect == Effect::Allow)
}

/// The policy in which every allow is for anyone with any method, and nothing is denied.
pub(crate) fn opened(model: &Policy) -> Policy {
    let mut model = without_denies(model);
    for course in &mut model.courses {
        for rule in &mut course.rules {
            *rule = open(&rule.id, rule.paths.clone());
        }
    }
    model
}

/// A policy that allows everyone what a pattern names, base included, with the path settings of another.
pub(crate) fn of_pattern(model: &Policy, pattern: &str) -> Policy {
    Policy {
        origin: model.origin,
        index: model.index.clone(),
        courses: vec![Course {
            id: "site".to_owned(),
            base: String::new(),
            rules: vec![open("pattern", vec![pattern.to_owned()])],
        }],
        ..Policy::default()
    }
}

fn open(id: &str, paths: Vec<String>) -> Rule {
    Rule {
        id: id.to_owned(),
        effect: Effect::Allow,
        paths,
        who: Who {
            anyone: true,
            ..Who::default()
        },
        methods: Some(METHODS.map(str::to_owned).to_vec()),
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    }
}

fn effect(rule: &RuleSpec) -> Effect {
    match rule.effect {
        tollgate_core::Effect::Allow => Effect::Allow,
        tollgate_core::Effect::Deny => Effect::Deny,
    }
}
