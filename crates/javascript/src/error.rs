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
    /// The function exceeds the limit of CloudFront.
    FunctionTooLarge {
        /// Its bytes.
        bytes: usize,
        /// The features that it could do without, the largest first.
        costs: Vec<Cost>,
    },
    /// One request would read too many entries to be decided in time.
    TooManyReads {
        /// Their number.
        reads: usize,
        /// The largest rules.
        costs: Vec<Cost>,
    },
    /// Two versions of the policy do not fit into one store.
    StoreTooLarge {
        /// Bytes of one version.
        bytes: usize,
    },
    /// The bundle exceeds the limit of Akamai.
    BundleTooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// A time or length of time in a rule is outside the range that JavaScript represents exactly.
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
    /// No layout was found for the policy: a defect of the compiler.
    NoLayout,
    /// The engine does not accept the generated source: a defect of the compiler.
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

    /// The size of each part, if the policy exceeds a budget.
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
                    "the function has {bytes} bytes; the limit of CloudFront is {MAX_FUNCTION_BYTES}; it would be shorter without"
                )?;
                costs.iter().try_for_each(|cost| write!(f, "\n  {cost}"))
            }
            Self::TooManyReads { reads, costs } => {
                write!(
                    f,
                    "one request would read {reads} entries of the store; the limit is {MAX_READS}; the largest rules are"
                )?;
                costs.iter().try_for_each(|cost| write!(f, "\n  {cost}"))
            }
            Self::StoreTooLarge { bytes } => write!(
                f,
                "the policy has {bytes} bytes in the store; the limit is {MAX_POLICY_BYTES}, so that two versions fit"
            ),
            Self::BundleTooLarge { bytes } => {
                write!(
                    f,
                    "the bundle has {bytes} bytes, more than the limit of Akamai"
                )
            }
            Self::InexactTime { rule } => write!(
                f,
                "a time in a condition of `{rule}` is outside the range that JavaScript represents exactly"
            ),
            Self::MissingCapture { rule } => {
                write!(f, "`{rule}` reads a capture that its pattern does not have")
            }
            Self::MissingClaim { rule } => write!(f, "`{rule}` reads a claim that is not declared"),
            Self::Gate => f.write_str("the gate's configuration cannot be read"),
            Self::NoLayout => f.write_str("the policy cannot be laid out"),
            Self::Lint(findings) => {
                f.write_str("the engine does not accept the generated source:")?;
                findings
                    .iter()
                    .try_for_each(|finding| write!(f, "\n  {finding}"))
            }
        }
    }
}

impl core::error::Error for JavaScriptError {}
