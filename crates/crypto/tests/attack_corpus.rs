//! Every token of the attack corpus with both providers: the same, correct verdict.
//!
//! A token counts as accepted if it is verified and contains the group that the corpus requires.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "in a test, a panic is how a helper fails"
)]

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_crypto::{Native, Portable};
use tollgate_token::{
    Algorithm, ClaimPath, ClaimRules, Groups, IssuerConfig, IssuerKind, KeyError, KeyErrorKind,
    Limits, Provider, Secret, TokenError, Verifier, base64url,
};

const CORPUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/attack-corpus/attack_tokens.json"
);

/// The cases that the corpus leaves open (`policy`), and whether they are accepted here.
const POLICY: [(u64, bool); 8] = [
    (96, true),   // `jku` is not read; the signature is valid
    (132, false), // `zip`
    (212, true),  // `exp` with a fraction, so the token expires earlier
    (227, true),  // no `iat`
    (228, true),  // an old `iat`
    (234, false), // a duplicate name, deep inside
    (265, true),  // groups as one string
    (330, false), // an RSA key with exponent 3
];

/// Cases where the corpus is stricter: its issuer has one key for RS256, so a token need not name
/// the key (RFC 7515 §4.1.4 makes `kid` optional).
const OVERRULED: [(u64, bool); 1] = [(113, true)];

/// The reasons for which tokens of a class may be rejected; `no_group` is a verified token without
/// the group. A class that is not listed has no rejected token.
const REASONS: [(&str, &[&str]); 19] = [
    ("structure", &["malformed", "bad_encoding"]),
    ("base64", &["bad_encoding"]),
    ("alg-none", &["malformed", "alg_not_allowed"]),
    ("alg", &["bad_header", "duplicate_name"]),
    ("alg-confusion", &["alg_not_allowed"]),
    ("alg-pin", &["alg_not_allowed", "unknown_key"]),
    ("key-injection", &["bad_signature"]),
    ("kid", &["unknown_key", "bad_header", "too_large"]),
    ("crit", &["unsupported_crit"]),
    ("typ", &["bad_typ", "unsupported_crit"]),
    ("token-use", &["wrong_token_use", "bad_claim"]),
    ("audience", &["wrong_audience", "bad_claim"]),
    ("issuer", &["wrong_issuer", "bad_claim"]),
    (
        "time",
        &[
            "expired",
            "not_yet_valid",
            "bad_claim",
            "bad_json",
            "too_large",
        ],
    ),
    (
        "json",
        &[
            "bad_json",
            "duplicate_name",
            "malformed",
            "wrong_issuer",
            "no_group",
        ],
    ),
    ("groups", &["bad_claim", "no_group"]),
    ("ecdsa", &["bad_signature", "too_large"]),
    (
        "weak-key",
        &[
            "rsa_exponent",
            "rsa_size",
            "bad_ed25519",
            "coordinate_length",
            "secret_in_key_set",
            "duplicate_kid",
            "ambiguous_algorithm",
        ],
    ),
    ("*", &["bad_signature"]),
];

fn providers() -> [(&'static str, &'static dyn Provider); 2] {
    [("portable", &Portable), ("native", &Native)]
}

