//! Helpers for the cases of malformed records.

use tollgate_core::ImageError;
use tollgate_core::image::format::Section;

use super::parts::Parts;

/// The rule with all parts, one without a condition, and one with `unless`, in the order of their names.
pub(crate) const EVERYTHING: u32 = 0;
pub(crate) const OPEN: u32 = 1;
pub(crate) const OTHER: u32 = 2;

/// Offsets of fields in records.
pub(crate) const GROUPS: usize = 7;
pub(crate) const EXTRA: usize = 4;

/// A change of the base image: its description, the change, and whether the image stays valid.
pub(crate) struct Case(&'static str, fn(&mut Parts), bool);

pub(crate) fn valid(what: &'static str, change: fn(&mut Parts)) -> Case {
    Case(what, change, true)
}

pub(crate) fn invalid(what: &'static str, spoil: fn(&mut Parts)) -> Case {
    Case(what, spoil, false)
}

/// Checks all cases; an invalid image must be rejected because of this section.
pub(crate) fn each(section: Section, cases: &[Case]) {
    for Case(what, spoil, is_valid) in cases {
        let mut parts = Parts::new();
        spoil(&mut parts);
        let expected = is_valid
            .then_some(())
            .ok_or(ImageError::BadSection(section));
        assert_eq!(parts.validate(), expected, "{section:?}: {what}");
    }
}

/// An offset after all strings.
pub(crate) fn nowhere(parts: &Parts) -> [u8; 4] {
    parts.count(Section::Strings).to_le_bytes()
}

pub(crate) fn not_text(parts: &mut Parts) -> [u8; 4] {
    parts.string(&[0xFF]).to_le_bytes()
}

/// The last record of a section, or the one `beyond` it.
pub(crate) fn last(parts: &Parts, section: Section, beyond: u32) -> [u8; 4] {
    (parts.count(section) - 1 + beyond).to_le_bytes()
}

pub(crate) fn shape(parts: &Parts, rule: u32) -> u32 {
    let [a, b, c] = parts.get(Section::Rules, rule, 4);
    u32::from_le_bytes([a, b, c, 0])
}

/// Writes into the parts of a rule that it shares with others.
pub(crate) fn put_shape(parts: &mut Parts, rule: u32, at: usize, bytes: &[u8]) {
    let shape = shape(parts, rule);
    parts.put(Section::Shapes, shape, at, bytes);
}

/// Writes into the rarely used parts of the first rule.
pub(crate) fn put_extra(parts: &mut Parts, at: usize, bytes: &[u8]) {
    let shape = shape(parts, EVERYTHING);
    let extra = u32::from_le_bytes(parts.get(Section::Shapes, shape, EXTRA));
    parts.put(Section::Extras, extra, at, bytes);
}

pub(crate) fn put_set(parts: &mut Parts, at: usize, members: &[u32]) {
    let set = parts.set(members).to_le_bytes();
    put_extra(parts, at, &set);
}

pub(crate) fn stars(parts: &mut Parts, count: usize) -> [u8; 4] {
    parts.string("*a".repeat(count).as_bytes()).to_le_bytes()
}
