//! The npm package in Node.

use anyhow::Result;

use crate::driver::{Ask, Delivery, Driver, Faults, Memory, Observed, Setup, Share, not_built};
use crate::live;
use crate::node;
use crate::places::Places;
use crate::policy::Policy;

pub(super) struct Node;

impl Driver for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn missing(&self, places: &Places) -> Option<String> {
        let module = places.node_package.join("pkg/tollgate_node_bg.wasm");
        not_built(&module).or_else(node::Node::missing)
    }

    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        let node = node::Node::start(&places.node_package, policy.file())?;
        Ok(Box::new(node))
    }

    fn is_built(&self) -> bool {
        true
    }

    fn share(&self) -> Share {
        Share::Pairs
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults {
            policy: Delivery::Offered,
            memory: Memory::Module,
            signs_in: true,
        })
    }

    fn live(&self, places: &Places, setup: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        let file = setup.policy.file();
        let mut package = live::node::Package::start(&places.node_package, file)?;
        if let Some(signed) = setup.signed {
            package.trust(signed.trust, signed.image)?;
        }
        Ok(Box::new(package))
    }
}
