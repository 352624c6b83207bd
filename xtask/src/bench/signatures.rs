//! The cost of one signature verification, in our code and in the libraries that could have been chosen: in
//! WASM under Node, natively, and in OpenSSL. Only `tollgate-peers` depends on these libraries.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::build::WASM_TARGET;
use crate::ui::Step;
use crate::{repo, shell, tools, ui};

/// One library on one machine: a line of the script's report.
pub(crate) struct Row {
    pub(crate) algorithm: String,
    pub(crate) place: String,
    pub(crate) name: String,
    pub(crate) p50_ns: f64,
    pub(crate) p99_ns: f64,
}

/// Builds the module and its native counterpart and times both.
pub(crate) fn measure(quick: bool, step: &Step) -> Result<Vec<Row>> {
    // `ring` contains C, also in its WASM build.
    tools::debian(&["clang"], "clang", step)?;
    let package = ["--package", "tollgate-peers", "--features", "signatures"];
    let mut module = shell::cargo(["build", "--profile", "wasm", "--target", WASM_TARGET]);
    module
        .args(package)
        .args(["--example", "signatures_module"]);
    shell::must(&mut module, |line| step.line(line))?;
    let mut native = shell::cargo(["build", "--release"]);
    native.args(package).args(["--bin", "signatures"]);
    shell::must(&mut native, |line| step.line(line))?;
    let mut run = shell::tool("node", [repo::root().join("lab/peers/signatures.mjs")]);
    run.arg(
        repo::target()
            .join(WASM_TARGET)
            .join("wasm/examples/signatures_module.wasm"),
    )
    .arg(repo::target().join("release/signatures"))
    .arg(if quick { "quick" } else { "whole" });
    let report = shell::must(&mut run, |line| step.line(line))?;
    let line = report
        .lines()
        .last()
        .context("the script printed nothing")?;
    let rows: Vec<Value> = serde_json::from_str(line).context("the script's report")?;
    rows.iter()
        .map(Row::read)
        .collect::<Option<_>>()
        .context("a row of the script's report lacks a part")
}

impl Row {
    fn read(row: &Value) -> Option<Self> {
        let text = |name| row.get(name)?.as_str().map(str::to_owned);
        let number = |name| row.get(name)?.as_f64();
        Some(Self {
            algorithm: text("algorithm")?,
            place: text("where")?,
            name: text("name")?,
            p50_ns: number("p50_ns")?,
            p99_ns: number("p99_ns")?,
        })
    }
}

/// Returns the row of Tollgate's own choice in the same environment: the first row of its algorithm there.
fn ours<'a>(rows: &'a [Row], row: &'a Row) -> &'a Row {
    rows.iter()
        .find(|first| (&first.algorithm, &first.place) == (&row.algorithm, &row.place))
        .unwrap_or(row)
}

/// Returns the rows in the format of the other benchmark rows.
pub(crate) fn json(rows: &[Row]) -> Result<String> {
    let list: Vec<Value> = rows
        .iter()
        .map(|row| {
            let ours = ours(rows, row);
            let subject = if ours.name == row.name {
                "tollgate"
            } else {
                &row.name
            };
            json!({
                "what": "signature",
                "target": row.place,
                "subject": subject,
                "p50_ns": row.p50_ns.round(),
                "p99_ns": row.p99_ns.round(),
                "ratio": row.p50_ns / ours.p50_ns,
                "note": format!("{} over 900 bytes, the key prepared", row.algorithm),
                "setup": format!("{}, called in a loop", row.name),
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&list)? + "\n")
}

/// Returns the human-readable rows. The ratio is to Tollgate's own choice in the same environment.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        ["signature", "place", "library", "p50", "p99", "to ours"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in rows {
        let ours = ours(rows, row).p50_ns;
        lines.push(vec![
            row.algorithm.clone(),
            row.place.clone(),
            row.name.clone(),
            format!("{:.1} µs", row.p50_ns / 1e3),
            format!("{:.1} µs", row.p99_ns / 1e3),
            format!("{:.2}x", row.p50_ns / ours),
        ]);
    }
    ui::table(&lines)
}
