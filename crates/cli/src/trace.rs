//! The evaluation of every rule for a path, as human-readable lines.
//!
//! Not here: the decision, which the gate makes.

use tollgate_core::decide::{Parts, Trace};
use tollgate_core::{Effect, RuleId, Tri};
use tollgate_gate::Gate;

use crate::output::{BAD, FAINT, GOOD, NOTE, STRONG, styled, visible};

/// Every rule that was evaluated, in that order.
#[derive(Default)]
pub(crate) struct Evaluated(pub(crate) Vec<(RuleId, Effect, Parts)>);

impl Trace for Evaluated {
    fn rule(&mut self, rule: RuleId, effect: Effect, parts: Parts) {
        // A rule whose patterns overlap is evaluated once for each that matches.
        if !self.0.contains(&(rule, effect, parts)) {
            self.0.push((rule, effect, parts));
        }
    }
}

impl Evaluated {
    /// One line per rule: whether it matches, and which parts prevent a match.
    pub(crate) fn lines(&self, gate: &Gate<Vec<u8>>) -> Vec<String> {
        let name = |rule| {
            let name = gate.image().rule_name(rule).map(|name| name.to_string());
            visible(&name.unwrap_or_default())
        };
        let widths = self.0.iter().map(|(rule, ..)| name(*rule).chars().count());
        let width = widths.max().unwrap_or(0);
        self.0
            .iter()
            .map(|(rule, effect, parts)| {
                let word = match effect {
                    Effect::Allow => "allow",
                    Effect::Deny => "deny ",
                };
                let result = result(*effect, parts);
                let parts: String = parts_in_the_way(parts)
                    .map(|(part, value)| format!(", {}", part_text(part, value)))
                    .collect();
                format!("{word} {:width$}  {result}{parts}", name(*rule))
            })
            .collect()
    }
}

fn result(effect: Effect, parts: &Parts) -> String {
    let all = parts.all();
    // An allow needs certainty; a deny needs doubt only.
    match effect {
        Effect::Allow if all == Tri::TRUE => styled(GOOD, "matches"),
        Effect::Deny if all != Tri::FALSE => styled(BAD, "matches"),
        _ => styled(FAINT, "does not match"),
    }
}

/// The parts that do not certainly hold.
fn parts_in_the_way(parts: &Parts) -> impl Iterator<Item = (&'static str, Tri)> {
    let Parts {
        method,
        who,
        networks,
        time,
        when,
        unless,
    } = *parts;
    [
        ("method", method),
        ("principal", who),
        ("networks", networks),
        ("from/until", time),
        ("when", when),
        ("unless", unless),
    ]
    .into_iter()
    .filter(|(_, value)| *value != Tri::TRUE)
}

/// A part and its value. `unless` holds where its condition is false, so the condition's own value is shown.
fn part_text(part: &str, value: Tri) -> String {
    match (part, value) {
        ("when", Tri::FALSE) => styled(STRONG, "when: false"),
        ("unless", Tri::FALSE) => styled(STRONG, "unless: true"),
        (_, Tri::FALSE) => styled(STRONG, format_args!("{part}: no")),
        _ => styled(NOTE, format_args!("{part}: unknown")),
    }
}
