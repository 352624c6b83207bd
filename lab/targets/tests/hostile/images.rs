//! Images that no compiler produced, and one that demands far more work than its size suggests.

use tollgate_core::image::format::{
    CHECKSUM_AT, HEADER_BYTES, MAGIC, SECTIONS_AT, Section, VERSION, checksum,
};
use tollgate_core::{Effect, Image, MethodSet};
use tollgate_policy::encode::encode;
use tollgate_policy::spec::{ImageSpec, Pattern, Principals, RuleSpec, Segment, Template};

use crate::{Case, MEGABYTE, case};

/// Bytes after a header that is as valid as it can be without them.
fn headed(rest: &[u8]) -> Vec<u8> {
    let mut image = MAGIC.to_vec();
    image.extend(VERSION.to_le_bytes());
    image.resize(HEADER_BYTES, 0);
    image.extend(rest);
    let length = (image.len() as u32).to_le_bytes();
    image[12..16].copy_from_slice(&length);
    let sum = checksum(&image).to_le_bytes();
    image[CHECKSUM_AT..CHECKSUM_AT + 8].copy_from_slice(&sum);
    image
}

/// An image in which every rule uses the same long list of groups: the work grows with the square of its
/// size.
fn one_list(rules: usize, groups: usize) -> Vec<u8> {
    let name = |number: usize| Template {
        prefix: format!("{number:x}"),
        capture: None,
        suffix: String::new(),
    };
    let list: Vec<Template> = (0..groups).map(name).collect();
    let rule = |number: usize| RuleSpec {
        course: "a".to_owned(),
        id: format!("{number:x}"),
        effect: Effect::Allow,
        methods: MethodSet::READ,
        because: None,
        patterns: vec![Pattern {
            segments: vec![Segment::Literal(format!("{number:x}"))],
            trailing_slash: false,
            source: String::new(),
        }],
        who: Principals {
            groups: Some(if number == 0 {
                list.clone()
            } else {
                vec![name(number)]
            }),
            ..Principals::default()
        },
        networks: None,
        from: None,
        until: None,
        when: None,
        unless: None,
    };
    let spec = ImageSpec {
        rules: (0..rules).map(rule).collect(),
        ..ImageSpec::default()
    };
    let mut image = encode(&spec).expect("an image").image;
    let table = SECTIONS_AT + 8 * Section::Rules as usize;
    let word = image[table..table + 4].try_into().expect("four bytes");
    let start = u32::from_le_bytes(word) as usize;
    // The last three bytes of a rule are its groups; the first rule has the long list.
    let list = image[start + 7..start + 10].to_vec();
    for at in (start..).step_by(10).take(rules) {
        image[at + 7..at + 10].copy_from_slice(&list);
    }
    let sum = checksum(&image).to_le_bytes();
    image[CHECKSUM_AT..CHECKSUM_AT + 8].copy_from_slice(&sum);
    image
}

pub(crate) fn cases() -> Vec<Case> {
    let image = |name, bytes: Vec<u8>, expected| {
        case(name, bytes.len(), expected, move || {
            Image::from_bytes(&bytes)
                .map_or_else(|error| error.code(), |_| "loaded")
                .to_owned()
        })
        // Nothing is allocated for an image.
        .factor(0)
    };
    vec![
        image("image: zeros", vec![0; MEGABYTE], "not_an_image"),
        image(
            "image: its first bytes, then ones",
            [&MAGIC[..], &vec![0xFF; MEGABYTE]].concat(),
            "image_version",
        ),
        image(
            "image: a header, then zeros",
            headed(&vec![0; MEGABYTE]),
            "image_section",
        ),
        image(
            "image: a header, then ones",
            headed(&vec![0xFF; MEGABYTE]),
            "image_section",
        ),
        image(
            "image: a header that is cut",
            headed(&[])[..100].to_vec(),
            "image_length",
        ),
        image(
            "image: 64 rules about the same 2,000 groups",
            one_list(64, 2_000),
            "loaded",
        ),
        image(
            "image: 10,000 rules about the same 10,000 groups",
            one_list(10_000, 10_000),
            "image_section",
        ),
    ]
}
