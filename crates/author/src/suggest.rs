//! Tests to paste: visits that cover what no test covers and tell mutants from the policy.
//!
//! Every visit was found by asking the evaluator, and the answer written down is what the policy says today;
//! whether that is right is for the author to say. Not here: finding what is missed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::{Map, Value};
use tollgate_gate::Gate;
use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::ImageSpec;

use crate::coverage::{Item, Meter};
use crate::locate::Places;
use crate::mutate::{Fate, Mutant, run::pool, run::usual};
use crate::probe::{self, Pool, Visit, Visitor};
use crate::suite::{self, Got, TestFile, beside, run as ask};
use crate::words::{moment, quoted};

/// Random visits in which one that covers something is looked for.
const VISITS: usize = 20_000;

/// A test to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The test file it belongs into.
    pub file: String,
    /// The rule it is about, by position in the policy.
    pub rule: usize,
    /// What it is for, one line.
    pub why: String,
    /// The TOML.
    pub text: String,
}

/// The name, the claims and the issuer, unless it is the first, of somebody whom a suggestion declares.
type Declared = (String, Map<String, Value>, Option<String>);

/// Makes suggestions for one policy and its tests.
pub struct Suggester<'a> {
    policy: &'a ImageSpec,
    places: &'a [Places],
    files: &'a [TestFile],
    gate: &'a Gate<Vec<u8>>,
    pool: Pool,
    /// Names of people that were declared by suggestions, by file.
    declared: BTreeMap<String, Vec<Declared>>,
    /// What was suggested, so that one visit is not suggested twice.
    texts: BTreeSet<(String, String)>,
    /// The names of tests, by file: those that are there, and those that were suggested.
    names: BTreeSet<(String, String)>,
}

impl<'a> Suggester<'a> {
    /// Prepares suggestions. `gate` decides as the policy says.
    pub fn new(
        policy: &'a ImageSpec,
        places: &'a [Places],
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

    /// A test that covers `item`, the `at`th of the meter, if one is found.
    pub fn cover(&mut self, meter: &Meter, at: usize, item: &Item) -> Option<Suggestion> {
        let rule = self.policy.rules.get(item.rule)?;
        let file = self.places.get(item.rule)?.file.clone();
        let mut rng = Rng::with_seed(at as u64);
        let usual = usual(&file, self.files);
        let visit = probe::find(&self.pool, &[rule], usual, VISITS, &mut rng, |visit| {
            visit.ask(|ask| meter.covered_by(ask).contains(&at))
        })?;
        let why = format!("{}/{}: {}", rule.course, rule.id, item.wanted.missed());
        self.suggest(item.rule, &visit, why)
    }

    /// A test that notices a mutant that none did.
    pub fn notice(&mut self, mutant: &Mutant, fate: &Fate) -> Option<Suggestion> {
        let Fate::Missed(survivor) = fate else {
            return None;
        };
        let rule = self.policy.rules.get(mutant.rule)?;
        let why = format!(
            "{}/{}: notices that {}",
            rule.course, rule.id, mutant.change
        );
        self.suggest(mutant.rule, &survivor.visit, why)
    }

    fn suggest(&mut self, rule: usize, visit: &Visit, why: String) -> Option<Suggestion> {
        let file = beside(&self.places.get(rule)?.file);
        let got = visit.ask(|visit| ask(self.gate, visit, &mut ()));
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

    /// A name after rule and request, that no test of the file has: what is pasted today must not collide with
    /// what is pasted tomorrow.
    fn name(&mut self, file: &str, rule: usize, visit: &Visit, who: &str, got: &Got) -> String {
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

    /// The keys of a test but for its name.
    fn body(&self, file: &str, visit: &Visit, who: &str, got: &Got) -> String {
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

    /// The visitor's name in the file, and their declaration if they are new there.
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
            Visitor::Made(made) => (made.object(), made.issuer.clone()),
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

/// The name of the issuer whose `iss` the claims have.
fn issuer_of(claims: &Map<String, Value>, config: &GateConfig) -> Option<String> {
    let iss = claims.get("iss")?.as_str()?;
    let issuer = config
        .issuers
        .iter()
        .find(|issuer| issuer.issuers.iter().any(|known| known == iss))?;
    Some(issuer.name.clone())
}

/// A JSON value as TOML on one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(inline).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(entries) => {
            let is_bare = |name: &str| {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                !name.is_empty() && name.chars().all(plain)
            };
            let entries: Vec<String> = entries
                .iter()
                .map(|(name, value)| {
                    let name = if is_bare(name) {
                        name.clone()
                    } else {
                        quoted(name)
                    };
                    format!("{name} = {}", inline(value))
                })
                .collect();
            if entries.is_empty() {
                "{}".to_owned()
            } else {
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests;
