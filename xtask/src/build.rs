//! Builds what runs at an edge: the plain WASM module, the npm package, and the proof that the
//! core needs no operating system. Programs for this machine are built by the verbs that use them.

mod optimise;
mod stamp;
mod toolchain;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::ui::Step;
use crate::{Verdict, repo, shell, ui};
use stamp::Stamp;

/// What WASM modules are compiled for.
const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Machines without an operating system that the core must build for.
const BARE_TARGETS: [&str; 2] = ["wasm32v1-none", "thumbv7em-none-eabi"];

/// Arguments of `build`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the modules as the compiler made them, without Binaryen's wasm-opt.
    #[arg(long)]
    no_optimise: bool,
}

/// Builds everything for the edges and prints what it weighs.
pub(crate) fn run(args: &Args) -> Result<Verdict> {
    let notes = ui::in_step("WASM modules and npm package", |step| {
        wasm(!args.no_optimise, bindgen(), step)
    })?;
    print!("{notes}");
    ui::in_step("core on bare targets", bare)?;
    anstream::print!("{}", sizes()?);
    Ok(Verdict::Yes)
}

/// Builds everything for the edges once the programs are built: a report with sizes.
pub(crate) fn all(step: &Step) -> Result<String> {
    let notes = wasm(true, built_bindgen(), step)?;
    bare(step)?;
    Ok(notes + &sizes()?)
}

/// The finished WASM modules.
pub(crate) struct Modules {
    /// The module with the plain ABI.
    pub(crate) plain: PathBuf,
    /// The module inside the npm package.
    pub(crate) node: PathBuf,
}

impl Modules {
    /// Where they are, built or not.
    pub(crate) fn places() -> Modules {
        Modules {
            plain: repo::target().join("edge/tollgate_plain.wasm"),
            node: repo::node_package().join("pkg/tollgate_node_bg.wasm"),
        }
    }
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
pub(crate) fn wasm(optimise: bool, mut bindgen: Command, step: &Step) -> Result<String> {
    let notes = toolchain::need(&[WASM_TARGET])?;
    let profile = ["--profile", "wasm", "--target", WASM_TARGET];
    let packages = ["--package", "tollgate-plain", "--package", "tollgate-node"];
    must(
        &mut shell::cargo(["build"].iter().chain(&profile).chain(&packages)),
        step,
    )?;

    let built = repo::target().join(WASM_TARGET).join("wasm");
    let built = [
        built.join("tollgate_plain.wasm"),
        built.join("tollgate_node.wasm"),
    ];
    let stamp = Stamp::of(&built, optimise)?;
    if stamp.is_current() {
        return Ok(notes);
    }
    let [plain, node] = &built;
    let places = Modules::places();
    let edge = repo::target().join("edge");
    std::fs::create_dir_all(&edge).with_context(|| format!("cannot make {}", edge.display()))?;
    copy(plain, &places.plain)?;
    must(
        bindgen.arg(node).arg(repo::node_package().join("pkg")),
        step,
    )?;
    let left_out = if optimise {
        optimise::modules(&[&places.plain, &places.node], step)?
    } else {
        String::new()
    };
    if left_out.is_empty() {
        stamp.leave()?;
    }
    Ok(notes + &left_out)
}

/// Builds the core for machines without an operating system.
fn bare(step: &Step) -> Result<()> {
    let notes = toolchain::need(&BARE_TARGETS)?;
    print!("{notes}");
    for target in BARE_TARGETS {
        must(
            &mut shell::cargo(["build", "--package", "tollgate-core", "--target", target]),
            step,
        )?;
    }
    Ok(())
}

fn must(command: &mut Command, step: &Step) -> Result<()> {
    shell::must(command, |line| step.line(line)).map(|_| ())
}

/// What each module weighs: its bytes as they are and as gzip sends them.
fn sizes() -> Result<String> {
    let modules = Modules::places();
    let mut rows = vec![["module", "raw", "gzip -9"].map(str::to_owned).to_vec()];
    for path in [&modules.plain, &modules.node] {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&bytes)?;
        rows.push(vec![
            repo::shown(path),
            ui::bytes(bytes.len()),
            ui::bytes(packed.finish()?.len()),
        ]);
    }
    Ok(ui::table(&rows))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
