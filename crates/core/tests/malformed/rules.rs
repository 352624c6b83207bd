//! Rules, and what only some of them have.

use tollgate_core::image::format::{NONE, ONE_NAME, Section};

use super::kit::*;
use super::parts::Parts;

/// How many names there are, templates included.
fn names(parts: &Parts) -> u32 {
    parts.count(Section::Literals) + parts.count(Section::Templates)
}

#[test]
fn rarely_used_parts() {
    each(
        Section::Extras,
        &[
            good("no networks", |parts| {
                put_extra(parts, 8, &NONE.to_le_bytes())
            }),
            bad("a set that is not there", |parts| {
                let sets = last(parts, Section::Sets, 1);
                put_extra(parts, 8, &sets);
            }),
            bad("a set that ends behind the section", |parts| {
                let set = parts.push(Section::Sets, &[1, 0, 0, 0]).to_le_bytes();
                put_extra(parts, 8, &set);
            }),
            good("the last network", |parts| {
                let last = u32::from_le_bytes(last(parts, Section::Networks, 0));
                put_set(parts, 8, &[last]);
            }),
            bad("one behind it", |parts| {
                let behind = parts.count(Section::Networks);
                put_set(parts, 8, &[0, behind]);
            }),
            good("no reason", |parts| {
                put_extra(parts, 20, &NONE.to_le_bytes())
            }),
            bad("a reason that is not there", |parts| {
                let offset = nowhere(parts);
                put_extra(parts, 20, &offset);
            }),
            bad("a reason that is no text", |parts| {
                let offset = not_text(parts);
                put_extra(parts, 20, &offset);
            }),
        ],
    );
}

#[test]
fn rules() {
    each(
        Section::Rules,
        &[
            bad("a course that is no text", |parts| {
                let offset = not_text(parts);
                parts.put(Section::Rules, EVERYTHING, 0, &offset);
            }),
            bad("an id that is no text", |parts| {
                let offset = not_text(parts);
                put_shape(parts, OPEN, 0, &offset);
            }),
            bad("a shape that is not there", |parts| {
                let [a, b, c, _] = last(parts, Section::Shapes, 1);
                parts.put(Section::Rules, OPEN, 4, &[a, b, c]);
            }),
            good("all flags", |parts| put_shape(parts, OPEN, 8, &[3, 0])),
            bad("a flag that is none", |parts| {
                put_shape(parts, OPEN, 8, &[5, 0])
            }),
            bad("a high flag", |parts| put_shape(parts, OPEN, 8, &[1, 0x80])),
            good("the other effect", |parts| put_shape(parts, OPEN, 12, &[1])),
            bad("no effect", |parts| put_shape(parts, OPEN, 12, &[2])),
            bad("no methods", |parts| put_shape(parts, OPEN, 13, &[0])),
            bad("a method that is none", |parts| {
                put_shape(parts, OPEN, 13, &[0x80])
            }),
            good("all methods", |parts| put_shape(parts, OPEN, 13, &[0x7F])),
            bad("parts that are not there", |parts| {
                let behind = last(parts, Section::Extras, 1);
                put_shape(parts, OPEN, EXTRA, &behind);
            }),
            bad("the same name twice", |parts| {
                let shape = shape(parts, EVERYTHING);
                let id = parts.get::<4>(Section::Shapes, shape, 0);
                put_shape(parts, OPEN, 0, &id);
            }),
            bad("out of order", |parts| {
                let offset = parts.string(b"a").to_le_bytes();
                put_shape(parts, OTHER, 0, &offset);
            }),
            good("the last rule of another course", |parts| {
                let offset = parts.string(b"z").to_le_bytes();
                parts.put(Section::Rules, OTHER, 0, &offset);
            }),
            bad("a condition that is not there", |parts| {
                let behind = last(parts, Section::Programs, 1);
                put_extra(parts, 12, &behind);
            }),
            bad("an exception that is not there", |parts| {
                let behind = last(parts, Section::Programs, 1);
                put_extra(parts, 16, &behind);
            }),
            bad("a condition that ends behind the code", |parts| {
                let words = parts.count(Section::Code);
                parts.put(Section::Programs, 0, 0, &(words - 1).to_le_bytes());
            }),
        ],
    );
}

#[test]
fn names_of_rules() {
    fn groups(parts: &mut Parts, set: u32) {
        let [a, b, c, _] = set.to_le_bytes();
        parts.put(Section::Rules, EVERYTHING, GROUPS, &[a, b, c]);
    }
    each(
        Section::Rules,
        &[
            good("nobody in particular", |parts| groups(parts, (1 << 24) - 1)),
            bad("a set that is not there", |parts| {
                let behind = parts.count(Section::Sets);
                groups(parts, behind);
            }),
            good("the last name", |parts| {
                let last = names(parts) - 1;
                let set = parts.set(&[last]);
                groups(parts, set);
            }),
            bad("a name behind it", |parts| {
                let behind = names(parts);
                let set = parts.set(&[0, behind]);
                groups(parts, set);
            }),
            good("the last name alone", |parts| {
                let last = names(parts) - 1;
                groups(parts, ONE_NAME | last);
            }),
            bad("a name behind it alone", |parts| {
                let behind = names(parts);
                groups(parts, ONE_NAME | behind);
            }),
            bad("a scope that is not there", |parts| {
                let behind = names(parts);
                put_set(parts, 0, &[behind]);
            }),
            bad("a subject that is not there", |parts| {
                let behind = names(parts);
                put_set(parts, 4, &[behind]);
            }),
            bad("a capture that the rule does not have", |parts| {
                for template in 0..parts.count(Section::Templates) {
                    parts.put(Section::Templates, template, 6, &[1, 0]);
                }
            }),
        ],
    );
}
