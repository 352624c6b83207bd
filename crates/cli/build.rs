//! Passes on the commit that the command is built from: of a release, in `TOLLGATE_COMMIT`; of a published crate, in the
//! file that cargo adds to it. Not that of a clone, where every commit would mean another build.

use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TOLLGATE_COMMIT");
    let commit = env::var("TOLLGATE_COMMIT")
        .ok()
        .or_else(published)
        .unwrap_or_default();
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let shown: String = match commit.get(..12) {
        // What follows the 40 digits says that files had been changed.
        Some(short) => format!(
            "{version} ({short}{})",
            commit.get(40..).unwrap_or_default()
        ),
        None => format!("{version} (built from source)"),
    };
    println!("cargo::rustc-env=TOLLGATE_COMMIT={commit}");
    println!("cargo::rustc-env=TOLLGATE_LONG_VERSION={shown}");
}

/// The commit in `.cargo_vcs_info.json`.
fn published() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\": \"")?;
    let (commit, _) = rest.split_once('"')?;
    Some(commit.to_owned())
}
