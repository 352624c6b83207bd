//! Akamai EdgeWorkers: a new version of the EdgeWorker, then its activation on a network.
//!
//! A version never changes, and its name contains the policy. One version is active on a network; an activation replaces it
//! within minutes, and Akamai reports its progress. There are no conditional writes: a list of activations that has one
//! more than the plan's stops the publication. Not here: the bundle, which is built elsewhere, and signatures
//! ([`edgegrid`](crate::edgegrid)).

mod is;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::call::{Call, Service, digest};
use crate::error::PublishError;
use crate::step::{Check, EITHER, PREVIOUS, Poll, Read, Step, Write, read_call};
use crate::world::World;
pub use is::{Is, Wanted};
pub(crate) use is::{aborted, holds};

/// The start of the note of an activation, which people see in Control Center.
const MARK: &str = "tollgate policy ";
/// The longest wait for a new version to be listed, in seconds.
const VERSION_SECS: u64 = 120;
/// The longest wait for an activation, in seconds. Akamai's own tools wait as long.
const ACTIVATION_SECS: u64 = 1_800;
/// What decides requests while an activation that somebody requested before is pending.
const REQUESTED: &str =
    "the active policy, or the one whose activation is pending, decides every request";

/// A network of Akamai.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// For tests.
    Staging,
    /// For everyone.
    Production,
}

impl Network {
    /// The names in settings.
    pub const NAMES: [&str; 2] = ["staging", "production"];

    /// The network with a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Staging, Self::Production]
            .into_iter()
            .find(|network| network.name() == name)
    }

    /// The name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// The name in Akamai's API.
    const fn api(self) -> &'static str {
        match self {
            Self::Staging => "STAGING",
            Self::Production => "PRODUCTION",
        }
    }
}

/// An EdgeWorker on a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The ID of the EdgeWorker.
    pub id: u64,
    /// The network.
    pub network: Network,
    /// The account switch key, for API clients that manage several accounts.
    pub account: Option<String>,
}

/// A code bundle, its version, and the ID of the policy in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The gzipped tar file.
    pub bundle: Vec<u8>,
    /// The version in its `bundle.json`.
    pub version: String,
    /// The policy ID.
    pub policy: String,
}

/// A version of the EdgeWorker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its name.
    pub name: String,
    /// When it was uploaded, as Akamai writes it.
    pub at: String,
    /// The SHA-256 of the bundle in hexadecimal digits.
    digest: String,
}

impl Version {
    /// The policy in it, if Tollgate built it.
    pub fn policy(&self) -> Option<String> {
        tollgate_javascript::edgeworkers_policy(&self.name)
    }

    /// Whether the service reports the digest of another bundle.
    fn is_another(&self, wanted: &str) -> bool {
        // Older versions have a digest of another kind.
        self.digest.len() == wanted.len() && !self.digest.eq_ignore_ascii_case(wanted)
    }
}

/// An activation on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Its ID.
    pub id: u64,
    /// The version.
    pub version: String,
    /// The status, as Akamai writes it.
    pub status: String,
    /// When it was requested, as Akamai writes it.
    pub at: String,
}

impl Activation {
    /// The policy in the version, if Tollgate built it.
    pub fn policy(&self) -> Option<String> {
        tollgate_javascript::edgeworkers_policy(&self.version)
    }

    fn is_complete(&self) -> bool {
        self.status == "COMPLETE"
    }

    /// Whether it ended, and the version did not become active.
    fn is_failed(&self) -> bool {
        [
            "ABORTED",
            "CANCELLED",
            "CANCELED",
            "DELETED_BY_AKAMAI",
            "ERROR",
            "EXPIRED",
        ]
        .contains(&self.status.as_str())
    }

    /// Whether it has not ended. A status that this program does not know counts as one.
    fn is_pending(&self) -> bool {
        !self.is_complete() && !self.is_failed()
    }
}

/// What is there before a publication.
#[derive(Clone, Debug)]
pub struct State {
    /// The versions, the latest first.
    pub versions: Vec<Version>,
    /// The activations on the network, the latest first.
    pub activations: Vec<Activation>,
    /// The version that is active on the network.
    pub active: Option<String>,
}

impl Destination {
    fn call(&self, name: &'static str, method: &'static str, path: String) -> Call {
        let call = Call::new(Service::EdgeWorkers, name, method, path);
        match &self.account {
            Some(account) => call.with_query("accountSwitchKey", account),
            None => call,
        }
    }

    fn of_id(&self, name: &'static str, method: &'static str, rest: &str) -> Call {
        self.call(name, method, format!("/ids/{}{rest}", self.id))
    }

    fn list_versions(&self) -> Call {
        self.of_id("ListVersions", "GET", "/versions")
    }

    fn list_activations(&self) -> Call {
        self.of_id("ListActivations", "GET", "/activations")
            .with_query("network", self.network.api())
    }

