//! Decisions compared with policy engines: every engine with every number of rules, one process each.
//!
//! A separate process gives each engine all the memory, and allows one that takes too long to be stopped.

use core::time::Duration;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use crate::engines::Engine;
use crate::rows::Row;
use crate::timing::{Figures, Progress};

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
/// The total time limit of an engine: to read the rules, respond, and be timed.
const LIMIT: Duration = Duration::from_secs(90);
const NOTE: &str =
    "decision only: 256 requests in turn, half of them allowed, results compared with ours";

pub(crate) fn measure(quick: bool, progress: &Progress) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for rules in SIZES {
        for engine in Engine::ALL {
            progress.say(format!("decisions, {rules} rules: {}", engine.subject()));
            let row = Row {
                what: "decide".to_owned(),
                target: "native".to_owned(),
                subject: engine.subject().to_owned(),
                rules: Some(rules),
                note: NOTE.to_owned(),
                ..Row::default()
            };
            rows.push(match apart(engine, rules, quick) {
                Ok(figures) => Row {
                    setup: Some(engine.setup().to_owned()),
                    checked: Some(figures.checked),
                    ready_ms: Some(figures.ready_ms),
                    remark: figures.remark,
                    ..row.with(&figures.samples)
                },
                Err(error) => Row {
                    remark: Some(format!("{error:#}")),
                    ..row
                },
            });
        }
    }
    Ok(rows)
}

/// Measures in another process, within the time limit.
fn apart(engine: Engine, rules: usize, quick: bool) -> Result<Figures> {
    let name = engine.to_possible_value().context("a name")?;
    let said = tempfile::tempfile()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["engine", name.get_name(), &rules.to_string()])
        .args(quick.then_some("--quick"))
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start this program again")?;
    if !ended(&mut child, LIMIT)? {
        anyhow::bail!("not finished within {} s", LIMIT.as_secs());
    }
    let done = child.wait_with_output()?;
    if !done.status.success() {
        let why = String::from_utf8_lossy(&done.stderr);
        let first = why.lines().next().unwrap_or_default();
        anyhow::bail!("{}: {}", done.status, first);
    }
    let mut text = String::new();
    let mut said = said;
    std::io::Seek::rewind(&mut said)?;
    std::io::Read::read_to_string(&mut said, &mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Waits for a process until the time limit, and then stops it.
fn ended(child: &mut Child, limit: Duration) -> Result<bool> {
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}
