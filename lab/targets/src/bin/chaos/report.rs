//! Rows of the report: as a table, as JSON, and as one sentence.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};
use tollgate_targets::Target;

use crate::driver::Score;
use crate::faults::Fault;

/// One fault on one target.
pub(crate) struct Row {
    fault: &'static Fault,
    target: Target,
    result: Outcome,
}

enum Outcome {
    /// The fault does not apply, for this reason.
    LeftOut(&'static str),
    /// The scenario could not be completed.
    Failed(String),
    /// The scenario was completed.
    Played { score: Score, what: String },
}

impl Row {
    pub(crate) fn left_out(fault: &'static Fault, target: Target, why: &'static str) -> Row {
        let result = Outcome::LeftOut(why);
        Row {
            fault,
            target,
            result,
        }
    }

    pub(crate) fn failed(fault: &'static Fault, target: Target, why: String) -> Row {
        let result = Outcome::Failed(why);
        Row {
            fault,
            target,
            result,
        }
    }

    pub(crate) fn played(fault: &'static Fault, target: Target, score: Score, what: String) -> Row {
        let result = Outcome::Played { score, what };
        Row {
            fault,
            target,
            result,
        }
    }

    /// Whether nothing was wrongly allowed and no valid request was lost.
    pub(crate) fn is_good(&self) -> bool {
        match &self.result {
            Outcome::LeftOut(_) => true,
            Outcome::Failed(_) => false,
            Outcome::Played { score, .. } => {
                score.wrong_allows == 0 && score.lost_under == 0 && score.lost_after == 0
            }
        }
    }

    /// The row as one progress line.
    pub(crate) fn line(&self) -> String {
        let (fault, target) = (self.fault.name, self.target);
        match &self.result {
            Outcome::LeftOut(_) => format!("{fault} {target}: does not apply"),
            Outcome::Failed(why) => format!("{fault} {target}: FAILED: {why}"),
            Outcome::Played { score, .. } => {
                let word = if self.is_good() { "ok" } else { "FAILED" };
                format!(
                    "{fault} {target}: {word}, {} requests, {} wrong allows, {} lost",
                    score.requests,
                    score.wrong_allows,
                    score.lost_under + score.lost_after
                )
            }
        }
    }

    fn cells(&self) -> [String; 7] {
        let dash = || "-".to_owned();
        let (counts, what) = match &self.result {
            Outcome::LeftOut(why) => ([dash(), dash(), dash(), dash()], (*why).to_owned()),
            Outcome::Failed(why) => ([dash(), dash(), dash(), dash()], format!("FAILED: {why}")),
            Outcome::Played { score, what } => {
                let recovered = score
                    .recovered_secs
                    .map_or_else(dash, |secs| secs.to_string());
                let lost = score.lost_under + score.lost_after;
                let counts =
                    [score.requests, score.wrong_allows, lost].map(|count| count.to_string());
                let [requests, wrong, lost] = counts;
                ([requests, wrong, lost, recovered], what.clone())
            }
        };
        let [requests, wrong, lost, recovered] = counts;
        [
            self.fault.name.to_owned(),
            self.target.to_string(),
            requests,
            wrong,
            lost,
            recovered,
            what,
        ]
    }

    fn json(&self) -> Value {
        let mut row = json!({
            "fault": self.fault.name, "what": self.fault.what, "target": self.target.name(),
            "good": self.is_good(),
        });
        let more = match &self.result {
            Outcome::LeftOut(why) => json!({ "means_nothing": why }),
            Outcome::Failed(why) => json!({ "failed": why }),
            Outcome::Played { score, what } => json!({
                "happened": what, "requests": score.requests, "wrong_allows": score.wrong_allows,
                "lost_under": score.lost_under, "lost_after": score.lost_after,
                "recovered_secs": score.recovered_secs, "wrong": score.wrong,
            }),
        };
        if let (Some(row), Value::Object(more)) = (row.as_object_mut(), more) {
            row.extend(more);
        }
        row
    }
}

/// Returns the table, followed by the wrong results.
pub(crate) fn table(rows: &[Row]) -> String {
    const HEAD: [&str; 7] = [
        "fault",
        "target",
        "requests",
        "wrong allows",
        "lost",
        "recovery, s",
        "what happened",
    ];
    let mut cells = vec![HEAD.map(str::to_owned)];
    cells.extend(rows.iter().map(Row::cells));
    let width = |column: usize| {
        let lengths = cells.iter().filter_map(|row| row.get(column));
        lengths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut text = String::new();
    for row in &cells {
        let padded: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    for row in rows {
        if let Outcome::Played { score, .. } = &row.result {
            for wrong in &score.wrong {
                text.push_str(&format!(
                    "WRONG {} {}: {wrong}\n",
                    row.fault.name, row.target
                ));
            }
        }
    }
    text
}

/// Returns a summary of all rows in one sentence.
pub(crate) fn summary(rows: &[Row]) -> String {
    let (mut requests, mut wrong, mut under, mut after) = (0, 0, 0, 0);
    let (mut played, mut left_out, mut failed) = (0, 0, 0);
    for row in rows {
        match &row.result {
            Outcome::LeftOut(_) => left_out += 1,
            Outcome::Failed(_) => failed += 1,
            Outcome::Played { score, .. } => {
                played += 1;
                requests += score.requests;
                wrong += score.wrong_allows;
                under += score.lost_under;
                after += score.lost_after;
            }
        }
    }
    let faults: BTreeSet<&str> = rows.iter().map(|row| row.fault.name).collect();
    let targets: BTreeSet<&str> = rows.iter().map(|row| row.target.name()).collect();
    format!(
        "{} faults on {} targets: {played} played, {left_out} mean nothing there, {failed} could not be played; \
         {requests} requests, {wrong} wrong allows, {under} lost under a fault, {after} lost after recovery",
        faults.len(),
        targets.len()
    )
}

/// Returns the rows as a list of objects.
pub(crate) fn json(rows: &[Row]) -> Result<String> {
    let rows: Vec<Value> = rows.iter().map(Row::json).collect();
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}
