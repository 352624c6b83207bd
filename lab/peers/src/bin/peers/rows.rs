//! Rows of measurements, ours next to those of peers: ratios, a human-readable table, machine-readable JSON.
//!
//! Not here: the measuring itself.

use serde::{Deserialize, Serialize};

/// Our name in a row.
pub(crate) const OURS: &str = "tollgate";

/// One measurement. The keys are those of `cargo xtask bench --json`; keys that do not apply are omitted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) target: String,
    pub(crate) subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p50_ns: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99_ns: Option<f64>,
    /// The median divided by ours in the same run. Above 1 we are faster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) samples: Option<usize>,
    /// The number of results that were compared with ours first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checked: Option<usize>,
    /// The time until the rules were loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ready_ms: Option<f64>,
    /// What was timed: identical in rows that are compared.
    pub(crate) note: String,
    /// The setup of this subject, for any number of rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) setup: Option<String>,
    /// A remark, or why there are no measurements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remark: Option<String>,
}

impl Row {
    /// Whether two rows measure the same work.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        let work = |row: &Self| (row.what.clone(), row.target.clone(), row.rules);
        work(self) == work(other) && self.note == other.note
    }

    /// Computes the median and the 99th percentile of samples, in nanoseconds.
    pub(crate) fn with(mut self, samples: &[f64]) -> Self {
        let rounded = |percent| percentile(samples, percent).map(f64::round);
        (self.p50_ns, self.p99_ns) = (rounded(50), rounded(99));
        self.samples = Some(samples.len());
        self
    }
}

/// Returns a percentile by nearest rank; `None` without samples.
pub(crate) fn percentile(samples: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied()
}

/// Fills in missing ratios to our median.
pub(crate) fn compare(rows: &mut [Row]) {
    let ours: Vec<Row> = rows
        .iter()
        .filter(|row| row.subject == OURS)
        .cloned()
        .collect();
    for row in rows.iter_mut().filter(|row| row.ratio.is_none()) {
        let beside = ours.iter().find(|own| own.is_beside(row));
        row.ratio = beside
            .and_then(|own| Some(row.p50_ns? / own.p50_ns?))
            .map(|ratio| (ratio * 1_000.0).round() / 1_000.0);
    }
}

/// Returns the setup of each subject once.
pub(crate) fn setups<'a>(rows: &[&'a Row]) -> Vec<(&'a str, &'a str)> {
    let mut setups = Vec::new();
    for row in rows {
        if let Some(setup) = &row.setup {
            let setup = (row.subject.as_str(), setup.as_str());
            if !setups.contains(&setup) {
                setups.push(setup);
            }
        }
    }
    setups
}

/// Returns the rows as a table in comparable groups, each followed by the setups of its subjects.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let group = |row: &Row| (row.what.clone(), row.target.clone(), row.note.clone());
    for rows in rows.chunk_by(|one, next| group(one) == group(next)) {
        let Some(first) = rows.first() else { continue };
        text.push_str(&format!(
            "\n{} on {}: {}\n{:16} {:>7} {:>10} {:>10} {:>9} {:>9} {:>10} {:>9} {:>8}\n",
            first.what,
            first.target,
            first.note,
            "subject",
            "rules",
            "p50",
            "p99",
            "to ours",
            "requests",
            "bytes",
            "ready",
            "checked",
        ));
        for row in rows {
            text.push_str(&line(row));
        }
        for (subject, setup) in setups(&rows.iter().collect::<Vec<_>>()) {
            text.push_str(&format!("  {subject}: {setup}\n"));
        }
    }
    text
}

fn line(row: &Row) -> String {
    let cell = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let line = format!(
        "{:16} {:>7} {:>10} {:>10} {:>9} {:>9} {:>10} {:>9} {:>8}  {}",
        row.subject,
        cell(row.rules.map(|rules| rules.to_string())),
        cell(row.p50_ns.map(time)),
        cell(row.p99_ns.map(time)),
        cell(row.ratio.map(times)),
        cell(row.per_second.map(|count| format!("{count:.0}/s"))),
        cell(row.bytes.map(|bytes| bytes.to_string())),
        cell(row.ready_ms.map(|ms| format!("{ms:.0} ms"))),
        cell(row.checked.map(|checked| checked.to_string())),
        row.remark.as_deref().unwrap_or_default(),
    );
    line.trim_end().to_owned() + "\n"
}

/// A human-readable ratio.
pub(crate) fn times(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 10.0 => format!("{ratio:.2}x"),
        ratio => format!("{ratio:.0}x"),
    }
}

/// A human-readable time, from nanoseconds.
pub(crate) fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e4 => format!("{ns:.0} ns"),
        ns if ns < 1e7 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &str, rules: usize, p50_ns: f64) -> Row {
        Row {
            subject: subject.to_owned(),
            rules: Some(rules),
            p50_ns: Some(p50_ns),
            ..Row::default()
        }
    }

    #[test]
    fn ratios_are_to_our_row_of_the_same_work() {
        let mut rows = [
            row("slow", 10, 500.0),
            row(OURS, 10, 100.0),
            row(OURS, 20, 50.0),
            row("fast", 20, 25.0),
            row("alone", 30, 1.0),
        ];
        compare(&mut rows);
        let ratios = rows.map(|row| row.ratio);
        assert_eq!(ratios, [Some(5.0), Some(1.0), Some(1.0), Some(0.5), None]);
    }

    #[test]
    fn percentiles_are_ranks() {
        let samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&samples, 50), Some(100.0));
        assert_eq!(percentile(&samples, 99), Some(198.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
