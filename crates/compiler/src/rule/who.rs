//! The principals of a rule: groups, scopes, subjects, issuers, and the captures in their names.
//!
//! Not here: what a token contains.

use std::collections::BTreeSet;

use tollgate_core::Effect;
use tollgate_token::IssuerConfig;

use super::pattern::capture_name_problem;
use crate::diagnostic::{Applicability, Edit, Report, Span, codes, shown};
use crate::document::{Table, Text};
use crate::edit::quoted;
use crate::keys::course::RULE;
use crate::keys::{has_or_means, nearest};
use tollgate_policy::spec::{Principals, Template};

/// The captures of one pattern of a rule.
#[derive(Debug)]
pub(crate) struct Captures {
    pub(crate) names: BTreeSet<String>,
    /// The span of the pattern.
    pub(crate) span: Span,
}

/// Reads the principals of a rule.
pub(super) fn who(
    rule: Table<'_>,
    effect: Option<Effect>,
    captures: &[Captures],
    issuers: Option<&[IssuerConfig]>,
    report: &mut Report,
) -> Principals {
    let mut who = Principals::default();
    for (key, flag) in [
        ("anyone", &mut who.anyone),
        ("signed_in", &mut who.signed_in),
    ] {
        match rule.flag(key) {
            Some(true) => *flag = true,
            Some(false) => {
                let span = rule.value_span(key).unwrap_or(rule.place());
                let message = format!("`{key} = false` has no effect");
                report
                    .add(&codes::BAD_WHO, span, message)
                    .help(format!("remove `{key}`"));
            }
            None => {}
        }
    }
    for (key, slot) in [
        ("groups", &mut who.groups),
        ("scopes", &mut who.scopes),
        ("subjects", &mut who.subjects),
    ] {
        if rule.has(key) {
            let names = rule.texts(key);
            let templates = names
                .iter()
                .filter_map(|name| template(key, name, captures, report));
            *slot = Some(templates.collect());
        }
    }
    if rule.has("issuers") {
        let names = rule.texts("issuers");
        let known = names
            .iter()
            .filter_map(|name| issuer(name, issuers, report));
        who.issuers = Some(known.collect());
    }
    if who.anyone {
        for key in ["signed_in", "groups", "scopes", "subjects", "issuers"] {
            let Some(span) = rule.key_span(key) else {
                continue;
            };
            let message = format!("`{key}` has no effect next to `anyone`");
            let diagnostic = report.add(&codes::BAD_WHO, span, message);
            if let Some(anyone) = rule.key_span("anyone") {
                diagnostic.also(anyone, "this already includes every principal");
            }
            diagnostic.help(format!("keep either `anyone` or `{key}`"));
        }
    }
    let has_who = [
        "anyone",
        "signed_in",
        "groups",
        "scopes",
        "subjects",
        "issuers",
    ];
    if effect == Some(Effect::Allow) && !has_who.iter().any(|key| has_or_means(rule, &RULE, key)) {
        let span = rule.key_span("allow").unwrap_or(rule.place());
        report
            .add(&codes::NO_WHO, span, "the `allow` rule names no principals")
            .help(
                "add `groups = [\"…\"]` or `signed_in = true` to the rule, or `anyone = true` for a public path",
            );
    }
    who
}

/// The `iss` by which rules refer to the issuer with this name.
fn issuer(
    name: &Text<'_>,
    issuers: Option<&[IssuerConfig]>,
    report: &mut Report,
) -> Option<String> {
    let issuers = issuers?;
    if let Some(issuer) = issuers.iter().find(|issuer| issuer.name == name.value) {
        return issuer.issuers.first().cloned();
    }
    // The empty name was reported with the shape of the list.
    if name.value.is_empty() {
        return None;
    }
    let message = format!("no `[[issuer]]` has the name `{}`", shown(name.value));
    let diagnostic = report.add(&codes::UNKNOWN_RULE_ISSUER, name.span, message);
    let names = || issuers.iter().map(|issuer| issuer.name.as_str());
    let by_iss = issuers
        .iter()
        .find(|issuer| issuer.issuers.iter().any(|iss| iss == name.value));
    match by_iss
        .map(|issuer| issuer.name.as_str())
        .or_else(|| nearest(name.value, names()))
    {
        Some(near) => diagnostic
            .help(format!("did you mean `{near}`?"))
            .fix(Applicability::Unsure, Edit::new(name.span, quoted(near))),
        None if issuers.is_empty() => diagnostic.help("add an `[[issuer]]` to `site.toml`"),
        None => diagnostic.help(format!(
            "the issuers are {}",
            crate::keys::and_list(&names().collect::<Vec<_>>())
        )),
    };
    None
}

fn template(
    key: &str,
    text: &Text<'_>,
    captures: &[Captures],
    report: &mut Report,
) -> Option<Template> {
    let value = text.value;
    let literal = |value: &str| Template {
        prefix: value.to_owned(),
        capture: None,
        suffix: String::new(),
    };
    // The empty text was reported with the shape of the list.
    if value.is_empty() {
        return None;
    }
    let bad = |c: char| c.is_control() || (key == "scopes" && (c == ' ' || c == '"' || c == '\\'));
    if let Some(c) = value.chars().find(|c| bad(*c)) {
        let message = format!("`{}` is in no {}", shown(value), singular(key));
        let what = format!("{key} cannot contain {c:?}");
        report.add(&codes::BAD_NAME, text.span, message).help(what);
        return None;
    }
    let Some((prefix, rest)) = value.split_once('{') else {
        if value.contains('}') {
            unbalanced(text, report);
            return None;
        }
        return Some(literal(value));
    };
    let Some((name, suffix)) = rest.split_once('}') else {
        unbalanced(text, report);
        return None;
    };
    if suffix.contains(['{', '}']) || prefix.contains('}') || name.contains('{') {
        let message = format!("`{}` has more than one capture", shown(value));
        report
            .add(&codes::BAD_NAME, text.span, message)
            .help("compare the second capture in `when`, such as `path.name in groups`");
        return None;
    }
    if let Some(problem) = capture_name_problem(name) {
        let message = format!("`{{{}}}` {problem}", shown(name));
        report
            .add(&codes::BAD_NAME, text.part_of(name), message)
            .help("write the name of a capture of the paths, such as `{course}`");
        return None;
    }
    check_capture(name, text.part_of(name), captures, report).then(|| Template {
        prefix: prefix.to_owned(),
        capture: Some(name.to_owned()),
        suffix: suffix.to_owned(),
    })
}

fn unbalanced(text: &Text<'_>, report: &mut Report) {
    let message = format!("`{}` has a brace without its partner", shown(text.value));
    report
        .add(&codes::BAD_NAME, text.span, message)
        .help("a capture is written `{name}`; names cannot contain other braces");
}

fn singular(key: &str) -> &str {
    key.strip_suffix('s').unwrap_or(key)
}

/// Whether every pattern captures `name`; reports the first that does not.
pub(crate) fn check_capture(
    name: &str,
    span: Span,
    captures: &[Captures],
    report: &mut Report,
) -> bool {
    let Some(without) = captures
        .iter()
        .find(|pattern| !pattern.names.contains(name))
    else {
        return true;
    };
    let message = format!("`{{{}}}` is not in every pattern of the rule", shown(name));
    let diagnostic = report.add(&codes::UNKNOWN_CAPTURE, span, message);
    diagnostic.also(without.span, "this pattern does not capture it");
    match nearest(name, without.names.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!(
            "capture it, such as `/{{{name}}}/**`, or split the rule"
        )),
    };
    false
}
