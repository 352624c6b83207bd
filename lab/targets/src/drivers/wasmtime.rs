//! The plain WASM module in the `wasmtime` crate.

use std::sync::OnceLock;

use anyhow::{Result, bail};

use crate::driver::{Ask, Delivery, Driver, Faults, Memory, Observed, Setup, Share, not_built};
use crate::embedded::Compiled;
use crate::live;
use crate::places::Places;
use crate::policy::Policy;

pub(super) struct Wasmtime;

/// The module, compiled at first use. A process uses only one path.
fn compiled(places: &Places) -> Result<&'static Compiled> {
    static COMPILED: OnceLock<Result<Compiled, String>> = OnceLock::new();
    let compile = || Compiled::from_file(&places.wasm).map_err(|error| format!("{error:#}"));
    match COMPILED.get_or_init(compile) {
        Ok(compiled) => Ok(compiled),
        Err(error) => bail!("{error}"),
    }
}

impl Driver for Wasmtime {
    fn name(&self) -> &'static str {
        "wasmtime"
    }

    fn missing(&self, places: &Places) -> Option<String> {
        not_built(&places.wasm)
    }

    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(compiled(places)?.start(policy.image())?))
    }

    fn is_built(&self) -> bool {
        true
    }

    fn starts_at_once(&self) -> bool {
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
        let (image, trust) = match setup.signed {
            Some(signed) => (signed.image, Some(signed.trust)),
            None => (setup.policy.image(), None),
        };
        let host = live::wasm::Wasm::start(compiled(places)?, image, trust)?;
        Ok(Box::new(host))
    }
}
