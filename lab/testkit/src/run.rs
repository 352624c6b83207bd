//! Runs cases on an engine and reports the results.
//!
//! Not here: loading of cases and engines, and terminals.

use core::fmt;

use crate::answer::Answer;
use crate::case::Case;

/// An implementation that decides cases.
pub trait Engine {
    /// The name of the target, as in `--target`.
    fn name(&self) -> &str;

    /// Decides one case.
    ///
    /// # Errors
    /// [`Stop::Skip`] if the target cannot express the case, [`Stop::Broken`] if it failed to respond.
    fn run(&mut self, case: &Case) -> Result<Answer, Stop>;
}

/// The reason why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The target cannot express the case, for this reason. Not a failure.
    Skip {
        /// The human-readable reason.
        why: String,
    },
    /// The target should have responded and did not. A failure.
    Broken {
        /// A human-readable description.
        what: String,
    },
}

impl Stop {
    /// Creates a [`Stop::Skip`] with this reason.
    pub fn skip(why: impl Into<String>) -> Self {
        Self::Skip { why: why.into() }
    }

    /// Creates a [`Stop::Broken`] with this description.
    pub fn broken(what: impl fmt::Display) -> Self {
        Self::Broken {
            what: what.to_string(),
        }
    }
}

/// The progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The number of finished cases.
    pub done: usize,
    /// The number of those that failed.
    pub failed: usize,
    /// The number of all cases.
    pub total: usize,
}

/// The results of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The engine's name.
    pub name: String,
    /// The number of results that were as expected.
    pub passed: usize,
    /// The failed cases, in order.
    pub failures: Vec<Failure>,
    /// The skipped cases, in order.
    pub skips: Vec<Skip>,
}

/// A case that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The case's ID.
    pub id: String,
    /// The request: method and target.
    pub request: String,
    /// The failure.
    pub trouble: Trouble,
}

/// The failure of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The result differs from the expected one in these members; at least one.
    Differences(Vec<Difference>),
    /// There was no result.
    Broken {
        /// A human-readable description.
        what: String,
    },
}

/// One difference between the expected and the actual result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key in `expect`.
    pub key: &'static str,
    /// The expected value.
    pub expected: String,
    /// The actual value.
    pub got: String,
}

/// A case that was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The case's ID.
    pub id: String,
    /// The reason.
    pub why: String,
}

/// Runs all `cases` on `engine`, and calls `progress` after each.
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
