//! Finds the distributions in a document: the output of the AWS command, a CloudFormation template,
//! or the JSON output of Terraform.
//!
//! Not here: the content of a distribution.

use serde_json::{Map, Value, json};

use super::super::ImportError;

/// The supported formats, for messages.
pub(super) const ACCEPTED: &str = "give the JSON or YAML that one of these prints: `aws cloudfront get-distribution-config --id ID`, \
    `aws cloudfront get-distribution --id ID`, `cdk synth`, `aws cloudformation get-template`, \
    `terraform show -json` (of a state or of a plan)";

const RESOURCE: &str = "AWS::CloudFront::Distribution";
const TERRAFORM: &str = "aws_cloudfront_distribution";
/// The limit for nested modules.
const MAX_DEPTH: usize = 16;

/// Returns the configuration of the distribution with this name, or of the only one.
///
/// # Errors
/// Returns an error if the document has none, or several and no name was given.
pub(super) fn find(document: &Value, name: Option<&str>) -> Result<Value, ImportError> {
    let mut found = Vec::new();
    look(document, "", &mut found);
    let mut names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    let wanted = match name {
        Some(name) => found
            .into_iter()
            .find(|(own, _)| own == name)
            .ok_or_else(|| match names.is_empty() {
                true => nothing(document),
                false => ImportError::NoSuch {
                    name: name.to_owned(),
                    known: names,
                },
            })?,
        None if found.len() > 1 => return Err(ImportError::Several(names)),
        None => found.pop().ok_or_else(|| nothing(document))?,
    };
    Ok(wanted.1)
}

fn nothing(document: &Value) -> ImportError {
    let found = match document {
        Value::Object(members) => {
            const MOST: usize = 8;
            let names: Vec<String> = members
                .keys()
                .take(MOST)
                .map(|name| format!("`{name}`"))
                .collect();
            format!(
                "it contains no distribution; its members are {}",
                names.join(", ")
            )
        }
        Value::Array(_) => "no distribution in the list".to_owned(),
        _ => "it is text, not a distribution".to_owned(),
    };
    ImportError::Shape {
        accepted: ACCEPTED,
        found,
    }
}

/// Whether the text is in Terraform's own language, which is not supported.
pub(super) fn is_terraform(text: &str) -> bool {
    let first_word =
        |line: &str| line.trim_start().starts_with("resource ") && line.contains(TERRAFORM);
    text.lines().any(first_word)
}

fn look(document: &Value, name: &str, found: &mut Vec<(String, Value)>) {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    let list = |key: &str| {
        document
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let own = text("Id").unwrap_or(name);
    if let Value::Array(documents) = document {
        for (at, document) in documents.iter().enumerate() {
            look(document, &format!("{}", at + 1), found);
        }
    } else if let Some(config) = document.get("DistributionConfig") {
        found.push((own.to_owned(), config.clone()));
    } else if let Some(distribution) = document.get("Distribution") {
        look(distribution, own, found);
    } else if let Some(items) = document.pointer("/DistributionList/Items") {
        let before = found.len();
        look(items, own, found);
        // The list does not contain the default root objects.
        for (_, config) in found.iter_mut().skip(before) {
            if let Value::Object(members) = config {
                members
                    .entry("DefaultRootObject")
                    .or_insert_with(|| json!({ "not in the list": true }));
            }
        }
    } else if let Some(Value::Object(resources)) = document.get("Resources") {
        for (name, resource) in resources {
            if resource.get("Type").and_then(Value::as_str) == Some(RESOURCE) {
                look(
                    resource.get("Properties").unwrap_or(&Value::Null),
                    name,
                    found,
                );
            }
        }
    } else if text("Type") == Some(RESOURCE) {
        look(
            document.get("Properties").unwrap_or(&Value::Null),
            name,
            found,
        );
    } else if document.get("DefaultCacheBehavior").is_some()
        || document.get("default_cache_behavior").is_some()
    {
        found.push((own.to_owned(), document.clone()));
    } else if document.get("resource_changes").is_some() {
        for change in list("resource_changes").filter(|change| is_terraform_resource(change)) {
            planned(change, found);
        }
    } else if let Some(values) = document.get("values") {
        module(values.get("root_module").unwrap_or(&Value::Null), 0, found);
    } else {
        // The file in which Terraform itself keeps its state.
        for resource in list("resources").filter(|resource| is_terraform_resource(resource)) {
            let instances = resource.get("instances").and_then(Value::as_array);
            for instance in instances.into_iter().flatten() {
                let attributes = instance.get("attributes").unwrap_or(&Value::Null);
                let key = instance.get("index_key").map(|key| format!("[{key}]"));
                let name = format!("{}{}", address(resource), key.unwrap_or_default());
                found.push((name, attributes.clone()));
            }
        }
    }
}

fn is_terraform_resource(resource: &Value) -> bool {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    text("type") == Some(TERRAFORM) && text("mode").is_none_or(|mode| mode == "managed")
}

fn address(resource: &Value) -> String {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    let name = || format!("{TERRAFORM}.{}", text("name").unwrap_or("?"));
    text("address").map_or_else(name, str::to_owned)
}

fn module(module: &Value, depth: usize, found: &mut Vec<(String, Value)>) {
    let list = |key: &str| {
        module
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    for resource in list("resources").filter(|resource| is_terraform_resource(resource)) {
        let values = resource.get("values").unwrap_or(&Value::Null);
        found.push((address(resource), values.clone()));
    }
    if depth < MAX_DEPTH {
        list("child_modules").for_each(|child| self::module(child, depth + 1, found));
    }
}

/// A planned resource. Values that are known only after the plan is applied are marked, because
/// they would otherwise look absent.
fn planned(change: &Value, found: &mut Vec<(String, Value)>) {
    let part = |name: &str| change.pointer(&format!("/change/{name}"));
    let Some(after) = part("after").filter(|after| after.is_object()) else {
        return;
    };
    let mut after = after.clone();
    mark(&mut after, part("after_unknown").unwrap_or(&Value::Null), 0);
    found.push((address(change), after));
}

fn mark(value: &mut Value, unknown: &Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match unknown {
        Value::Bool(true) => *value = json!({ "known after apply": true }),
        Value::Object(members) if members.values().any(has_unknown) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            let Value::Object(own) = value else { return };
            for (name, unknown) in members.iter().filter(|(_, unknown)| has_unknown(unknown)) {
                mark(own.entry(name).or_insert(Value::Null), unknown, depth + 1);
            }
        }
        Value::Array(list) if list.iter().any(has_unknown) => {
            if !value.is_array() {
                *value = Value::Array(Vec::new());
            }
            let Value::Array(own) = value else { return };
            own.resize(own.len().max(list.len()), Value::Null);
            for (own, unknown) in own.iter_mut().zip(list) {
                mark(own, unknown, depth + 1);
            }
        }
        _ => {}
    }
}

fn has_unknown(value: &Value) -> bool {
    match value {
        Value::Bool(is_unknown) => *is_unknown,
        Value::Array(list) => list.iter().any(has_unknown),
        Value::Object(members) => members.values().any(has_unknown),
        _ => false,
    }
}
