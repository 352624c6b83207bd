//! The header, and where the sections are.

use tollgate_core::image::format::{
    HEADER_BYTES, MAX_IMAGE_BYTES, MAX_PROBE, SECTIONS_AT, Section,
};
use tollgate_core::{Effect, Image, ImageError, MethodSet, PathOptions, PathReader, RuleId};

use super::kit::put_extra;
use super::parts::{Parts, number, sealed};

fn validate(image: &[u8]) -> Result<(), ImageError> {
    Image::from_bytes(image).map(drop)
}

/// The image with these bytes at a place, sealed again.
fn with(at: usize, bytes: &[u8]) -> Result<(), ImageError> {
    let mut image = Parts::new().image();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    validate(&sealed(image))
}

#[test]
fn the_base_is_good() {
    let parts = Parts::new();
    assert_eq!(parts.validate(), Ok(()));
    assert_eq!(with(0, b"TOLLGATE"), Ok(()));
}

#[test]
fn each_field() {
    let image = Parts::new().image();
    let length = image.len();
    assert_eq!(with(0, b"t"), Err(ImageError::NotAnImage));
    assert_eq!(with(8, &[4, 0]), Err(ImageError::Version(4)));
    assert_eq!(with(8, &[1, 0]), Err(ImageError::Version(1)));
    assert_eq!(with(8, &[3, 1]), Err(ImageError::Version(259)));
    // Flags: ASCII only, one of two readers, an index document.
    let unknown = (4..16).map(|bit| 1 << bit);
    for flags in (0..8_u16).chain(unknown) {
        let is_known = matches!(flags & !1, 0 | 2 | 4);
        let expected = if is_known {
            Ok(())
        } else {
            Err(ImageError::Damaged)
        };
        assert_eq!(with(10, &flags.to_le_bytes()), expected, "{flags:#x}");
    }
    assert_eq!(with(10, &[8 | 2 | 4, 0]), Err(ImageError::Damaged));
    // Without an index document its place is zero.
    assert_eq!(with(44, &[1, 0, 0, 0]), Err(ImageError::Damaged));
    assert_eq!(with(12, &number(length - 1)), Err(ImageError::Length));
    assert_eq!(with(12, &number(length + 1)), Err(ImageError::Length));
    // Each half of the checksum counts.
    for at in 16..24 {
        let mut image = image.clone();
        image[at] ^= 0x10;
        assert_eq!(validate(&image), Err(ImageError::Damaged), "byte {at}");
    }
    // Cut within the header, and before it.
    assert_eq!(validate(&image[..8]), Err(ImageError::Length));
    assert_eq!(
        validate(&image[..HEADER_BYTES - 1]),
        Err(ImageError::Length)
    );
    assert_eq!(validate(&image[..7]), Err(ImageError::NotAnImage));
}

/// The length is checked before anything is read, so zeros suffice.
#[test]
fn the_largest_image() {
    for (length, expected) in [
        (MAX_IMAGE_BYTES, ImageError::Damaged),
        (MAX_IMAGE_BYTES + 1, ImageError::Length),
        (MAX_IMAGE_BYTES + 4_096, ImageError::Length),
    ] {
        let mut image = vec![0; length];
        image[..10].copy_from_slice(b"TOLLGATE\x02\0");
        image[12..16].copy_from_slice(&number(length));
        image[16] = 1;
        assert_eq!(validate(&image), Err(expected), "{length}");
    }
}

/// Strings below 255 bytes have one byte for their length, others three.
#[test]
fn strings_of_every_length() {
    for length in [0, 1, 253, 254, 255, 256, 1_000] {
        let mut parts = Parts::new();
        let text = "r".repeat(length);
        let prefix = match u8::try_from(length) {
            Ok(short) if short < 255 => vec![short],
            _ => [&[255], &number(length)[..2]].concat(),
        };
        let offset = parts.push(Section::Strings, &prefix);
        parts.section(Section::Strings).extend(text.as_bytes());
        put_extra(&mut parts, 20, &offset.to_le_bytes());
        let image = Image::from_bytes(parts.image()).unwrap();
        assert_eq!(image.rule_because(RuleId(0)), Some(text.as_str()));
    }
}

#[test]
fn the_flags_and_the_id_are_read() {
    let base = Image::from_bytes(Parts::new().image()).unwrap();
    assert_eq!(base.path_options(), PathOptions::default());
    for (flags, ascii_only, reader) in [
        (1, true, PathReader::Strict),
        (2, false, PathReader::S3),
        (3, true, PathReader::S3),
        (4, false, PathReader::Files),
        (5, true, PathReader::Files),
    ] {
        let mut image = Parts::new().image();
        image[10] = flags;
        image[24..40].copy_from_slice(&[0xA7; 16]);
        let image = Image::from_bytes(sealed(image)).unwrap();
        let expected = PathOptions {
            ascii_only,
            reader,
            index: None,
        };
        assert_eq!(image.path_options(), expected);
        assert_eq!(image.id().to_string(), "a7".repeat(16));
        assert_eq!(format!("{:?}", image.id()), "a7".repeat(16));
    }
}