fn corpus() -> Value {
    serde_json::from_slice(&std::fs::read(CORPUS).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The intended issuer of a token of the corpus.
fn issuer(corpus: &Value, cfg: &str) -> IssuerConfig {
    use Algorithm::{ES256, EdDSA, HS256, PS256, RS256};

    let config = &corpus["config"][cfg.split(':').next().map_or("", |cfg| match cfg {
        "jwks" => "cognito",
        other => other,
    })];
    let mut issuer = IssuerConfig {
        name: cfg.into(),
        issuers: vec![text(&config["iss"])],
        clients: vec![text(config.get("client_id").unwrap_or(&config["aud"]))],
        kind: IssuerKind::Cognito {
            id: false,
            access: true,
        },
        algorithms: vec![RS256, PS256, ES256, EdDSA],
        claims: ClaimRules {
            groups: Some(ClaimPath::top("cognito:groups")),
            ..ClaimRules::default()
        },
        jwks: Some(corpus["jwks"].to_string()),
        secrets: vec![],
        refresh: None,
    };
    match cfg.split_once(':') {
        Some((_, variant)) => issuer.jwks = Some(corpus["jwks_variants"][variant].to_string()),
        None if cfg == "oidc" => issuer.kind = IssuerKind::Oidc,
        None if cfg == "hs" => {
            let key = base64url::decode(text(&config["secret_b64u"]).as_bytes()).unwrap();
            issuer.secrets = vec![Secret {
                kid: text(&config["kid"]),
                key,
            }];
            issuer.algorithms = vec![HS256];
            issuer.jwks = None;
        }
        None => assert_eq!(cfg, "cognito"),
    }
    issuer
}

type Loaded = Result<Verifier, Vec<KeyError>>;

fn verdict(verifier: &Loaded, token: &[u8], now: UnixSeconds) -> Result<(), &'static str> {
    let verifier = verifier.as_ref().map_err(|errors| errors[0].fault.code())?;
    let verified = verifier
        .verify(token, now)
        .map_err(|rejected| rejected.error.code())?;
    let place = ClaimPath::top("cognito:groups");
    match verified.claims().groups(Some(&place)) {
        Ok(Groups::Listed(groups)) if groups.contains(&"rust-101") => Ok(()),
        _ => Err("no_group"),
    }
}

#[test]
fn every_token_gets_its_verdict() {
    let corpus = corpus();
    let now = UnixSeconds(corpus["now"].as_i64().unwrap());
    let mut configs = BTreeMap::<String, Vec<Loaded>>::new();
    let (mut accepted, mut wrong) = (0, Vec::new());
    for case in corpus["tokens"].as_array().unwrap() {
        let (id, cfg) = (case["id"].as_u64().unwrap(), text(&case["cfg"]));
        let expected = match case["expect"].as_str().unwrap() {
            "accept" => true,
            "reject" => OVERRULED.contains(&(id, true)),
            _ => {
                POLICY
                    .iter()
                    .find(|(policy, _)| *policy == id)
                    .expect("a policy for it")
                    .1
            }
        };
        let verifiers = configs.entry(cfg.clone()).or_insert_with(|| {
            let issuer = [issuer(&corpus, &cfg)];
            let load = |(_, provider)| Verifier::new(&issuer, Limits::default(), provider);
            providers().map(load).into()
        });
        let token = text(&case["token"]);
        let verdicts: Vec<_> = verifiers
            .iter()
            .map(|verifier| verdict(verifier, token.as_bytes(), now))
            .collect();
        let class = case["cls"].as_str().unwrap();
        let reasons = REASONS
            .iter()
            .find(|(name, _)| [class, "*"].contains(name))
            .unwrap()
            .1;
        let right = match verdicts[0] {
            Ok(()) => expected,
            Err(reason) => !expected && reasons.contains(&reason),
        };
        if !right || verdicts[0] != verdicts[1] {
            wrong.push(format!(
                "{id} {}: {verdicts:?}, expected {expected}",
                case["desc"]
            ));
        }
        accepted += usize::from(expected);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(accepted > 15, "the corpus has valid tokens, too");
}

#[test]
fn denial_of_service_inputs_are_rejected() {
    let corpus = corpus();
    let issuer = [issuer(&corpus, "cognito")];
    let limits = Limits {
        max_token_bytes: 1 << 25,
        leeway_secs: 0,
    };
    let now = UnixSeconds(1_800_000_000);
    for (name, provider) in providers() {
        let small = Verifier::new(&issuer, Limits::default(), provider).unwrap();
        let large = Verifier::new(&issuer, limits, provider).unwrap();
        let header = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIn0";
        for (token, error) in [
            (".".repeat(1_000_000), TokenError::Malformed),
            (
                format!("{header}.{0}.{0}", "A".repeat(4_000_000)),
                TokenError::BadSignature,
            ),
            // A million opening brackets.
            (
                format!("{}.e30.AA", "W1tb".repeat(333_333)),
                TokenError::BadHeader,
            ),
            // Ten thousand members.
            (
                format!("{}.e30.AA", "eyIi".repeat(60_000)),
                TokenError::BadHeader,
            ),
        ] {
            let short = small.verify(token.as_bytes(), now).unwrap_err();
            assert_eq!(short.error, TokenError::TooLarge, "{name}");
            assert_eq!(
                large.verify(token.as_bytes(), now).unwrap_err().error,
                error,
                "{name}"
            );
        }
    }
}

#[test]
fn every_invalid_key_set_is_rejected_for_its_reason() {
    use KeyErrorKind::*;

    let corpus = corpus();
    let expected = BTreeMap::from([
        ("e3", RsaExponent),
        ("e1", RsaExponent),
        ("r1024", RsaSize),
        ("even", RsaEvenModulus),
        ("n-empty", RsaSize),
        ("n-one", RsaSize),
        ("n-zeros", RsaSize),
        ("n-16384-bit", RsaSize),
        ("small", BadEd25519),
        ("offcurve", NotOnCurve),
        ("crv-mismatch", CoordinateLength),
        ("hs-empty", SecretInKeySet),
        ("hs-short", SecretInKeySet),
        ("hs-in-jwks", SecretInKeySet),
        ("dup-kid", DuplicateKid),
        ("no-alg", AmbiguousAlgorithm),
    ]);
    for (variant, _) in corpus["jwks_variants"].as_object().unwrap() {
        let issuer = issuer(&corpus, &format!("jwks:{variant}"));
        for (name, provider) in providers() {
            let errors = Verifier::new(core::slice::from_ref(&issuer), Limits::default(), provider)
                .map(|_| ())
                .unwrap_err();
            assert_eq!(
                errors[0].fault,
                expected[variant.as_str()],
                "{variant} {name}"
            );
        }
    }
}

#[test]
fn a_key_without_alg_is_usable_if_one_algorithm_is_left() {
    let corpus = corpus();
    let now = UnixSeconds(corpus["now"].as_i64().unwrap());
    let good = text(&corpus["tokens"][0]["token"]);
    let mut issuer = issuer(&corpus, "jwks:no-alg");
    for (algorithms, expected) in [
        (vec![Algorithm::RS256, Algorithm::ES256], Ok(())),
        (vec![Algorithm::PS256], Err("alg_not_allowed")),
        (vec![Algorithm::ES256], Err("no_usable_key")),
        (
            vec![Algorithm::RS256, Algorithm::RS512],
            Err("ambiguous_algorithm"),
        ),
    ] {
        issuer.algorithms = algorithms;
        for (name, provider) in providers() {
            let verifier =
                Verifier::new(core::slice::from_ref(&issuer), Limits::default(), provider);
            let verdict = verdict(&verifier, good.as_bytes(), now);
            assert_eq!(verdict, expected, "{:?} {name}", issuer.algorithms);
        }
    }
}

#[test]
fn refreshed_keys_replace_old_ones() {
    let corpus = corpus();
    let now = UnixSeconds(corpus["now"].as_i64().unwrap());
    let good = text(&corpus["tokens"][0]["token"]);
    for (name, provider) in providers() {
        let mut issuer = issuer(&corpus, "cognito");
        let jwks = issuer.jwks.replace(
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"old","x":"m1TuT4LpZkqE5WkRKw4taP1593ZcpjqJPpAwC6CUfOI"}]}"#.into(),
        );
        let mut verifier = Verifier::new(&[issuer], Limits::default(), provider).unwrap();
        let verify = |verifier: &Verifier| {
            verifier
                .verify(good.as_bytes(), now)
                .map(|verified| verified.issuer_index())
                .map_err(TokenError::from)
        };
        assert_eq!(verify(&verifier), Err(TokenError::UnknownKey), "{name}");
        for bad in [
            "",
            r#"{"keys":[]}"#,
            &corpus["jwks_variants"]["e3"].to_string(),
        ] {
            assert!(
                verifier.refresh(0, bad.as_bytes(), provider).is_err(),
                "{name} {bad}"
            );
        }
        assert!(
            verifier
                .refresh(1, jwks.as_ref().unwrap().as_bytes(), provider)
                .is_err()
        );
        assert_eq!(verify(&verifier), Err(TokenError::UnknownKey), "{name}");
        let notes = verifier
            .refresh(0, jwks.unwrap().as_bytes(), provider)
            .unwrap();
        assert_eq!(notes.len(), 1, "the key for encryption");
        assert_eq!(verify(&verifier), Ok(0), "{name}");
    }
}
