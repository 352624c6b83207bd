//! The Cloudflare Worker in workerd with its environment: KV, issuers, `waitUntil`.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tollgate_gate::Request;

use super::node::{name, told};
use super::store::Store;
use crate::cloudflare::{Worker, Workerd};
use crate::driver::{Ask, FILLER_BYTES, InjectedFault, Observed};
use crate::node::as_json;
use crate::places::Places;
use crate::policy::Policy;

/// A running Worker.
pub(crate) struct LiveWorker {
    workerd: Workerd,
    breaks: Option<InjectedFault>,
}

impl LiveWorker {
    pub(crate) fn start(
        places: &Places,
        policy: &Policy,
        store: Option<&Store>,
    ) -> Result<LiveWorker> {
        LiveWorker::of(&Worker::build(places, policy.file())?, store)
    }

    /// Starts one that accepts only images that these trust keys can verify; the first is in the file.
    pub(crate) fn start_signed(
        places: &Places,
        image: &Path,
        trust: &Path,
        store: Option<&Store>,
    ) -> Result<LiveWorker> {
        let more = ["--trust".as_ref(), trust.as_os_str()];
        LiveWorker::of(&Worker::build_with(places, image, &more)?, store)
    }

    fn of(worker: &Worker, store: Option<&Store>) -> Result<LiveWorker> {
        Ok(LiveWorker {
            workerd: worker.start_live(store.map(Store::address))?,
            breaks: None,
        })
    }
}

impl Ask<Observed> for LiveWorker {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        let breaks = self.breaks.take();
        let asked = json!({
            "live": as_json(request), "break": breaks.map(name), "filler": FILLER_BYTES,
        });
        let answer = self.workerd.exchange(&asked)?;
        let forwarded = answer.get("forwarded").and_then(Value::as_bool);
        let log = answer.get("log").cloned().unwrap_or_default();
        Ok(Observed {
            // The decision is what reached the origin.
            allows: forwarded.context("the response does not report what was forwarded")?,
            ..told(&answer, &log)?
        })
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        self.breaks = Some(how);
        Ok(())
    }
}
