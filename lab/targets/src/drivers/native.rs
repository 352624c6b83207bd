//! The Rust library in this process; under faults, the local edge over sockets.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::driver::{Ask, Delivery, Driver, Faults, Memory, Observed, Setup, Share};
use crate::live;
use crate::native::Library;
use crate::places::Places;
use crate::policy::Policy;

pub(super) struct Native;

impl Driver for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn missing(&self, _: &Places) -> Option<String> {
        None
    }

    fn open(&self, _: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(Library::load(policy.image())?))
    }

    fn starts_at_once(&self) -> bool {
        true
    }

    fn share(&self) -> Share {
        Share::Elsewhere
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults {
            policy: Delivery::AtStart,
            memory: Memory::Process,
            signs_in: true,
        })
    }

    fn live(&self, _: &Places, setup: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        Ok(Box::new(live::native::Native::start(setup.policy.image())?))
    }

    fn program(
        &self,
        places: &Places,
        image: &Path,
        trust: Option<(&Path, u64)>,
    ) -> Option<Command> {
        let mut serve = Command::new(&places.tollgate);
        serve.args(["serve", "--root", ".", "--listen", "127.0.0.1:0"]);
        serve.arg("--policy").arg(image);
        if let Some((keys, oldest)) = trust {
            serve.arg("--trust").arg(keys);
            serve.args(["--oldest-version", &oldest.to_string()]);
        }
        Some(serve)
    }
}
