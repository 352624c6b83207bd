//! The envelope format, byte by byte. `tests/gate/signed.rs` tests signatures.

use alloc::{string::String, vec, vec::Vec};

use super::*;

const IMAGE: &[u8] = b"an image";

fn version(number: u64) -> PolicyVersion {
    PolicyVersion::new(number).unwrap()
}

fn sealed() -> Vec<u8> {
    let mut bytes = to_be_signed(version(7), "k-1", "courses", IMAGE).unwrap();
    bytes.extend([0x55; SIGNATURE_BYTES]);
    bytes
}

#[test]
fn envelopes_round_trip() {
    let bytes = sealed();
    let envelope = Envelope::read(&bytes).unwrap();
    assert_eq!(
        (
            envelope.version,
            envelope.key_id,
            envelope.site,
            envelope.image
        ),
        (version(7), "k-1", "courses", IMAGE)
    );
    let (signed, signature) = envelope.signed();
    assert_eq!(signed, &bytes[..bytes.len() - SIGNATURE_BYTES]);
    assert_eq!(signature, [0x55; SIGNATURE_BYTES]);
    let (image, release) = open_envelope(bytes).unwrap();
    assert_eq!(image, IMAGE);
    assert!(!release.unwrap().verified);
}

#[test]
fn plain_images_are_returned_unchanged() {
    for bytes in [&b""[..], b"TOLLGATE and more", &CONTEXT[..29]] {
        assert_eq!(open_envelope(bytes.to_vec()), Ok((bytes.to_vec(), None)));
        assert_eq!(Envelope::read(bytes), Err(SignedError::Unsigned));
    }
}

#[test]
fn an_envelope_has_a_single_encoding() {
    type Edit = fn(&mut Vec<u8>);
    let table: &[(&str, Edit, SignedError)] = &[
        ("next format", |b| b[30] = b'2', SignedError::Format),
        ("cut format", |b| b.truncate(31), SignedError::Malformed),
        ("version 0", |b| b[32] = 0, SignedError::Malformed),
        (
            "version 2^53",
            |b| b[32..40].copy_from_slice(&(1u64 << 53).to_le_bytes()),
            SignedError::Malformed,
        ),
        (
            "version 2^64-1",
            |b| b[32..40].fill(0xff),
            SignedError::Malformed,
        ),
        (
            "no key id",
            |b| {
                b[40] = 0;
                b.drain(48..51);
            },
            SignedError::Malformed,
        ),
        (
            "long key id",
            |b| {
                b[40] = 129;
                b.splice(48..51, [b'k'; 129]);
            },
            SignedError::Malformed,
        ),
        (
            "space in a key id",
            |b| b[49] = b' ',
            SignedError::Malformed,
        ),
        (
            "key id that is not text",
            |b| b[49] = 0xff,
            SignedError::Malformed,
        ),
        (
            "no site",
            |b| {
                b[41] = 0;
                b.drain(51..58);
            },
            SignedError::Malformed,
        ),
        (
            "long site",
            |b| {
                b[41] = 129;
                b.splice(51..58, [b's'; 129]);
            },
            SignedError::Malformed,
        ),
        (
            "site that is not text",
            |b| b[52] = 0x80,
            SignedError::Malformed,
        ),
        ("unused byte", |b| b[42] = 1, SignedError::Malformed),
        (
            "the other unused byte",
            |b| b[43] = 1,
            SignedError::Malformed,
        ),
        ("shorter image", |b| b[44] -= 1, SignedError::Malformed),
        ("longer image", |b| b[44] += 1, SignedError::Malformed),
        (
            "huge image",
            |b| b[44..48].fill(0xff),
            SignedError::Malformed,
        ),
        ("a byte more", |b| b.push(0), SignedError::Malformed),
        (
            "a byte less",
            |b| {
                b.pop();
            },
            SignedError::Malformed,
        ),
    ];
    for (what, edit, error) in table {
        let mut bytes = sealed();
        edit(&mut bytes);
        assert_eq!(Envelope::read(&bytes), Err(*error), "{what}");
        assert_eq!(open_envelope(bytes), Err(*error), "{what}");
    }
    let whole = sealed();
    for end in 0..whole.len() {
        assert!(Envelope::read(&whole[..end]).is_err(), "{end} bytes");
    }
}

#[test]
fn invalid_fields_are_not_encoded() {
    let long = |len| String::from_utf8(vec![b'x'; len]).unwrap();
    let table = [
        (String::new(), long(1), Err(SealError::KeyId)),
        (long(129), long(1), Err(SealError::KeyId)),
        (String::from("a b"), long(1), Err(SealError::KeyId)),
        (String::from("é"), long(1), Err(SealError::KeyId)),
        (long(1), String::new(), Err(SealError::Site)),
        (long(1), long(129), Err(SealError::Site)),
        (long(128), long(128), Ok(())),
    ];
    for (key_id, site, expected) in table {
        let made = to_be_signed(version(1), &key_id, &site, IMAGE);
        assert_eq!(made.as_ref().map(drop).map_err(|e| *e), expected);
        if let Ok(mut bytes) = made {
            bytes.extend([0; SIGNATURE_BYTES]);
            assert!(Envelope::read(&bytes).is_ok());
        }
    }
}

#[test]
fn versions_are_exact_in_javascript() {
    for (number, expected) in [
        (0.0, None),
        (-1.0, None),
        (0.5, None),
        (f64::NAN, None),
        (f64::INFINITY, None),
        (9_007_199_254_740_992.0, None),
        (1.0, PolicyVersion::new(1)),
        (
            9_007_199_254_740_991.0,
            PolicyVersion::new(PolicyVersion::MAX),
        ),
    ] {
        assert_eq!(PolicyVersion::from_f64(number), expected, "{number}");
    }
    assert_eq!(PolicyVersion::new(0), None);
    assert_eq!(PolicyVersion::new(PolicyVersion::MAX + 1), None);
}
