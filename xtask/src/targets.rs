//! The targets, as `tollgate-targets` lists them: what must be built or installed for each.
//!
//! Not here: the targets themselves, which are defined by their drivers.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::ui::Step;
use crate::{build, repo, shell};

/// A target.
pub(crate) struct Target {
    pub(crate) name: String,
    /// Whether it runs WebAssembly modules or finished parts of edges.
    pub(crate) is_built: bool,
    tools: Vec<String>,
    /// Its mode in `drt`: `pairs`, `seconds` or `elsewhere`.
    pub(crate) drt: String,
}

/// A function that installs a program at first use and returns its location.
type Install = fn(&Step) -> Result<PathBuf>;

/// Third-party programs, and the functions that install them.
const TOOLS: [(&str, Install); 5] = [
    ("workerd", build::cloudflare::workerd),
    ("cargo-lambda", build::lambda::cargo_lambda),
    ("nginx", build::javascript::nginx),
    ("proxies", build::proxies::programs),
    ("haproxy", build::proxies::haproxy),
];

/// Returns the targets with these names, or all if no name is given. The programs must already be built.
pub(crate) fn chosen(names: &[&str]) -> Result<Vec<Target>> {
    let said = shell::must(&mut shell::tool(repo::program("targets"), [""; 0]), |_| ())?;
    let rows: Vec<Value> = serde_json::from_str(&said).context("the list of targets")?;
    let mut targets = rows
        .iter()
        .map(|row| Target::read(row).context("a target lacks its description"))
        .collect::<Result<Vec<_>>>()?;
    if let Some(unknown) = names
        .iter()
        .find(|name| targets.iter().all(|target| target.name != **name))
    {
        let known: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        bail!(
            "no target `{unknown}`; the targets are {}",
            known.join(", ")
        );
    }
    if !names.is_empty() {
        targets.retain(|target| names.contains(&target.name.as_str()));
    }
    Ok(targets)
}

impl Target {
    fn read(row: &Value) -> Option<Target> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Target {
            name: text(row.get("name")?)?,
            is_built: row.get("is_built")?.as_bool()?,
            tools: row
                .get("tools")?
                .as_array()?
                .iter()
                .filter_map(text)
                .collect(),
            drt: text(row.get("drt")?)?,
        })
    }
}

/// Installs the third-party programs that these targets need.
pub(crate) fn install(targets: &[Target], step: &Step) -> Result<()> {
    for tool in targets.iter().flat_map(|target| &target.tools) {
        let known = TOOLS.iter().find(|(name, _)| name == tool);
        let (_, install) = known.with_context(|| format!("no installer for `{tool}`"))?;
        install(step)?;
    }
    Ok(())
}
