//! Binaryen's wasm-opt, installed under `target/tools` from npm. A machine that cannot have it
//! keeps the compiler's modules: larger by a few per cent, the same in every answer.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::ui::Step;
use crate::{repo, shell};

/// The one version, so that the same source gives the same bytes.
const BINARYEN: &str = "132.0.0";
/// What rustc's modules may use, and every runtime we run on has.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// Makes modules smaller in place; returns a note for people that says why where it does not.
pub(super) fn modules(paths: &[&Path], step: &Step) -> Result<String> {
    let tool = match tool(step) {
        Ok(tool) => tool,
        Err(error) => {
            return Ok(format!(
                "modules stay as compiled, without wasm-opt: {error:#}\n"
            ));
        }
    };
    for path in paths {
        one(&tool, path, step)?;
    }
    Ok(String::new())
}

fn one(tool: &Path, path: &Path, step: &Step) -> Result<()> {
    let smaller = path.with_extension("wasm.small");
    let mut command = shell::tool("node", [tool]);
    command
        .args(["-O3", "--strip-producers"])
        .args(FEATURES)
        .arg(path)
        .arg("-o")
        .arg(&smaller);
    shell::must(&mut command, |line| step.line(line))?;
    std::fs::rename(&smaller, path).with_context(|| format!("cannot replace {}", path.display()))
}

/// The script that runs wasm-opt, installed if it is not there.
fn tool(step: &Step) -> Result<PathBuf> {
    let home = repo::target()
        .join("tools")
        .join(format!("binaryen-{BINARYEN}"));
    let script = home.join("node_modules/binaryen/bin/wasm-opt");
    if !script.exists() {
        step.line("installing binaryen");
        std::fs::create_dir_all(&home)?;
        let mut install = shell::tool(
            "npm",
            [
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
            ],
        );
        install
            .arg("--prefix")
            .arg(&home)
            .arg(format!("binaryen@{BINARYEN}"));
        let done = shell::capture(&mut install, |line| step.line(line))
            .context("npm cannot be started")?;
        anyhow::ensure!(done.success, "npm cannot install binaryen {BINARYEN}");
    }
    anyhow::ensure!(script.exists(), "binaryen {BINARYEN} has no bin/wasm-opt");
    Ok(script)
}
