//! Workers with the policy inside: a new version of the Worker, then a deployment of it.
//!
//! A version never changes. A deployment names one version, or two with a share of the requests each. Bindings and
//! settings are those of the live version; the API copies them, so no secret passes through this program. Not here: the
//! modules, which are built elsewhere, and policies in KV ([`workers_kv`](crate::workers_kv)).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::call::{Call, Service, digest, hex, part};
use crate::error::PublishError;
use crate::step::{Check, EITHER, PREVIOUS, Poll, Read, Step, Write, read_call};
use crate::world::World;

/// The start of the message of a version that this program uploaded.
const MARK: &str = "tollgate policy ";
/// The place of the message in an entry of the list of versions.
const MESSAGE: &str = "/annotations/workers~1message";
const LATEST_ID: &str = "/result/items/0/id";
const LATEST_MESSAGE: &str = "/result/items/0/annotations/workers~1message";
const BINDINGS: &str = "/result/resources/bindings";
const DEPLOYMENT_ID: &str = "/result/deployments/0/id";
/// The name of the new version in calls that are made before its ID is known.
const CAPTURED: &str = "version";
/// The longest wait for the API to return what was written, in seconds.
const LIMIT_SECS: u64 = 120;

/// A Worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The ID of the account.
    pub account: String,
    /// The name of the Worker.
    pub worker: String,
    /// The share of requests that the new version gets, in percent; 100 for all.
    pub percent: u8,
}

/// A module of the Worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The name under which others import it.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// The modules, and the ID of the policy in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The modules; the first is the main one.
    pub modules: Vec<Module>,
    /// The policy ID.
    pub policy: String,
}

impl Package {
    /// What identifies a version with these modules among those of the Worker.
    fn message(&self) -> String {
        let mut digest = Sha256::new();
        for Module { name, bytes } in &self.modules {
            digest.update(name.len().to_le_bytes());
            digest.update(name);
            digest.update(bytes.len().to_le_bytes());
            digest.update(bytes);
        }
        let digest = hex(&digest.finalize());
        let digest = digest.get(..16).unwrap_or(&digest);
        format!("{MARK}{} modules {digest}", self.policy)
    }
}

/// A version that can be deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its ID.
    pub id: String,
    /// Its number, which grows with each upload.
    pub number: u64,
    /// When it was uploaded, as Cloudflare writes it.
    pub at: String,
    message: String,
}

impl Version {
    /// The policy in it, if this program uploaded it.
    pub fn policy(&self) -> Option<&str> {
        let rest = self.message.strip_prefix(MARK)?;
        Some(rest.split_once(' ')?.0)
    }
}

/// What is there before a publication.
#[derive(Clone, Debug)]
pub struct State {
    deployment: String,
    /// The IDs of the live versions, and their shares in percent.
    pub live: Vec<(String, f64)>,
    /// The versions, the latest first.
    pub versions: Vec<Version>,
    /// The IDs of all versions in recent deployments.
    deployed: Vec<String>,
    /// The previous version in full, whose settings the next one gets.
    base: Value,
}

/// The version of a deployment.
enum Target {
    /// Its ID.
    Known(String),
    /// It is uploaded in an earlier step, with this message.
    Uploaded(String),
}

impl Destination {
    fn call(&self, name: &'static str, method: &'static str, rest: &str) -> Call {
        let path = format!(
            "/accounts/{}/workers/scripts/{}{rest}",
            part(&self.account),
            part(&self.worker)
        );
        Call::new(Service::Cloudflare, name, method, path)
    }

    fn list_versions(&self) -> Call {
        self.call("ListVersions", "GET", "/versions")
            .with_query("deployable", "true")
    }

