//! The Lambda@Edge package of a policy, run by a local CloudFront emulator.

use core::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use super::bucket;
use super::part::{self, Part};
use xtask::tools::{self, Npm};
use xtask::ui::Step;
use xtask::{repo, shell};

/// The edge's credentials for signing bucket requests.
const AWS4: Npm<'static> = Npm {
    folder: "aws4",
    packages: &["aws4@1.13.2"],
};

/// The origin of the edge.
pub(super) struct Origin<'a> {
    /// An S3, as `http://127.0.0.1:PORT`.
    pub(super) endpoint: &'a str,
    pub(super) key_id: &'a str,
    pub(super) secret: &'a str,
}

/// Builds the package of a policy next to it, and starts the edge with the package.
pub(super) fn start(
    name: &'static str,
    policy: &Path,
    origin: &Origin<'_>,
    step: &Step,
) -> Result<(Part, SocketAddr)> {
    let (zip, package) = (
        policy.with_extension("zip"),
        policy.with_extension("package"),
    );
    let mut build = shell::tool(
        repo::program("tollgate"),
        ["build", "--target", "lambda-edge"],
    );
    build.arg(policy).arg("--out").arg(&zip);
    build.arg("--parts").arg(repo::parts());
    shell::must(&mut build, |line| step.line(line))?;
    if package.exists() {
        std::fs::remove_dir_all(&package)?;
    }
    let mut unpack = shell::tool("python3", ["-m", "zipfile", "-e"]);
    shell::must(unpack.arg(&zip).arg(&package), |line| step.line(line))
        .context("Python 3 is required")?;
    let modules = tools::npm(&AWS4, step)?.join("node_modules");
    let script = repo::root().join("lambda-adapter/local/cloudfront.mjs");
    let mut command = shell::tool("node", [script]);
    command
        .args(["--origin", origin.endpoint, "--bucket", bucket::NAME])
        .args(["--region", bucket::REGION])
        .arg("--package")
        .arg(&package)
        .arg("--modules")
        .arg(modules)
        .env("AWS_ACCESS_KEY_ID", origin.key_id)
        .env("AWS_SECRET_ACCESS_KEY", origin.secret);
    let part = Part::start(name, &mut command)?;
    let address = part::address(&part.first()?, "address")?;
    Ok((part, address))
}
