//! Random policies in both forms, and checks that both evaluators agree.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use tollgate_analysis::explain::RuleTrace;
use tollgate_analysis::{Evaluation, Policy, Request, evaluate, evaluate_traced};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::RuleId;
use tollgate_policy::spec::RuleSpec;
use tollgate_spec::generate::Generator;
use tollgate_spec::model::{self, ClaimType, Facts, Token, Value};
use tollgate_spec::render;

use crate::models;

pub(crate) const NOW: i64 = tollgate_spec::generate::NOW;
/// The issuer that rendered policies list.
const ISSUER: &str = "https://issuer.test";
/// Times of requests that an edge can see.
const TIMES: core::ops::RangeInclusive<i64> = 0..=253_402_300_800;

/// A policy as the specification and as the core know it.
pub(crate) struct Both {
    pub(crate) model: model::Policy,
    pub(crate) policy: Policy,
}

impl Both {
    pub(crate) fn of(model: model::Policy) -> Self {
        Self::if_it_compiles(model).unwrap()
    }

    pub(crate) fn if_it_compiles(model: model::Policy) -> Option<Self> {
        let mut sources = SourceTree::new();
        for (name, text) in render::to_toml(&model) {
            sources.insert(name, text);
        }
        let compiled = compile(&sources, &CompileOptions::default());
        let policy = Policy::with_image(compiled.policy?, compiled.image?).unwrap();
        Some(Self { model, policy })
    }

    pub(crate) fn rule(&self, rule: RuleId) -> &RuleSpec {
        self.policy.rule(rule).unwrap()
    }

    /// The policy without a rule.
    pub(crate) fn without(&self, rule: RuleId) -> Self {
        let mut spec = self.policy.spec().clone();
        spec.rules.remove(usize::try_from(rule.0).unwrap());
        Self {
            model: models::without(&self.model, self.rule(rule)),
            policy: Policy::new(spec).unwrap(),
        }
    }
}

/// Two policies, the second one often an edit of the first.
pub(crate) struct Pair {
    pub(crate) old: Both,
    pub(crate) new: Both,
}

impl Pair {
    pub(crate) fn random(seed: u64) -> Self {
        let mut generator = Generator::new(seed);
        let old = generator.policy();
        let other = generator.policy();
        let new = match seed % 4 {
            // No observable difference.
            0 => shuffled(&old),
            // Nothing in common.
            1 => other,
            // One rule of another policy put in or in place of one.
            2 => edited(&old, &other, seed),
            // One rule less.
            _ => without_one(&old, seed),
        };
        Self {
            old: Both::of(old),
            new: Both::of(new),
        }
    }
}

fn shuffled(policy: &model::Policy) -> model::Policy {
    let mut policy = policy.clone();
    policy.courses.reverse();
    for course in &mut policy.courses {
        course.rules.reverse();
        for rule in &mut course.rules {
            rule.id = format!("z-{}", rule.id);
            rule.paths.reverse();
        }
    }
    policy
}

fn edited(policy: &model::Policy, other: &model::Policy, seed: u64) -> model::Policy {
    let mut policy = policy.clone();
    let rules: Vec<&model::Rule> = other
        .courses
        .iter()
        .flat_map(|course| &course.rules)
        .collect();
    let (Some(rule), false) = (
        rules.get(usize::try_from(seed / 4).unwrap() % rules.len().max(1)),
        policy.claims.len() < other.claims.len()
            || policy.ascii_only
            || (policy.origin == model::Origin::Strict && other.origin != policy.origin),
    ) else {
        return policy;
    };
    // Its conditions must find their claims.
    if !other
        .claims
        .keys()
        .all(|name| policy.claims.contains_key(name))
    {
        return policy;
    }
    let mut rule = (*rule).clone();
    rule.id = "edited".to_owned();
    let at = usize::try_from(seed / 8).unwrap() % policy.courses.len();
    let course = &mut policy.courses[at];
    if seed % 8 < 4 && !course.rules.is_empty() {
        course.rules.pop();
    }
    course.rules.push(rule);
    policy
}

fn without_one(policy: &model::Policy, seed: u64) -> model::Policy {
    let mut policy = policy.clone();
    let at = usize::try_from(seed / 4).unwrap() % policy.courses.len();
    policy.courses[at].rules.pop();
    policy
}

/// A random request that a gate could get: tokens are of the issuer that is listed.
pub(crate) fn request(generator: &mut Generator, model: &model::Policy) -> Option<Request> {
    let request = generator.request(model);
    let claims = match request.token {
        Token::Verified(facts) => Some(claims(&facts)?),
        // An invalid token is decided like a missing one, with another status.
        _ => None,
    };
    TIMES.contains(&request.now).then_some(Request {
        method: request.method,
        target: String::from_utf8(request.target).ok()?,
        ip: request.ip,
        now: request.now,
        claims,
    })
}

fn claims(facts: &Facts) -> Option<Map<String, Json>> {
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), Json::from(facts.issuer.as_str()));
    if let Some(subject) = &facts.subject {
        claims.insert("sub".to_owned(), Json::from(subject.as_str()));
    }
    claims.insert(
        "cognito:groups".to_owned(),
        // Unknown groups have no JSON form that the specification reads.
        Json::from(facts.groups.clone()?),
    );
    if facts.scopes.iter().any(|scope| scope.contains(' ')) {
        return None;
    }
    claims.insert("scope".to_owned(), Json::from(facts.scopes.join(" ")));
    for (name, value) in &facts.claims {
        let json = match value {
            // No declared type has objects as values.
            None => Json::Object(Map::new()),
            Some(Value::Text(text)) => Json::from(text.as_str()),
            Some(Value::Int(int)) => Json::from(*int),
            Some(Value::Bool(truth)) => Json::from(*truth),
            Some(Value::List(list)) => list
                .iter()
                .map(|item| match item {
                    Value::Text(text) => Json::from(text.as_str()),
                    _ => Json::Null,
                })
                .collect(),
            Some(_) => return None,
        };
        claims.insert(name.clone(), json);
    }
    Some(claims)
}

