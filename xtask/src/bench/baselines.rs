//! Counts that are identical in every run (instructions, fuel, allocations and bytes), compared with those
//! committed under `fixtures/baselines`. They detect regressions that a time limit in a test cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tally::Tally;
use crate::ui::Step;
use crate::{build, repo, shell, tools, ui};

/// The percentage by which a count may be worse, by prefix of its name. A better count passes, but is
/// reported.
///
/// Allocations and hits have no tolerance. Instructions depend a little on the C library's string functions.
const TOLERANCE: [(&str, f64); 6] = [
    ("allocations.", 0.0),
    ("bytes.", 2.0),
    ("flood.", 0.0),
    ("fuel.", 2.0),
    ("image.", 0.0),
    ("instructions.", 3.0),
];
/// Counts of which more is better.
const MORE_IS_BETTER: &str = "flood.";
/// The policy sizes whose decisions are counted, in rules.
const SIZES: [usize; 2] = [10, 1_000];
/// The difference between these is the cost of that many decisions without the start.
const ROUNDS: [u64; 2] = [1_000, 3_000];

type Counts = BTreeMap<String, u64>;

fn file() -> PathBuf {
    repo::fixtures().join("baselines/counts.json")
}

/// Counts and compares. The modules and test programs must already be built.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let text = fs::read_to_string(file()).context("no baselines: create them with --bless")?;
    let baseline: Counts = serde_json::from_str(&text).context("fixtures/baselines/counts.json")?;
    Ok(compare(&baseline, &count(step)?))
}

/// Counts and writes the counts as the new baselines.
pub(crate) fn bless(step: &Step) -> Result<String> {
    let counts = count(step)?;
    let (report, ..) = compare(&counts, &counts);
    let file = file();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&file, serde_json::to_string_pretty(&counts)? + "\n")?;
    Ok(report)
}

