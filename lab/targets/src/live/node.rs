//! The targets in Node: the npm package with its `KeyedGate`, and the Lambda@Edge package with its handler.
//! Both fetch keys themselves.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tollgate_edges::Flavour;
use tollgate_gate::Request;

use crate::driver::{Ask, FILLER_BYTES, InjectedFault, Observed, Sent};
use crate::lambda_edge::{LambdaEdge, Package as Zip};
use crate::node::{Node, as_json};
use crate::places::Places;
use crate::policy::Policy;

/// The npm package.
pub(crate) struct Package {
    node: Node,
    breaks: Option<InjectedFault>,
}

impl Package {
    pub(crate) fn start(folder: &Path, image: &Path) -> Result<Package> {
        Ok(Package {
            node: Node::start(folder, image)?,
            breaks: None,
        })
    }
}

impl Package {
    /// Loads this signed image, and from now on accepts only images that these trust keys can verify.
    pub(crate) fn trust(&mut self, trust: &str, image: &[u8]) -> Result<()> {
        self.offered(&json!({ "offer": image, "trust": trust }))
    }

    fn offered(&mut self, offer: &Value) -> Result<()> {
        let said = self.node.exchange(offer)?;
        match said.get("refused").and_then(Value::as_str) {
            Some(why) => bail!("{why}"),
            None => Ok(()),
        }
    }
}

impl Ask<Observed> for Package {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        let breaks = self.breaks.take();
        let asked =
            json!({ "keyed": as_json(request), "break": breaks.map(name), "filler": FILLER_BYTES });
        let answer = self.node.exchange(&asked)?;
        told(&answer, &answer)
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        self.breaks = Some(how);
        Ok(())
    }

    fn offer(&mut self, image: &[u8]) -> Option<Result<()>> {
        Some(self.offered(&json!({ "offer": image })))
    }
}

/// The Lambda@Edge package.
pub(crate) struct Handler {
    process: LambdaEdge,
    flavour: &'static Flavour,
    breaks: Option<InjectedFault>,
}

impl Handler {
    /// Starts the package of a policy, with this image in it.
    pub(crate) fn start(
        flavour: &'static Flavour,
        places: &Places,
        policy: &Policy,
        image: &[u8],
    ) -> Result<Handler> {
        let package = Zip::build(flavour, places, policy.file())?;
        std::fs::write(package.folder().join("policy.tgi"), image)?;
        Ok(Handler {
            process: package.start_live()?,
            flavour,
            breaks: None,
        })
    }
}

impl Ask<Observed> for Handler {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        let breaks = self.breaks.take();
        let more = json!({ "break": breaks.map(name), "flavour": self.flavour.name, "filler": FILLER_BYTES });
        let answer = self.process.live(request, more)?;
        let result = answer.get("result").context("no result")?;
        let status = match result.get("status") {
            // CloudFront forwards if the result is a request, and only then.
            None if result.get("uri").is_some() => json!(200),
            None => bail!("neither a request nor a response: {result}"),
            Some(status) => json!(status.as_str().and_then(|text| text.parse::<u16>().ok())),
        };
        let log = answer.get("log").cloned().unwrap_or_default();
        told(&json!({ "status": status, "sent": as_sent(result) }), &log)
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        if how == InjectedFault::Memory && self.flavour == tollgate_edges::NATIVE {
            bail!("no module");
        }
        self.breaks = Some(how);
        Ok(())
    }
}

/// The response in a result for CloudFront, as other programs write it.
fn as_sent(result: &Value) -> Value {
    let fields = result.get("headers").and_then(Value::as_object);
    let lines = fields.into_iter().flatten().flat_map(|(name, lines)| {
        let values = lines.as_array().into_iter().flatten();
        values.map(move |line| json!([name, line.get("value")]))
    });
    let lines: Vec<Value> = lines.collect();
    json!({ "headers": lines, "body": result.get("body") })
}

/// Returns the name of the fault in the drivers.
pub(crate) fn name(how: InjectedFault) -> &'static str {
    match how {
        InjectedFault::Panic => "panic",
        InjectedFault::Memory => "memory",
    }
}

/// Returns the effect on a request, from the status of a response and the log record.
pub(crate) fn told(answer: &Value, log: &Value) -> Result<Observed> {
    let status = answer.get("status").and_then(Value::as_u64);
    let status = u16::try_from(status.context("the response has no status")?)?;
    let word = |name: &str| log.get(name).and_then(Value::as_str);
    let why = match (word("reason"), word("detail")) {
        (Some(reason), Some(detail)) => format!("{reason}/{detail}"),
        (Some(reason), None) => reason.to_owned(),
        (None, _) => "no record".to_owned(),
    };
    Ok(Observed {
        allows: status == 200,
        status,
        why,
        response: answer.get("sent").and_then(sent),
    })
}

/// Reads a response of the gate itself, which programs write as its header lines and its body.
fn sent(written: &Value) -> Option<Sent> {
    let lines = written.get("headers")?.as_array()?.iter();
    let line = |line: &Value| {
        let text = |at: usize| line.get(at).and_then(Value::as_str).map(str::to_owned);
        Some((text(0)?, text(1)?))
    };
    let body = written.get("body").and_then(Value::as_str);
    Some(Sent {
        headers: lines.map(line).collect::<Option<_>>()?,
        body: body.unwrap_or_default().to_owned(),
    })
}
