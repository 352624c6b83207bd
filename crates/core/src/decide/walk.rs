//! Finding the rules whose patterns match a path.
//!
//! The patterns' segments up to the first `**` form a trie. A walk goes down it segment by segment, trying
//! the literal child, the capture child and the globs of each node; what it needs to remember is one
//! number per level, so there is no recursion and no allocation. The parts after a `**` are compared one by
//! one. Not here: evaluating the rules (`rule`).

use core::ops::ControlFlow;

use super::condition::Captures;
use crate::glob;
use crate::image::format::{EndKind, FROM_END, NONE, TailKind};
use crate::image::{End, Node, View};
use crate::path::{MAX_SEGMENTS, Path};

/// A pattern that matches the path.
pub(super) struct Fit<'f, 'a> {
    view: &'f View<'a>,
    path: &'f Path<'a>,
    end: End,
}

impl Captures for Fit<'_, '_> {
    fn capture(&self, number: u16) -> Option<&[u8]> {
        if number >= self.end.capture_count {
            return None;
        }
        let place = self
            .view
            .capture_place(self.end.captures.checked_add(u32::from(number))?)?;
        let at = usize::from(place & !FROM_END);
        if place & FROM_END == 0 {
            return self.path.segment(at);
        }
        self.path
            .segment(self.path.segment_count().checked_sub(at + 1)?)
    }
}