/// Returns a table of both, the number of counts that hold, and whether all do.
fn compare(baseline: &Counts, now: &Counts) -> (String, Tally, bool) {
    let mut rows = vec![
        ["count", "baseline", "now", "", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut tally = Tally::default();
    let names: BTreeSet<&String> = baseline.keys().chain(now.keys()).collect();
    for name in names {
        let (before, after) = (baseline.get(name), now.get(name));
        let (change, verdict) = match (before, after) {
            (Some(before), Some(after)) => compare_count(name, *before as f64, *after as f64),
            (None, _) => (None, Err("has no baseline: add it with --bless")),
            (_, None) => (None, Err("is no longer counted")),
        };
        match verdict {
            Ok(_) => tally.passed += 1,
            Err(_) => tally.failed += 1,
        }
        let number = |number: Option<&u64>| number.map_or("–".to_owned(), u64::to_string);
        rows.push(vec![
            name.clone(),
            number(before),
            number(after),
            change.map_or(String::new(), |change| format!("{change:+.1} %")),
            verdict.unwrap_or_else(|wrong| wrong).to_owned(),
        ]);
    }
    let good = tally.failed == 0;
    (ui::table(&rows), tally, good)
}

/// Returns the change in percent, and whether it is within the tolerance.
fn compare_count(
    name: &str,
    before: f64,
    after: f64,
) -> (Option<f64>, Result<&'static str, &'static str>) {
    let change = match before {
        0.0 if after == 0.0 => 0.0,
        0.0 => f64::INFINITY,
        _ => (after - before) / before * 100.0,
    };
    let worse = if name.starts_with(MORE_IS_BETTER) {
        -change
    } else {
        change
    };
    let tolerance = TOLERANCE
        .iter()
        .find(|(start, _)| name.starts_with(start))
        .map_or(0.0, |(_, percent)| *percent);
    let verdict = if worse > tolerance {
        Err("worse")
    } else if worse < -tolerance && worse < 0.0 {
        Ok("better: record it with --bless")
    } else {
        Ok("")
    };
    (Some(change), verdict)
}

fn count(step: &Step) -> Result<Counts> {
    let mut counts = programs(step)?;
    for (name, path) in [
        ("plain", build::plain_module()),
        (
            "node",
            repo::node_package().join("pkg/tollgate_node_bg.wasm"),
        ),
    ] {
        let (raw, packed) = build::weight(&path)?;
        counts.insert(format!("bytes.module.{name}"), u64::try_from(raw)?);
        counts.insert(format!("bytes.module.{name}.gzip"), u64::try_from(packed)?);
    }
    instructions(step, &mut counts)?;
    Ok(counts)
}

/// Returns the counts that the test program reports.
fn programs(step: &Step) -> Result<Counts> {
    let mut command = shell::tool(repo::program("counts"), ["--policy"]);
    command
        .arg(repo::policy())
        .arg("--wasm")
        .arg(build::plain_module())
        .arg("--cases")
        .args(repo::entries(&repo::fixtures().join("cases/sample"))?);
    let report = shell::must(&mut command, |line| step.line(line))?;
    let line = report
        .lines()
        .last()
        .context("the program printed nothing")?;
    let counts: BTreeMap<String, Value> = serde_json::from_str(line)?;
    counts
        .into_iter()
        .map(|(name, count)| Some((name, count.as_u64()?)))
        .collect::<Option<_>>()
        .context("a count is not a number")
}

/// Returns the instructions per decision, natively, and the sizes of the evaluated images in bytes.
fn instructions(step: &Step, counts: &mut Counts) -> Result<()> {
    let valgrind = tools::debian(&["valgrind"], "valgrind", step)?;
    // Count what would be shipped: release, not the test profile.
    let mut build = shell::cargo(["build", "--release", "--package", "tollgate-compiler"]);
    build.args(["--example", "decide_loop"]);
    shell::must(&mut build, |line| step.line(line))?;
    let program = repo::target().join("release/examples/decide_loop");
    for rules in SIZES {
        let [few, many] = ROUNDS;
        let mut ran = Vec::new();
        for rounds in ROUNDS {
            let mut run = shell::tool(
                &valgrind,
                ["--tool=callgrind", "--callgrind-out-file=/dev/null"],
            );
            run.arg(&program)
                .args([rules.to_string(), rounds.to_string()]);
            ran.push(shell::must(&mut run, |line| step.line(line))?);
        }
        let collected: Option<Vec<u64>> = ran.iter().map(|text| collected(text)).collect();
        let Some([first, second]) = collected.as_deref() else {
            bail!("callgrind printed no count:\n{}", ran.concat());
        };
        let one = (second - first) / (many - few);
        counts.insert(format!("instructions.decide.{rules}_rules"), one);
        let bytes = ran.iter().flat_map(|text| text.lines()).find_map(|line| {
            let mut words = line.split(' ');
            (words.next() == Some(&few.to_string())).then(|| words.next()?.parse().ok())?
        });
        let bytes: usize = bytes.context("the loop printed no size")?;
        counts.insert(format!("image.{rules}_rules.bytes"), u64::try_from(bytes)?);
    }
    Ok(())
}

/// Returns the count in callgrind's report: `==1234== Collected : 5678`.
fn collected(report: &str) -> Option<u64> {
    let line = report.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_counts_fail_and_better_ones_are_reported() {
        for (name, before, after, expect) in [
            ("instructions.decide", 1_000.0, 1_030.0, Ok("")),
            ("instructions.decide", 1_000.0, 1_031.0, Err("worse")),
            (
                "instructions.decide",
                1_000.0,
                900.0,
                Ok("better: record it with --bless"),
            ),
            ("allocations.open_path", 0.0, 1.0, Err("worse")),
            ("allocations.open_path", 0.0, 0.0, Ok("")),
            ("flood.hits", 1_000.0, 999.0, Err("worse")),
            ("fuel.open_path", 100.0, 102.0, Ok("")),
            ("unheard-of", 100.0, 101.0, Err("worse")),
        ] {
            assert_eq!(
                compare_count(name, before, after).1,
                expect,
                "{name} {after}"
            );
        }
    }

    #[test]
    fn a_count_without_a_counterpart_fails() {
        let some: Counts = [("fuel.start".to_owned(), 7)].into();
        assert!(!compare(&some, &Counts::new()).2);
        assert!(!compare(&Counts::new(), &some).2);
        assert!(compare(&some, &some).2);
    }

    #[test]
    fn callgrinds_report_is_parsed() {
        assert_eq!(
            collected("==7== Events    : Ir\n==7== Collected : 5678\n"),
            Some(5_678)
        );
        assert_eq!(collected("nothing"), None);
    }
}
