//! The check of the infrastructure templates: well-formed according to `cfn-lint`, and closed according to
//! our own check.

use anyhow::Result;

use crate::tally::Tally;
use crate::tools::{self, Pip};
use crate::ui::Step;
use crate::{repo, shell};

/// The linter for CloudFormation templates; its YAML parser is used by our own check as well.
const CFN_LINT: Pip<'static> = Pip {
    folder: "cfn-lint",
    packages: &["cfn-lint==1.58.0"],
};
const TEMPLATES: [&str; 3] = ["flow-a.yaml", "flow-b.yaml", "sign-in.yaml"];

/// Checks every template; returns the report, empty counts, and whether all templates pass.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let tools = tools::pip(&CFN_LINT, step)?.join("bin");
    let folder = repo::root().join("lambda-adapter/infra");
    let templates = TEMPLATES.map(|name| folder.join(name));
    // A warning is a failure too.
    let mut lint = shell::tool(
        tools.join("cfn-lint"),
        ["--non-zero-exit-code", "informational"],
    );
    let linted = shell::capture(lint.arg("--").args(&templates), |line| step.line(line))?;
    let mut own = shell::tool(tools.join("python"), [folder.join("check.py")]);
    let checked = shell::capture(own.args(&templates), |line| step.line(line))?;
    let good = linted.success && checked.success;
    Ok((linted.text + &checked.text, Tally::default(), good))
}
