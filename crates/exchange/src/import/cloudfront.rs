//! The behaviours of a CloudFront distribution, as `aws cloudfront get-distribution-config` prints them.
//!
//! The first behaviour whose pattern fits decides. A behaviour is public if neither trusted keys nor a
//! function stand before it; what others let in is not written there, so they stay closed here.

use serde_json::Value;
use tollgate_core::MethodSet;

use super::write::{comment, head, id, list};
use super::{ImportError, Imported};

/// The policy of a distribution.
///
/// # Errors
/// If the text is not the configuration of a distribution.
pub fn cloudfront(text: &str) -> Result<Imported, ImportError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| ImportError::Format(error.to_string()))?;
    let config = value.get("DistributionConfig").unwrap_or(&value);
    let default = config.get("DefaultCacheBehavior");
    let default = default.ok_or(ImportError::Missing("a `DefaultCacheBehavior`"))?;
    let mut behaviours: Vec<(String, &Value)> = Vec::new();
    for behaviour in items(config.get("CacheBehaviors")) {
        let pattern = behaviour.get("PathPattern").and_then(Value::as_str);
        let pattern = pattern.ok_or(ImportError::Missing("the `PathPattern` of a behaviour"))?;
        behaviours.push((pattern.to_owned(), behaviour));
    }
    behaviours.push(("*".to_owned(), default));
    let name = config.get("Comment").and_then(Value::as_str);
    let name = name
        .filter(|name| !name.trim().is_empty())
        .unwrap_or("imported");
    let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
    let mut out = Imported::default();
    let mut text = head(name.trim(), "the behaviours of a CloudFront distribution");
    let count = config.pointer("/Restrictions/GeoRestriction/Quantity");
    if count.and_then(Value::as_u64).unwrap_or(0) > 0 {
        out.notes
            .push("the restriction by country stays in CloudFront".to_owned());
    }
    let mut taken = Vec::new();
    let last_public = behaviours
        .iter()
        .rposition(|(_, behaviour)| guard(behaviour).is_none());
    for (at, (pattern, behaviour)) in behaviours.iter().enumerate() {
        let id = id(if pattern == "*" { "default" } else { pattern }, &mut taken);
        match guard(behaviour) {
            None => public(pattern, behaviour, &id, &mut text, &mut out.notes),
            Some(why) => {
                // A later public behaviour must not open what this one, coming first, keeps closed.
                let before_public = last_public.is_some_and(|last| at < last);
                closed(pattern, why, &id, before_public, &mut text, &mut out.notes);
            }
        }
    }
    out.files.push(("site.toml".to_owned(), text));
    Ok(out)
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    let items = list.and_then(|list| list.get("Items"));
    items.and_then(Value::as_array).into_iter().flatten()
}

/// What stands before a behaviour, if anything does.
fn guard(behaviour: &Value) -> Option<&'static str> {
    let trusts = |name: &str| {
        let trusted = behaviour.get(name);
        let is_on = trusted
            .and_then(|trusted| trusted.get("Enabled"))
            .and_then(Value::as_bool);
        is_on == Some(true) || items(trusted).next().is_some()
    };
    if trusts("TrustedKeyGroups") || trusts("TrustedSigners") {
        return Some("signed URLs or cookies");
    }
    let at_viewer = |name: &str| {
        items(behaviour.get(name)).any(|function| {
            let event = function.get("EventType").and_then(Value::as_str);
            event.is_none_or(|event| event.ends_with("request"))
        })
    };
    if at_viewer("LambdaFunctionAssociations") {
        return Some("a Lambda function");
    }
    at_viewer("FunctionAssociations").then_some("a CloudFront function")
}

