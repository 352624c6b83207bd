//! A policy image in an S3 bucket, from which every `tollgate authz` loads it.
//!
//! The object is replaced in one call, so a server loads the previous image or the new one. Copies and a history, under
//! the same key with `.d/`, make rollback possible. Not here: signing of images, and the servers.

use serde_json::{Value, json};

use crate::aws::Aws;
use crate::call::{Call, Reply, Service, digest, part};
use crate::error::PublishError;
use crate::step::{Check, EITHER, PREVIOUS, Poll, Read, Step, Write, failed, lost, read_call};
use crate::world::World;

/// The most policies in the history.
const MAX_HISTORY: usize = 100;
/// The longest wait for S3 to return what was written, in seconds.
const READ_SECS: u64 = 60;

const LOADING: &str = "the new policy decides every request, once servers have loaded it";

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The region of the bucket.
    pub region: String,
}

/// An image and the ID of its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The image.
    pub image: Vec<u8>,
    /// The policy ID.
    pub policy: String,
}

/// A policy in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The policy ID.
    pub policy: String,
    /// When it was published, in Unix seconds; `None` if this program did not publish it.
    pub at: Option<i64>,
}

/// What is there before a publication.
#[derive(Clone, Debug)]
pub struct State {
    /// The live image.
    pub live: Option<Vec<u8>>,
    history: Option<Vec<u8>>,
}

impl Destination {
    fn call(&self, name: &'static str, method: &'static str, key: &str) -> Call {
        let service = Service::S3 {
            region: self.region.clone(),
        };
        let parts: Vec<String> = key.split('/').map(part).collect();
        let path = format!("/{}/{}", part(&self.bucket), parts.join("/"));
        Call::new(service, name, method, path)
    }

    fn get(&self, key: &str) -> Call {
        self.call("GetObject", "GET", key)
    }

    /// Loads the live image with one call. A server that polls tries again by itself.
    ///
    /// # Errors
    /// Returns an error if the call fails, or the object does not exist.
    pub fn fetch(&self, aws: &mut Aws) -> Result<Vec<u8>, PublishError> {
        let call = self.get(&self.key);
        let reply = aws.send(&call).map_err(|error| lost(&call, error))?;
        match reply.status {
            200 => Ok(reply.body),
            404 => Err(PublishError::Missing {
                what: format!("the object `{}` in the bucket `{}`", self.key, self.bucket),
                help: "publish a signed image there: `tollgate publish --target authz`".to_owned(),
            }),
            _ => Err(failed(&call, &reply)),
        }
    }

    fn history_key(&self) -> String {
        format!("{}.d/history", self.key)
    }

    fn copy_key(&self, policy: &str) -> String {
        format!("{}.d/{policy}", self.key)
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// Returns an error if a call fails, or the bucket does not exist.
    pub fn read(&self, world: &mut dyn World) -> Result<State, PublishError> {
        let live = read_call(world, &self.get(&self.key))?;
        if live.status == 404 && live.error().0 == "NoSuchBucket" {
            return Err(PublishError::Missing {
                what: format!("the bucket `{}`", self.bucket),
                help: format!("create it once: `aws s3 mb s3://{}`", self.bucket),
            });
        }
        let history = read_call(world, &self.get(&self.history_key()))?;
        let body = |reply: Reply| (reply.status != 404).then_some(reply.body);
        Ok(State {
            live: body(live),
            history: body(history),
        })
    }

    /// The steps that put a package into force. `live` is the policy ID of the live image.
    pub fn publish(
        &self,
        state: &State,
        package: &Package,
        live: Option<&str>,
        now: i64,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        if state.live.as_deref() == Some(package.image.as_slice()) {
            return steps;
        }
        let mut releases = state.releases();
        // An image that was put there by other means can be restored, too.
        if let (Some(policy), Some(image)) = (live, &state.live)
            && !releases.iter().any(|release| release.policy == policy)
        {
            steps.push(self.put(
                &self.copy_key(policy),
                "copy the live image",
                PREVIOUS,
                Check::Digest(None),
                image,
            ));
            let policy = policy.to_owned();
            releases.insert(0, Release { policy, at: None });
        }
        releases.retain(|release| release.policy != package.policy);
        let policy = package.policy.clone();
        releases.insert(
            0,
            Release {
                policy,
                at: Some(now),
            },
        );
        releases.truncate(MAX_HISTORY);
        let entries = releases
            .iter()
            .map(|release| json!([release.policy, release.at]));
        let history = Value::Array(entries.collect()).to_string().into_bytes();
        let seen = |bytes: &Option<Vec<u8>>| Check::Digest(bytes.as_deref().map(digest));
        steps.push(self.put(
            &self.copy_key(&package.policy),
            "put a copy of the new image, which no server reads",
            PREVIOUS,
            Check::Always,
            &package.image,
        ));
        steps.push(self.put(
            &self.history_key(),
            "write the history",
            PREVIOUS,
            seen(&state.history),
            &history,
        ));
        steps.push(self.put(
            &self.key,
            &format!("replace the image by policy {}", package.policy),
            EITHER,
            seen(&state.live),
            &package.image,
        ));
        steps.push(Step {
            what: "read the image back".to_owned(),
            before: LOADING,
            action: Poll::of(
                self.get(&self.key),
                Check::Digest(Some(digest(&package.image))),
                READ_SECS,
            )
            .into(),
        });
        steps
    }

    fn put(&self, key: &str, what: &str, before: &'static str, expect: Check, body: &[u8]) -> Step {
        let mut call = self
            .call("PutObject", "PUT", key)
            .with_body("application/octet-stream", body.to_vec());
        if expect == Check::Digest(None) {
            call = call.with_header("if-none-match", "*");
        }
        let read = Read {
            call: self.get(key),
            what: format!("the object `{key}`"),
            expect,
            done: Some(Check::Digest(Some(digest(body)))),
        };
        Step {
            what: what.to_owned(),
            before,
            action: Write::of(vec![read], call).into(),
        }
    }

    /// The package of a policy that was published before: the named one, or the one before the live one.
    ///
    /// # Errors
    /// Returns an error if there is none, or its copy was removed.
    pub fn earlier(
        &self,
        world: &mut dyn World,
        state: &State,
        live: Option<&str>,
        policy: Option<&str>,
    ) -> Result<Package, PublishError> {
        let releases = state.releases();
        let names = || releases.iter().map(|release| release.policy.clone());
        let wanted = match policy {
            Some(policy) => {
                names()
                    .find(|name| name == policy)
                    .ok_or_else(|| PublishError::Unknown {
                        policy: policy.to_owned(),
                        known: names().collect(),
                    })?
            }
            None => {
                let at = names().position(|name| Some(name.as_str()) == live);
                let next = at.map_or(0, |at| at + 1);
                names().nth(next).ok_or(PublishError::NoEarlier)?
            }
        };
        let copy = read_call(world, &self.get(&self.copy_key(&wanted)))?;
        if copy.status == 404 {
            return Err(PublishError::Retired {
                policy: wanted,
                left: Vec::new(),
            });
        }
        Ok(Package {
            image: copy.body,
            policy: wanted,
        })
    }
}

impl State {
    /// The history, the latest first.
    pub fn releases(&self) -> Vec<Release> {
        let history: Value = self
            .history
            .as_deref()
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or_default();
        let release = |entry: &Value| {
            Some(Release {
                policy: entry.get(0)?.as_str()?.to_owned(),
                at: entry.get(1)?.as_i64(),
            })
        };
        let entries = history.as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter_map(release).collect()
    }
}
