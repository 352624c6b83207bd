//! Reproducible builds of the edge modules: the committed sources in two fresh directories, each built from
//! scratch, must produce the same bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::WASM_TARGET;
use crate::ui::Step;
use crate::{Verdict, repo, shell, ui};

/// The modules: package and file name.
const MODULES: [(&str, &str); 3] = [
    ("tollgate-plain", "tollgate_plain.wasm"),
    ("tollgate-node", "tollgate_node.wasm"),
    ("tollgate-cloudflare", "tollgate_cloudflare.wasm"),
];

/// Builds twice, prints the SHA-256 of every module, and returns whether the builds are identical.
pub(super) fn run() -> Result<Verdict> {
    let changed = shell::must(&mut shell::tool("git", ["status", "--porcelain"]), |_| ())?;
    if !changed.trim().is_empty() {
        println!("note: builds the last commit; uncommitted changes are not included");
    }
    let mut builds = Vec::new();
    // Names of different lengths, so that a path in a module also changes its size.
    for name in ["first", "another-folder-for-the-second"] {
        let folder = repo::target().join("verify").join(name);
        builds.push(ui::in_step(&format!("build in {name}"), |step| {
            build(&folder, step)
        })?);
    }
    let [first, second] = builds.as_slice() else {
        return Ok(Verdict::No);
    };
    let mut rows = vec![["module", "SHA-256", ""].map(str::to_owned).to_vec()];
    let mut all = true;
    for ((_, module), (one, other)) in MODULES.iter().zip(first.iter().zip(second)) {
        let same = one == other;
        all &= same;
        let verdict = if same { "identical" } else { "DIFFERS" };
        rows.push(vec![(*module).to_owned(), one.clone(), verdict.to_owned()]);
        if !same {
            rows.push(vec![String::new(), other.clone(), String::new()]);
        }
    }
    anstream::print!("\n{}", ui::table(&rows));
    Ok(Verdict::of(all))
}

/// Builds the modules in a fresh copy of the last commit and returns their SHA-256.
fn build(folder: &Path, step: &Step) -> Result<Vec<String>> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", repo::shown(folder)))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", repo::shown(folder)))?;
    let mut copy = shell::tool(
        "git",
        ["clone", "--quiet", "--depth", "1", "--no-hardlinks"],
    );
    copy.arg(format!("file://{}", repo::root().display()))
        .arg(folder);
    shell::must(&mut copy, |line| step.line(line)).context("git is required")?;
    let mut cargo = shell::cargo([
        "build",
        "--locked",
        "--profile",
        "wasm",
        "--target",
        WASM_TARGET,
    ]);
    for (package, _) in MODULES {
        cargo.args(["--package", package]);
    }
    let target = folder.join("target");
    cargo
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", &target)
        // The build must see only what is available on any machine.
        .env_remove("RUSTFLAGS");
    shell::must(&mut cargo, |line| step.line(line))?;
    let built = target.join(WASM_TARGET).join("wasm");
    let files = MODULES.map(|(_, module)| built.join(module));
    let mut sum = shell::tool("sha256sum", &files);
    let text = shell::must(&mut sum, |_| ()).context("sha256sum is required")?;
    let sums: Vec<String> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    ensure!(sums.len() == MODULES.len(), "sha256sum printed:\n{text}");
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", repo::shown(folder)))?;
    Ok(sums)
}
