//! Both providers compute the same hashes and sealed bytes, and reject changed ones.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use tollgate_crypto::{Native, Portable};
use tollgate_token::Provider;

const PROVIDERS: [(&str, &dyn Provider); 2] = [("native", &Native), ("portable", &Portable)];

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn published_vectors() {
    // FIPS 180-2, appendix B.1.
    let abc = from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 8439, section 2.8.2.
    let key: [u8; 32] = core::array::from_fn(|at| 0x80 + u8::try_from(at).unwrap());
    let nonce = from_hex("070000004041424344454647").try_into().unwrap();
    let bound = from_hex("50515253c0c1c2c3c4c5c6c7");
    let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
        the future, sunscreen would be it.";
    let start = from_hex("d31a8d34648e60db7b86afbc53ef7ec2");
    let tag = from_hex("1ae10b594f09e26a7e902ecbd0600691");
    for (name, provider) in PROVIDERS {
        assert_eq!(provider.sha256(b"abc").unwrap().to_vec(), abc, "{name}");
        let key = provider.sealing_key(&key).unwrap();
        let sealed = key.seal(&nonce, &bound, text.to_vec()).unwrap();
        assert!(sealed.starts_with(&start), "{name}");
        assert!(sealed.ends_with(&tag), "{name}");
        assert_eq!(key.open(&nonce, &bound, sealed).unwrap(), text, "{name}");
    }
}

#[test]
fn every_changed_bit_is_noticed() {
    let (nonce, bound) = ([1; 12], b"flow".as_slice());
    for (name, provider) in PROVIDERS {
        let key = provider.sealing_key(&[7; 32]).unwrap();
        let sealed = key.seal(&nonce, bound, b"state".to_vec()).unwrap();
        for at in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(key.open(&nonce, bound, changed), None, "{name} {at}");
        }
        for short in 0..sealed.len() {
            let cut = sealed[..short].to_vec();
            assert_eq!(key.open(&nonce, bound, cut), None, "{name} {short}");
        }
        let open = |key: &dyn tollgate_token::SealingKey, nonce: [u8; 12], bound: &[u8]| {
            key.open(&nonce, bound, sealed.clone())
        };
        assert_eq!(open(&*key, [2; 12], bound), None, "{name}");
        assert_eq!(open(&*key, nonce, b"refresh"), None, "{name}");
        let other = provider.sealing_key(&[8; 32]).unwrap();
        assert_eq!(open(&*other, nonce, bound), None, "{name}");
        assert!(open(&*key, nonce, bound).is_some(), "{name}");
    }
}
