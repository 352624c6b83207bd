//! Generated JavaScript: the function for CloudFront in nginx's engine with any store contents, and the
//! EdgeWorker. The clock that they read can throw, as any other platform call might.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tollgate_crypto::Native;
use tollgate_gate::Request;
use tollgate_token::Algorithm;

use super::node::told;
use crate::driver::{Ask, InjectedFault, Observed};
use crate::javascript::resign::Resigner;
use crate::javascript::{Engine, Node, Script};
use crate::njs::Nginx;
use crate::node::as_json;
use crate::policy::Policy;

/// The function for CloudFront.
pub(crate) struct Function {
    nginx: Nginx,
    resigner: Resigner,
    breaks: bool,
}

impl Function {
    /// Starts it with its store, modified by `spoil`.
    pub(crate) fn start(
        program: &Path,
        policy: &Policy,
        spoil: impl FnOnce(Value) -> Value,
    ) -> Result<Function> {
        let verifies = |algorithm| algorithm == Algorithm::HS256;
        let (spec, resigner) = Resigner::new(policy.spec(), &Native, verifies)?;
        let script = Script::cloudfront_of_any_size(&spec, &policy.id()?)?;
        let store = spoil(script.store().clone());
        Ok(Function {
            nginx: Nginx::start(program, &script.with_store(store))?,
            resigner,
            breaks: false,
        })
    }
}

/// The bundle for EdgeWorkers.
pub(crate) struct Bundle {
    node: Node,
    resigner: Resigner,
    breaks: bool,
}

impl Bundle {
    pub(crate) fn start(policy: &Policy) -> Result<Bundle> {
        let verifies = |algorithm| algorithm != Algorithm::EdDSA;
        let (spec, resigner) = Resigner::new(policy.spec(), &Native, verifies)?;
        let mut node = Node::start()?;
        node.load(&Script::new(Engine::EdgeWorkers, &spec, &policy.id()?)?)?;
        Ok(Bundle {
            node,
            resigner,
            breaks: false,
        })
    }
}

/// Returns the request for an engine, optionally with a throwing clock.
fn question(resigner: &Resigner, request: &Request<'_>, breaks: bool) -> Result<Value> {
    let owned = resigner.request(request);
    owned.with(request, |request| {
        let mut asked = as_json(request);
        if let Some(members) = asked.as_object_mut().filter(|_| breaks) {
            members.insert("broken".to_owned(), json!(true));
        }
        Ok(asked)
    })
}

fn first(answers: Vec<Value>) -> Result<Observed> {
    let Some(answer) = answers.first() else {
        bail!("no result");
    };
    told(answer, answer)
}

fn only_panics(how: InjectedFault) -> Result<()> {
    match how {
        InjectedFault::Panic => Ok(()),
        InjectedFault::Memory => bail!("no module"),
    }
}

impl Ask<Observed> for Function {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        let breaks = core::mem::take(&mut self.breaks);
        let asked = question(&self.resigner, request, breaks)?;
        first(self.nginx.ask(&[asked])?)
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        self.breaks = true;
        only_panics(how)
    }
}

impl Ask<Observed> for Bundle {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        let breaks = core::mem::take(&mut self.breaks);
        let asked = question(&self.resigner, request, breaks)?;
        first(self.node.ask(&[asked])?)
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        self.breaks = true;
        only_panics(how)
    }
}
