//! Suggested tests: requests that cover what no test covers, or that catch mutants.
//!
//! Every request was found by evaluating it, and the expectation is the policy's current decision;
//! the author must review whether it is right. Not here: finding what is missed.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use fastrand::Rng;
use serde_json::{Map, Value};
use tollgate_gate::Gate;
use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::ImageSpec;

use crate::coverage::{Item, Meter};
use crate::locate::RuleSpans;
use crate::mutate::{Mutant, MutantOutcome, run::Files};
use crate::neighbours::{PathIndex, among};
use crate::probe::{self, Visit, Visitor};
use crate::suite::{self, Actual, TestFile, run as ask, test_file_for};
use crate::syntax::{moment, quoted};

pub use crate::syntax::inline;

/// The most random requests in the search for one that covers an item. Nearly all items that can be covered need
/// less than a hundred.
const MOST_VISITS: usize = 20_000;

/// The least, and about the number in all searches together: a large site can have thousands of items that nothing
/// covers, one in each course.
const LEAST_VISITS: usize = 500;
const ALL_VISITS: usize = 4_000_000;

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
    files: Files<'a>,
    gate: &'a Gate<Vec<u8>>,
    /// The rules by path.
    rules: PathIndex,
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
            files: Files::new(files),
            gate,
            rules: PathIndex::of_rules(policy),
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

    /// Suggests tests for items of the meter that no test covers, given with their numbers. An item that a test
    /// suggested for another item of its rule covers needs none. `progress` is called after each item.
    pub fn cover(
        &mut self,
        meter: &Meter,
        items: &[(usize, &Item)],
        progress: &(dyn Fn() + Sync),
    ) -> Vec<Suggestion> {
        let rules: Vec<&[(usize, &Item)]> =
            items.chunk_by(|(_, a), (_, b)| a.rule == b.rule).collect();
        let tries = ALL_VISITS.checked_div(items.len()).unwrap_or_default();
        let tries = tries.clamp(LEAST_VISITS, MOST_VISITS);
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let this = &*self;
        std::thread::scope(|scope| {
            for _ in 0..workers.min(rules.len()) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(items) = rules.get(at) else {
                            return;
                        };
                        let visits = this.visits(meter, items, tries, progress);
                        if let Ok(mut done) = done.lock() {
                            done.push((at, visits));
                        }
                    }
                });
            }
        });
        let mut found = done.into_inner().unwrap_or_default();
        found.sort_by_key(|(at, _)| *at);
        let found = found.into_iter().flat_map(|(_, visits)| visits);
        found
            .filter_map(|(item, visit)| {
                let rule = self.policy.rules.get(item.rule)?;
                let why = format!("{}/{}: {}", rule.course, rule.id, item.wanted.missed());
                self.suggest(item.rule, &visit, why)
            })
            .collect()
    }

    /// Searches for requests that cover these items of one rule, with at most `tries` random requests each.
    fn visits<'i>(
        &self,
        meter: &Meter,
        items: &[(usize, &'i Item)],
        tries: usize,
        progress: &(dyn Fn() + Sync),
    ) -> Vec<(&'i Item, Visit)> {
        let mut found = Vec::new();
        let mut covered = BTreeSet::new();
        let Some((_, first)) = items.first() else {
            return found;
        };
        let (Some(rule), Some(places)) = (
            self.policy.rules.get(first.rule),
            self.places.get(first.rule),
        ) else {
            return found;
        };
        let near = among(self.policy, &self.rules.near(&rule.patterns));
        let pool = self.files.pool(&near, self.gate, &places.file);
        let usual = self.files.usual(&places.file);
        for (at, item) in items {
            if !covered.contains(at) {
                let mut rng = Rng::with_seed(*at as u64);
                let visit = probe::find(&pool, &[rule], usual, tries, &mut rng, |visit| {
                    visit.with_request(|ask| meter.covered_by(ask).contains(at))
                });
                if let Some(visit) = visit {
                    covered.extend(visit.with_request(|ask| meter.covered_by(ask)));
                    found.push((*item, visit));
                }
            }
            progress();
        }
        found
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
        let (who, declaration) = self.who(&file, rule, visit);
        let body = self.body(&file, visit, &who, &got);
        if !self.texts.insert((file.clone(), body.clone())) {
            return None;
        }
        let mut text = declaration;
        let name = self.name(&file, rule, visit, &who, (&got, &body));
        text.push_str(&format!("[[test]]\nname = {}\n{body}", quoted(&name)));
        Some(Suggestion {
            file,
            rule,
            why,
            text,
        })
    }

    /// A test name built from the rule and everything in the request. Tests of two runs have the same name only if
    /// they are the same test, so both runs can be pasted.
    fn name(
        &mut self,
        file: &str,
        rule: usize,
        visit: &Visit,
        who: &str,
        (got, body): (&Actual, &str),
    ) -> String {
        const LONGEST_TARGET: usize = 80;
        let rule = self.policy.rules.get(rule);
        let rule = rule.map(|rule| format!("{}/{}", rule.course, rule.id));
        let mut target: String = visit.target.chars().take(LONGEST_TARGET).collect();
        if target.len() < visit.target.len() {
            target.push_str(&format!("… ({})", mark(&visit.target)));
        }
        let (ip, now) = self.unusual(file, visit);
        let ip = ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
        let now = now.map(|now| format!(" at {now}")).unwrap_or_default();
        let plain = format!(
            "{}: {} {target} as {who}{ip}{now}: {}",
            rule.unwrap_or_default(),
            visit.method,
            got.reason.code()
        );
        let marked = format!("{plain} ({})", mark(body));
        let name = [plain, marked.clone()]
            .into_iter()
            .find(|name| self.names.insert((file.to_owned(), name.clone())));
        name.unwrap_or(marked)
    }

    /// The address and the time of a request, unless they are the file's.
    fn unusual(&self, file: &str, visit: &Visit) -> (Option<String>, Option<String>) {
        let own = self.files.named(file);
        let usual = || {
            let policy_file = file.strip_suffix(suite::SUFFIX).unwrap_or(file);
            self.files.usual(policy_file)
        };
        let ip = (visit.ip != own.map_or_else(|| usual().ip, |own| own.ip))
            .then(|| visit.ip.map_or("unknown".to_owned(), |ip| ip.to_string()));
        let now = own
            .is_none_or(|own| own.now != visit.now)
            .then(|| moment(visit.now));
        (ip, now)
    }

    /// The keys of a test except its name.
    fn body(&self, file: &str, visit: &Visit, who: &str, got: &Actual) -> String {
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
        let (ip, now) = self.unusual(file, visit);
        if let Some(ip) = ip {
            text.push_str(&format!("ip = {}\n", quoted(&ip)));
        }
        if let Some(now) = now {
            text.push_str(&format!("now = {now}\n"));
        }
        text.push_str(&format!("expect = {}\n", quoted(got.reason.code())));
        if let Some(rule) = &got.rule {
            text.push_str(&format!("rule = {}\n", quoted(rule)));
        }
        text
    }

    /// The user's name in the file, and the declaration if it is new there.
    fn who(&mut self, file: &str, rule: usize, visit: &Visit) -> (String, String) {
        let config = self.gate.config();
        let known = self.files.named(file);
        let people = || known.into_iter().flat_map(|known| &known.people);
        let (mut claims, issuer) = match &visit.who {
            Visitor::Nobody => return ("nobody".to_owned(), String::new()),
            Visitor::BadToken => return ("bad-token".to_owned(), String::new()),
            Visitor::Known(person) => {
                let is_known = people()
                    .any(|other| other.name == person.name && other.claims == person.claims);
                if is_known {
                    return (person.name.clone(), String::new());
                }
                declared(person, config)
            }
            Visitor::Synthetic(made) => (made.object(), made.issuer.clone()),
        };
        claims.remove("iss");
        let first = config.sign_in_issuers().next();
        let issuer = issuer.filter(|issuer| first.is_none_or(|first| first.name != *issuer));
        let known_here = self.declared.entry(file.to_owned()).or_default();
        let mut same = known_here.iter();
        let same = same.find(|(_, known, from)| *known == claims && *from == issuer);
        if let Some((name, ..)) = same {
            return (name.clone(), String::new());
        }
        let mut text = String::new();
        if let Some(issuer) = &issuer {
            text.push_str(&format!("issuer = {}\n", quoted(issuer)));
        }
        text.push_str(&format!(
            "claims = {}\n\n",
            inline(&Value::Object(claims.clone()))
        ));
        // Named after the rule and the claims, so that two runs give one name to two users only if they are the same.
        let rule = self.policy.rules.get(rule);
        let rule = rule.map_or("visitor".to_owned(), |rule| {
            format!("{}-{}", rule.course, rule.id)
        });
        let is_letter = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let rule: String = rule.chars().filter(is_letter).collect();
        let base = format!("{rule}-{}", mark(&text));
        // Only a user whose name an author chose can have this name and other claims.
        let longer = (1..).map(|again| format!("{base}-{}", mark(&format!("{again}{text}"))));
        for name in core::iter::once(base.clone()).chain(longer) {
            match people().find(|person| person.name == name) {
                Some(person) => {
                    let (mut theirs, from) = declared(person, config);
                    theirs.remove("iss");
                    let from = from.filter(|from| first.is_none_or(|first| first.name != *from));
                    if theirs == claims && from == issuer {
                        return (name, String::new());
                    }
                }
                None if known_here.iter().any(|(taken, ..)| *taken == name) => {}
                None => {
                    known_here.push((name.clone(), claims, issuer));
                    return (name.clone(), format!("[people.{name}]\n{text}"));
                }
            }
        }
        (base, text)
    }
}

/// The claims of a user of the tests, and the issuer that they name.
fn declared(person: &suite::Person, config: &GateConfig) -> (Map<String, Value>, Option<String>) {
    let object = serde_json::from_str(person.claims.text()).unwrap_or_default();
    let issuer = issuer_of(&object, config);
    (object, issuer)
}

/// Eight letters and digits that depend on all of the text (FNV-1a).
fn mark(text: &str) -> String {
    let step = |sum: u32, byte: u8| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    format!("{:08x}", text.bytes().fold(0x811c_9dc5, step))
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
