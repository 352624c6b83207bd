//! The Cloudflare Worker in workerd.

use anyhow::Result;
use tollgate_edges::CLOUDFLARE;

use crate::cloudflare::Worker;
use crate::driver::{
    Ask, Delivery, Driver, Faults, Memory, Observed, Setup, Share, not_built, not_there,
};
use crate::live::worker::LiveWorker;
use crate::places::Places;
use crate::policy::{Policy, in_file};

pub(super) struct Cloudflare;

impl Driver for Cloudflare {
    fn name(&self) -> &'static str {
        CLOUDFLARE.name
    }

    fn missing(&self, places: &Places) -> Option<String> {
        not_built(&Worker::artifact(places)).or_else(|| not_there(&places.workerd))
    }

    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(Worker::build(places, policy.file())?.start()?))
    }

    fn is_built(&self) -> bool {
        true
    }

    fn tools(&self) -> &'static [&'static str] {
        &["workerd"]
    }

    fn rewrites_paths(&self) -> bool {
        true
    }

    fn share(&self) -> Share {
        Share::Pairs
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults {
            policy: Delivery::FromStore,
            memory: Memory::Module,
            signs_in: true,
        })
    }

    fn live(&self, places: &Places, setup: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        let worker = match setup.signed {
            None => LiveWorker::start(places, setup.policy, setup.store)?,
            Some(signed) => {
                let [image, trust] = [in_file(signed.image)?, in_file(signed.trust.as_bytes())?];
                LiveWorker::start_signed(places, image.path(), trust.path(), setup.store)?
            }
        };
        Ok(Box::new(worker))
    }
}
