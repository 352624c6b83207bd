//! The Cloudflare Worker: its parts, their sizes, and its tests on the real engine.
//!
//! The parts are everything except the policy, which `tollgate build --target cloudflare` adds. Not here:
//! the contents of the files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{WASM_TARGET, built};
use crate::tally::Tally;
use crate::tools::{self, Npm};
use crate::ui::{self, Step};
use crate::{repo, shell};

/// The engine of Cloudflare's edge.
const WORKERD: Npm<'_> = Npm {
    folder: "workerd",
    packages: &["workerd@1.20261117.1"],
};
/// Cloudflare's deployment tool, in the newest version for Node 20.
const WRANGLER: Npm<'_> = Npm {
    folder: "wrangler",
    packages: &["wrangler@4.86.0"],
};
const PACKAGE: &str = "tollgate-cloudflare";
const MODULE: &str = "tollgate_cloudflare.wasm";
/// The size limit of all Cloudflare plans, gzipped.
const LIMIT_BYTES: usize = 3 * 1_024 * 1_024;

/// The directory of the sources.
fn sources() -> PathBuf {
    repo::root().join("edge-wasm/cloudflare")
}

/// The directory of the parts.
fn folder() -> PathBuf {
    repo::parts().join("cloudflare")
}

/// Builds the module and assembles the parts. The program that runs wasm-bindgen must already be built.
pub(crate) fn parts(step: &Step) -> Result<()> {
    let mut build = shell::cargo(["build", "--profile", "wasm", "--target", WASM_TARGET]);
    shell::must(build.args(["--package", PACKAGE]), |line| step.line(line))?;
    let folder = folder();
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", repo::shown(&folder)))?;
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", repo::shown(&folder)))?;
    let mut glue = super::built_bindgen();
    shell::must(glue.arg(built(MODULE)).arg(&folder), |line| step.line(line))?;
    // Types are for package users, and this package has none.
    for file in repo::entries(&folder)? {
        if file.to_string_lossy().ends_with(".d.ts") {
            fs::remove_file(file)?;
        }
    }
    for file in ["entry.js", "index.js", "trust.js"] {
        fs::copy(sources().join("js").join(file), folder.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(())
}

/// The path of the program `workerd` after installation.
pub(crate) fn workerd_path() -> PathBuf {
    // The package's own `bin` is a script that starts this program.
    tools::npm_folder(&WORKERD).join("node_modules/@cloudflare/workerd-linux-64/bin/workerd")
}

/// The program `workerd`, installed at first use.
pub(crate) fn workerd(step: &Step) -> Result<PathBuf> {
    tools::npm(&WORKERD, step)?;
    Ok(workerd_path())
}

/// Returns the total size of the parts.
pub(crate) fn report() -> Result<String> {
    let (mut raw, mut packed) = (0, 0);
    let mut ahead = vec![folder()];
    while let Some(next) = ahead.pop() {
        for entry in repo::entries(&next)? {
            if entry.is_dir() {
                ahead.push(entry);
                continue;
            }
            let (bytes, gzipped) = super::weight(&entry)?;
            raw += bytes;
            packed += gzipped;
        }
    }
    ensure!(
        packed < LIMIT_BYTES,
        "the Worker has {packed} bytes gzipped; the limit is {LIMIT_BYTES}"
    );
    let rows = [
        ["Cloudflare Worker", "raw", "gzip -9"]
            .map(str::to_owned)
            .to_vec(),
        vec![
            "without a policy".to_owned(),
            ui::bytes(raw),
            ui::bytes(packed),
        ],
    ];
    Ok(ui::table(&rows))
}

/// Runs the Worker's tests on workerd, with their own policy, and wrangler's check of the deployment. Parts
/// and programs must already be built.
pub(crate) fn tests(step: &Step) -> Result<(String, Tally, bool)> {
    let workerd = workerd(step)?;
    let wrangler = tools::npm(&WRANGLER, step)?.join("node_modules/wrangler/bin/wrangler.js");
    let mut test = shell::tool("node", ["--test", "--test-reporter=tap"]);
    for file in files()? {
        test.arg(file);
    }
    test.env("TOLLGATE", repo::program("tollgate"))
        .env("TOLLGATE_PARTS", repo::parts())
        .env("TOLLGATE_WORKERD", workerd)
        .env("TOLLGATE_WRANGLER", wrangler);
    let done = shell::capture(&mut test, |line| step.line(line))?;
    let tally = Tally::from_tap(&done.text);
    Ok((done.text, tally, done.success && tally.passed > 0))
}

fn files() -> Result<Vec<PathBuf>> {
    let is_test = |file: &Path| file.to_string_lossy().ends_with(".test.mjs");
    let mut files = repo::entries(&sources().join("test"))?;
    files.retain(|file| is_test(file));
    ensure!(!files.is_empty(), "the Cloudflare Worker has no tests");
    Ok(files)
}
