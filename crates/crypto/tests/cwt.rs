//! CWTs of others under our reader and our MAC: RFC 8392, the COSE working group, and a CDN's.

#![expect(
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a helper fails its test by panicking"
)]

use tollgate_crypto::{Native, Portable};
use tollgate_gate::session::cwt::Parts;
use tollgate_token::{Algorithm, KeyMaterial, Provider};

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// The same MAC from both providers.
fn mac(key: &str, message: &[u8]) -> Vec<u8> {
    let key = KeyMaterial::Hmac { k: bytes(key) };
    let providers: [&dyn Provider; 2] = [&Portable, &Native];
    let [portable, native] = providers.map(|provider| {
        let prepared = provider.prepare(Algorithm::HS256, &key);
        prepared.ok().and_then(|key| key.mac(message)).unwrap()
    });
    assert_eq!(portable, native);
    portable
}

const RFC_8392_KEY: &str = "403697de87af64611c1d32a05dab0fe1fcb715a86ab435f1ec99192d79569388";

/// Token, key, name of the key, whether it is HMAC 256/256, and what is signed where that is published.
type Row = (
    &'static str,
    &'static str,
    Option<&'static str>,
    bool,
    Option<&'static str>,
);

const TOKENS: &[Row] = &[
    // RFC 8392, appendix A.4, as the COSE working group has it: HMAC 256/64.
    (
        "d18443a10104a05850a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b77037818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b7148093101ef6d789200",
        RFC_8392_KEY,
        None,
        false,
        Some(
            "84644d41433043a10104405850a70175636f61703a2f2f61732e6578616d706c652e636f6d02656572696b77037818636f61703a2f2f6c696768742e6578616d706c652e636f6d041a5612aeb0051a5610d9f0061a5610d9f007420b71",
        ),
    ),
    // The COSE working group's HMAC 256/256.
    (
        "d18443a10105a054546869732069732074686520636f6e74656e742e5820a1a848d3471f9d61ee49018d244c824772f223ad4f935293f1789fc3a08d8c58",
        "849b57219dae48de646d07dbb533566e976686457c1491be3a76dcea6c427188",
        None,
        true,
        Some("84644d41433043a101054054546869732069732074686520636f6e74656e742e"),
    ),
    // A Common Access Token as a CDN made it, with the tag of a CWT around it.
    (
        "d83dd18443a10105a10450616b616d61695f6b65795f687332353653a3041a67d73ff6061a67d7400b051a67d7400b5820d4d3fca94eca1695e8d692c455e4a8959f05a81290f91e9b5d1dcaca00f82d30",
        RFC_8392_KEY,
        Some("akamai_key_hs256"),
        true,
        None,
    ),
];

#[test]
fn tokens_of_others_have_the_right_tag() {
    for (token, key, kid, is_hs256, signed) in TOKENS {
        let parts = Parts::read(&bytes(token)).unwrap();
        assert_eq!(parts.is_hs256(), *is_hs256);
        assert_eq!(parts.kid.as_deref(), kid.map(str::as_bytes));
        let found = parts.signed().unwrap();
        if let Some(signed) = signed {
            assert_eq!(found, bytes(signed));
        }
        let tag = mac(key, &found);
        assert_eq!(parts.tag, tag[..parts.tag.len()]);
        assert_eq!(parts.tag.len(), if *is_hs256 { 32 } else { 8 });
    }
}

#[test]
fn what_is_no_such_token_is_refused() {
    let good = bytes(TOKENS[1].0);
    for length in 0..good.len() {
        assert_eq!(Parts::read(&good[..length]), None, "cut to {length}");
    }
    // Another tag, an array of another length, text for bytes, an endless array.
    for (at, value) in [
        (0, 0xD2),
        (0, 0xD0),
        (1, 0x83),
        (1, 0x85),
        (2, 0x63),
        (1, 0x9F),
    ] {
        let mut other = good.clone();
        other[at] = value;
        assert_eq!(Parts::read(&other), None, "{at} {value:x}");
    }
    // Any change elsewhere is still no panic.
    for at in 0..good.len() {
        for value in 0..=u8::MAX {
            let mut other = good.clone();
            other[at] = value;
            let _ = Parts::read(&other);
        }
    }
}
