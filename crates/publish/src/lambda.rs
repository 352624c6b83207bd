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
use crate::step::{Action, Check, Edit, Poll, Read, Step, Write, associated, read_call};
use crate::world::World;

/// The text before the policy ID in the description of a version.
const MARK: &str = "tollgate policy ";
/// The longest wait for a version, and for a distribution, in seconds.
const VERSION_SECS: u64 = 300;
const DISTRIBUTION_SECS: u64 = 3_600;
/// The most pages of versions.
const MAX_PAGES: usize = 1_000;

const PREVIOUS: &str = "the previous policy decides every request";
const EITHER: &str = "the previous policy or the new one decides every request";

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
    revision: String,
    /// The published versions, the latest first.
    pub versions: Vec<Version>,
    /// The numbers of the live versions. More than one while a publication is under way.
    pub live: Vec<String>,
    /// The behaviours of the distribution.
    pub behaviours: Option<Vec<Behaviour>>,
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
        let (live, behaviours) = self.live(world, &arn)?;
        Ok(State {
            arn,
            latest: text("CodeSha256"),
            revision: text("RevisionId"),
            versions,
            live,
            behaviours,
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
            let page = read_call(world, &call)?.json();
            let listed = page.get("Versions").and_then(Value::as_array);
            for object in listed.into_iter().flatten() {
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
            marker = page
                .get("NextMarker")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        versions.sort_by_key(|version| core::cmp::Reverse(version.number));
        Ok(versions)
    }

    fn live(
        &self,
        world: &mut dyn World,
        arn: &str,
    ) -> Result<(Vec<String>, Option<Vec<Behaviour>>), PublishError> {
        match &self.selector {
            Selector::Distribution(id) => {
                let reply = read_call(world, &cloudfront::get_distribution_config(id))?;
                if reply.status == 404 {
                    return Err(PublishError::Missing {
                        what: format!("the distribution `{id}`"),
                        help: "`aws cloudfront list-distributions` lists their IDs".to_owned(),
                    });
                }
                let config = reply.text();
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
                Ok((live, Some(behaviours(&config))))
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
                Ok((live, None))
            }
        }
    }

    /// The steps that put a package into force. Empty if it is in force.
    ///
    /// # Errors
    /// Returns an error if the selector cannot split requests as wanted.
    pub fn publish(&self, state: &State, package: &Package) -> Result<Vec<Step>, PublishError> {
        let digest = package.digest();
        let known = state
            .versions
            .iter()
            .find(|version| version.digest == digest);
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

    /// The version to roll back to.
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
                let live = state
                    .live
                    .iter()
                    .filter_map(|live| live.parse::<u64>().ok());
                let oldest = live.min().unwrap_or(0);
                // While a new version gets a share, the old one is the one to go back to.
                let is_split = state.live.len() > 1;
                ours.clone()
                    .find(|version| version.number < oldest + u64::from(is_split))
                    .ok_or(PublishError::NoEarlier)
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
                "RevisionId": state.revision,
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
                action: write(vec![read(code(&state.latest), Some(code(digest)))], call),
            });
        }
        steps.push(self.poll(
            "wait until the code is ready",
            self.configuration(),
            Check::Json("/LastUpdateStatus", json!("Successful")),
        ));
        let body = json!({
            "CodeSha256": digest,
            "Description": format!("{MARK}{}", package.policy),
        });
        let call = self
            .call("PublishVersion", "POST", "/versions")
            .with_body("application/json", body.to_string().into_bytes());
        let mut action = write(vec![read(code(digest), None)], call);
        if let Action::Write(write) = &mut action {
            write.capture = Some(("version", "/Version"));
        }
        steps.push(Step {
            what: format!("publish a version with policy {}", package.policy),
            before: PREVIOUS,
            action,
        });
        steps.push(self.poll(
            "wait until the version is active",
            self.configuration().with_version(),
            Check::Json("/State", json!("Active")),
        ));
    }

    fn poll(&self, what: &str, call: Call, until: Check) -> Step {
        Step {
            what: what.to_owned(),
            before: PREVIOUS,
            action: Action::Poll(Box::new(Poll {
                etag: None,
                call,
                until,
                limit_secs: VERSION_SECS,
                is_test: false,
            })),
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
                if state.live != [number] {
                    self.select_in_distribution(state, id, number, steps);
                }
            }
            Selector::Alias(name) => self.select_in_alias(state, name, number, steps),
        }
        Ok(())
    }

    fn select_in_distribution(&self, state: &State, id: &str, number: &str, steps: &mut Vec<Step>) {
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
        let mut action = write(vec![read], cloudfront::update_distribution(id));
        if let Action::Write(write) = &mut action {
            write.edit = Some(Edit::Version {
                function: state.arn.clone(),
                to: number.to_owned(),
            });
        }
        steps.push(Step {
            what: format!("give every behaviour that runs the function version {number}"),
            before: EITHER,
            action,
        });
        steps.push(Step {
            what: "wait until the distribution is deployed".to_owned(),
            before: EITHER,
            action: Action::Poll(Box::new(Poll {
                etag: None,
                call: cloudfront::get_distribution(id),
                until: Check::XmlIs("Status", "Deployed"),
                limit_secs: DISTRIBUTION_SECS,
                is_test: false,
            })),
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
        let mut action = write(vec![read], call);
        if let Action::Write(write) = &mut action {
            write.known = Some(("revision", "/RevisionId"));
        }
        let what = match self.percent {
            100 => format!("point the alias `{name}` at version {number}"),
            percent => format!("send {percent}% of the requests of `{name}` to version {number}"),
        };
        steps.push(Step {
            what,
            before: EITHER,
            action,
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

    /// What is live, for programs.
    pub fn status(&self, state: &State, built: Option<&Package>) -> Value {
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
        let current = built.map(|built| {
            let digest = built.digest();
            let is_live = |version: &Version| {
                version.digest == digest && state.live == [version.number.to_string()]
            };
            state.versions.iter().any(is_live)
        });
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

fn write(reads: Vec<Read>, call: Call) -> Action {
    Action::Write(Box::new(Write {
        reads,
        call,
        edit: None,
        known: None,
        capture: None,
    }))
}
