//! Checking the records of an image once, so that everything read from it later exists and has the right kind.
//!
//! Not here: the header (`layout`), and whether the policy makes sense.

use super::budget::Budget;
use super::error::ImageError;
use super::extra::Extra;
use super::format::{EndKind, FROM_END, MAX_PROBE, MAX_STARS, NONE, Section, TailKind, flag};
use super::program;
use super::read::View;
use crate::glob::STAR;
use crate::path::{MAX_SEGMENTS, is_index_name};

/// Checks every record of every section.
pub(super) fn contents(view: &View<'_>, image_bytes: usize) -> Result<(), ImageError> {
    let is_index = |at: u32| view.string(at).is_some_and(is_index_name);
    if !view.index().is_none_or(is_index) {
        return Err(ImageError::BadSection(Section::Strings));
    }
    let mut budget = Budget::new(image_bytes);
    let mut check = |section: Section, ok: fn(&View<'_>, u32, &mut Budget) -> Option<()>| {
        let count = u32::try_from(view.count(section)).map_err(|_| ImageError::Length)?;
        (0..count)
            .try_for_each(|index| ok(view, index, &mut budget))
            .ok_or(ImageError::BadSection(section))
    };
    check(Section::Texts, |view, index, _| {
        core::str::from_utf8(view.text_bytes(index)?).ok().map(drop)
    })?;
    check(Section::Claims, |view, index, _| {
        view.claim(u16::try_from(index).ok()?).map(drop)
    })?;
    check(Section::Literals, |view, index, _| literal(view, index))?;
    check(Section::Templates, |view, index, _| {
        let number = view.literal_names().checked_add(index)?;
        view.name(number).map(drop)
    })?;
    check(Section::Networks, |view, index, _| network(view, index))?;
    check(Section::Captures, |view, index, _| {
        let place = view.capture_place(index)?;
        holds(usize::from(place & !FROM_END) < MAX_SEGMENTS)
    })?;
    check(Section::Tails, |view, index, _| {
        let tail = view.tail(index)?;
        holds(tail.kind != TailKind::Glob || few_stars(tail.text))
    })?;
    check(Section::Ends, |view, index, _| end(view, index))?;
    check(Section::Extras, extra)?;
    check(Section::Rules, rule)?;
    check(Section::Candidates, |view, index, _| candidate(view, index))?;
    check(Section::Globs, |view, index, _| {
        let (text, child) = view.glob(index)?;
        view.node(child)?;
        holds(few_stars(text))
    })?;
    check(Section::Nodes, node)?;
    slots(view).ok_or(ImageError::BadSection(Section::Slots))
}

fn holds(condition: bool) -> Option<()> {
    condition.then_some(())
}

fn few_stars(text: &[u8]) -> bool {
    text.iter().filter(|byte| **byte == STAR).count() <= MAX_STARS
}

fn literal(view: &View<'_>, index: u32) -> Option<()> {
    let name = view.name(index)?.prefix;
    match index.checked_sub(1) {
        Some(before) => holds(view.name(before)?.prefix < name),
        None => Some(()),
    }
}

fn network(view: &View<'_>, index: u32) -> Option<()> {
    let net = view.network(index)?;
    holds(net.prefix <= if net.addr.is_ipv4() { 32 } else { 128 })
}

fn end(view: &View<'_>, index: u32) -> Option<()> {
    let end = view.end(index)?;
    let has_tail = matches!(
        end.kind,
        EndKind::TailExact | EndKind::TailSlash | EndKind::TailBelow
    );
    holds(has_tail == (end.tail_count > 0) && usize::from(end.tail_count) <= MAX_SEGMENTS)?;
    for at in 0..u32::from(end.tail_count) {
        let kind = view.tail(end.tail.checked_add(at)?)?.kind;
        holds(at > 0 || kind == TailKind::Rest)?;
    }
    holds(usize::from(end.capture_count) <= MAX_SEGMENTS)?;
    (0..u32::from(end.capture_count))
        .try_for_each(|at| view.capture_place(end.captures.checked_add(at)?).map(drop))
}

fn names_exist(view: &View<'_>, set: u32, captures: u16, budget: &mut Budget) -> Option<()> {
    if set == NONE {
        return Some(());
    }
    view.names(set)?.try_for_each(|member| {
        budget.spend(1)?;
        holds(
            view.name(member)?
                .capture
                .is_none_or(|capture| capture < captures),
        )
    })
}

