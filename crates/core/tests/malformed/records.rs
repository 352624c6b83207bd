//! Texts, claims, names, networks, and the ends of patterns.

use tollgate_core::image::format::{FROM_END, MAX_STARS, Section, TailKind};
use tollgate_core::path::MAX_SEGMENTS;

use super::kit::*;
use super::parts::Parts;

#[test]
fn texts_and_claims() {
    each(
        Section::Texts,
        &[
            invalid("a string that does not exist", |parts| {
                let offset = nowhere(parts);
                parts.put(Section::Texts, 0, 0, &offset);
            }),
            invalid("bytes that are not text", |parts| {
                let offset = not_text(parts);
                parts.put(Section::Texts, 0, 0, &offset);
            }),
            valid("another text", |parts| {
                let offset = parts.string("é".as_bytes()).to_le_bytes();
                parts.put(Section::Texts, 0, 0, &offset);
            }),
            invalid("a string that ends after the section", |parts| {
                let offset = parts.push(Section::Strings, &[2, b'a']).to_le_bytes();
                parts.put(Section::Texts, 0, 0, &offset);
            }),
            invalid("a long string that ends after the section", |parts| {
                let offset = parts
                    .push(Section::Strings, &[255, 2, 0, b'a'])
                    .to_le_bytes();
                parts.put(Section::Texts, 0, 0, &offset);
            }),
        ],
    );
    each(
        Section::Claims,
        &[
            invalid("a type that is none", |parts| {
                parts.put(Section::Claims, 0, 4, &[4])
            }),
            invalid("a name that is not text", |parts| {
                let offset = not_text(parts);
                parts.put(Section::Claims, 0, 0, &offset);
            }),
        ],
    );
}

#[test]
fn names_and_networks() {
    each(
        Section::Literals,
        &[
            invalid("a name that does not exist", |parts| {
                let offset = nowhere(parts);
                parts.put(Section::Literals, 0, 0, &offset);
            }),
            invalid("the same name twice", |parts| {
                let first = parts.get::<4>(Section::Literals, 0, 0);
                parts.put(Section::Literals, 1, 0, &first);
            }),
            invalid("out of order", |parts| {
                let (a, b) = (
                    parts.get::<4>(Section::Literals, 0, 0),
                    parts.get::<4>(Section::Literals, 1, 0),
                );
                parts.put(Section::Literals, 0, 0, &b);
                parts.put(Section::Literals, 1, 0, &a);
            }),
        ],
    );
    each(
        Section::Templates,
        &[
            valid("all of it before the capture", |parts| {
                parts.put(Section::Templates, 0, 4, &[7, 0])
            }),
            invalid("more than all of it", |parts| {
                parts.put(Section::Templates, 0, 4, &[8, 0])
            }),
            invalid("a string that does not exist", |parts| {
                let offset = nowhere(parts);
                parts.put(Section::Templates, 0, 0, &offset);
            }),
        ],
    );
    each(
        Section::Networks,
        &[
            valid("one address of IPv4", |parts| {
                let network = parts.find(Section::Networks, 17, 4);
                parts.put(Section::Networks, network, 16, &[32]);
            }),
            invalid("less than one", |parts| {
                let network = parts.find(Section::Networks, 17, 4);
                parts.put(Section::Networks, network, 16, &[33]);
            }),
            valid("one address of IPv6", |parts| {
                let network = parts.find(Section::Networks, 17, 6);
                parts.put(Section::Networks, network, 16, &[128]);
            }),
            invalid("less than one", |parts| {
                let network = parts.find(Section::Networks, 17, 6);
                parts.put(Section::Networks, network, 16, &[129]);
            }),
            invalid("another family", |parts| {
                parts.put(Section::Networks, 0, 17, &[5])
            }),
        ],
    );
}

