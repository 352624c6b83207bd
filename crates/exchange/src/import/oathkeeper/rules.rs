//! The documents that contain access rules: lists, and resources of the Kubernetes controller.
//!
//! Not here: the requirements of a rule ([`access`](super::access)).

use serde_json::Value;
use tollgate_core::MethodSet;

use super::super::ImportError;
use super::Matching;

/// The supported structures, for messages.
const ACCEPTED: &str = "give access rules as Oathkeeper reads them, a JSON or YAML list of objects with `match`, `authenticators` \
    and `authorizer`, or `Rule` resources of its Kubernetes controller";

/// The access rules in the documents.
pub(super) fn rules(documents: Vec<Value>) -> Result<Vec<Value>, ImportError> {
    let mut rules = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        match document {
            Value::Array(list) => rules.extend(list),
            Value::Object(members) => {
                let document = Value::Object(members);
                match document.get("items").and_then(Value::as_array) {
                    Some(items) => rules.extend(items.iter().map(resource)),
                    None => rules.push(resource(&document)),
                }
            }
            other => rules.push(other),
        }
    }
    let is_rule = |rule: &Value| rule.get("match").is_some();
    match rules.iter().position(|rule| !is_rule(rule)) {
        Some(at) => Err(ImportError::Shape {
            accepted: ACCEPTED,
            found: format!("item {} is not an access rule: it has no `match`", at + 1),
        }),
        None if rules.is_empty() => Err(ImportError::Shape {
            accepted: ACCEPTED,
            found: "it has no access rule".to_owned(),
        }),
        None => Ok(rules),
    }
}

/// The rule in a resource of the Kubernetes controller, or the rule itself.
fn resource(value: &Value) -> Value {
    let Some(Value::Object(spec)) = value.get("spec") else {
        return value.clone();
    };
    let mut rule = spec.clone();
    // Members of the resource that do not affect access.
    rule.remove("configMapName");
    if let Some(name) = value.pointer("/metadata/name") {
        rule.entry("id").or_insert_with(|| name.clone());
    }
    Value::Object(rule)
}

/// The URL that a rule matches.
pub(super) fn pattern(rule: &Value) -> Option<&str> {
    rule.pointer("/match/url").and_then(Value::as_str)
}

/// Whether a rule reads tokens.
pub(super) fn reads_tokens(rule: &Value) -> bool {
    let list = rule.get("authenticators").and_then(Value::as_array);
    let handlers = list
        .into_iter()
        .flatten()
        .filter_map(|value| value.get("handler"));
    handlers.into_iter().any(|handler| handler == "jwt")
}

/// Returns the only strategy in which the rules are valid: some expressions exist in only one of
/// them.
pub(super) fn guessed(urls: &[&str]) -> Result<Matching, ImportError> {
    let insides = || {
        urls.iter()
            .flat_map(|url| url.split('<').skip(1))
            .filter_map(|rest| rest.split('>').next())
    };
    let is_glob = |inside: &&str| !inside.contains("(?") && regex_syntax::parse(inside).is_err();
    let is_regexp = |inside: &&str| {
        [".*", ".+", "(", "[^", "\\"]
            .iter()
            .any(|part| inside.contains(part))
    };
    let regexp = insides().find(|inside| is_regexp(inside) && !is_glob(inside));
    match (insides().find(is_glob), regexp) {
        (Some(glob), Some(regexp)) => Err(ImportError::Contradiction(format!(
            "`<{glob}>` is not a regular expression, and `<{regexp}>` looks like one: choose with `--matching`"
        ))),
        (Some(_), None) => Ok(Matching::Glob),
        (None, _) => Ok(Matching::Regexp),
    }
}

/// The methods of a rule; `None` if they cannot be read. Oathkeeper compares them
/// case-insensitively.
pub(super) fn methods(rule: &Value) -> Option<MethodSet> {
    let list = rule.pointer("/match/methods")?.as_array()?;
    let names: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
    let known = names?
        .into_iter()
        .filter_map(|name| MethodSet::from_name(&name.to_uppercase()));
    Some(known.fold(MethodSet::EMPTY, |all, one| all | one))
}
