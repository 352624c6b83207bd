//! Which images are accepted under trust keys. The signatures are mocks;
//! `crates/crypto/tests/signed_images.rs` tests real ones.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper fails its test by panicking"
)]

use tollgate_core::ImageId;
use tollgate_gate::config::Strip;
use tollgate_gate::signed::{SignedError, TrustError, to_be_signed};
use tollgate_gate::{Gate, LoadError, PolicyVersion, Trust};
use tollgate_token::{Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey};

use crate::site;

/// Public keys of test key pairs (RFC 8032 §7.1), used only as identifiers.
const KEYS: [&str; 2] = [
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
];
const SITE: &str = "simple \"courses\"";

/// Signs with a sum of key and message. Every other key belongs to the site.
struct Toy(Vec<u8>);
struct Provider;

impl tollgate_token::Provider for Provider {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        match key {
            KeyMaterial::Ed25519 { x } => Ok(Box::new(Toy(x.to_vec()))),
            _ => tollgate_token::Provider::prepare(&site::Provider, algorithm, key),
        }
    }
}

impl PreparedKey for Toy {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        if toy(&self.0, message) == signature {
            Ok(())
        } else {
            Err(BadSignature)
        }
    }
}

fn toy(key: &[u8], message: &[u8]) -> Vec<u8> {
    let sum = key.iter().chain(message).fold(0_u64, |sum, byte| {
        sum.wrapping_mul(0x100_0000_01b3) ^ u64::from(*byte)
    });
    let mut signature = vec![9; 56];
    signature.extend(sum.to_le_bytes());
    signature
}

fn key_bytes(key: usize) -> Vec<u8> {
    tollgate_token::base64url::decode(KEYS[key].as_bytes()).expect("base64url")
}

fn version(number: u64) -> PolicyVersion {
    PolicyVersion::new(number).expect("a version")
}

/// The site's image with this version, in an envelope for `site`, signed by `key` with the key id `k<name>`.
fn sealed(number: u64, site: &str, name: usize, key: usize, image: &[u8]) -> Vec<u8> {
    let mut bytes =
        to_be_signed(version(number), &format!("k{name}"), site, image).expect("a valid envelope");
    let signature = toy(&key_bytes(key), &bytes);
    bytes.extend(signature);
    bytes
}

fn image() -> Vec<u8> {
    site::image(&site::config())
}

/// An image of the same site with other decisions.
fn other_image() -> Vec<u8> {
    let mut config = site::config();
    config.strip = Strip::Nothing;
    site::image(&config)
}

fn set(keys: &[usize], more: &str) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                r#"{{"kty":"OKP","crv":"Ed25519","kid":"k{key}","x":"{}"}}"#,
                KEYS[*key]
            )
        })
        .collect();
    format!(r#"{{{more}"keys":[{}]}}"#, keys.join(","))
}

fn trust(keys: &[usize], more: &str) -> Trust {
    Trust::from_json(set(keys, more).as_bytes(), &Provider).expect("valid trust keys")
}

fn load(bytes: Vec<u8>, trust: &mut Trust) -> Result<ImageId, SignedError> {
    match Gate::load(bytes, Some(trust), &Provider) {
        Ok(gate) => {
            let release = gate.release().expect("it was signed");
            assert!(release.verified);
            Ok(gate.policy_id())
        }
        Err(LoadError::Signed(error)) => Err(error),
        Err(error) => panic!("another error: {error}"),
    }
}

#[test]
fn without_trust_keys_signed_and_unsigned_images_decide_identically() {
    let plain = Gate::load(image(), None, &Provider).expect("a valid image");
    assert_eq!(plain.release(), None);
    // The signer is not checked.
    let wrapped = Gate::load(sealed(3, SITE, 0, 1, &image()), None, &Provider).expect("an image");
    assert_eq!(wrapped.policy_id(), plain.policy_id());
    assert_eq!(wrapped.image().as_bytes(), plain.image().as_bytes());
    let release = wrapped.release().expect("an envelope");
    assert_eq!((release.version, release.verified), (version(3), false));
    // But the site in the envelope must be correct.
    let mismatch = Gate::load(sealed(3, "elsewhere", 0, 0, &image()), None, &Provider);
    assert!(matches!(
        mismatch,
        Err(LoadError::Signed(SignedError::OtherSite))
    ));
}

