//! The version of this command, and the commit that it was built from.

/// The version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The version with the commit, as `--version` prints it.
pub(crate) const LONG: &str = env!("TOLLGATE_LONG_VERSION");
/// The commit; `None` if the command was not built by `cargo xtask dist` or from a published crate.
pub(crate) const COMMIT: Option<&str> = {
    let commit = env!("TOLLGATE_COMMIT");
    match commit.is_empty() {
        true => None,
        false => Some(commit),
    }
};
