//! Where a policy is published: options, and `publish.toml`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use tollgate_compiler::SourceTree;
use tollgate_compiler::publish::Destinations;
use tollgate_publish::cloudfront::Behaviour;
use tollgate_publish::lambda::Selector;
use tollgate_publish::{PublishError, World, cloudfront_functions, lambda, object};

use super::Plan;
use super::live::Terminal;
use super::package::{Built, policy_of};
use crate::failure::Failure;
use crate::policy;

const FUNCTIONS: &str = "cloudfront-functions";
const LAMBDA_EDGE: &str = "lambda-edge";
const LAMBDA: &str = "lambda";
const AUTHZ: &str = "authz";
/// Lambda@Edge functions are created there.
const EDGE_REGION: &str = "us-east-1";

/// Where the policy is published.
#[derive(Args)]
pub(super) struct Where {
    /// The policy directory [default: the nearest directory with `site.toml`]
    #[arg(value_name = "DIR")]
    policy: Option<PathBuf>,
    /// The platform
    #[arg(long, value_name = "TARGET", value_parser = PossibleValuesParser::new([FUNCTIONS, LAMBDA_EDGE, LAMBDA, AUTHZ]))]
    target: String,
    /// The name of the function
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// The ARN of the KeyValueStore
    #[arg(long, value_name = "ARN")]
    store: Option<String>,
    /// The ID of the CloudFront distribution
    #[arg(long, value_name = "ID")]
    distribution: Option<String>,
    /// The alias of the Lambda function
    #[arg(long, value_name = "NAME")]
    alias: Option<String>,
    /// The S3 bucket
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// The key of the object in the bucket
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The AWS region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The AWS profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The seconds that entries of a KeyValueStore need to reach all edges [default: 30]
    #[arg(long, value_name = "SECONDS")]
    settle: Option<u64>,
    /// Do not let CloudFront test the new function before it is published
    #[arg(long)]
    no_function_test: bool,
    /// Replace a function that Tollgate did not generate
    #[arg(long)]
    replace_foreign: bool,
}

/// A destination with all its settings.
pub(super) enum Place {
    Functions(cloudfront_functions::Destination),
    Lambda(&'static str, lambda::Destination),
    Object(object::Destination),
}

impl Where {
    pub(super) fn folder(&self) -> Result<PathBuf, Failure> {
        policy::folder_or_default(self.policy.clone())
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    fn destinations(folder: &Path) -> Result<Destinations, Failure> {
        match folder.is_dir() {
            true => Ok(Destinations::read(&policy::read(folder, SourceTree::read)?)),
            false => Ok(Destinations::default()),
        }
    }

    /// The AWS profile.
    pub(super) fn profile(&self, folder: &Path) -> Result<Option<String>, Failure> {
        let file = Self::destinations(folder)?;
        let named = file.text(&self.target, "profile").map(str::to_owned);
        Ok(self.profile.clone().or(named))
    }

    pub(super) fn place(&self, folder: &Path, percent: u8) -> Result<Place, Failure> {
        let file = Self::destinations(folder)?;
        let optional = |given: &Option<String>, name: &str| {
            let named = file.text(&self.target, name).map(str::to_owned);
            given.clone().or(named)
        };
        let required = |given: &Option<String>, name: &'static str| {
            optional(given, name).ok_or_else(|| {
                Failure::Publish(PublishError::Setting {
                    name,
                    problem: format!("is missing for the target `{}`", self.target),
                })
            })
        };
        let region = || {
            let named = optional(&self.region, "region");
            let known = || {
                ["AWS_REGION", "AWS_DEFAULT_REGION"]
                    .iter()
                    .find_map(|name| std::env::var(name).ok())
            };
            named.or_else(known).ok_or_else(|| {
                Failure::Publish(PublishError::Setting {
                    name: "region",
                    problem: "is missing".to_owned(),
                })
            })
        };
        if percent != 100 && self.target != LAMBDA {
            return Err(Failure::Publish(PublishError::Unsupported {
                what: format!(
                    "`{}` cannot split requests between two policies",
                    self.target
                ),
                help: "publish without `--percent`".to_owned(),
            }));
        }
        Ok(match self.target.as_str() {
            FUNCTIONS => {
                let number = |name: &str| {
                    let number = file.int(&self.target, name)?;
                    u64::try_from(number).ok()
                };
                Place::Functions(cloudfront_functions::Destination {
                    function: required(&self.function, "function")?,
                    store: optional(&self.store, "store"),
                    distribution: optional(&self.distribution, "distribution"),
                    settle_secs: self.settle.or_else(|| number("settle_secs")).unwrap_or(30),
                    keep: usize::try_from(number("keep").unwrap_or(2)).unwrap_or(2),
                    test: !self.no_function_test,
                    replace_foreign: self.replace_foreign,
                })
            }
            LAMBDA_EDGE => Place::Lambda(
                LAMBDA_EDGE,
                lambda::Destination {
                    function: required(&self.function, "function")?,
                    region: EDGE_REGION.to_owned(),
                    selector: Selector::Distribution(required(&self.distribution, "distribution")?),
                    percent,
                },
            ),
            LAMBDA => Place::Lambda(
                LAMBDA,
                lambda::Destination {
                    function: required(&self.function, "function")?,
                    region: region()?,
                    selector: Selector::Alias(
                        optional(&self.alias, "alias").unwrap_or_else(|| "live".to_owned()),
                    ),
                    percent,
                },
            ),
            _ => Place::Object(object::Destination {
                bucket: required(&self.bucket, "bucket")?,
                key: optional(&self.key, "key").unwrap_or_else(|| "policy.tgi".to_owned()),
                region: region()?,
            }),
        })
    }
}

fn patterns(open: Option<Vec<Behaviour>>) -> Vec<String> {
    let open = open.unwrap_or_default().into_iter();
    open.map(|behaviour| behaviour.pattern).collect()
}

impl Place {
    pub(super) const fn target(&self) -> &'static str {
        match self {
            Self::Functions(_) => FUNCTIONS,
            Self::Lambda(name, _) => name,
            Self::Object(_) => AUTHZ,
        }
    }

