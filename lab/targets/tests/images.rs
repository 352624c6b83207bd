//! An image that is not complete and unchanged is rejected, wherever the damage is.

#![cfg(test)]

use std::path::Path;

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::image::format::{CHECKSUM_AT, SECTIONS_AT, Section, checksum};
use tollgate_core::{
    FactsBuilder, Image, PathOptions, PathScratch, Query, Reason, TokenState, UnixSeconds, decide,
};

/// The step between flipped bits in the larger image; prime, so that every bit position of a byte is covered.
const STRIDE_BITS: usize = 61;

const SMALL: &str = r#"
schema = 1
[site]
name = "small"
[[rule]]
id = "open"
allow = ["/open/**", "/a*b/{name}"]
anyone = true
[[rule]]
id = "closed"
deny = ["/open/private/**"]
networks = ["198.51.100.0/24"]
unless = 'now < timestamp("2027-02-01T00:00:00Z")'
because = "It is private."
"#;

fn image(sources: &SourceTree) -> Vec<u8> {
    let compiled = compile(sources, &CompileOptions::default());
    compiled
        .image
        .unwrap_or_else(|| panic!("the policy compiles: {:?}", compiled.diagnostics))
}

fn small() -> Vec<u8> {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", SMALL);
    image(&sources)
}

fn sample() -> Vec<u8> {
    image(&SourceTree::read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy"),
    ))
}

fn is_refused(bytes: &[u8]) -> bool {
    Image::from_bytes(bytes).is_err()
}

/// Flips single bits, `stride` apart.
fn refuses_flips(mut bytes: Vec<u8>, stride: usize) {
    for bit in (0..bytes.len() * 8).step_by(stride) {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(is_refused(&bytes), "bit {bit} flipped");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(!is_refused(&bytes), "the image itself is valid");
}

#[test]
fn every_bit_of_a_small_image_matters() {
    refuses_flips(small(), 1);
}

#[test]
fn bits_throughout_the_sample_matter() {
    refuses_flips(sample(), STRIDE_BITS);
}

#[test]
fn every_truncation_is_rejected() {
    for bytes in [small(), sample()] {
        for length in 0..bytes.len() {
            assert!(
                is_refused(&bytes[..length]),
                "cut to {length} of {}",
                bytes.len()
            );
        }
    }
}

#[test]
fn other_bytes_are_rejected() {
    let good = small();
    let longer = [good.as_slice(), &[0]].concat();
    let twice = [good.as_slice(), &good].concat();
    let moved = [&[0], good.as_slice()].concat();
    let foreign: [(&str, &[u8]); 8] = [
        ("nothing", b""),
        ("zeros", &[0; 4096]),
        ("ones", &[0xFF; 4096]),
        ("text", SMALL.as_bytes()),
        ("a WASM module's beginning", b"\0asm\x01\0\0\0"),
        ("a longer image", &longer),
        ("two images", &twice),
        ("a moved image", &moved),
    ];
    for (what, bytes) in foreign {
        assert!(is_refused(bytes), "{what}");
    }
}

#[test]
fn the_same_texts_give_the_same_image() {
    assert_eq!(small(), small());
    assert_eq!(sample(), sample());
}

const OWN_FOLDER: &str = r#"
schema = 1
[site]
name = "own"
[[issuer]]
name = "learners"
issuer = "https://issuer.example"
clients = ["web"]
algorithms = ["HS256"]
groups_claim = "cognito:groups"
secrets = [{ kid = "s", file = "keys/s.key" }]
[[rule]]
id = "own-folder"
allow = ["/users/{user}/**"]
subjects = ["{user}"]
"#;

/// Found by fuzzing the loader, which does not know how many segments precede a pattern's end: it accepts an
/// image whose capture is after them. Such a rule allows nobody.
#[test]
fn a_capture_that_no_path_has_denies() {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", OWN_FOLDER);
    sources.insert("keys/s.key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let mut bytes = image(&sources);
    let table = SECTIONS_AT + 8 * Section::Captures as usize;
    let word = bytes[table..table + 4].try_into().expect("four bytes");
    let captures = u32::from_le_bytes(word) as usize;
    for (place, expected) in [
        (1_u16, Reason::Allow),
        (2, Reason::Internal),
        (63, Reason::Internal),
    ] {
        bytes[captures..captures + 2].copy_from_slice(&place.to_le_bytes());
        let sum = checksum(&bytes).to_le_bytes();
        bytes[CHECKSUM_AT..CHECKSUM_AT + 8].copy_from_slice(&sum);
        let image = Image::from_bytes(&bytes).expect("an image");
        let facts = FactsBuilder::new(&image).subject(Some("alice")).build();
        let mut scratch = PathScratch::new();
        let path = scratch
            .parse(b"/users/alice/", PathOptions::default())
            .expect("a path");
        let decision = decide(
            &image,
            &Query {
                path: &path,
                method: "GET",
                ip: None,
                now: UnixSeconds(0),
                token: TokenState::Verified(&facts),
            },
        );
        assert_eq!(decision.reason, expected, "capture {place}");
    }
}
