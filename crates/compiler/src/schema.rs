//! JSON Schemas for policy files, so that editors complete and check them while they are written.
//!
//! Generated from the same tables of keys that the compiler checks with. Draft 7, which the TOML
//! editors' language servers read. Not here: what a schema cannot express; `tollgate check` checks that.

use serde_json::{Map, Value, json};

use crate::keys::{
    Key, Keys, Shape, course::COURSE, publish::PUBLISH_FILE, site::SITE_FILE, test_file::TEST_FILE,
};

pub use crate::keys::test_file::TestTable;

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// The schema of `site.toml`.
pub fn site() -> Value {
    document(&SITE_FILE, "site.toml of a Tollgate policy")
}

/// The schema of `courses/*.toml`.
pub fn course() -> Value {
    document(&COURSE, "A course file of a Tollgate policy")
}

/// The schema of `*.test.toml`.
pub fn test() -> Value {
    document(&TEST_FILE, "Authors' tests of a Tollgate policy")
}

/// The schema of `publish.toml`.
pub fn publish() -> Value {
    document(&PUBLISH_FILE, "Where a Tollgate policy is published")
}

fn document(keys: &Keys, title: &str) -> Value {
    let mut schema = table(keys);
    schema.insert("$schema".to_owned(), DRAFT.into());
    schema.insert("title".to_owned(), title.into());
    schema.into()
}

fn table(keys: &Keys) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in keys.keys {
        properties.insert(key.name.to_owned(), property(key));
    }
    let required: Vec<_> = keys
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("description".to_owned(), keys.about.into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    // Every table has at most one such group, so one `oneOf` is enough.
    for group in keys.one_of {
        let choices: Vec<_> = group
            .iter()
            .map(|name| json!({ "required": [name] }))
            .collect();
        schema.insert("oneOf".to_owned(), choices.into());
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = shape(&key.shape);
    if let Some(object) = schema.as_object_mut() {
        // The description of the key is more specific than that of its table.
        object.insert("description".to_owned(), sentence(key.about).into());
    }
    schema
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text { pattern, .. } => {
            let mut schema = json!({ "type": "string", "minLength": 1 });
            if let (Some(pattern), Some(object)) = (pattern, schema.as_object_mut()) {
                object.insert("pattern".to_owned(), (*pattern).into());
            }
            schema
        }
        Shape::File => json!({ "type": "string", "minLength": 1 }),
        Shape::Choice(words) => json!({ "type": "string", "enum": words }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Yes => json!({ "type": "boolean", "const": true }),
        Shape::Int { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Version(known) => json!({ "type": "integer", "const": known }),
        // TOML servers hand date-times to the schema as strings.
        Shape::Time => json!({ "type": "string", "format": "date-time" }),
        Shape::List { of, max_entries } => json!({
            "type": "array",
            "items": self::shape(of),
            "minItems": 1,
            "maxItems": max_entries,
            "uniqueItems": true,
        }),
        Shape::Sequence(of) => json!({ "type": "array", "items": self::shape(of), "minItems": 1 }),
        Shape::Any => json!({}),
        Shape::Either(one, other) => json!({ "anyOf": [self::shape(one), self::shape(other)] }),
        Shape::Table(keys) => table(keys).into(),
        Shape::Tables { of, max_entries } => json!({
            "type": "array",
            "items": table(of),
            "maxItems": max_entries,
        }),
        Shape::Map { of, max_entries } => json!({
            "type": "object",
            "additionalProperties": self::shape(of),
            "maxProperties": max_entries,
        }),
    }
}

/// The words with a capital and a full stop.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).chain(['.']).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
