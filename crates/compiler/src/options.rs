//! Options of a compilation.
//!
//! Not here: what a policy itself declares, which is in its files.

/// Options of a compilation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// Leave bad keys of a key set out, with a warning, instead of refusing the policy.
    pub lenient_jwks: bool,
}