    fn list_deployments(&self) -> Call {
        self.call("ListDeployments", "GET", "/deployments")
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// Returns an error if a call fails, or the Worker does not exist.
    pub fn read(&self, world: &mut dyn World) -> Result<State, PublishError> {
        let call = self.list_deployments();
        let reply = read_call(world, &call)?;
        let deployments = match reply.status {
            404 => Vec::new(),
            _ => reply.list(&call, "/result/deployments")?,
        };
        let Some(latest) = deployments.first() else {
            return Err(PublishError::Missing {
                what: format!(
                    "a deployment of the Worker `{}` of the account `{}`",
                    self.worker, self.account
                ),
                help: "deploy it once with `npx wrangler deploy`, which also creates its routes: \
                       edge-wasm/cloudflare/README.md describes it"
                    .to_owned(),
            });
        };
        let live = shares(latest);
        let deployed = deployments.iter().flat_map(shares).map(|(id, _)| id);
        let deployed: Vec<String> = deployed.collect();
        let call = self.list_versions();
        let items = read_call(world, &call)?.list(&call, "/result/items")?;
        let versions: Vec<Version> = items.iter().filter_map(version).collect();
        let base = previous(&live, &versions).unwrap_or_default();
        let rest = format!("/versions/{}", part(&base));
        let call = self.call("GetVersion", "GET", &rest);
        let base = read_call(world, &call)?;
        // Without its bindings, the next version would have none.
        base.list(&call, BINDINGS)?;
        Ok(State {
            deployment: text(latest, "/id"),
            live,
            versions,
            deployed,
            base: base.json(),
        })
    }

    /// The steps that put a package into force.
    ///
    /// # Errors
    /// Returns an error if two other versions share the requests and the new one is to get a part.
    pub fn publish(&self, state: &State, package: &Package) -> Result<Vec<Step>, PublishError> {
        let message = package.message();
        let mut steps = Vec::new();
        let known = state.versions.iter().find(|version| {
            let is_live = state.live.iter().any(|(id, _)| *id == version.id);
            version.message == message && is_live
        });
        // The latest version may be the one that an interrupted publication uploaded. An older one with the same modules
        // may have other bindings than the live one.
        let latest = state.versions.first();
        let known = known.or(latest.filter(|version| version.message == message));
        let target = match known {
            Some(version) => Target::Known(version.id.clone()),
            None => {
                self.upload(state, package, &message, &mut steps);
                Target::Uploaded(message)
            }
        };
        let new = target.id();
        let others: Vec<&String> = state
            .live
            .iter()
            .map(|(id, _)| id)
            .filter(|id| **id != new)
            .collect();
        let shares = match (self.percent, others.as_slice()) {
            (100, _) | (_, []) => vec![(new, 100)],
            (percent, [old]) => vec![
                ((*old).clone(), 100_u8.saturating_sub(percent)),
                (new, percent),
            ],
            _ => {
                return Err(PublishError::Unsupported {
                    what: "two other versions share the requests now, and Cloudflare allows only two".to_owned(),
                    help: "end the split first, with `tollgate rollback` or by publishing one of them without `--percent`"
                        .to_owned(),
                });
            }
        };
        if !is_deployed(&state.live, &shares) {
            let what = match shares.as_slice() {
                [_] => format!("deploy policy {} for all requests", package.policy),
                _ => format!(
                    "deploy policy {} for {} % of the requests",
                    package.policy, self.percent
                ),
            };
            self.deploy(state, &target, shares, what, &package.policy, &mut steps);
        }
        Ok(steps)
    }

    /// Uploads a version, which no deployment names yet.
    fn upload(&self, state: &State, package: &Package, message: &str, steps: &mut Vec<Step>) {
        let latest = state.versions.first().map(|version| version.id.clone());
        let (kind, body) = multipart(package, &metadata(state, package, message));
        let call = self
            .call("UploadVersion", "POST", "/versions")
            .with_query("bindings_inherit", "strict")
            .with_header("content-type", kind);
        let is = |message: &str| Check::Json(LATEST_MESSAGE, message.into());
        let read = Read {
            call: self.list_versions(),
            what: format!("the latest version of the Worker `{}`", self.worker),
            expect: match latest {
                Some(id) => Check::Json(LATEST_ID, id.into()),
                None => Check::Always,
            },
            done: Some(is(message)),
        };
        steps.push(Step {
            what: format!(
                "upload a version with policy {}, which no request reaches",
                package.policy
            ),
            before: PREVIOUS,
            action: Write::of(vec![read], Call { body, ..call }).into(),
        });
        steps.push(Step {
            what: "wait until the version is listed".to_owned(),
            before: PREVIOUS,
            action: Poll::of(self.list_versions(), is(message), LIMIT_SECS).into(),
        });
    }

    fn deploy(
        &self,
        state: &State,
        target: &Target,
        shares: Vec<(String, u8)>,
        what: String,
        policy: &str,
        steps: &mut Vec<Step>,
    ) {
        let named: Vec<Value> = shares
            .iter()
            .map(|(id, percent)| json!({ "version_id": id, "percentage": percent }))
            .collect();
        let body = json!({
            "strategy": "percentage",
            "versions": named,
            "annotations": { "workers/message": format!("{MARK}{policy}") },
        });
        let deployment = Read {
            call: self.list_deployments(),
            what: format!("the deployment of the Worker `{}`", self.worker),
            expect: Check::Json(DEPLOYMENT_ID, state.deployment.as_str().into()),
            done: Some(Check::Deployed(shares.clone())),
        };
        let (mut reads, mut known) = (Vec::new(), None);
        if let Target::Uploaded(message) = target {
            reads.push(Read {
                call: self.list_versions(),
                what: format!("the latest version of the Worker `{}`", self.worker),
                expect: Check::Json(LATEST_MESSAGE, message.as_str().into()),
                done: None,
            });
            known = Some((CAPTURED, LATEST_ID));
        }
        reads.push(deployment);
        let call = self
            .call("CreateDeployment", "POST", "/deployments")
            .with_body("application/json", body.to_string().into_bytes());
        steps.push(Step {
            what,
            before: EITHER,
            action: Write {
                known,
                ..Write::of(reads, call)
            }
            .into(),
        });
        steps.push(Step {
            what: "read the deployment back".to_owned(),
            before: EITHER,
            action: Poll::of(self.list_deployments(), Check::Deployed(shares), LIMIT_SECS).into(),
        });
    }

    /// The version to go back to: the named policy's latest one, or the one before the live one. While two versions share
    /// the requests, it is the older of them.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn earlier<'s>(
        &self,
        state: &'s State,
        policy: Option<&str>,
    ) -> Result<&'s Version, PublishError> {
        let mut versions = state.versions.iter();
        let Some(policy) = policy else {
            let live = |version: &&Version| state.live.iter().any(|(id, _)| *id == version.id);
            let numbers = || state.versions.iter().filter(live);
            let oldest = numbers().min_by_key(|version| version.number);
            let oldest = oldest.ok_or(PublishError::NoEarlier)?;
            if state.live.len() > 1 {
                return Ok(oldest);
            }
            let was_live = |version: &&Version| {
                version.policy().is_some() || state.deployed.contains(&version.id)
            };
            return versions
                .filter(was_live)
                .filter(|version| version.number < oldest.number)
                .max_by_key(|version| version.number)
                .ok_or(PublishError::NoEarlier);
        };
        versions
            .find(|version| version.policy() == Some(policy))
            .ok_or_else(|| PublishError::Unknown {
                policy: policy.to_owned(),
                known: state.restorable(),
            })
    }

    /// The steps that deploy an earlier version for all requests.
    pub fn roll_back(&self, state: &State, version: &Version) -> Vec<Step> {
        let mut steps = Vec::new();
        let shares = vec![(version.id.clone(), 100)];
        if !is_deployed(&state.live, &shares) {
            let policy = version.policy().unwrap_or("unknown");
            let what = format!("deploy version {} for all requests", version.id);
            let target = Target::Known(version.id.clone());
            self.deploy(state, &target, shares, what, policy, &mut steps);
        }
        steps
    }

    /// What is live.
    pub fn status(&self, state: &State, policy: &str) -> Value {
        let live: Vec<Value> = state
            .live
            .iter()
            .map(|(id, percent)| {
                let mut versions = state.versions.iter();
                let version = versions.find(|version| version.id == *id);
                json!({
                    "version": id,
                    "policy": version.and_then(Version::policy),
                    "uploaded": version.map(|version| version.at.as_str()),
                    "percent": percent,
                })
            })
            .collect();
        let is_ours = |entry: &Value| entry.get("policy").and_then(Value::as_str) == Some(policy);
        json!({
            "current": !live.is_empty() && live.iter().all(is_ours),
            "live": live,
            "restorable": state.restorable(),
        })
    }
}

