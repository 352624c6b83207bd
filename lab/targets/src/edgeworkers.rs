//! Akamai EdgeWorkers: the generated bundle in Node, in a context that has only what Akamai provides.

use anyhow::Result;
use tollgate_crypto::Native;
use tollgate_gate::Request;
use tollgate_testkit::Answer;
use tollgate_token::Algorithm;

use crate::driver::Ask;
use crate::javascript::resign::{Exchanged, Resigner};
use crate::javascript::{Engine, Node, Script, answer, beyond_clock};
use crate::node::as_json;
use crate::policy::Policy;

/// A loaded bundle.
pub struct Bundle {
    node: Node,
    resigner: Resigner,
}

impl Bundle {
    /// Generates the bundle of a policy and loads it.
    ///
    /// # Errors
    ///
    /// Returns an error if the policy has no bundle, or Node rejects it.
    pub fn start(policy: &Policy) -> Result<Self> {
        // Akamai's WebCrypto lacks Ed25519.
        let verifies = |algorithm| algorithm != Algorithm::EdDSA;
        let (spec, resigner) = Resigner::new(policy.spec(), &Native, verifies)?;
        let mut node = Node::start()?;
        node.load(&Script::new(Engine::EdgeWorkers, &spec, &policy.id()?)?)?;
        Ok(Self { node, resigner })
    }
}

impl Ask for Bundle {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let owned = self.resigner.request(request);
        owned.with(request, |request| {
            answer(self.node.ask(&[as_json(request)])?)
        })
    }

    fn cannot(&self, request: &Request<'_>) -> Option<String> {
        beyond_clock(request)
    }

    fn exchanged(&self) -> Option<Exchanged> {
        Some(self.resigner.exchanged())
    }
}