fn extra(view: &View<'_>, index: u32, budget: &mut Budget) -> Option<()> {
    let Extra {
        networks,
        issuers,
        because,
        // They depend on the captures of the rule and are checked with it.
        scopes: _,
        subjects: _,
        when: _,
        unless: _,
        // Every number is a time.
        from: _,
        until: _,
    } = view.extra(index)?;
    if networks != NONE {
        budget.spend(view.set_members(networks)?.len())?;
        view.set(networks)
            .try_for_each(|member| view.network(member).map(drop))?;
    }
    if issuers != NONE {
        budget.spend(view.set_members(issuers)?.len())?;
        view.set(issuers)
            .try_for_each(|member| view.text_bytes(member).map(drop))?;
    }
    holds(because == NONE || view.string(because).is_some())
}

fn rule(view: &View<'_>, index: u32, budget: &mut Budget) -> Option<()> {
    let rule = view.rule(index)?;
    let (course, id) = (view.string(rule.course)?, view.string(rule.id)?);
    holds(rule.flags & !flag::ALL == 0 && !rule.methods.is_empty())?;
    names_exist(view, rule.groups, rule.capture_count, budget)?;
    if rule.extra != NONE {
        let extra = view.extra(rule.extra)?;
        names_exist(view, extra.scopes, rule.capture_count, budget)?;
        names_exist(view, extra.subjects, rule.capture_count, budget)?;
        for program in [extra.when, extra.unless] {
            if program != NONE {
                program::check(view, view.program(program)?, rule.capture_count, budget)?;
            }
        }
    }
    // Rules are sorted by name, so that "the first that matches" does not depend on files.
    if let Some(before) = index.checked_sub(1) {
        let before = view.rule(before)?;
        holds((view.string(before.course)?, view.string(before.id)?) < (course, id))?;
    }
    Some(())
}

fn candidate(view: &View<'_>, index: u32) -> Option<()> {
    let (rule, end) = view.candidate(index)?;
    enough_captures(view, rule, end)
}

fn enough_captures(view: &View<'_>, rule: u32, end: u32) -> Option<()> {
    holds(view.rule(rule)?.capture_count <= view.end(end)?.capture_count)
}

/// Children have larger numbers than their parents, so that every walk ends.
fn node(view: &View<'_>, index: u32, budget: &mut Budget) -> Option<()> {
    view.label(index)?;
    let node = view.node(index)?;
    if let Some((rule, end)) = node.only {
        return enough_captures(view, rule, end);
    }
    holds(
        node.capture_child == NONE
            || (node.capture_child > index && view.node(node.capture_child).is_some()),
    )?;
    let candidates = view.count(Section::Candidates) as u64;
    holds(u64::from(node.candidates) + u64::from(node.candidate_count) <= candidates)?;
    budget.spend(usize::from(node.glob_count))?;
    (0..u32::from(node.glob_count))
        .try_for_each(|at| holds(view.glob(node.globs.checked_add(at)?)?.1 > index))?;
    let nodes = view.count(Section::Nodes) as u64;
    let end = u64::from(node.first_child) + u64::from(node.child_count);
    holds(node.child_count == 0 || (node.first_child > index && end <= nodes))
}

/// Every literal child is found by its lookup, and every other slot is empty.
fn slots(view: &View<'_>) -> Option<()> {
    let nodes = u32::try_from(view.count(Section::Nodes)).ok()?;
    view.node(0)?;
    holds(view.max_probe() <= MAX_PROBE)?;
    // An empty table has no home slots, and none after them.
    holds(view.homes()? > 0 || view.max_probe() == 0)?;
    let mut children = 0_u64;
    for index in 0..nodes {
        let node = view.node(index)?;
        children += u64::from(node.child_count);
        // Ranges that overlap could make this loop long; more children than nodes means that they do.
        holds(children < u64::from(nodes))?;
        for at in 0..node.child_count {
            let child = node.first_child.checked_add(at)?;
            holds(view.literal_child(index, &node, view.label(child)?) == Some(child))?;
        }
    }
    let (slots, _) = view.bytes(Section::Slots).as_chunks::<4>();
    let used = slots.iter().filter(|slot| **slot != [0; 4]).count();
    holds(used as u64 == children)
}
