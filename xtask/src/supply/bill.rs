//! Bills of materials in CycloneDX JSON, one for each package that is shipped.
//!
//! The tool writes next to the manifests, so it runs in a copy of the last commit. Not here: the use of the
//! bills.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools::{self, Crate};
use crate::ui::{self, Step};
use crate::{repo, shell};

const CYCLONEDX: Crate<'_> = Crate {
    name: "cargo-cyclonedx",
    version: "0.5.9",
};
/// The shipped packages: directory and compile target; `None` is this machine.
const SHIPPED: [(&str, Option<&str>); 6] = [
    ("crates/cli", None),
    ("lambda-adapter", None),
    ("lambda-adapter/edge/native", None),
    ("edge-wasm/plain", Some("wasm32-unknown-unknown")),
    ("edge-wasm/node", Some("wasm32-unknown-unknown")),
    ("edge-wasm/cloudflare", Some("wasm32-unknown-unknown")),
];
const FILE: &str = "bill-of-materials";

/// Writes all bills; returns the number of components of each.
pub(super) fn write(step: &Step) -> Result<String> {
    let program = tools::program_of(&CYCLONEDX, step)?;
    let supply = repo::target().join("supply");
    let (tree, out) = (supply.join("tree"), supply.join("sbom"));
    for folder in [&tree, &out] {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot remove {}", repo::shown(folder)))?;
        }
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", repo::shown(folder)))?;
    }
    let mut copy = shell::tool("git", ["clone", "--quiet", "--depth", "1"]);
    copy.arg(format!("file://{}", repo::root().display()))
        .arg(&tree);
    shell::must(&mut copy, |line| step.line(line)).context("git is required")?;
    let mut rows = vec![["bill", "components"].map(str::to_owned).to_vec()];
    for (folder, target) in SHIPPED {
        let manifest = tree.join(folder).join("Cargo.toml");
        let mut write = shell::tool(&program, ["cyclonedx", "--format", "json"]);
        write
            .args(["--override-filename", FILE, "--spec-version", "1.5"])
            .arg("--manifest-path")
            .arg(&manifest)
            .current_dir(&tree);
        if let Some(target) = target {
            write.args(["--target", target]);
        }
        shell::must(&mut write, |line| step.line(line))?;
        let made = tree.join(folder).join(FILE).with_extension("json");
        let text = fs::read_to_string(&made)
            .with_context(|| format!("no bill was written for {folder}"))?;
        let bill: Value = serde_json::from_str(&text).context("the bill is not JSON")?;
        let components = bill.get("components").and_then(Value::as_array);
        let count = components.context("the bill has no components")?.len();
        let name = bill
            .pointer("/metadata/component/name")
            .and_then(Value::as_str)
            .context("the bill has no name")?;
        let path = out.join(name).with_extension("cdx.json");
        fs::write(&path, text).with_context(|| format!("cannot write {}", repo::shown(&path)))?;
        rows.push(vec![repo::shown(&path), count.to_string()]);
    }
    fs::remove_dir_all(&tree).with_context(|| format!("cannot remove {}", repo::shown(&tree)))?;
    Ok(ui::table(&rows))
}
