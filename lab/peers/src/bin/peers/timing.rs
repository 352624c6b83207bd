//! The amount of measuring, the timing, and progress reports.

use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

/// The minimum duration of a sample, so that the clock's own cost is negligible.
const SAMPLE_NS: f64 = 20_000.0;
const MOST_REPEATS: f64 = 1_000.0;
/// The minimum number of samples, and of checked results, for slow operations.
const FEWEST: usize = 11;

/// The amount of measuring.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// The maximum number of samples of a warm operation.
    pub(crate) samples: usize,
    /// The time for the samples of one operation, unless they would be too few.
    pub(crate) time: Duration,
    /// Starts of a process.
    pub(crate) starts: usize,
    /// The number of rounds of alternate measurements, and the duration of each.
    pub(crate) rounds: usize,
    pub(crate) round_secs: u32,
}

impl Effort {
    pub(crate) const fn new(quick: bool) -> Self {
        if quick {
            Self {
                samples: 200,
                time: Duration::from_millis(500),
                starts: 3,
                rounds: 1,
                round_secs: 2,
            }
        } else {
            Self {
                samples: 2_000,
                time: Duration::from_secs(5),
                starts: 25,
                rounds: 3,
                round_secs: 5,
            }
        }
    }
}

/// The measurements of one engine.
#[derive(Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Nanoseconds for one decision.
    pub(crate) samples: Vec<f64>,
    /// The number of results that were compared with ours.
    pub(crate) checked: usize,
    pub(crate) ready_ms: f64,
    /// A remark about the setup.
    #[serde(default)]
    pub(crate) remark: Option<String>,
}

/// Checks every result, as far as time allows, and then times the engine.
///
/// `ask` decides the request with that number; `expected` is the correct decision.
pub(crate) fn timed(
    expected: &[bool],
    effort: Effort,
    ready: Duration,
    mut ask: impl FnMut(usize) -> Result<bool>,
) -> Result<Figures> {
    let began = Instant::now();
    let mut checked = 0;
    for (at, expected) in expected.iter().enumerate() {
        ensure!(
            ask(at)? == *expected,
            "the decision for request {at} differs from ours"
        );
        checked += 1;
        if checked >= FEWEST && began.elapsed() > effort.time {
            break;
        }
    }
    let typical = began.elapsed().as_nanos() as f64 / checked as f64;
    let repeats = (SAMPLE_NS / typical).ceil().clamp(1.0, MOST_REPEATS) as usize;
    let mut turn = (0..expected.len()).cycle();
    let mut samples = Vec::new();
    let began = Instant::now();
    while samples.len() < FEWEST
        || (samples.len() < effort.samples && began.elapsed() < effort.time)
    {
        let sample = Instant::now();
        for at in turn.by_ref().take(repeats) {
            black_box(ask(black_box(at))?);
        }
        samples.push(sample.elapsed().as_nanos() as f64 / repeats as f64);
    }
    Ok(Figures {
        samples,
        checked,
        ready_ms: ready.as_secs_f64() * 1e3,
        remark: None,
    })
}

/// Reports what is being measured.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed}  {wide_msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    pub(crate) fn say(&self, what: String) {
        if self.0.is_hidden() {
            eprintln!("  ..  {what}");
        }
        self.0.set_message(what);
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_decision_is_an_error() {
        let effort = Effort::new(true);
        let good = timed(&[true, false], effort, Duration::ZERO, |at| Ok(at == 0)).unwrap();
        assert_eq!(good.checked, 2);
        assert!(good.samples.len() >= FEWEST);
        assert!(timed(&[true, false], effort, Duration::ZERO, |_| Ok(true)).is_err());
    }
}
