//! Where a policy is published: options, and `publish.toml`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use tollgate_compiler::SourceTree;
use tollgate_compiler::publish::Destinations;
use tollgate_publish::cloudfront::Behaviour;
use tollgate_publish::edgeworkers::Network;
use tollgate_publish::lambda::Selector;
use tollgate_publish::{
    PublishError, World, cloudfront_functions, edgeworkers, lambda, object, workers, workers_kv,
};

use super::Plan;
use super::live::Terminal;
use super::package::{Built, is_signed, policy_of};
use crate::failure::Failure;
use crate::policy;

const FUNCTIONS: &str = "cloudfront-functions";
const LAMBDA_EDGE: &str = "lambda-edge";
const LAMBDA: &str = "lambda";
const AUTHZ: &str = "authz";
const CLOUDFLARE: &str = "cloudflare";
const EDGEWORKERS: &str = "edgeworkers";
/// All targets.
const TARGETS: [&str; 6] = [
    FUNCTIONS,
    LAMBDA_EDGE,
    LAMBDA,
    AUTHZ,
    CLOUDFLARE,
    EDGEWORKERS,
];
/// Lambda@Edge functions are created there.
const EDGE_REGION: &str = "us-east-1";

/// Where the policy is published.
#[derive(Args)]
pub(super) struct Where {
    /// The policy directory [default: the nearest directory with `site.toml`]
    #[arg(value_name = "DIR")]
    policy: Option<PathBuf>,
    /// The platform
    #[arg(long, value_name = "TARGET", value_parser = PossibleValuesParser::new(TARGETS))]
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
    /// The ID of the Cloudflare account [default: $CLOUDFLARE_ACCOUNT_ID], or Akamai's account switch key [default: that
    /// of the credentials]
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The ID of the Workers KV namespace from which the Worker loads its policy
    #[arg(long, value_name = "ID", conflicts_with = "worker")]
    namespace: Option<String>,
    /// The name of the Worker, whose new version contains the policy
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// The ID of the EdgeWorker
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    id: Option<u64>,
    /// Akamai's network on which the EdgeWorker is activated [default: production]
    #[arg(long, value_name = "NETWORK", value_parser = PossibleValuesParser::new(Network::NAMES))]
    network: Option<String>,
    /// The file with Akamai's API credentials [default: the environment, else $AKAMAI_EDGERC or `.edgerc` in the home
    /// directory]
    #[arg(long, value_name = "FILE")]
    edgerc: Option<PathBuf>,
    /// The section of that file [default: $AKAMAI_EDGERC_SECTION, else `default`]
    #[arg(long, value_name = "NAME")]
    section: Option<String>,
    /// The seconds that entries of a KeyValueStore or of Workers KV need to reach all edges [default: 30, or 60 for KV]
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
    Kv(workers_kv::Destination),
    Worker(workers::Destination),
    EdgeWorker(edgeworkers::Destination),
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

    /// Prepares the connection to the provider. Nothing is sent.
    pub(super) fn connect(&self, folder: &Path) -> Result<Terminal, Failure> {
        if self.target == CLOUDFLARE {
            return Ok(Terminal::cloudflare()?);
        }
        if self.target == EDGEWORKERS {
            let (file, section) = (self.edgerc.as_deref(), self.section.as_deref());
            return Ok(Terminal::akamai(file, section)?);
        }
        let file = Self::destinations(folder)?;
        let named = file.text(&self.target, "profile").map(str::to_owned);
        let profile = self.profile.clone().or(named);
        Ok(Terminal::aws(profile.as_deref())?)
    }