#[test]
fn with_trust_keys_only_their_images_are_accepted() {
    let cut = |mut bytes: Vec<u8>| {
        bytes.pop();
        bytes
    };
    let table = [
        ("unsigned", image(), SignedError::Unsigned),
        ("nothing", vec![], SignedError::Unsigned),
        (
            "unknown key",
            sealed(1, SITE, 1, 1, &image()),
            SignedError::UnknownKey,
        ),
        (
            "foreign key",
            sealed(1, SITE, 0, 1, &image()),
            SignedError::BadSignature,
        ),
        (
            "cut",
            cut(sealed(1, SITE, 0, 0, &image())),
            SignedError::Malformed,
        ),
        (
            "in two envelopes",
            sealed(1, SITE, 0, 0, &sealed(1, SITE, 0, 0, &image())),
            SignedError::Unsigned,
        ),
        (
            "a false site",
            sealed(1, "elsewhere", 0, 0, &image()),
            SignedError::OtherSite,
        ),
    ];
    for (what, bytes, expected) in table {
        let mut trust = trust(&[0], "");
        let refused = Gate::load(bytes, Some(&mut trust), &Provider);
        match refused.map(drop) {
            Err(LoadError::Signed(error)) => assert_eq!(error, expected, "{what}"),
            // The signed image itself is validated as usual.
            Err(LoadError::Image(_)) => assert_eq!(what, "in two envelopes"),
            _ => panic!("{what} must be rejected"),
        }
        assert_eq!(trust.newest(), None, "{what}");
        assert!(load(sealed(1, SITE, 0, 0, &image()), &mut trust).is_ok());
    }
    let mut twice = trust(&[0, 0], "");
    assert!(load(sealed(1, SITE, 0, 0, &image()), &mut twice).is_ok());
    let mut both = trust(&[0, 1], "");
    assert!(load(sealed(1, SITE, 0, 0, &image()), &mut both).is_ok());
    assert!(load(sealed(1, SITE, 1, 1, &image()), &mut both).is_ok());
}

#[test]
fn trust_keys_may_be_for_one_site() {
    let mut own = trust(&[0], r#""site":"simple \"courses\"","#);
    assert!(load(sealed(1, SITE, 0, 0, &image()), &mut own).is_ok());
    let mut other = trust(&[0], r#""site":"simple courses","#);
    assert_eq!(
        load(sealed(1, SITE, 0, 0, &image()), &mut other),
        Err(SignedError::OtherSite)
    );
}

#[test]
fn versions_roll_back_only_if_the_operator_permits_it() {
    let older = |offered, oldest| {
        Err(SignedError::Older {
            offered: version(offered),
            oldest: version(oldest),
        })
    };
    let mut trust = trust(&[0], "").at_least(version(5));
    let offer = |number: u64, image: &[u8], trust: &mut Trust| {
        load(sealed(number, SITE, 0, 0, image), trust).map(drop)
    };
    assert_eq!(offer(4, &image(), &mut trust), older(4, 5));
    assert_eq!(offer(5, &image(), &mut trust), Ok(()));
    assert_eq!(offer(5, &image(), &mut trust), Ok(()), "the same again");
    let reused = Err(SignedError::Reused(version(5)));
    assert_eq!(offer(5, &other_image(), &mut trust), reused);
    assert_eq!(offer(9, &other_image(), &mut trust), Ok(()));
    assert_eq!(offer(8, &image(), &mut trust), older(8, 9));
    // An image that does not load does not count, however new it is.
    let broken = Gate::load(
        sealed(20, SITE, 0, 0, b"no image"),
        Some(&mut trust),
        &Provider,
    );
    assert!(matches!(broken, Err(LoadError::Image(_))));
    assert_eq!(trust.newest(), Some(version(9)));

    trust.permit_rollback_to(Some(version(7)));
    assert_eq!(offer(6, &image(), &mut trust), older(6, 7));
    assert_eq!(offer(7, &image(), &mut trust), Ok(()));
    trust.permit_rollback_to(None);
    assert_eq!(offer(6, &image(), &mut trust), older(6, 7));
    // The old content under a new version needs no permission.
    assert_eq!(offer(10, &image(), &mut trust), Ok(()));
}

type Wanted = fn(&TrustError) -> bool;

#[test]
fn trust_keys_with_unknown_members_are_rejected() {
    let rsa = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    let named = |kid: &str| set(&[0], "").replace("k0", kid);
    let private = set(&[0], "").replace(r#""kty""#, r#""d":"AA","kty""#);
    let weak = set(&[0], "").replace(KEYS[0], "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let table: Vec<(String, Wanted)> = vec![
        (String::new(), |e| matches!(e, TrustError::Keys(_))),
        ("null".into(), |e| matches!(e, TrustError::Keys(_))),
        (r#"{"keys":[]}"#.into(), |e| *e == TrustError::Empty),
        (rsa.into(), |e| {
            matches!(e, TrustError::NotForImages(Some(0), _))
        }),
        (private, |e| matches!(e, TrustError::Keys(_))),
        (weak, |e| matches!(e, TrustError::Keys(_))),
        (named("a b"), |e| *e == TrustError::KeyId),
        (named("é"), |e| *e == TrustError::KeyId),
        (named(""), |e| matches!(e, TrustError::Keys(_))),
        (set(&[0], r#""sites":"x","#), |e| {
            *e == TrustError::UnknownMember
        }),
        (set(&[0], r#""site":1,"#), |e| *e == TrustError::Site),
        (set(&[0], r#""site":"","#), |e| *e == TrustError::Site),
    ];
    for (text, is_expected) in table {
        let error = Trust::from_json(text.as_bytes(), &Provider).expect_err("must be rejected");
        assert!(is_expected(&error), "{text}: {error:?}");
        assert!(
            error
                .to_string()
                .starts_with("the trust keys are rejected: ")
        );
    }
}
