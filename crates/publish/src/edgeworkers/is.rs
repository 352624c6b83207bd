//! Responses of the EdgeWorkers API: what they contain, and conditions about them.
//!
//! The order of its lists is not documented, and a failed activation stays in them. So an activation of this publication is
//! recognised as one that the plan did not know.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Activation, Version};
use crate::error::PublishError;
use crate::step::Check;

/// A condition about a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Is {
    /// The validation found no error.
    Valid,
    /// The opposite, also if the response is not one of a validation.
    Invalid,
    /// The list of versions has this one, and not with another bundle.
    Uploaded {
        /// The name.
        version: String,
        /// The SHA-256 of the bundle in hexadecimal digits.
        digest: String,
    },
    /// This activation has ended, however.
    Ended(u64),
    /// Nobody requested an activation since the plan was made.
    Unchanged(Wanted),
    /// The activation was requested, and has not failed.
    Requested(Wanted),
    /// The activation is complete.
    Complete(Wanted),
    /// The activation has failed.
    Failed(Wanted),
    /// Somebody requested one of another version.
    Overtaken(Wanted),
    /// This version is active.
    Active {
        /// The name.
        version: String,
        /// The network, as the API writes it.
        network: &'static str,
    },
}

/// An activation that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The version.
    pub version: String,
    /// The network, as the API writes it.
    pub network: &'static str,
    /// The IDs of the activations that the plan knew, and that are others.
    pub known: BTreeSet<u64>,
    /// Pending activations that would replace the version: if all of them fail, it stays active, and nothing is to be done.
    pub unless_failed: BTreeSet<u64>,
}

impl From<Is> for Check {
    fn from(is: Is) -> Self {
        Self::EdgeWorkers(Box::new(is))
    }
}

impl Wanted {
    /// The activations on the network that the plan did not know, and whether nothing is to be done.
    fn found(&self, response: &Value) -> Option<(Vec<Activation>, bool)> {
        let mut activations = activations(response, self.network)?;
        let failed = activations
            .iter()
            .filter(|activation| activation.is_failed());
        let failed: BTreeSet<u64> = failed.map(|activation| activation.id).collect();
        let stays_active = !self.unless_failed.is_empty() && self.unless_failed.is_subset(&failed);
        activations.retain(|activation| !self.known.contains(&activation.id));
        Some((activations, stays_active))
    }

    fn is_ours(&self, activation: &Activation) -> bool {
        activation.version == self.version
    }
}

/// Whether a condition holds for a response in JSON.
pub(crate) fn holds(is: &Is, response: &Value) -> bool {
    match is {
        Is::Valid => no_errors(response),
        Is::Invalid => !no_errors(response),
        Is::Uploaded { version, digest } => versions(response).is_some_and(|versions| {
            let mut versions = versions.iter();
            versions.any(|found| found.name == *version && !found.is_another(digest))
        }),
        Is::Ended(id) => {
            let found = response.get("activations").and_then(Value::as_array);
            let mut found = found.into_iter().flatten().filter_map(activation);
            found.any(|activation| activation.id == *id && !activation.is_pending())
        }
        Is::Unchanged(wanted) => {
            let found = wanted.found(response);
            found.is_some_and(|(found, _)| found.is_empty())
        }
        Is::Requested(wanted) => wanted.found(response).is_some_and(|(found, stays_active)| {
            let mut found = found.iter();
            stays_active || found.any(|new| wanted.is_ours(new) && !new.is_failed())
        }),
        Is::Complete(wanted) => wanted.found(response).is_some_and(|(found, stays_active)| {
            let mut found = found.iter();
            stays_active || found.any(|new| wanted.is_ours(new) && new.is_complete())
        }),
        Is::Failed(wanted) => failure(wanted, response).is_some(),
        Is::Overtaken(wanted) => wanted.found(response).is_some_and(|(found, _)| {
            let mut found = found.iter();
            found.any(|new| !wanted.is_ours(new) && !new.is_failed())
        }),
        Is::Active { version, network } => active(response, network) == Some(Some(version.clone())),
    }
}

/// The error of an activation that failed.
pub(crate) fn aborted(is: &Is, response: &Value) -> Option<PublishError> {
    let Is::Failed(wanted) = is else {
        return None;
    };
    Some(PublishError::Aborted {
        what: format!("the activation of `{}`", wanted.version),
        status: failure(wanted, response)?,
    })
}

/// The status of the wanted activation if it failed. If a lost response led to a second one, both have.
fn failure(wanted: &Wanted, response: &Value) -> Option<String> {
    let (mut found, _) = wanted.found(response)?;
    found.retain(|new| wanted.is_ours(new));
    let is_failed = found.iter().all(Activation::is_failed);
    found
        .into_iter()
        .next()
        .filter(|_| is_failed)
        .map(|latest| latest.status)
}

fn no_errors(response: &Value) -> bool {
    let errors = response.get("errors").and_then(Value::as_array);
    errors.is_some_and(Vec::is_empty)
}

/// The versions in a response, the latest first; `None` if it is not such a list.
pub(super) fn versions(response: &Value) -> Option<Vec<Version>> {
    let list = response.get("versions")?.as_array()?;
    let mut versions: Vec<Version> = list.iter().map(version).collect::<Option<_>>()?;
    versions.sort_by(|one, other| other.at.cmp(&one.at));
    Some(versions)
}

/// The activations on a network in a response, the latest first; `None` if it is not such a list.
pub(super) fn activations(response: &Value, network: &str) -> Option<Vec<Activation>> {
    let list = response.get("activations")?.as_array()?;
    let is_here = |entry: &&Value| text(entry, "network").as_deref() == Some(network);
    let list = list.iter().filter(is_here);
    let mut activations: Vec<Activation> = list.map(activation).collect::<Option<_>>()?;
    // The times have no fractions of seconds, and IDs grow.
    activations.sort_by(|one, other| (&other.at, other.id).cmp(&(&one.at, one.id)));
    Some(activations)
}

/// The version that a list of active ones has for a network, if it has one; `None` if it is not such a list.
pub(super) fn active(response: &Value, network: &str) -> Option<Option<String>> {
    match activations(response, network)?.as_slice() {
        [] => Some(None),
        [active] => Some(Some(active.version.clone())),
        _ => None,
    }
}

fn version(entry: &Value) -> Option<Version> {
    Some(Version {
        name: text(entry, "version")?,
        at: text(entry, "createdTime").unwrap_or_default(),
        digest: text(entry, "checksum").unwrap_or_default(),
    })
}

fn activation(entry: &Value) -> Option<Activation> {
    Some(Activation {
        id: entry.get("activationId")?.as_u64()?,
        version: text(entry, "version")?,
        status: text(entry, "status")?,
        at: text(entry, "createdTime")?,
    })
}

fn text(entry: &Value, name: &str) -> Option<String> {
    entry.get(name)?.as_str().map(str::to_owned)
}
