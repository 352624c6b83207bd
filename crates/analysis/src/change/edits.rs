//! Single changes to a request that the rules for its path could notice.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use tollgate_core::Effect;
use tollgate_policy::spec::Expr;
use tollgate_token::ClaimPath;

use super::Change;
use crate::domain::Domain;
use crate::eval::{can_be_scope, filled};
use crate::request::Request;
use crate::space::{Alias, Assignment, Issuer, Space, Value as Chosen, Var, find, insert, remove};
use crate::walk::PathClass;

/// A change, and the issuer of the token that it changes.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) change: Change,
    issuer: Issuer,
}

/// All edits of one request are about one issuer.
impl PartialEq for Edit {
    fn eq(&self, other: &Self) -> bool {
        self.change == other.change
    }
}

impl Edit {
    pub(super) fn cost(&self) -> u32 {
        self.change.cost()
    }

    /// Two edits about the same thing do not go together.
    pub(super) fn about(&self) -> String {
        match &self.change {
            Change::SignIn | Change::SignOut => "token".to_owned(),
            Change::Join(name) | Change::Leave(name) => format!("group {name}"),
            Change::AddScope(name) | Change::DropScope(name) => format!("scope {name}"),
            Change::Claim(name, _) => format!("claim {name}"),
            Change::Address(_) => "address".to_owned(),
            Change::Time(_) => "time".to_owned(),
            Change::Method(_) => "method".to_owned(),
            Change::Path(_) => "path".to_owned(),
        }
    }

    /// Whether it changes the contents of a token.
    pub(super) const fn is_about_claims(&self) -> bool {
        matches!(
            self.change,
            Change::Join(_)
                | Change::Leave(_)
                | Change::AddScope(_)
                | Change::DropScope(_)
                | Change::Claim(..)
        )
    }

    pub(super) fn apply(&self, request: &mut Request) {
        let claims = |request: &mut Request, change: &dyn Fn(&mut Map<String, Value>)| {
            request.claims.as_mut().map(change);
        };
        match &self.change {
            Change::SignIn => drop(request.claims.get_or_insert_with(Map::new)),
            Change::SignOut => request.claims = None,
            Change::Join(name) => claims(request, &|claims| self.issuer.join(claims, name)),
            Change::Leave(name) => claims(request, &|claims| self.issuer.leave(claims, name)),
            Change::AddScope(name) => claims(request, &|claims| {
                let mut scopes = scopes(claims);
                scopes.push(name.clone());
                claims.insert("scope".to_owned(), Value::from(scopes.join(" ")));
            }),
            Change::DropScope(name) => claims(request, &|claims| {
                let mut scopes = scopes(claims);
                scopes.retain(|scope| scope != name);
                claims.insert("scope".to_owned(), Value::from(scopes.join(" ")));
            }),
            Change::Claim(place, Some(value)) => claims(request, &|claims| {
                insert(claims, place, value.clone());
            }),
            Change::Claim(place, None) => claims(request, &|claims| remove(claims, place)),
            Change::Address(ip) => request.ip = *ip,
            Change::Time(now) => request.now = *now,
            Change::Method(method) => request.method.clone_from(method),
            Change::Path(target) => request.target.clone_from(target),
        }
    }
}