    pub(super) fn publish(&self, world: &mut Terminal, built: &Built) -> Result<Plan, Failure> {
        let now = world.now();
        Ok(match self {
            Self::Functions(to) => {
                let package = built.function()?;
                let state = to.read(world)?;
                Plan {
                    policy: package.policy.clone(),
                    live: state.policy(),
                    steps: to.publish(&state, &package, now)?,
                    open: patterns(state.open()),
                }
            }
            Self::Lambda(_, to) => {
                let package = built.zip()?;
                let state = to.read(world)?;
                Plan {
                    policy: package.policy.clone(),
                    live: live_of(&state),
                    steps: to.publish(&state, &package)?,
                    open: patterns(to.open(&state)),
                }
            }
            Self::Object(to) => {
                let package = built.object()?;
                let state = to.read(world)?;
                let live = state.live.as_deref().and_then(policy_of);
                Plan {
                    policy: package.policy.clone(),
                    steps: to.publish(&state, &package, live.as_deref(), now),
                    live,
                    open: Vec::new(),
                }
            }
        })
    }

    pub(super) fn roll_back(
        &self,
        world: &mut Terminal,
        policy: Option<&str>,
    ) -> Result<Plan, Failure> {
        let now = world.now();
        Ok(match self {
            Self::Functions(to) => {
                let state = to.read(world)?;
                let package = to.earlier(&state, policy)?;
                Plan {
                    policy: package.policy.clone(),
                    live: state.policy(),
                    steps: to.publish(&state, &package, now)?,
                    open: patterns(state.open()),
                }
            }
            Self::Lambda(_, to) => {
                let state = to.read(world)?;
                let version = to.earlier(&state, policy)?;
                Plan {
                    policy: version.policy.clone().unwrap_or_default(),
                    live: live_of(&state),
                    steps: to.roll_back(&state, policy)?,
                    open: patterns(to.open(&state)),
                }
            }
            Self::Object(to) => {
                let state = to.read(world)?;
                let live = state.live.as_deref().and_then(policy_of);
                let package = to.earlier(world, &state, live.as_deref(), policy)?;
                Plan {
                    policy: package.policy.clone(),
                    steps: to.publish(&state, &package, live.as_deref(), now),
                    live,
                    open: Vec::new(),
                }
            }
        })
    }

    pub(super) fn status(&self, world: &mut Terminal, built: &Built) -> Result<Value, Failure> {
        Ok(match self {
            Self::Functions(to) => {
                let package = built.function()?;
                let state = to.read(world)?;
                to.status(&state, Some(&package)).json()
            }
            Self::Lambda(_, to) => {
                let package = built.zip().ok();
                let state = to.read(world)?;
                to.status(&state, package.as_ref())
            }
            Self::Object(to) => {
                let state = to.read(world)?;
                let live = state.live.as_deref().and_then(policy_of);
                let releases = state.releases();
                let restorable = releases
                    .iter()
                    .map(|release| release.policy.as_str())
                    .filter(|policy| Some(*policy) != live.as_deref());
                let published = releases
                    .iter()
                    .find(|release| Some(&release.policy) == live.as_ref())
                    .map(|release| release.at);
                json!({
                    "policy": live,
                    "published": published,
                    "current": live == Some(built.policy()),
                    "restorable": restorable.collect::<Vec<_>>(),
                })
            }
        })
    }
}

fn live_of(state: &lambda::State) -> Option<String> {
    let live = state.live.first()?;
    let mut versions = state.versions.iter();
    let version = versions.find(|version| version.number.to_string() == *live)?;
    version.policy.clone()
}