#[test]
fn ends_of_patterns() {
    const MOST: u16 = MAX_SEGMENTS as u16;
    each(
        Section::Captures,
        &[
            valid("the last place", |parts| {
                parts.put(Section::Captures, 0, 0, &(MOST - 1).to_le_bytes())
            }),
            invalid("after it", |parts| {
                parts.put(Section::Captures, 0, 0, &MOST.to_le_bytes())
            }),
            valid("the last from the end", |parts| {
                parts.put(
                    Section::Captures,
                    0,
                    0,
                    &(FROM_END | (MOST - 1)).to_le_bytes(),
                );
            }),
            invalid("before it", |parts| {
                parts.put(Section::Captures, 0, 0, &(FROM_END | MOST).to_le_bytes());
            }),
        ],
    );
    each(
        Section::Tails,
        &[
            invalid("a kind that is none", |parts| {
                parts.put(Section::Tails, 0, 4, &[4])
            }),
            invalid("a text that does not exist", |parts| {
                let offset = nowhere(parts);
                parts.put(Section::Tails, 0, 0, &offset);
            }),
            valid("many stars", |parts| {
                let (text, tail) = (
                    stars(parts, MAX_STARS),
                    parts.find(Section::Tails, 4, TailKind::Glob as u8),
                );
                parts.put(Section::Tails, tail, 0, &text);
            }),
            invalid("too many stars", |parts| {
                let (text, tail) = (
                    stars(parts, MAX_STARS + 1),
                    parts.find(Section::Tails, 4, TailKind::Glob as u8),
                );
                parts.put(Section::Tails, tail, 0, &text);
            }),
            valid("stars that are none", |parts| {
                let (text, tail) = (
                    stars(parts, MAX_STARS + 1),
                    parts.find(Section::Tails, 4, TailKind::Rest as u8),
                );
                parts.put(Section::Tails, tail, 0, &text);
            }),
        ],
    );
    each(
        Section::Ends,
        &[
            invalid("a kind that is none", |parts| {
                parts.put(Section::Ends, 0, 12, &[6])
            }),
            invalid("a tail where none is", |parts| {
                let end = parts.find(Section::Ends, 8, 0);
                parts.put(Section::Ends, end, 8, &[1]);
            }),
            invalid("no tail where one is", |parts| {
                let end = tailed(parts);
                parts.put(Section::Ends, end, 8, &[0]);
            }),
            invalid("a tail that does not start with `**`", |parts| {
                let end = tailed(parts);
                let tail = u32::from_le_bytes(parts.get(Section::Ends, end, 0));
                parts.put(Section::Tails, tail, 4, &[TailKind::Capture as u8]);
            }),
            valid("a tail that goes on with `**`", |parts| long_tail(parts, 2)),
            valid("a tail as long as a path", |parts| long_tail(parts, MOST)),
            invalid("a longer one", |parts| long_tail(parts, MOST + 1)),
            invalid("a tail that does not exist", |parts| {
                let (end, tail) = (tailed(parts), last(parts, Section::Tails, 1));
                parts.put(Section::Ends, end, 0, &tail);
            }),
            valid("as many captures as segments", |parts| {
                captures(parts, MOST, 0)
            }),
            invalid("more", |parts| captures(parts, MOST + 1, 0)),
            invalid("a capture that does not exist", |parts| {
                captures(parts, 2, 1)
            }),
        ],
    );
}

fn tailed(parts: &Parts) -> u32 {
    let ends = parts.count(Section::Ends);
    (0..ends)
        .find(|end| parts.get(Section::Ends, *end, 8) != [0])
        .unwrap()
}

/// Another tail, of `**` only.
fn long_tail(parts: &mut Parts, length: u16) {
    let rest = [0, 0, 0, 0, TailKind::Rest as u8, 0, 0, 0];
    let (end, tail) = (tailed(parts), parts.count(Section::Tails));
    parts.push(Section::Tails, &rest.repeat(length.into()));
    parts.put(Section::Ends, end, 0, &tail.to_le_bytes());
    parts.put(Section::Ends, end, 8, &length.to_le_bytes());
}

/// Another list of captures, of which so many are missing.
fn captures(parts: &mut Parts, count: u16, missing: u16) {
    let first = parts.count(Section::Captures);
    parts.push(Section::Captures, &[0, 0].repeat((count - missing).into()));
    parts.put(Section::Ends, 0, 4, &first.to_le_bytes());
    parts.put(Section::Ends, 0, 10, &count.to_le_bytes());
}
