//! Compile targets that this machine's Rust may lack. Every installation is reported.

use std::path::Path;

use anyhow::{Context, Result};

use crate::shell;

/// Ensures that rustc can compile for `targets`; returns a description of what it added.
pub(crate) fn need(targets: &[&str]) -> Result<String> {
    let mut notes = String::new();
    for target in targets.iter().filter(|target| !has(target)) {
        shell::must(
            &mut shell::tool("rustup", ["target", "add", target]),
            |_| (),
        )
        .with_context(|| {
            format!(
                "rustc has no library for the required target {target}, and rustup cannot add it"
            )
        })?;
        notes.push_str(&format!("added the target {target} with rustup\n"));
    }
    Ok(notes)
}

/// Returns whether rustc has a library for the target, however it was installed.
fn has(target: &str) -> bool {
    let asked = shell::tool("rustc", ["--print", "target-libdir", "--target", target]).output();
    asked.is_ok_and(|said| {
        let folder = String::from_utf8_lossy(&said.stdout);
        said.status.success() && Path::new(folder.trim()).is_dir()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_targets_are_installed() {
        assert!(!has("no-such-target"));
        // Compiled for the same target as this test, so its library exists; nothing is added or reported.
        let host = shell::must(&mut shell::tool("rustc", ["-vV"]), |_| ()).unwrap();
        let host = host
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .unwrap();
        assert_eq!(need(&[host]).unwrap(), "");
        let error = need(&["no-such-target"]).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-target"), "{error:#}");
    }
}
