//! Builds what runs at an edge: the plain WASM module, the npm package, and the proof that the core needs no
//! operating system. Native programs are built by the commands that use them.

pub(crate) mod cloudflare;
pub(crate) mod javascript;
pub(crate) mod lambda;
pub(crate) mod lambda_edge;
pub(crate) mod manifest;
pub(crate) mod proxies;
pub(crate) mod publish;
pub(crate) mod readers;
pub(crate) mod toolchain;
mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::ui::Step;
use crate::{Verdict, repo, shell, ui};

/// The compile target of WASM modules.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Targets without an operating system that the core must build for.
const BARE_TARGETS: [&str; 2] = ["wasm32v1-none", "thumbv7em-none-eabi"];

/// Arguments of `build`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build the modules a second time, from a copy of the sources in another directory, and compare them
    /// byte for byte
    #[arg(long)]
    verify: bool,
}

/// Builds everything for the edges and prints sizes.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    if args.verify {
        return verify::run();
    }
    let notes = ui::in_step("WASM modules and npm package", |step| wasm(bindgen(), step))?;
    print!("{notes}");
    ui::in_step("parts of the edges", parts)?;
    let notes = ui::in_step("core on bare targets", bare)?;
    print!("{notes}");
    ui::in_step("programs", |step| must(&mut programs(), step))?;
    let packages = ui::in_step("packages", packages)?;
    let lambda = ui::in_step("native Lambda program", lambda::package)?;
    anstream::print!("{}\n{packages}{lambda}", sizes()?);
    Ok(Verdict::Yes)
}

/// Builds what the packages of a release contain, except the command.
pub(crate) fn for_release() -> Result<()> {
    let notes = ui::in_step("WASM modules and npm package", |step| wasm(bindgen(), step))?;
    print!("{notes}");
    ui::in_step("parts of the edges", parts)?;
    let report = ui::in_step("native Lambda program", lambda::package)?;
    anstream::print!("{report}");
    Ok(())
}

/// The cargo arguments that build the programs of this workspace. They include all programs and the examples,
/// because cargo rebuilds a shared dependency for every other choice of features. Examples have the features
/// of tests, and `cargo test` has built both. One of these dependencies is wasmtime.
pub(crate) const PROGRAMS: [&str; 4] = ["build", "--workspace", "--bins", "--examples"];

/// Builds the programs of this workspace.
pub(crate) fn programs() -> Command {
    shell::cargo(PROGRAMS)
}

/// Builds everything for the edges after the programs are built, and returns a report with sizes.
pub(crate) fn all(step: &Step) -> Result<String> {
    let notes = wasm(built_bindgen(), step)? + &bare(step)?;
    parts(step)?;
    Ok(notes + &sizes()? + &packages(step)?)
}

/// Assembles the parts of every edge that `tollgate build` combines with a policy, and writes their manifest.
/// The modules must already be built.
pub(crate) fn parts(step: &Step) -> Result<()> {
    cloudflare::parts(step)?;
    lambda_edge::parts(step)?;
    finished_parts()?;
    manifest::write(manifest::commit())
}

/// Copies the parts of edges that need no building: everything in the directory `parts` of an edge's own
/// directory.
fn finished_parts() -> Result<()> {
    for directory in repo::entries(&repo::root())? {
        let parts = directory.join("parts");
        if parts.is_dir() && directory != repo::target() {
            repo::copy_folder(&parts, &repo::parts())?;
        }
    }
    Ok(())
}

/// Returns the sizes of the finished packages. Parts and programs must already be built.
fn packages(step: &Step) -> Result<String> {
    Ok(cloudflare::report()? + &lambda_edge::report(step)? + &javascript::report(step)?)
}

/// The module with the plain ABI.
pub(crate) fn plain_module() -> PathBuf {
    built("tollgate_plain.wasm")
}

/// Returns the tool that makes the npm package's glue, building it if necessary.
pub(crate) fn bindgen() -> Command {
    shell::cargo(["run", "--quiet", "--package", "tollgate-bindgen", "--"])
}

/// Returns the same tool when the programs are already built.
pub(crate) fn built_bindgen() -> Command {
    shell::tool(repo::program("tollgate-bindgen"), [""; 0])
}

/// Builds both WASM modules and the npm package around one of them; returns human-readable notes.
///
/// The modules are rustc's unmodified output. Binaryen's wasm-opt was evaluated and rejected: it saves 2 % of
/// the gzipped size and costs up to 6 % more time per RS256 signature in wasmtime.
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

/// Builds the core for targets without an operating system.
fn bare(step: &Step) -> Result<String> {
    let notes = toolchain::need(&BARE_TARGETS)?;
    for target in BARE_TARGETS {
        must(
            &mut shell::cargo([
                "build",
                "--package",
                "tollgate-edge-core",
                "--target",
                target,
            ]),
            step,
        )?;
    }
    Ok(notes)
}

fn must(command: &mut Command, step: &Step) -> Result<()> {
    shell::must(command, |line| step.line(line)).map(|_| ())
}

/// Returns the size of each module, raw and gzipped.
fn sizes() -> Result<String> {
    let mut rows = vec![["module", "raw", "gzip -9"].map(str::to_owned).to_vec()];
    for path in [
        plain_module(),
        repo::node_package().join("pkg/tollgate_node_bg.wasm"),
    ] {
        let (raw, packed) = weight(&path)?;
        rows.push(vec![repo::shown(&path), ui::bytes(raw), ui::bytes(packed)]);
    }
    Ok(ui::table(&rows))
}

/// Returns the size of a file, raw and gzipped.
pub(crate) fn weight(path: &Path) -> Result<(usize, usize)> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&bytes)?;
    Ok((bytes.len(), packed.finish()?.len()))
}
