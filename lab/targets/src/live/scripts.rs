//! Generated JavaScript: the function for CloudFront in nginx's engine beside any store, and the EdgeWorker. The
//! clock that they read can throw, as anything else of a platform might.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tollgate_crypto::Native;
use tollgate_gate::Request;
use tollgate_token::Algorithm;

use super::edge::{Break, Edge, Told};
use super::node::told;
use crate::javascript::resign::Resigner;
use crate::javascript::{Edge as Small, Node, Script};
use crate::njs::Nginx;
use crate::node::as_json;
use crate::policy::Policy;

/// The function for CloudFront.
pub(super) struct Function {
    nginx: Nginx,
    resigner: Resigner,
    breaks: bool,
}

impl Function {
    /// Starts it beside its store, after `spoil` has been at that.
    pub(super) fn start(
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
pub(super) struct Bundle {
    node: Node,
    resigner: Resigner,
    breaks: bool,
}

impl Bundle {
    pub(super) fn start(policy: &Policy) -> Result<Bundle> {
        let verifies = |algorithm| algorithm != Algorithm::EdDSA;
        let (spec, resigner) = Resigner::new(policy.spec(), &Native, verifies)?;
        let mut node = Node::start()?;
        node.load(&Script::new(Small::EdgeWorkers, &spec, &policy.id()?)?)?;
        Ok(Bundle {
            node,
            resigner,
            breaks: false,
        })
    }
}

/// The question for an engine, in which something throws or not.
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

fn first(answers: Vec<Value>) -> Result<Told> {
    let Some(answer) = answers.first() else {
        bail!("no answer");
    };
    told(answer, answer)
}

fn only_panics(how: Break) -> Result<()> {
    match how {
        Break::Panic => Ok(()),
        Break::Memory => bail!("no module"),
    }
}

impl Edge for Function {
    fn ask(&mut self, request: &Request<'_>) -> Result<Told> {
        let breaks = core::mem::take(&mut self.breaks);
        let asked = question(&self.resigner, request, breaks)?;
        first(self.nginx.ask(&[asked])?)
    }

    fn break_next(&mut self, how: Break) -> Result<()> {
        self.breaks = true;
        only_panics(how)
    }
}

impl Edge for Bundle {
    fn ask(&mut self, request: &Request<'_>) -> Result<Told> {
        let breaks = core::mem::take(&mut self.breaks);
        let asked = question(&self.resigner, request, breaks)?;
        first(self.node.ask(&[asked])?)
    }

    fn break_next(&mut self, how: Break) -> Result<()> {
        self.breaks = true;
        only_panics(how)
    }
}
