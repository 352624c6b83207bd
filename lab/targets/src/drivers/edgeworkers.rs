//! The generated bundle for Akamai EdgeWorkers in Node.

use anyhow::Result;
use tollgate_edges::EDGEWORKERS;

use crate::driver::{Ask, Delivery, Driver, Faults, Memory, Observed, Setup, Share};
use crate::edgeworkers::Bundle;
use crate::live::scripts;
use crate::node::Node;
use crate::places::Places;
use crate::policy::Policy;

pub(super) struct Edgeworkers;

impl Driver for Edgeworkers {
    fn name(&self) -> &'static str {
        EDGEWORKERS.name
    }

    fn missing(&self, _: &Places) -> Option<String> {
        Node::missing()
    }

    fn open(&self, _: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(Bundle::start(policy)?))
    }

    fn is_script(&self) -> bool {
        true
    }

    fn share(&self) -> Share {
        Share::Elsewhere
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults {
            policy: Delivery::Code,
            memory: Memory::Script,
            signs_in: false,
        })
    }

    fn live(&self, _: &Places, setup: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        Ok(Box::new(scripts::Bundle::start(setup.policy)?))
    }
}
