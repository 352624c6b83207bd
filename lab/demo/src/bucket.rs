//! A private bucket in a local S3 that checks signatures, filled with the sample site.

use core::net::SocketAddr;

use anyhow::{Context, Result};
use serde_json::Value;

use super::part::{self, Part};
use xtask::tools;
use xtask::ui::Step;
use xtask::{repo, shell};

pub(super) const NAME: &str = "simple-courses-content";
pub(super) const REGION: &str = "eu-west-1";
/// The object that URLs are signed for.
pub(super) const SAMPLE: &str = "courses/rust-101/syllabus.pdf";

/// A running S3 with a filled bucket.
pub(super) struct Bucket {
    part: Option<Part>,
    pub(super) address: SocketAddr,
    pub(super) key_id: String,
    pub(super) secret: String,
    /// A pre-signed URL of the sample that is valid for some minutes.
    pub(super) signed: String,
    /// A pre-signed URL that has expired.
    pub(super) expired: String,
}

impl Bucket {
    /// Starts S3 and fills the bucket.
    pub(super) fn start(step: &Step) -> Result<Bucket> {
        let tools = tools::pip(&tools::MINISTACK, step)?;
        step.line("start S3");
        let address = tollgate_lab_http::free_address()?;
        let mut command = shell::tool(tools.join("bin/ministack"), [""; 0]);
        command
            .env("BIND_HOST", "127.0.0.1")
            // Its server for MQTT would listen on all addresses.
            .env("IOT_MTLS_ENABLED", "0")
            .env("GATEWAY_PORT", address.port().to_string())
            .env("AUTH", "true")
            .env("LOG_LEVEL", "WARNING")
            .env("SERVICES", "s3,iam,sts")
            .current_dir(part::folder()?);
        let mut part = Part::start("ministack", &mut command)?;
        part.listens(address, Some("/_ministack/health"))?;
        step.line("fill the bucket");
        let script = repo::root().join("lambda-adapter/local/bucket.py");
        let mut fill = shell::tool(tools.join("bin/python"), [script]);
        fill.args(["--endpoint", &format!("http://{address}")])
            .args(["--bucket", NAME, "--region", REGION, "--sample", SAMPLE])
            .arg("--folder")
            .arg(repo::fixtures().join("site"));
        let said = shell::must(&mut fill, |line| step.line(line))?;
        let made: Value = serde_json::from_str(said.trim()).context("the bucket is not filled")?;
        let text = |name: &str| {
            let text = made.get(name).and_then(Value::as_str);
            text.map(str::to_owned).context("the bucket is not filled")
        };
        Ok(Bucket {
            part: Some(part),
            address,
            key_id: text("access_key_id")?,
            secret: text("secret_access_key")?,
            signed: text("signed")?,
            expired: text("expired")?,
        })
    }

    /// The direct address of an object.
    pub(super) fn direct(&self, object: &str) -> String {
        format!("http://{}/{NAME}/{object}", self.address)
    }

    /// Its address, as `http://127.0.0.1:PORT`.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops it: from now on nothing listens there.
    pub(super) fn stop(&mut self) {
        self.part = None;
    }
}
