//! Policies of Workers in a KV namespace: an image under the policy's ID, and a pointer to the current one.
//!
//! KV has no conditional writes and no transactions, and a change can take a minute to reach every edge. So the image is
//! everywhere before the pointer names it, and stays until no pointer does. A history, which no Worker reads, names what
//! can be restored. Not here: the Worker, and its versions.

use serde_json::{Value, json};

use crate::call::{Call, Reply, Service, digest, part};
use crate::error::PublishError;
use crate::step::{Action, Check, EITHER, NEW, PREVIOUS, Poll, Read, Step, Write, read_call};
use crate::world::World;

/// The key that names the current policy. Images are under it.
const POINTER: &str = "policy";
/// The key of the history.
const HISTORY: &str = "tollgate/history";
/// The most policies in the history.
const MAX_HISTORY: usize = 100;
/// The most pages of keys.
const MAX_PAGES: usize = 100;
/// The number of digits of a policy ID.
const ID_DIGITS: usize = 32;
const ARRIVING: &str = "wait until all edges have the new policy";
/// The longest wait for the API to return what was written, in seconds.
const LIMIT_SECS: u64 = 120;

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The ID of the account.
    pub account: String,
    /// The ID of the namespace.
    pub namespace: String,
    /// The seconds that a change needs to reach all edges.
    pub settle_secs: u64,
    /// How many policies stay in the namespace, the live one included; at least 2.
    pub keep: usize,
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
    /// Whether its image stays. It is false before the image is removed.
    pub is_kept: bool,
}

/// What is there before a publication.
#[derive(Clone, Debug)]
pub struct State {
    pointer: Option<Vec<u8>>,
    history: Option<Vec<u8>>,
    image: Option<Vec<u8>>,
    /// The IDs of all images.
    images: Vec<String>,
}

/// Whether the latest publication may have been interrupted while the edges did not have its policy yet. It waits twice,
/// and takes a while for its calls.
fn was_just_published(releases: &[Release], now: i64, settle_secs: u64) -> bool {
    let at = releases.first().and_then(|latest| latest.at);
    let window = i64::try_from(settle_secs.saturating_mul(3)).unwrap_or(i64::MAX);
    at.is_some_and(|at| now.saturating_sub(at) < window)
}

/// The key of an image.
fn image_key(policy: &str) -> String {
    format!("{POINTER}/{policy}")
}

impl Destination {
    fn call(&self, name: &'static str, method: &'static str, rest: &str) -> Call {
        let path = format!(
            "/accounts/{}/storage/kv/namespaces/{}{rest}",
            part(&self.account),
            part(&self.namespace)
        );
        Call::new(Service::Cloudflare, name, method, path)
    }

    fn get(&self, key: &str) -> Call {
        self.call("GetValue", "GET", &format!("/values/{}", part(key)))
    }

    fn put(&self, key: &str, value: &[u8]) -> Call {
        self.call("PutValue", "PUT", &format!("/values/{}", part(key)))
            .with_body("application/octet-stream", value.to_vec())
    }

    fn delete(&self, key: &str) -> Call {
        self.call("DeleteValue", "DELETE", &format!("/values/{}", part(key)))
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// Returns an error if a call fails, or the namespace does not exist.
    pub fn read(&self, world: &mut dyn World) -> Result<State, PublishError> {
        let namespace = read_call(world, &self.call("GetNamespace", "GET", ""))?;
        if namespace.status == 404 {
            return Err(PublishError::Missing {
                what: format!(
                    "the KV namespace `{}` of the account `{}`",
                    self.namespace, self.account
                ),
                help: "create it once with `npx wrangler kv namespace create POLICY`, bind it to the Worker as `POLICY`, \
                       and use the ID that is printed"
                    .to_owned(),
            });
        }
        let body = |reply: Reply| (reply.status != 404).then_some(reply.body);
        let mut state = State {
            pointer: body(read_call(world, &self.get(POINTER))?),
            history: body(read_call(world, &self.get(HISTORY))?),
            image: None,
            images: self.images(world)?,
        };
        if let Some(live) = state.live() {
            state.image = body(read_call(world, &self.get(&image_key(&live)))?);
        }
        Ok(state)
    }

    fn images(&self, world: &mut dyn World) -> Result<Vec<String>, PublishError> {
        let prefix = image_key("");
        let mut images = Vec::new();
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let mut call = self
                .call("ListKeys", "GET", "/keys")
                .with_query("prefix", &prefix);
            if !cursor.is_empty() {
                call = call.with_query("cursor", &cursor);
            }
            let reply = read_call(world, &call)?;
            for key in reply.list(&call, "/result")? {
                let name = key.get("name").and_then(Value::as_str);
                let id = name.and_then(|name| name.strip_prefix(&prefix));
                images.extend(id.map(str::to_owned));
            }
            let page = reply.json();
            let next = page.pointer("/result_info/cursor").and_then(Value::as_str);
            match next {
                Some(next) if !next.is_empty() => next.clone_into(&mut cursor),
                _ => break,
            }
        }
        Ok(images)
    }