    pub(super) fn place(&self, folder: &Path, percent: u8) -> Result<Place, Failure> {
        let file = Self::destinations(folder)?;
        let optional = |given: &Option<String>, name: &str| {
            let named = file.text(&self.target, name).map(str::to_owned);
            given.clone().or(named)
        };
        let missing = |name: &'static str| {
            Failure::Publish(PublishError::Setting {
                name,
                problem: format!("is missing for the target `{}`", self.target),
            })
        };
        let required = |given: &Option<String>, name: &'static str| {
            optional(given, name).ok_or_else(|| missing(name))
        };
        let region = || match optional(&self.region, "region") {
            Some(region) => checked("region", region),
            None => self.connect(folder)?.region().ok_or_else(|| {
                Failure::Publish(PublishError::Setting {
                    name: "region",
                    problem: "is missing, also in the environment and in the AWS profile"
                        .to_owned(),
                })
            }),
        };
        let name =
            |given: &Option<String>, name: &'static str| checked(name, required(given, name)?);
        let distribution = |given: Option<String>| {
            given
                .map(|given| checked("distribution", given))
                .transpose()
        };
        // An option of one kind replaces the file's of the other.
        let worker = match self.namespace {
            Some(_) => None,
            None => self.worker.clone().or_else(|| {
                let named = file.text(&self.target, "worker");
                named.map(str::to_owned)
            }),
        };
        let is_worker = self.target == CLOUDFLARE && worker.is_some();
        if percent != 100 && self.target != LAMBDA && !is_worker {
            let what = match self.target.as_str() {
                CLOUDFLARE => "a KV namespace",
                other => &format!("`{other}`"),
            };
            return Err(Failure::Publish(PublishError::Unsupported {
                what: format!("{what} cannot split requests between two policies"),
                help: "publish without `--percent`".to_owned(),
            }));
        }
        let number = |name: &str| {
            let number = file.int(&self.target, name)?;
            u64::try_from(number).ok()
        };
        let keep = |otherwise| usize::try_from(number("keep").unwrap_or(otherwise)).unwrap_or(2);
        Ok(match self.target.as_str() {
            FUNCTIONS => Place::Functions(cloudfront_functions::Destination {
                function: name(&self.function, "function")?,
                store: optional(&self.store, "store"),
                distribution: distribution(optional(&self.distribution, "distribution"))?,
                settle_secs: self.settle.or_else(|| number("settle_secs")).unwrap_or(30),
                keep: keep(2),
                test: !self.no_function_test,
                replace_foreign: self.replace_foreign,
            }),
            LAMBDA_EDGE => Place::Lambda(
                LAMBDA_EDGE,
                lambda::Destination {
                    function: name(&self.function, "function")?,
                    region: EDGE_REGION.to_owned(),
                    selector: Selector::Distribution(name(&self.distribution, "distribution")?),
                    percent,
                },
            ),
            LAMBDA => Place::Lambda(
                LAMBDA,
                lambda::Destination {
                    function: name(&self.function, "function")?,
                    region: region()?,
                    selector: Selector::Alias(checked(
                        "alias",
                        optional(&self.alias, "alias").unwrap_or_else(|| "live".to_owned()),
                    )?),
                    percent,
                },
            ),
            CLOUDFLARE => {
                let account = optional(&self.account, "account");
                let known = || std::env::var("CLOUDFLARE_ACCOUNT_ID").ok();
                let account = account.or_else(known).filter(|account| !account.is_empty());
                let account = name(&account, "account")?;
                if let Some(worker) = worker {
                    return Ok(Place::Worker(workers::Destination {
                        account,
                        worker: checked("worker", worker)?,
                        percent,
                    }));
                }
                if optional(&self.namespace, "namespace").is_none() {
                    return Err(Failure::Publish(PublishError::Setting {
                        name: "namespace",
                        problem: "is missing, and so is `worker`: give the KV namespace from which the Worker loads its \
                                  policy, or the Worker whose new version contains it"
                            .to_owned(),
                    }));
                }
                Place::Kv(workers_kv::Destination {
                    account,
                    namespace: name(&self.namespace, "namespace")?,
                    settle_secs: self.settle.or_else(|| number("settle_secs")).unwrap_or(60),
                    keep: keep(3),
                })
            }
            EDGEWORKERS => {
                let id = self.id.or_else(|| number("id"));
                let network = optional(&self.network, "network");
                let network = network
                    .as_deref()
                    .map_or(Some(Network::Production), Network::named);
                let account = match optional(&self.account, "account") {
                    Some(account) => Some(account),
                    None => self.connect(folder)?.account(),
                };
                Place::EdgeWorker(edgeworkers::Destination {
                    id: id.ok_or_else(|| missing("id"))?,
                    network: network.ok_or_else(|| {
                        Failure::Publish(PublishError::Setting {
                            name: "network",
                            problem: format!("must be one of {}", Network::NAMES.join(", ")),
                        })
                    })?,
                    account: account.map(switch_key).transpose()?,
                })
            }
            _ => Place::Object(object::Destination {
                bucket: name(&self.bucket, "bucket")?,
                key: optional(&self.key, "key").unwrap_or_else(|| "policy.tgi".to_owned()),
                region: region()?,
            }),
        })
    }
}

/// A name or an ID, from an option or from `publish.toml`. It is a part of paths and hosts, so a mistake is found before
/// anything is sent.
fn checked(name: &'static str, value: String) -> Result<String, Failure> {
    let all = |text: &str, others: &[u8]| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        !text.is_empty() && text.bytes().all(is_known)
    };
    let is_lower = !value.bytes().any(|byte| byte.is_ascii_uppercase());
    let (is_good, wanted) = match name {
        "region" => (
            all(&value, b"-") && is_lower && value.contains('-'),
            "a region, such as `eu-central-1`",
        ),
        "distribution" => (
            all(&value, b"") && value.starts_with('E') && value.len() < 32,
            "the ID of a distribution, such as `E2QWRUHAPOMQZL`, not its domain or its ARN",
        ),
        "bucket" => (
            all(&value, b".-") && is_lower && (3..=63).contains(&value.len()),
            "the name of a bucket, without `s3://` and without a key",
        ),
        "account" | "namespace" => (
            value.len() == 32 && is_lower && value.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "an ID: 32 hexadecimal digits in lower case, not a name",
        ),
        "worker" => (
            all(&value, b"-_"),
            "the name of a Worker, as in `wrangler.toml`",
        ),
        _ => (
            all(&value, b"-_"),
            "a name of letters, digits, `-` and `_`, not an ARN",
        ),
    };
    match is_good {
        true => Ok(value),
        false => Err(Failure::Publish(PublishError::Setting {
            name,
            problem: format!("is `{value}`, but must be {wanted}"),
        })),
    }
}