fn scopes(claims: &Map<String, Value>) -> Vec<String> {
    let text = claims.get("scope").and_then(Value::as_str);
    text.unwrap_or_default()
        .split(' ')
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The issuer that the request's `iss` names, or the one that is assumed without `iss`.
fn issuer_of<'s>(space: &'s Space<'_>, request: &Request) -> &'s Issuer {
    let claims = request.claims.as_ref();
    space.issuer(claims.and_then(|claims| claims.get("iss")?.as_str()))
}

/// The texts of a list claim.
fn texts(claims: Option<&Map<String, Value>>, place: &ClaimPath) -> BTreeSet<String> {
    claims
        .and_then(|claims| find(claims, place)?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

fn sub_claim(issuer: &Issuer, subject: &str) -> Change {
    Change::Claim(
        ClaimPath::top("sub"),
        Some(Value::from(issuer.sub(subject))),
    )
}

/// All changes of values that a rule for this class of paths reads.
pub(super) fn all(space: &Space<'_>, kind: &PathClass<'_>, request: &Request) -> Vec<Edit> {
    let issuer = issuer_of(space, request);
    let mut changes: Vec<Change> = Vec::new();
    changes.push(match request.claims {
        None => Change::SignIn,
        Some(_) => Change::SignOut,
    });
    let chosen = assignment(space, request);
    let (mut asked_groups, mut asked_scopes) = (BTreeSet::new(), BTreeSet::new());
    for hit in &kind.hits {
        let who = &hit.spec.who;
        let named = |names: &Option<Vec<tollgate_policy::spec::Template>>| -> Vec<String> {
            let names = names.iter().flatten();
            names
                .filter_map(|name| filled(name, hit, &chosen).ok())
                .map(|name| name.to_string())
                .collect()
        };
        asked_groups.extend(named(&who.groups));
        let scopes = named(&who.scopes);
        asked_scopes.extend(scopes.into_iter().filter(|name| can_be_scope(name)));
        for subject in named(&who.subjects) {
            changes.push(sub_claim(issuer, &subject));
        }
        // Another subject is not subject to a deny for some subjects.
        if who.subjects.is_some() && hit.spec.effect == Effect::Deny {
            changes.push(sub_claim(issuer, "another-user"));
        }
        for condition in [&hit.spec.when, &hit.spec.unless].into_iter().flatten() {
            let eval = crate::eval::Eval {
                space,
                chosen: &chosen,
            };
            condition.each(&mut |expr| {
                if let Expr::InGroups(inner) = expr
                    && let crate::eval::Term::Text(name) = eval.term(inner, hit)
                {
                    asked_groups.insert(name.to_string());
                }
                // What is looked for in a list can be changed instead of the list.
                if let Expr::InGroups(inner) | Expr::InClaim(inner, _) = expr {
                    let listed = match expr {
                        Expr::InClaim(_, slot) => own_members(space, hit.side, *slot, request),
                        _ => issuer.groups(request.claims.as_ref()),
                    };
                    changes.extend(listed.into_iter().filter_map(|name| {
                        let name = Chosen::Text(name.into());
                        change(
                            space,
                            issuer,
                            &text_variable(space, hit.side, inner)?,
                            &name,
                        )
                    }));
                }
                if let Expr::InClaim(inner, slot) = expr
                    && let crate::eval::Term::Text(name) = eval.term(inner, hit)
                    && let Some((number, _)) = space.slot(hit.side, *slot)
                {
                    changes.extend(members(space, number, &name, request));
                }
            });
        }
    }
    let own = issuer.groups(request.claims.as_ref());
    for name in asked_groups {
        changes.push(if own.contains(&name) {
            Change::Leave(name)
        } else {
            Change::Join(name)
        });
    }
    let own = request.claims.as_ref().map(scopes).unwrap_or_default();
    for name in asked_scopes {
        changes.push(if own.contains(&name) {
            Change::DropScope(name)
        } else {
            Change::AddScope(name)
        });
    }
    let mut domain = Domain::new(space, &kind.hits);
    let mut vars = vec![Var::Method, Var::Ip, Var::Now, Var::Subject, Var::Issuer];
    vars.extend((0..).map(Var::Claim).take(space.claims.len()));
    for var in vars {
        let is_read = domain.reads(&var);
        if !is_read {
            continue;
        }
        let mut others = without(&chosen, &var);
        for value in domain.values(&var, &mut others).iter() {
            changes.extend(change(space, issuer, &var, value));
        }
    }
    let mut edits: Vec<Edit> = Vec::new();
    for change in changes {
        // Nobody can come at a time that is over.
        if matches!(change, Change::Time(now) if now < request.now) {
            continue;
        }
        let edit = Edit {
            change,
            issuer: issuer.clone(),
        };
        let mut changed = request.clone();
        if edit.is_about_claims() {
            // Without a token, the user would have to sign in as well.
            changed.claims.get_or_insert_with(Map::new);
        }
        edit.apply(&mut changed);
        if changed != *request && !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    edits
}

/// The members of the token's list claim in a slot.
fn own_members(space: &Space<'_>, side: usize, slot: u16, request: &Request) -> BTreeSet<String> {
    let claim = space
        .slot(side, slot)
        .and_then(|(number, _)| space.claim_var(number));
    claim
        .map(|claim| texts(request.claims.as_ref(), &claim.place))
        .unwrap_or_default()
}

/// The variable of an expression, if it is a string in a token.
fn text_variable(space: &Space<'_>, side: usize, expr: &Expr) -> Option<Var> {
    match expr {
        Expr::Subject => Some(Var::Subject),
        Expr::Claim(slot) => space
            .slot(side, *slot)
            .map(|(number, _)| Var::Claim(number)),
        _ => None,
    }
}

fn members(space: &Space<'_>, number: u16, name: &str, request: &Request) -> Option<Change> {
    let claim = space.claim_var(number)?;
    if claim.alias != Alias::None {
        return None;
    }
    let list = request
        .claims
        .as_ref()
        .and_then(|claims| find(claims, &claim.place)?.as_array())
        .cloned()
        .unwrap_or_default();
    let wanted = Value::from(name);
    let mut changed = list.clone();
    if list.contains(&wanted) {
        changed.retain(|item| *item != wanted);
    } else {
        changed.push(wanted);
    }
    Some(Change::Claim(
        claim.place.clone(),
        Some(Value::Array(changed)),
    ))
}

fn change(space: &Space<'_>, issuer: &Issuer, var: &Var, value: &Chosen) -> Option<Change> {
    let json = match value {
        Chosen::Missing => None,
        Chosen::Text(text) => Some(Value::from(&**text)),
        Chosen::Int(int) => Some(Value::from(*int)),
        Chosen::Bool(truth) => Some(Value::from(*truth)),
        Chosen::List => Some(Value::Array(Vec::new())),
        Chosen::Wrong => Some(Value::Object(Map::new())),
        Chosen::Ip(_) => None,
    };
    Some(match (var, value) {
        (Var::Method, Chosen::Text(name)) => Change::Method(name.to_string()),
        (Var::Ip, Chosen::Ip(ip)) => Change::Address(*ip),
        (Var::Now, Chosen::Int(now)) => Change::Time(*now),
        (Var::Subject, Chosen::Text(subject)) => sub_claim(issuer, subject),
        (Var::Subject, _) => Change::Claim(ClaimPath::top("sub"), json),
        (Var::Issuer, Chosen::Text(_)) => Change::Claim(ClaimPath::top("iss"), json),
        (Var::Claim(number), _) => {
            let claim = space.claim_var(*number)?;
            if claim.alias != Alias::None {
                return None;
            }
            Change::Claim(claim.place.clone(), json)
        }
        _ => return None,
    })
}

/// The values of the request, as an assignment.
fn assignment(space: &Space<'_>, request: &Request) -> Assignment {
    let mut chosen = Assignment::default();
    // A request without a token is treated as one with an empty token, so that its claims are considered.
    chosen.push(Var::Token, Chosen::Bool(true));
    chosen.push(Var::Method, Chosen::Text(request.method.as_str().into()));
    chosen.push(Var::Ip, Chosen::Ip(request.ip));
    chosen.push(Var::Now, Chosen::Int(request.now));
    let empty = Map::new();
    let claims = request.claims.as_ref().unwrap_or(&empty);
    let value = |json: Option<&Value>| match json {
        None | Some(Value::Null) => Chosen::Missing,
        Some(Value::String(text)) => Chosen::Text(text.as_str().into()),
        Some(Value::Bool(truth)) => Chosen::Bool(*truth),
        Some(Value::Array(_)) => Chosen::List,
        Some(Value::Number(number)) => number.as_i64().map_or(Chosen::Wrong, Chosen::Int),
        Some(_) => Chosen::Wrong,
    };
    let issuer = issuer_of(space, request);
    chosen.push(
        Var::Subject,
        match value(claims.get("sub")) {
            Chosen::Text(sub) => Chosen::Text(issuer.subject(&sub).into()),
            other => other,
        },
    );
    let iss = match claims.get("iss") {
        Some(Value::String(text)) if space.issuers.is_empty() => text.as_str().into(),
        _ => issuer.iss.clone(),
    };
    if !iss.is_empty() {
        chosen.push(Var::Issuer, Chosen::Text(iss));
    }
    for (number, claim) in (0..).zip(&space.claims) {
        if claim.alias == Alias::None {
            chosen.push(Var::Claim(number), value(find(claims, &claim.place)));
        }
    }
    chosen
}

fn without(chosen: &Assignment, var: &Var) -> Assignment {
    let mut others = Assignment::default();
    for (known, value) in chosen.iter().filter(|(known, _)| known != var) {
        others.push(known.clone(), value.clone());
    }
    others
}

/// The edits that make one request of another.
pub(super) fn between(space: &Space<'_>, from: &Request, to: &Request) -> Vec<Edit> {
    let issuer = issuer_of(space, to);
    let mut changes = Vec::new();
    if from.method != to.method {
        changes.push(Change::Method(to.method.clone()));
    }
    if from.ip != to.ip {
        changes.push(Change::Address(to.ip));
    }
    if from.now != to.now {
        changes.push(Change::Time(to.now));
    }
    match (&from.claims, &to.claims) {
        (Some(_), None) => changes.push(Change::SignOut),
        (before, Some(after)) => {
            if before.is_none() {
                changes.push(Change::SignIn);
            }
            let none = Map::new();
            let before = before.as_ref().unwrap_or(&none);
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let (own, wanted) = (issuer.groups(Some(before)), issuer.groups(Some(after)));
            let is_groups = |name: &str| issuer.group_places().any(|place| place.first() == name);
            changes.extend(own.difference(&wanted).cloned().map(Change::Leave));
            changes.extend(wanted.difference(&own).cloned().map(Change::Join));
            for name in names {
                if !is_groups(name) && before.get(name) != after.get(name) {
                    changes.push(Change::Claim(
                        ClaimPath::top(name),
                        after.get(name).cloned(),
                    ));
                }
            }
        }
        (None, None) => {}
    }
    changes
        .into_iter()
        .map(|change| Edit {
            change,
            issuer: issuer.clone(),
        })
        .collect()
}
