//! Minimal changes that reverse the decision for a request: the cheapest sets of changes, none of which contains
//! a smaller one, each replayed.
//!
//! Only what the rules for the path read is changed: nothing else could help. If no rule allows anything on the
//! path, the nearest path that some rule allows is a change, too. Not here: printing changes.

mod edits;
mod nearest;

use std::collections::BTreeSet;
use std::rc::Rc;

use core::net::IpAddr;

use serde_json::Value;
use tollgate_core::{Effect, PathError, PathScratch};
use tollgate_gate::Kind;
use tollgate_token::ClaimPath;

use crate::policy::Policy;
use crate::request::{Evaluation, Request, evaluate};
use crate::search::{Search, request as described};
use crate::space::Space;
use crate::walk::on_path;
use edits::Edit;

/// One change to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Come with a token.
    SignIn,
    /// Come without one.
    SignOut,
    /// Be in this group.
    Join(String),
    /// Not be in this group.
    Leave(String),
    /// Have this scope.
    AddScope(String),
    /// Not have this scope.
    DropScope(String),
    /// A claim with this value; without one, not to have the claim at all.
    Claim(ClaimPath, Option<Value>),
    /// Come from this address, or from an unknown one.
    Address(Option<IpAddr>),
    /// Send the request at this time, in Unix seconds.
    Time(i64),
    /// Use this method.
    Method(String),
    /// Request this path.
    Path(String),
}

impl Change {
    /// The effort of the change. Only the order matters.
    fn cost(&self) -> u32 {
        match self {
            Self::SignIn | Self::SignOut | Self::Join(_) | Self::AddScope(_) => 2,
            Self::Leave(_) | Self::DropScope(_) | Self::Method(_) => 3,
            Self::Claim(place, _) if ["sub", "iss"].contains(&place.first()) => 6,
            Self::Claim(..) => 4,
            Self::Address(_) => 4,
            Self::Time(_) => 5,
            Self::Path(_) => 8,
        }
    }
}

/// A minimal set of changes that reverses the decision.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeSet {
    /// All these changes together; each of them is necessary.
    pub changes: Vec<Change>,
    /// The request after them.
    pub request: Request,
    /// The result for it.
    pub evaluation: Evaluation,
}

/// The minimal changes that reverse a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct MinimalChanges {
    /// The result for the unchanged request.
    pub evaluation: Evaluation,
    /// The opposite result: allowed for a denied request, denied for an allowed one.
    pub wanted: Kind,
    /// The sets of changes that lead to it, cheapest first.
    pub ways: Vec<ChangeSet>,
    /// Whether any rule allows anything on this path.
    pub is_named: bool,
}

/// Most sets of changes that are reported.
const MOST_WAYS: usize = 8;
/// Most changes that are tried in twos and threes.
const MOST_EDITS: usize = 48;

/// Finds the cheapest changes after which the request is allowed, or denied if it is allowed.
///
/// # Errors
/// Returns an error if the path is rejected whatever the policy: then the path itself must be corrected.
pub fn minimal_changes(policy: &Policy, request: &Request) -> Result<MinimalChanges, PathError> {
    let evaluation = evaluate(policy, request);
    let wanted = if evaluation.kind == Kind::Allow {
        Kind::Deny
    } else {
        Kind::Allow
    };
    let (segments, slash) = parse(policy, &request.target)?;
    let space = Space::new(&[policy], request.now);
    let kind = on_path(&space, &segments, slash);
    let is_named = kind.hits.iter().any(|hit| hit.spec.effect == Effect::Allow);
    let mut ways = Vec::new();
    if wanted == Kind::Deny || is_named {
        ways = combined(policy, request, wanted, &edits::all(&space, &kind, request));
    }
    if ways.is_empty() {
        // Little changes will not do here, so another path may be what was meant.
        if wanted == Kind::Allow {
            ways = elsewhere(policy, &space, request, &segments, slash);
        }
        if wanted == Kind::Deny || is_named {
            ways.extend(searched(policy, &space, &kind, request, wanted));
        }
    }
    ways.truncate(MOST_WAYS);
    Ok(MinimalChanges {
        evaluation,
        wanted,
        ways,
        is_named,
    })
}