fn public(pattern: &str, behaviour: &Value, id: &str, text: &mut String, notes: &mut Vec<String>) {
    let Some(patterns) = narrow(pattern) else {
        let note = format!("`{pattern}` was public; no pattern here says that, so it is closed");
        text.push_str(&format!("\n{}", comment(&note)));
        notes.push(note);
        return;
    };
    if !patterns.is_exact {
        let note = format!("`{pattern}` was public; fewer paths are here");
        text.push_str(&format!("\n{}", comment(&note)));
        notes.push(note);
    } else {
        text.push('\n');
    }
    text.push_str(&format!(
        "[[rule]]\nid = \"{id}\"\nallow = {}\nanyone = true\n",
        list(&patterns.list)
    ));
    let names = items(behaviour.get("AllowedMethods")).filter_map(Value::as_str);
    let methods = names
        .filter_map(MethodSet::from_name)
        .fold(MethodSet::EMPTY, |all, one| all | one);
    if methods != MethodSet::READ && !methods.is_empty() {
        let names: Vec<String> = methods.names().map(str::to_owned).collect();
        text.push_str(&format!("methods = {}\n", list(&names)));
    }
}

fn closed(
    pattern: &str,
    why: &str,
    id: &str,
    before_public: bool,
    text: &mut String,
    notes: &mut Vec<String>,
) {
    let note = format!("`{pattern}` was behind {why}; who may have it is for you to say");
    text.push_str(&format!("\n{}", comment(&note)));
    notes.push(note);
    let patterns = wide(pattern);
    if before_public {
        text.push_str(&comment(
            "It came before a public behaviour. Put an `unless` here, or narrow the public rule, when you\n\
             let somebody in: a `deny` always wins.",
        ));
        text.push_str(&format!(
            "[[rule]]\nid = \"{id}\"\ndeny = {}\nmethods = {}\n",
            list(&patterns),
            list(
                &MethodSet::ALL
                    .names()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            )
        ));
    } else {
        text.push_str(&comment(&format!(
            "[[rule]]\nid = \"{id}\"\nallow = {}\ngroups = [\"…\"]",
            list(&patterns)
        )));
    }
}

struct Narrow {
    list: Vec<String>,
    is_exact: bool,
}

/// Patterns that fit nothing that a CloudFront pattern does not. There `*` crosses slashes and `?` is any
/// one character.
fn narrow(pattern: &str) -> Option<Narrow> {
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    if pattern.contains('?') || !is_plain(pattern) {
        return None;
    }
    let mut is_exact = true;
    let mut path = String::new();
    let count = pattern.split('/').count();
    for (at, segment) in pattern.split('/').enumerate() {
        let is_last = at + 1 == count;
        match segment {
            "" if is_last => path.push('/'),
            "" => return None,
            "*" if is_last => path.push_str("/**"),
            // At least one segment, and any number more.
            "*" => path.push_str("/*/**"),
            // `*.jpg` also fits in every folder below.
            segment if segment.starts_with('*') && !segment.get(1..)?.contains('*') => {
                let whole = if path.ends_with("/**") { "" } else { "/**" };
                path.push_str(&format!("{whole}/{segment}"));
            }
            segment => {
                is_exact &= !segment.contains('*');
                path.push_str(&format!("/{segment}"));
            }
        }
    }
    let path = path.replace("/**/**", "/**");
    Some(Narrow {
        list: vec![path],
        is_exact,
    })
}

/// Patterns that fit everything that a CloudFront pattern fits, perhaps more.
fn wide(pattern: &str) -> Vec<String> {
    if let Some(Narrow {
        list,
        is_exact: true,
    }) = narrow(pattern)
    {
        return list;
    }
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    let mut folder = String::new();
    let mut segments = pattern.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_literal = !segment.is_empty() && !segment.contains(['*', '?']) && is_plain(segment);
        if !is_literal || segments.peek().is_none() {
            break;
        }
        folder.push_str(&format!("/{segment}"));
    }
    if folder.is_empty() {
        return vec!["/**".to_owned()];
    }
    // `a/b*` also fits `a/b`, which is no folder's content, so the folder's own name is listed.
    vec![format!("{folder}/**"), folder]
}

/// Whether the text can stand in a pattern.
fn is_plain(text: &str) -> bool {
    let good = |segment: &str| {
        segment.is_empty()
            || (tollgate_core::path::check_segment(
                &segment.replace('*', "x"),
                tollgate_core::PathOptions::default(),
            )
            .is_ok()
                && !segment.contains(['{', '}', '%'])
                && !segment.contains("**"))
    };
    text.split('/').all(good)
}
