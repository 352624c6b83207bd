//! Where `authz` and `serve --watch` get their policy: a file, a directory or a URL, and again when it changes.
//!
//! Not here: what happens with requests meanwhile (`tollgate_server`).

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_gate::{Gate, Trust};
use tollgate_server::PolicySource;

use crate::client::{Client, Limits};
use crate::failure::{Failure, warn_of};
use crate::policy;
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
    Url(String, Client, Mutex<Vec<u8>>),
}

impl Source {
    /// Opens a place and loads the policy.
    pub(crate) fn open(
        place: &str,
        trust: Option<Trust>,
        poll: Duration,
    ) -> Result<(Self, Gate<Vec<u8>>), Failure> {
        let is_url = place.starts_with("https://") || place.starts_with("http://");
        if is_url && trust.is_none() {
            return Err(Failure::Untrusted(place.to_owned()));
        }
        let name = PathBuf::from(place);
        let place = if is_url {
            let client = Client::new().map_err(Failure::Runtime)?;
            Place::Url(place.to_owned(), client, Mutex::default())
        } else {
            Place::Path(place.into(), Mutex::default())
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
            Place::Url(url, client, last) => {
                let image = client
                    .get(url, LIMITS)
                    .map_err(|error| Failure::PolicyUrl {
                        url: url.clone(),
                        error,
                    })?;
                let mut last = locked(last);
                if *last == image && !always {
                    return Ok(None);
                }
                last.clone_from(&image);
                policy::load(Path::new(url), image, locked(&self.trust).as_mut()).map(Some)
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
