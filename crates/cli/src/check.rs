//! `tollgate check`: does the policy compile, and what should its author think about.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tollgate_compiler::diagnostic::render;

use crate::failure::{Failure, counted, print_findings};
use crate::output::{GOOD, print, print_json, styled};
use crate::{Verdict, policy};

/// Compile a policy and say what is wrong with it
#[derive(Args)]
#[command(after_help = "\
Example:
  tollgate check policy

Exit code: 0 if it compiles, also with warnings; 2 if it does not.")]
pub(crate) struct Check {
    /// The policy folder; left out, this folder or `policy` in it
    dir: Option<PathBuf>,
    /// Skip bad keys of a key set with a warning
    #[arg(long)]
    lenient_jwks: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Check {
    pub(crate) fn run(self) -> Result<Verdict, Failure> {
        let dir = policy::folder_or_default(self.dir)?;
        let policy = policy::compile(&dir, self.lenient_jwks)?;
        let findings = &policy.compiled.diagnostics;
        // The keys are judged when a gate loads the image, so that is part of the check.
        let gate = policy::load(&dir, policy.image)?;
        if self.json {
            let diagnostics: Vec<Value> = findings
                .iter()
                .map(|finding| render::json(finding, &policy.sources))
                .collect();
            print_json(json!({
                "policy": gate.policy_id().to_string(),
                "rules": gate.image().rule_count(),
                "bytes": gate.image().as_bytes().len(),
                "diagnostics": diagnostics,
            }))?;
            return Ok(Verdict::Yes);
        }
        print_findings(findings, &policy.sources);
        // Errors would not have come here.
        let warnings = counted(findings.len(), "warning");
        print(format_args!(
            "{} {}, {} ({} bytes, policy {})",
            styled(GOOD, "ok"),
            counted(gate.image().rule_count(), "rule"),
            warnings,
            gate.image().as_bytes().len(),
            gate.policy_id(),
        ))?;
        Ok(Verdict::Yes)
    }
}
