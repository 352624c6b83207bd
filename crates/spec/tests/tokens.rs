//! The token layer compared with the specification, on random claims with a valid signature: both
//! must reject for the same reason, or read the same facts.

#![cfg(test)]

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use fastrand::Rng;
use tollgate_core::{Claim, ClaimKind, UnixSeconds};
use tollgate_spec::model::{ClaimType, Facts, Issuer, Policy, Value};
use tollgate_spec::validate;
use tollgate_token::{
    Algorithm, BadSignature, ClaimPath, ClaimRules, Groups, IssuerConfig, IssuerKind, KeyMaterial,
    KeyRefused, Limits, PreparedKey, Provider, Secret, Verified, Verifier,
};

const NOW: i64 = 1_800_000_000;
const LEEWAY: u32 = 60;
const TOKENS: u64 = 60_000;

/// Accepts every signature, because signatures are not compared here.
struct Credulous;

impl Provider for Credulous {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(Self))
    }
}

impl PreparedKey for Credulous {
    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        Ok(())
    }
}

/// The paths of the declared claims that are nested in others.
const PLACES: [(&str, &[&str]); 2] = [
    ("plan", &["access", "plan"]),
    ("depth", &["access", "deep", "level"]),
];

/// Valid and nearly valid values, as JSON.
struct Values(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const CLAIMS: &[Values] = &[
    Values(
        "iss",
        &[r#""https://a.test""#, r#""https://b.test""#],
        &[
            r#""https://a.test/""#,
            r#""HTTPS://a.test""#,
            r#"["https://a.test"]"#,
            "null",
        ],
    ),
    Values("sub", &[r#""u-1""#, r#""""#], &["1", "null", r#"["u-1"]"#]),
    Values(
        "groups",
        &[
            "[]",
            r#"["a"]"#,
            r#"["a","é","a"]"#,
            "MANY",
            r#""a""#,
            r#""""#,
        ],
        &[
            r#"["a",1]"#,
            r#"["a",["b"]]"#,
            r#"{"a":1}"#,
            "null",
            "TOO MANY",
        ],
    ),
    Values(
        "cognito:groups",
        &["[]", r#"["b"]"#, r#"["b","c"]"#, r#""b""#],
        &["[null]", "true"],
    ),
    Values(
        "access",
        &[
            r#"{"roles":["st-1","x"],"scopes":["r","w x"]}"#,
            r#"{"roles":"st-2","plan":"free"}"#,
            r#"{"roles":null}"#,
            "{}",
            r#"{"deep":{"level":3}}"#,
        ],
        &[
            r#"{"roles":1}"#,
            r#"{"roles":{"a":1},"plan":1}"#,
            r#"["roles"]"#,
            r#""roles""#,
            r#"{"scopes":{},"deep":[]}"#,
            r#"{"deep":{"level":"3"}}"#,
            "null",
        ],
    ),
    Values(
        "_claim_names",
        &["{}", r#"{"other":"s"}"#, "null"],
        &[
            r#"{"groups":"s"}"#,
            r#"{"access":{}}"#,
            r#"{"groups":null}"#,
            "[]",
            r#""groups""#,
        ],
    ),
    Values("hasgroups", &["false", "null"], &["true", r#""true""#, "1"]),
    Values(
        "client",
        &[r#""web""#, r#"["app"]"#],
        &["1", r#""x""#, "null"],
    ),
    Values(
        "scp",
        &[r#""a b""#, r#"["a b","c"]"#],
        &["1", "null", "[1]"],
    ),
    Values(
        "scope",
        &[
            r#""""#,
            r#""openid""#,
            r#""  a b  c ""#,
            r#""a\tb""#,
            r#"["a"]"#,
            "null",
        ],
        &["[1]", "7", "{}"],
    ),
    Values(
        "token_use",
        &[r#""id""#, r#""access""#, r#""id""#],
        &[r#""ID""#, r#""refresh""#, r#"["id"]"#, "null"],
    ),
    Values(
        "aud",
        &[r#""web""#, r#"["other","app"]"#, r#""app""#],
        &[
            r#""we""#,
            "[]",
            r#"["other"]"#,
            r#"["web",1]"#,
            r#""web app""#,
            "null",
            "1",
        ],
    ),
    Values(
        "client_id",
        &[r#""web""#, r#""app""#],
        &[r#""Web""#, r#"["web"]"#, "null"],
    ),
    Values(
        "exp",
        &[
            "1800000001",
            "1800003600",
            "1000000000000",
            "1800000001.0",
            "1800000001.9",
        ],
        &[
            "1800000000",
            "1800000000.999999999999999999999",
            "1000000000000.0",
            "1000000000000.1",
            "1.8e9",
            "1799999999",
            "1000000000001",
            "1.9e9",
            "-0",
            "-1",
            "\"1800000001\"",
            "null",
        ],
    ),
    Values(
        "nbf",
        &[
            "1800000000",
            "1800000060",
            "0",
            "1800000000.5",
            "1800000060.0",
            "null",
        ],
        &[
            "1800000061",
            "1800000060.0001",
            "-0.0",
            "-1",
            "99999999999999999999",
        ],
    ),
    Values(
        "iat",
        &["1799999999", "1800000000", "1800000001"],
        &[
            "1800000060",
            "1800000059.1",
            "1800000060.1",
            "1800000061",
            "1800003601",
            "2e9",
            "true",
            "null",
        ],
    ),
    Values("team", &[r#""x""#, r#""""#], &["1", "null", r#"["x"]"#]),
    Values(
        "level",
        &["0", "-7", "9223372036854775807", "-9223372036854775808"],
        &["1.0", "-0", "1e2", "9223372036854775808", "\"1\"", "null"],
    ),
    Values("beta", &["true", "false"], &["\"true\"", "1", "null"]),
    Values(
        "roles",
        &["[]", r#"["x","y"]"#, "MANY"],
        &[r#""x""#, r#"["x",null]"#, "{}", "TOO MANY"],
    ),
];

#[test]
fn token_layer_and_specification_agree() {
    let mut rng = Rng::with_seed(0x70_CE4);
    let policy = policy();
    let sides: Vec<_> = issuers()
        .into_iter()
        .map(|issuer| (config(&issuer), issuer))
        .map(|(config, issuer)| (verifier(&config), config, issuer))
        .collect();
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..TOKENS {
        let (verifier, config, issuer) = rng.choice(&sides).unwrap();
        let json = claims(&mut rng);
        let spec = validate(&json, issuer, &policy, NOW);
        let ours = verifier.verify(&token(&json), UnixSeconds(NOW));
        let ours = ours
            .map(|verified| facts(config, &verified, &policy))
            .map_err(|rejected| rejected.error.code());
        assert_eq!(ours, spec, "{issuer:?}\n{json}");
        *seen
            .entry(spec.err().unwrap_or("good").to_owned())
            .or_default() += 1;
    }
    let codes: Vec<&str> = seen.keys().map(String::as_str).collect();
    let all = [
        "bad_claim",
        "expired",
        "good",
        "issued_in_future",
        "missing_exp",
        "not_yet_valid",
        "too_many_groups",
        "wrong_audience",
        "wrong_issuer",
        "wrong_token_use",
    ];
    assert_eq!(codes, all);
    assert!(seen.values().all(|count| *count > 100), "{seen:?}");
    assert!(seen["good"] > TOKENS / 20, "{seen:?}");
}

/// Each claim is valid nine times in ten; otherwise nearly valid, or missing.
fn claims(rng: &mut Rng) -> String {
    let mut members = Vec::new();
    for Values(name, right, nearly) in CLAIMS {
        let from = match rng.u8(..100) {
            0..90 => right,
            90..95 => nearly,
            _ => continue,
        };
        let value = match *rng.choice(*from).unwrap() {
            "MANY" => many(256),
            "TOO MANY" => many(257),
            text => text.to_owned(),
        };
        members.push(format!("\"{name}\":{value}"));
    }
    rng.shuffle(&mut members);
    format!("{{{}}}", members.join(","))
}

fn many(count: usize) -> String {
    format!("[{}]", vec!["\"n\""; count].join(","))
}

fn token(claims: &str) -> Vec<u8> {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let header = encode(r#"{"alg":"HS256","kid":"k"}"#);
    // As long as a real signature.
    let signature = Base64UrlUnpadded::encode_string(&[0; 32]);
    format!("{header}.{}.{signature}", encode(claims)).into_bytes()
}

fn issuers() -> Vec<Issuer> {
    let uses: [Option<&[&str]>; 4] = [
        None,
        Some(&["id"]),
        Some(&["access"]),
        Some(&["access", "id"]),
    ];
    let owned =
        |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let issuer = |token_use: Option<&[&str]>| Issuer {
        names: owned(&["https://a.test", "https://b.test"]),
        clients: owned(&["app", "web"]),
        token_use: token_use.map(owned),
        groups_claim: Some(owned(&[if token_use.is_some() {
            "cognito:groups"
        } else {
            "groups"
        }])),
        leeway: LEEWAY.into(),
        ..Issuer::default()
    };
    let mut issuers: Vec<Issuer> = uses.map(issuer).into();
    // As configured in large directories.
    issuers.push(Issuer {
        groups_claim: Some(owned(&["access", "roles"])),
        scopes_claim: Some(owned(&["access", "scopes"])),
        granted: Some(owned(&["st-*", "*x*"])),
        groups_prefix: "p:".to_owned(),
        subject_prefix: "p/".to_owned(),
        ..issuer(None)
    });
    issuers.push(Issuer {
        client_claim: Some("client".to_owned()),
        groups_claim: None,
        scopes_claim: Some(owned(&["scp"])),
        ..issuer(None)
    });
    issuers.push(Issuer {
        granted: Some(vec![]),
        ..issuer(None)
    });
    issuers
}

fn policy() -> Policy {
    let declared = [
        ("team", ClaimType::Text),
        ("level", ClaimType::Int),
        ("beta", ClaimType::Bool),
        ("roles", ClaimType::Texts),
        ("sub", ClaimType::Text),
        ("plan", ClaimType::Text),
        ("depth", ClaimType::Int),
    ];
    let places = PLACES.map(|(name, place)| {
        let place = place.iter().map(|name| (*name).to_owned());
        (name.to_owned(), place.collect())
    });
    Policy {
        claims: declared.map(|(name, kind)| (name.to_owned(), kind)).into(),
        places: places.into(),
        ..Policy::default()
    }
}

fn verifier(config: &IssuerConfig) -> Verifier {
    let limits = Limits {
        leeway_secs: LEEWAY,
        ..Limits::default()
    };
    Verifier::new(core::slice::from_ref(config), limits, &Credulous).unwrap()
}

fn config(issuer: &Issuer) -> IssuerConfig {
    let takes = |kind: &str| issuer.token_use.iter().flatten().any(|taken| taken == kind);
    IssuerConfig {
        name: "main".to_owned(),
        issuers: issuer.names.clone(),
        clients: issuer.clients.clone(),
        kind: match issuer.token_use {
            Some(_) => IssuerKind::Cognito {
                id: takes("id"),
                access: takes("access"),
            },
            None => IssuerKind::Oidc,
        },
        algorithms: vec![Algorithm::HS256],
        claims: ClaimRules {
            client: issuer.client_claim.clone(),
            groups: issuer.groups_claim.clone().and_then(ClaimPath::nested),
            scopes: issuer.scopes_claim.clone().and_then(ClaimPath::nested),
            granted_groups: issuer.granted.clone(),
            groups_prefix: issuer.groups_prefix.clone(),
            subject_prefix: issuer.subject_prefix.clone(),
        },
        jwks: None,
        secrets: vec![Secret {
            kid: "k".to_owned(),
            key: vec![7; 32],
        }],
        refresh: None,
    }
}

/// The facts of the token layer, in the types of the specification.
fn facts(config: &IssuerConfig, verified: &Verified, policy: &Policy) -> Facts {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    let claims = verified.claims();
    let rules = &config.claims;
    let groups = match claims.groups(rules.groups.as_ref()).unwrap() {
        Groups::Listed(groups) => {
            let granted = groups.into_iter().filter_map(|group| rules.group(group));
            Some(granted.map(String::from).collect())
        }
        Groups::Elsewhere => None,
    };
    let subject = claims.subject().unwrap();
    let mut facts = Facts {
        issuer: config.issuers.first().unwrap().clone(),
        subject: subject.map(|subject| rules.subject(subject).into_owned()),
        groups,
        scopes: owned(claims.scopes(rules.scopes.as_ref()).unwrap()),
        claims: BTreeMap::new(),
    };
    for (name, kind) in &policy.claims {
        let kind = match kind {
            ClaimType::Text => ClaimKind::String,
            ClaimType::Int => ClaimKind::Int,
            ClaimType::Bool => ClaimKind::Bool,
            ClaimType::Texts => ClaimKind::StringList,
        };
        let text = |text: Box<str>| Value::Text(text.into());
        let place = policy.places.get(name).cloned().and_then(ClaimPath::nested);
        let value = match claims.declared(name, place.as_ref(), kind) {
            Claim::Missing => continue,
            Claim::WrongType => None,
            Claim::String(one) => Some(text(one)),
            Claim::Int(int) => Some(Value::Int(int)),
            Claim::Bool(bool) => Some(Value::Bool(bool)),
            Claim::StringList(texts) => Some(Value::List(texts.into_iter().map(text).collect())),
        };
        facts.claims.insert(name.clone(), value);
    }
    facts
}