#[test]
fn the_index_document_is_a_name_that_needs_no_escape() {
    let invalid = Err(ImageError::BadSection(Section::Strings));
    for (name, expected) in [
        ("index.html", Ok(())),
        ("a", Ok(())),
        ("", invalid),
        ("index.", invalid),
        ("..", invalid),
        ("a/b", invalid),
        ("a b", invalid),
        ("a%20b", invalid),
    ] {
        let mut parts = Parts::new();
        let offset = parts.push(Section::Strings, &[name.len() as u8]);
        parts.section(Section::Strings).extend(name.as_bytes());
        parts.header[10] = 8;
        parts.header[44..48].copy_from_slice(&offset.to_le_bytes());
        assert_eq!(parts.validate(), expected, "{name}");
        if expected.is_ok() {
            let image = Image::from_bytes(parts.image()).unwrap();
            assert_eq!(image.path_options().index, Some(name));
        }
    }
    // An offset after the strings is not a name.
    let mut parts = Parts::new();
    parts.header[10] = 8;
    parts.header[44..48].copy_from_slice(&[0xFF; 4]);
    assert_eq!(parts.validate(), invalid);
}

#[test]
fn the_rules_are_told() {
    let image = Image::from_bytes(Parts::new().image()).unwrap();
    assert_eq!(image.rule_count(), 3);
    assert_eq!(image.section_bytes(Section::Rules), 30);
    let names: Vec<String> = (0..3)
        .map(|rule| image.rule_name(RuleId(rule)).unwrap().to_string())
        .collect();
    assert_eq!(names, ["site/everything", "site/open", "site/other"]);
    let because = |rule| image.rule_because(RuleId(rule));
    assert_eq!(because(0), Some("Everything at once."));
    assert_eq!((because(1), because(3)), (None, None));
    let effects = [
        Some(Effect::Allow),
        Some(Effect::Allow),
        Some(Effect::Deny),
        None,
    ];
    for (rule, effect) in (0..).zip(effects) {
        let found = image.rule_effect(RuleId(rule));
        assert_eq!(found, effect.map(|effect| (effect, MethodSet::READ)));
    }
}

#[test]
fn sections_are_contiguous_and_in_order() {
    let place = |section: Section| SECTIONS_AT + 8 * section as usize;
    let image = Parts::new().image();
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
    for section in Section::ALL {
        let refused = Err(ImageError::BadSection(section));
        let (at, start, length) = (
            place(section),
            word(place(section)),
            word(place(section) + 4),
        );
        assert_eq!(
            with(at, &number(start + 1)),
            refused,
            "{section:?} starts late"
        );
        assert_eq!(
            with(at, &number(start - 1)),
            refused,
            "{section:?} starts early"
        );
        assert_eq!(
            with(at + 4, &[0xFF; 4]),
            refused,
            "{section:?} ends after the image"
        );
        if section.record_bytes() > 1 {
            let odd = number(length + 1);
            assert_eq!(
                with(at + 4, &odd),
                refused,
                "{section:?} has a part of a record"
            );
        }
    }
    // The last one ends where the image does.
    let gate = place(Section::Gate) + 4;
    let shorter = number(word(gate) - 1);
    assert_eq!(with(gate, &shorter), Err(ImageError::Length));
    let longer = number(word(gate) + 1);
    let refused = Err(ImageError::BadSection(Section::Gate));
    assert_eq!(with(gate, &longer), refused);
    let mut more = image.clone();
    more.push(0);
    more[12..16].copy_from_slice(&number(image.len() + 1));
    assert_eq!(validate(&sealed(more)), Err(ImageError::Length));
}

/// A longer probe than any child needs is valid, as long as the table has room for it after the homes.
#[test]
fn the_longest_probe_is_limited() {
    let refused = Err(ImageError::BadSection(Section::Slots));
    let mut none = Parts::new();
    none.header[40..44].copy_from_slice(&[0xFF; 4]);
    assert_eq!(none.validate(), refused);
    let slots = Parts::new().count(Section::Slots);
    let probe = u32::from_le_bytes(Parts::new().header[40..44].try_into().unwrap());
    for (longest, expected) in [(MAX_PROBE, Ok(())), (MAX_PROBE + 1, refused)] {
        let mut parts = Parts::new();
        // As many homes as before.
        let more = (longest - probe) as usize;
        parts.section(Section::Slots).extend(vec![0; 4 * more]);
        assert_eq!(parts.count(Section::Slots) - longest, slots - probe);
        parts.header[40..44].copy_from_slice(&longest.to_le_bytes());
        assert_eq!(parts.validate(), expected, "{longest}");
    }
}

#[test]
fn every_fault_has_a_code_and_words() {
    let all = [
        (ImageError::NotAnImage, "not_an_image", "not a policy image"),
        (
            ImageError::Version(9),
            "image_version",
            "format version 9; this program reads versions 2 to 3",
        ),
        (ImageError::Length, "image_length", "truncated"),
        (ImageError::Damaged, "image_damaged", "checksum"),
        (
            ImageError::BadSection(Section::Rules),
            "image_section",
            "malformed in `Rules`",
        ),
    ];
    for (error, code, words) in all {
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(words), "{error}");
    }
}