    /// The steps that put a package into force.
    pub fn publish(&self, state: &State, package: &Package, now: i64) -> Vec<Step> {
        let Package { image, policy } = package;
        let live = state.live();
        let is_live = live.as_deref() == Some(policy.as_str());
        let is_there = is_live && state.image.as_deref() == Some(image.as_slice());
        let seen = state.releases();
        let is_kept = |release: &&Release| release.policy == *policy && release.is_kept;
        let is_recorded = seen.first().filter(is_kept).is_some();
        let history = match is_live && is_recorded {
            true => state.history.clone().unwrap_or_default(),
            false => history_text(&self.new_history(&seen, live, policy, now)),
        };
        let mut steps = Vec::new();
        if !is_there {
            steps.push(self.write_image(package, is_live));
        }
        if !is_live {
            // The image of a policy that stays in the history has been everywhere since its publication.
            let is_everywhere =
                seen.iter().any(|release| is_kept(&release)) && state.images.contains(policy);
            if !is_everywhere {
                steps.push(self.settle("wait until all edges can read the image", PREVIOUS));
            }
        }
        if state.history.as_deref() != Some(history.as_slice()) {
            let expect = Check::Digest(state.history.as_deref().map(digest));
            let before = if is_live { NEW } else { PREVIOUS };
            steps.push(Step {
                what: "write the history".to_owned(),
                before,
                action: Write::of(
                    vec![self.entry(HISTORY, expect, Some(&history))],
                    self.put(HISTORY, &history),
                )
                .into(),
            });
        }
        if !is_live {
            self.switch(state, package, &history, &mut steps);
        } else if was_just_published(&seen, now, self.settle_secs) {
            steps.push(self.settle(ARRIVING, EITHER));
        }
        self.remove(state, policy, &history, &mut steps);
        steps
    }

    /// Puts the image, which no pointer names yet.
    fn write_image(&self, package: &Package, is_live: bool) -> Step {
        let Package { image, policy } = package;
        let key = image_key(policy);
        let (what, before) = match is_live {
            true => ("replace the image of the live policy", EITHER),
            false => ("put the image, which no Worker reads yet", PREVIOUS),
        };
        Step {
            what: what.to_owned(),
            before,
            action: Write::of(
                vec![self.entry(&key, Check::Always, Some(image))],
                self.put(&key, image),
            )
            .into(),
        }
    }

    fn switch(&self, state: &State, package: &Package, history: &[u8], steps: &mut Vec<Step>) {
        let Package { image, policy } = package;
        let expect = Check::Digest(state.pointer.as_deref().map(digest));
        let is = |value: &[u8]| Check::Digest(Some(digest(value)));
        steps.push(Step {
            what: format!("switch `{POINTER}` to policy {policy}"),
            before: EITHER,
            action: Write::of(
                vec![
                    self.entry(POINTER, expect, Some(policy.as_bytes())),
                    self.entry(&image_key(policy), is(image), None),
                    self.entry(HISTORY, is(history), None),
                ],
                self.put(POINTER, policy.as_bytes()),
            )
            .into(),
        });
        steps.push(Step {
            what: "read the pointer back".to_owned(),
            before: EITHER,
            action: Poll::of(self.get(POINTER), is(policy.as_bytes()), LIMIT_SECS).into(),
        });
        steps.push(self.settle(ARRIVING, EITHER));
    }

    /// Removes the images of the policies that the history gives up, while it and the pointer are the ones of this
    /// publication.
    fn remove(&self, state: &State, policy: &str, history: &[u8], steps: &mut Vec<Step>) {
        let is = |value: &[u8]| Check::Digest(Some(digest(value)));
        let given_up = releases(history).into_iter().filter(|release| {
            let Release {
                policy: old,
                at: _,
                is_kept,
            } = release;
            !is_kept && old != policy && state.images.contains(old)
        });
        for release in given_up {
            let key = image_key(&release.policy);
            let gone = Read {
                done: Some(Check::Digest(None)),
                ..self.entry(&key, Check::Always, None)
            };
            steps.push(Step {
                what: format!("remove the image of policy {}", release.policy),
                before: NEW,
                action: Write::of(
                    vec![
                        gone,
                        self.entry(HISTORY, is(history), None),
                        self.entry(POINTER, is(policy.as_bytes()), None),
                    ],
                    self.delete(&key),
                )
                .into(),
            });
        }
    }

