//! A small site: its image, its configuration, its tokens, and a provider that accepts a single signature.

#![expect(clippy::expect_used, reason = "a helper fails its test by panicking")]

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_core::{Effect, MethodSet};
use tollgate_gate::Gate;
use tollgate_gate::config::{DenyConfig, ForwardConfig, GateConfig, Strip, TokenSource};
use tollgate_gate::session::{Names, SameSite, SessionConfig, SessionForm, SessionPath};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::{ImageSpec, Network, Pattern, Principals, RuleSpec, Segment, Template};
use tollgate_token::{
    Algorithm, BadSignature, ClaimPath, ClaimRules, IssuerConfig, IssuerKind, KeyMaterial,
    KeyRefused, PreparedKey, Secret,
};

/// The time of every request.
pub(crate) const NOW: i64 = 1_800_000_000;

/// `G`, repeated to the length of a signature, is the valid signature of every message.
#[derive(Clone, Copy)]
pub(crate) struct Provider;

impl tollgate_token::Provider for Provider {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(*self))
    }
}

impl PreparedKey for Provider {
    fn verify(&self, _: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if signature.iter().all(|byte| *byte == b'G') {
            Ok(())
        } else {
            Err(BadSignature)
        }
    }

    fn mac(&self, _: &[u8]) -> Option<Vec<u8>> {
        Some(vec![b'G'; 32])
    }
}

/// A token with these claims in addition to the usual ones.
pub(crate) fn token(claims: &str) -> String {
    signed(r#"{"alg":"HS256","kid":"hs-1","typ":"JWT"}"#, 32, claims)
}

/// A token with this header, a valid signature, and these claims in addition to the usual ones.
pub(crate) fn signed(header: &str, signature_len: usize, claims: &str) -> String {
    let mut members = vec![r#""iss":"https://issuer.example""#, r#""aud":"web""#];
    if !claims.contains(r#""exp""#) {
        members.push(r#""exp":1800000600"#);
    }
    if !claims.is_empty() {
        members.push(claims);
    }
    let claims = format!("{{{}}}", members.join(","));
    let part = Base64UrlUnpadded::encode_string;
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        part(claims.as_bytes()),
        part(&vec![b'G'; signature_len])
    )
}

pub(crate) fn config() -> GateConfig {
    let sources = ["header:authorization", "cookie:id_token", "query:token"];
    GateConfig {
        site: "simple \"courses\"".to_string(),
        issuers: vec![IssuerConfig {
            name: "learners".to_string(),
            issuers: vec!["https://issuer.example".to_string()],
            clients: vec!["web".to_string()],
            kind: IssuerKind::Oidc,
            algorithms: vec![Algorithm::HS256],
            claims: ClaimRules {
                groups: Some(ClaimPath::top("cognito:groups")),
                ..ClaimRules::default()
            },
            jwks: None,
            secrets: vec![Secret {
                kid: "hs-1".to_string(),
                key: vec![7; 32],
            }],
            refresh: None,
        }],
        sources: sources
            .iter()
            .map(|text| TokenSource::from_text(text).expect("a valid source"))
            .collect(),
        strip: Strip::Everything,
        claim_places: vec![],
        forward: ForwardConfig::default(),
        leeway_secs: 60,
        max_token_bytes: 8_192,
        deny: DenyConfig::default(),
        session: None,
        sign_in: None,
    }
}

/// The configuration with sessions and a second issuer, whose keys can be fetched; the first issuer has no
/// signing keys.
#[allow(dead_code, reason = "for the sample image")]
pub(crate) fn everything() -> GateConfig {
    let mut config = config();
    let first = config.issuers.first().expect("it has one").clone();
    let jwks = r#"{"keys":[{"kid":"old","kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    config.issuers.push(IssuerConfig {
        name: "rotating".to_string(),
        issuers: vec!["https://rotating.example".to_string()],
        algorithms: vec![Algorithm::ES256],
        jwks: Some(jwks.to_string()),
        secrets: vec![],
        refresh: Some("https://rotating.example/.well-known/jwks.json".to_string()),
        ..first.clone()
    });
    config.issuers.push(IssuerConfig {
        name: "sessions".to_string(),
        issuers: vec!["https://example.com/sessions".to_string()],
        clients: vec![config.site.clone()],
        ..first
    });
    config
        .sources
        .push(TokenSource::Cookie("session".to_string()));
    let groups = Names {
        exact: vec!["barred".to_string(), "rust-101".to_string()],
        around: vec![],
    };
    config.session = Some(SessionConfig {
        issuer: 2,
        kid: "hs-1".to_string(),
        lifetime_secs: 300,
        form: SessionForm::Jwt,
        cookie: "session".to_string(),
        same_site: SameSite::Lax,
        on_sign_in: true,
        endpoint: Some("/.tollgate/session".to_string()),
        issuers: vec!["learn".to_string(), "rotat".to_string(), String::new()],
        claims: vec![],
        paths: vec![SessionPath {
            path: "/".to_string(),
            base: None,
            groups,
            scopes: Names::default(),
            marks: vec!["barre".to_string(), "rust1".to_string()],
        }],
    });
    config
}

pub(crate) fn gate() -> Gate<Vec<u8>> {
    Gate::new(image(&config()), &Provider).expect("a valid image")
}

pub(crate) fn image(config: &GateConfig) -> Vec<u8> {
    image_with(config.encode().expect("a valid configuration"))
}

/// The site's image with these bytes as gate configuration.
pub(crate) fn image_with(gate: Vec<u8>) -> Vec<u8> {
    encode(&spec(gate)).expect("a valid policy").image
}

/// The site's policy with these bytes as gate configuration.
pub(crate) fn spec(gate: Vec<u8>) -> ImageSpec {
    let anyone = || Principals {
        anyone: true,
        ..Principals::default()
    };
    let groups = |names: &[&str]| Principals {
        groups: Some(names.iter().map(|name| exactly(name)).collect()),
        ..Principals::default()
    };
    let post = MethodSet::from_name("POST").expect("a known method");
    let office = Network {
        addr: [203, 0, 113, 0].into(),
        prefix: 24,
    };
    let rules = vec![
        rule(
            "rust-101/students",
            Effect::Allow,
            "/courses/rust-101/**",
            groups(&["rust-101"]),
        ),
        rule(
            "rust-101/preview",
            Effect::Allow,
            "/courses/rust-101/preview/**",
            anyone(),
        ),
        rule(
            "site/barred",
            Effect::Deny,
            "/courses/**",
            groups(&["barred"]),
        ),
        RuleSpec {
            methods: post,
            ..rule("site/contact", Effect::Allow, "/contact", anyone())
        },
        RuleSpec {
            networks: Some(vec![office]),
            ..rule("corp/office", Effect::Allow, "/corp/**", anyone())
        },
    ];
    ImageSpec {
        rules,
        gate,
        ..ImageSpec::default()
    }
}

fn rule(name: &str, effect: Effect, pattern: &str, who: Principals) -> RuleSpec {
    let (course, id) = name.split_once('/').expect("course/id");
    let segments = pattern.split('/').skip(1).map(|text| match text {
        "**" => Segment::Rest,
        _ => Segment::Literal(text.to_string()),
    });
    RuleSpec {
        course: course.to_string(),
        id: id.to_string(),
        effect,
        methods: MethodSet::READ,
        because: None,
        patterns: vec![Pattern {
            segments: segments.collect(),
            trailing_slash: false,
            source: pattern.to_string(),
        }],
        who,
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    }
}

fn exactly(name: &str) -> Template {
    Template {
        prefix: name.to_string(),
        capture: None,
        suffix: String::new(),
    }
}