/// Calls `visit` with each rule and its matching pattern. Breaks when `visit` does, or when a record is
/// missing.
pub(super) fn each_fit(
    view: &View<'_>,
    path: &Path<'_>,
    mut visit: impl FnMut(u32, &Fit<'_, '_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // While a node has only literal children, there is no alternative to return to.
    let (mut at, mut depth, mut start) = (0, 0, 0);
    loop {
        let Some(node) = view.node(at) else {
            return ControlFlow::Break(());
        };
        visit_node(view, path, &node, depth, &mut visit)?;
        if node.glob_count > 0 || node.capture_child != NONE {
            return each_way(view, path, (at, depth), &mut visit);
        }
        if node.child_count == 0 {
            return ControlFlow::Continue(());
        }
        let Some((segment, next)) = path.segment_from(depth, start) else {
            return ControlFlow::Continue(());
        };
        match view.literal_child(at, &node, segment) {
            Some(child) => (at, depth, start) = (child, depth + 1, next),
            None => return ControlFlow::Continue(()),
        }
    }
}

/// Visits everything below the node `top`, which has been visited itself; `top_depth` is its depth.
fn each_way(
    view: &View<'_>,
    path: &Path<'_>,
    (top, top_depth): (u32, usize),
    visit: &mut impl FnMut(u32, &Fit<'_, '_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // Per level of the trie: the node, and the number of the next edge to try.
    let mut trail = [(0_u32, 0_u32); MAX_SEGMENTS + 1];
    let mut depth = top_depth;
    *must(trail.get_mut(depth))? = (top, 0);
    loop {
        let level = must(trail.get_mut(depth))?;
        let node = must(view.node(level.0))?;
        let segment = path.segment(depth);
        let mut child = None;
        while let Some(segment) = segment {
            let way = level.1;
            if way >= 2 + u32::from(node.glob_count) {
                break;
            }
            level.1 += 1;
            child = must(way_down(view, level.0, &node, way, segment))?;
            if child.is_some() {
                break;
            }
        }
        match child {
            Some(child) => {
                depth += 1;
                *must(trail.get_mut(depth))? = (child, 0);
                visit_node(view, path, &must(view.node(child))?, depth, visit)?;
            }
            None if depth == top_depth => return ControlFlow::Continue(()),
            None => depth -= 1,
        }
    }
}

/// The child that edge number `way` leads to for this segment: 0 the literal, 1 the capture, then the globs.
/// The outer `None` means a record is missing.
fn way_down(
    view: &View<'_>,
    at: u32,
    node: &Node,
    way: u32,
    segment: &[u8],
) -> Option<Option<u32>> {
    Some(match way {
        0 => view.literal_child(at, node, segment),
        1 => (node.capture_child != NONE).then_some(node.capture_child),
        _ => {
            let (text, child) = view.glob(node.globs.checked_add(way - 2)?)?;
            glob::matches(text, segment).then_some(child)
        }
    })
}

fn visit_node(
    view: &View<'_>,
    path: &Path<'_>,
    node: &Node,
    depth: usize,
    visit: &mut impl FnMut(u32, &Fit<'_, '_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if let Some(candidate) = node.only {
        return visit_candidate(view, path, candidate, depth, visit);
    }
    for at in 0..u32::from(node.candidate_count) {
        let index = must(node.candidates.checked_add(at))?;
        visit_candidate(view, path, must(view.candidate(index))?, depth, visit)?;
    }
    ControlFlow::Continue(())
}

fn visit_candidate(
    view: &View<'_>,
    path: &Path<'_>,
    (rule, end): (u32, u32),
    depth: usize,
    visit: &mut impl FnMut(u32, &Fit<'_, '_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(end) = view.end(end) else {
        return ControlFlow::Break(());
    };
    match fits(view, path, &end, depth) {
        Some(true) => visit(rule, &Fit { view, path, end }),
        Some(false) => ControlFlow::Continue(()),
        None => ControlFlow::Break(()),
    }
}

fn must<T>(found: Option<T>) -> ControlFlow<(), T> {
    match found {
        Some(found) => ControlFlow::Continue(found),
        None => ControlFlow::Break(()),
    }
}

/// Whether a pattern that ends like this matches the rest of the path after `depth` segments.
fn fits(view: &View<'_>, path: &Path<'_>, end: &End, depth: usize) -> Option<bool> {
    let left = path.segment_count().checked_sub(depth)?;
    let slash = path.has_trailing_slash();
    Some(match end.kind {
        EndKind::Exact => left == 0 && !slash,
        EndKind::Slash => left == 0 && slash,
        EndKind::Below => left > 0 || slash,
        EndKind::TailExact => !slash && tail_fits(view, path, end, depth)?,
        EndKind::TailSlash => slash && tail_fits(view, path, end, depth)?,
        EndKind::TailBelow => tail_fits(view, path, end, depth)?,
    })
}

/// Matches tail parts against segments as a glob matches bytes: on a mismatch the latest `**` takes one
/// segment more. With a final `/**` the first match leaves the most for it, so no other need be tried.
fn tail_fits(view: &View<'_>, path: &Path<'_>, end: &End, depth: usize) -> Option<bool> {
    let segments = path.segment_count();
    let (mut part, mut at) = (0, depth);
    let mut retry: Option<(u16, usize)> = None;
    loop {
        let fits = if part == end.tail_count {
            match end.kind {
                EndKind::TailBelow if at < segments || path.has_trailing_slash() => {
                    return Some(true);
                }
                EndKind::TailBelow => return Some(false),
                _ if at == segments => return Some(true),
                _ => false,
            }
        } else {
            let tail = view.tail(end.tail.checked_add(u32::from(part))?)?;
            match (tail.kind, path.segment(at)) {
                (TailKind::Rest, _) => {
                    part += 1;
                    retry = Some((part, at));
                    continue;
                }
                (_, None) => false,
                (TailKind::Literal, Some(segment)) => tail.text == segment,
                (TailKind::Glob, Some(segment)) => glob::matches(tail.text, segment),
                (TailKind::Capture, Some(_)) => true,
            }
        };
        if fits {
            part += 1;
            at += 1;
        } else {
            let (after_rest, from) = match retry {
                Some((part, from)) if from < segments => (part, from + 1),
                _ => return Some(false),
            };
            (part, at) = (after_rest, from);
            retry = Some((part, at));
        }
    }
}
