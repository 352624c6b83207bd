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

/// What decides.
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

    /// How it was set up.
    pub(crate) const fn setup(self) -> &'static str {
        match self {
            Self::Tollgate => {
                "image loaded, facts of each learner made beforehand; raw path parsed and decided"
            }
            Self::Cedar => {
                "policies parsed, entities and requests made beforehand; principal in Group, action ==, path like; is_authorized"
            }
            Self::Regorus => {
                "a body a rule, group first, startswith; compiled for its virtual machine, machine reused, inputs made beforehand"
            }
            Self::RegorusData => {
                "not the same rules: one rule over a table of courses by name, indexed by its author; else as regorus"
            }
            Self::Casbin => {
                "policies in memory, matcher compiled: r.sub == p.sub && r.act == p.act && keyMatch"
            }
            Self::CasbinCached => {
                "the same behind its cached enforcer: only answers to questions asked before, from its cache"
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
        "all questions have the same answer"
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

/// What an engine is asked, and what we say.
struct Asked<'a> {
    rules: usize,
    questions: &'a [Question],
    expected: &'a [bool],
    effort: Effort,
}

impl Asked<'_> {
    fn question(&self, at: usize) -> Result<&Question> {
        self.questions.get(at).context("a question of that number")
    }
}
