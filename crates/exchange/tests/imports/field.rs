//! Regression tests: sources that were once imported too broadly, or as nothing usable, and the
//! decisions of their policies.

use serde_json::json;
use tollgate_exchange::import::{Imported, KeySet, Oathkeeper, cloudfront, oathkeeper};

use super::site::{Carried, Site, key_set, token};

/// `METHOD PATH` of requests without a token, and whether they are allowed.
type Requests = &'static [(&'static str, bool)];

fn check(name: &str, imported: &Imported, requests: Requests) {
    let site = Site::of(imported);
    for (request, want) in requests {
        let (method, path) = request.split_once(' ').unwrap();
        let found = site.allows(method, path, &Carried::default());
        assert_eq!(found, Some(*want), "{name}: {request}\n{}", site.text);
    }
}

#[test]
fn distributions() {
    let table: [(&str, &str, Requests); 7] = [
        (
            "lists of CloudFormation",
            r#"{ "DistributionConfig": { "Enabled": true, "Comment": "learning site",
                "DefaultCacheBehavior": { "TargetOriginId": "o1", "ViewerProtocolPolicy": "redirect-to-https", "TrustedKeyGroups": ["1111"] },
                "CacheBehaviors": [
                    { "PathPattern": "private/*", "TargetOriginId": "o1", "LambdaFunctionAssociations": [{ "EventType": "viewer-request", "LambdaFunctionARN": "arn:x" }] },
                    { "PathPattern": "assets/*", "TargetOriginId": "o1", "ViewerProtocolPolicy": "https-only" }] } }"#,
            &[
                ("GET /private/x", false),
                ("GET /x", false),
                ("GET /", false),
                ("GET /assets/x.css", true),
                ("PUT /assets/x.css", false),
            ],
        ),
        (
            "signers as a list",
            r#"{ "DistributionConfig": { "DefaultCacheBehavior": { "TargetOriginId": "o", "TrustedSigners": ["self"] } } }"#,
            &[("GET /x", false)],
        ),
        (
            "a function on every behaviour",
            r#"{ "DistributionConfig": {
                "CacheBehaviors": [{ "PathPattern": "/parseauth", "LambdaFunctionAssociations": [{ "EventType": "viewer-request" }] }],
                "DefaultCacheBehavior": { "Compress": true, "TargetOriginId": "o", "LambdaFunctionAssociations": [{ "EventType": "viewer-request" }] } } }"#,
            &[("GET /x", false), ("GET /parseauth", false)],
        ),
        (
            "get-distribution",
            r#"{ "ETag": "E1", "Distribution": { "Id": "E1", "DomainName": "d.cloudfront.net", "DistributionConfig": { "Comment": "x",
                "CacheBehaviors": { "Quantity": 1, "Items": [{ "PathPattern": "open/*", "TrustedKeyGroups": { "Enabled": false, "Quantity": 0 } }] },
                "DefaultCacheBehavior": { "TrustedKeyGroups": { "Enabled": true, "Quantity": 1, "Items": ["k"] } } } } }"#,
            &[("GET /open/x", true), ("GET /x", false)],
        ),
        (
            "a prefix within a name",
            r#"{ "DefaultCacheBehavior": { "TargetOriginId": "o" }, "CacheBehaviors": { "Quantity": 1, "Items": [
                { "PathPattern": "/api*", "LambdaFunctionAssociations": { "Quantity": 1, "Items": [{ "EventType": "viewer-request" }] } }] } }"#,
            &[
                ("GET /api", false),
                ("GET /apix/y", false),
                ("GET /api/", false),
                ("GET /ap", true),
                ("GET /x/api", true),
                ("GET /", true),
            ],
        ),
        (
            "assets before what is closed",
            r#"{ "DefaultCacheBehavior": { "TargetOriginId": "o" }, "CacheBehaviors": [
                { "PathPattern": "*.css", "TargetOriginId": "o" }, { "PathPattern": "members/open/*", "TargetOriginId": "o" },
                { "PathPattern": "members/*", "TargetOriginId": "o", "TrustedKeyGroups": ["k"] }] }"#,
            &[
                ("GET /members/a.css", true),
                ("GET /members/open/a", true),
                ("GET /members/open", false),
                ("GET /members/a", false),
                ("GET /members/", false),
                ("GET /members/a/b/", false),
                ("GET /members", true),
            ],
        ),
        (
            "terraform",
            r#"{ "default_cache_behavior": [{ "trusted_key_groups": ["k"], "allowed_methods": ["GET", "HEAD"] }], "ordered_cache_behavior": [] }"#,
            &[("GET /x", false)],
        ),
    ];
    for (name, source, requests) in table {
        check(name, &cloudfront(source, None).unwrap(), requests);
    }
}

/// A guard keeps its paths denied when an author allows a later behaviour.
#[test]
fn behaviours_stay_in_their_order() {
    let source = r#"{ "CacheBehaviors": [
        { "PathPattern": "*.m3u8", "TrustedKeyGroups": ["k"] }, { "PathPattern": "/videos/*.ts", "TrustedKeyGroups": ["k"] }],
        "DefaultCacheBehavior": { "FunctionAssociations": [{ "EventType": "viewer-request", "FunctionARN": "arn:rewrite" }] } }"#;
    let mut imported = cloudfront(source, None).unwrap();
    check(
        "closed",
        &imported,
        &[("GET /", false), ("GET /x.m3u8", false)],
    );
    let opened = "\n[[rule]]\nid = \"opened\"\nallow = [\"/**\"]\nanyone = true\n";
    imported.files[0].1.push_str(opened);
    check(
        "opened",
        &imported,
        &[
            ("GET /", true),
            ("GET /a/x.m3u8", false),
            ("GET /videos/1.ts", false),
            ("GET /1.ts", true),
        ],
    );
}

