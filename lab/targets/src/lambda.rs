//! The native Lambda program, called through the runtime API that `cargo lambda watch` serves.
//!
//! Two functions are started with a policy and called with the events of their platform. One delivers
//! content: its HTTP response is the result, and it returns links, so that no bucket is needed. The other is
//! a REST API's authorizer, which must agree wherever its platform can express the case. The reasons come
//! from their log records, as an operator would read them. Not here: the program, which is `lambda-adapter`.

mod api;
mod event;
mod program;

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tollgate_core::{Image, PathScratch, UnixSeconds};
use tollgate_gate::Request;
use tollgate_testkit::{Answer, Outcome, Reason, Sent};

use crate::driver::Ask;
use crate::places::Places;
use api::RuntimeApi;
use program::Program;

pub use program::Lines;

/// The host in the links of the delivering function.
const LINKS: &str = "https://conformance.s3.eu-west-1.amazonaws.com/";

/// The first request to a function, which checks that it responds.
const FIRST: Request<'static> = Request {
    method: "GET",
    target: b"/",
    headers: &[],
    ip: None,
    now: UnixSeconds(0),
    entropy: None,
};

/// Both functions with the runtime API.
pub struct Lambda {
    // Fields are dropped in this order: functions first, so that none reports a lost connection.
    content: Program,
    authorizer: Program,
    api: RuntimeApi,
    /// The policy, for the meaning of its paths.
    image: Image<Vec<u8>>,
}

impl Lambda {
    /// Starts the functions with the policy whose image is in a file.
    ///
    /// # Errors
    ///
    /// Returns an error if one of the programs does not start.
    pub fn start(places: &Places, image: &Path) -> Result<Self> {
        let bytes = std::fs::read(image).context("cannot read the image")?;
        let policy = Image::from_bytes(bytes).map_err(|error| anyhow!("{error}"))?;
        let mut api = RuntimeApi::start(&places.cargo_lambda)?;
        let start = |role, more: &[(&str, &str)]| {
            Program::start(&places.lambda, image, &api.address(role), role, more)
        };
        let mut content = start("content", program::CONTENT)?;
        let mut authorizer = start("authorizer", &[])?;
        content.forget(api.wake("content", &event::proxy(&FIRST))?)?;
        let (first, _) = event::authorizer(&FIRST).context("no first request")?;
        authorizer.forget(api.wake("authorizer", &first)?)?;
        Ok(Self {
            content,
            authorizer,
            api,
            image: policy,
        })
    }

    /// Returns the key of the object that a request is for.
    fn key(&self, request: &Request<'_>) -> Result<Vec<u8>> {
        let mut scratch = PathScratch::new();
        let path = scratch.parse(request.path(), self.image.path_options());
        Ok(path.map_err(|error| anyhow!("{error}"))?.decoded().to_vec())
    }

    /// Returns the result of the delivering function.
    fn delivered(&mut self, request: &Request<'_>) -> Result<Answer> {
        let event = event::proxy(request);
        let result = self.api.invoke("content", &event)?;
        let mut answer = self.content.decided()?;
        let status = result.get("statusCode").and_then(Value::as_u64);
        let status = status.with_context(|| format!("not an HTTP response: {result}"))?;
        // The record contains the status that the client gets.
        ensure!(
            status == u64::from(answer.status),
            "{status}, and logged {}",
            answer.status
        );
        let allows = answer.outcome == Outcome::Allow;
        if allows && !matches!(request.method, "GET" | "HEAD") {
            // The policy allows the request, but a bucket of files cannot serve it.
            ensure!(status == 405, "an allowed {} got {status}", request.method);
        } else if allows && self.key(request)?.is_empty() {
            // The same here: no object has an empty key.
            ensure!(status == 404, "the root got {status}");
        } else if allows {
            let body: Option<Value> = result
                .get("body")
                .and_then(Value::as_str)
                .and_then(|body| serde_json::from_str(body).ok());
            // Clients that accept JSON get the link in it.
            let link = match status {
                302 => result.pointer("/headers/location"),
                200 => body.as_ref().and_then(|body| body.get("url")),
                _ => bail!("an allowed request got {status}"),
            };
            let link = link.and_then(Value::as_str);
            // A HEAD response has no body for it.
            if link.is_some() || status != 200 || request.method != "HEAD" {
                let link = link.context("an allowed request got no link")?;
                event::is_link_to(link, LINKS, &self.key(request)?)?;
            }
        }
        if !allows {
            let fields = result.get("headers").and_then(Value::as_object);
            let headers = fields
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
            let body = result.get("body").and_then(Value::as_str);
            answer.response = Some(Sent::new(headers, body.unwrap_or_default()));
        }
        if allows {
            // The result of the delivery is not part of the decision.
            answer.status = 200;
            answer.detail = None;
        }
        Ok(answer)
    }

