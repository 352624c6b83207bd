//! Lambda functions: versions that never change, and what selects the live one.
//!
//! A Lambda@Edge function is selected by the behaviours of a distribution, any other by an alias. Both are changed after
//! the new version exists and is active. Not here: the package, which is built elsewhere.

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::call::{Call, Service, part};
use crate::cloudfront::{self, Behaviour, behaviours};
use crate::error::PublishError;
use crate::step::{Check, EITHER, Edit, PREVIOUS, Poll, Read, Step, Write, associated, read_call};
use crate::world::World;
use crate::xml::first_of;

/// The text before the policy ID in the description of a version.
const MARK: &str = "tollgate policy ";
/// The longest wait for a version, and for a distribution, in seconds.
const VERSION_SECS: u64 = 300;
const DISTRIBUTION_SECS: u64 = 3_600;
/// What guards a change: its name in bodies, and its place in responses.
const REVISION: (&str, &str) = ("revision", "/RevisionId");
/// The most pages of versions.
const MAX_PAGES: usize = 1_000;

/// What selects the live version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The behaviours of a distribution (Lambda@Edge).
    Distribution(String),
    /// An alias.
    Alias(String),
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The name of the function.
    pub function: String,
    /// Its region; `us-east-1` for Lambda@Edge.
    pub region: String,
    /// What selects the live version.
    pub selector: Selector,
    /// The share of requests that the new version gets, in percent; 100 for all. Only an alias can split.
    pub percent: u8,
}

/// A package and the ID of its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The zip.
    pub zip: Vec<u8>,
    /// The policy ID.
    pub policy: String,
}

impl Package {
    /// The digest of the code as Lambda writes it.
    fn digest(&self) -> String {
        Base64::encode_string(&Sha256::digest(&self.zip))
    }
}

/// A published version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub number: u64,
    /// The policy in it, if Tollgate published it.
    pub policy: Option<String>,
    /// When it was published, as AWS writes it.
    pub at: String,
    digest: String,
}

/// What is there before a publication.
#[derive(Clone, Debug)]
pub struct State {
    arn: String,
    latest: String,
    /// The published versions, the latest first.
    pub versions: Vec<Version>,
    /// The numbers of the live versions. More than one while a publication is under way; of an alias, its own is the
    /// first.
    pub live: Vec<String>,
    /// The behaviours of the distribution.
    pub behaviours: Option<Vec<Behaviour>>,
    /// Whether a change of the distribution is on its way to the edges.
    is_deploying: bool,
}

/// What a selector selects.
struct Selected {
    live: Vec<String>,
    behaviours: Option<Vec<Behaviour>>,
    is_deploying: bool,
}

impl Destination {
    fn call(&self, name: &'static str, method: &'static str, rest: &str) -> Call {
        let service = Service::Lambda {
            region: self.region.clone(),
        };
        let path = format!("/2015-03-31/functions/{}{rest}", part(&self.function));
        Call::new(service, name, method, path)
    }

    fn configuration(&self) -> Call {
        self.call("GetFunctionConfiguration", "GET", "/configuration")
    }