impl State {
    /// The policy that decides most requests.
    pub fn policy(&self) -> Option<String> {
        let id = previous(&self.live, &self.versions)?;
        let mut versions = self.versions.iter();
        let version = versions.find(|version| version.id == id)?;
        version.policy().map(str::to_owned)
    }

    /// The policies that can be restored, the latest first.
    pub fn restorable(&self) -> Vec<String> {
        let is_live = |version: &&Version| {
            let share = self.live.iter().find(|(id, _)| *id == version.id);
            share.is_some_and(|(_, percent)| *percent >= 100.0)
        };
        let live = self.versions.iter().find(is_live).map(Version::policy);
        let mut policies: Vec<String> = Vec::new();
        for version in &self.versions {
            if let Some(policy) = version.policy()
                && Some(Some(policy)) != live
                && !policies.iter().any(|known| known == policy)
            {
                policies.push(policy.to_owned());
            }
        }
        policies
    }
}

impl Target {
    /// The ID in calls.
    fn id(&self) -> String {
        match self {
            Self::Known(id) => id.clone(),
            Self::Uploaded(_) => format!("{{{CAPTURED}}}"),
        }
    }
}

/// The live version with the lowest number: of two, the one that is being replaced.
fn previous(live: &[(String, f64)], versions: &[Version]) -> Option<String> {
    let number = |id: &str| {
        let mut versions = versions.iter();
        let version = versions.find(|version| version.id == id);
        version.map_or(0, |version| version.number)
    };
    let oldest = live.iter().min_by_key(|(id, _)| number(id));
    oldest.map(|(id, _)| id.clone())
}