    fn list_active(&self) -> Call {
        self.list_activations()
            .with_query("activeOnNetwork", "true")
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// Returns an error if a call fails, or the EdgeWorker does not exist.
    pub fn read(&self, world: &mut dyn World) -> Result<State, PublishError> {
        let found = read_call(world, &self.of_id("GetEdgeWorker", "GET", ""))?;
        if found.status == 404 {
            return Err(PublishError::Missing {
                what: format!("the EdgeWorker `{}`", self.id),
                help: "create it once in Control Center or with `akamai edgeworkers register`, add it to the property, and \
                       use the ID that is printed: docs/edges/edgeworkers.md describes it"
                    .to_owned(),
            });
        }
        let call = self.list_versions();
        let reply = read_call(world, &call)?;
        let versions = is::versions(&reply.json()).ok_or_else(|| unexpected(&call, "versions"))?;
        let call = self.list_activations();
        let reply = read_call(world, &call)?;
        let activations = is::activations(&reply.json(), self.network.api());
        let activations = activations.ok_or_else(|| unexpected(&call, "activations"))?;
        let call = self.list_active();
        let reply = read_call(world, &call)?;
        let active = is::active(&reply.json(), self.network.api());
        let active = active.ok_or_else(|| unexpected(&call, "at most one active version"))?;
        Ok(State {
            versions,
            activations,
            active,
        })
    }

    /// The steps that put a package into force. Empty if it is in force.
    ///
    /// # Errors
    /// Returns an error if its version exists with another bundle.
    pub fn publish(&self, state: &State, package: &Package) -> Result<Vec<Step>, PublishError> {
        let mut steps = Vec::new();
        let wanted = digest(&package.bundle);
        match state.version(&package.version) {
            Some(found) if found.is_another(&wanted) => {
                return Err(PublishError::Broken {
                    what: format!("the version `{}`", package.version),
                    message: format!(
                        "it was uploaded with another bundle: the SHA-256 is {}, not {wanted}",
                        found.digest
                    ),
                });
            }
            Some(_) => {}
            None => self.upload(package, wanted, &mut steps),
        }
        let policy = Some(package.policy.as_str());
        self.activate(state, &package.version, policy, &mut steps);
        Ok(steps)
    }

    /// Uploads a version, which is not active on any network.
    fn upload(&self, package: &Package, digest: String, steps: &mut Vec<Step>) {
        const KIND: &str = "application/gzip";
        let Package {
            bundle,
            version,
            policy,
        } = package;
        let validate = self
            .call("ValidateBundle", "POST", "/validations".to_owned())
            .with_body(KIND, bundle.clone());
        steps.push(Step {
            what: "let Akamai validate the bundle".to_owned(),
            before: PREVIOUS,
            action: Poll {
                failed: Some((Is::Invalid.into(), "/errors/0/message")),
                ..Poll::of(validate, Is::Valid.into(), 0)
            }
            .into(),
        });
        let uploaded = || {
            Check::from(Is::Uploaded {
                version: version.clone(),
                digest: digest.clone(),
            })
        };
        let read = Read {
            call: self.list_versions(),
            what: format!("the versions of the EdgeWorker `{}`", self.id),
            // A version never changes, and Akamai accepts each name once.
            expect: Check::Any,
            done: Some(uploaded()),
        };
        let call = self
            .of_id("CreateVersion", "POST", "/versions")
            .with_body(KIND, bundle.clone());
        steps.push(Step {
            what: format!(
                "upload version `{version}` with policy {policy}, which is not active yet"
            ),
            before: PREVIOUS,
            action: Write::of(vec![read], call).into(),
        });
        steps.push(Step {
            what: "wait until the version is listed".to_owned(),
            before: PREVIOUS,
            action: Poll::of(self.list_versions(), uploaded(), VERSION_SECS).into(),
        });
    }

    /// Activates a version, unless it is active. Pending activations of others end first: in which order Akamai carries out
    /// several is not documented.
    fn activate(&self, state: &State, version: &str, policy: Option<&str>, steps: &mut Vec<Step>) {
        let network = self.network.name();
        let is_active = state.active.as_deref() == Some(version);
        let pending: Vec<&Activation> = state.pending().collect();
        if is_active && pending.is_empty() {
            return;
        }
        let ours = pending.first().filter(|latest| latest.version == version);
        for other in pending
            .iter()
            .rev()
            .filter(|other| other.version != version)
        {
            steps.push(Step {
                what: format!(
                    "wait until the pending activation of `{}` on {network} ends",
                    other.version
                ),
                before: REQUESTED,
                action: self.poll(Is::Ended(other.id)).into(),
            });
        }
        let known = state.activations.iter().map(|activation| activation.id);
        let wanted = Wanted {
            version: version.to_owned(),
            network: self.network.api(),
            known: known
                .filter(|id| Some(*id) != ours.map(|ours| ours.id))
                .collect(),
            // If everything that would replace the active version fails, it stays active.
            unless_failed: match is_active {
                true => pending.iter().map(|pending| pending.id).collect(),
                false => BTreeSet::new(),
            },
        };
        if ours.is_none() {
            let body = json!({
                "network": self.network.api(),
                "version": version,
                "note": format!("{MARK}{}", policy.unwrap_or("unknown")),
            });
            let read = Read {
                call: self.list_activations(),
                what: format!("the activations on {network}"),
                expect: Is::Unchanged(wanted.clone()).into(),
                done: Some(Is::Requested(wanted.clone()).into()),
            };
            let call = self
                .of_id("ActivateVersion", "POST", "/activations")
                .with_body("application/json", body.to_string().into_bytes());
            let policy = policy.map_or_else(String::new, |policy| format!(" with policy {policy}"));
            steps.push(Step {
                what: format!("activate version `{version}`{policy} on {network}"),
                before: EITHER,
                action: Write::of(vec![read], call).into(),
            });
        }
        let mut wait = self.poll(Is::Complete(wanted.clone()));
        wait.failed = Some((Is::Failed(wanted.clone()).into(), ""));
        wait.changed = Some((
            Is::Overtaken(wanted).into(),
            format!("the version on {network}"),
        ));
        steps.push(Step {
            what: format!(
                "wait until the activation on {network} is complete, which takes minutes"
            ),
            before: EITHER,
            action: wait.into(),
        });
        let active = Is::Active {
            version: version.to_owned(),
            network: self.network.api(),
        };
        steps.push(Step {
            what: "read the active version back".to_owned(),
            before: EITHER,
            action: Poll::of(self.list_active(), active.into(), VERSION_SECS).into(),
        });
    }

    fn poll(&self, until: Is) -> Poll {
        Poll::of(self.list_activations(), until.into(), ACTIVATION_SECS)
    }

    /// The version to go back to: the named policy's latest one, or the one that was active before. While an activation is
    /// pending, it is the active one.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn earlier<'s>(
        &self,
        state: &'s State,
        policy: Option<&str>,
    ) -> Result<&'s Version, PublishError> {
        let Some(policy) = policy else {
            return state.before().ok_or(PublishError::NoEarlier);
        };
        let mut versions = state.versions.iter();
        versions
            .find(|version| version.policy().as_deref() == Some(policy))
            .ok_or_else(|| PublishError::Unknown {
                policy: policy.to_owned(),
                known: state.restorable(),
            })
    }

    /// The steps that activate an earlier version.
    pub fn roll_back(&self, state: &State, version: &Version) -> Vec<Step> {
        let mut steps = Vec::new();
        self.activate(
            state,
            &version.name,
            version.policy().as_deref(),
            &mut steps,
        );
        steps
    }

    /// What is active.
    pub fn status(&self, state: &State, policy: &str) -> Value {
        let live = state.policy();
        let mut activations = state.activations.iter();
        let activated = activations.find(|activation| {
            activation.is_complete() && Some(&activation.version) == state.active.as_ref()
        });
        let pending: Vec<Value> = state
            .pending()
            .map(|activation| {
                json!({
                    "version": activation.version,
                    "policy": activation.policy(),
                    "status": activation.status,
                    "requested": activation.at,
                })
            })
            .collect();
        json!({
            "network": self.network.name(),
            "version": state.active,
            "policy": live,
            "activated": activated.map(|activation| activation.at.as_str()),
            "pending": pending,
            "current": live.as_deref() == Some(policy) && pending.is_empty(),
            "restorable": state.restorable(),
        })
    }
}

