//! Mutates JSON so that it stays JSON, and compares our parser with another one.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use tollgate_token::json::{self, Document, JsonFault};

use crate::change;

/// JSON with one value mutated; `None` for invalid JSON.
pub(crate) fn changed(text: &[u8], room: usize, seed: u32) -> Option<Vec<u8>> {
    let mut whole: Value = serde_json::from_slice(text).ok()?;
    let seed = seed as usize;
    let places = places(&whole);
    let other = whole
        .pointer(places.get(seed / 64 % places.len())?)
        .cloned();
    let chosen = whole.pointer_mut(places.get(seed % places.len())?)?;
    *chosen = match (seed / 7 % 12, core::mem::take(chosen)) {
        (0, _) => Value::Null,
        (1, value) => Value::Array(vec![value]),
        (2, value) => Value::Object(Map::from_iter([("a".to_owned(), value)])),
        (3, _) => other.unwrap_or_default(),
        (4, Value::Array(mut list)) if !list.is_empty() => {
            list.remove(seed / 3 % list.len());
            Value::Array(list)
        }
        (5, Value::Array(mut list)) => {
            list.extend(other);
            Value::Array(list)
        }
        (6, Value::Object(mut members)) if !members.is_empty() => {
            let name = members.keys().nth(seed / 3 % members.len()).cloned();
            members.remove(&name.unwrap_or_default());
            Value::Object(members)
        }
        (7, Value::Object(mut members)) if !members.is_empty() => {
            let name = members
                .keys()
                .nth(seed / 3 % members.len())
                .cloned()
                .unwrap_or_default();
            let value = members.remove(&name).unwrap_or_default();
            members.insert(text_of(&name, room), value);
            Value::Object(members)
        }
        (8, Value::Object(mut members)) => {
            members.insert(text_of("", room), other.unwrap_or_default());
            Value::Object(members)
        }
        (_, Value::String(text)) => Value::String(text_of(&text, room)),
        (_, Value::Number(number)) => match text_of(&number.to_string(), 8).parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(number.to_string()),
        },
        (_, Value::Bool(truth)) => Value::Bool(!truth),
        (_, value) => value,
    };
    serde_json::to_vec(&whole).ok()
}

fn text_of(text: &str, room: usize) -> String {
    String::from_utf8_lossy(&change::changed(text.as_bytes(), room)).into_owned()
}

/// The paths of all values as JSON pointers, outermost first.
fn places(whole: &Value) -> Vec<String> {
    let mut places = vec![String::new()];
    let mut at = 0;
    while let Some(place) = places.get(at).cloned() {
        match whole.pointer(&place) {
            Some(Value::Array(list)) => {
                places.extend((0..list.len()).map(|index| format!("{place}/{index}")));
            }
            Some(Value::Object(members)) => {
                let escaped = |name: &String| name.replace('~', "~0").replace('/', "~1");
                places.extend(
                    members
                        .keys()
                        .map(|name| format!("{place}/{}", escaped(name))),
                );
            }
            _ => {}
        }
        at += 1;
    }
    places
}

/// Parses a text with our parser and another one, which must agree as far as they claim to.
pub(crate) fn compare(text: &[u8]) {
    match Document::parse(text.to_vec()) {
        Ok(document) => {
            // Numbers that are too large for the other parser do not count.
            assert!(
                serde_json::from_slice::<IgnoredAny>(text).is_ok(),
                "accepted, but not JSON"
            );
            if let Ok(other) = serde_json::from_slice::<Value>(text) {
                same(document.root(), &other);
            }
        }
        Err(error) => {
            let is_narrower = matches!(
                error.fault,
                JsonFault::DuplicateName | JsonFault::TooDeep | JsonFault::TooLong
            );
            let other = serde_json::from_slice::<Value>(text);
            assert!(
                is_narrower || other.is_err(),
                "rejected as {error:?}, but JSON"
            );
        }
    }
}

fn same(ours: json::Value<'_>, other: &Value) {
    match other {
        Value::String(text) => assert_eq!(ours.as_str(), Some(text.as_str())),
        Value::Bool(truth) => assert_eq!(ours.as_bool(), Some(*truth)),
        Value::Number(number) => {
            assert!(ours.as_number().is_some());
            if let Some(integer) = ours.as_integer() {
                assert_eq!(number.as_i64(), Some(integer));
            }
        }
        Value::Array(list) => {
            let elements: Vec<_> = ours.elements().expect("an array").collect();
            assert_eq!(elements.len(), list.len());
            elements
                .into_iter()
                .zip(list)
                .for_each(|(ours, other)| same(ours, other));
        }
        Value::Object(members) => {
            assert_eq!(ours.members().expect("an object").count(), members.len());
            for (name, other) in members {
                same(ours.member(name).expect("the member"), other);
            }
        }
        Value::Null => {
            let is_something =
                ours.as_str().is_some() || ours.as_bool().is_some() || ours.as_number().is_some();
            assert!(!is_something && !ours.is_object() && ours.elements().is_none());
        }
    }
}
