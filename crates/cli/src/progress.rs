//! A sign of life on long work, on terminals only.

use core::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long work may take before anything is shown.
const PATIENCE: Duration = Duration::from_millis(100);

/// Shows a bar of `length` steps while it lives, or a spinner where the length is not known. It draws nothing unless
/// standard error is a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Work of unknown length.
    pub(crate) fn spinner(doing: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(None, target()).with_message(doing);
        bar.enable_steady_tick(PATIENCE);
        Progress(bar)
    }

    /// Work of `length` steps.
    pub(crate) fn bar(doing: &'static str, length: usize) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(length as u64), target()).with_message(doing);
        // The template is fixed, so it is either always good or a bar looks plain.
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        Progress(bar)
    }

    /// One step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn target() -> ProgressDrawTarget {
    if crate::output::is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}