/// MinimalChanges in by the nearest paths that some rule allows.
fn elsewhere(
    policy: &Policy,
    space: &Space<'_>,
    request: &Request,
    segments: &[Rc<str>],
    slash: bool,
) -> Vec<ChangeSet> {
    let mut ways = Vec::new();
    for target in nearest::paths(policy, segments, slash) {
        let moved = Request {
            target: target.clone(),
            ..request.clone()
        };
        let change = Change::Path(target.clone());
        if evaluate(policy, &moved).kind == Kind::Allow {
            ways.push(way(policy, vec![change], moved));
            continue;
        }
        // Put together from a long path it can be too long.
        let Ok((segments, slash)) = parse(policy, &target) else {
            continue;
        };
        let kind = on_path(space, &segments, slash);
        let edits = edits::all(space, &kind, &moved);
        let best = combined(policy, &moved, Kind::Allow, &edits)
            .into_iter()
            .next();
        if let Some(mut way) = best {
            way.changes.insert(0, change);
            ways.push(way);
        }
    }
    ways
}

/// The segments of a target's path, decoded, and whether a slash ends it.
pub(crate) fn parse(policy: &Policy, target: &str) -> Result<(Vec<Rc<str>>, bool), PathError> {
    let mut scratch = PathScratch::new();
    let raw = target.split('?').next().unwrap_or_default();
    let options = policy.image().path_options();
    let path = scratch.parse(raw.as_bytes(), options)?;
    let segments = (0..path.segment_count())
        .filter_map(|at| core::str::from_utf8(path.segment(at)?).ok())
        .map(Rc::from)
        .collect();
    Ok((segments, path.has_trailing_slash()))
}

fn way(policy: &Policy, changes: Vec<Change>, request: Request) -> ChangeSet {
    let evaluation = evaluate(policy, &request);
    ChangeSet {
        changes,
        request,
        evaluation,
    }
}

/// Every set of up to three edits that leads there and has none inside that does.
fn combined(policy: &Policy, request: &Request, wanted: Kind, edits: &[Edit]) -> Vec<ChangeSet> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.cost());
    edits.truncate(MOST_EDITS);
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    let mut ways = Vec::new();
    let sign_in = edits.iter().position(|edit| edit.change == Change::SignIn);
    let mut attempt = |set: &[usize]| -> bool {
        let mut chosen: BTreeSet<usize> = set.iter().copied().collect();
        let of = |set: &BTreeSet<usize>| -> Vec<&Edit> {
            set.iter()
                .filter_map(|at| edits.get(*at).copied())
                .collect()
        };
        // Nobody has claims without a token.
        if of(&chosen).iter().any(|edit| edit.is_about_claims()) {
            if of(&chosen)
                .iter()
                .any(|edit| edit.change == Change::SignOut)
            {
                return false;
            }
            chosen.extend(sign_in);
        }
        if found.iter().any(|smaller| smaller.is_subset(&chosen)) {
            return false;
        }
        let mut about = BTreeSet::new();
        if !of(&chosen).iter().all(|edit| about.insert(edit.about())) {
            return false;
        }
        let changed = applied(request, of(&chosen).into_iter());
        if evaluate(policy, &changed).kind != wanted {
            return false;
        }
        let changes = of(&chosen).iter().map(|edit| edit.change.clone()).collect();
        found.push(chosen);
        ways.push(way(policy, changes, changed));
        true
    };
    let mut few_will_do = false;
    for a in 0..edits.len() {
        few_will_do |= attempt(&[a]);
    }
    for a in 0..edits.len() {
        for b in a + 1..edits.len() {
            few_will_do |= attempt(&[a, b]);
        }
    }
    // Three changes at once are worth telling only where fewer will not do.
    if !few_will_do {
        for a in 0..edits.len() {
            for b in a + 1..edits.len() {
                for c in b + 1..edits.len() {
                    attempt(&[a, b, c]);
                }
            }
        }
    }
    ways.sort_by_key(cost);
    distinct(policy, ways, request, wanted)
}

/// The sets without those that differ from a nearer one only in a time or a number of the same stretch: nobody needs to be
/// told to come one second later as well.
fn distinct(
    policy: &Policy,
    ways: Vec<ChangeSet>,
    request: &Request,
    wanted: Kind,
) -> Vec<ChangeSet> {
    let mut kept: Vec<ChangeSet> = Vec::new();
    for way in ways {
        let twin = kept.iter_mut().find_map(|known| {
            let (own, other) = amounts(known, &way)?;
            is_one_stretch(policy, known, &way, (own, other), wanted).then_some((known, own, other))
        });
        match twin {
            Some((known, own, other)) => {
                let now = starting_point(request, known, &way);
                if other.abs_diff(now) < own.abs_diff(now) {
                    *known = way;
                }
            }
            None => kept.push(way),
        }
    }
    kept
}

