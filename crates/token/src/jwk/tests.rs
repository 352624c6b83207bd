use alloc::{format, string::String, string::ToString};

use super::*;
use crate::algorithm::KeyKind;

const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
const ED25519: &str =
    r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
const OCT: &str = r#""kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow""#;

/// A modulus of unknown factors that passes every check.
fn rsa() -> String {
    format!(
        r#""kty":"RSA","e":"AQAB","n":"{}""#,
        "q6ur".repeat(85) + "qw"
    )
}

fn verdict(members: &str, origin: Origin) -> Result<Option<Algorithm>, JwkError> {
    let document = Document::parse(format!("{{{members}}}").into()).unwrap();
    validate(document.root(), origin).map(|jwk| jwk.algorithm)
}

#[test]
fn good_keys() {
    for (members, algorithm) in [
        (rsa(), None),
        (
            rsa()
                + r#","alg":"RS256","use":"sig","key_ops":["verify"],"x5c":[1],"x5u":"https://e""#,
            Some(Algorithm::RS256),
        ),
        (
            rsa() + r#","alg":"PS512","key_ops":["sign","verify"]"#,
            Some(Algorithm::PS512),
        ),
        (P256.to_string(), None),
        (
            P256.to_string() + r#","alg":"ES256""#,
            Some(Algorithm::ES256),
        ),
        (
            ED25519.to_string() + r#","alg":"EdDSA","use":"sig""#,
            Some(Algorithm::EdDSA),
        ),
        (
            ED25519.to_string() + r#","alg":"Ed25519""#,
            Some(Algorithm::EdDSA),
        ),
        (
            rsa() + r#","d":null,"use":null,"alg":null,"key_ops":null"#,
            None,
        ),
    ] {
        assert_eq!(verdict(&members, Origin::Set), Ok(algorithm), "{members}");
        assert_eq!(
            verdict(&members, Origin::Single),
            Ok(algorithm),
            "{members}"
        );
    }
    assert_eq!(verdict(OCT, Origin::Single), Ok(None));
    let members = OCT.to_string() + r#","alg":"HS512""#;
    assert_eq!(
        verdict(&members, Origin::Single),
        Ok(Some(Algorithm::HS512))
    );
}

