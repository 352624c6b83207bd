//! Builds what runs at an edge: the plain WASM module, the npm package, and the proof that the
//! core needs no operating system. Programs for this machine are built by the verbs that use them.

mod toolchain;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::ui::Step;
use crate::{Verdict, repo, shell, ui};

/// What WASM modules are compiled for.
const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Machines without an operating system that the core must build for.
const BARE_TARGETS: [&str; 2] = ["wasm32v1-none", "thumbv7em-none-eabi"];

/// Builds everything for the edges and prints what it weighs.
pub(crate) fn run() -> Result<Verdict> {
    let notes = ui::in_step("WASM modules and npm package", |step| wasm(bindgen(), step))?;
    print!("{notes}");
    let notes = ui::in_step("core on bare targets", bare)?;
    print!("{notes}");
    anstream::print!("{}", sizes()?);
    Ok(Verdict::Yes)
}

/// Builds everything for the edges once the programs are built: a report with sizes.
pub(crate) fn all(step: &Step) -> Result<String> {
    let notes = wasm(built_bindgen(), step)? + &bare(step)?;
    Ok(notes + &sizes()?)
}

/// The module with the plain ABI.
pub(crate) fn plain_module() -> PathBuf {
    built("tollgate_plain.wasm")
}

/// The tool that makes the npm package's glue, built if need be.
pub(crate) fn bindgen() -> Command {
    shell::cargo(["run", "--quiet", "--package", "tollgate-bindgen", "--"])
}

/// The same tool, where the programs are built already.
pub(crate) fn built_bindgen() -> Command {
    shell::tool(repo::program("tollgate-bindgen"), [""; 0])
}

/// Builds both WASM modules and the npm package around one of them; returns notes for people.
///
/// Modules stay as rustc makes them: Binaryen's wasm-opt was tried and left out, for 2 % off the
/// gzipped size against up to 6 % more time per RS256 signature in wasmtime.
pub(crate) fn wasm(mut bindgen: Command, step: &Step) -> Result<String> {
    let notes = toolchain::need(&[WASM_TARGET])?;
    let mut build = shell::cargo(["build", "--profile", "wasm", "--target", WASM_TARGET]);
    must(
        build.args(["--package", "tollgate-plain", "--package", "tollgate-node"]),
        step,
    )?;
    let package = repo::node_package().join("pkg");
    must(bindgen.arg(built("tollgate_node.wasm")).arg(package), step)?;
    Ok(notes)
}

fn built(module: &str) -> PathBuf {
    repo::target().join(WASM_TARGET).join("wasm").join(module)
}

/// Builds the core for machines without an operating system.
fn bare(step: &Step) -> Result<String> {
    let notes = toolchain::need(&BARE_TARGETS)?;
    for target in BARE_TARGETS {
        must(
            &mut shell::cargo(["build", "--package", "tollgate-core", "--target", target]),
            step,
        )?;
    }
    Ok(notes)
}

fn must(command: &mut Command, step: &Step) -> Result<()> {
    shell::must(command, |line| step.line(line)).map(|_| ())
}

/// What each module weighs: its bytes as they are and as gzip sends them.
fn sizes() -> Result<String> {
    let mut rows = vec![["module", "raw", "gzip -9"].map(str::to_owned).to_vec()];
    for path in [
        plain_module(),
        repo::node_package().join("pkg/tollgate_node_bg.wasm"),
    ] {
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&bytes)?;
        rows.push(vec![
            repo::shown(&path),
            ui::bytes(bytes.len()),
            ui::bytes(packed.finish()?.len()),
        ]);
    }
    Ok(ui::table(&rows))
}
