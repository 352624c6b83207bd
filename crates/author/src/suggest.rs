//! Suggested tests: requests that cover what no test covers, or that catch mutants.
//!
//! Every request was found by evaluating it, and the expectation is the policy's current decision;
//! the author must review whether it is right. Not here: finding what is missed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::{Map, Value};
use tollgate_gate::Gate;
use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::ImageSpec;

use crate::coverage::{Item, Meter};
use crate::locate::RuleSpans;
use crate::mutate::{Mutant, MutantOutcome, run::pool, run::usual};
use crate::probe::{self, Pool, Visit, Visitor};
use crate::suite::{self, Actual, TestFile, run as ask, test_file_for};
use crate::syntax::{moment, quoted};

pub use crate::syntax::inline;

/// The number of random requests in the search for one that covers an item.
const VISITS: usize = 20_000;

/// A suggested test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The test file that it belongs to.
    pub file: String,
    /// The rule it is about, by index in the policy.
    pub rule: usize,
    /// Its purpose, in one line.
    pub why: String,
    /// The TOML.
    pub text: String,
}

/// The name, the claims and the issuer (unless it is the first) of a user that a suggestion
/// declares.
type Declared = (String, Map<String, Value>, Option<String>);

/// Suggests tests for one policy and its existing tests.
pub struct Suggester<'a> {
    policy: &'a ImageSpec,
    places: &'a [RuleSpans],
    files: &'a [TestFile],
    gate: &'a Gate<Vec<u8>>,
    pool: Pool,
    /// The users declared by suggestions, by file.
    declared: BTreeMap<String, Vec<Declared>>,
    /// The suggestions so far, so that no request is suggested twice.
    texts: BTreeSet<(String, String)>,
    /// The names of existing and suggested tests, by file.
    names: BTreeSet<(String, String)>,
}

impl<'a> Suggester<'a> {
    /// Prepares suggestions. `gate` evaluates the policy.
    pub fn new(
        policy: &'a ImageSpec,
        places: &'a [RuleSpans],
        files: &'a [TestFile],
        gate: &'a Gate<Vec<u8>>,
    ) -> Self {
        Self {
            policy,
            places,
            files,
            gate,
            pool: pool(policy, gate, files),
            declared: BTreeMap::new(),
            texts: BTreeSet::new(),
            names: files
                .iter()
                .flat_map(|file| {
                    let name = |case: &suite::Case| (file.file.clone(), case.name.clone());
                    file.cases.iter().map(name)
                })
                .collect(),
        }
    }

    /// Suggests a test that covers `item`, item `at` of the meter, if one is found.
    pub fn cover(&mut self, meter: &Meter, at: usize, item: &Item) -> Option<Suggestion> {
        let rule = self.policy.rules.get(item.rule)?;
        let file = self.places.get(item.rule)?.file.clone();
        let mut rng = Rng::with_seed(at as u64);
        let usual = usual(&file, self.files);
        let visit = probe::find(&self.pool, &[rule], usual, VISITS, &mut rng, |visit| {
            visit.with_request(|ask| meter.covered_by(ask).contains(&at))
        })?;
        let why = format!("{}/{}: {}", rule.course, rule.id, item.wanted.missed());
        self.suggest(item.rule, &visit, why)
    }

    /// Suggests a test that catches a mutant which no test catches.
    pub fn catch_mutant(&mut self, mutant: &Mutant, outcome: &MutantOutcome) -> Option<Suggestion> {
        let MutantOutcome::Missed(survivor) = outcome else {
            return None;
        };
        let rule = self.policy.rules.get(mutant.rule)?;
        let why = format!(
            "{}/{}: catches the mutant in which {}",
            rule.course, rule.id, mutant.change
        );
        self.suggest(mutant.rule, &survivor.visit, why)
    }

    fn suggest(&mut self, rule: usize, visit: &Visit, why: String) -> Option<Suggestion> {
        let file = test_file_for(&self.places.get(rule)?.file);
        let got = visit.with_request(|visit| ask(self.gate, visit, &mut ()));
        let (who, declaration) = self.who(&file, visit);
        let body = self.body(&file, visit, &who, &got);
        if !self.texts.insert((file.clone(), body.clone())) {
            return None;
        }
        let mut text = declaration;
        let name = self.name(&file, rule, visit, &who, &got);
        text.push_str(&format!("[[test]]\nname = {}\n{body}", quoted(&name)));
        Some(Suggestion {
            file,
            rule,
            why,
            text,
        })
    }

