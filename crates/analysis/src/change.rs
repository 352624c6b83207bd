//! What would have to change for a request to be answered otherwise: the cheapest sets of changes, none of
//! which has a smaller one inside, each replayed.
//!
//! What can be changed is what the rules for the path ask about: nothing else could help. If no rule allows
//! anything on the path, the nearest path that some rule allows is a change too. Not here: how to say it.

mod edits;
mod nearest;

use std::collections::BTreeSet;
use std::rc::Rc;

use core::net::IpAddr;

use serde_json::Value;
use tollgate_core::{Effect, PathError, PathOptions, PathScratch};
use tollgate_gate::Kind;

use crate::policy::Policy;
use crate::request::{Request, Ruling, ask};
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
    Claim(String, Option<Value>),
    /// Come from this address, or from an unknown one.
    Address(Option<IpAddr>),
    /// Come at this time, in Unix seconds.
    Time(i64),
    /// Use this method.
    Method(String),
    /// Ask for this path.
    Path(String),
}

impl Change {
    /// How much is asked of whoever makes the change. Only the order matters.
    fn cost(&self) -> u32 {
        match self {
            Self::SignIn | Self::SignOut | Self::Join(_) | Self::AddScope(_) => 2,
            Self::Leave(_) | Self::DropScope(_) | Self::Method(_) => 3,
            Self::Claim(name, _) if name == "sub" || name == "iss" => 6,
            Self::Claim(..) => 4,
            Self::Address(_) => 4,
            Self::Time(_) => 5,
            Self::Path(_) => 8,
        }
    }
}

/// One way to be answered otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// All these changes together; none can be left out.
    pub changes: Vec<Change>,
    /// The request after them.
    pub request: Request,
    /// What the policy says to it.
    pub ruling: Ruling,
}

/// What could be done about an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Ways {
    /// What the policy says to the request as it is.
    pub ruling: Ruling,
    /// The other answer that was looked for: in for those who are out, and out for those who are in.
    pub wanted: Kind,
    /// Ways to get there, cheapest first.
    pub ways: Vec<Way>,
    /// Whether any rule allows anything on this path.
    pub is_named: bool,
}

/// Most ways that are told.
const MOST_WAYS: usize = 8;
/// Most changes that are tried in twos and threes.
const MOST_EDITS: usize = 48;

/// Finds the cheapest changes after which the request is let in, or kept out if it is let in.
///
/// # Errors
/// When the path is one that no policy takes: then the path itself must be written otherwise.
pub fn minimal_changes(policy: &Policy, request: &Request) -> Result<Ways, PathError> {
    let ruling = ask(policy, request);
    let wanted = if ruling.kind == Kind::Allow {
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
            ways = elsewhere(policy, &space, request, &segments, slash)?;
        }
        if wanted == Kind::Deny || is_named {
            ways.extend(searched(policy, &space, &kind, request, wanted));
        }
    }
    ways.truncate(MOST_WAYS);
    Ok(Ways {
        ruling,
        wanted,
        ways,
        is_named,
    })
}

/// Ways in by the nearest paths that some rule allows.
fn elsewhere(
    policy: &Policy,
    space: &Space<'_>,
    request: &Request,
    segments: &[Rc<str>],
    slash: bool,
) -> Result<Vec<Way>, PathError> {
    let mut ways = Vec::new();
    for target in nearest::paths(policy, segments, slash) {
        let moved = Request {
            target: target.clone(),
            ..request.clone()
        };
        let change = Change::Path(target.clone());
        if ask(policy, &moved).kind == Kind::Allow {
            ways.push(way(policy, vec![change], moved));
            continue;
        }
        let (segments, slash) = parse(policy, &target)?;
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
    Ok(ways)
}

/// The segments of a target's path, decoded, and whether a slash ends it.
pub(crate) fn parse(policy: &Policy, target: &str) -> Result<(Vec<Rc<str>>, bool), PathError> {
    let mut scratch = PathScratch::new();
    let raw = target.split('?').next().unwrap_or_default();
    let options = PathOptions {
        ascii_only: policy.image().ascii_only(),
    };
    let path = scratch.parse(raw.as_bytes(), options)?;
    let segments = (0..path.segment_count())
        .filter_map(|at| core::str::from_utf8(path.segment(at)?).ok())
        .map(Rc::from)
        .collect();
    Ok((segments, path.has_trailing_slash()))
}

fn way(policy: &Policy, changes: Vec<Change>, request: Request) -> Way {
    let ruling = ask(policy, &request);
    Way {
        changes,
        request,
        ruling,
    }
}

/// Every set of up to three edits that leads there and has none inside that does.
fn combined(policy: &Policy, request: &Request, wanted: Kind, edits: &[Edit]) -> Vec<Way> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.cost());
    edits.truncate(MOST_EDITS);
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    let mut ways = Vec::new();
    let mut attempt = |set: &[usize]| -> bool {
        let chosen: BTreeSet<usize> = set.iter().copied().collect();
        if found.iter().any(|smaller| smaller.is_subset(&chosen)) {
            return false;
        }
        let of_set = || set.iter().filter_map(|at| edits.get(*at));
        let mut about = BTreeSet::new();
        if !of_set().all(|edit| about.insert(edit.about())) {
            return false;
        }
        let mut changed = request.clone();
        for edit in of_set() {
            edit.apply(&mut changed);
        }
        if ask(policy, &changed).kind == wanted {
            let signs_in = request.claims.is_none() && changed.claims.is_some();
            let mut changes: Vec<Change> = of_set().map(|edit| edit.change.clone()).collect();
            if signs_in && !changes.contains(&Change::SignIn) {
                changes.insert(0, Change::SignIn);
            }
            found.push(chosen);
            ways.push(way(policy, changes, changed));
            return true;
        }
        false
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
    ways
}

fn cost(way: &Way) -> (u32, usize) {
    let sum = way.changes.iter().map(Change::cost).sum();
    (sum, way.changes.len())
}

/// Any way at all, for requests that need more than three changes, made as short as it can be.
fn searched(
    policy: &Policy,
    space: &Space<'_>,
    kind: &crate::walk::Kind<'_>,
    request: &Request,
    wanted: Kind,
) -> Option<Way> {
    let mut search = Search::new(space, &kind.hits);
    let found = search.find(
        &|eval| match wanted {
            Kind::Allow => eval.allowed(0, &kind.hits),
            _ => eval.allowed(0, &kind.hits).not(),
        },
        &mut |chosen| {
            let mut found = described(space, &request.target, chosen);
            found.target.clone_from(&request.target);
            (ask(policy, &found).kind == wanted).then_some(found)
        },
    );
    let found = found.found()?;
    let mut edits = edits::between(space, request, &found);
    // Whatever can be taken back is taken back.
    let mut at = 0;
    while at < edits.len() {
        let mut fewer = edits.clone();
        fewer.remove(at);
        if ask(policy, &applied(request, &fewer)).kind == wanted {
            edits = fewer;
        } else {
            at += 1;
        }
    }
    let changed = applied(request, &edits);
    if ask(policy, &changed).kind != wanted {
        return None;
    }
    let mut changes: Vec<Change> = edits.into_iter().map(|edit| edit.change).collect();
    if request.claims.is_none() && changed.claims.is_some() && !changes.contains(&Change::SignIn) {
        changes.insert(0, Change::SignIn);
    }
    Some(way(policy, changes, changed))
}

fn applied(request: &Request, edits: &[Edit]) -> Request {
    let mut changed = request.clone();
    for edit in edits {
        edit.apply(&mut changed);
    }
    changed
}
