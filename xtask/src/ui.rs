//! Terminal output: steps with their elapsed time, tables, sizes. It decides nothing.

use core::cell::Cell;
use core::time::Duration;
use std::io::IsTerminal;
use std::time::Instant;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// The style of success.
pub const GREEN: Style = AnsiColor::Green.on_default().bold();
/// The style of failure.
pub const RED: Style = AnsiColor::Red.on_default().bold();
/// The style of less important text.
pub const DIM: Style = Style::new().dimmed();

/// Without a terminal, a long step reports at most this often.
const PAUSE: Duration = Duration::from_secs(10);

/// The result of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Succeeded.
    Good,
    /// Failed.
    Bad,
    /// Skipped, for a reason that is reported.
    Skipped,
}

/// One step of a command while it runs: a moving line on a terminal, plain lines elsewhere.
pub struct Step {
    name: String,
    began: Instant,
    /// The time of the last output.
    reported: Cell<Instant>,
    bar: Option<ProgressBar>,
}

impl Step {
    /// Starts a step and reports it.
    pub fn start(name: impl Into<String>) -> Step {
        let name = name.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {prefix}  {elapsed}  {wide_msg:.dim}")
            {
                bar.set_style(style);
            }
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("  ..  {name}");
        }
        Step {
            name,
            began: Instant::now(),
            reported: Cell::new(Instant::now()),
            bar,
        }
    }

    /// Shows the current output of the step.
    pub fn line(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.trim().to_owned());
        } else if self.reported.get().elapsed() >= PAUSE {
            self.reported.set(Instant::now());
            eprintln!("  ..  {}  {}", seconds(self.began.elapsed()), text.trim());
        }
    }

    /// Ends the step with its result, and prints its duration.
    pub fn end(self, mark: Mark, detail: &str) -> Duration {
        let took = self.began.elapsed();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let (style, word) = match mark {
            Mark::Good => (GREEN, " ok "),
            Mark::Bad => (RED, "FAIL"),
            Mark::Skipped => (DIM, "skip"),
        };
        anstream::eprintln!(
            "{style} {word}{style:#} {:28} {:>8}  {detail}",
            self.name,
            seconds(took)
        );
        took
    }
}

/// A human-readable duration: `0.4 s`, `2 m 05 s`.
pub fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 100 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} m {:02} s", whole / 60, whole % 60)
}

/// A human-readable size: exact bytes with digits in groups.
pub fn bytes(count: usize) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown.push_str(" B");
    shown
}

/// Runs `work` as its own step, which fails if `work` returns an error.
pub fn in_step<T>(name: &str, work: impl FnOnce(&Step) -> Result<T>) -> Result<T> {
    let step = Step::start(name);
    let done = work(&step);
    step.end(if done.is_ok() { Mark::Good } else { Mark::Bad }, "");
    done
}

/// Aligns rows in columns as wide as their widest cell; the first row is the header.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        let line = cells.join("  ");
        let line = line.trim_end();
        let line = if place == 0 {
            format!("{DIM}{line}{DIM:#}")
        } else {
            line.to_owned()
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_readable() {
        assert_eq!(seconds(Duration::from_millis(412)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 m 05 s");
        assert_eq!(bytes(7), "7 B");
        assert_eq!(bytes(123_456), "123,456 B");
        assert_eq!(bytes(1_234_567), "1,234,567 B");
    }
}
