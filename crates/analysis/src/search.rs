//! Searching for a request on one path with some property, or a proof that none exists.
//!
//! The property is evaluated for the values chosen so far; if it is undetermined, it names a variable, and each
//! class of values of that variable is tried. Properties are determined long before every variable has a value,
//! so few are tried. Not here: paths, and the values to try ([`domain`](crate::domain)).

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::domain::Domain;
use crate::eval::{Answer, Eval};
use crate::request::Request;
use crate::space::{Alias, Assignment, Hit, Space, Value, Var, insert};

/// Steps after which a search on one path gives up. No realistic policy comes near.
const MOST_STEPS: u64 = 400_000;

/// The result of a search.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found<T> {
    /// A request with the property.
    Yes(T),
    /// No request has the property.
    No,
    /// It took too long, or no request found has the property in the real evaluator.
    GaveUp,
}

/// Searches on one path.
pub(crate) struct Search<'a, 'p> {
    space: &'a Space<'p>,
    domain: Domain<'a, 'p>,
    chosen: Assignment,
    steps: u64,
    /// Steps after which it gives up.
    most: u64,
    /// A request was found but not accepted: this evaluation and the real one disagree about it.
    refused: bool,
}

impl<'a, 'p> Search<'a, 'p> {
    pub(crate) fn new(space: &'a Space<'p>, hits: &'a [Hit<'p>]) -> Self {
        Self {
            space,
            domain: Domain::new(space, hits),
            chosen: Assignment::default(),
            steps: 0,
            most: MOST_STEPS,
            refused: false,
        }
    }

    /// The first request with the property that `accept` takes. It takes all that have it when replayed; if it
    /// takes none of those found, nothing is concluded.
    pub(crate) fn find<T>(
        &mut self,
        property: &dyn Fn(&Eval<'_, 'p>) -> Answer,
        accept: &mut dyn FnMut(&Assignment) -> Option<T>,
    ) -> Found<T> {
        (self.steps, self.most, self.refused) = (0, MOST_STEPS, false);
        self.concluded(property, accept)
    }

    /// The same with what is left of a budget that many searches share; it is charged.
    pub(crate) fn find_within<T>(
        &mut self,
        left: &mut u64,
        property: &dyn Fn(&Eval<'_, 'p>) -> Answer,
        accept: &mut dyn FnMut(&Assignment) -> Option<T>,
    ) -> Found<T> {
        (self.steps, self.most, self.refused) = (0, MOST_STEPS.min(*left), false);
        let found = self.concluded(property, accept);
        *left = left.saturating_sub(self.steps);
        found
    }

    fn concluded<T>(
        &mut self,
        property: &dyn Fn(&Eval<'_, 'p>) -> Answer,
        accept: &mut dyn FnMut(&Assignment) -> Option<T>,
    ) -> Found<T> {
        match self.descend(property, accept) {
            Found::No if self.refused => Found::GaveUp,
            found => found,
        }
    }

    /// Whether any request has the property.
    pub(crate) fn is_possible(&mut self, property: &dyn Fn(&Eval<'_, 'p>) -> Answer) -> bool {
        // Giving up counts as possible, because it proves nothing.
        !matches!(self.find(property, &mut |_| Some(())), Found::No)
    }

    fn descend<T>(
        &mut self,
        property: &dyn Fn(&Eval<'_, 'p>) -> Answer,
        accept: &mut dyn FnMut(&Assignment) -> Option<T>,
    ) -> Found<T> {
        self.steps += 1;
        if self.steps > self.most {
            return Found::GaveUp;
        }
        let eval = Eval {
            space: self.space,
            chosen: &self.chosen,
        };
        let var = match property(&eval) {
            Answer::No => return Found::No,
            Answer::Yes => {
                let accepted = accept(&self.chosen);
                self.refused |= accepted.is_none();
                return accepted.map_or(Found::No, Found::Yes);
            }
            Answer::Open(var) => var,
        };
        let values = self.domain.values(&var, &mut self.chosen);
        for value in values.iter() {
            self.chosen.push(var.clone(), value.clone());
            let found = self.descend(property, accept);
            self.chosen.pop();
            if !matches!(found, Found::No) {
                return found;
            }
        }
        Found::No
    }
}

