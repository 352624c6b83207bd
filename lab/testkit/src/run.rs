//! Runs cases on an engine and reports the results.
//!
//! Not here: loading of cases and engines, and terminals.

use core::fmt;

use crate::answer::Answer;
use crate::case::Case;

/// Whatever answers cases.
pub trait Engine {
    /// The name of the target, as in `--target`.
    fn name(&self) -> &str;

    /// Answers one case.
    ///
    /// # Errors
    /// [`Stop::Skip`] if the target cannot be asked this, [`Stop::Broken`] if it failed to answer.
    fn run(&mut self, case: &Case) -> Result<Answer, Stop>;
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The target cannot be asked this, for this reason. Not a failure.
    Skip {
        /// Why not, for people.
        why: String,
    },
    /// The target should have answered and did not. A failure.
    Broken {
        /// What happened, for people.
        what: String,
    },
}

impl Stop {
    /// The target cannot be asked this.
    pub fn skip(why: impl Into<String>) -> Self {
        Self::Skip { why: why.into() }
    }

    /// The target should have answered and did not.
    pub fn broken(what: impl fmt::Display) -> Self {
        Self::Broken {
            what: what.to_string(),
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Cases that are done.
    pub done: usize,
    /// Of those, how many failed.
    pub failed: usize,
    /// All cases.
    pub total: usize,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The engine's name.
    pub name: String,
    /// How many answers were as expected.
    pub passed: usize,
    /// The cases that failed, in their order.
    pub failures: Vec<Failure>,
    /// The cases that were skipped, in their order.
    pub skips: Vec<Skip>,
}

/// A case that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The case's id.
    pub id: String,
    /// The request: method and target.
    pub request: String,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What is wrong with a case that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The answer is not as expected in these points; at least one.
    Differences(Vec<Difference>),
    /// There was no answer.
    Broken {
        /// What happened, for people.
        what: String,
    },
}

/// One point in which an answer is not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key in `expect`.
    pub key: &'static str,
    /// What stands there.
    pub expected: String,
    /// What the engine answered.
    pub got: String,
}

/// A case that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The case's id.
    pub id: String,
    /// Why.
    pub why: String,
}

/// Asks `engine` about all `cases`, and tells `progress` after each.
pub fn run(engine: &mut dyn Engine, cases: &[Case], progress: &mut dyn FnMut(Progress)) -> Report {
    let (mut passed, mut failures, mut skips) = (0, Vec::new(), Vec::new());
    for (at, case) in cases.iter().enumerate() {
        let fail = |trouble| Failure {
            id: case.id.clone(),
            request: format!("{} {}", case.method, case.target_text())
                .escape_debug()
                .to_string(),
            trouble,
        };
        match engine.run(case) {
            Ok(answer) => match differences(case, &answer) {
                none if none.is_empty() => passed += 1,
                some => failures.push(fail(Trouble::Differences(some))),
            },
            Err(Stop::Skip { why }) => skips.push(Skip {
                id: case.id.clone(),
                why,
            }),
            Err(Stop::Broken { what }) => failures.push(fail(Trouble::Broken { what })),
        }
        progress(Progress {
            done: at + 1,
            failed: failures.len(),
            total: cases.len(),
        });
    }
    Report {
        name: engine.name().to_owned(),
        passed,
        failures,
        skips,
    }
}

fn differences(case: &Case, answer: &Answer) -> Vec<Difference> {
    let expect = &case.expect;
    let mut found = Vec::new();
    let mut compare = |key, expected: Option<String>, got: String| {
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            found.push(Difference { key, expected, got });
        }
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let word = |word: &Option<Option<String>>| word.as_ref().map(text);
    compare(
        "outcome",
        expect.outcome.map(|word| word.to_string()),
        answer.outcome.to_string(),
    );
    compare(
        "status",
        expect.status.map(|code| code.to_string()),
        answer.status.to_string(),
    );
    compare(
        "reason",
        expect.reason.map(|word| word.to_string()),
        answer.reason.to_string(),
    );
    compare("detail", word(&expect.detail), text(&answer.detail));
    compare("rule", word(&expect.rule), text(&answer.rule));
    compare("policy", word(&expect.policy), text(&answer.policy));
    if let (Some(expect), Some(sent)) = (&expect.response, &answer.response) {
        for (name, value) in &expect.headers {
            let got = sent.headers.get(name).cloned();
            let shown = |value: &Option<String>| format!("{name}: {}", text(value));
            compare("header", Some(shown(value)), shown(&got));
        }
        compare("body", expect.body.clone(), sent.body.clone());
    }
    found
}

impl Report {
    /// Whether nothing failed.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    /// `NAME: N passed, N failed, N skipped`
    pub fn summary(&self) -> String {
        let (failed, skipped) = (self.failures.len(), self.skips.len());
        format!(
            "{}: {} passed, {failed} failed, {skipped} skipped",
            self.name, self.passed
        )
    }
}

/// The failures, then the skips by reason, then the summary.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        let mut reasons: Vec<&str> = Vec::new();
        for skip in &self.skips {
            if !reasons.contains(&skip.why.as_str()) {
                reasons.push(&skip.why);
            }
        }
        for reason in reasons {
            let ids = self
                .skips
                .iter()
                .filter(|skip| skip.why == reason)
                .map(|skip| skip.id.as_str());
            let (first, count) = (ids.clone().next().unwrap_or_default(), ids.count());
            let more = if count > 1 {
                format!(" and {} more", count - 1)
            } else {
                String::new()
            };
            writeln!(f, "SKIP {first}{more}: {reason}")?;
        }
        f.write_str(&self.summary())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FAIL {}: {}", self.id, self.request)?;
        match &self.trouble {
            Trouble::Broken { what } => write!(f, "\n  no answer: {what}"),
            Trouble::Differences(differences) => differences.iter().try_for_each(|difference| {
                let Difference { key, expected, got } = difference;
                write!(f, "\n  {key}: expected {expected}, got {got}")
            }),
        }
    }
}
