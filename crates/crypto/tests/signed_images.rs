//! Signed policy images with real signatures and every provider: every altered image is rejected.

#![cfg(test)]

use tollgate_crypto::image_key::{ImageKey, ImageKeyError};
use tollgate_crypto::{Native, Portable};
use tollgate_gate::signed::{SIGNATURE_BYTES, SignedError, to_be_signed};
use tollgate_gate::{PolicyVersion, Trust};
use tollgate_token::Provider;

/// The key pair of RFC 8032 §7.1, test 1, as OpenSSL writes it.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";
const TRUST: &[u8] = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"release-1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const SAMPLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/images/v2/sample.tgi"
);
/// Distance in bytes between flips in the sample; prime.
const STRIDE: usize = 31;

fn providers() -> [(&'static str, &'static dyn Provider); 2] {
    [("portable", &Portable), ("native", &Native)]
}

fn sealed(version: u64, site: &str, image: &[u8]) -> Vec<u8> {
    let version = PolicyVersion::new(version).unwrap();
    let mut bytes = to_be_signed(version, "release-1", site, image).unwrap();
    let signature = ImageKey::from_pem(PEM).unwrap().sign(&bytes).unwrap();
    bytes.extend(signature);
    bytes
}

fn trust(provider: &dyn Provider) -> Trust {
    Trust::from_json(TRUST, provider).unwrap()
}

#[test]
fn every_bit_of_an_envelope_matters() {
    for (name, provider) in providers() {
        let trust = trust(provider);
        let mut bytes = sealed(7, "courses", b"a small image");
        assert!(trust.check(&bytes).is_ok(), "{name}");
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(trust.check(&bytes).is_err(), "{name}: bit {bit} flipped");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for end in 0..bytes.len() {
            assert!(trust.check(&bytes[..end]).is_err(), "{name}: {end} bytes");
        }
        bytes.push(0);
        assert_eq!(trust.check(&bytes), Err(SignedError::Malformed));
    }
}

#[test]
fn bytes_all_over_a_real_image_matter() {
    let image = std::fs::read(SAMPLE).unwrap();
    let good = sealed(7, "simple-courses", &image);
    for (name, provider) in providers() {
        let trust = trust(provider);
        assert_eq!(trust.check(&good).map(|opened| opened.image), Ok(&*image));
        for at in (0..good.len()).step_by(STRIDE) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            assert!(trust.check(&bytes).is_err(), "{name}: byte {at} altered");
        }
        assert_eq!(trust.check(&image), Err(SignedError::Unsigned));
    }
}

#[test]
fn a_signature_is_valid_only_for_its_own_fields() {
    let signature_of = |bytes: &[u8]| bytes[bytes.len() - SIGNATURE_BYTES..].to_vec();
    let good = sealed(7, "courses", b"image");
    // The same bytes with another boundary between site and image.
    for other in [
        sealed(8, "courses", b"image"),
        sealed(7, "course", b"simage"),
        sealed(7, "coursesi", b"mage"),
        sealed(7, "courses", b"images"),
    ] {
        let mut bytes = other;
        let at = bytes.len() - SIGNATURE_BYTES;
        bytes[at..].copy_from_slice(&signature_of(&good));
        for (name, provider) in providers() {
            let refused = trust(provider).check(&bytes).map(drop);
            assert_eq!(refused, Err(SignedError::BadSignature), "{name}");
        }
    }
}

#[test]
fn keys_are_written_as_they_are_read() {
    let key = ImageKey::from_pem(PEM).unwrap();
    assert_eq!(key.to_pem().unwrap(), PEM);
    let public = key.public().unwrap();
    let x = tollgate_token::base64url::decode(b"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(Some(public.to_vec()), x);
    let new = ImageKey::generate().unwrap();
    let again = ImageKey::from_pem(&new.to_pem().unwrap()).unwrap();
    assert_eq!(new.public(), again.public());
    assert_ne!(new.public(), key.public());
}

#[test]
fn other_keys_are_rejected() {
    let p256 = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../signed-urls/tests/keys/p256-pkcs8.pem"
    );
    let p256 = std::fs::read_to_string(p256).unwrap();
    let table = [
        ("", ImageKeyError::Pem),
        ("no PEM", ImageKeyError::Pem),
        (PEM.get(..60).unwrap(), ImageKeyError::Pem),
        (
            &PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            ImageKeyError::Pem,
        ),
        (&PEM.replace("PRIVATE", "PUBLIC"), ImageKeyError::Pem),
        (&PEM.repeat(2), ImageKeyError::Pem),
        (&p256, ImageKeyError::Key),
    ];
    for (text, expected) in table {
        let refused = ImageKey::from_pem(text).map(drop);
        assert_eq!(refused, Err(expected), "{text}");
    }
}
