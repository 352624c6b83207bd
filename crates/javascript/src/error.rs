//! The reasons why a policy cannot be generated as JavaScript.
//!
//! Not here: what each part of a policy costs (`costs`).

use core::fmt;

use super::budget::{Cost, MAX_FUNCTION_BYTES, MAX_READS};
use super::lint::Finding;
use super::store::MAX_POLICY_BYTES;

/// The reason why a policy cannot be generated as JavaScript.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JavaScriptError {
    /// The function is larger than CloudFront takes.
    FunctionTooLarge {
        /// Its bytes.
        bytes: usize,
        /// What could be done without, the dearest first.
        costs: Vec<Cost>,
    },
    /// One request would read more entries than are read in time.
    TooManyReads {
        /// How many.
        reads: usize,
        /// The largest rules.
        costs: Vec<Cost>,
    },
    /// Two versions of the policy do not fit into one store.
    StoreTooLarge {
        /// Bytes of one version.
        bytes: usize,
    },
    /// The bundle is larger than Akamai takes.
    BundleTooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// A time or length of time in a rule is beyond what JavaScript holds exactly.
    InexactTime {
        /// The rule.
        rule: String,
    },
    /// A rule reads a capture that its pattern does not have: a defect of the compiler.
    MissingCapture {
        /// The rule.
        rule: String,
    },
    /// A rule reads a claim that is not declared: a defect of the compiler.
    MissingClaim {
        /// The rule.
        rule: String,
    },
    /// The policy has no gate configuration that can be read: a defect of the compiler.
    Gate,
    /// There is no way to lay the policy out: a defect of the compiler.
    NoLayout,
    /// The generated source is not what the engine takes: a defect of the compiler.
    Lint(Vec<Finding>),
}

impl JavaScriptError {
    /// A stable code for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FunctionTooLarge { .. } => "function_too_large",
            Self::TooManyReads { .. } => "too_many_reads",
            Self::StoreTooLarge { .. } => "store_too_large",
            Self::BundleTooLarge { .. } => "bundle_too_large",
            Self::InexactTime { .. } => "inexact_time",
            Self::MissingCapture { .. }
            | Self::MissingClaim { .. }
            | Self::Gate
            | Self::NoLayout
            | Self::Lint(_) => "script",
        }
    }

    /// What costs how much, where the policy is over a budget.
    pub fn costs(&self) -> &[Cost] {
        match self {
            Self::FunctionTooLarge { costs, .. } | Self::TooManyReads { costs, .. } => costs,
            _ => &[],
        }
    }
}

impl fmt::Display for JavaScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FunctionTooLarge { bytes, costs } => {
                write!(
                    f,
                    "the function has {bytes} bytes, and CloudFront takes {MAX_FUNCTION_BYTES}; it would be shorter without"
                )?;
                costs.iter().try_for_each(|cost| write!(f, "\n  {cost}"))
            }
            Self::TooManyReads { reads, costs } => {
                write!(
                    f,
                    "one request would read {reads} entries of the store, more than {MAX_READS}; the largest rules are"
                )?;
                costs.iter().try_for_each(|cost| write!(f, "\n  {cost}"))
            }
            Self::StoreTooLarge { bytes } => write!(
                f,
                "the policy takes {bytes} bytes of the store; for two versions to fit it may take {MAX_POLICY_BYTES}"
            ),
            Self::BundleTooLarge { bytes } => {
                write!(f, "the bundle has {bytes} bytes, more than Akamai takes")
            }
            Self::InexactTime { rule } => write!(
                f,
                "a time in a condition of `{rule}` is farther away than JavaScript can tell exactly"
            ),
            Self::MissingCapture { rule } => {
                write!(f, "`{rule}` reads a capture that is not in its pattern")
            }
            Self::MissingClaim { rule } => write!(f, "`{rule}` reads a claim that is not declared"),
            Self::Gate => f.write_str("the gate's configuration cannot be read"),
            Self::NoLayout => f.write_str("the policy cannot be laid out"),
            Self::Lint(findings) => {
                f.write_str("the generated source is not what the engine takes:")?;
                findings
                    .iter()
                    .try_for_each(|finding| write!(f, "\n  {finding}"))
            }
        }
    }
}

impl core::error::Error for JavaScriptError {}
