//! Cedar as an independent oracle: a policy's export is accepted by Cedar's validator, and Cedar and the
//! core agree on random requests. Half of them come near some rule, so that both answers are common.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema, ValidationMode,
    Validator,
};
use serde_json::{Map, Value};
use tollgate_author::judge;
use tollgate_author::probe::{Pool, Visit};
use tollgate_author::suite::{self, Ask, Who};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::{PathOptions, PathScratch, Reason};
use tollgate_exchange::cedar;
use tollgate_gate::config::GateConfig;

const USAGE: &str = "usage: cedar POLICY_FOLDER [REQUESTS] [SEED]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(3),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context(USAGE)?);
    let count: usize = match arguments.next() {
        Some(count) => count.parse().context(USAGE)?,
        None => 100_000,
    };
    let seed: u64 = match arguments.next() {
        Some(seed) => seed.parse().context(USAGE)?,
        None => 1,
    };
    let compiled = compile(&SourceTree::read(&folder), &CompileOptions::default());
    let policy = compiled.policy.context("the policy does not compile")?;
    let export = cedar::export(&policy)?;
    let policies: PolicySet = export
        .policies
        .parse()
        .context("Cedar cannot read the export")?;
    let (schema, warnings) =
        Schema::from_cedarschema_str(&export.schema).context("Cedar cannot read the schema")?;
    ensure!(warnings.count() == 0, "Cedar warns about the schema");
    let verdict = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
    for error in verdict.validation_errors() {
        eprintln!("{error}");
    }
    if !verdict.validation_passed() {
        bail!("Cedar's validator refuses the export");
    }
    println!(
        "cedar: {} rules as {} Cedar policies, accepted by the validator in strict mode",
        policy.rules.len(),
        policies.policies().count()
    );
    let gate = judge::gate(&policy)?;
    // The clock of the sample's tests.
    let pool = Pool::new(&[&policy], gate.config(), Vec::new(), 1_800_000_000);
    let mut rng = fastrand::Rng::with_seed(seed);
    let oracle = Oracle::new(&export, &policies, &schema)?;
    let rules: Vec<_> = policy.rules.iter().collect();
    let (mut allowed, mut disagreed) = (0_usize, 0_usize);
    for _ in 0..count {
        let visit = pool.visit(&rules, &mut rng);
        let ours = visit.ask(|ask| suite::run(&gate, ask, &mut ()).reason == Reason::Allow);
        let theirs = visit.ask(|ask| oracle.allows(&visit, ask, gate.config()))?;
        allowed += usize::from(ours);
        if ours != theirs {
            disagreed += 1;
            println!("core says {ours}, Cedar says {theirs}: {visit:?}");
            if disagreed == 10 {
                break;
            }
        }
    }
    println!(
        "cedar: {count} random requests (seed {seed}), {allowed} allowed, {disagreed} decided differently"
    );
    Ok(disagreed == 0)
}

struct Oracle<'a> {
    export: &'a cedar::Export,
    policies: &'a PolicySet,
    schema: &'a Schema,
    authorizer: Authorizer,
    visitor: EntityUid,
    path: EntityUid,
}

impl<'a> Oracle<'a> {
    fn new(export: &'a cedar::Export, policies: &'a PolicySet, schema: &'a Schema) -> Result<Self> {
        Ok(Self {
            export,
            policies,
            schema,
            authorizer: Authorizer::new(),
            visitor: "Visitor::\"visitor\"".parse()?,
            path: "Path::\"path\"".parse()?,
        })
    }

    /// What Cedar decides. An error while it evaluates a policy is one of the export's making.
    fn allows(&self, visit: &Visit, ask: &Ask<'_>, config: &GateConfig) -> Result<bool> {
        let Some(said) = said(visit, ask, config) else {
            // A path that is refused never gets as far as a policy.
            return Ok(false);
        };
        let action: EntityUid = format!("Action::\"{}\"", visit.method).parse()?;
        let shape = &self.export.shape;
        let context = Context::from_json_value(shape.context(&said), Some((self.schema, &action)))?;
        let entities = Entities::from_json_value(shape.entities(&said), Some(self.schema))?;
        let request = Request::new(
            self.visitor.clone(),
            action,
            self.path.clone(),
            context,
            Some(self.schema),
        )?;
        let answer = self
            .authorizer
            .is_authorized(&request, self.policies, &entities);
        if let Some(error) = answer.diagnostics().errors().next() {
            bail!("Cedar cannot evaluate the export: {error}");
        }
        Ok(answer.decision() == Decision::Allow)
    }
}

/// The request as an exported policy sees it; `None` if its path is refused.
fn said(visit: &Visit, ask: &Ask<'_>, config: &GateConfig) -> Option<cedar::Visit> {
    let mut scratch = PathScratch::new();
    let raw = ask.target.split('?').next().unwrap_or_default();
    let path = scratch.parse(raw.as_bytes(), PathOptions::default()).ok()?;
    let segments = (0..path.segment_count())
        .filter_map(|at| String::from_utf8(path.segment(at)?.to_vec()).ok())
        .collect();
    let mut said = cedar::Visit {
        segments,
        trailing_slash: path.has_trailing_slash(),
        ip: visit.ip.map(|ip| ip.to_canonical()),
        now: visit.now,
        ..cedar::Visit::default()
    };
    let Who::Person(person) = ask.who else {
        return Some(said);
    };
    let iss = person.claims.string("iss").ok().flatten();
    let is_named = |known: &&tollgate_token::IssuerConfig| {
        iss.is_some_and(|iss| known.issuers.iter().any(|name| name == iss))
    };
    let issuer = config
        .issuers
        .iter()
        .find(is_named)
        .or(config.issuers.first())?;
    let (Ok(groups), Ok(scopes), Ok(subject)) = (
        person.claims.groups(&issuer.groups_claim),
        person.claims.scopes(),
        person.claims.subject(),
    ) else {
        // The token layer refuses such a token, so the visitor has none.
        return Some(said);
    };
    let claims: Map<String, Value> = serde_json::from_str(person.claims.text()).ok()?;
    said.signed_in = true;
    said.subject = subject.map(str::to_owned);
    let own = issuer.issuers.first().map(String::as_str);
    said.issuer = iss.or(own).map(str::to_owned);
    said.groups = groups.into_iter().map(str::to_owned).collect();
    said.scopes = scopes.into_iter().map(str::to_owned).collect();
    said.claims = claims;
    Some(said)
}
