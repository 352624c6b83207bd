//! Cedar as an independent oracle: Cedar's validator accepts the export of a policy, or of many random ones,
//! and Cedar and the core agree on random requests. Half of the requests are close to some rule, so that
//! both decisions are common.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema, ValidationMode,
    Validator,
};
use indicatif::ProgressBar;
use serde_json::{Map, Value};
use tollgate_author::policy_gate;
use tollgate_author::probe::{Pool, Visit};
use tollgate_author::suite::{self, TestRequest, TestUser};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_core::{PathOptions, PathScratch, Reason};
use tollgate_exchange::cedar;
use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::ImageSpec;
use tollgate_spec::generate::{Generator, NOW};
use tollgate_spec::render;
use tollgate_token::{ClaimName, Groups};

/// The maximum number of differing decisions that are printed.
const SHOWN: usize = 10;
/// The number of random requests per random policy.
const REQUESTS_PER_POLICY: usize = 50;

/// The input of the comparison.
#[derive(clap::Args)]
pub(crate) struct Ask {
    /// The policy directory [default: random policies]
    policy: Option<PathBuf>,
    /// The number of random requests
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// The first seed of the random requests and policies
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The numbers of decisions.
#[derive(Default)]
struct Counts {
    rules: usize,
    /// Rules that Cedar cannot express, which were omitted.
    left_out: usize,
    cedar_policies: usize,
    both_allow: usize,
    both_deny: usize,
    differ: usize,
}

/// Compares; returns false if the decisions differ, or if only one kind of decision occurred.
pub(crate) fn run(asked: &Ask) -> Result<bool> {
    let mut counts = Counts::default();
    match &asked.policy {
        Some(folder) => {
            let policy = compiled(&SourceTree::read(folder))?;
            let export = cedar::export(&policy)?;
            // The clock of the sample's tests.
            let clock = 1_800_000_000;
            let mut rng = fastrand::Rng::with_seed(asked.seed);
            compare(
                &policy,
                &export,
                asked.requests,
                clock,
                &mut rng,
                &mut counts,
            )?;
        }
        None => random_policies(asked, &mut counts)?,
    }
    let Counts {
        rules,
        left_out,
        cedar_policies,
        both_allow,
        both_deny,
        differ,
    } = counts;
    println!(
        "cedar: {rules} rules as {cedar_policies} Cedar policies, accepted by the validator in strict mode; \
         {left_out} rules omitted that Cedar cannot express"
    );
    let asked_both = both_allow + both_deny + differ;
    println!(
        "cedar: {asked_both} random requests (seed {}): {both_allow} allowed by both, {both_deny} denied by both, \
         {differ} decided differently",
        asked.seed
    );
    Ok(differ == 0 && both_allow > 0 && both_deny > 0)
}

/// Tests random policies, restricted to what Cedar can express, with a few random requests each.
fn random_policies(asked: &Ask, counts: &mut Counts) -> Result<()> {
    let policies = asked.requests.div_ceil(REQUESTS_PER_POLICY);
    let progress = ProgressBar::new(u64::try_from(policies)?).with_message("random policies");
    for seed in (asked.seed..).take(policies) {
        let model = Generator::new(seed).policy();
        let mut sources = SourceTree::new();
        for (name, text) in render::to_toml(&model) {
            sources.insert(name, text);
        }
        let mut policy = compiled(&sources).with_context(|| format!("seed {seed}"))?;
        let export = loop {
            match cedar::export(&policy) {
                Ok(export) => break export,
                Err(cannot) => {
                    policy
                        .rules
                        .retain(|rule| format!("{}/{}", rule.course, rule.id) != cannot.rule);
                    counts.left_out += 1;
                }
            }
        };
        let mut rng = fastrand::Rng::with_seed(seed);
        let before = counts.differ;
        compare(&policy, &export, REQUESTS_PER_POLICY, NOW, &mut rng, counts)
            .with_context(|| format!("seed {seed}"))?;
        if before < SHOWN && counts.differ > before {
            println!("failed with seed {seed}:\n{}", export.policies);
            for (name, text) in render::to_toml(&model) {
                println!("--- {name}\n{text}");
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    println!("cedar: {policies} random policies");
    Ok(())
}

fn compiled(sources: &SourceTree) -> Result<ImageSpec> {
    let compiled = compile(sources, &CompileOptions::default());
    compiled.policy.context("the policy does not compile")
}

/// Compares both on random requests close to some rule.
fn compare(
    policy: &ImageSpec,
    export: &cedar::Export,
    requests: usize,
    clock: i64,
    rng: &mut fastrand::Rng,
    counts: &mut Counts,
) -> Result<()> {
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
        bail!("Cedar's validator rejects the export");
    }
    counts.rules += policy.rules.len();
    counts.cedar_policies += policies.policies().count();
    let gate = policy_gate::gate(policy)?;
    let pool = Pool::new(&[policy], gate.config(), Vec::new(), clock);
    let oracle = Oracle::new(export, &policies, &schema, policy.path_options())?;
    let rules: Vec<_> = policy.rules.iter().collect();
    for _ in 0..requests {
        let visit = pool.visit(&rules, rng);
        let ours =
            visit.with_request(|ask| suite::run(&gate, ask, &mut ()).reason == Reason::Allow);
        let theirs = visit.with_request(|ask| oracle.allows(&visit, ask, gate.config()))?;
        match (ours, theirs) {
            (true, true) => counts.both_allow += 1,
            (false, false) => counts.both_deny += 1,
            _ => {
                counts.differ += 1;
                if counts.differ <= SHOWN {
                    println!("core: {ours}, Cedar: {theirs}: {visit:?}");
                }
            }
        }
    }
    Ok(())
}

struct Oracle<'a> {
    export: &'a cedar::Export,
    policies: &'a PolicySet,
    schema: &'a Schema,
    options: PathOptions<'a>,
    authorizer: Authorizer,
    visitor: EntityUid,
    path: EntityUid,
}

impl<'a> Oracle<'a> {
    fn new(
        export: &'a cedar::Export,
        policies: &'a PolicySet,
        schema: &'a Schema,
        options: PathOptions<'a>,
    ) -> Result<Self> {
        Ok(Self {
            export,
            policies,
            schema,
            options,
            authorizer: Authorizer::new(),
            visitor: "Visitor::\"visitor\"".parse()?,
            path: "Path::\"path\"".parse()?,
        })
    }

    /// Returns Cedar's decision. An evaluation error is a defect of the export.
    fn allows(&self, visit: &Visit, ask: &TestRequest<'_>, config: &GateConfig) -> Result<bool> {
        let Some(said) = said(visit, ask, config, self.options)? else {
            // A request whose path is rejected is not evaluated against policies.
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

/// Returns the request in the form that an exported policy sees; `None` if its path is rejected.
fn said(
    visit: &Visit,
    ask: &TestRequest<'_>,
    config: &GateConfig,
    options: PathOptions<'_>,
) -> Result<Option<cedar::Visit>> {
    let mut scratch = PathScratch::new();
    let raw = ask.target.split('?').next().unwrap_or_default();
    let Ok(path) = scratch.parse(raw.as_bytes(), options) else {
        return Ok(None);
    };
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
    let TestUser::Person(person) = ask.who else {
        return Ok(Some(said));
    };
    let iss = person.claims.string(ClaimName::Iss).ok().flatten();
    let is_named = |known: &&tollgate_token::IssuerConfig| {
        iss.is_some_and(|iss| known.issuers.iter().any(|name| name == iss))
    };
    let issuers = &config.issuers;
    let Some(issuer) = issuers.iter().find(is_named).or(issuers.first()) else {
        // Nobody vouches for anyone.
        return Ok(Some(said));
    };
    let rules = &issuer.claims;
    let (Ok(groups), Ok(scopes), Ok(subject)) = (
        person.claims.groups(rules.groups.as_ref()),
        person.claims.scopes(rules.scopes.as_ref()),
        person.claims.subject(),
    ) else {
        // The token layer rejects such a token, so the request has none.
        return Ok(Some(said));
    };
    let Groups::Listed(groups) = groups else {
        bail!("an exported policy does not support groups that are stored elsewhere");
    };
    let claims: Map<String, Value> = serde_json::from_str(person.claims.text())?;
    said.signed_in = true;
    said.subject = subject.map(|subject| rules.subject(subject).into_owned());
    let own = issuer.issuers.first().map(String::as_str);
    said.issuer = own.map(str::to_owned);
    let granted = groups.into_iter().filter_map(|group| rules.group(group));
    said.groups = granted.map(Into::into).collect();
    said.scopes = scopes.into_iter().map(str::to_owned).collect();
    said.claims = claims;
    Ok(Some(said))
}
