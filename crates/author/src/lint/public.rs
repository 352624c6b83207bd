//! TG0717: public rules that cover what other rules of their file restrict.

use std::collections::BTreeMap;

use tollgate_analysis::covers::covers;
use tollgate_analysis::rule_name as name;
use tollgate_compiler::Diagnostic;
use tollgate_compiler::diagnostic::codes;
use tollgate_core::Effect;
use tollgate_policy::spec::RuleSpec;

use super::context::LintContext;
use crate::locate::Part;

pub(super) fn check(context: &LintContext<'_>, findings: &mut Vec<Diagnostic>) {
    let mut files: BTreeMap<&str, Vec<(usize, &RuleSpec)>> = BTreeMap::new();
    for (at, rule, _) in context.rules() {
        files
            .entry(rule.course.as_str())
            .or_default()
            .push((at, rule));
    }
    for rules in files.values() {
        for (at, public) in rules.iter().filter(|(_, rule)| is_open(rule)) {
            let restricts = |rule: &RuleSpec| rule.effect == Effect::Allow && !rule.who.anyone;
            let taken_in = |rule: &RuleSpec| {
                let each = |inner| public.patterns.iter().any(|outer| covers(outer, inner));
                public.methods.contains(rule.methods) && rule.patterns.iter().all(each)
            };
            let mut others = rules
                .iter()
                .filter(|(_, rule)| restricts(rule) && taken_in(rule));
            let Some((other, restricted)) = others.next() else {
                continue;
            };
            let message = format!(
                "`{}` is public and covers everything that `{}` restricts",
                name(public),
                name(restricted)
            );
            let part = Part::Pattern(0);
            let mut finding = context.finding(&codes::WIDE_PUBLIC, *at, &part, message);
            context.mark(
                &mut finding,
                *other,
                &Part::Pattern(0),
                "this rule has no effect",
            );
            finding.help("name the public folders, such as `/preview/**`");
            findings.push(finding);
        }
    }
}

/// Whether the rule allows every client, from every network, at all times.
fn is_open(rule: &RuleSpec) -> bool {
    rule.effect == Effect::Allow && rule.who.anyone && !rule.is_constrained()
}
