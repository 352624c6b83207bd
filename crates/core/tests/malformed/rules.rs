//! Rules, and what only some of them have.

use tollgate_core::image::format::{NONE, ONE_NAME, Section};

use super::kit::*;
use super::parts::Parts;

/// The number of names, templates included.
fn names(parts: &Parts) -> u32 {
    parts.count(Section::Literals) + parts.count(Section::Templates)
}

#[test]
fn rarely_used_parts() {
    each(
        Section::Extras,
        &[
            valid("no networks", |parts| {
                put_extra(parts, 8, &NONE.to_le_bytes())
            }),
            invalid("a set that does not exist", |parts| {
                let sets = last(parts, Section::Sets, 1);
                put_extra(parts, 8, &sets);
            }),
            invalid("a set that ends after the section", |parts| {
                let set = parts.push(Section::Sets, &[1, 0, 0, 0]).to_le_bytes();
                put_extra(parts, 8, &set);
            }),
            valid("the last network", |parts| {
                let last = u32::from_le_bytes(last(parts, Section::Networks, 0));
                put_set(parts, 8, &[last]);
            }),
            invalid("one after it", |parts| {
                let beyond = parts.count(Section::Networks);
                put_set(parts, 8, &[0, beyond]);
            }),
            valid("no reason", |parts| {
                put_extra(parts, 20, &NONE.to_le_bytes())
            }),
            invalid("a reason that does not exist", |parts| {
                let offset = nowhere(parts);
                put_extra(parts, 20, &offset);
            }),
            invalid("a reason that is not text", |parts| {
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
            invalid("a course that is not text", |parts| {
                let offset = not_text(parts);
                parts.put(Section::Rules, EVERYTHING, 0, &offset);
            }),
            invalid("an id that is not text", |parts| {
                let offset = not_text(parts);
                put_shape(parts, OPEN, 0, &offset);
            }),
            invalid("a shape that does not exist", |parts| {
                let [a, b, c, _] = last(parts, Section::Shapes, 1);
                parts.put(Section::Rules, OPEN, 4, &[a, b, c]);
            }),
            valid("all flags", |parts| put_shape(parts, OPEN, 8, &[3, 0])),
            invalid("a flag that is none", |parts| {
                put_shape(parts, OPEN, 8, &[5, 0])
            }),
            invalid("a high flag", |parts| put_shape(parts, OPEN, 8, &[1, 0x80])),
            valid("the other effect", |parts| put_shape(parts, OPEN, 12, &[1])),
            invalid("no effect", |parts| put_shape(parts, OPEN, 12, &[2])),
            invalid("no methods", |parts| put_shape(parts, OPEN, 13, &[0])),
            invalid("a method that is none", |parts| {
                put_shape(parts, OPEN, 13, &[0x80])
            }),
            valid("all methods", |parts| put_shape(parts, OPEN, 13, &[0x7F])),
            invalid("parts that do not exist", |parts| {
                let beyond = last(parts, Section::Extras, 1);
                put_shape(parts, OPEN, EXTRA, &beyond);
            }),
            invalid("the same name twice", |parts| {
                let shape = shape(parts, EVERYTHING);
                let id = parts.get::<4>(Section::Shapes, shape, 0);
                put_shape(parts, OPEN, 0, &id);
            }),
            invalid("out of order", |parts| {
                let offset = parts.string(b"a").to_le_bytes();
                put_shape(parts, OTHER, 0, &offset);
            }),
            valid("the last rule of another course", |parts| {
                let offset = parts.string(b"z").to_le_bytes();
                parts.put(Section::Rules, OTHER, 0, &offset);
            }),
            invalid("a condition that does not exist", |parts| {
                let beyond = last(parts, Section::Programs, 1);
                put_extra(parts, 12, &beyond);
            }),
            invalid("an exception that does not exist", |parts| {
                let beyond = last(parts, Section::Programs, 1);
                put_extra(parts, 16, &beyond);
            }),
            invalid("a condition that ends after the code", |parts| {
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
            valid("nobody in particular", |parts| groups(parts, (1 << 24) - 1)),
            invalid("a set that does not exist", |parts| {
                let beyond = parts.count(Section::Sets);
                groups(parts, beyond);
            }),
            valid("the last name", |parts| {
                let last = names(parts) - 1;
                let set = parts.set(&[last]);
                groups(parts, set);
            }),
            invalid("a name after it", |parts| {
                let beyond = names(parts);
                let set = parts.set(&[0, beyond]);
                groups(parts, set);
            }),
            valid("only the last name", |parts| {
                let last = names(parts) - 1;
                groups(parts, ONE_NAME | last);
            }),
            invalid("only a name after it", |parts| {
                let beyond = names(parts);
                groups(parts, ONE_NAME | beyond);
            }),
            invalid("a scope that does not exist", |parts| {
                let beyond = names(parts);
                put_set(parts, 0, &[beyond]);
            }),
            invalid("a subject that does not exist", |parts| {
                let beyond = names(parts);
                put_set(parts, 4, &[beyond]);
            }),
            invalid("a capture that the rule does not have", |parts| {
                for template in 0..parts.count(Section::Templates) {
                    parts.put(Section::Templates, template, 6, &[1, 0]);
                }
            }),
        ],
    );
}
