//! Parses JSON and YAML documents without ignoring any part of them.
//!
//! A name that occurs twice in one object is an error, because parsers disagree on which one
//! counts. A YAML tag such as `!Ref` becomes the function that it abbreviates, so that it cannot be
//! mistaken for a string. Not here: the meaning of the documents.

use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Tagged;

use super::ImportError;

/// Parses one document, JSON or YAML.
pub(super) fn read(text: &str) -> Result<Value, ImportError> {
    let mut documents = read_all(text)?;
    match (documents.pop(), documents.is_empty()) {
        (Some(document), true) => Ok(document),
        (None, _) => Err(ImportError::format("the document is empty")),
        (Some(_), false) => Err(ImportError::format("more than one document")),
    }
}

/// Parses all documents of a text: several in YAML, one in JSON.
pub(super) fn read_all(text: &str) -> Result<Vec<Value>, ImportError> {
    let text = text.trim_start_matches('\u{FEFF}');
    if text.trim_start().starts_with(['{', '[']) {
        let node: Result<Tagged<Node>, _> = serde_json::from_str(text);
        if let Ok(node) = node {
            return Ok(vec![value(node)]);
        }
        // YAML in braces is also YAML. If it is neither, the message about JSON is clearer.
        let error = node.map(|_| ()).err().map(|error| error.to_string());
        return yaml(text).map_err(|_| ImportError::format(error.unwrap_or_default()));
    }
    yaml(text)
}

fn yaml(text: &str) -> Result<Vec<Value>, ImportError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let nodes: Vec<Tagged<Node>> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| ImportError::format(error.to_string()))?;
    Ok(nodes.into_iter().map(value).collect())
}

/// A value of a document whose tags have been converted to functions.
struct Node(Value);

fn value(tagged: Tagged<Node>) -> Value {
    let Tagged(Node(value), tag) = tagged;
    let Some(name) = tag.as_deref().and_then(|tag| tag.strip_prefix('!')) else {
        return value;
    };
    // The full names of CloudFormation's short forms.
    let name = match name {
        "Ref" | "Condition" => name.to_owned(),
        name => format!("Fn::{name}"),
    };
    Value::Object(Map::from_iter([(name, value)]))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node(
            Number::from_f64(value).map_or(Value::Null, Value::Number),
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut values = Vec::new();
        while let Some(next) = list.next_element()? {
            values.push(value(next));
        }
        Ok(Node(Value::Array(values)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut object = Map::new();
        while let Some((name, next)) = members.next_entry::<String, _>()? {
            if object.contains_key(&name) {
                let message = format!("`{name}` occurs twice in one object");
                return Err(serde::de::Error::custom(message));
            }
            object.insert(name, value(next));
        }
        Ok(Node(Value::Object(object)))
    }
}

/// A short form of a value, for messages.
pub(super) fn shown(value: &Value) -> String {
    const LONGEST_CHARS: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_of_both_languages() {
        let wanted = json!({"a": [1, -2, "x", null, true], "b": {"c": "d"}});
        for text in [
            r#"{"a":[1,-2,"x",null,true],"b":{"c":"d"}}"#,
            "\u{FEFF}{\"a\":[1,-2,\"x\",null,true],\"b\":{\"c\":\"d\"}}",
            "{a: [1, -2, x, null, true], b: {c: d}}",
            "a: [1, -2, x, ~, true]\nb:\n  c: 'd' # comment\n",
        ] {
            assert_eq!(read(text).unwrap(), wanted, "{text}");
        }
        assert_eq!(read_all("a: 1\n---\na: 2\n").unwrap().len(), 2);
    }

    #[test]
    fn short_forms_are_functions() {
        let text = "a: !Ref Pattern\nb: !Sub '${X}/*'\nc: !If [x, [1], !Ref 'AWS::NoValue']\nd: !GetAtt x.Arn\ne: !!str 5\n";
        let wanted = json!({
            "a": {"Ref": "Pattern"},
            "b": {"Fn::Sub": "${X}/*"},
            "c": {"Fn::If": ["x", [1], {"Ref": "AWS::NoValue"}]},
            "d": {"Fn::GetAtt": "x.Arn"},
            "e": "5",
        });
        assert_eq!(read(text).unwrap(), wanted);
        let long = "c: !If\n  - x\n  - PathPattern: /a\n  - !Ref AWS::NoValue\n";
        let wanted =
            json!({"c": {"Fn::If": ["x", {"PathPattern": "/a"}, {"Ref": "AWS::NoValue"}]}});
        assert_eq!(read(long).unwrap(), wanted);
    }

    #[test]
    fn what_readers_disagree_on_is_an_error() {
        for (text, part) in [
            (r#"{"a":1,"a":2}"#, "twice"),
            ("a: 1\na: 2\n", "a"),
            ("{", "EOF"),
            ("a: [", ""),
            ("", "empty"),
            ("a: 1\n---\na: 2\n", "more than one"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