    fn alias(&self, name: &str) -> Call {
        let rest = format!("/aliases/{}", part(name));
        self.call("GetAlias", "GET", &rest)
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// Returns an error if a call fails, or if the function or its selector does not exist.
    pub fn read(&self, world: &mut dyn World) -> Result<State, PublishError> {
        let reply = read_call(world, &self.configuration())?;
        if reply.status == 404 {
            return Err(PublishError::Missing {
                what: format!("the function `{}` in {}", self.function, self.region),
                help: "create it once, with its role: lambda-adapter/infra has templates"
                    .to_owned(),
            });
        }
        let object = reply.json();
        let text = |name: &str| {
            let text = object.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let arn = text("FunctionArn").trim_end_matches(":$LATEST").to_owned();
        let versions = self.versions(world)?;
        let Selected {
            live,
            behaviours,
            is_deploying,
        } = self.selected(world, &arn)?;
        Ok(State {
            arn,
            latest: text("CodeSha256"),
            versions,
            live,
            behaviours,
            is_deploying,
        })
    }

    fn versions(&self, world: &mut dyn World) -> Result<Vec<Version>, PublishError> {
        let mut versions = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut call = self
                .call("ListVersionsByFunction", "GET", "/versions")
                .with_query("MaxItems", "50");
            if let Some(marker) = &marker {
                call = call.with_query("Marker", marker);
            }
            let reply = read_call(world, &call)?;
            for object in reply.list(&call, "/Versions")? {
                let text =
                    |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
                if let Ok(number) = text("Version").parse() {
                    versions.push(Version {
                        number,
                        policy: text("Description").strip_prefix(MARK).map(str::to_owned),
                        at: text("LastModified").to_owned(),
                        digest: text("CodeSha256").to_owned(),
                    });
                }
            }
            let page = reply.json();
            let next = page.get("NextMarker").and_then(Value::as_str);
            marker = next.filter(|next| !next.is_empty()).map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        versions.sort_by_key(|version| core::cmp::Reverse(version.number));
        Ok(versions)
    }

    fn selected(&self, world: &mut dyn World, arn: &str) -> Result<Selected, PublishError> {
        match &self.selector {
            Selector::Distribution(id) => {
                let config = cloudfront::read_config(world, id)?;
                let live = associated(&config, arn);
                if live.is_empty() {
                    return Err(PublishError::Missing {
                        what: format!(
                            "a behaviour of `{id}` with the function `{}`",
                            self.function
                        ),
                        help:
                            "associate a version with the viewer request of every behaviour once; \
                               `publish` then changes the version"
                                .to_owned(),
                    });
                }
                let status = read_call(world, &cloudfront::get_distribution(id))?.text();
                Ok(Selected {
                    live,
                    behaviours: Some(behaviours(&config)),
                    is_deploying: first_of(&status, "Status").as_deref() != Some("Deployed"),
                })
            }
            Selector::Alias(name) => {
                let reply = read_call(world, &self.alias(name))?;
                if reply.status == 404 {
                    return Err(PublishError::Missing {
                        what: format!("the alias `{name}` of `{}`", self.function),
                        help: format!(
                            "create it once: `aws lambda create-alias --function-name {} --name {name} \
                             --function-version VERSION`",
                            self.function
                        ),
                    });
                }
                let object = reply.json();
                let first = object.get("FunctionVersion").and_then(Value::as_str);
                let mut live: Vec<String> = first.map(str::to_owned).into_iter().collect();
                let weights = object
                    .pointer("/RoutingConfig/AdditionalVersionWeights")
                    .and_then(Value::as_object);
                live.extend(
                    weights
                        .into_iter()
                        .flat_map(|weights| weights.keys().cloned()),
                );
                Ok(Selected {
                    live,
                    behaviours: None,
                    is_deploying: false,
                })
            }
        }
    }

    /// The steps that put a package into force. Empty if it is in force.
    ///
    /// A version with the same code is used again only if it is live or the latest: the configuration of an older one, such
    /// as its environment or its memory, may be outdated.
    ///
    /// # Errors
    /// Returns an error if the selector cannot split requests as wanted.
    pub fn publish(&self, state: &State, package: &Package) -> Result<Vec<Step>, PublishError> {
        let digest = package.digest();
        let mut same = state
            .versions
            .iter()
            .filter(|version| version.digest == digest);
        let is_live = |version: &&Version| state.live.contains(&version.number.to_string());
        let latest = state.versions.first();
        let known = same
            .clone()
            .find(is_live)
            .or_else(|| same.find(|version| Some(*version) == latest));
        let mut steps = Vec::new();
        let number = match known {
            Some(version) => version.number.to_string(),
            None => {
                self.new_version(state, package, &digest, &mut steps);
                "{version}".to_owned()
            }
        };
        self.select(state, &number, &mut steps)?;
        Ok(steps)
    }

    /// The steps that put an earlier version into force: that of the named policy, or the latest before the live one.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn roll_back(
        &self,
        state: &State,
        policy: Option<&str>,
    ) -> Result<Vec<Step>, PublishError> {
        let version = self.earlier(state, policy)?;
        let mut steps = Vec::new();
        self.select(state, &version.number.to_string(), &mut steps)?;
        Ok(steps)
    }

    /// The version to roll back to: the named policy's latest one, or the one before the live one. While an alias splits
    /// requests, it is the alias's own, from which the new version takes its share.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub fn earlier<'s>(
        &self,
        state: &'s State,
        policy: Option<&str>,
    ) -> Result<&'s Version, PublishError> {
        let ours = state
            .versions
            .iter()
            .filter(|version| version.policy.is_some());
        match policy {
            Some(policy) => ours
                .clone()
                .find(|version| version.policy.as_deref() == Some(policy))
                .ok_or_else(|| PublishError::Unknown {
                    policy: policy.to_owned(),
                    known: ours.filter_map(|version| version.policy.clone()).collect(),
                }),
            None => {
                let live = || state.live.iter().filter_map(|live| live.parse().ok());
                let is_split = state.live.len() > 1;
                let found = match &self.selector {
                    Selector::Alias(_) if is_split => {
                        let own = live().next();
                        state
                            .versions
                            .iter()
                            .find(|version| Some(version.number) == own)
                    }
                    // Of two versions in one distribution, the older one is being replaced.
                    _ => {
                        let oldest = live().min().unwrap_or(0);
                        ours.clone()
                            .find(|version| version.number < oldest + u64::from(is_split))
                    }
                };
                found.ok_or(PublishError::NoEarlier)
            }
        }
    }

    fn new_version(&self, state: &State, package: &Package, digest: &str, steps: &mut Vec<Step>) {
        let what = format!("the function `{}`", self.function);
        let read = |expect: Check, done: Option<Check>| Read {
            call: self.configuration(),
            what: what.clone(),
            expect,
            done,
        };
        let code = |digest: &str| Check::Json("/CodeSha256", json!(digest));
        if state.latest != digest {
            let body = json!({
                "ZipFile": Base64::encode_string(&package.zip),
                "RevisionId": "{revision}",
            });
            let call = self
                .call("UpdateFunctionCode", "PUT", "/code")
                .with_body("application/json", body.to_string().into_bytes());
            steps.push(Step {
                what: format!(
                    "upload {} bytes of code, which nothing runs yet",
                    package.zip.len()
                ),
                before: PREVIOUS,
                action: Write {
                    known: Some(REVISION),
                    ..Write::of(vec![read(code(&state.latest), Some(code(digest)))], call)
                }
                .into(),
            });
        }
        steps.push(self.poll(
            "wait until the code is ready",
            self.configuration(),
            ["/LastUpdateStatus", "Successful", "/LastUpdateStatusReason"],
        ));
        let body = json!({
            "CodeSha256": digest,
            "Description": format!("{MARK}{}", package.policy),
        });
        let call = self
            .call("PublishVersion", "POST", "/versions")
            .with_body("application/json", body.to_string().into_bytes());
        let write = Write {
            capture: Some(("version", "/Version")),
            ..Write::of(vec![read(code(digest), None)], call)
        };
        steps.push(Step {
            what: format!("publish a version with policy {}", package.policy),
            before: PREVIOUS,
            action: write.into(),
        });
        steps.push(self.poll(
            "wait until the version is active",
            self.configuration().with_version(),
            ["/State", "Active", "/StateReason"],
        ));
    }

    /// Waits for a state: its place, its good value, and the place of the reason if it is `Failed`.
    fn poll(&self, what: &str, call: Call, [place, good, reason]: [&'static str; 3]) -> Step {
        let poll = Poll {
            failed: Some((Check::Json(place, json!("Failed")), reason)),
            ..Poll::of(call, Check::Json(place, json!(good)), VERSION_SECS)
        };
        Step {
            what: what.to_owned(),
            before: PREVIOUS,
            action: poll.into(),
        }
    }

    /// Selects a version. `number` may be the name of a captured value.
    fn select(
        &self,
        state: &State,
        number: &str,
        steps: &mut Vec<Step>,
    ) -> Result<(), PublishError> {
        match &self.selector {
            Selector::Distribution(id) => {
                if self.percent != 100 {
                    return Err(PublishError::Unsupported {
                        what: "a distribution runs one version for all requests".to_owned(),
                        help: "publish without `--percent`; a staging distribution with CloudFront's continuous \
                               deployment is a destination of its own"
                            .to_owned(),
                    });
                }
                let is_selected = state.live == [number];
                if !is_selected {
                    Self::select_in_distribution(state, id, number, steps);
                }
                if !is_selected || state.is_deploying {
                    let until = Check::XmlIs("Status", "Deployed");
                    let call = cloudfront::get_distribution(id);
                    steps.push(Step {
                        what: "wait until the distribution is deployed".to_owned(),
                        before: EITHER,
                        action: Poll::of(call, until, DISTRIBUTION_SECS).into(),
                    });
                }
            }
            Selector::Alias(name) => self.select_in_alias(state, name, number, steps),
        }
        Ok(())
    }

    fn select_in_distribution(state: &State, id: &str, number: &str, steps: &mut Vec<Step>) {
        let uses = |versions: Vec<String>| Check::Uses {
            function: state.arn.clone(),
            versions,
        };
        let mut seen = state.live.clone();
        seen.push(number.to_owned());
        let read = Read {
            call: cloudfront::get_distribution_config(id),
            what: format!("the versions of the function in the distribution `{id}`"),
            expect: uses(seen),
            done: Some(uses(vec![number.to_owned()])),
        };
        let write = Write {
            edit: Some(Edit::Version {
                function: state.arn.clone(),
                to: number.to_owned(),
            }),
            ..Write::of(vec![read], cloudfront::update_distribution(id))
        };
        steps.push(Step {
            what: format!("give every behaviour that runs the function version {number}"),
            before: EITHER,
            action: write.into(),
        });
    }

    fn select_in_alias(&self, state: &State, name: &str, number: &str, steps: &mut Vec<Step>) {
        let seen = state.live.first().cloned().unwrap_or_default();
        let (version, weights, done) = match self.percent {
            100 if state.live == [number] => return,
            100 => (
                number.to_owned(),
                json!({}),
                Check::Json("/FunctionVersion", json!(number)),
            ),
            percent if seen != number => {
                let share = f64::from(percent) / 100.0;
                (
                    seen.clone(),
                    json!({ number: share }),
                    Check::Share(number.to_owned(), percent),
                )
            }
            _ => return,
        };
        let body = json!({
            "FunctionVersion": version,
            "RoutingConfig": { "AdditionalVersionWeights": weights },
            "RevisionId": "{revision}",
        });
        let rest = format!("/aliases/{}", part(name));
        let call = self
            .call("UpdateAlias", "PUT", &rest)
            .with_body("application/json", body.to_string().into_bytes());
        let read = Read {
            call: self.alias(name),
            what: format!("the alias `{name}`"),
            expect: Check::Json("/FunctionVersion", json!(seen)),
            // A split that ends with all requests on the old version looks done, and is not.
            done: (seen != number || self.percent != 100).then_some(done),
        };
        let write = Write {
            known: Some(REVISION),
            ..Write::of(vec![read], call)
        };
        let what = match self.percent {
            100 => format!("point the alias `{name}` at version {number}"),
            percent => format!("send {percent}% of the requests of `{name}` to version {number}"),
        };
        steps.push(Step {
            what,
            before: EITHER,
            action: write.into(),
        });
    }

    /// The behaviours that do not run this function.
    pub fn open(&self, state: &State) -> Option<Vec<Behaviour>> {
        let behaviours = state.behaviours.as_ref()?;
        let is_open = |behaviour: &&Behaviour| {
            let arn = behaviour.viewer_request.as_deref();
            let is_ours = |arn: &str| {
                let rest = arn.strip_prefix(&state.arn);
                rest.is_some_and(|rest| rest.starts_with(':'))
            };
            !arn.is_some_and(is_ours)
        };
        Some(behaviours.iter().filter(is_open).cloned().collect())
    }

    /// What is live, for programs. Without a package, versions are compared by policy.
    pub fn status(&self, state: &State, policy: &str, built: Option<&Package>) -> Value {
        let live: Vec<Value> = state
            .live
            .iter()
            .map(|number| {
                let version = state
                    .versions
                    .iter()
                    .find(|version| version.number.to_string() == *number);
                json!({
                    "version": number,
                    "policy": version.and_then(|version| version.policy.clone()),
                    "published": version.map(|version| version.at.clone()),
                })
            })
            .collect();
        let restorable: Vec<&str> = state
            .versions
            .iter()
            .filter(|version| !state.live.contains(&version.number.to_string()))
            .filter_map(|version| version.policy.as_deref())
            .collect();
        let digest = built.map(Package::digest);
        let is_current = |version: &&Version| match &digest {
            Some(digest) => version.digest == *digest,
            None => version.policy.as_deref() == Some(policy),
        };
        let mut versions = state.versions.iter();
        let current = match state.live.as_slice() {
            [live] => versions
                .find(|version| version.number.to_string() == *live)
                .is_some_and(|version| is_current(&version)),
            _ => false,
        };
        let open = self.open(state).map(|open| {
            let patterns = open.into_iter().map(|behaviour| behaviour.pattern);
            patterns.collect::<Vec<_>>()
        });
        json!({
            "live": live,
            "current": current,
            "restorable": restorable,
            "behaviours_without_gate": open,
        })
    }
}

impl Call {
    fn with_version(mut self) -> Self {
        self.query = "Qualifier={version}".to_owned();
        self
    }
}
