//! Signed URLs and cookies with every kind of key and hash.

#![expect(clippy::unwrap_used, reason = "a helper fails its test by panicking")]

use base64ct::{Base64, Encoding};
use core::net::Ipv4Addr;
use tollgate_signed_urls::{
    KeyIdError, Network, Policy, Resource, Signer, SigningHash, SigningKey, SigningKeyError,
};

const KEYS: [(&str, &str); 4] = [
    ("rsa-pkcs8", include_str!("keys/rsa-pkcs8.pem")),
    ("rsa-pkcs1", include_str!("keys/rsa-pkcs1.pem")),
    ("p256-pkcs8", include_str!("keys/p256-pkcs8.pem")),
    ("p256-sec1", include_str!("keys/p256-sec1.pem")),
];
const HASHES: [SigningHash; 2] = [SigningHash::Sha1, SigningHash::Sha256];
const KEY_ID: &str = "K2JCJMDEHXQW5F";

fn key(pem: &str, hash: SigningHash) -> SigningKey {
    SigningKey::from_pem(pem, hash).unwrap()
}

fn canned() -> Policy {
    let video = Resource::exact("d1.cloudfront.net", "/courses/a*b.mp4").unwrap();
    Policy::until(video, 1_800_000_300)
}

fn policies() -> [Policy; 3] {
    let folder = Resource::below("d1.cloudfront.net", "/courses/").unwrap();
    let custom = Policy {
        starts: Some(1_800_000_000),
        network: Some(Network::single(Ipv4Addr::new(203, 0, 113, 7))),
        ..canned()
    };
    [canned(), custom, Policy::until(folder, 1_800_000_300)]
}

/// Decodes base64 as CloudFront does.
fn decoded(value: &str) -> Vec<u8> {
    let value = value.replace('-', "+").replace('_', "=").replace('~', "/");
    Base64::decode_vec(&value).unwrap()
}

/// The value of a field that must occur exactly once.
fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found: Vec<_> = fields.iter().filter(|(known, _)| known == name).collect();
    assert!(found.len() <= 1, "{name}");
    found.first().map(|(_, value)| value.as_str())
}

/// Verifies the fields of a URL, or cookies, as CloudFront would.
fn verify(key: &SigningKey, policy: &Policy, fields: &[(String, String)]) {
    let text = policy.text();
    if policy.is_canned() {
        assert_eq!(field(fields, "Expires"), Some("1800000300"));
        assert_eq!(field(fields, "Policy"), None);
    } else {
        assert_eq!(decoded(field(fields, "Policy").unwrap()), text.as_bytes());
        assert_eq!(field(fields, "Expires"), None);
    }
    assert_eq!(field(fields, "Key-Pair-Id"), Some(KEY_ID));
    let hash = (key.hash() == SigningHash::Sha256).then_some("SHA256");
    assert_eq!(field(fields, "Hash-Algorithm"), hash);
    let signature = decoded(field(fields, "Signature").unwrap());
    assert!(key.verifies(text.as_bytes(), &signature));
    let other = text.replace("18000003", "18000004");
    assert!(!key.verifies(other.as_bytes(), &signature));
}

#[test]
fn urls_and_cookies_carry_what_cloudfront_verifies() {
    for (name, pem) in KEYS {
        for hash in HASHES {
            let signer = Signer::new(key(pem, hash), KEY_ID).unwrap();
            for policy in policies() {
                let url = signer.url(&policy).unwrap();
                let (resource, query) = url.split_once('?').unwrap();
                assert_eq!(resource, policy.resource.url(), "{name}");
                let fields: Vec<_> = query
                    .split('&')
                    .map(|pair| pair.split_once('=').unwrap())
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                verify(&key(pem, hash), &policy, &fields);

                let cookies = signer.cookies(&policy).unwrap();
                let fields: Vec<_> = cookies
                    .into_iter()
                    .map(|cookie| {
                        let name = cookie.name.strip_prefix("CloudFront-").unwrap();
                        (name.to_owned(), cookie.value)
                    })
                    .collect();
                verify(&key(pem, hash), &policy, &fields);
            }
        }
    }
}

#[test]
fn both_formats_of_a_key_are_equivalent() {
    for hash in HASHES {
        for pair in KEYS.chunks(2) {
            let [a, b] = [key(pair[0].1, hash), key(pair[1].1, hash)];
            let signature = a.sign(b"message").unwrap();
            assert!(b.verifies(b"message", &signature));
            assert!(!b.verifies(b"massage", &signature));
        }
    }
}

#[test]
fn other_keys_are_rejected() {
    let public = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    let empty = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let table = [
        (include_str!("keys/rsa-1024.pem"), SigningKeyError::RsaSize),
        (include_str!("keys/p384.pem"), SigningKeyError::Key),
        (empty, SigningKeyError::Key),
        (public, SigningKeyError::Pem),
        ("", SigningKeyError::Pem),
        ("K2JCJMDEHXQW5F", SigningKeyError::Pem),
    ];
    for (pem, expect) in table {
        for hash in HASHES {
            let refused = SigningKey::from_pem(pem, hash).err();
            // A size that AWS-LC cannot parse is rejected as well.
            let is_small = expect == SigningKeyError::RsaSize;
            let also = is_small && refused == Some(SigningKeyError::Key);
            assert!(refused == Some(expect) || also, "{pem}: {refused:?}");
        }
    }
    for id in ["", "K-1", "K\r\nSet-Cookie: a", "ключ"] {
        let made = Signer::new(key(KEYS[2].1, SigningHash::Sha256), id);
        assert_eq!(made.err(), Some(KeyIdError), "{id}");
    }
}
