//! The gate as a library, with the native signature provider. Not here: anything except the call.

use anyhow::{Result, anyhow};
use tollgate_crypto::Native;
use tollgate_gate::{Action, Context, Gate, Request};
use tollgate_testkit::{Answer, Sent};

use crate::driver::Ask;

/// A gate in this process.
pub struct Library(Gate<Vec<u8>>);

impl Library {
    /// Loads a policy image.
    ///
    /// # Errors
    ///
    /// Returns an error if the image, or a key in it, is rejected.
    pub fn load(image: &[u8]) -> Result<Self> {
        let gate = Gate::new(image.to_vec(), &Native);
        gate.map(Self)
            .map_err(|error| anyhow!("the gate rejects the image: {error}"))
    }

    /// The gate itself.
    pub fn gate(&self) -> &Gate<Vec<u8>> {
        &self.0
    }
}

impl Ask for Library {
    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let outcome = self.0.ask(request, &mut Context::new());
        let kind = outcome.kind.code().parse()?;
        Ok(Answer {
            response: sent(&outcome.action),
            detail: outcome.detail.map(str::to_owned),
            rule: outcome.rule,
            policy: outcome.log.policy.map(|id| id.to_string()),
            ..Answer::new(kind, outcome.status, outcome.reason.code().parse()?)
        })
    }
}

/// The response to the client, if the request is not forwarded to the origin.
pub(crate) fn sent(action: &Action) -> Option<Sent> {
    match action {
        Action::Forward(_) => None,
        Action::Serve(response) | Action::Refuse(response) => {
            let headers = response.headers.iter();
            let headers = headers.map(|(name, value)| (name.to_string(), value.clone()));
            Some(Sent::new(headers, response.body.as_ref()))
        }
    }
}
