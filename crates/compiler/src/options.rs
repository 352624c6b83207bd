//! Options of a compilation.
//!
//! Not here: what a policy itself declares, which is in its files.

/// Options of a compilation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// Skip invalid keys of a key set with a warning, instead of rejecting the policy.
    pub lenient_jwks: bool,
}
