//! A stub of Akamai's EdgeWorkers API, whose activations make progress when the publisher waits.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_publish::edgeworkers::{Destination, Network, Package};
use tollgate_publish::{Call, Reply};

use crate::cloud::{Faults, Stub, reply};

pub(crate) const ID: u64 = 42;

#[derive(Clone, Debug)]
pub(crate) struct Activation {
    pub(crate) id: u64,
    pub(crate) version: String,
    pub(crate) network: String,
    pub(crate) status: &'static str,
}

/// What can be restored between tests.
#[derive(Clone, Default)]
pub(crate) struct Data {
    /// The bundles of versions, the earliest first.
    pub(crate) versions: Vec<(String, Vec<u8>)>,
    pub(crate) activations: Vec<Activation>,
    pub(crate) latest: u64,
    pub(crate) active: BTreeMap<String, String>,
}

#[derive(Default)]
pub(crate) struct Account {
    pub(crate) data: Data,
    /// What edges of the production network may run since the last wait.
    pub(crate) lives: Vec<Option<String>>,
    pub(crate) faults: Faults,
    pub(crate) now: i64,
    pub(crate) others: usize,
    /// Whether activations end with an error.
    pub(crate) is_failing: bool,
    /// Whether a wait does not change anything, as if nothing was done meanwhile.
    pub(crate) is_stuck: bool,
    /// Somebody else activates this version at this wait.
    pub(crate) meanwhile: Option<String>,
    /// The list in a response is another thing.
    pub(crate) garbled: Option<&'static str>,
}

pub(crate) fn policy(name: char) -> String {
    name.to_string().repeat(32)
}

pub(crate) fn version(name: char) -> String {
    let digit = u8::try_from(name.to_digit(16).unwrap()).unwrap();
    let id = Base64UrlUnpadded::encode_string(&[digit * 17; 16]);
    format!("t{id}.AAAA{name}AAA")
}

pub(crate) fn package(name: char) -> Package {
    Package {
        bundle: format!("{} {}", version(name), policy(name)).into_bytes(),
        version: version(name),
        policy: policy(name),
    }
}

pub(crate) fn destination(network: Network) -> Destination {
    Destination {
        id: ID,
        network,
        account: Some("1-A:1-B".to_owned()),
    }
}

pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Reply {
    let body = json!({
        "type": "/edgeworkers/error-types/invalid-argument",
        "title": "Invalid Argument.",
        "detail": detail,
        "status": status,
        "errorCode": code,
    });
    reply(status, "", body.to_string())
}

impl Account {
    /// An EdgeWorker with a version that Akamai's tools made and activated.
    pub(crate) fn new() -> Self {
        let mut account = Self {
            now: 1_800_000_000,
            ..Self::default()
        };
        account
            .data
            .versions
            .push(("0.1".to_owned(), b"0.1 cli".to_vec()));
        account.activate("0.1", "PRODUCTION");
        account.settle();
        account
    }

    pub(crate) fn restore(&mut self, data: &Data) {
        self.data = data.clone();
        self.settle();
    }

    pub(crate) fn activate(&mut self, version: &str, network: &str) -> u64 {
        // An ID is never used again, also if its activation was deleted.
        self.data.latest += 1;
        let id = self.data.latest;
        self.data.activations.push(Activation {
            id,
            version: version.to_owned(),
            network: network.to_owned(),
            status: "PRESUBMIT",
        });
        id
    }

    /// Nothing is pending any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..4 {
            self.arrived();
        }
    }

    /// What edges may run now.
    pub(crate) fn current(&self) -> Vec<Option<String>> {
        let active = self.data.active.get("PRODUCTION").cloned();
        let new = self.data.activations.iter();
        let new = new.filter(|new| new.network == "PRODUCTION" && new.status == "IN_PROGRESS");
        let new = new.map(|new| Some(new.version.clone()));
        [active].into_iter().chain(new).collect()
    }

    pub(crate) fn possible(&self) -> BTreeSet<String> {
        let content = |version: &String| {
            let mut versions = self.data.versions.iter();
            let (_, bundle) = versions.find(|(name, _)| name == version).unwrap();
            let text = String::from_utf8(bundle.clone()).unwrap();
            text.split(' ').nth(1).unwrap().to_owned()
        };
        self.lives.iter().flatten().map(content).collect()
    }

    pub(crate) fn create(&mut self, call: &Call) -> Reply {
        assert_eq!(
            call.headers,
            [("content-type", "application/gzip".to_owned())]
        );
        let text = String::from_utf8(call.body.clone()).unwrap();
        let name = text.split(' ').next().unwrap().to_owned();
        if self.data.versions.iter().any(|(known, _)| *known == name) {
            return problem(400, "EW1011", &format!("Version {name} already exists"));
        }
        self.data.versions.push((name, call.body.clone()));
        reply(201, "", json!({}).to_string())
    }

    pub(crate) fn listed(&self, query: &str) -> Value {
        let network = query.split("network=").nth(1).unwrap();
        let network = network.split('&').next().unwrap();
        let is_active_only = query.contains("activeOnNetwork=true");
        let active = self.data.active.get(network);
        let listed = self
            .data
            .activations
            .iter()
            .filter(|activation| activation.network == network);
        // In no particular order.
        let mut listed: Vec<&Activation> = listed.collect();
        if is_active_only {
            let is_active = |activation: &&&Activation| {
                Some(&activation.version) == active && activation.status == "COMPLETE"
            };
            listed = listed
                .iter()
                .rev()
                .find(is_active)
                .copied()
                .into_iter()
                .collect();
        } else {
            listed.sort_by_key(|activation| (activation.id % 3, activation.id));
        }
        let listed = listed.iter().map(|activation| {
            json!({
                "edgeWorkerId": ID,
                "activationId": activation.id,
                "version": activation.version,
                "network": activation.network,
                "status": activation.status,
                "createdTime": format!("2027-01-15T08:{:02}:00Z", activation.id % 60),
            })
        });
        json!({ "activations": listed.collect::<Vec<_>>() })
    }
}

