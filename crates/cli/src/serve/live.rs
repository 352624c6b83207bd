//! `serve --watch`: the policy, and the user of `--as`, are loaded again when their files change.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use tollgate_gate::{Gate, Trust};
use tollgate_server::{Assumed, Event, PolicySource, Reload};

use crate::authz::source::Source;
use crate::failure::{Failure, warn, warn_of};
use crate::output::{STRONG, note, styled};
use crate::person;

/// A policy, and the user whose claims follow the test files.
struct Live {
    source: Source,
    dir: PathBuf,
    user: Option<(String, Assumed)>,
}

/// Follows the files of a policy.
pub(super) fn reload(
    dir: &Path,
    trust: Option<Trust>,
    person: Option<&str>,
    assume: Option<Assumed>,
) -> Result<Reload, Failure> {
    let place = dir.to_string_lossy();
    let (source, _) = Source::open(&place, trust, Duration::ZERO)?;
    let live = Live {
        source,
        dir: dir.to_owned(),
        user: person.map(str::to_owned).zip(assume),
    };
    Ok(Reload {
        source: Arc::new(live),
        log: Box::new(report),
    })
}

fn report(event: &Event<'_>) {
    match event {
        Event::Loaded(id) => note(format_args!("{} policy {id}", styled(STRONG, "loaded"))),
        Event::NotLoaded(error) => warn(format_args!(
            "the policy is not loaded, and the previous one stays in use: {error}"
        )),
        _ => {}
    }
}

impl PolicySource for Live {
    fn load(&self, always: bool) -> Result<Option<Gate<Vec<u8>>>, String> {
        let loaded = self.source.load(always)?;
        if let (Some(gate), Some((name, claims))) = (&loaded, &self.user) {
            let person = person::named(name, &self.dir, gate).map_err(|error| warn_of(&error))?;
            let mut claims = claims.write().unwrap_or_else(PoisonError::into_inner);
            claims.clone_from(&person.claims);
        }
        Ok(loaded)
    }

    fn interval(&self) -> Duration {
        self.source.interval()
    }
}