    fn settle(&self, what: &str, before: &'static str) -> Step {
        Step {
            what: what.to_owned(),
            before,
            action: Action::Pause {
                secs: self.settle_secs,
            },
        }
    }

    fn entry(&self, key: &str, expect: Check, value: Option<&[u8]>) -> Read {
        Read {
            call: self.get(key),
            what: format!("the key `{key}`"),
            expect,
            done: value.map(|value| Check::Digest(Some(digest(value)))),
        }
    }

    /// The history with a policy at its start. The live policy is always kept: it may have to be restored.
    fn new_history(
        &self,
        seen: &[Release],
        live: Option<String>,
        policy: &str,
        now: i64,
    ) -> Vec<Release> {
        let mut releases = seen.to_vec();
        releases.retain(|release| release.policy != policy);
        if let Some(live) = live.filter(|live| live != policy) {
            // A policy that was put there by other means can be restored, too.
            let at = releases.iter().position(|release| release.policy == live);
            let mut release = match at {
                Some(at) => releases.remove(at),
                None => Release {
                    policy: live,
                    at: None,
                    is_kept: true,
                },
            };
            release.is_kept = true;
            releases.insert(0, release);
        }
        let latest = Release {
            policy: policy.to_owned(),
            at: Some(now),
            is_kept: true,
        };
        releases.insert(0, latest);
        for release in releases.iter_mut().skip(self.keep.max(2)) {
            release.is_kept = false;
        }
        releases.truncate(MAX_HISTORY);
        releases
    }

    /// The package of a policy that was published before: the named one, or the one before the live one.
    ///
    /// # Errors
    /// Returns an error if there is none, or its image was removed.
    pub fn earlier(
        &self,
        world: &mut dyn World,
        state: &State,
        policy: Option<&str>,
    ) -> Result<Package, PublishError> {
        let live = state.live();
        let releases = state.releases();
        let wanted = match policy {
            Some(policy) => releases.iter().find(|release| release.policy == policy),
            None => {
                let at = releases
                    .iter()
                    .position(|release| Some(&release.policy) == live.as_ref());
                let next = at.map_or(0, |at| at + 1);
                Some(releases.get(next).ok_or(PublishError::NoEarlier)?)
            }
        };
        let Some(wanted) = wanted else {
            return Err(PublishError::Unknown {
                policy: policy.unwrap_or_default().to_owned(),
                known: releases.into_iter().map(|release| release.policy).collect(),
            });
        };
        let retired = || PublishError::Retired {
            policy: wanted.policy.clone(),
            left: state.restorable(),
        };
        if !wanted.is_kept {
            return Err(retired());
        }
        let image = read_call(world, &self.get(&image_key(&wanted.policy)))?;
        if image.status == 404 {
            return Err(retired());
        }
        Ok(Package {
            image: image.body,
            policy: wanted.policy.clone(),
        })
    }
}

impl State {
    /// The policy ID that the pointer names.
    pub fn live(&self) -> Option<String> {
        let text = core::str::from_utf8(self.pointer.as_deref()?).ok()?;
        let id = text.trim();
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (id.len() == ID_DIGITS && id.bytes().all(is_digit)).then(|| id.to_owned())
    }

    /// The image of the live policy.
    pub fn image(&self) -> Option<&[u8]> {
        self.image.as_deref()
    }

    /// The history, the latest first.
    pub fn releases(&self) -> Vec<Release> {
        self.history.as_deref().map(releases).unwrap_or_default()
    }

    /// The policies that can be restored, the latest first.
    pub fn restorable(&self) -> Vec<String> {
        let live = self.live();
        self.releases()
            .into_iter()
            .filter(|release| release.is_kept && self.images.contains(&release.policy))
            .map(|release| release.policy)
            .filter(|policy| Some(policy) != live.as_ref())
            .collect()
    }
}

fn releases(history: &[u8]) -> Vec<Release> {
    let history: Value = serde_json::from_slice(history).unwrap_or_default();
    let release = |entry: &Value| {
        Some(Release {
            policy: entry.get(0)?.as_str()?.to_owned(),
            at: entry.get(1)?.as_i64(),
            is_kept: entry.get(2)?.as_bool()?,
        })
    };
    let entries = history.as_array().map(Vec::as_slice).unwrap_or_default();
    entries.iter().filter_map(release).collect()
}

fn history_text(releases: &[Release]) -> Vec<u8> {
    let entries = releases.iter().map(|release| {
        let Release {
            policy,
            at,
            is_kept,
        } = release;
        json!([policy, at, is_kept])
    });
    Value::Array(entries.collect()).to_string().into_bytes()
}
