//! Compile targets that this machine's Rust may lack. Nothing is added without saying so.

use anyhow::{Context, Result};

use crate::shell;

/// Makes sure that rustc can compile for `targets`; returns what it added, in words.
pub(super) fn need(targets: &[&str]) -> Result<String> {
    let mut notes = String::new();
    let listed = shell::must(&mut shell::tool("rustup", ["target", "list", "--installed"]), |_| ())
        .context("cannot ask rustup which targets are installed; install Rust with rustup, or add the targets by hand")?;
    for target in missing(&listed, targets) {
        shell::must(
            &mut shell::tool("rustup", ["target", "add", target]),
            |_| (),
        )
        .with_context(|| format!("rustup cannot add {target}, which is needed here"))?;
        notes.push_str(&format!("added the target {target} with rustup\n"));
    }
    Ok(notes)
}

fn missing<'a>(listed: &str, targets: &[&'a str]) -> Vec<&'a str> {
    targets
        .iter()
        .copied()
        .filter(|target| !listed.lines().any(|line| line.trim() == *target))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn only_what_is_not_listed_is_missing() {
        let listed = "wasm32v1-none\nx86_64-unknown-linux-gnu\n";
        assert_eq!(
            missing(
                listed,
                &["wasm32v1-none", "wasm32-unknown-unknown", "wasm32"]
            ),
            ["wasm32-unknown-unknown", "wasm32"]
        );
    }
}
