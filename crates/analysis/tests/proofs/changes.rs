//! Minimal changes: each has the stated result, no part of it does, and if none is found, nothing helps.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tollgate_analysis::change::{Change, ChangeSet, MinimalChanges, minimal_changes};
use tollgate_analysis::place;
use tollgate_analysis::{Kind, Request};
use tollgate_spec::generate::Generator;

use crate::models::opened;
use crate::support::{self, Both, Tally, both_say, prove, spec_says};

/// Requests analysed in each policy, and random variants tried for each.
const REQUESTS: usize = 3;
const OTHERS: usize = 30;
/// The claim in which rendered policies look for groups.
const GROUPS: &str = "cognito:groups";
/// The most sets of changes that are reported.
const MOST_WAYS: usize = 8;

#[test]
fn changes_help_and_no_part_of_them_does() {
    prove("minimal changes", check);
}

fn check(seed: u64) -> Tally {
    let mut tally = Tally::default();
    let mut generator = Generator::new(seed);
    let both = Both::of(generator.policy());
    for _ in 0..REQUESTS {
        if let Some(request) = support::request(&mut generator, &both.model) {
            changes(&both, &request, &mut generator, seed, &mut tally);
        }
    }
    tally
}

fn changes(
    both: &Both,
    request: &Request,
    generator: &mut Generator,
    seed: u64,
    tally: &mut Tally,
) {
    let evaluation = both_say(both, request, seed);
    let Ok(found) = minimal_changes(&both.policy, request) else {
        assert_eq!(evaluation.kind, Kind::Reject, "seed {seed}: {request:?}");
        tally.add("paths refused, confirmed", 1);
        return;
    };
    let context = format!("seed {seed}: {request:?}\n{found:#?}");
    assert_eq!(found.evaluation, evaluation, "{context}");
    assert_ne!(found.wanted, evaluation.kind, "{context}");
    let open = spec_says(
        both,
        &opened(&both.model),
        &Request {
            method: "GET".to_owned(),
            ..request.clone()
        },
    );
    assert_eq!(found.is_named, open == "allow", "{context}");
    tally.add("requests", 1);
    for way in &found.ways {
        confirm(both, request, &found, way, seed, tally);
    }
    if found.ways.is_empty() {
        tally.add("requests that no change helps", 1);
    }
    for _ in 0..OTHERS {
        let Some(other) = support::request(generator, &both.model) else {
            continue;
        };
        // What was open earlier helps nobody.
        let now = other.now.max(request.now);
        let other = Request { now, ..other };
        tally.add("random requests", 1);
        let on_path = Request {
            target: request.target.clone(),
            ..other.clone()
        };
        if both_say(both, &on_path, seed).kind == found.wanted {
            tally.add("random requests that get there", 1);
            assert!(!found.ways.is_empty(), "{context}\nbut: {on_path:?}");
        }
        for (what, single) in singles(request, &other) {
            if both_say(both, &single, seed).kind == found.wanted {
                tally.add("random single changes that get there", 1);
                let known = found.ways.iter().any(|way| is_single(way, what));
                let cut = found.ways.len() == MOST_WAYS;
                assert!(known || cut, "{context}\nbut {what:?}: {single:?}");
            }
        }
    }
}

/// Replays a way, and every part of it.
fn confirm(
    both: &Both,
    request: &Request,
    found: &MinimalChanges,
    way: &ChangeSet,
    seed: u64,
    tally: &mut Tally,
) {
    let context = format!("seed {seed}: {request:?}\n{way:#?}");
    let replayed = after(request, way.changes.iter());
    assert_eq!(replayed, way.request, "{context}");
    assert_eq!(both_say(both, &replayed, seed), way.evaluation, "{context}");
    assert_eq!(way.evaluation.kind, found.wanted, "{context}");
    assert!(way.request.now >= request.now, "{context}");
    tally.add("ways confirmed", 1);
    let count = u32::try_from(way.changes.len()).unwrap();
    for part in 1..2_u64.pow(count) - 1 {
        let chosen = way.changes.iter().enumerate();
        let chosen = chosen.filter(|(at, _)| part >> at & 1 == 1);
        let partly = after(request, chosen.map(|(_, change)| change));
        assert_ne!(
            both_say(both, &partly, seed).kind,
            found.wanted,
            "{context}\nbut {part:b} is enough: {partly:?}"
        );
        tally.add("parts of ways that do not help", 1);
    }
}

