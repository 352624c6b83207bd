//! The requirements of single rules.

use serde_json::json;

use super::super::Matching;
use super::*;

fn summary(asked: &Asked) -> String {
    match &asked.access {
        Access::Anyone => "anyone".to_owned(),
        Access::Closed(why) => format!("closed: {why}"),
        Access::Token(jwt) => format!("{} {:?} {}", jwt.issuers.join(" "), jwt.scope, jwt.source),
    }
}

fn rule(authenticators: Value) -> Value {
    json!({
        "id": "r",
        "match": { "url": "https://x/", "methods": ["GET"] },
        "authenticators": authenticators,
        "authorizer": { "handler": "allow" },
        "mutators": [{ "handler": "noop" }],
    })
}

fn jwt(more: Value) -> Value {
    let mut config = json!({
        "jwks_urls": ["https://id/keys"], "trusted_issuers": ["https://id/"], "target_audience": ["web"],
    });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    json!({ "handler": "jwt", "config": config })
}

#[test]
fn authenticators_in_their_order() {
    let plain = || jwt(json!({}));
    let handler = |name: &str| json!({ "handler": name });
    for (list, want, notes) in [
        (json!([handler("noop")]), "anyone", 0),
        (json!([handler("anonymous")]), "anyone", 0),
        (json!([plain(), handler("anonymous")]), "anyone", 1),
        (
            json!([handler("cookie_session"), handler("anonymous")]),
            "anyone",
            1,
        ),
        (json!([plain()]), "https://id/ None header:authorization", 0),
        (
            json!([plain(), handler("unauthorized")]),
            "https://id/ None header:authorization",
            0,
        ),
        (
            json!([plain(), handler("cookie_session")]),
            "https://id/ None header:authorization",
            1,
        ),
        (
            json!([plain(), handler("odd")]),
            "https://id/ None header:authorization",
            1,
        ),
        (
            json!([handler("cookie_session"), plain()]),
            "https://id/ None header:authorization",
            1,
        ),
        (
            json!([
                handler("cookie_session"),
                jwt(json!({ "token_from": { "cookie": "t" } }))
            ]),
            "closed: leaves the decision to the authenticator `cookie_session`",
            0,
        ),
        (
            json!([handler("oauth2_introspection"), plain()]),
            "closed: leaves the decision to the authenticator `oauth2_introspection`",
            0,
        ),
        (
            json!([handler("unauthorized"), handler("noop")]),
            "closed: denies every request",
            0,
        ),
        (
            json!([handler("odd"), handler("noop")]),
            "closed: has the authenticator `odd`, which is not understood",
            0,
        ),
        (
            json!([]),
            "closed: has no authenticators that can be read",
            0,
        ),
        (
            json!("noop"),
            "closed: has no authenticators that can be read",
            0,
        ),
        (
            json!([{ "handler": 1 }]),
            "closed: has an authenticator that cannot be read",
            0,
        ),
        (
            json!([jwt(json!({ "jwks_urls": [] })), handler("noop")]),
            "anyone",
            1,
        ),
    ] {
        let asked = asked(&rule(list.clone()), None);
        assert_eq!(
            (summary(&asked).as_str(), asked.notes.len()),
            (want, notes),
            "{list} {:?}",
            asked.notes
        );
    }
}

#[test]
fn tokens_that_a_policy_can_require() {
    for (settings, want) in [
        (
            json!({ "required_scope": ["a"], "scope_strategy": "exact" }),
            "https://id/ Some(\"a\") header:authorization",
        ),
        (
            json!({ "required_scope": ["a"], "scope_strategy": "Hierarchic" }),
            "https://id/ Some(\"a\") header:authorization",
        ),
        // The configuration may set the strategy.
        (
            json!({ "required_scope": ["a"] }),
            "https://id/ Some(\"a\") header:authorization",
        ),
        (
            json!({ "required_scope": ["a"], "scope_strategy": "none" }),
            "closed: requires a scope without a",
        ),
        (
            json!({ "required_scope": ["a"], "scope_strategy": "odd" }),
            "closed: requires a scope without a",
        ),
        (
            json!({ "required_scope": ["a", "b"], "scope_strategy": "exact" }),
            "closed: requires several scopes",
        ),
        (
            json!({ "required_scope": ["a b"] }),
            "closed: requires the scope `a b`",
        ),
        (
            json!({ "required_scope": "a" }),
            "closed: has `required_scope`, which is not a list",
        ),
        (
            json!({ "token_from": null }),
            "https://id/ None header:authorization",
        ),
        (
            json!({ "token_from": { "header": "Authorization" } }),
            "https://id/ None header:authorization",
        ),
        (
            json!({ "token_from": { "header": "X-Token" } }),
            "https://id/ None header:x-token",
        ),
        (
            json!({ "token_from": { "cookie": "t" } }),
            "https://id/ None cookie:t",
        ),
        (
            json!({ "token_from": { "query_parameter": "t" } }),
            "https://id/ None query:t",
        ),
        (
            json!({ "token_from": { "header": "authorization" } }),
            "closed: reads its token from the header",
        ),
        (
            json!({ "token_from": { "header": "Cookie" } }),
            "closed: reads its token from the header",
        ),
        (
            json!({ "token_from": { "cookie": "" } }),
            "closed: reads its token from the cookie",
        ),
        (
            json!({ "token_from": { "cookie": "a", "header": "b" } }),
            "closed: has `token_from`, which",
        ),
        (
            json!({ "token_from": "header" }),
            "closed: has `token_from`, which",
        ),
        (
            json!({ "jwks_urls": null }),
            "closed: does not set `jwks_urls`",
        ),
        (
            json!({ "trusted_issuers": [] }),
            "closed: does not set `trusted_issuers`",
        ),
        (
            json!({ "target_audience": [] }),
            "closed: does not set `target_audience`",
        ),
        (json!({ "odd": 1 }), "closed: has the `jwt` setting `odd`"),
    ] {
        let asked = asked(&rule(json!([jwt(settings.clone())])), None);
        assert!(
            summary(&asked).starts_with(want),
            "{settings}: {}",
            summary(&asked)
        );
    }
}

