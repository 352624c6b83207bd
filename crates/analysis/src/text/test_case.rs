//! A request and its result as an author's test, ready to be pasted into a `.test.toml` file.

use serde_json::Value;

use tollgate_policy::syntax::quoted;

use super::rfc3339;
use crate::policy::{Policy, rule_name};
use crate::request::{Evaluation, Request};

/// The test `name` that expects this evaluation, and the person it needs. The person is called like the
/// test, in letters, digits and dashes.
pub fn test_case(
    policy: &Policy,
    name: &str,
    request: &Request,
    evaluation: &Evaluation,
) -> String {
    let mut text = String::new();
    let person: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    if let Some(claims) = &request.claims {
        let members: Vec<String> = claims
            .iter()
            .map(|(name, value)| format!("{} = {}", key(name), toml(value)))
            .collect();
        let members = members.join(", ");
        text.push_str(&format!("[people.{person}]\nclaims = {{ {members} }}\n\n"));
    }
    text.push_str(&format!("[[test]]\nname = {}\n", quoted(name)));
    if request.claims.is_some() {
        text.push_str(&format!("who = \"{person}\"\n"));
    }
    if request.method == "GET" {
        text.push_str(&format!("get = {}\n", quoted(&request.target)));
    } else {
        text.push_str(&format!("method = {}\n", quoted(&request.method)));
        text.push_str(&format!("target = {}\n", quoted(&request.target)));
    }
    // The test file may have an address of its own, so an unknown one must be stated.
    let ip = request.ip.map_or("unknown".to_owned(), |ip| ip.to_string());
    text.push_str(&format!("ip = \"{ip}\"\nnow = {}\n", rfc3339(request.now)));
    text.push_str(&format!("expect = \"{}\"\n", evaluation.reason.code()));
    if let Some(rule) = evaluation.rule.and_then(|rule| policy.rule(rule)) {
        text.push_str(&format!("rule = {}\n", quoted(&rule_name(rule))));
    }
    text
}

fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { name.to_owned() } else { quoted(name) }
}

fn toml(value: &Value) -> String {
    match value {
        // TOML has no null; a table is of no declared type either.
        Value::Null => "{}".to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), toml(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}
