//! Cold measurements: from process start to the first decision on a request with a token.
//!
//! Processes are timed from outside, so that the operating system's work for them is included.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tollgate_gate::{Kind, Request};
use tollgate_targets::cloudflare::{Worker, Workerd};
use tollgate_targets::driver::Ask;
use tollgate_targets::embedded::{Compiled, Embedded};
use tollgate_targets::lambda::Lines;
use tollgate_targets::lambda_edge::{LambdaEdge, Package};
use tollgate_targets::native::Library;
use tollgate_targets::node::Node;
use tollgate_targets::{Places, Target};
use tollgate_testkit::Outcome;

use crate::Effort;
use crate::figures::{Row, What, percentiles};
use crate::site::{Site, request};
use crate::warm::flavour;

/// The request of a cold start; every site has the first closed course.
const TARGET: &str = "/courses/course-1/week-1/lesson-2.html";

/// Starts the target repeatedly.
pub(crate) fn measure(
    target: Target,
    site: &Site,
    places: &Places,
    effort: Effort,
) -> Result<Vec<Row>> {
    let closed = site
        .closed
        .iter()
        .find(|closed| closed.target == TARGET)
        .context("course-1 is not on the site")?;
    let headers = [("authorization", closed.bearer.as_bytes())];
    let asked = request(TARGET, &headers);
    let image = site.policy.image();
    let row = |samples: Vec<f64>, note: &str| {
        let (p50_ns, p99_ns) = percentiles(samples);
        Row {
            what: What::Cold,
            target,
            rules: site.rules,
            p50_ns,
            p99_ns,
            bytes: image.len(),
            note: note.to_owned(),
        }
    };
    Ok(match target.name() {
        "native" => {
            let one = || in_process(site.policy.file(), &closed.bearer);
            vec![row(
                times(effort.cold, one)?,
                "process, image, keys, first token",
            )]
        }
        "wasmtime" => {
            let compiled = Compiled::from_file(&places.wasm)?;
            let all = || in_wasmtime(&Compiled::from_file(&places.wasm)?, image, &asked);
            let code = compiled.machine_code()?;
            let taken = || in_wasmtime(&Compiled::from_machine_code(&code)?, image, &asked);
            let rest = || in_wasmtime(&compiled, image, &asked);
            vec![
                row(
                    times(effort.cold.div_ceil(4), all)?,
                    "module compiled, instance, image, keys, first token",
                ),
                row(
                    times(effort.cold, taken)?,
                    "module compiled before the start, instance, image, keys, first token",
                ),
                row(
                    times(effort.cold, rest)?,
                    "instance of a compiled module, image, keys, first token",
                ),
            ]
        }
        "node" => {
            let one = || in_node(places, site.policy.file(), &asked);
            vec![row(
                times(effort.cold, one)?,
                "process, module, image, keys, first token",
            )]
        }
        "lambda-edge" | "lambda-edge-native" => {
            let package = Package::build(flavour(target), places, site.policy.file())?;
            let one = || in_package(&package, &asked);
            vec![row(
                times(effort.cold, one)?,
                "process, handler, gate, image, keys, first event with a token",
            )]
        }
        "lambda" => {
            let one = || in_lambda(&places.lambda, site.policy.file(), &asked);
            vec![row(
                times(effort.cold, one)?,
                "process, clients, image, keys, first event with a token",
            )]
        }
        "cloudflare" => {
            let worker = Worker::build(places, site.policy.file())?;
            let one = || in_workerd(&worker, &asked);
            vec![row(
                times(effort.cold, one)?,
                "process, modules, image, keys, first request with a token",
            )]
        }
        // Other targets have no cold measurements: the hosts of scripts report nothing about their starts.
        _ => Vec::new(),
    })
}

/// The work of a cold native process; it prints `allow` when it has decided.
pub(crate) fn first(image: &Path, token: &str) -> Result<()> {
    let image = std::fs::read(image)?;
    let headers = [("authorization", token.as_bytes())];
    let outcome = Library::load(&image)?.gate().ask(
        &request(TARGET, &headers),
        &mut tollgate_gate::Context::new(),
    );
    println!("{}", outcome.kind.code());
    Ok(())
}

/// Times starts. Processes are stopped outside the measured time. The first start is not counted, because it
/// reads from disk what all others find in memory.
fn times<T>(count: usize, mut start: impl FnMut() -> Result<(bool, T)>) -> Result<Vec<f64>> {
    drop(start()?);
    let mut samples = Vec::new();
    for _ in 0..count {
        let began = Instant::now();
        let (allowed, started) = start()?;
        samples.push(began.elapsed().as_nanos() as f64);
        drop(started);
        ensure!(allowed, "the first request was denied");
    }
    Ok(samples)
}

/// A child process that is waited for on drop.
struct Waited(Child);

impl Drop for Waited {
    fn drop(&mut self) {
        // It ends by itself, and its exit code no longer matters.
        _ = self.0.wait();
    }
}

fn in_process(image: &Path, token: &str) -> Result<(bool, Waited)> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--first")
        .arg(image)
        .args(["--token", token])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start this program again")?;
    let mut said = String::new();
    let output = child.stdout.take().context("the process has no output")?;
    BufReader::new(output).read_line(&mut said)?;
    Ok((said.trim() == "allow", Waited(child)))
}

fn in_wasmtime(compiled: &Compiled, image: &[u8], asked: &Request<'_>) -> Result<(bool, Embedded)> {
    let mut embedded = compiled.start(image)?;
    Ok((embedded.decide(asked)?.kind == Kind::Allow, embedded))
}

fn in_package(package: &Package, asked: &Request<'_>) -> Result<(bool, LambdaEdge)> {
    let mut started = package.start()?;
    Ok((started.ask(asked)?.outcome == Outcome::Allow, started))
}

fn in_lambda(program: &Path, image: &Path, asked: &Request<'_>) -> Result<(bool, Lines)> {
    let mut started = Lines::start(program, image)?;
    Ok((started.allows(asked)?, started))
}

fn in_workerd(worker: &Worker, asked: &Request<'_>) -> Result<(bool, Workerd)> {
    let mut started = worker.start()?;
    Ok((started.ask(asked)?.outcome == Outcome::Allow, started))
}

fn in_node(places: &Places, image: &Path, asked: &Request<'_>) -> Result<(bool, Node)> {
    let mut node = Node::start(&places.node_package, image)?;
    Ok((node.ask(asked)?.outcome == Outcome::Allow, node))
}
