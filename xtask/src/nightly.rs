//! The nightly toolchain, for features that stable Rust lacks. Every installation is reported.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Its name for rustup.
const NIGHTLY: &str = "nightly";

/// Returns the version of nightly's rustc. Missing `components` are added.
pub(crate) fn need(components: &[&str]) -> Result<String> {
    let version = shell::capture(&mut on_nightly("rustc", &["--version"]), |_| ())
        .ok()
        .filter(|said| said.success)
        .context(
            "nightly Rust is required: install it with `rustup toolchain install nightly --profile minimal`",
        )?;
    let listing = ["component", "list", "--installed", "--toolchain", NIGHTLY];
    let installed = shell::must(&mut shell::tool("rustup", listing), |_| ())
        .context("`rustup` is required to list the components of nightly")?;
    for component in components {
        if !installed.lines().any(|line| line.starts_with(component)) {
            println!("adding the component {component} to nightly with rustup");
            let add = ["component", "add", "--toolchain", NIGHTLY, component];
            shell::must(&mut shell::tool("rustup", add), |_| ())
                .with_context(|| format!("nightly lacks the required component {component}"))?;
        }
    }
    match version.text.lines().find(|line| line.starts_with("rustc ")) {
        Some(line) => Ok(line.to_owned()),
        None => bail!("nightly's rustc does not report its version"),
    }
}

/// Returns a command that runs nightly's cargo and rustc.
pub(crate) fn on_nightly(program: &str, args: &[&str]) -> Command {
    let mut command = shell::tool(program, args);
    command.env("RUSTUP_TOOLCHAIN", NIGHTLY);
    // The cargo that runs this program sets these variables, and they would select its own toolchain.
    for name in [
        "CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTC_WRAPPER",
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
    ] {
        command.env_remove(name);
    }
    command
}
