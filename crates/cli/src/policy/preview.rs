//! Policies that a subcommand only reads, whose secrets may be missing.
//!
//! Not here: policies to deploy ([`Deployable`](super::Deployable)).

use core::ops::Deref;
use std::path::Path;

use tollgate_compiler::{CompileOptions, Compiled, Diagnostic, Missing, SourceTree};
use tollgate_gate::{Gate, Trust};

use super::load;
use crate::failure::Failure;
use crate::notes::Notes;
use crate::progress::Progress;

/// A policy directory that compiles, possibly with stand-ins for secrets.
pub(crate) struct Preview {
    policy: tollgate_compiler::Preview,
    pub(crate) sources: SourceTree,
}

impl Preview {
    /// Compiles files that were read before.
    pub(crate) fn of(sources: SourceTree, lenient_jwks: bool) -> Result<Self, Failure> {
        let _progress = Progress::start("compiling the policy", None);
        let policy = tollgate_compiler::preview(&sources, &CompileOptions { lenient_jwks });
        match policy.image() {
            Some(_) if !policy.compiled().has_errors() => Ok(Self { policy, sources }),
            _ => Err(Failure::Policy {
                findings: policy.compiled().diagnostics.clone(),
                sources: Box::new(sources),
            }),
        }
    }

    /// The same policy with the secrets of an image in place of its stand-ins.
    pub(crate) fn with_secrets_of(self, other: &tollgate_gate::config::GateConfig) -> Self {
        Self {
            policy: self.policy.with_secrets_of(other),
            sources: self.sources,
        }
    }

    /// The diagnostics and the checked policy.
    pub(crate) const fn compiled(&self) -> &Compiled {
        self.policy.compiled()
    }

    /// The image to read.
    pub(crate) fn image(&self) -> &[u8] {
        self.policy.image().unwrap_or_default()
    }

    /// The secrets that stand-ins replace.
    pub(crate) fn missing(&self) -> &[Missing] {
        self.policy.missing()
    }

    /// Loads a gate that decides for this process only.
    pub(crate) fn gate(&self, path: &Path, trust: Option<&mut Trust>) -> Result<Study, Failure> {
        let gate = load(path, self.image().to_vec(), trust)?;
        Ok(Study::new(gate, self.missing().is_empty()))
    }

    /// The notes about stand-ins.
    pub(crate) fn notes(&self) -> Vec<Diagnostic> {
        let missing = self.missing().iter();
        missing.map(|missing| missing.note.clone()).collect()
    }

    /// The notes about stand-ins, and the files that they are about.
    pub(crate) fn into_notes(self) -> Notes {
        Notes::new(self.notes(), self.sources)
    }
}

/// A gate that decides for this process only: nothing can take it out, so nothing can serve it.
pub(crate) struct Study {
    gate: Gate<Vec<u8>>,
    is_exact: bool,
}

impl Study {
    /// `is_exact`: whether the policy has no stand-in.
    pub(super) const fn new(gate: Gate<Vec<u8>>, is_exact: bool) -> Self {
        Self { gate, is_exact }
    }

    /// The policy ID; `None` with a stand-in, because the ID depends on the secrets.
    pub(crate) fn policy(&self) -> Option<String> {
        self.is_exact.then(|| self.gate.policy_id().to_string())
    }
}

impl Deref for Study {
    type Target = Gate<Vec<u8>>;

    fn deref(&self) -> &Self::Target {
        &self.gate
    }
}
