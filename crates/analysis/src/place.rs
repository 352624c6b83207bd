//! Claims by place in a JSON object of claims. Not here: what a claim means.

use serde_json::{Map, Value};
use tollgate_token::ClaimPath;

/// The claim at a place.
pub fn find<'a>(claims: &'a Map<String, Value>, place: &ClaimPath) -> Option<&'a Value> {
    let (first, rest) = place.names().split_first()?;
    rest.iter()
        .try_fold(claims.get(first)?, |value, name| value.get(name))
}

/// Puts a claim at a place, with the objects on the way to it.
pub fn insert(claims: &mut Map<String, Value>, place: &ClaimPath, value: Value) {
    let Some((last, way)) = place.names().split_last() else {
        return;
    };
    let mut object = claims;
    for name in way {
        let inner = object.entry(name.clone()).or_insert(Value::Null);
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        match inner {
            Value::Object(inner) => object = inner,
            _ => return,
        }
    }
    object.insert(last.clone(), value);
}

/// Removes the claim at a place.
pub fn remove(claims: &mut Map<String, Value>, place: &ClaimPath) {
    let Some((last, way)) = place.names().split_last() else {
        return;
    };
    let mut object = claims;
    for name in way {
        match object.get_mut(name) {
            Some(Value::Object(inner)) => object = inner,
            _ => return,
        }
    }
    object.remove(last);
}