#[test]
fn everything_else_that_decides() {
    for (name, value, want) in [
        (
            "authorizer",
            json!({ "handler": "deny" }),
            "closed: denies every request",
        ),
        (
            "authorizer",
            json!({ "handler": "remote_json" }),
            "closed: leaves the decision to the authorizer `remote_json`",
        ),
        (
            "authorizer",
            json!(null),
            "closed: has no authorizer that can be read",
        ),
        (
            "mutators",
            json!([{ "handler": "hydrator" }]),
            "closed: leaves the decision to the mutator `hydrator`",
        ),
        (
            "mutators",
            json!([{ "handler": "broken" }]),
            "closed: has the mutator `broken`, which is not understood",
        ),
        (
            "mutators",
            json!([]),
            "closed: has no mutators that can be read",
        ),
        ("mutators", json!(null), "anyone"),
        ("mutators", json!([{ "handler": "id_token" }]), "anyone"),
        ("upstream", json!({ "strip_path": "/api" }), "anyone"),
        ("errors", json!([{ "handler": "redirect" }]), "anyone"),
        (
            "odd",
            json!(1),
            "closed: has `odd`, which is not understood",
        ),
    ] {
        let mut rule = rule(json!([{ "handler": "noop" }]));
        rule[name] = value;
        let asked = asked(&rule, None);
        assert_eq!(summary(&asked), want, "{name}");
        let has_note = ["mutators", "upstream"].contains(&name) && want == "anyone";
        assert_eq!(
            asked.notes.len(),
            usize::from(has_note),
            "{name}: {:?}",
            asked.notes
        );
    }
}

#[test]
fn rules_inherit_from_the_configuration() {
    let config = Config::read(
        "authenticators:\n  jwt:\n    enabled: true\n    config:\n      jwks_urls: [https://id/keys]\n      trusted_issuers: [https://id/]\n      \
         target_audience: [web]\n      required_scope: [all]\n      scope_strategy: exact\n  anonymous: { enabled: false }\n\
         authorizers: { allow: { enabled: true } }\nmutators: { noop: { enabled: true } }\n",
    );
    let config = config.unwrap();
    for (authenticator, want) in [
        (
            json!({ "handler": "jwt" }),
            "https://id/ Some(\"all\") header:authorization",
        ),
        (
            json!({ "handler": "jwt", "config": { "required_scope": [], "token_from": { "cookie": "t" } } }),
            "https://id/ None cookie:t",
        ),
        (
            json!({ "handler": "anonymous" }),
            "closed: uses `anonymous`, which the configuration does not enable",
        ),
    ] {
        let asked = asked(&rule(json!([authenticator])), Some(&config));
        assert_eq!(summary(&asked), want);
    }
    let mut other = rule(json!([{ "handler": "jwt" }]));
    other["mutators"] = json!([{ "handler": "header" }]);
    assert!(summary(&asked(&other, Some(&config))).starts_with("closed: uses `header`"));
    assert!(Config::read("a: 1").is_err());
    let glob = Config::read("access_rules: { matching_strategy: glob }").unwrap();
    assert_eq!(glob.matching().unwrap(), Some(Matching::Glob));
    assert!(
        Config::read("access_rules: { matching_strategy: odd }")
            .unwrap()
            .matching()
            .is_err()
    );
}
