//! The valid range of every field, and decoding of arbitrary bytes without a panic.

use alloc::string::ToString;
use alloc::vec;

use super::*;

fn sample() -> GateConfig {
    GateConfig {
        site: "simple-courses".to_string(),
        issuers: vec![],
        sources: vec![
            TokenSource::Header("authorization".to_string()),
            TokenSource::Cookie("id_token".to_string()),
            TokenSource::Query("token".to_string()),
        ],
        strip: Strip::Everything,
        claim_places: vec![],
        forward: ForwardConfig::default(),
        leeway_secs: 60,
        max_token_bytes: 8_192,
        session: None,
        sign_in: None,
        deny: DenyConfig {
            no_token: DenyAnswer::Redirect("/login?next=/".to_string()),
            pages: vec![DenyPage {
                status: 403,
                html: "<p>No.".to_string(),
            }],
            cors: vec!["https://app.example".to_string()],
            ..DenyConfig::default()
        },
    }
}

#[test]
fn encoding_round_trips() {
    let bytes = sample().encode().expect("a valid configuration");
    assert_eq!(GateConfig::decode(&bytes), Ok(sample()));
}

#[test]
fn ranges_are_checked_on_both_sides() {
    type Break = fn(&mut GateConfig);
    let source = |text: &str| TokenSource::Query(text.to_string());
    assert_eq!(source("a b").validate(), Err(ConfigError::Source));
    let table: &[(Break, ConfigError)] = &[
        (|c| c.site.clear(), ConfigError::Site),
        (
            |c| c.site = "x".repeat(MAX_SITE_BYTES + 1),
            ConfigError::Site,
        ),
        (
            |c| c.sources = vec![c.sources[0].clone(); 9],
            ConfigError::TooManySources,
        ),
        (
            |c| c.sources.push(TokenSource::Header(String::new())),
            ConfigError::Source,
        ),
        (
            |c| c.sources.push(TokenSource::Header("Cookie".to_string())),
            ConfigError::Source,
        ),
        (
            |c| c.sources.push(TokenSource::Cookie("a;b".to_string())),
            ConfigError::Source,
        ),
        (
            |c| c.sources.push(TokenSource::Query("a&b".to_string())),
            ConfigError::Source,
        ),
        (
            |c| {
                c.sources
                    .push(TokenSource::Header("Authorization".to_string()))
            },
            ConfigError::DuplicateSource,
        ),
        (|c| c.leeway_secs = MAX_LEEWAY_SECS + 1, ConfigError::Leeway),
        (
            |c| c.max_token_bytes = MIN_TOKEN_BYTES - 1,
            ConfigError::TokenBytes,
        ),
        (
            |c| c.max_token_bytes = MAX_TOKEN_BYTES + 1,
            ConfigError::TokenBytes,
        ),
        (
            |c| c.deny.forbidden = DenyAnswer::Status(200),
            ConfigError::DenyStatus(200),
        ),
        (
            |c| c.deny.bad_token = DenyAnswer::Status(500),
            ConfigError::DenyStatus(500),
        ),
        (
            |c| c.deny.no_token = DenyAnswer::Redirect(String::new()),
            ConfigError::Location,
        ),
        (
            |c| c.deny.no_token = DenyAnswer::Redirect("/a\r\nset-cookie: b".to_string()),
            ConfigError::Location,
        ),
        (
            |c| c.deny.pages.extend(c.deny.pages.clone()),
            ConfigError::Page,
        ),
        (
            |c| c.deny.pages[0].html = "x".repeat(MAX_PAGE_BYTES + 1),
            ConfigError::Page,
        ),
        (|c| c.deny.cors.push("a b".to_string()), ConfigError::Cors),
        (
            |c| c.deny.cors = vec!["https://a.example".to_string(); MAX_CORS_ORIGINS + 1],
            ConfigError::Cors,
        ),
    ];
    for (spoil, expect) in table {
        let mut config = sample();
        spoil(&mut config);
        assert_eq!(config.encode(), Err(*expect));
        let mut bytes = vec![CONFIG_VERSION];
        bytes.extend(postcard::to_allocvec(&config).expect("postcard encodes it"));
        assert_eq!(GateConfig::decode(&bytes), Err(*expect));
        assert!(!expect.to_string().is_empty());
    }
}

#[test]
fn truncated_trailing_or_foreign_bytes_are_rejected() {
    let bytes = sample().encode().expect("a valid configuration");
    for length in 0..bytes.len() {
        assert!(
            GateConfig::decode(&bytes[..length]).is_err(),
            "cut to {length}"
        );
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(GateConfig::decode(&longer), Err(ConfigError::Encoding));
    let mut foreign = bytes;
    foreign[0] = 9;
    assert_eq!(GateConfig::decode(&foreign), Err(ConfigError::Version(9)));
}

#[test]
fn no_flipped_byte_makes_decoding_panic() {
    let bytes = sample().encode().expect("a valid configuration");
    for at in 0..bytes.len() {
        for value in 0..=u8::MAX {
            let mut spoiled = bytes.clone();
            spoiled[at] = value;
            // A result that still decodes is in range, so it can be encoded again.
            if let Ok(config) = GateConfig::decode(&spoiled) {
                assert!(config.encode().is_ok());
            }
        }
    }
}

#[test]
fn sources_are_read_as_authors_write_them() {
    let table = [
        (
            "header:Authorization",
            Some(TokenSource::Header("authorization".to_string())),
        ),
        (
            "cookie:__Host-Id",
            Some(TokenSource::Cookie("__Host-Id".to_string())),
        ),
        ("query:token", Some(TokenSource::Query("token".to_string()))),
        ("header:", None),
        ("header:a b", None),
        ("Header:a", None),
        ("body:a", None),
        ("authorization", None),
        ("query:a%62", None),
        ("", None),
    ];
    for (text, expect) in table {
        assert_eq!(TokenSource::from_text(text).ok(), expect, "{text}");
    }
}
