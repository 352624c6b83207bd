//! Rules and requests in the words their authors would use.
//!
//! Not here: which rule or request to show.

mod cel;
mod test_case;
mod time;

use tollgate_compiler::spec::{Network, RuleSpec, Template};
use tollgate_core::{Effect, MethodSet};

pub use cel::condition;
pub use test_case::test_case;
pub use time::rfc3339;

use crate::policy::Policy;

/// Who a rule is about and under which conditions, as the keys that say so in a policy file, separated by
/// commas. An `allow` for everyone is `anyone = true`; a `deny` has no key that says so.
pub fn who(policy: &Policy, rule: &RuleSpec) -> String {
    let mut keys = people(rule);
    if keys.is_empty() {
        keys.push(match rule.effect {
            Effect::Allow => "anyone = true".to_owned(),
            Effect::Deny => "everyone".to_owned(),
        });
    }
    keys.extend(narrowings(policy, rule));
    keys.join(", ")
}

/// The keys that say who a rule is about.
pub fn people(rule: &RuleSpec) -> Vec<String> {
    let mut keys = Vec::new();
    if rule.who.anyone {
        keys.push("anyone = true".to_owned());
    }
    if rule.who.signed_in {
        keys.push("signed_in = true".to_owned());
    }
    for (key, names) in [
        ("groups", &rule.who.groups),
        ("scopes", &rule.who.scopes),
        ("subjects", &rule.who.subjects),
    ] {
        if let Some(names) = names {
            keys.push(format!("{key} = {}", list(names.iter().map(template))));
        }
    }
    keys
}

/// The keys that narrow a rule, beside its people.
pub fn narrowings(policy: &Policy, rule: &RuleSpec) -> Vec<String> {
    let mut keys = Vec::new();
    if rule.methods != MethodSet::READ {
        let names = rule.methods.names().map(str::to_owned);
        keys.push(format!("methods = {}", list(names)));
    }
    if let Some(networks) = &rule.networks {
        keys.push(format!("networks = {}", list(networks.iter().map(network))));
    }
    for (key, secs) in [("from", rule.from), ("until", rule.until)] {
        if let Some(secs) = secs {
            keys.push(format!("{key} = {}", rfc3339(secs)));
        }
    }
    for (key, expr) in [("when", &rule.when), ("unless", &rule.unless)] {
        if let Some(expr) = expr {
            keys.push(format!("{key} = {}", literal(&condition(policy, expr))));
        }
    }
    keys
}

/// A name as it stands in a list of groups.
pub fn template(name: &Template) -> String {
    match &name.capture {
        None => name.prefix.clone(),
        Some(capture) => format!("{}{{{capture}}}{}", name.prefix, name.suffix),
    }
}

fn network(network: &Network) -> String {
    format!("{}/{}", network.addr, network.prefix)
}

fn list(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<String> = texts.map(|text| basic(&text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A TOML literal string where it can be one: conditions are full of quotes.
fn literal(text: &str) -> String {
    if text.contains('\'') || text.chars().any(char::is_control) {
        basic(text)
    } else {
        format!("'{text}'")
    }
}

/// A TOML basic string.
pub(crate) fn basic(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
