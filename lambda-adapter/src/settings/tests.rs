use super::*;
use crate::content::{Delivery, From, Oversize};

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

const CONTENT: [(&str, &str); 5] = [
    ("TOLLGATE_ROLE", "content"),
    ("TOLLGATE_BUCKET", "courses"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];
const SIGNED: [(&str, &str); 4] = [
    ("TOLLGATE_DELIVERY", "signed-url"),
    ("TOLLGATE_CLOUDFRONT_HOST", "d1.cloudfront.net"),
    (
        "TOLLGATE_SIGNING_KEY",
        include_str!("../../../crates/signed-urls/tests/keys/p256-pkcs8.pem"),
    ),
    ("TOLLGATE_SIGNING_KEY_ID", "K2JCJMDEHXQW5F"),
];

/// What is wrong with the settings for content when these are added or changed.
fn refused(more: &[(&str, &str)]) -> Option<SettingsError> {
    let mut all = environment(&CONTENT);
    all.extend(environment(more));
    Settings::read(&all).err()
}

#[test]
fn defaults_are_the_strict_ones() {
    let settings = Settings::read(&environment(&CONTENT)).ok().unwrap();
    assert_eq!((settings.clock, settings.policy), (Clock::System, None));
    let RoleSettings::Content(content) = settings.role else {
        panic!("another role");
    };
    let (content, bucket) = *content;
    assert!(matches!(content.delivery, Delivery::Body));
    assert_eq!(
        (content.from, content.oversize),
        (From::Parameter, Oversize::Presigned)
    );
    assert!(content.checks_object && !content.is_inline && content.origins.is_empty());
    assert_eq!((bucket.bucket.as_str(), bucket.endpoint), ("courses", None));

    let role = Settings::read(&environment(&[("TOLLGATE_ROLE", "authorizer")]))
        .ok()
        .unwrap()
        .role;
    let RoleSettings::Authorizer(authorizer) = role else {
        panic!("another role");
    };
    let expect = AuthorizerSettings {
        base_path: String::new(),
        token_header: "authorization".to_owned(),
        http_format: HttpFormat::Iam,
    };
    assert_eq!(authorizer, expect);
}

#[test]
fn invalid_settings_are_rejected() {
    use SettingsError::{Key, Missing, Value};
    assert_eq!(refused(&[]), None);
    assert_eq!(refused(&SIGNED), None);
    let table: &[(&str, &str, SettingsError)] = &[
        ("TOLLGATE_ROLE", "", Missing("TOLLGATE_ROLE")),
        ("TOLLGATE_ROLE", "Content", Value("TOLLGATE_ROLE")),
        ("TOLLGATE_BUCKET", "", Missing("TOLLGATE_BUCKET")),
        ("AWS_REGION", "", Missing("AWS_REGION")),
        ("TOLLGATE_CLOCK", "fixed", Value("TOLLGATE_CLOCK")),
        ("TOLLGATE_DELIVERY", "bodies", Value("TOLLGATE_DELIVERY")),
        (
            "TOLLGATE_DELIVERY",
            "signed-url",
            Missing("TOLLGATE_CLOUDFRONT_HOST"),
        ),
        (
            "TOLLGATE_CHECK_OBJECT",
            "no",
            Value("TOLLGATE_CHECK_OBJECT"),
        ),
        ("TOLLGATE_BASE_PATH", "prod", Value("TOLLGATE_BASE_PATH")),
        ("TOLLGATE_BASE_PATH", "/prod/", Value("TOLLGATE_BASE_PATH")),
        ("TOLLGATE_CORS_ORIGINS", "*", Value("TOLLGATE_CORS_ORIGINS")),
        (
            "TOLLGATE_CORS_ORIGINS",
            "null",
            Value("TOLLGATE_CORS_ORIGINS"),
        ),
        (
            "TOLLGATE_CORS_ORIGINS",
            "https://a.example/",
            Value("TOLLGATE_CORS_ORIGINS"),
        ),
    ];
    for (name, value, expect) in table {
        assert_eq!(
            refused(&[(name, value)]).as_ref(),
            Some(expect),
            "{name}={value}"
        );
    }
    let signed: &[(&str, &str, SettingsError)] = &[
        ("TOLLGATE_SIGNING_KEY", "", Missing("TOLLGATE_SIGNING_KEY")),
        ("TOLLGATE_SIGNING_KEY", "a key", Key("TOLLGATE_SIGNING_KEY")),
        (
            "TOLLGATE_SIGNING_KEY_FILE",
            "/no/such/file",
            Key("TOLLGATE_SIGNING_KEY_FILE"),
        ),
        (
            "TOLLGATE_SIGNING_KEY_ID",
            "K-1",
            Value("TOLLGATE_SIGNING_KEY_ID"),
        ),
        (
            "TOLLGATE_SIGNING_HASH",
            "md5",
            Value("TOLLGATE_SIGNING_HASH"),
        ),
        (
            "TOLLGATE_CLOUDFRONT_HOST",
            "*",
            Value("TOLLGATE_CLOUDFRONT_HOST"),
        ),
        (
            "TOLLGATE_COOKIE_DOMAIN",
            "a; Path=/",
            Value("TOLLGATE_COOKIE_DOMAIN"),
        ),
    ];
    for (name, value, expect) in signed {
        let mut all = SIGNED.to_vec();
        all.push((name, value));
        assert_eq!(refused(&all).as_ref(), Some(expect), "{name}={value}");
    }
    let name = "TOLLGATE_BUKET".to_owned();
    let unknown = refused(&[("TOLLGATE_BUKET", "courses")]);
    assert_eq!(unknown, Some(SettingsError::Unknown { name }));
}

#[test]
fn a_simple_response_requires_a_declared_cache() {
    use SettingsError::{Missing, Value};
    let cache = "TOLLGATE_AUTHORIZER_CACHE";
    let table = [
        ("", "", Ok(HttpFormat::Iam)),
        ("iam", "", Ok(HttpFormat::Iam)),
        ("", "off", Ok(HttpFormat::Iam)),
        ("simple", "off", Ok(HttpFormat::Simple)),
        ("simple", "path", Ok(HttpFormat::Simple)),
        ("simple", "", Err(Missing(cache))),
        ("simple", "unknown", Err(Value(cache))),
        ("iam", "on", Err(Value(cache))),
        ("policy", "off", Err(Value("TOLLGATE_HTTP_FORMAT"))),
    ];
    for (format, kept, expect) in table {
        let read = Settings::read(&environment(&[
            ("TOLLGATE_ROLE", "authorizer"),
            ("TOLLGATE_HTTP_FORMAT", format),
            (cache, kept),
        ]));
        let found = read.map(|settings| match settings.role {
            RoleSettings::Authorizer(authorizer) => authorizer.http_format,
            _ => panic!("another role"),
        });
        assert_eq!(found, expect, "{format} {kept}");
    }
    let shown = Missing(cache).to_string();
    assert_eq!(shown, "TOLLGATE_AUTHORIZER_CACHE must be set: off or path");
}

#[test]
fn every_variable_that_is_read_is_in_the_table() {
    let text = [include_str!("../settings.rs"), include_str!("content.rs")].concat();
    for name in text
        .split('"')
        .filter(|text| text.starts_with("TOLLGATE_") && text.len() > 9)
    {
        assert!(
            VARIABLES.iter().any(|variable| variable.name == name),
            "{name}"
        );
    }
    for variable in VARIABLES {
        assert!(
            text.contains(&format!("\"{}\"", variable.name)),
            "{}",
            variable.name
        );
    }
}
