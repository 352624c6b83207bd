//! The native Lambda program as a function that returns links, called through a runtime API. A variant with
//! keys that can panic is a separate program over the same library; no release contains that code.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tollgate_gate::Request;

use super::node::told;
use crate::driver::{Ask, InjectedFault, Observed};
use crate::lambda::Content;
use crate::places::Places;

/// The variable with the path of a file whose existence makes the next signature panic. The file is then
/// deleted.
const PANICS: &str = "FRAGILE_IF";

/// A running function.
pub(crate) struct Program {
    content: Content,
    folder: TempDir,
}

impl Program {
    pub(crate) fn start(places: &Places, fragile: &Path, image: &Path) -> Result<Program> {
        let folder = TempDir::new()?;
        let marker = folder.path().join("panic");
        let marker = marker.to_string_lossy();
        let content = Content::start(places, fragile, image, &[(PANICS, &marker)])?;
        Ok(Program { content, folder })
    }
}

impl Ask<Observed> for Program {
    fn ask(&mut self, request: &Request<'_>) -> Result<Observed> {
        let (result, log) = self.content.ask(request)?;
        let status = result.get("statusCode").and_then(Value::as_u64);
        Ok(match status {
            Some(status) => Observed {
                allows: status == 302,
                ..told(&json!({ "status": status }), &log)?
            },
            // API Gateway turns it into a 502.
            None => Observed {
                allows: false,
                status: 502,
                why: format!("the function failed: {}", error(&result)),
                response: None,
            },
        })
    }

    fn break_next(&mut self, how: InjectedFault) -> Result<()> {
        match how {
            InjectedFault::Panic => Ok(std::fs::write(self.folder.path().join("panic"), "")?),
            InjectedFault::Memory => bail!("no module"),
        }
    }
}

fn error(result: &Value) -> String {
    let word = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
    [word("errorType"), ": ", word("errorMessage")].concat()
}
