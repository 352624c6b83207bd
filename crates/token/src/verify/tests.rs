//! Everything about a token except its cryptography, with a provider whose signatures anyone can
//! make.

use alloc::{format, string::String, vec};

use super::*;
use crate::{
    base64url::encode,
    issuer::{ClaimPath, ClaimRules},
    provider::{self, KeyRefused, PreparedKey},
};
use Algorithm::{HS256, HS384, HS512, RS256};
use ClaimName::{Client, Exp, Groups, Iat, Iss, Nbf, Scopes, Sub, TokenUse};
use TokenError::*;

/// A signature is one repeated byte: the sum of the key's first byte, the algorithm's hash length
/// and the signed bytes.
struct Toy;

struct ToyKey {
    sum: u8,
    len: usize,
}

impl Provider for Toy {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        match key {
            KeyMaterial::Hmac { k } if algorithm != HS512 => Ok(Box::new(ToyKey {
                sum: k[0] + algorithm.hash_len() as u8,
                len: algorithm.hash_len(),
            })),
            _ => Err(KeyRefused),
        }
    }
}

impl PreparedKey for ToyKey {
    fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), provider::BadSignature> {
        let good = sum(signing_input).wrapping_add(self.sum);
        if signature.iter().all(|byte| *byte == good) {
            Ok(())
        } else {
            Err(provider::BadSignature)
        }
    }

    fn mac(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(vec![sum(message).wrapping_add(self.sum); self.len])
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn token(algorithm: Algorithm, kid: &str, secret: u8, claims: &str) -> Vec<u8> {
    let header = format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#);
    signed(&header, algorithm, secret, claims.as_bytes())
}

fn signed(header: &str, algorithm: Algorithm, secret: u8, payload: &[u8]) -> Vec<u8> {
    let mut token = encode(header.as_bytes());
    token.push(b'.');
    token.extend(encode(payload));
    let len = algorithm.hash_len();
    let good = sum(&token).wrapping_add(secret).wrapping_add(len as u8);
    token.push(b'.');
    token.extend(encode(&vec![good; len]));
    token
}

fn secret(kid: &str, byte: u8) -> Secret {
    Secret {
        kid: kid.into(),
        key: vec![byte; 64],
    }
}

const ISS: &str = "https://issuer.example/";
const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn issuer(kind: IssuerKind) -> IssuerConfig {
    IssuerConfig {
        name: "learners".into(),
        issuers: vec![ISS.into(), "https://other.example/".into()],
        clients: vec!["client-1".into(), "client-2".into()],
        kind,
        algorithms: vec![HS256],
        claims: ClaimRules {
            groups: Some(ClaimPath::top("groups")),
            ..ClaimRules::default()
        },
        jwks: None,
        secrets: vec![secret("k1", 1)],
        refresh: None,
    }
}

fn verifier(issuers: &[IssuerConfig]) -> Verifier {
    Verifier::new(issuers, Limits::default(), &Toy).unwrap()
}

/// The result for the claims of an OIDC issuer, with `iss`, `aud` and `exp` added if missing.
fn oidc(members: &str) -> Result<(), TokenError> {
    let mut claims = String::from(members);
    for (name, member) in [
        ("iss", format!(r#""iss":"{ISS}""#)),
        ("aud", r#""aud":"client-1""#.into()),
        ("exp", r#""exp":1800000001"#.into()),
    ] {
        if !members.contains(&format!("\"{name}\":")) {
            claims += if claims.is_empty() { "" } else { "," };
            claims += &member;
        }
    }
    let token = token(HS256, "k1", 1, &format!("{{{claims}}}"));
    verifier(&[issuer(IssuerKind::Oidc)])
        .verify(&token, NOW)
        .map(|_| ())
        .map_err(TokenError::from)
}

#[test]
fn a_valid_token_is_verified() {
    let claims = format!(r#"{{"iss":"{ISS}","aud":"client-2","exp":1800000100,"sub":"u-1"}}"#);
    let verifier = verifier(&[issuer(IssuerKind::Oidc)]);
    let verified = verifier
        .verify(&token(HS256, "k1", 1, &claims), NOW)
        .unwrap();
    assert_eq!(verified.issuer_index(), 0);
    assert_eq!(verified.issuer(), ISS);
    assert_eq!(verified.expires_at(), UnixSeconds(1_800_000_100));
    assert_eq!(verified.claims().subject(), Ok(Some("u-1")));
    assert_eq!(verified.claims().text(), claims);
}

#[test]
fn claims_of_oidc() {
    for (members, expected) in [
        ("", Ok(())),
        // exp
        (r#""exp":1800000000"#, Err(Expired)),
        (r#""exp":1799999999"#, Err(Expired)),
        (r#""exp":0"#, Err(Expired)),
        (r#""exp":1000000000000"#, Ok(())),
        (r#""exp":1800003500000000"#, Err(BadClaim(Exp))),
        // A fraction makes a token expire earlier and become valid later.
        (r#""exp":1800000001.5"#, Ok(())),
        (r#""exp":1800000000.9"#, Err(Expired)),
        (r#""exp":18e8"#, Err(BadClaim(Exp))),
        (r#""nbf":1800000060.0,"exp":1800000100"#, Ok(())),
        (r#""nbf":1800000060.1,"exp":1800000100"#, Err(NotYetValid)),
        (r#""iat":1800000059.5,"exp":1800000100"#, Ok(())),
        (
            r#""iat":1800000060.5,"exp":1800000100"#,
            Err(IssuedInFuture),
        ),
        (r#""exp":"1800000001""#, Err(BadClaim(Exp))),
        (r#""exp":null"#, Err(BadClaim(Exp))),
        (
            r#""exp":1800000001,"e\u0078p":1800000001"#,
            Err(DuplicateName),
        ),
        // nbf and iat
        (r#""nbf":1800000060,"exp":1800000100"#, Ok(())),
        (r#""nbf":1800000061,"exp":1800000100"#, Err(NotYetValid)),
        (r#""nbf":-1"#, Err(BadClaim(Nbf))),
        (r#""iat":1800000060,"exp":1800000100"#, Ok(())),
        (r#""iat":1800000061,"exp":1800000100"#, Err(IssuedInFuture)),
        (r#""iat":1800000002"#, Err(BadClaim(Iat))),
        (r#""iat":1800000001"#, Ok(())),
        (r#""iat":1"#, Ok(())),
        // `null` counts as absent, except for `exp`.
        (r#""iat":null,"nbf":null"#, Ok(())),
        (r#""iat":"1""#, Err(BadClaim(Iat))),
        (r#""iat":true"#, Err(BadClaim(Iat))),
        // iss
        (r#""iss":"https://other.example/""#, Ok(())),
        (r#""iss":"https://issuer.example""#, Err(WrongIssuer)),
        (r#""iss":"https://ISSUER.example/""#, Err(WrongIssuer)),
        (r#""iss":"""#, Err(WrongIssuer)),
        (r#""iss":["https://issuer.example/"]"#, Err(BadClaim(Iss))),
        (r#""iss":null"#, Err(WrongIssuer)),
        // aud
        (r#""aud":"client-2""#, Ok(())),
        (r#""aud":["x","client-2"]"#, Ok(())),
        (r#""aud":["x"]"#, Err(WrongAudience)),
        (r#""aud":[]"#, Err(WrongAudience)),
        (r#""aud":"client-1,client-2""#, Err(WrongAudience)),
        (r#""aud":"client""#, Err(WrongAudience)),
        (r#""aud":["client-1",1]"#, Err(BadClaim(Client))),
        (r#""aud":[["client-1"]]"#, Err(BadClaim(Client))),
        (r#""aud":{"0":"client-1"}"#, Err(BadClaim(Client))),
        (r#""aud":null"#, Err(WrongAudience)),
        // claims that facts are built from
        (r#""sub":"u""#, Ok(())),
        (r#""sub":1"#, Err(BadClaim(Sub))),
        (r#""sub":null"#, Ok(())),
        (r#""groups":["a"]"#, Ok(())),
        (r#""groups":"a""#, Ok(())),
        (r#""groups":1"#, Err(BadClaim(Groups))),
        (r#""groups":["a",1]"#, Err(BadClaim(Groups))),
        (r#""groups":null"#, Ok(())),
        (r#""_claim_names":{"groups":"src1"}"#, Ok(())),
        (r#""_claim_names":["groups"]"#, Err(BadClaim(Groups))),
        (r#""hasgroups":true"#, Ok(())),
        (r#""hasgroups":"yes""#, Err(BadClaim(Groups))),
        (r#""scope":"a b""#, Ok(())),
        (r#""scope":["a"]"#, Ok(())),
        (r#""scope":1"#, Err(BadClaim(Scopes))),
        (r#""scp":"a b""#, Ok(())),
        (r#""scp":{}"#, Err(BadClaim(Scopes))),
        (r#""scope":"a","scp":{}"#, Ok(())),
        // other claims
        (
            r#""token_use":7,"client_id":[],"jti":{},"auth_time":-1,"crit":["x"]"#,
            Ok(()),
        ),
    ] {
        assert_eq!(oidc(members), expected, "{members}");
    }
    let groups = |count: usize| format!(r#""groups":["a"{}]"#, r#","a""#.repeat(count - 1));
    assert_eq!(oidc(&groups(256)), Ok(()));
    assert_eq!(oidc(&groups(257)), Err(TooManyGroups));
}

#[test]
fn required_claims() {
    let verify = |claims: &str, kind| {
        verifier(&[issuer(kind)])
            .verify(&token(HS256, "k1", 1, claims), NOW)
            .map(|_| ())
            .map_err(TokenError::from)
    };
    let base = format!(r#""iss":"{ISS}","exp":1800000001"#);
    let oidc = |claims: &str| verify(claims, IssuerKind::Oidc);
    assert_eq!(
        oidc(r#"{"aud":"client-1","exp":1800000001}"#),
        Err(WrongIssuer)
    );
    assert_eq!(oidc(&format!("{{{base}}}")), Err(WrongAudience));
    assert_eq!(
        oidc(&format!(r#"{{"iss":"{ISS}","aud":"client-1"}}"#)),
        Err(MissingExp)
    );
    assert_eq!(oidc("{}"), Err(WrongIssuer));
    assert_eq!(oidc("null"), Err(BadJson));
    assert_eq!(oidc("\u{feff}{}"), Err(BadJson));

    for (members, id, access) in [
        (
            r#""token_use":"id","aud":"client-1""#,
            Ok(()),
            Err(WrongTokenUse),
        ),
        (
            r#""token_use":"id","aud":["client-1"]"#,
            Ok(()),
            Err(WrongTokenUse),
        ),
        (
            r#""token_use":"id","aud":"x","client_id":"client-1""#,
            Err(WrongAudience),
            Err(WrongTokenUse),
        ),
        (
            r#""token_use":"id""#,
            Err(WrongAudience),
            Err(WrongTokenUse),
        ),
        (
            r#""token_use":"access","client_id":"client-1""#,
            Err(WrongTokenUse),
            Ok(()),
        ),
        (
            r#""token_use":"access","aud":"client-1""#,
            Err(WrongTokenUse),
            Err(WrongAudience),
        ),
        (
            r#""token_use":"access","client_id":"client-11""#,
            Err(WrongTokenUse),
            Err(WrongAudience),
        ),
        (
            r#""token_use":"access","client_id":["client-1"]"#,
            Err(WrongTokenUse),
            Ok(()),
        ),
        (
            r#""token_use":"Access","client_id":"client-1""#,
            Err(WrongTokenUse),
            Err(WrongTokenUse),
        ),
        (
            r#""token_use":["id","access"],"aud":"client-1","client_id":"client-1""#,
            Err(BadClaim(TokenUse)),
            Err(BadClaim(TokenUse)),
        ),
        (
            r#""aud":"client-1","client_id":"client-1""#,
            Err(WrongTokenUse),
            Err(WrongTokenUse),
        ),
    ] {
        let claims = format!("{{{base},{members}}}");
        let cognito = |id, access| verify(&claims, IssuerKind::Cognito { id, access });
        assert_eq!(cognito(true, false), id, "{members}");
        assert_eq!(cognito(false, true), access, "{members}");
        assert_eq!(
            cognito(true, true),
            id.or(access)
                .or_else(|_| if id == Err(WrongTokenUse) { access } else { id }),
            "{members}"
        );
        assert!(cognito(false, false).is_err());
    }
}

#[test]
fn signature_before_claims() {
    let verifier = verifier(&[issuer(IssuerKind::Oidc)]);
    let mut broken = token(HS256, "k1", 1, "not even JSON");
    let refused = |token: &[u8]| verifier.verify(token, NOW).unwrap_err();
    // The signer is known at this point.
    let signed_by_first = |error| Rejected {
        error,
        issuer: Some(0),
    };
    assert_eq!(refused(&broken), signed_by_first(BadJson));
    let last = broken.len() - 2;
    broken[last] = if broken[last] == b'A' { b'B' } else { b'A' };
    assert_eq!(refused(&broken), BadSignature.into());
    let other = token(HS256, "k1", 2, "{}");
    assert_eq!(refused(&other), BadSignature.into());
}

#[test]
fn outer_form() {
    let verifier = verifier(&[issuer(IssuerKind::Oidc)]);
    let refused = |token: &[u8]| verifier.verify(token, NOW).unwrap_err().error;
    assert_eq!(refused(b""), Malformed);
    assert_eq!(refused(b"a..b"), Malformed);
    assert_eq!(refused(&[b'.'; 8192]), Malformed);
    assert_eq!(refused(&[b'.'; 8193]), TooLarge);
    let good = token(HS256, "k1", 1, "{}");
    assert_eq!(refused(&[&good[..], b"="].concat()), BadEncoding);
    assert_eq!(refused(&[b" ", &good[..]].concat()), BadEncoding);
    assert_eq!(refused(&[&good[..], b"AA"].concat()), BadEncoding);
    assert_eq!(refused(&[&good[..], b"AAAA"].concat()), BadSignature);
    // Signed over a payload with non-zero spare bits: the signature is valid, the encoding is not.
    let mut odd = encode(br#"{"alg":"HS256","kid":"k1"}"#);
    odd.extend(b".e31");
    let signature = sum(&odd).wrapping_add(1).wrapping_add(32);
    odd.push(b'.');
    odd.extend(encode(&[signature; 32]));
    assert_eq!(refused(&odd), BadEncoding);
}

#[test]
fn a_token_chooses_only_among_configured_keys() {
    let mut first = issuer(IssuerKind::Oidc);
    first.algorithms = vec![HS256, HS384];
    let second = IssuerConfig {
        name: "second".into(),
        issuers: vec!["https://second.example/".into()],
        secrets: vec![secret("k1", 9), secret("k2", 2), secret("shared", 3)],
        ..issuer(IssuerKind::Oidc)
    };
    first.secrets.push(secret("shared", 3));
    let verifier = verifier(&[first, second]);
    let verify = |algorithm, kid: &str, secret, iss: &str| {
        let claims = format!(r#"{{"iss":"{iss}","aud":"client-1","exp":1800000001}}"#);
        let token = token(algorithm, kid, secret, &claims);
        verifier
            .verify(&token, NOW)
            .map(|verified| verified.issuer_index())
            .map_err(TokenError::from)
    };
    let second = "https://second.example/";
    assert_eq!(verify(HS256, "k1", 1, ISS), Ok(0));
    assert_eq!(verify(HS384, "k1", 1, ISS), Ok(0));
    assert_eq!(verify(HS256, "k1", 9, second), Ok(1));
    assert_eq!(verify(HS256, "k1", 1, second), Err(WrongIssuer));
    assert_eq!(verify(HS256, "k1", 9, ISS), Err(WrongIssuer));
    assert_eq!(verify(HS384, "k1", 9, second), Err(BadSignature));
    assert_eq!(verify(HS256, "k2", 2, second), Ok(1));
    assert_eq!(verify(HS384, "k2", 2, second), Err(AlgNotAllowed));
    assert_eq!(verify(RS256, "k2", 2, second), Err(AlgNotAllowed));
    assert_eq!(verify(HS256, "shared", 3, ISS), Ok(0));
    assert_eq!(verify(HS256, "shared", 3, second), Ok(1));
    assert_eq!(verify(HS256, "shared", 3, "x"), Err(WrongIssuer));
    for kid in [
        "",
        "k",
        "K1",
        "k1 ",
        "k11",
        "k3",
        "zzz",
        "../k1",
        "__proto__",
    ] {
        assert_eq!(verify(HS256, kid, 1, ISS), Err(UnknownKey), "{kid:?}");
    }
}

#[test]
fn a_token_without_a_key_id_needs_an_only_key() {
    let two = |name: &str, iss: &str, kids: &[(&str, u8)], algorithms: &[Algorithm]| IssuerConfig {
        name: name.into(),
        issuers: vec![iss.into()],
        algorithms: algorithms.to_vec(),
        secrets: kids.iter().map(|(kid, byte)| secret(kid, *byte)).collect(),
        ..issuer(IssuerKind::Oidc)
    };
    // HS256 has one key at the first issuer, several at the second, and one at the third.
    let verifier = verifier(&[
        two("first", ISS, &[("k1", 1)], &[HS256, HS384]),
        two(
            "second",
            "https://second.example/",
            &[("k2", 2), ("k3", 3)],
            &[HS256],
        ),
        two("third", "https://third.example/", &[("k4", 4)], &[HS256]),
    ]);
    let verify = |header: &str, algorithm, secret, iss: &str| {
        let claims = format!(r#"{{"iss":"{iss}","aud":"client-1","exp":1800000001}}"#);
        let token = signed(header, algorithm, secret, claims.as_bytes());
        verifier
            .verify(&token, NOW)
            .map(|verified| verified.issuer_index())
            .map_err(TokenError::from)
    };
    let bare = r#"{"alg":"HS256"}"#;
    assert_eq!(verify(bare, HS256, 1, ISS), Ok(0));
    assert_eq!(verify(r#"{"alg":"HS384"}"#, HS384, 1, ISS), Ok(0));
    assert_eq!(verify(bare, HS256, 4, "https://third.example/"), Ok(2));
    // A key that is no issuer's only one, and a key of no issuer, give the same result.
    assert_eq!(
        verify(bare, HS256, 2, "https://second.example/"),
        Err(BadSignature)
    );
    assert_eq!(verify(bare, HS256, 9, ISS), Err(BadSignature));
    assert_eq!(
        verify(bare, HS256, 1, "https://third.example/"),
        Err(WrongIssuer)
    );
    assert_eq!(verify(r#"{"alg":"HS512"}"#, HS512, 1, ISS), Err(UnknownKey));
    assert_eq!(
        verify(r#"{"alg":"HS256","kid":null}"#, HS256, 1, ISS),
        Err(BadHeader)
    );
    assert_eq!(
        verify(r#"{"alg":"HS256","kid":""}"#, HS256, 1, ISS),
        Err(UnknownKey)
    );
}

#[test]
fn headers_that_issuers_write() {
    let verifier = verifier(&[issuer(IssuerKind::Oidc)]);
    let claims = format!(r#"{{"iss":"{ISS}","aud":"client-1","exp":1800000001}}"#);
    for (typ, expected) in [
        (r#""JWT""#, Ok(())),
        (r#""jwt""#, Ok(())),
        (r#""at+jwt""#, Ok(())),
        (r#""AT+JWT""#, Ok(())),
        (r#""application/jwt""#, Ok(())),
        (r#""application/at+jwt""#, Ok(())),
        (r#""Application/AT+JWT""#, Ok(())),
        (r#""application/application/jwt""#, Err(BadTyp)),
        (r#""application/""#, Err(BadTyp)),
        (r#""dpop+jwt""#, Err(BadTyp)),
        (r#""id_token""#, Err(BadTyp)),
        (r#""""#, Err(BadTyp)),
    ] {
        let header = format!(r#"{{"alg":"HS256","kid":"k1","typ":{typ}}}"#);
        let token = signed(&header, HS256, 1, claims.as_bytes());
        let verdict = verifier.verify(&token, NOW);
        assert_eq!(
            verdict.map(|_| ()).map_err(TokenError::from),
            expected,
            "{typ}"
        );
    }
}

#[test]
fn a_mac_is_computed_with_the_named_secret_of_the_issuer() {
    let issuers = [1, 2].map(|byte| IssuerConfig {
        algorithms: vec![HS256, HS384],
        secrets: vec![secret("k1", byte)],
        ..issuer(IssuerKind::Oidc)
    });
    let verifier = verifier(&issuers);
    assert_eq!(verifier.issuers(), issuers);
    let mac = |issuer, kid, algorithm| verifier.mac(issuer, kid, algorithm, b"");
    for (issuer, byte) in [(0, 1), (1, 2)] {
        assert_eq!(mac(issuer, "k1", HS256), Some(vec![32 + byte; 32]));
        assert_eq!(mac(issuer, "k1", HS384), Some(vec![48 + byte; 48]));
        assert_eq!(mac(issuer, "k1", HS512), None);
        assert_eq!(mac(issuer, "k2", HS256), None);
    }
    assert_eq!(mac(2, "k1", HS256), None);
}

#[test]
fn configured_secrets_are_validated() {
    let faults = |change: &dyn Fn(&mut IssuerConfig)| {
        let mut issuer = issuer(IssuerKind::Oidc);
        change(&mut issuer);
        let errors = Verifier::new(&[issuer], Limits::default(), &Toy)
            .map(|_| ())
            .unwrap_err();
        assert!(
            errors
                .iter()
                .all(|error| error.issuer.as_deref() == Some("learners"))
        );
        errors
            .into_iter()
            .map(|error| (error.index, error.fault))
            .collect::<Vec<_>>()
    };
    let short = |len: usize| move |issuer: &mut IssuerConfig| issuer.secrets[0].key.truncate(len);
    assert_eq!(faults(&short(31)), [(Some(0), KeyErrorKind::ShortSecret)]);
    assert_eq!(faults(&short(0)), [(Some(0), KeyErrorKind::ShortSecret)]);
    let with = |algorithms: &'static [Algorithm], len: usize| {
        faults(&move |issuer| {
            issuer.algorithms = algorithms.into();
            issuer.secrets[0].key.truncate(len);
        })
    };
    assert_eq!(
        with(&[HS256, HS384], 47),
        [(Some(0), KeyErrorKind::ShortSecret)]
    );
    assert_eq!(with(&[HS512], 63), [(Some(0), KeyErrorKind::ShortSecret)]);
    assert_eq!(
        with(&[HS512], 64),
        [(Some(0), KeyErrorKind::ProviderRefused)]
    );
    assert_eq!(
        with(&[RS256], 64),
        [(Some(0), KeyErrorKind::SecretWithoutAlgorithm)]
    );
    assert_eq!(
        with(&[], 64),
        [(Some(0), KeyErrorKind::SecretWithoutAlgorithm)]
    );
    assert_eq!(
        faults(&|issuer| issuer.secrets.push(secret("k1", 5))),
        [(Some(1), KeyErrorKind::DuplicateKid)]
    );
    assert_eq!(
        faults(&|issuer| issuer.secrets[0].kid = "k".repeat(129)),
        [(Some(0), KeyErrorKind::BadKid)]
    );
    assert_eq!(
        faults(&|issuer| issuer.secrets.clear()),
        [(None, KeyErrorKind::NoUsableKey)]
    );
    assert_eq!(
        faults(&|issuer| issuer.jwks = Some("{".into())),
        [(None, KeyErrorKind::NotJson)]
    );
    let empty = r#"{"keys":[]}"#;
    assert_eq!(
        faults(&|issuer| (issuer.secrets, issuer.jwks) = (vec![], Some(empty.into()))),
        [(None, KeyErrorKind::NoUsableKey)]
    );
}

#[test]
fn time_at_the_ends_of_the_range() {
    let verifier = verifier(&[issuer(IssuerKind::Oidc)]);
    let claims = format!(r#"{{"iss":"{ISS}","aud":"client-1","exp":10,"nbf":0,"iat":0}}"#);
    let token = token(HS256, "k1", 1, &claims);
    for (now, expected) in [
        (i64::MIN, Err(NotYetValid)),
        (-61, Err(NotYetValid)),
        (-60, Ok(())),
        (9, Ok(())),
        (10, Err(Expired)),
        (i64::MAX, Err(Expired)),
    ] {
        let verdict = verifier.verify(&token, UnixSeconds(now));
        assert_eq!(
            verdict.map(|_| ()).map_err(TokenError::from),
            expected,
            "{now}"
        );
    }
}
