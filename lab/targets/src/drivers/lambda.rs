//! The native Lambda program, called through a runtime API.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::driver::{Ask, Delivery, Driver, Faults, Memory, Observed, Setup, not_built, not_there};
use crate::lambda;
use crate::live;
use crate::places::Places;
use crate::policy::Policy;

pub(super) struct Lambda;

impl Driver for Lambda {
    fn name(&self) -> &'static str {
        "lambda"
    }

    fn missing(&self, places: &Places) -> Option<String> {
        not_built(&places.lambda).or_else(|| not_there(&places.cargo_lambda))
    }

    fn open(&self, places: &Places, policy: &Policy) -> Result<Box<dyn Ask>> {
        Ok(Box::new(lambda::Lambda::start(places, policy.file())?))
    }

    fn is_built(&self) -> bool {
        true
    }

    fn tools(&self) -> &'static [&'static str] {
        &["cargo-lambda"]
    }

    fn faults(&self) -> Option<Faults> {
        Some(Faults {
            policy: Delivery::AtStart,
            memory: Memory::Process,
            signs_in: false,
        })
    }

    fn live(&self, places: &Places, setup: &Setup<'_>) -> Result<Box<dyn Ask<Observed>>> {
        let fragile = places.fragile_lambda.as_deref();
        let fragile =
            fragile.context("the Lambda program with keys that panic was not specified")?;
        let program = live::program::Program::start(places, fragile, setup.policy.file())?;
        Ok(Box::new(program))
    }

    fn program(
        &self,
        places: &Places,
        image: &Path,
        trust: Option<(&Path, u64)>,
    ) -> Option<Command> {
        let mut function = Command::new(&places.lambda);
        function.env("TOLLGATE_ROLE", "cloudfront");
        function.env("TOLLGATE_POLICY", image);
        if let Some((keys, oldest)) = trust {
            function.env("TOLLGATE_TRUST", keys);
            function.env("TOLLGATE_OLDEST_POLICY", oldest.to_string());
        }
        Some(function)
    }
}
