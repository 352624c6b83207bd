//! Rows of measurements: percentiles of samples, a human-readable table, machine-readable JSON.
//!
//! Not here: the measuring itself.

use anyhow::Result;
use serde_json::{Value, json};
use tollgate_targets::Target;

/// One measurement. The keys are those of `cargo xtask bench --json`.
pub(crate) struct Row {
    pub(crate) what: What,
    pub(crate) target: Target,
    pub(crate) rules: usize,
    pub(crate) p50_ns: f64,
    pub(crate) p99_ns: f64,
    /// The size of the policy image.
    pub(crate) bytes: usize,
    /// Exactly what was timed.
    pub(crate) note: String,
}

/// The kind of operation that was timed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Decide,
    NewToken,
    KnownToken,
    Requests,
    Cold,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::NewToken => "new_token",
            Self::KnownToken => "known_token",
            Self::Requests => "requests",
            Self::Cold => "cold",
        }
    }
}

/// Returns the median and the 99th percentile of samples, by nearest rank.
pub(crate) fn percentiles(mut samples: Vec<f64>) -> (f64, f64) {
    samples.sort_by(f64::total_cmp);
    let rank = |percent: usize| {
        let at = (samples.len() * percent).div_ceil(100).saturating_sub(1);
        samples.get(at).copied().unwrap_or(f64::NAN)
    };
    (rank(50), rank(99))
}

/// Sorts by kind, then by target, then by size.
pub(crate) fn sort(rows: &mut [Row]) {
    rows.sort_by(|a, b| {
        (a.what, a.target.name(), a.rules).cmp(&(b.what, b.target.name(), b.rules))
    });
}

/// Returns the rows as a JSON list.
pub(crate) fn json(rows: &[Row]) -> Result<String> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what.name(),
                "target": row.target.name(),
                "subject": "tollgate",
                "rules": row.rules,
                "p50_ns": row.p50_ns.round(),
                "p99_ns": row.p99_ns.round(),
                "bytes": row.bytes,
                "note": row.note,
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}

/// Returns the rows as a table; the last column is the ratio of the median to that of the smallest policy.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:11} {:18} {:>8} {:>12} {:>12} {:>12} {:>7}  {}\n",
        "what", "target", "rules", "median", "p99", "image", "growth", "timed"
    );
    for row in rows {
        let same = |other: &&Row| {
            (other.what, other.target, &other.note) == (row.what, row.target, &row.note)
        };
        let first = rows
            .iter()
            .find(same)
            .map_or(row.p50_ns, |first| first.p50_ns);
        text.push_str(&format!(
            "{:11} {:18} {:>8} {:>12} {:>12} {:>10} B {:>6.2}x  {}\n",
            row.what.name(),
            row.target.name(),
            row.rules,
            time(row.p50_ns),
            time(row.p99_ns),
            row.bytes,
            row.p50_ns / first,
            row.note,
        ));
    }
    text
}

fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e4 => format!("{ns:.0} ns"),
        ns if ns < 1e7 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentiles(samples), (100.0, 198.0));
        assert_eq!(percentiles(vec![7.0]), (7.0, 7.0));
        assert!(percentiles(Vec::new()).0.is_nan());
    }
}
