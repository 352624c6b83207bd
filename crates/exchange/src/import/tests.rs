//! Distributions in all formats, and the policies that they become. Every policy must compile.

use serde_json::{Value, json};
use tollgate_compiler::{CompileOptions, SourceTree, compile};

use super::*;

/// The imported site file, which compiles.
pub(super) fn site(imported: &Imported) -> &str {
    assert_eq!(imported.files[0].0, "site.toml");
    let mut tree = SourceTree::new();
    for (name, text) in &imported.files {
        tree.insert(name.clone(), text.clone());
    }
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(
        !compiled.has_errors(),
        "{:?}\n{:#?}",
        compiled.diagnostics,
        imported.files
    );
    &imported.files[0].1
}

#[test]
fn public_behaviours_stay_public() {
    let json = r#"{"ETag":"x","DistributionConfig":{"Comment":"my site",
      "CacheBehaviors":{"Quantity":4,"Items":[
        {"PathPattern":"images/*","TrustedKeyGroups":{"Enabled":false,"Quantity":0},
         "AllowedMethods":{"Items":["GET","HEAD"]},"LambdaFunctionAssociations":{"Quantity":0}},
        {"PathPattern":"/courses/*","LambdaFunctionAssociations":{"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"a"}]}},
        {"PathPattern":"*.jpg","AllowedMethods":{"Items":["GET","HEAD","OPTIONS"]}},
        {"PathPattern":"a?c/secret*","TrustedKeyGroups":{"Enabled":true,"Items":["k"]}}]},
      "DefaultCacheBehavior":{"AllowedMethods":{"Items":["HEAD","GET"]}},
      "Restrictions":{"GeoRestriction":{"Quantity":2}}}}"#;
    let imported = cloudfront(json, None).unwrap();
    let text = site(&imported);
    for part in [
        "# rule `images` is omitted: rule `default` decides its paths",
        "deny = [\"/courses/**\"]",
        "allow = [\"/**/*.jpg\"]\nanyone = true\nmethods = [\"GET\", \"HEAD\", \"OPTIONS\"]",
        "deny = [\"/a*/**/*c/secret*\", ",
        "unless = 'path.s3.endsWith(\".jpg\")'",
        "allow = [\"/**\"]\nanyone = true\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(imported.notes.len(), 4, "{:?}", imported.notes);
}

#[test]
fn a_closed_default_stays_closed() {
    let json = r#"{"DefaultCacheBehavior":{"TrustedSigners":{"Enabled":true,"Items":["self"]}}}"#;
    let imported = cloudfront(json, None).unwrap();
    let text = site(&imported);
    assert!(!text.contains("\n[[rule]]"), "{text}");
    assert!(text.contains("# [[rule]]"), "{text}");
    assert_eq!(
        imported.notes,
        ["`*` is denied: it requires signed URLs or signed cookies"]
    );
}

/// Guards in the formats of the AWS command, of CloudFormation and of Terraform, and whether each
/// is one.
#[test]
fn guards_in_all_formats() {
    for (name, value, is_guard) in [
        ("TrustedKeyGroups", json!(["k"]), true),
        ("TrustedKeyGroups", json!([]), false),
        ("TrustedKeyGroups", json!(null), false),
        ("TrustedKeyGroups", json!([{ "Ref": "KeyGroup" }]), true),
        ("TrustedKeyGroups", json!({ "Ref": "AWS::NoValue" }), false),
        (
            "TrustedKeyGroups",
            json!({ "Fn::If": ["c", ["k"], { "Ref": "AWS::NoValue" }] }),
            true,
        ),
        (
            "TrustedKeyGroups",
            json!({ "Enabled": true, "Quantity": 1, "Items": ["k"] }),
            true,
        ),
        (
            "TrustedKeyGroups",
            json!({ "Enabled": true, "Quantity": 0 }),
            true,
        ),
        (
            "TrustedKeyGroups",
            json!({ "Enabled": false, "Quantity": 0 }),
            false,
        ),
        (
            "TrustedKeyGroups",
            json!({ "Enabled": false, "Quantity": 1 }),
            true,
        ),
        (
            "TrustedKeyGroups",
            json!({ "Enabled": false, "Quantity": 0, "Items": ["k"] }),
            true,
        ),
        ("TrustedKeyGroups", json!({ "Enabled": "true" }), true),
        ("TrustedKeyGroups", json!({ "Quantity": "1" }), true),
        (
            "TrustedKeyGroups",
            json!({ "Items": { "KeyGroup": "k" } }),
            true,
        ),
        ("TrustedKeyGroups", json!({}), true),
        ("TrustedKeyGroups", json!("k"), true),
        ("TrustedKeyGroups", json!({ "KeyGroups": ["k"] }), true),
        ("TrustedSigners", json!(["self"]), true),
        ("trusted_key_groups", json!(["k"]), true),
        ("trusted_signers", json!([]), false),
        (
            "LambdaFunctionAssociations",
            json!([{ "EventType": "viewer-request" }]),
            true,
        ),
        (
            "LambdaFunctionAssociations",
            json!([{ "EventType": "origin-request" }]),
            true,
        ),
        (
            "LambdaFunctionAssociations",
            json!([{ "EventType": "viewer-response" }]),
            false,
        ),
        (
            "LambdaFunctionAssociations",
            json!([{ "EventType": { "Ref": "E" } }]),
            true,
        ),
        ("LambdaFunctionAssociations", json!(["x"]), true),
        (
            "LambdaFunctionAssociations",
            json!({ "Quantity": 1, "Items": [{ "EventType": "viewer-request" }] }),
            true,
        ),
        (
            "lambda_function_association",
            json!([{ "event_type": "viewer-request" }]),
            true,
        ),
        (
            "FunctionAssociations",
            json!([{ "EventType": "viewer-request" }]),
            true,
        ),
        (
            "function_association",
            json!([{ "event_type": "viewer-response" }]),
            false,
        ),
        ("AllowedMethods", json!(["GET", "HEAD"]), false),
        ("AllowedMethods", json!([]), true),
        ("AllowedMethods", json!({ "Ref": "Methods" }), true),
        ("AllowedMethods", json!("GET"), true),
        ("ViewerMtls", json!({ "Mode": "required" }), true),
        ("ViewerMtls", json!(null), false),
        ("TrustedKeyGroup", json!(["k"]), true),
        ("Compress", json!(true), false),
    ] {
        let document = json!({ "DefaultCacheBehavior": { "TargetOriginId": "o", name: value } });
        let imported = cloudfront(&document.to_string(), None).unwrap();
        let opens = site(&imported).contains("anyone = true");
        assert_eq!(opens, !is_guard, "{document}");
        assert_eq!(
            imported.notes.is_empty(),
            !is_guard && !document.to_string().contains("response"),
            "{document}: {:?}",
            imported.notes
        );
    }
}

fn open() -> Value {
    json!({ "DefaultCacheBehavior": { "TargetOriginId": "o" } })
}

/// The documents that describe the same open distribution, and the name that selects it.
#[test]
fn distributions_in_all_documents() {
    let snake = json!({ "default_cache_behavior": [{ "target_origin_id": "o" }], "ordered_cache_behavior": [] });
    let resource = json!({ "address": "aws_cloudfront_distribution.a", "mode": "managed", "type": "aws_cloudfront_distribution", "name": "a", "values": snake });
    for (document, name) in [
        (open(), ""),
        (json!({ "ETag": "E", "DistributionConfig": open() }), ""),
        (
            json!({ "ETag": "E", "Distribution": { "Id": "E1", "DistributionConfig": open() } }),
            "E1",
        ),
        (
            json!({ "DistributionList": { "Items": [{ "Id": "E1", "DefaultCacheBehavior": { "TargetOriginId": "o" } }] } }),
            "E1",
        ),
        (
            json!({ "Resources": { "A": { "Type": "AWS::CloudFront::Distribution", "Properties": { "DistributionConfig": open() } }, "B": { "Type": "AWS::S3::Bucket" } } }),
            "A",
        ),
        (
            json!({ "Type": "AWS::CloudFront::Distribution", "Properties": { "DistributionConfig": open() } }),
            "",
        ),
        (snake.clone(), ""),
        (
            json!({ "values": { "root_module": { "resources": [resource] } } }),
            "aws_cloudfront_distribution.a",
        ),
        (
            json!({ "values": { "root_module": { "child_modules": [{ "child_modules": [{ "resources": [resource] }] }] } } }),
            "aws_cloudfront_distribution.a",
        ),
        (
            json!({ "planned_values": {}, "resource_changes": [{ "address": "m.a", "type": "aws_cloudfront_distribution", "change": { "after": snake, "after_unknown": { "id": true } } }] }),
            "m.a",
        ),
        (
            json!({ "version": 4, "resources": [{ "mode": "managed", "type": "aws_cloudfront_distribution", "name": "a", "instances": [{ "attributes": snake }] }] }),
            "aws_cloudfront_distribution.a",
        ),
    ] {
        let text = document.to_string();
        for chosen in [None, Some(name).filter(|name| !name.is_empty())] {
            let imported =
                cloudfront(&text, chosen).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(
                site(&imported).contains("allow = [\"/**\"]\nanyone = true"),
                "{text}"
            );
        }
        assert!(
            matches!(
                cloudfront(&text, Some("odd")),
                Err(ImportError::NoSuch { .. })
            ),
            "{text}"
        );
    }
    let yaml = "Resources:\n  A:\n    Type: AWS::CloudFront::Distribution\n    Properties:\n      DistributionConfig:\n        \
                Enabled: true\n        DefaultCacheBehavior:\n          TargetOriginId: o\n          TrustedKeyGroups: [!Ref K]\n        \
                CacheBehaviors:\n          - PathPattern: 'open/*'\n            TrustedKeyGroups: !If [c, [k], !Ref 'AWS::NoValue']\n          \
                - PathPattern: 'free/*'\n            TrustedKeyGroups: !Ref AWS::NoValue\n";
    let imported = cloudfront(yaml, None).unwrap();
    let text = site(&imported);
    assert!(
        text.contains("allow = [\"/free/**\"]") && text.matches("anyone").count() == 1,
        "{text}"
    );
}

#[test]
fn values_unknown_until_a_plan_is_applied_are_closed() {
    let plan = |unknown: Value| {
        let after = json!({ "default_cache_behavior": [{ "target_origin_id": "o", "trusted_key_groups": null }], "ordered_cache_behavior": [] });
        json!({ "resource_changes": [{ "address": "a", "type": "aws_cloudfront_distribution", "change": { "after": after, "after_unknown": unknown } }] }).to_string()
    };
    for (unknown, opens) in [
        (json!({}), true),
        (
            json!({ "default_cache_behavior": [{ "trusted_key_groups": false, "target_origin_id": true }] }),
            true,
        ),
        (
            json!({ "default_cache_behavior": [{ "trusted_key_groups": true }] }),
            false,
        ),
        (
            json!({ "default_cache_behavior": [{ "trusted_key_groups": [true] }] }),
            false,
        ),
        (
            json!({ "default_cache_behavior": [{ "lambda_function_association": [{ "lambda_arn": true }] }] }),
            false,
        ),
    ] {
        let imported = cloudfront(&plan(unknown.clone()), None).unwrap();
        assert_eq!(
            site(&imported).contains("anyone = true"),
            opens,
            "{unknown}"
        );
    }
    for unknown in [
        json!({ "ordered_cache_behavior": true }),
        json!({ "ordered_cache_behavior": [{ "path_pattern": true }] }),
    ] {
        let error = cloudfront(&plan(unknown.clone()), None).unwrap_err();
        assert!(
            matches!(error, ImportError::Unreadable { .. }),
            "{unknown}: {error}"
        );
    }
}

#[test]
fn documents_that_cannot_be_imported() {
    let two = json!([{ "Id": "E2", "DistributionConfig": open() }, { "Id": "E1", "DistributionConfig": open() }]);
    for (text, message) in [
        ("[".to_owned(), "cannot read the source"),
        ("{}".to_owned(), "contains no distribution"),
        (
            "{\"Stages\":[],\"a\":1}".to_owned(),
            "its members are `Stages`, `a`",
        ),
        ("text".to_owned(), "it is text"),
        (
            "resource \"aws_cloudfront_distribution\" \"a\" {\n}\n".to_owned(),
            "Terraform's own language",
        ),
        (
            "{\"DefaultCacheBehavior\":{},\"Enabled\":false}".to_owned(),
            "not enabled",
        ),
        ("{\"DefaultCacheBehavior\":{\"Fn::If\":[]}}".to_owned(), ""),
        (
            "{\"DefaultCacheBehavior\":[]}".to_owned(),
            "cannot read `DefaultCacheBehavior`: found `[]`",
        ),
        (
            "{\"DefaultCacheBehavior\":{},\"CacheBehaviors\":{\"Fn::If\":[]}}".to_owned(),
            "cannot read `CacheBehaviors`",
        ),
        (
            "{\"DefaultCacheBehavior\":{},\"CacheBehaviors\":[{\"PathPattern\":{\"Ref\":\"P\"}}]}"
                .to_owned(),
            "the path pattern of cache behavior 1: found `{\"Ref\":\"P\"}`",
        ),
        (
            "{\"DefaultCacheBehavior\":{},\"CacheBehaviors\":[{\"Fn::If\":[]}]}".to_owned(),
            "the path pattern of cache behavior 1",
        ),
        (
            "{\"DefaultCacheBehavior\":{},\"DefaultCacheBehavior\":{}}".to_owned(),
            "twice",
        ),
        (two.to_string(), "2 distributions: `E1`, `E2`"),
    ] {
        match cloudfront(&text, None) {
            Err(error) => assert!(error.to_string().contains(message), "{text}: {error}"),
            // A function in place of a behaviour is an unsupported behaviour.
            Ok(imported) => assert!(
                message.is_empty() && !site(&imported).contains("anyone"),
                "{text}"
            ),
        }
    }
    assert!(
        cloudfront("{}", None)
            .unwrap_err()
            .help()
            .unwrap()
            .contains("terraform show -json")
    );
}

#[test]
fn the_root_object_is_as_closed_as_its_file() {
    let document = |root: Value, pattern: &str| {
        json!({
            "DefaultRootObject": root,
            "DefaultCacheBehavior": { "TargetOriginId": "o" },
            "CacheBehaviors": [{ "PathPattern": pattern, "TrustedKeyGroups": ["k"] }],
        })
        .to_string()
    };
    for (root, pattern, is_denied) in [
        (json!("index.html"), "index.html", true),
        (json!("/index.html"), "*.html", true),
        (json!("index.html"), "other/*", false),
        (json!(""), "*.html", false),
        (json!(null), "*.html", false),
        (json!({ "Ref": "Root" }), "other/*", true),
        (json!({ "Ref": "AWS::NoValue" }), "other/*", false),
    ] {
        let imported = cloudfront(&document(root.clone(), pattern), None).unwrap();
        assert_eq!(
            site(&imported).contains("deny = [\"/\"]"),
            is_denied,
            "{root} {pattern}"
        );
    }
}

#[test]
fn a_list_does_not_contain_root_objects() {
    let list = |behaviours: Value| {
        json!({ "DistributionList": { "Items": [{ "Id": "E", "DefaultCacheBehavior": {}, "CacheBehaviors": { "Items": behaviours } }] } }).to_string()
    };
    let open = cloudfront(&list(json!([{ "PathPattern": "a" }])), None).unwrap();
    assert!(!site(&open).contains("deny"));
    let closed = cloudfront(
        &list(json!([{ "PathPattern": "a", "TrustedKeyGroups": ["k"] }])),
        None,
    )
    .unwrap();
    assert!(site(&closed).contains("deny = [\"/\"]"));
}

#[test]
fn the_rest_of_a_distribution_is_noted() {
    let document = json!({
        "DefaultCacheBehavior": { "TargetOriginId": "o" }, "WebACLId": "arn:x", "ViewerMtlsConfig": { "Mode": "required" },
        "Restrictions": { "GeoRestriction": { "RestrictionType": "whitelist", "Quantity": 1, "Items": ["CH"] } },
    });
    let notes = cloudfront(&document.to_string(), None)
        .unwrap()
        .notes
        .join("\n");
    for part in ["geographic", "web ACL", "client certificates"] {
        assert!(notes.contains(part), "{part} is not in {notes}");
    }
    let quiet = json!({
        "default_cache_behavior": [{ "target_origin_id": "o" }], "web_acl_id": "",
        "restrictions": [{ "geo_restriction": [{ "restriction_type": "none", "locations": [] }] }],
    });
    assert!(
        cloudfront(&quiet.to_string(), None)
            .unwrap()
            .notes
            .is_empty()
    );
}
