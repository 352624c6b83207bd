//! The gate's configuration of a checked policy.
//!
//! Not here: what generated code reads of it (`source`, `keys`, `pages`).

use tollgate_gate::config::GateConfig;
use tollgate_policy::spec::ImageSpec;

use super::error::JavaScriptError;

/// The decoded configuration.
pub(super) fn gate_config(policy: &ImageSpec) -> Result<GateConfig, JavaScriptError> {
    GateConfig::decode(&policy.gate).map_err(|_| JavaScriptError::Gate)
}