impl<T> Found<T> {
    pub(crate) fn found(self) -> Option<T> {
        match self {
            Self::Yes(found) => Some(found),
            Self::No | Self::GaveUp => None,
        }
    }
}

/// The request that an assignment describes. What was not chosen is left out of it.
pub(crate) fn request(space: &Space<'_>, target: &str, chosen: &Assignment) -> Request {
    let mut request = Request {
        method: "GET".to_owned(),
        target: target.to_owned(),
        ip: None,
        now: space.now,
        claims: None,
    };
    // If no rule reads the method, any will do.
    if let Some(Value::Text(method)) = chosen.value(&Var::Method) {
        request.method = method.to_string();
    }
    if let Some(Value::Ip(ip)) = chosen.value(&Var::Ip) {
        request.ip = *ip;
    }
    if let Some(Value::Int(now)) = chosen.value(&Var::Now) {
        request.now = *now;
    }
    if chosen.is_set(&Var::Token) {
        request.claims = Some(claims(space, chosen));
    }
    request
}

fn claims(space: &Space<'_>, chosen: &Assignment) -> Map<String, Json> {
    let mut claims = Map::new();
    let (mut groups, mut scopes) = (BTreeSet::new(), BTreeSet::new());
    let iss = match chosen.value(&Var::Issuer) {
        Some(Value::Text(iss)) => Some(iss.clone()),
        _ => None,
    };
    let issuer = space.issuer(iss.as_deref());
    for (var, value) in chosen.iter() {
        match (var, value) {
            (Var::Group(name), Value::Bool(true)) => drop(groups.insert(&**name)),
            (Var::Scope(name), Value::Bool(true)) => drop(scopes.insert(&**name)),
            (Var::Subject, Value::Text(text)) => {
                claims.insert("sub".to_owned(), Json::from(issuer.sub(text)));
            }
            (Var::Claim(number), value) => {
                if let Some(claim) = space.claim_var(*number)
                    && let Some(json) = claim_json(*number, value, chosen)
                {
                    insert(&mut claims, &claim.place, json);
                }
            }
            _ => {}
        }
    }
    let declared = |alias| space.claims.iter().any(|claim| claim.alias == alias);
    if declared(Alias::Groups) {
        issuer.no_groups(&mut claims);
    }
    for group in groups {
        issuer.join(&mut claims, group);
    }
    if !scopes.is_empty() {
        let scopes: Vec<&str> = scopes.into_iter().collect();
        claims.insert("scope".to_owned(), Json::from(scopes.join(" ")));
    }
    let default = declared(Alias::Issuer).then(|| issuer.iss.clone());
    if let Some(iss) = iss.or(default).filter(|iss| !iss.is_empty()) {
        claims.insert("iss".to_owned(), Json::from(&*iss));
    }
    claims
}

fn claim_json(number: u16, value: &Value, chosen: &Assignment) -> Option<Json> {
    Some(match value {
        Value::Missing | Value::Ip(_) => return None,
        // No declared type is an object, and `null` would be no claim.
        Value::Wrong => Json::Object(Map::new()),
        Value::Text(text) => Json::from(&**text),
        Value::Int(int) => Json::from(*int),
        Value::Bool(truth) => Json::from(*truth),
        Value::List => Json::Array(
            chosen
                .iter()
                .filter_map(|(var, value)| match (var, value) {
                    (Var::Member(list, name), Value::Bool(true)) if *list == number => {
                        Some(Json::from(&**name))
                    }
                    _ => None,
                })
                .collect(),
        ),
    })
}