    /// Runs the authorizer too, whose result must match.
    fn authorized(&mut self, request: &Request<'_>, expect: &Answer) -> Result<()> {
        let Some((event, arn)) = event::authorizer(request) else {
            return Ok(());
        };
        let result = self.api.invoke("authorizer", &event)?;
        let mut answer = self.authorizer.decided()?;
        let options = self.image.path_options();
        if expect.status == 200 && options.index.is_some() && request.path().ends_with(b"/") {
            // It cannot append the name of the index document.
            let detail = answer.detail.as_deref();
            ensure!(
                detail == Some("index_not_forwarded") && result.get("errorMessage").is_some(),
                "the authorizer decided {answer:?}"
            );
            return Ok(());
        }
        if expect.outcome == Outcome::Serve {
            // Its result is only a decision.
            let detail = answer.detail.as_deref();
            ensure!(
                detail == Some("no_endpoint") && answer.outcome == Outcome::Deny,
                "the authorizer decided {answer:?}"
            );
            return Ok(());
        }
        // API Gateway creates the response.
        answer.response = expect.response.clone();
        // The record contains the status that API Gateway sends, which is the same for all denials that no
        // token can change.
        let sent = match expect.reason {
            Reason::Allow => 200,
            Reason::NoToken | Reason::BadToken => 401,
            Reason::Internal => 500,
            _ => 403,
        };
        ensure!(answer.status == sent, "the authorizer logged {answer:?}");
        answer.status = expect.status;
        ensure!(answer == *expect, "the authorizer decided {answer:?}");
        let text = |pointer: &str| result.pointer(pointer).and_then(Value::as_str);
        let statement = "/policyDocument/Statement/0";
        let effect = text(&format!("{statement}/Effect"));
        let resource = text(&format!("{statement}/Resource"));
        let error = text("/errorMessage");
        let fits = match expect.reason {
            Reason::NoToken | Reason::BadToken => error == Some("Unauthorized"),
            Reason::Allow => effect == Some("Allow") && resource == Some(&arn),
            _ => effect == Some("Deny") && error.is_none(),
        };
        if !fits {
            bail!(
                "decided {}, and the authorizer's result is {result}",
                expect.reason
            );
        }
        Ok(())
    }
}

/// The delivering function on its own, from any program that is built on the library.
pub(crate) struct Content {
    // Fields are dropped in this order: the function first, so that it does not report a lost connection.
    program: Program,
    api: RuntimeApi,
}

impl Content {
    /// Starts `program` with the policy whose image is in a file and these variables.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not start.
    pub(crate) fn start(
        places: &Places,
        program: &Path,
        image: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let mut api = RuntimeApi::start(&places.cargo_lambda)?;
        let variables = [program::CONTENT, variables].concat();
        let address = api.address("content");
        let mut program = Program::start(program, image, &address, "content", &variables)?;
        program.forget(api.wake("content", &event::proxy(&FIRST))?)?;
        Ok(Self { program, api })
    }

    /// Returns the result for a request, or the runtime's report of a failure; and the record of the
    /// decision, if there is one.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no result.
    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Result<(Value, Value)> {
        let result = self.api.invoke("content", &event::proxy(request))?;
        let log = if result.get("statusCode").is_some() {
            self.program.record()?
        } else {
            Value::Null
        };
        Ok((result, log))
    }
}

impl Ask for Lambda {
    fn cannot(&self, request: &Request<'_>) -> Option<String> {
        event::is_decoded(request)
            .then(|| "a REST API's event has the query decoded, without its faults".to_owned())
    }

    fn ask(&mut self, request: &Request<'_>) -> Result<Answer> {
        let answer = self.delivered(request)?;
        self.authorized(request, &answer)?;
        Ok(answer)
    }
}
