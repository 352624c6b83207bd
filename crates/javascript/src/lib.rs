//! The policy as generated JavaScript, for edges without WebAssembly: CloudFront Functions and Akamai
//! EdgeWorkers.
//!
//! The decision is hand-written in `parts/*.js`; a policy chooses which of it is needed and becomes data
//! beside it. The code decides exactly as `tollgate_core` does, and [`lint`] makes sure that the engines
//! there take it. Not here: verifying that they agree, which is `tollgate-targets`' work.

#![forbid(unsafe_code)]

pub mod budget;
mod cloudfront;
mod edgeworkers;
mod features;
mod keys;
pub mod lint;
mod lower;
mod minify;
mod pages;
mod source;
mod store;

use core::fmt;

use tollgate_gate::config::GateConfig;

use budget::{Cost, MAX_FUNCTION_BYTES, MAX_READS};
use lint::Finding;
use tollgate_policy::spec::ImageSpec;

pub use cloudfront::verifies as cloudfront_verifies;
pub use cloudfront::{CloudFront, cloudfront, cloudfront_of_any_size};
pub use edgeworkers::verify as edgeworkers_verify;
pub use edgeworkers::{EdgeWorkers, MAX_BUNDLE_BYTES, edgeworkers};
pub use keys::algorithms_of_keys;
pub use store::{Entry, MAX_POLICY_BYTES};
pub use store::{MAX_PAGE_BYTES as MAX_CLOUDFRONT_PAGE_BYTES, page_bytes as cloudfront_page_bytes};

/// Why a policy cannot become JavaScript.
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

fn gate_config(policy: &ImageSpec) -> Result<GateConfig, JavaScriptError> {
    GateConfig::decode(&policy.gate).map_err(|_| JavaScriptError::Gate)
}

impl fmt::Display for JavaScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FunctionTooLarge { bytes, costs } => {
                write!(
                    f,
                    "the function has {bytes} bytes, and CloudFront takes {MAX_FUNCTION_BYTES}; it would be shorter without"
                )?;
                costs.iter().try_for_each(|cost| write_cost(f, cost))
            }
            Self::TooManyReads { reads, costs } => {
                write!(
                    f,
                    "one request would read {reads} entries of the store, more than {MAX_READS}; the largest rules are"
                )?;
                costs.iter().try_for_each(|cost| write_cost(f, cost))
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

fn write_cost(f: &mut fmt::Formatter<'_>, cost: &Cost) -> fmt::Result {
    write!(f, "\n  {:>6} bytes  {}", cost.bytes, cost.what)?;
    let (shown, more) = cost.rules.split_at(cost.rules.len().min(4));
    for (at, rule) in shown.iter().enumerate() {
        f.write_str(if at == 0 { ": " } else { ", " })?;
        f.write_str(rule)?;
    }
    if more.is_empty() {
        Ok(())
    } else {
        write!(f, " and {} more", more.len())
    }
}

impl core::error::Error for JavaScriptError {}
