//! The Lambda@Edge package in Node, in both flavours.

use anyhow::Result;
use tollgate_edges::{Flavour, LAMBDA_EDGE};

use crate::driver::{Ask, Delivery, Driver, Faults, Memory, Observed, Setup, not_built};
use crate::lambda_edge::{Package, artifact};
use crate::live;
use crate::node;
use crate::places::Places;
use crate::policy::Policy;

/// A flavour of the package.
pub(super) struct LambdaEdge {
    name: &'static str,
    flavour: &'static Flavour,
    memory: Memory,
}

/// With the gate as WebAssembly.
pub(super) static WASM: LambdaEdge = LambdaEdge {
    name: LAMBDA_EDGE.name,
    flavour: tollgate_edges::WASM,
    memory: Memory::Module,
};

/// With the gate as an addon.
pub(super) static NATIVE: LambdaEdge = LambdaEdge {
    name: "lambda-edge-native",
    flavour: tollgate_edges::NATIVE,
    memory: Memory::Process,
};

impl Driver for LambdaEdge {
    fn name(&self) -> &'static str {
        self.name
    }

    fn missing(&self, places: &Places) -> Option<String> {
        not_built(&artifact(self.flavour, places)).or_else(node::Node::missing)
    }

    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        let package = Package::build(self.flavour, places, policy.file())?;
        Ok(Box::new(package.start()?))
    }

    fn is_built(&self) -> bool {
        true
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults {
            policy: Delivery::InPackage,
            memory: self.memory,
            signs_in: true,
        })
    }

    fn live(&self, places: &Places, setup: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        let image = setup.image.unwrap_or_else(|| setup.policy.image());
        let handler = live::node::Handler::start(self.flavour, places, setup.policy, image)?;
        Ok(Box::new(handler))
    }
}
