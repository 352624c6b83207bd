//! Checking the records of an image once, so that everything read from it later exists and has the right kind.
//!
//! Large sections are read in order, each record once: what a record shares with the one before it is compared, not
//! read again. A check relies only on sections that were checked before it, in the order of [`contents`]. Not here:
//! the header (`layout`), and whether the policy makes sense.

mod rules;

use super::budget::Budget;
use super::error::ImageError;
use super::extra::Extra;
use super::format::{
    EndKind, FROM_END, MAX_PROBE, MAX_STARS, NONE, Section, TailKind, WIDE, slot_of,
};
use super::read::{Node, View};
use crate::glob::STAR;
use crate::path::{MAX_SEGMENTS, is_index_name};

/// Checks every record of every section.
pub(super) fn contents(view: &View<'_>, image_bytes: usize) -> Result<(), ImageError> {
    let is_index = |at: u32| view.string(at).is_some_and(is_index_name);
    if !view.index().is_none_or(is_index) {
        return Err(ImageError::BadSection(Section::Strings));
    }
    let mut budget = Budget::new(image_bytes);
    let budget = &mut budget;
    each(view, budget, Section::Texts, |view, index, _| {
        core::str::from_utf8(view.text_bytes(index)?).ok().map(drop)
    })?;
    each(view, budget, Section::Claims, |view, index, _| {
        view.claim(u16::try_from(index).ok()?).map(drop)
    })?;
    whole(Section::Literals, literals(view))?;
    each(view, budget, Section::Templates, |view, index, _| {
        let number = view.literal_names().checked_add(index)?;
        view.name(number).map(drop)
    })?;
    each(view, budget, Section::Networks, |view, index, _| {
        network(view, index)
    })?;
    each(view, budget, Section::Captures, |view, index, _| {
        let place = view.capture_place(index)?;
        holds(usize::from(place & !FROM_END) < MAX_SEGMENTS)
    })?;
    each(view, budget, Section::Tails, |view, index, _| {
        let tail = view.tail(index)?;
        holds(tail.kind != TailKind::Glob || few_stars(tail.text))
    })?;
    each(view, budget, Section::Ends, |view, index, _| {
        end(view, index)
    })?;
    each(view, budget, Section::Extras, extra)?;
    whole(Section::Rules, rules::check(view, budget))?;
    each(view, budget, Section::Candidates, |view, index, _| {
        candidate(view, index)
    })?;
    each(view, budget, Section::Globs, |view, index, _| {
        let (text, child) = view.glob(index)?;
        view.node(child)?;
        holds(few_stars(text))
    })?;
    each(view, budget, Section::Nodes, node)?;
    whole(Section::Slots, slots(view))
}

/// Checks the records of a section one by one.
fn each(
    view: &View<'_>,
    budget: &mut Budget,
    section: Section,
    ok: fn(&View<'_>, u32, &mut Budget) -> Option<()>,
) -> Result<(), ImageError> {
    let count = u32::try_from(view.count(section)).map_err(|_| ImageError::Length)?;
    whole(
        section,
        (0..count).try_for_each(|index| ok(view, index, budget)),
    )
}

/// The result for a section that was checked as a whole.
fn whole(section: Section, checked: Option<()>) -> Result<(), ImageError> {
    checked.ok_or(ImageError::BadSection(section))
}

fn holds(condition: bool) -> Option<()> {
    condition.then_some(())
}

fn few_stars(text: &[u8]) -> bool {
    text.iter().filter(|byte| **byte == STAR).count() <= MAX_STARS
}

/// Literal names are sorted, each once.
fn literals(view: &View<'_>) -> Option<()> {
    let mut before = None;
    for offset in view.records::<4>(Section::Literals) {
        let name = view.string_bytes(u32::from_le_bytes(*offset))?;
        holds(before.is_none_or(|before| before < name))?;
        before = Some(name);
    }
    Some(())
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

fn candidate(view: &View<'_>, index: u32) -> Option<()> {
    let (rule, end) = view.candidate(index)?;
    enough_captures(view, rule, end)
}

/// The rule and the end exist, and the end has every capture that the rule reads. Their records were checked before.
fn enough_captures(view: &View<'_>, rule: u32, end: u32) -> Option<()> {
    holds(view.rule_captures(rule)? <= view.end_captures(end)?)
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
    for (index, record) in (0..nodes).zip(view.records::<8>(Section::Nodes)) {
        // Other nodes are leaves.
        let [.., WIDE] = *record else { continue };
        let node = view.node(index)?;
        children += u64::from(node.child_count);
        // Ranges that overlap could make this loop long; more children than nodes means that they do.
        holds(children < u64::from(nodes))?;
        for at in 0..node.child_count {
            let child = node.first_child.checked_add(at)?;
            holds(is_found(view, index, &node, child)?)?;
        }
    }
    let slots = view.records::<4>(Section::Slots);
    let used = slots.iter().filter(|slot| **slot != [0; 4]).count();
    holds(used as u64 == children)
}

/// Whether the lookup of a literal child's label ([`View::literal_child`]) finds this child.
fn is_found(view: &View<'_>, parent: u32, node: &Node, child: u32) -> Option<bool> {
    let label = view.label(child)?;
    let (home, fingerprint) = slot_of(parent, label, view.homes()?);
    for probe in 0..=view.max_probe() {
        let slot = view.slot(home.checked_add(probe)?)?;
        let (found, its_fingerprint) = (slot >> 8, slot as u8);
        if slot == 0 || (found == child && its_fingerprint == fingerprint) {
            return Some(slot != 0);
        }
        let is_sibling = found.wrapping_sub(node.first_child) < node.child_count;
        if its_fingerprint == fingerprint && is_sibling && view.label(found)? == label {
            return Some(false);
        }
    }
    Some(false)
}
