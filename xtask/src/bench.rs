//! Cold and warm measurements of every target, and of peers next to ours, in one run. `tollgate-targets` and
//! `tollgate-peers` define and make the measurements; this module builds what they need, starts them, and
//! combines their output.

mod authors;
pub(crate) mod baselines;
mod beside;
mod peers;
mod signatures;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::Value;

use crate::{Verdict, build, repo, shell, ui};

/// Arguments of `bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to measure [default: everything]
    #[arg(long, value_enum, value_delimiter = ',')]
    rows: Vec<Rows>,
    /// Also write the rows as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write a page with charts to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Take fewer samples: enough for an overview, too few for comparisons
    #[arg(long)]
    quick: bool,
    /// Measure no times: compare reproducible counts with the committed baselines
    #[arg(long)]
    check: bool,
    /// Measure no times: write the reproducible counts as the new baselines
    #[arg(long, conflicts_with = "check")]
    bless: bool,
}

/// The parts of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// Our targets, cold and warm
    Targets,
    /// Decisions in one process, compared with policy engines
    Decisions,
    /// Tokens, decisions and starts in Node, compared with libraries and Cedar in WASM
    Node,
    /// Requests per second in workerd, compared with hand-written Workers
    Workerd,
    /// One signature verification per library that could have been chosen: in WASM, natively, in OpenSSL
    Signatures,
    /// The authors' commands on a site with 2,000 courses, natively
    Authors,
    /// Requests per second through proxies that ask `tollgate authz`, compared with Envoy's and nginx's own modules
    Beside,
}

/// Measures and prints.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    if args.check || args.bless {
        return counts(args.bless);
    }
    let chosen = |rows| args.rows.is_empty() || args.rows.contains(&rows);
    let needs_modules = |rows: &Rows| !matches!(rows, Rows::Authors | Rows::Beside);
    if args.rows.iter().any(needs_modules) || args.rows.is_empty() {
        let notes = ui::in_step("WASM modules and npm package", |step| {
            build::wasm(build::bindgen(), step)
        })?;
        print!("{notes}");
        ui::in_step("parts of the edges", build::parts)?;
    }
    let folder = repo::target().join("bench");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", repo::shown(&folder)))?;
    let mut written = Vec::new();
    if chosen(Rows::Targets) {
        let json = folder.join("targets.json");
        if targets(args, &json)? == Verdict::No {
            return Ok(Verdict::No);
        }
        written.push(json);
    }
    let parts = [Rows::Decisions, Rows::Node, Rows::Workerd];
    let parts: Vec<Rows> = parts.into_iter().filter(|rows| chosen(*rows)).collect();
    if !parts.is_empty() || args.html.is_some() {
        peers::build()?;
    }
    if !parts.is_empty() {
        let json = folder.join("peers.json");
        if peers::measure(args, &parts, &json)? == Verdict::No {
            return Ok(Verdict::No);
        }
        written.push(json);
    }
    if chosen(Rows::Signatures) {
        let json = folder.join("signatures.json");
        let rows = ui::in_step("signatures per library", |step| {
            signatures::measure(args.quick, step)
        })?;
        anstream::print!("\n{}", signatures::table(&rows));
        fs::write(&json, signatures::json(&rows)?)
            .with_context(|| format!("cannot write {}", repo::shown(&json)))?;
        written.push(json);
    }
    if chosen(Rows::Authors) {
        let json = folder.join("authors.json");
        let rows = ui::in_step("authors' commands", |step| {
            authors::measure(args.quick, step)
        })?;
        anstream::print!("\n{}", authors::table(&rows));
        fs::write(&json, authors::json(&rows)?)
            .with_context(|| format!("cannot write {}", repo::shown(&json)))?;
        written.push(json);
    }
    if chosen(Rows::Beside) {
        let json = folder.join("beside.json");
        if beside::measure(args, &json)? == Verdict::No {
            return Ok(Verdict::No);
        }
        written.push(json);
    }
    if let Some(json) = &args.json {
        fs::write(json, together(&written)?)
            .with_context(|| format!("cannot write {}", json.display()))?;
    }
    match &args.html {
        Some(html) => peers::page(&written, html),
        None => Ok(Verdict::Yes),
    }
}

/// Returns the lists of rows in `files` as a single list.
fn together(files: &[PathBuf]) -> Result<String> {
    let mut all = Vec::new();
    for file in files {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", repo::shown(file)))?;
        let rows: Value = serde_json::from_str(&text)?;
        ensure!(rows.is_array(), "{} is not a list", repo::shown(file));
        all.extend(rows.as_array().cloned().unwrap_or_default());
    }
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

/// Measures our targets.
fn targets(args: &Args, json: &Path) -> Result<Verdict> {
    let workerd = ui::in_step("workerd", build::cloudflare::workerd)?;
    let cargo_lambda = ui::in_step("cargo-lambda", build::lambda::cargo_lambda)?;
    ui::in_step("native Lambda program", build::lambda::package)?;
    let nginx = ui::in_step("nginx", build::javascript::nginx)?;
    // Measure what would be shipped: release, not the test profile.
    let built = shell::hand_over(&mut shell::cargo([
        "build",
        "--release",
        "--package",
        "tollgate-targets",
        "--bin",
        "bench",
        "--package",
        "tollgate",
        "--bin",
        "tollgate",
    ]))?;
    if built != 0 {
        return Ok(Verdict::No);
    }
    let mut command = shell::tool(repo::target().join("release/bench"), ["--wasm"]);
    command
        .arg(build::plain_module())
        .arg("--node-package")
        .arg(repo::node_package())
        .arg("--parts")
        .arg(repo::parts())
        .arg("--tollgate")
        .arg(repo::target().join("release/tollgate"))
        .arg("--workerd")
        .arg(workerd)
        .arg("--lambda")
        .arg(build::lambda::shipped())
        .arg("--cargo-lambda")
        .arg(cargo_lambda)
        .arg("--nginx")
        .arg(nginx)
        .arg("--json")
        .arg(json)
        .args(args.quick.then_some("--quick"));
    Ok(Verdict::of(shell::hand_over(&mut command)? == 0))
}

/// Builds what is counted, then counts.
fn counts(bless: bool) -> Result<Verdict> {
    let notes = ui::in_step("WASM modules and npm package", |step| {
        build::wasm(build::bindgen(), step)
    })?;
    print!("{notes}");
    ui::in_step("programs", |step| {
        shell::must(&mut build::programs(), |line| step.line(line))
    })?;
    let (report, good) = ui::in_step("counts", |step| {
        if bless {
            return baselines::bless(step).map(|report| (report, true));
        }
        baselines::check(step).map(|(report, _, good)| (report, good))
    })?;
    anstream::print!("\n{report}");
    Ok(Verdict::of(good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_all_files_are_concatenated() {
        let file = |name: &str, text: &str| {
            let file = std::env::temp_dir().join(format!("rows-{}-{name}", std::process::id()));
            fs::write(&file, text).unwrap();
            file
        };
        let lists = [file("a", "[{\"a\": 1}]"), file("b", "[{\"b\": 2}, 3]")];
        let all: Value = serde_json::from_str(&together(&lists).unwrap()).unwrap();
        assert_eq!(all, serde_json::json!([{"a": 1}, {"b": 2}, 3]));
        assert!(together(&[file("c", "{}")]).is_err());
        for name in ["a", "b", "c"] {
            fs::remove_file(file(name, "")).unwrap();
        }
    }
}
