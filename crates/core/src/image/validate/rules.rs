//! Checking the rules, in the order of their records.
//!
//! Most rules share the shape and the course of a rule shortly before them, which are then not checked again: what
//! is checked depends on nothing else. Not here: the records that rules refer to and that were checked before them.

use super::super::budget::Budget;
use super::super::format::{NONE, NONE_24, Section, flag};
use super::super::program;
use super::super::read::{Members, View, split_rule};
use super::holds;

/// The number of shapes that are remembered: the rules of one course have different shapes, and the next course has
/// the same ones.
const REMEMBERED: usize = 16;

/// The parts of a checked shape that its rules need.
#[derive(Clone, Copy)]
struct Shape<'a> {
    number: u32,
    id: &'a [u8],
    capture_count: u16,
    /// The budget that the check took. It counts for every rule, as if each was checked anew.
    cost: u64,
}

pub(super) fn check(view: &View<'_>, budget: &mut Budget) -> Option<()> {
    let mut shapes: [Option<Shape<'_>>; REMEMBERED] = [None; REMEMBERED];
    let mut course: Option<(u32, &[u8])> = None;
    let mut before: Option<(&[u8], &[u8])> = None;
    for record in view.records::<10>(Section::Rules) {
        let (offset, number, groups) = split_rule(record);
        let name = match course {
            Some((known, name)) if known == offset => name,
            _ => text(view, offset)?,
        };
        course = Some((offset, name));
        let place = shapes.get_mut(number as usize % REMEMBERED)?;
        let shape = match place {
            Some(known) if known.number == number => {
                budget.spend_again(known.cost)?;
                *known
            }
            _ => *place.insert(shape(view, number, budget)?),
        };
        if groups != NONE_24 {
            names_exist(view, groups, shape.capture_count, budget)?;
        }
        // Rules are sorted by name, so that "the first that matches" does not depend on files.
        let this = (name, shape.id);
        holds(before.is_none_or(|before| before < this))?;
        before = Some(this);
    }
    Some(())
}

/// The bytes of a string that is UTF-8. Names are short and mostly ASCII, which is checked much faster.
fn text<'a>(view: &View<'a>, offset: u32) -> Option<&'a [u8]> {
    let bytes = view.string_bytes(offset)?;
    holds(bytes.is_ascii() || core::str::from_utf8(bytes).is_ok())?;
    Some(bytes)
}

fn shape<'a>(view: &View<'a>, number: u32, budget: &mut Budget) -> Option<Shape<'a>> {
    let left = budget.left();
    let shape = view.shape(number)?;
    let id = text(view, shape.id)?;
    holds(shape.flags & !flag::ALL == 0 && !shape.methods.is_empty())?;
    if shape.extra != NONE {
        let extra = view.extra(shape.extra)?;
        for names in [extra.scopes, extra.subjects] {
            if names != NONE {
                names_exist(view, names, shape.capture_count, budget)?;
            }
        }
        for program in [extra.when, extra.unless] {
            if program != NONE {
                program::check(view, view.program(program)?, shape.capture_count, budget)?;
            }
        }
    }
    Some(Shape {
        number,
        id,
        capture_count: shape.capture_count,
        cost: left - budget.left(),
    })
}

fn names_exist(view: &View<'_>, set: u32, captures: u16, budget: &mut Budget) -> Option<()> {
    let mut exists = |member: u32| {
        budget.spend(1)?;
        // By far the most frequent names. They were checked before, and have no captures.
        if member < view.literal_names() {
            return Some(());
        }
        let capture = view.name(member)?.capture;
        holds(capture.is_none_or(|capture| capture < captures))
    };
    match view.names(set)? {
        Members::One(member) => exists(member),
        Members::Many(members) => members
            .iter()
            .try_for_each(|member| exists(u32::from_le_bytes(*member))),
    }
}