impl Stub for Account {
    fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }

    fn time(&mut self) -> &mut i64 {
        &mut self.now
    }

    /// Somebody else uploads a version, and activates it on the other network.
    fn disturb(&mut self) {
        self.others += 1;
        let name = format!("1.{}", self.others);
        self.data
            .versions
            .push((name.clone(), format!("{name} other").into_bytes()));
        self.activate(&name, "STAGING");
    }

    /// Time passes.
    fn arrived(&mut self) {
        if let Some(version) = self.meanwhile.take() {
            self.activate(&version, "PRODUCTION");
        }
        let mut completed = Vec::new();
        for activation in &mut self.data.activations {
            activation.status = match activation.status {
                status if self.is_stuck => status,
                "PRESUBMIT" => "PENDING",
                "PENDING" if self.is_failing => "ERROR",
                "PENDING" => "IN_PROGRESS",
                "IN_PROGRESS" => {
                    completed.push((activation.network.clone(), activation.version.clone()));
                    "COMPLETE"
                }
                ended => ended,
            };
        }
        self.data.active.extend(completed);
        self.lives = self.current();
    }

    fn execute(&mut self, call: &Call) -> Reply {
        assert!(call.query.starts_with("accountSwitchKey=1-A%3A1-B"));
        let root = format!("/ids/{ID}");
        let rest = call.path.strip_prefix(&root).unwrap_or(&call.path);
        let found = |value: Value| reply(200, "", value.to_string());
        if self.garbled == Some(call.name) {
            return found(json!({ "page": "of a proxy" }));
        }
        match (call.method, rest) {
            ("GET", "") => found(json!({ "edgeWorkerId": ID })),
            ("GET", "/versions") => {
                let versions = self.data.versions.iter().enumerate();
                let listed = versions.map(|(at, (name, bundle))| {
                    let digest = Sha256::digest(bundle);
                    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    json!({
                        "edgeWorkerId": ID,
                        "version": name,
                        "checksum": digest,
                        "createdTime": format!("2027-01-15T07:{:02}:00Z", at % 60),
                    })
                });
                found(json!({ "versions": listed.collect::<Vec<_>>() }))
            }
            ("GET", "/activations") => found(self.listed(&call.query)),
            ("POST", "/validations") => {
                let is_bad = call.body.ends_with(b"bad");
                let error =
                    json!({ "type": "STATIC_VALIDATION_FAILED", "message": "main.js::9:16" });
                let errors: Vec<Value> = is_bad.then_some(error).into_iter().collect();
                found(json!({ "errors": errors, "warnings": [] }))
            }
            ("POST", "/versions") => self.create(call),
            ("POST", "/activations") => {
                let body: Value = serde_json::from_slice(&call.body).unwrap();
                let text = |name: &str| body[name].as_str().unwrap().to_owned();
                assert!(text("note").starts_with("tollgate policy ") && text("note").len() <= 128);
                let version = text("version");
                assert!(self.data.versions.iter().any(|(name, _)| *name == version));
                let mut activations = self.data.activations.iter();
                let is_pending = activations.any(|activation| {
                    activation.network == text("network")
                        && !["COMPLETE", "ERROR"].contains(&activation.status)
                });
                if is_pending {
                    return problem(400, "EW0000", "another activation is pending");
                }
                self.activate(&version, &text("network"));
                reply(201, "", json!({}).to_string())
            }
            ("GET", other) if !other.starts_with('/') || other.starts_with("/ids") => {
                problem(404, "EW2002", "Unable to find the requested EdgeWorker")
            }
            other => panic!("{other:?}"),
        }
    }
}