#[test]
fn bad_keys() {
    use KeyErrorKind::*;
    let rsa = rsa();
    for (members, fault) in [
        (r#""n":"AQ""#.to_string(), MissingMember("kty")),
        (r#""kty":1"#.to_string(), BadMember("kty")),
        (OCT.to_string(), SecretInKeySet),
        (OCT.to_string() + r#","use":"enc""#, SecretInKeySet),
        (format!(r#"{rsa},"d":"AQ""#), PrivateKey),
        (format!(r#"{rsa},"qi":"AQ""#), PrivateKey),
        (format!(r#"{rsa},"use":"enc","p":"AQ""#), PrivateKey),
        (format!(r#"{P256},"d":"AQ""#), PrivateKey),
        (format!(r#"{ED25519},"d":"AQ""#), PrivateKey),
        (format!(r#"{rsa},"k":"AQ""#), PrivateKey),
        (format!(r#"{rsa},"use":["sig"]"#), BadMember("use")),
        (format!(r#"{rsa},"key_ops":"verify""#), BadMember("key_ops")),
        (
            format!(r#"{rsa},"key_ops":["verify",1]"#),
            BadMember("key_ops"),
        ),
        (
            format!(r#"{rsa},"key_ops":["verify","verify"]"#),
            BadMember("key_ops"),
        ),
        (format!(r#"{rsa},"alg":"ES256""#), AlgorithmMismatch),
        (format!(r#"{rsa},"alg":"HS256""#), AlgorithmMismatch),
        (format!(r#"{P256},"alg":"ES384""#), AlgorithmMismatch),
        (format!(r#"{P256},"alg":"RS256""#), AlgorithmMismatch),
        (format!(r#"{ED25519},"alg":"ES256""#), AlgorithmMismatch),
        (
            r#""kty":"EC","crv":"P-521","alg":"ES256""#.to_string(),
            AlgorithmMismatch,
        ),
        (r#""kty":"RSA","e":"AQAB""#.to_string(), MissingMember("n")),
        (
            r#""kty":"RSA","e":"AQAB","n":"A""#.to_string(),
            BadMember("n"),
        ),
        (r#""kty":"RSA","e":"AQAB","n":"""#.to_string(), RsaSize),
        (rsa.replace("AQAB", "AQ"), RsaExponent),
        (rsa.replace("AQAB", "Aw"), RsaExponent),
        (rsa.replace("AQAB", "AQAC"), RsaExponent),
        (
            r#""kty":"EC","x":"AQ","y":"AQ""#.to_string(),
            MissingMember("crv"),
        ),
        (
            r#""kty":"EC","crv":"P-256","x":"AQ""#.to_string(),
            MissingMember("y"),
        ),
        (P256.replace("VEU", ""), CoordinateLength),
        (P256.replace("P-256", "P-384"), CoordinateLength),
        (P256.replace("f83", "f84"), NotOnCurve),
        (ED25519.replace("URo", "URp"), BadMember("x")),
        (
            r#""kty":"OKP","crv":"Ed25519","x":"AQ""#.to_string(),
            CoordinateLength,
        ),
        (
            format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, "A".repeat(43)),
            BadEd25519,
        ),
    ] {
        let expected = Err(JwkError::Bad(fault));
        assert_eq!(verdict(&members, Origin::Set), expected, "{members}");
    }
    for (k, alg) in [
        ("", r#","alg":"HS256""#),
        ("", ""),
        ("c2VjcmV0", ""),
        ("c2VjcmV0", r#","alg":"HS256""#),
        (
            "tPQonxmbu-RJcllSSF4SCdCldOtaahJEt6n3oFbDY6I",
            r#","alg":"HS384""#,
        ),
    ] {
        let members = format!(r#""kty":"oct","k":"{k}"{alg}"#);
        assert_eq!(
            verdict(&members, Origin::Single),
            Err(JwkError::Bad(ShortSecret))
        );
    }
    let members = OCT.to_string() + r#","alg":"RS256""#;
    assert_eq!(
        verdict(&members, Origin::Single),
        Err(JwkError::Bad(AlgorithmMismatch))
    );
}

#[test]
fn keys_for_other_purposes_are_skipped() {
    use SkipReason::{NotForSignatures, Unsupported};
    let rsa = rsa();
    for (members, reason) in [
        (format!(r#"{rsa},"use":"enc""#), NotForSignatures),
        (format!(r#"{rsa},"use":"""#), NotForSignatures),
        (format!(r#"{rsa},"alg":"RSA-OAEP-256""#), NotForSignatures),
        (format!(r#"{rsa},"alg":"RSA1_5""#), NotForSignatures),
        (
            format!(r#"{P256},"alg":"ECDH-ES+A128KW""#),
            NotForSignatures,
        ),
        (format!(r#"{rsa},"key_ops":["encrypt"]"#), NotForSignatures),
        (format!(r#"{rsa},"key_ops":[]"#), NotForSignatures),
        (format!(r#"{rsa},"alg":"none""#), Unsupported),
        (format!(r#"{P256},"alg":"ES521""#), Unsupported),
        (
            r#""kty":"EC","crv":"P-521","alg":"ES512""#.to_string(),
            Unsupported,
        ),
        (r#""kty":"EC","crv":"secp256k1""#.to_string(), Unsupported),
        (
            r#""kty":"OKP","crv":"Ed448","alg":"EdDSA""#.to_string(),
            Unsupported,
        ),
        (r#""kty":"AKP""#.to_string(), Unsupported),
        (r#""kty":"rsa""#.to_string(), Unsupported),
    ] {
        assert_eq!(
            verdict(&members, Origin::Set),
            Err(JwkError::Skipped(reason)),
            "{members}"
        );
    }
}

#[test]
fn a_single_key_must_be_an_object() {
    let key = |members: &str| Jwk::parse(format!("{{{members}}}").as_bytes()).unwrap();
    assert_eq!(key(P256).algorithm(), None);
    let named = key(&format!(r#"{P256},"alg":"ES256""#));
    assert_eq!(named.algorithm(), Some(Algorithm::ES256));
    assert_eq!(named.material().kind(), KeyKind::P256);
    for text in ["", "[]", "1", r#"{"kty":"EC","kty":"EC"}"#] {
        assert_eq!(
            Jwk::parse(text.as_bytes()),
            Err(JwkError::Bad(KeyErrorKind::NotJson))
        );
    }
}