/// The only times or integers in which two sets of changes differ.
fn amounts(a: &ChangeSet, b: &ChangeSet) -> Option<(i64, i64)> {
    if a.changes.len() != b.changes.len() || a.evaluation.rule != b.evaluation.rule {
        return None;
    }
    let mut differ = a.changes.iter().zip(&b.changes).filter(|(a, b)| a != b);
    let (Some((a, b)), None) = (differ.next(), differ.next()) else {
        return None;
    };
    match (a, b) {
        (Change::Time(a), Change::Time(b)) => Some((*a, *b)),
        (Change::Claim(one, Some(a)), Change::Claim(other, Some(b))) if one == other => {
            Some((a.as_i64()?, b.as_i64()?))
        }
        _ => None,
    }
}

/// Whether the amount between two others leads to the same result.
fn is_one_stretch(
    policy: &Policy,
    a: &ChangeSet,
    b: &ChangeSet,
    (low, high): (i64, i64),
    wanted: Kind,
) -> bool {
    let middle = low.midpoint(high);
    if middle == low || middle == high {
        return true;
    }
    let mut between = a.request.clone();
    if a.request.now != b.request.now {
        between.now = middle;
    } else if let (Some(claims), Some(place)) = (&mut between.claims, claim_apart(a, b)) {
        crate::place::insert(claims, place, Value::from(middle));
    }
    evaluate(policy, &between).kind == wanted
}

/// The claim in which two sets of changes differ.
fn claim_apart<'c>(a: &'c ChangeSet, b: &ChangeSet) -> Option<&'c ClaimPath> {
    let mut changes = a.changes.iter().zip(&b.changes);
    changes.find_map(|(a, b)| match a {
        Change::Claim(place, Some(_)) if a != b => Some(place),
        _ => None,
    })
}

/// The amount that the request has.
fn starting_point(request: &Request, a: &ChangeSet, b: &ChangeSet) -> i64 {
    match claim_apart(a, b) {
        Some(place) => {
            let claims = request.claims.as_ref();
            let now = claims.and_then(|claims| crate::place::find(claims, place)?.as_i64());
            now.unwrap_or_default()
        }
        None => request.now,
    }
}

fn cost(way: &ChangeSet) -> (u32, usize) {
    let sum = way.changes.iter().map(Change::cost).sum();
    (sum, way.changes.len())
}

/// Any way at all, for requests that need more than three changes, made as short as it can be.
fn searched(
    policy: &Policy,
    space: &Space<'_>,
    kind: &crate::walk::PathClass<'_>,
    request: &Request,
    wanted: Kind,
) -> Option<ChangeSet> {
    let mut search = Search::new(space, &kind.hits);
    let found = search.find(
        &|eval| match wanted {
            Kind::Allow => eval.allowed(0, &kind.hits),
            _ => eval.allowed(0, &kind.hits).not(),
        },
        &mut |chosen| {
            let mut found = described(space, &request.target, chosen);
            found.target.clone_from(&request.target);
            // Nobody can come at a time that is over.
            let is_ahead = found.now >= request.now;
            (is_ahead && evaluate(policy, &found).kind == wanted).then_some(found)
        },
    );
    let found = found.found()?;
    let edits = smallest(edits::between(space, request, &found), &|edits| {
        evaluate(policy, &applied(request, edits.iter())).kind == wanted
    });
    let changed = applied(request, edits.iter());
    if evaluate(policy, &changed).kind != wanted {
        return None;
    }
    let changes = edits.into_iter().map(|edit| edit.change).collect();
    Some(way(policy, changes, changed))
}

/// Sets of changes up to this size are searched for their smallest part that will do.
const MOST_TO_SEARCH: usize = 12;

/// A part of the edits that will do, and of which no part does.
fn smallest(mut edits: Vec<Edit>, will_do: &dyn Fn(&[Edit]) -> bool) -> Vec<Edit> {
    let mut at = 0;
    while edits.len() > MOST_TO_SEARCH && at < edits.len() {
        let mut fewer = edits.clone();
        fewer.remove(at);
        if will_do(&fewer) {
            edits = fewer;
        } else {
            at += 1;
        }
    }
    if edits.len() > MOST_TO_SEARCH {
        return edits;
    }
    let mut parts: Vec<u32> = (1..1 << edits.len()).collect();
    parts.sort_by_key(|part| part.count_ones());
    let of = |part: u32| -> Vec<Edit> {
        let chosen = (0..).zip(&edits).filter(|(at, _)| part >> at & 1 == 1);
        chosen.map(|(_, edit)| edit.clone()).collect()
    };
    let found = parts.into_iter().map(of).find(|part| will_do(part));
    found.unwrap_or(edits)
}

/// The request after the edits. Without a token, edits of claims have no effect.
fn applied<'e>(request: &Request, edits: impl Iterator<Item = &'e Edit>) -> Request {
    let mut changed = request.clone();
    for edit in edits {
        edit.apply(&mut changed);
    }
    changed
}
