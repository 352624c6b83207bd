//! The test of the packages: each is installed from its file in a root of Debian's base with Python and Node, without Rust,
//! clone or network; then it makes, checks, tests and builds a site, and the tutorial is run word for word.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::build::manifest;
use crate::tally::Tally;
use crate::tools;
use crate::ui::Step;
use crate::{repo, shell};

/// The tutorial, whose commands are run.
const TUTORIAL: &str = "docs/tutorial.md";
/// Packages of the root in addition to Debian's base: Python with pip, and the client of the tutorial. Node is that of this
/// machine.
const PACKAGES: [&str; 2] = ["python3-venv", "curl"];
/// The time that a check may take, in seconds: a hanging server is a failure.
const PATIENCE_SECS: &str = "300";

/// Installs and uses every package in `out`; returns the report, its counts, and whether everything passed.
pub(super) fn check(out: &Path, step: &Step) -> Result<(String, Tally, bool)> {
    if !tools::is_root() {
        let text = "SKIP install: dpkg needs the user root of a root directory; run this as root\n";
        let tally = Tally {
            skipped: 1,
            ..Tally::default()
        };
        return Ok((text.to_owned(), tally, true));
    }
    tools::debian(&["bubblewrap"], "bwrap", step)?;
    let clean = tools::debian_root(&PACKAGES, step)?;
    let root = repo::target().join("dist/root");
    remove(&root)?;
    let mut copy = shell::tool("cp", ["--archive", "--reflink=auto"]);
    shell::must(copy.arg(&clean).arg(&root), |line| step.line(line))?;
    let script = root.join("install.sh");
    fs::write(&script, include_str!("install.sh")).context("cannot write the script")?;
    let (node, npm) = node()?;
    let start = root.join("usr/local/bin/npm");
    fs::write(
        &start,
        format!(
            "#!/bin/sh\nexec node '{}' \"$@\"\n",
            npm.join("bin/npm-cli.js").display()
        ),
    )
    .context("cannot write a start script for npm")?;
    super::program::executable(&start)?;
    let mut run = shell::tool("timeout", [PATIENCE_SECS, "bwrap"]);
    run.arg("--bind").arg(&root).arg("/");
    run.args([
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--tmpfs",
        "/tmp",
        "--ro-bind",
    ])
    .arg(out)
    .arg("/dist");
    run.arg("--ro-bind")
        .arg(repo::root().join(TUTORIAL))
        .arg("/tutorial.md");
    run.arg("--ro-bind").arg(&node).arg("/usr/local/bin/node");
    run.arg("--ro-bind").arg(&npm).arg(&npm);
    run.args([
        "--unshare-net",
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--die-with-parent",
    ]);
    // dpkg gives files to users.
    run.args([
        "--cap-add",
        "ALL",
        "--clearenv",
        "--setenv",
        "HOME",
        "/root",
        "--setenv",
        "PATH",
    ]);
    run.arg("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    run.args(["--chdir", "/tmp", "bash", "/install.sh", manifest::VERSION]);
    let done = shell::capture(&mut run, |line| step.line(line))?;
    remove(&root)?;
    let tally = Tally::from_tap(&done.text);
    Ok((done.text, tally, done.success && tally.passed > 0))
}

/// The executable of Node, and the directory of npm.
fn node() -> Result<(std::path::PathBuf, std::path::PathBuf)> {
    let ask = "console.log(process.execPath)";
    let node = shell::must(&mut shell::tool("node", ["-e", ask]), |_| ())
        .context("Node 20 is required")?;
    let npm = shell::must(&mut shell::tool("npm", ["root", "--global"]), |_| ())
        .context("npm is required")?;
    Ok((node.trim().into(), Path::new(npm.trim()).join("npm")))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", repo::shown(folder)))?;
    }
    Ok(())
}