/// The result of both evaluators; asserts that they agree.
pub(crate) fn both_say(both: &Both, request: &Request, seed: u64) -> Evaluation {
    let evaluation = evaluate(&both.policy, request);
    let verdict = tollgate_spec::decide(&both.model, &to_spec(&both.model, request));
    assert_eq!(
        (
            evaluation.kind.code(),
            evaluation.status,
            evaluation.reason.code()
        ),
        (verdict.outcome, verdict.status, verdict.reason),
        "seed {seed}: core and specification differ on {request:?}"
    );
    evaluation
}

/// The specification's result for a request under another model of the same policy.
pub(crate) fn spec_says(both: &Both, model: &model::Policy, request: &Request) -> &'static str {
    tollgate_spec::decide(model, &to_spec(&both.model, request)).outcome
}

/// The rules that match a request, as the core evaluates them.
pub(crate) fn matching(both: &Both, request: &Request) -> Vec<RuleId> {
    let mut trace = RuleTrace::default();
    evaluate_traced(&both.policy, request, &mut trace);
    trace.matching()
}

fn to_spec(model: &model::Policy, request: &Request) -> model::Request {
    let token = match &request.claims {
        None => Token::Absent,
        Some(claims) => Token::Verified(to_facts(model, claims)),
    };
    model::Request {
        method: request.method.clone(),
        target: request.target.clone().into_bytes(),
        ip: request.ip,
        now: request.now,
        token,
    }
}

fn to_facts(model: &model::Policy, claims: &Map<String, Json>) -> Facts {
    let text = |name: &str| claims.get(name).and_then(Json::as_str).map(str::to_owned);
    let mut facts = Facts {
        issuer: text("iss").unwrap_or_else(|| ISSUER.to_owned()),
        subject: text("sub"),
        groups: Some(texts(claims.get("cognito:groups")).unwrap_or_default()),
        scopes: text("scope")
            .unwrap_or_default()
            .split(' ')
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect(),
        claims: BTreeMap::new(),
    };
    for (name, kind) in &model.claims {
        // `null` counts as absent.
        let Some(json) = claims.get(name).filter(|json| !json.is_null()) else {
            continue;
        };
        let value = match kind {
            ClaimType::Text => json.as_str().map(|text| Value::Text(text.to_owned())),
            ClaimType::Int => json.as_i64().map(Value::Int),
            ClaimType::Bool => json.as_bool().map(Value::Bool),
            ClaimType::Texts => texts(Some(json))
                .map(|list| Value::List(list.into_iter().map(Value::Text).collect())),
        };
        facts.claims.insert(name.clone(), value);
    }
    facts
}

fn texts(json: Option<&Json>) -> Option<Vec<String>> {
    json?
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The coverage of a proof.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<&'static str, u128>);

impl Tally {
    pub(crate) fn add(&mut self, what: &'static str, count: u128) {
        *self.0.entry(what).or_default() += count;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (what, count)) in self.0.iter().enumerate() {
            write!(f, "{}{count} {what}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// The default number of seeds of a proof.
const FEW: u64 = 60;

/// With more seeds than this, counterexamples are searched for longer.
const MANY: u64 = 1_000;

/// Policies with more rules than this take seconds; of them this proof takes one in so many.
const LARGE: usize = 50;
const ONE_IN: u64 = 8;
const USED: &str = "seeds with over 50 rules used (only 1 in 8 of them is)";
const PASSED_OVER: &str = "seeds with over 50 rules passed over";

/// Whether a proof passes over these policies, which it counts.
pub(crate) fn is_passed_over(seed: u64, policies: &[&Both], tally: &mut Tally) -> bool {
    let is_large = |both: &&Both| both.policy.rules().len() > LARGE;
    if !policies.iter().any(is_large) {
        return false;
    }
    let is_used = (seed / 4).is_multiple_of(ONE_IN);
    let count = if is_used { USED } else { PASSED_OVER };
    tally.add(count, 1);
    !is_used
}

/// Runs a proof on each seed, and prints what it covered.
pub(crate) fn prove(about: &str, check: impl Fn(u64) -> Tally + Sync) {
    let count = count();
    let first = number("TOLLGATE_SEED").unwrap_or(0);
    let total = in_parallel(about, first, count, check);
    println!("{about}, {count} seeds: {total}");
}

pub(crate) fn is_thorough() -> bool {
    count() >= MANY
}

fn count() -> u64 {
    number("TOLLGATE_POLICY_PAIRS").unwrap_or(FEW)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Checks this many seeds on all processors; a long run prints its progress.
fn in_parallel(about: &str, first: u64, count: u64, check: impl Fn(u64) -> Tally + Sync) -> Tally {
    let next = AtomicU64::new(first);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + count {
                return tally;
            }
            let done = seed - first;
            if done > 0 && done.is_multiple_of(MANY / 2) {
                eprintln!("{about}: {done} of {count} seeds");
            }
            for (what, count) in check(seed).0 {
                tally.add(what, count);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let tallies = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let tallies = workers.into_iter().map(|worker| worker.join());
        tallies.collect::<Vec<_>>()
    });
    let mut all = Tally::default();
    for tally in tallies {
        for (what, count) in tally.expect("a check failed").0 {
            all.add(what, count);
        }
    }
    all
}
