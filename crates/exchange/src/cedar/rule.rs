//! One rule: a Cedar policy for each of its patterns.

use tollgate_core::Effect;
use tollgate_policy::spec::{Pattern, Principals, RuleSpec, Segment, Template};

use super::limit::Limit;
use super::shape::Shape;
use super::text::quoted;
use super::truth::{Captures, Truth, in_networks};
use super::{condition, path};

/// Exports a rule.
pub(super) fn export(rule: &RuleSpec, shape: &mut Shape) -> Result<String, Limit> {
    let mut text = String::new();
    for (at, pattern) in rule.patterns.iter().enumerate() {
        let fits = path::fits(pattern, shape)?;
        let captures = captures(pattern, shape);
        let parts = parts(rule, &captures, shape)?;
        let (word, conditions): (_, Vec<String>) = match rule.effect {
            Effect::Allow => ("permit", parts.into_iter().map(|part| part.yes).collect()),
            // A deny matches unless one of its parts is certainly false.
            Effect::Deny => {
                let open = parts.into_iter().map(|part| negated(&part.no));
                ("forbid", open.collect())
            }
        };
        let actions: Vec<String> = rule
            .methods
            .names()
            .map(|name| format!("Action::\"{name}\""))
            .collect();
        let because = rule.because.as_ref().map(|because| {
            // Annotations are for human readers.
            format!("@because({})\n", quoted(because))
        });
        text.push_str(&format!(
            "\n@id({})\n@path({})\n{}{word} (\n    principal is Visitor,\n    action in [{}],\n    \
             resource is Path\n) when {{\n    {}\n}};\n",
            quoted(&format!("{}/{}#{at}", rule.course, rule.id)),
            quoted(&pattern.source),
            because.unwrap_or_default(),
            actions.join(", "),
            core::iter::once(fits)
                .chain(conditions)
                .collect::<Vec<_>>()
                .join(" &&\n    ")
        ));
    }
    Ok(text)
}

fn negated(text: &str) -> String {
    match text {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        text => format!("!({text})"),
    }
}

/// The conditions for the parts of the rule.
fn parts(rule: &RuleSpec, captures: &Captures, shape: &mut Shape) -> Result<Vec<Truth>, Limit> {
    let RuleSpec {
        who,
        networks,
        from,
        until,
        when,
        unless,
        // In the head of the policy, its annotations and its first condition.
        course: _,
        id: _,
        effect: _,
        methods: _,
        because: _,
        patterns: _,
    } = rule;
    let mut parts = Vec::new();
    let Principals {
        anyone: _,
        signed_in,
        groups,
        scopes,
        subjects,
        issuers,
    } = who;
    if *signed_in {
        parts.push(Truth::known("principal.signed_in".to_owned()));
    }
    for (kind, list) in [
        ("groups", groups),
        ("scopes", scopes),
        ("subjects", subjects),
    ] {
        if let Some(list) = list {
            let each: Vec<String> = list
                .iter()
                .map(|name| named(kind, name, captures, shape))
                .collect();
            parts.push(Truth::known(each.join(" || ")));
        }
    }
    if let Some(issuers) = issuers {
        let each: Vec<String> = issuers
            .iter()
            .map(|issuer| format!("principal.issuer == {}", quoted(issuer)))
            .collect();
        parts.push(Truth::known(format!(
            "(principal has issuer && ({}))",
            each.join(" || ")
        )));
    }
    if let Some(networks) = networks {
        parts.push(in_networks(networks));
    }
    for (sign, moment) in [(">=", from), ("<", until)] {
        if let Some(moment) = moment {
            parts.push(Truth::known(format!("context.now {sign} {moment}")));
        }
    }
    if let Some(when) = when {
        parts.push(condition::of(when, captures, &shape.claims)?);
    }
    if let Some(unless) = unless {
        parts.push(condition::of(unless, captures, &shape.claims)?.not());
    }
    Ok(parts.into_iter().map(Truth::bracketed).collect())
}

/// Whether the principal has a name.
fn named(kind: &'static str, name: &Template, captures: &Captures, shape: &mut Shape) -> String {
    let Some(capture) = &name.capture else {
        let text = quoted(&name.prefix);
        return match kind {
            "subjects" => {
                format!("(principal.signed_in && principal has sub && principal.sub == {text})")
            }
            kind => format!("principal.{kind}.contains({text})"),
        };
    };
    let caught = captures.read(capture);
    let stem = shape.stem(kind, name);
    format!(
        "({} && principal.{stem}.contains({}))",
        caught.known, caught.text
    )
}

/// The positions of the pattern's captures.
fn captures(pattern: &Pattern, shape: &mut Shape) -> Captures {
    let mut captures = Captures::default();
    let count = pattern.segments.len();
    let mut after_rest = false;
    for (at, segment) in pattern.segments.iter().enumerate() {
        match segment {
            Segment::Rest => after_rest = true,
            Segment::Capture(name) => {
                let place = if after_rest {
                    path::from_end(count - 1 - at, shape)
                } else {
                    path::from_start(at, shape)
                };
                captures.add(name, &place);
            }
            Segment::Literal(_) | Segment::Glob(_) => {}
        }
    }
    captures
}
