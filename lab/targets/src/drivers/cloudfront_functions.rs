//! The generated function for CloudFront Functions in nginx's engine.

use anyhow::Result;
use tollgate_edges::CLOUDFRONT_FUNCTIONS;

use crate::driver::{Ask, Delivery, Driver, Faults, Memory, Observed, Setup, Share, not_there};
use crate::live::scripts;
use crate::njs::Function;
use crate::places::Places;
use crate::policy::Policy;

pub(super) struct CloudfrontFunctions;

impl Driver for CloudfrontFunctions {
    fn name(&self) -> &'static str {
        CLOUDFRONT_FUNCTIONS.name
    }

    fn missing(&self, places: &Places) -> Option<String> {
        not_there(&places.nginx)
    }

    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(Function::start(&places.nginx, policy)?))
    }

    fn tools(&self) -> &'static [&'static str] {
        &["nginx"]
    }

    fn is_script(&self) -> bool {
        true
    }

    fn share(&self) -> Share {
        Share::Elsewhere
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults {
            policy: Delivery::CodeAndStore,
            memory: Memory::Script,
            signs_in: false,
        })
    }

    fn live(&self, places: &Places, setup: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        let spoil = setup.spoil.unwrap_or(|store| store);
        let function = scripts::Function::start(&places.nginx, setup.policy, spoil)?;
        Ok(Box::new(function))
    }
}