fn rules(text: &str, keys: Vec<KeySet>) -> Imported {
    let options = Oathkeeper {
        keys,
        ..Oathkeeper::default()
    };
    oathkeeper(text, &options).unwrap()
}

#[test]
fn access_rules() {
    let rule = |id: &str, url: &str, handler: &str| {
        format!(
            "- {{ id: {id}, match: {{ url: '{url}', methods: [GET] }}, authenticators: [{{ handler: {handler} }}], authorizer: {{ handler: allow }} }}\n"
        )
    };
    let table: [(&str, String, Requests); 4] = [
        (
            "overlap",
            rule("pub", "https://x.example/<.*>", "anonymous")
                + &rule(
                    "private",
                    "https://x.example/private/<.*>",
                    "oauth2_introspection",
                ),
            &[
                ("GET /private/x", false),
                ("GET /private", true),
                ("GET /x", true),
                ("GET /", true),
            ],
        ),
        (
            "glob",
            rule("pub", "https://x.example/public/<*>", "anonymous"),
            &[
                ("GET /public/readme", true),
                ("GET /public/readme.pdf", false),
                ("GET /public/a/b", false),
            ],
        ),
        (
            "one character at least",
            rule("plus", "https://app/files/a<[^/]+>", "noop")
                + &rule("dplus", "https://app/pub/<.+>", "noop"),
            &[
                ("GET /files/a", false),
                ("GET /files/ab", true),
                ("GET /files/ab/c", false),
                ("GET /pub/", false),
                ("GET /pub/a", true),
                ("GET /pub/a/b/", true),
            ],
        ),
        (
            "closed within open",
            rule("api", "https://app/api/<.*>", "anonymous")
                + "- { id: admin, match: { url: 'https://app/api/admin/<.*>', methods: [GET] }, authenticators: [{ handler: cookie_session }], authorizer: { handler: remote_json } }\n",
            &[
                ("GET /api/admin/secret", false),
                ("GET /api/x", true),
                ("HEAD /api/x", false),
            ],
        ),
    ];
    for (name, source, requests) in table {
        check(name, &rules(&source, Vec::new()), requests);
    }
}

#[test]
fn tokens_of_access_rules() {
    let jwt = |id: &str, path: &str, config: &str| {
        format!(
            "- id: {id}\n  match: {{ url: 'https://x.example{path}<.*>', methods: [GET] }}\n  authenticators: [{{ handler: jwt, config: {{ allowed_algorithms: [ES256], {config} }} }}]\n  authorizer: {{ handler: allow }}\n"
        )
    };
    let learners = jwt(
        "learners",
        "/courses/",
        "trusted_issuers: ['https://id.example/'], target_audience: [web], jwks_urls: ['https://id.example/keys']",
    );
    let staff = jwt(
        "staff",
        "/admin/",
        "trusted_issuers: ['https://staff.example/'], target_audience: [web], jwks_urls: ['https://staff.example/keys']",
    );
    let any = jwt(
        "any",
        "/any/",
        "trusted_issuers: ['https://staff.example/'], jwks_urls: ['https://staff.example/keys']",
    );
    let both = jwt(
        "both",
        "/aud/",
        "trusted_issuers: ['https://id.example/'], target_audience: [web, two], jwks_urls: ['https://id.example/keys']",
    );
    let keys = vec![
        key_set(Some("id-example"), &["k1"]),
        key_set(Some("staff-example"), &["k2"]),
    ];
    let site = Site::of(&rules(&(learners + &staff + &any + &both), keys));
    let learner = |audience: serde_json::Value| {
        token(
            "k1",
            &json!({ "iss": "https://id.example/", "sub": "u", "aud": audience }),
        )
    };
    let employee = token(
        "k2",
        &json!({ "iss": "https://staff.example/", "sub": "u", "aud": "web" }),
    );
    for (path, token, want) in [
        ("/courses/a", learner(json!(["web"])), true),
        ("/admin/a", learner(json!("web")), false),
        ("/admin/a", employee.clone(), true),
        ("/courses/a", employee.clone(), false),
        ("/any/a", employee, false),
        ("/aud/a", learner(json!("web")), false),
        ("/aud/a", learner(json!(["web", "two"])), true),
        ("/aud/a", learner(json!(["web", "three"])), false),
    ] {
        let carried = Carried {
            headers: vec![("authorization".to_owned(), format!("Bearer {token}"))],
        };
        assert_eq!(
            site.allows("GET", path, &carried),
            Some(want),
            "{path}\n{}",
            site.text
        );
    }
}

#[test]
fn token_locations_are_kept() {
    let text = "- id: learners\n  match: { url: 'https://x.example/courses/<.*>', methods: [GET] }\n  authenticators:\n    - handler: jwt\n      \
                config: { token_from: { cookie: auth-token }, allowed_algorithms: [ES256], trusted_issuers: ['https://id.example/'], \
                target_audience: [web], jwks_urls: ['https://id.example/keys'] }\n  authorizer: { handler: allow }\n";
    let site = Site::of(&rules(text, vec![key_set(None, &["k1"])]));
    let token = token(
        "k1",
        &json!({ "iss": "https://id.example/", "sub": "u", "aud": "web" }),
    );
    for (name, value, want) in [
        ("cookie", format!("auth-token={token}"), true),
        ("cookie", format!("other={token}"), false),
        ("authorization", format!("Bearer {token}"), false),
    ] {
        let carried = Carried {
            headers: vec![(name.to_owned(), value)],
        };
        assert_eq!(
            site.allows("GET", "/courses/a", &carried),
            Some(want),
            "{name}"
        );
    }
}