    /// A test name built from the rule and the request, unique in the file: a test pasted today
    /// must not collide with one pasted tomorrow.
    fn name(&mut self, file: &str, rule: usize, visit: &Visit, who: &str, got: &Actual) -> String {
        const LONGEST_TARGET: usize = 80;
        let rule = self.policy.rules.get(rule);
        let rule = rule.map(|rule| format!("{}/{}", rule.course, rule.id));
        let mut target: String = visit.target.chars().take(LONGEST_TARGET).collect();
        if target.len() < visit.target.len() {
            target.push('…');
        }
        let plain = format!(
            "{}: {} {target} as {who}: {}",
            rule.unwrap_or_default(),
            visit.method,
            got.reason.code()
        );
        let numbered = (2..).map(|number| format!("{plain} ({number})"));
        let name = core::iter::once(plain.clone())
            .chain(numbered)
            .find(|name| self.names.insert((file.to_owned(), name.clone())));
        name.unwrap_or(plain)
    }

    /// The keys of a test except its name.
    fn body(&self, file: &str, visit: &Visit, who: &str, got: &Actual) -> String {
        let usual = usual(file.strip_suffix(suite::SUFFIX).unwrap_or(file), self.files);
        let own = self.files.iter().find(|known| known.file == file);
        let mut text = String::new();
        if who != "nobody" {
            text.push_str(&format!("who = {}\n", quoted(who)));
        }
        let target = quoted(&visit.target);
        if visit.method == "GET" {
            text.push_str(&format!("get = {target}\n"));
        } else {
            let method = quoted(&visit.method);
            text.push_str(&format!("method = {method}\ntarget = {target}\n"));
        }
        let ip = own.map_or(usual.ip, |own| own.ip);
        if visit.ip != ip {
            let ip = visit.ip.map_or("unknown".to_owned(), |ip| ip.to_string());
            text.push_str(&format!("ip = {}\n", quoted(&ip)));
        }
        if own.is_none_or(|own| own.now != visit.now) {
            text.push_str(&format!("now = {}\n", moment(visit.now)));
        }
        text.push_str(&format!("expect = {}\n", quoted(got.reason.code())));
        if let Some(rule) = &got.rule {
            text.push_str(&format!("rule = {}\n", quoted(rule)));
        }
        text
    }

    /// The user's name in the file, and the declaration if it is new there.
    fn who(&mut self, file: &str, visit: &Visit) -> (String, String) {
        let (mut claims, issuer) = match &visit.who {
            Visitor::Nobody => return ("nobody".to_owned(), String::new()),
            Visitor::BadToken => return ("bad-token".to_owned(), String::new()),
            Visitor::Known(person) => {
                let known = self.files.iter().find(|known| known.file == file);
                let mut people = known.into_iter().flat_map(|known| &known.people);
                let is_known =
                    people.any(|other| other.name == person.name && other.claims == person.claims);
                if is_known {
                    return (person.name.clone(), String::new());
                }
                let text = person.claims.text();
                let object = serde_json::from_str(text).unwrap_or_default();
                let issuer = issuer_of(&object, self.gate.config());
                (object, issuer)
            }
            Visitor::Synthetic(made) => (made.object(), made.issuer.clone()),
        };
        claims.remove("iss");
        let declared = self.declared.entry(file.to_owned()).or_default();
        let issuer = issuer.filter(|issuer| {
            let first = self.gate.config().sign_in_issuers().next();
            first.is_none_or(|first| first.name != *issuer)
        });
        let mut known = declared.iter();
        let known = known.find(|(_, known, from)| *known == claims && *from == issuer);
        if let Some((name, ..)) = known {
            return (name.clone(), String::new());
        }
        let taken = |name: &str| {
            let files = self.files.iter().flat_map(|file| &file.people);
            files.clone().any(|person| person.name == name)
                || declared.iter().any(|(known, ..)| known == name)
        };
        let name = (1..)
            .map(|count| format!("visitor-{count}"))
            .find(|name| !taken(name))
            .unwrap_or_default();
        let mut text = format!("[people.{name}]\n");
        if let Some(issuer) = &issuer {
            text.push_str(&format!("issuer = {}\n", quoted(issuer)));
        }
        text.push_str(&format!(
            "claims = {}\n\n",
            inline(&Value::Object(claims.clone()))
        ));
        declared.push((name.clone(), claims, issuer));
        (name, text)
    }
}

/// The name of the issuer with the `iss` of these claims.
fn issuer_of(claims: &Map<String, Value>, config: &GateConfig) -> Option<String> {
    let iss = claims.get("iss")?.as_str()?;
    let issuer = config
        .issuers
        .iter()
        .find(|issuer| issuer.issuers.iter().any(|known| known == iss))?;
    Some(issuer.name.clone())
}

#[cfg(test)]
mod tests;
