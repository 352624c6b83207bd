//! Rules and requests in the syntax of policy files.
//!
//! Not here: selecting the rule or request.

mod test_case;

use tollgate_core::{Effect, MethodSet};
use tollgate_policy::spec::{Expr, Principals, RuleSpec};
use tollgate_policy::syntax::{self, methods, network, quoted};

pub use test_case::test_case;
pub use tollgate_policy::syntax::{moment as rfc3339, template};

use crate::policy::Policy;

/// A condition of this policy as CEL.
pub fn condition(policy: &Policy, expr: &Expr) -> String {
    syntax::condition(expr, &policy.spec().claims)
}

/// The principals and constraints of a rule, as keys of a policy file, separated by commas. An `allow` for everyone
/// is `anyone = true`; a `deny` for everyone has no such key, so it is `everyone`.
pub fn who(policy: &Policy, rule: &RuleSpec) -> String {
    let mut keys = people(policy, rule);
    if keys.is_empty() {
        keys.push(match rule.effect {
            Effect::Allow => "anyone = true".to_owned(),
            Effect::Deny => "everyone".to_owned(),
        });
    }
    keys.extend(constraints(policy, rule));
    keys.join(", ")
}

/// The keys of a rule's principals.
pub fn people(policy: &Policy, rule: &RuleSpec) -> Vec<String> {
    let Principals {
        anyone,
        signed_in,
        groups,
        scopes,
        subjects,
        issuers,
    } = &rule.who;
    let mut keys = Vec::new();
    if *anyone {
        keys.push("anyone = true".to_owned());
    }
    if *signed_in {
        keys.push("signed_in = true".to_owned());
    }
    for (key, names) in [
        ("groups", groups),
        ("scopes", scopes),
        ("subjects", subjects),
    ] {
        if let Some(names) = names {
            keys.push(format!("{key} = {}", list(names.iter().map(template))));
        }
    }
    if let Some(issuers) = issuers {
        let name = |iss: &String| {
            let mut known = policy.config().issuers.iter();
            let issuer = known.find(|issuer| issuer.issuers.first() == Some(iss));
            issuer.map_or_else(|| iss.clone(), |issuer| issuer.name.clone())
        };
        keys.push(format!("issuers = {}", list(issuers.iter().map(name))));
    }
    keys
}

/// The keys of a rule's other constraints.
pub fn constraints(policy: &Policy, rule: &RuleSpec) -> Vec<String> {
    let RuleSpec {
        methods: own_methods,
        networks,
        from,
        until,
        when,
        unless,
        course: _,
        id: _,
        effect: _,
        because: _,
        patterns: _,
        who: _,
    } = rule;
    let mut keys = Vec::new();
    if *own_methods != MethodSet::READ {
        keys.push(format!("methods = {}", methods(*own_methods)));
    }
    if let Some(networks) = networks {
        keys.push(format!("networks = {}", list(networks.iter().map(network))));
    }
    for (key, secs) in [("from", *from), ("until", *until)] {
        if let Some(secs) = secs {
            keys.push(format!("{key} = {}", rfc3339(secs)));
        }
    }
    for (key, expr) in [("when", when), ("unless", unless)] {
        if let Some(expr) = expr {
            keys.push(format!("{key} = {}", literal(&condition(policy, expr))));
        }
    }
    keys
}

fn list(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.map(|text| quoted(&text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A TOML literal string where it can be one: conditions are full of quotes.
fn literal(text: &str) -> String {
    if text.contains('\'') {
        quoted(text)
    } else {
        format!("'{text}'")
    }
}