/// Akamai's account switch key, which is a part of queries.
fn switch_key(key: String) -> Result<String, Failure> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-:_.".contains(&byte);
    match key.bytes().all(is_known) && !key.is_empty() && key.len() <= 128 {
        true => Ok(key),
        false => Err(Failure::Publish(PublishError::Setting {
            name: "account",
            problem: format!(
                "is `{key}`, but must be an account switch key, such as `1-ABCDE:1-2RBL`"
            ),
        })),
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
            Self::Kv(_) | Self::Worker(_) => CLOUDFLARE,
            Self::EdgeWorker(_) => EDGEWORKERS,
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
            Self::Kv(to) => {
                let package = built.kv()?;
                let state = to.read(world)?;
                if state.image().is_some_and(is_signed) && !is_signed(&package.image) {
                    return Err(Failure::Publish(PublishError::Unsupported {
                        what: "the live image is signed and the new one is not: Workers with trust keys would not load it"
                            .to_owned(),
                        help: "sign it: `tollgate build --sign KEY --key-id ID --policy-version VERSION -o FILE`, then \
                               `--artifact FILE`; for Workers without trust keys, use another namespace"
                            .to_owned(),
                    }));
                }
                kv_plan(to, &state, &package, now)
            }
            Self::Worker(to) => {
                let package = built.worker()?;
                let state = to.read(world)?;
                Plan {
                    policy: package.policy.clone(),
                    live: state.policy(),
                    steps: to.publish(&state, &package)?,
                    open: Vec::new(),
                }
            }
            Self::EdgeWorker(to) => {
                let package = built.bundle()?;
                let state = to.read(world)?;
                Plan {
                    policy: package.policy.clone(),
                    live: state.policy(),
                    steps: to.publish(&state, &package)?,
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
                check_stored(&package.image, &package.policy)?;
                Plan {
                    policy: package.policy.clone(),
                    steps: to.publish(&state, &package, live.as_deref(), now),
                    live,
                    open: Vec::new(),
                }
            }
            Self::Kv(to) => {
                let state = to.read(world)?;
                let package = to.earlier(world, &state, policy)?;
                check_stored(&package.image, &package.policy)?;
                kv_plan(to, &state, &package, now)
            }
            Self::Worker(to) => {
                let state = to.read(world)?;
                let version = to.earlier(&state, policy)?;
                let unknown = || format!("of version {}", version.id);
                Plan {
                    policy: version.policy().map_or_else(unknown, str::to_owned),
                    live: state.policy(),
                    steps: to.roll_back(&state, version),
                    open: Vec::new(),
                }
            }
            Self::EdgeWorker(to) => {
                let state = to.read(world)?;
                let version = to.earlier(&state, policy)?;
                let unknown = || format!("of version {}", version.name);
                Plan {
                    policy: version.policy().unwrap_or_else(unknown),
                    live: state.policy(),
                    steps: to.roll_back(&state, version),
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
                let package = built.zip_if_given()?;
                let state = to.read(world)?;
                to.status(&state, &built.policy(), package.as_ref())
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
                    .and_then(|release| release.at);
                json!({
                    "policy": live,
                    "published": published,
                    "current": live == Some(built.policy()),
                    "restorable": restorable.collect::<Vec<_>>(),
                })
            }
            Self::Kv(to) => {
                let state = to.read(world)?;
                let live = state.live();
                let releases = state.releases();
                let published = releases
                    .iter()
                    .find(|release| Some(&release.policy) == live.as_ref())
                    .and_then(|release| release.at);
                let found = state.image().and_then(policy_of);
                json!({
                    "policy": live,
                    "published": published,
                    "current": live == Some(built.policy()),
                    "complete": live.is_some() && found == live,
                    "restorable": state.restorable(),
                })
            }
            Self::Worker(to) => {
                let state = to.read(world)?;
                to.status(&state, &built.policy())
            }
            Self::EdgeWorker(to) => {
                let state = to.read(world)?;
                to.status(&state, &built.policy())
            }
        })
    }
}

/// Checks that a stored image is that of the policy under whose name it is stored.
fn check_stored(image: &[u8], policy: &str) -> Result<(), Failure> {
    let found = policy_of(image);
    if found.as_deref() == Some(policy) {
        return Ok(());
    }
    let found = found.map_or_else(|| "no policy".to_owned(), |found| format!("policy {found}"));
    Err(Failure::Publish(PublishError::Broken {
        what: format!("the stored image of policy {policy}"),
        message: format!("it contains {found}"),
    }))
}

fn kv_plan(
    to: &workers_kv::Destination,
    state: &workers_kv::State,
    package: &workers_kv::Package,
    now: i64,
) -> Plan {
    Plan {
        policy: package.policy.clone(),
        live: state.live(),
        steps: to.publish(state, package, now),
        open: Vec::new(),
    }
}

fn live_of(state: &lambda::State) -> Option<String> {
    let live = state.live.first()?;
    let mut versions = state.versions.iter();
    let version = versions.find(|version| version.number.to_string() == *live)?;
    version.policy.clone()
}
