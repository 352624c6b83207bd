//! The engines by name, each with the same rules and requests.

mod casbin;
mod cedar;
mod ours;
mod rego;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;

use crate::rows::OURS;
use crate::site::{self, Question};
use crate::timing::{Effort, Figures};

/// A policy engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Tollgate,
    Cedar,
    Regorus,
    RegorusData,
    Casbin,
    CasbinCached,
}

impl Engine {
    /// All of them, ours first.
    pub(crate) const ALL: [Self; 6] = [
        Self::Tollgate,
        Self::Cedar,
        Self::Regorus,
        Self::RegorusData,
        Self::Casbin,
        Self::CasbinCached,
    ];

    /// The subject of its rows.
    pub(crate) const fn subject(self) -> &'static str {
        match self {
            Self::Tollgate => OURS,
            Self::Cedar => "cedar-policy",
            Self::Regorus => "regorus",
            Self::RegorusData => "regorus-data",
            Self::Casbin => "casbin",
            Self::CasbinCached => "casbin-cached",
        }
    }

    /// Its setup.
    pub(crate) const fn setup(self) -> &'static str {
        match self {
            Self::Tollgate => {
                "image loaded, facts of each user prepared; raw path parsed and decided"
            }
            Self::Cedar => {
                "policies parsed, entities and requests prepared; principal in Group, action ==, path like; is_authorized"
            }
            Self::Regorus => {
                "one body per rule, group first, startswith; compiled for its virtual machine, machine reused, inputs prepared"
            }
            Self::RegorusData => {
                "different rules: one rule over a table of courses by name, indexed by its author; otherwise like regorus"
            }
            Self::Casbin => {
                "policies in memory, matcher compiled: r.sub == p.sub && r.act == p.act && keyMatch"
            }
            Self::CasbinCached => {
                "the same with its cached enforcer: only repeated requests, decided from its cache"
            }
        }
    }
}

/// Sets the engine up and times it.
pub(crate) fn measure(engine: Engine, rules: usize, effort: Effort) -> Result<Figures> {
    let questions = site::questions(rules);
    let jwks = site::Issuer::new()?.jwks;
    let image = site::image(rules, &jwks)?;
    let expected = ours::answers(&image, &questions)?;
    ensure!(
        expected.contains(&true) && expected.contains(&false),
        "all requests have the same decision"
    );
    let asked = Asked {
        rules,
        questions: &questions,
        expected: &expected,
        effort,
    };
    match engine {
        Engine::Tollgate => ours::measure(&image, &asked),
        Engine::Cedar => cedar::measure(&asked),
        Engine::Regorus => rego::measure(&asked, rego::Form::Rules),
        Engine::RegorusData => rego::measure(&asked, rego::Form::Data),
        Engine::Casbin => casbin::measure(&asked),
        Engine::CasbinCached => casbin::measure_cached(&asked),
    }
}

/// The requests for an engine, and our decisions.
struct Asked<'a> {
    rules: usize,
    questions: &'a [Question],
    expected: &'a [bool],
    effort: Effort,
}

impl Asked<'_> {
    fn question(&self, at: usize) -> Result<&Question> {
        self.questions
            .get(at)
            .context("no request with that number")
    }
}
