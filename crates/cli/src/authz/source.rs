//! Where `authz` and `serve --watch` get their policy: a file, a directory, a URL or a bucket, and again when it changes.
//!
//! Not here: what happens with requests meanwhile (`tollgate_server`).

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_gate::{Gate, Trust};
use tollgate_publish::aws::Aws;
use tollgate_publish::{PublishError, object};
use tollgate_server::PolicySource;

use crate::client::{Client, Limits};
use crate::failure::{Failure, warn_of};
use crate::policy::{self, Deployable};
use crate::stamp::{LOOK, Stamp, stamp};

/// The limits of a request for a policy: the largest image is that of Workers KV, and this is twice as much.
const LIMITS: Limits = Limits {
    secs: 30,
    bytes: 50 * 1024 * 1024,
};

/// A policy that is loaded again when it changes.
pub(crate) struct Source {
    place: Place,
    poll: Duration,
    trust: Mutex<Option<Trust>>,
}

enum Place {
    /// A file or a directory, as it was when it was last loaded.
    Path(PathBuf, Mutex<Stamp>),
    /// A URL, and the bytes that were last loaded from it.
    Url(String, Fetch, Mutex<Vec<u8>>),
}

/// How an image is loaded from a URL.
enum Fetch {
    /// By a plain request.
    Http(Client),
    /// From a bucket, with the credentials of this machine.
    S3(Box<(object::Destination, Mutex<Aws>)>),
}

impl Fetch {
    /// The way for a URL; `None` if the place is no URL.
    fn of(place: &str) -> Result<Option<Self>, Failure> {
        if place.starts_with("https://") || place.starts_with("http://") {
            let client = Client::new().map_err(Failure::Runtime)?;
            return Ok(Some(Self::Http(client)));
        }
        let Some(rest) = place.strip_prefix("s3://") else {
            return Ok(None);
        };
        let setting = |name, problem: &str| {
            Failure::Publish(PublishError::Setting {
                name,
                problem: problem.to_owned(),
            })
        };
        let (bucket, key) = match rest.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => (bucket, key),
            _ => return Err(setting("--policy", "must be `s3://BUCKET/KEY`")),
        };
        let aws = Aws::connect(None)?;
        let region = aws.region().ok_or_else(|| {
            setting(
                "AWS_REGION",
                "is not set, and the AWS profile has no region",
            )
        })?;
        let object = object::Destination {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            region,
        };
        Ok(Some(Self::S3(Box::new((object, Mutex::new(aws))))))
    }

    fn get(&self, url: &str) -> Result<Deployable, Failure> {
        match self {
            Self::Http(client) => Deployable::fetch(client, url, LIMITS).map_err(|error| {
                let url = url.to_owned();
                Failure::PolicyUrl { url, error }
            }),
            Self::S3(object) => {
                let (object, aws) = object.as_ref();
                Deployable::download(object, &mut locked(aws))
            }
        }
    }
}

impl Source {
    /// Opens a place and loads the policy.
    pub(crate) fn open(
        place: &str,
        trust: Option<Trust>,
        poll: Duration,
    ) -> Result<(Self, Gate<Vec<u8>>), Failure> {
        let name = PathBuf::from(place);
        let place = match Fetch::of(place)? {
            Some(_) if trust.is_none() => return Err(Failure::Untrusted(place.to_owned())),
            Some(fetch) => Place::Url(place.to_owned(), fetch, Mutex::default()),
            None => Place::Path(place.into(), Mutex::default()),
        };
        let source = Self {
            place,
            poll,
            trust: Mutex::new(trust),
        };
        let gate = source.read(true)?;
        // Nothing was loaded before, so the policy is new.
        Ok((source, gate.ok_or(Failure::NoFiles(name))?))
    }

    fn read(&self, always: bool) -> Result<Option<Gate<Vec<u8>>>, Failure> {
        match &self.place {
            Place::Path(path, last) => {
                let now = stamp(path);
                let mut last = locked(last);
                if *last == now && !always {
                    return Ok(None);
                }
                // Also if it cannot be loaded: the error is reported once, and again after the next change.
                *last = now;
                let loaded = policy::gate(path, locked(&self.trust).as_mut());
                if matches!(loaded, Err(Failure::Read { .. })) {
                    // Permissions can change without a change of the file.
                    *last = Stamp::default();
                }
                loaded.map(Some)
            }
            Place::Url(url, fetch, last) => {
                let policy = fetch.get(url)?;
                let mut last = locked(last);
                if *last == policy.image() && !always {
                    return Ok(None);
                }
                policy.image().clone_into(&mut last);
                let gate = policy.gate(Path::new(url), locked(&self.trust).as_mut());
                gate.map(Some)
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PolicySource for Source {
    fn load(&self, always: bool) -> Result<Option<Gate<Vec<u8>>>, String> {
        self.read(always).map_err(|failure| warn_of(&failure))
    }

    fn interval(&self) -> Duration {
        match self.place {
            Place::Path(..) => LOOK,
            Place::Url(..) => self.poll,
        }
    }
}