impl State {
    fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }

    /// The activations that have not ended, the latest first.
    pub fn pending(&self) -> impl Iterator<Item = &Activation> {
        let activations = self.activations.iter();
        activations.filter(|activation| activation.is_pending())
    }

    /// The policy that decides requests on the network.
    pub fn policy(&self) -> Option<String> {
        tollgate_javascript::edgeworkers_policy(self.active.as_deref()?)
    }

    /// The version that was active before, of those that still exist.
    fn before(&self) -> Option<&Version> {
        let active = self.active.as_deref();
        if let Some(active) = active
            && self.pending().any(|pending| pending.version != active)
        {
            return self.version(active);
        }
        let complete = || {
            self.activations
                .iter()
                .filter(|activation| activation.is_complete())
        };
        let at = complete().position(|activation| Some(activation.version.as_str()) == active);
        // Without an active version, it is the one that was deactivated.
        let next = at.map_or(0, |at| at + 1);
        complete()
            .skip(next)
            .filter(|activation| Some(activation.version.as_str()) != active)
            .find_map(|activation| self.version(&activation.version))
    }

    /// The policies that can be restored, the latest first.
    pub fn restorable(&self) -> Vec<String> {
        let live = self.policy();
        let mut policies: Vec<String> = Vec::new();
        for policy in self.versions.iter().filter_map(Version::policy) {
            if Some(&policy) != live.as_ref() && !policies.contains(&policy) {
                policies.push(policy);
            }
        }
        policies
    }
}

fn unexpected(call: &Call, wanted: &str) -> PublishError {
    PublishError::Unexpected {
        action: call.action(),
        problem: format!("is not a list of {wanted}"),
    }
}