/// The request after some changes. Changes to a missing token have no effect.
fn after<'c>(request: &Request, changes: impl Iterator<Item = &'c Change>) -> Request {
    let mut request = request.clone();
    for change in changes {
        let claims = request.claims.as_mut();
        match (change, claims) {
            (Change::SignIn, None) => request.claims = Some(Map::new()),
            (Change::SignIn, Some(_)) => {}
            (Change::SignOut, _) => request.claims = None,
            (Change::Address(ip), _) => request.ip = *ip,
            (Change::Time(now), _) => request.now = *now,
            (Change::Method(method), _) => request.method.clone_from(method),
            (Change::Path(target), _) => request.target.clone_from(target),
            (_, None) => {}
            (Change::Claim(place, None), Some(claims)) => place::remove(claims, place),
            (Change::Claim(place, Some(value)), Some(claims)) => {
                place::insert(claims, place, value.clone());
            }
            (Change::Join(name), Some(claims)) => {
                let mut groups = list(claims.get(GROUPS));
                groups.push(name.clone());
                groups.sort();
                groups.dedup();
                claims.insert(GROUPS.to_owned(), groups.into());
            }
            (Change::Leave(name), Some(claims)) => {
                let mut groups = list(claims.get(GROUPS));
                groups.retain(|group| group != name);
                groups.sort();
                groups.dedup();
                claims.insert(GROUPS.to_owned(), groups.into());
            }
            (Change::AddScope(name), Some(claims)) => {
                let mut scopes = words(claims.get("scope"));
                scopes.push(name.clone());
                claims.insert("scope".to_owned(), scopes.join(" ").into());
            }
            (Change::DropScope(name), Some(claims)) => {
                let mut scopes = words(claims.get("scope"));
                scopes.retain(|scope| scope != name);
                claims.insert("scope".to_owned(), scopes.join(" ").into());
            }
        }
    }
    request
}

fn list(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn words(value: Option<&Value>) -> Vec<String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let words = text.split(' ').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The subjects of single changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    Token,
    Group,
    Scope,
    Claim,
    Address,
    Time,
    Method,
}

fn about(change: &Change) -> Option<About> {
    Some(match change {
        Change::SignIn | Change::SignOut => About::Token,
        Change::Join(_) | Change::Leave(_) => About::Group,
        Change::AddScope(_) | Change::DropScope(_) => About::Scope,
        Change::Claim(..) => About::Claim,
        Change::Address(_) => About::Address,
        Change::Time(_) => About::Time,
        Change::Method(_) => About::Method,
        Change::Path(_) => return None,
    })
}

fn is_single(way: &ChangeSet, what: About) -> bool {
    matches!(way.changes.as_slice(), [change] if about(change) == Some(what))
}

/// The request with one thing as another request has it.
fn singles(request: &Request, other: &Request) -> Vec<(About, Request)> {
    let mut singles = Vec::new();
    let mut with = |what, change: &dyn Fn(&mut Request)| {
        let mut single = request.clone();
        change(&mut single);
        singles.push((what, single));
    };
    with(About::Method, &|single| {
        single.method.clone_from(&other.method)
    });
    with(About::Address, &|single| single.ip = other.ip);
    with(About::Time, &|single| single.now = other.now);
    let Some(claims) = &request.claims else {
        with(About::Token, &|single| single.claims = Some(Map::new()));
        return singles;
    };
    with(About::Token, &|single| single.claims = None);
    let none = Map::new();
    let theirs = other.claims.as_ref().unwrap_or(&none);
    let names: BTreeSet<&String> = claims.keys().chain(theirs.keys()).collect();
    for name in names {
        let is_list = |claims: &Map<String, Value>| claims.get(name).is_some_and(Value::is_array);
        // Lists are changed one member at a time.
        if is_list(claims) || is_list(theirs) || name == "scope" {
            continue;
        }
        with(About::Claim, &|single| {
            let single = single.claims.get_or_insert_with(Map::new);
            match theirs.get(name) {
                Some(value) => drop(single.insert(name.clone(), value.clone())),
                None => drop(single.remove(name)),
            }
        });
    }
    for group in list(theirs.get(GROUPS)) {
        let change = if list(claims.get(GROUPS)).contains(&group) {
            Change::Leave(group)
        } else {
            Change::Join(group)
        };
        with(About::Group, &|single| {
            *single = after(single, [&change].into_iter())
        });
    }
    for scope in words(theirs.get("scope")) {
        let change = if words(claims.get("scope")).contains(&scope) {
            Change::DropScope(scope)
        } else {
            Change::AddScope(scope)
        };
        with(About::Scope, &|single| {
            *single = after(single, [&change].into_iter())
        });
    }
    singles
}