/// The versions of a deployment, and their shares in percent.
fn shares(deployment: &Value) -> Vec<(String, f64)> {
    let versions = deployment.get("versions").and_then(Value::as_array);
    let share = |version: &Value| {
        Some((
            version.get("version_id")?.as_str()?.to_owned(),
            version.get("percentage")?.as_f64()?,
        ))
    };
    versions.into_iter().flatten().filter_map(share).collect()
}

fn is_deployed(live: &[(String, f64)], wanted: &[(String, u8)]) -> bool {
    live.len() == wanted.len()
        && wanted.iter().all(|(id, percent)| {
            live.iter()
                .any(|(found, share)| found == id && (share - f64::from(*percent)).abs() < 0.01)
        })
}

/// Whether the latest deployment in a response has exactly these versions and shares.
pub(crate) fn deploys(response: &Value, wanted: &[(String, u8)]) -> bool {
    let latest = response.pointer("/result/deployments/0");
    latest.is_some_and(|latest| is_deployed(&shares(latest), wanted))
}

fn version(item: &Value) -> Option<Version> {
    Some(Version {
        id: item.get("id")?.as_str()?.to_owned(),
        number: item.get("number").and_then(Value::as_u64).unwrap_or(0),
        at: text(item, "/metadata/created_on"),
        message: text(item, MESSAGE),
    })
}

fn text(value: &Value, place: &str) -> String {
    let text = value.pointer(place).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// The metadata of an upload: the bindings and settings of the previous version, by reference where possible.
fn metadata(state: &State, package: &Package, message: &str) -> Value {
    let of = |place: &str| state.base.pointer(place).filter(|value| !value.is_null());
    let id = text(&state.base, "/result/id");
    let bindings = of(BINDINGS).and_then(Value::as_array);
    let bindings: Vec<Value> = bindings
        .into_iter()
        .flatten()
        .filter_map(|binding| binding.get("name"))
        .map(|name| json!({ "type": "inherit", "name": name, "version_id": id }))
        .collect();
    let main = package.modules.first().map(|module| module.name.as_str());
    let mut metadata = json!({
        "main_module": main,
        "bindings": bindings,
        "keep_assets": true,
        "annotations": { "workers/message": message },
    });
    if let Some(object) = metadata.as_object_mut() {
        for name in ["compatibility_date", "compatibility_flags", "limits"] {
            let place = format!("/result/resources/script_runtime/{name}");
            if let Some(value) = of(&place) {
                object.insert(name.to_owned(), value.clone());
            }
        }
        if of("/result/resources/script/placement_mode") == Some(&json!("smart")) {
            object.insert("placement".to_owned(), json!({ "mode": "smart" }));
        }
    }
    metadata
}

/// The body of an upload, and its content type. It is the same for the same content, as the dry run shows its digest.
fn multipart(package: &Package, metadata: &Value) -> (String, Vec<u8>) {
    let digest = digest(package.message());
    // A boundary has at most 70 characters.
    let boundary = format!("tollgate-{}", digest.get(..32).unwrap_or(&digest));
    let mut body = Vec::new();
    let mut put = |name: &str, file: bool, kind: &str, bytes: &[u8]| {
        let file = match file {
            true => format!("; filename=\"{name}\""),
            false => String::new(),
        };
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\nContent-Type: {kind}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    };
    let text = metadata.to_string();
    put("metadata", false, "application/json", text.as_bytes());
    for Module { name, bytes } in &package.modules {
        let kind = match name.rsplit_once('.') {
            Some((_, "js")) => "application/javascript+module",
            Some((_, "wasm")) => "application/wasm",
            _ => "application/octet-stream",
        };
        put(name, true, kind, bytes);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
