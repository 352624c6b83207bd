//! Strings that try to become structure, and sources that are large, deep or unusual: each import
//! ends in a policy that compiles or in an error, in bounded time.

use serde_json::{Value, json};
use tollgate_exchange::import::{
    ImportError, Imported, Oathkeeper, cloudfront, oathkeeper, settings, snippet,
};

use super::site::Site;

const TEXTS: [&str; 16] = [
    "\"]\n[[rule]]\nid = \"x\"\nallow = [\"/**\"]\nanyone = true\n#",
    "'\n[[rule]]\nallow = ['/**']\nanyone = true\nid = 'y'\n",
    "\\\" || true || \\\"",
    "a\r\nb\u{2028}c",
    "\u{0}\u{7}\u{1b}[31m",
    "{x}",
    "{",
    "}}",
    "\u{202e}gnp.exe",
    "ü😀",
    "%2e%2e",
    "..",
    " a ",
    "<.*>",
    "<",
    "",
];

/// The policy has the intended rules and no others.
fn is_sound(imported: Result<Imported, ImportError>, context: &str) {
    match imported {
        Err(error) => assert!(!error.to_string().is_empty(), "{context}"),
        Ok(imported) => {
            let Some(Site { text, .. }) = Site::if_named_readably(&imported) else {
                return;
            };
            let own = text.lines().filter(|line| !line.starts_with('#'));
            let text = own.collect::<Vec<_>>().join("\n");
            let rules: Vec<&str> = text.split("\n[[rule]]\n").skip(1).collect();
            for rule in rules {
                assert!(rule.starts_with("id = \""), "{context}\n{text}");
                let is_public = rule.contains("\nanyone = true\n");
                assert!(
                    !is_public || !rule.contains("allow = [\"/**\"]"),
                    "{context}\n{text}"
                );
            }
        }
    }
}

#[test]
fn strings_stay_strings() {
    for text in TEXTS
        .into_iter()
        .chain([&*"x".repeat(3_000), &*"/x".repeat(90), &*"*a".repeat(60)])
    {
        let distribution = json!({
            "Comment": text, "DefaultRootObject": text,
            "CacheBehaviors": [
                { "PathPattern": "open/*" }, { "PathPattern": text, "TrustedKeyGroups": [text] },
                { "PathPattern": format!("x{text}*"), "Odd": text }, { "PathPattern": format!("{text}/") },
            ],
            "DefaultCacheBehavior": { text: text, "TrustedKeyGroups": [text] },
        });
        is_sound(cloudfront(&distribution.to_string(), None), text);
        let rule = |url: String, jwt: Value| {
            json!({
                "id": text, "match": { "url": url, "methods": ["GET"] }, "authenticators": [jwt],
                "authorizer": { "handler": "allow" }, "mutators": [{ "handler": "noop" }], "description": text,
                "upstream": { "strip_path": text },
            })
        };
        let jwt = |name: &str| {
            let mut config = json!({
                "jwks_urls": ["https://id/k"], "trusted_issuers": ["https://id/"], "target_audience": ["web"],
                "required_scope": ["a"],
            });
            match name {
                "token_from" => config[name] = json!({ "cookie": text }),
                "" => {}
                name => config[name] = json!([text]),
            }
            json!({ "handler": "jwt", "config": config })
        };
        for name in [
            "jwks_urls",
            "trusted_issuers",
            "target_audience",
            "required_scope",
            "token_from",
            "allowed_algorithms",
            "",
        ] {
            let rules = json!([
                rule(format!("https://x.example/{text}"), jwt(name)),
                rule(format!("https://x.example/a<{text}>"), jwt("")),
                rule("https://x.example/b".to_owned(), json!({ "handler": text })),
            ]);
            is_sound(oathkeeper(&rules.to_string(), &Oathkeeper::default()), text);
        }
        for document in [
            json!({ "userPoolId": "eu-west-1_A", "clientId": text, "requiredGroup": "a", "cookieCompatibility": text }),
            json!({ "userPoolId": "eu-west-1_A", "clientId": "c", "requiredGroup": text, text: text }),
            json!({ "userPoolId": text, "clientId": "c", "requiredGroup": "a" }),
        ] {
            let is_long = text.len() > 250;
            let imported =
                settings(&document.to_string()).and_then(|settings| snippet(&settings, None));
            match imported {
                Ok(imported) if !is_long => {
                    let site = Site::if_named_readably(&imported);
                    let rules = site.map(|site| site.text.matches("\n[[rule]]\n").count());
                    assert!(matches!(rules, None | Some(1)), "{document}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn large_and_deep_sources_come_to_an_end() {
    let deep = |open: &str, close: &str, count: usize| open.repeat(count) + &close.repeat(count);
    for text in [
        deep("[", "]", 100_000),
        deep("{\"a\":", "}", 100_000),
        "a: ".repeat(50_000),
        format!("{{ userPoolId: {} }}", "!".repeat(45_000)),
        format!("{{ userPoolId: {} }}", deep("(", ")", 20_000)),
        format!("const x = {};", "a=>".repeat(15_000)),
        format!("{{ userPoolId: '{}' }}", "x".repeat(200_000)),
    ] {
        assert!(cloudfront(&text, None).is_err());
        assert!(oathkeeper(&text, &Oathkeeper::default()).is_err());
        assert!(
            settings(&text)
                .and_then(|settings| snippet(&settings, None))
                .is_err()
        );
    }
    // Wildcards with many dead ends.
    for pattern in [
        format!("{}//", "a*".repeat(60)),
        "*a".repeat(60),
        "?".repeat(100),
        "a*/b".repeat(30),
    ] {
        let behaviours = json!([{ "PathPattern": pattern, "TrustedKeyGroups": ["k"] }]);
        let document = json!({ "CacheBehaviors": behaviours, "DefaultCacheBehavior": {} });
        Site::of(&cloudfront(&document.to_string(), None).unwrap());
    }
    let many: Vec<Value> = (0..400)
        .map(|at| {
            json!({
                "id": format!("r{at}"), "match": { "url": format!("https://x.example/{at}/<.*>"), "methods": ["GET"] },
                "authenticators": [{ "handler": "noop" }], "mutators": [{ "handler": "noop" }],
                "authorizer": { "handler": if at % 2 == 0 { "allow" } else { "deny" } },
            })
        })
        .collect();
    let imported = oathkeeper(&Value::Array(many).to_string(), &Oathkeeper::default()).unwrap();
    let site = Site::of(&imported);
    assert_eq!(site.text.matches("\nanyone = true\n").count(), 200);
    assert_eq!(site.text.matches("\ndeny = ").count(), 200);
}
