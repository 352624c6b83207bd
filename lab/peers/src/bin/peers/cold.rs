//! Time to the first decision in Node, and the size of what must be shipped for it.
//!
//! Processes are timed from outside, so that the operating system's work for them is included, and are
//! measured alternately. Not here: other hosts, which `tollgate-targets` starts.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::Places;
use crate::node::Prepared;
use crate::rows::{OURS, Row};
use crate::site;
use crate::timing::{Effort, Progress};

const TOLLGATE: &str = include_str!("../../../node/cold_tollgate.mjs");
const CEDAR: &str = include_str!("../../../node/cold_cedar.mjs");
const NOTHING: &str = include_str!("../../../node/cold_nothing.mjs");
const RULES: usize = 1_000;
const NOTE: &str =
    "fresh Node process to first decision; bytes are those of module, glue and rules, each gzipped";
const CEDAR_FOLDER: &str = "node_modules/@cedar-policy/cedar-wasm/nodejs";

/// A process to start, and its arguments.
struct Started {
    subject: &'static str,
    setup: &'static str,
    script: &'static str,
    arguments: Vec<String>,
    shipped: Vec<PathBuf>,
    samples: Vec<f64>,
}

pub(crate) fn measure(places: &Places, effort: Effort, progress: &Progress) -> Result<Vec<Row>> {
    let prepared = Prepared::new(RULES)?;
    let (path, bearer) = prepared.allowed(RULES, 1)?.pop().context("a request")?;
    let group = site::questions(RULES)
        .first()
        .map(|asked| asked.group.clone())
        .context("a question")?;
    let package = places.node_package.canonicalize()?;
    let (image, policies) = (prepared.file("policy.image"), prepared.file("policy.cedar"));
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut own = files(&package.join("js"), &["mjs"])?;
    own.extend(files(&package.join("pkg"), &["wasm", "js"])?);
    own.push(image.clone());
    let mut cedars = files(&places.npm.join(CEDAR_FOLDER), &["wasm", "js"])?;
    cedars.push(policies.clone());
    let mut all = [
        Started {
            subject: OURS,
            setup: "npm package and image; key prepared and RS256-2048 token verified as well",
            script: TOLLGATE,
            arguments: vec![text(&package), text(&image), path.clone(), bearer],
            shipped: own,
            samples: Vec::new(),
        },
        Started {
            subject: "cedar-wasm",
            setup: "@cedar-policy/cedar-wasm/nodejs, isAuthorized with policies as text; no token",
            script: CEDAR,
            arguments: vec![text(&policies), path, group],
            shipped: cedars,
            samples: Vec::new(),
        },
        Started {
            subject: "node-alone",
            setup: "a process that prints a line: the cost that all others include",
            script: NOTHING,
            arguments: Vec::new(),
            shipped: Vec::new(),
            samples: Vec::new(),
        },
    ];
    for turn in 0..=effort.starts {
        progress.say(format!("Node: start {turn} of {}", effort.starts));
        for started in &mut all {
            let took = start(started, &places.npm)?;
            // The first process reads from disk what the others find in memory.
            if turn > 0 {
                started.samples.push(took);
            }
        }
    }
    all.iter()
        .map(|started| {
            let mut bytes = 0;
            for file in &started.shipped {
                bytes += gzipped(file)?;
            }
            let row = Row {
                what: "cold".to_owned(),
                target: "node".to_owned(),
                subject: started.subject.to_owned(),
                rules: Some(RULES),
                bytes: Some(bytes).filter(|bytes| *bytes > 0),
                note: NOTE.to_owned(),
                setup: Some(started.setup.to_owned()),
                ..Row::default()
            };
            Ok(row.with(&started.samples))
        })
        .collect()
}

/// Returns the nanoseconds from the start of a process to its line, which must be `allow`.
fn start(started: &Started, npm: &Path) -> Result<f64> {
    let began = Instant::now();
    let mut child = Command::new("node")
        .args(["--input-type=module", "--eval", started.script, "--"])
        .args(&started.arguments)
        .current_dir(npm)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start node")?;
    let output = child.stdout.take().context("the process has no output")?;
    let mut said = String::new();
    BufReader::new(output).read_line(&mut said)?;
    let took = began.elapsed().as_nanos() as f64;
    child.wait()?;
    ensure!(said.trim() == "allow", "{} printed {said}", started.subject);
    Ok(took)
}

/// The files in a directory with one of these extensions.
fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let file = entry?.path();
        let ending = file.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| endings.contains(&ending)) {
            found.push(file);
        }
    }
    Ok(found)
}

fn gzipped(file: &Path) -> Result<usize> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    Ok(packed.finish()?.len())
}
