//! Flow C, end to end. A user signs in at the issuer. The full edge, the built Lambda@Edge package, verifies
//! the RS256 token once and mints a session. The restricted edge, the generated function in nginx's
//! JavaScript engine, decides from the session only, and nginx fetches the object. Then the session key is
//! rotated without signing anyone out.
//!
//! The policy is the sample policy, with sessions from the endpoint only. Not here: CloudFront itself, which
//! no emulator replaces.

mod requests;
mod rotation;
mod site;
mod small;

use core::net::SocketAddr;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;
use xtask::ui::Step;
use xtask::{Verdict, ui};

use super::cloudfront::{self, Origin};
use super::flow_a;
use super::issuer::{self, Issuer};
use super::part::Part;
use super::report::{Ask, Body, Report, Want};
use rotation::Before;
use site::Site;
use small::Small;
use tollgate_lab_http::Reply as Answer;

const ENDPOINT: &str = "/.tollgate/session";
const COOKIE: &str = "__Host-tollgate";
const LESSON: &str = "/courses/rust-101/week1/ownership.html";
const LESSON_FILE: &str = "courses/rust-101/week1/ownership.html";

/// The full edge: the CloudFront emulator with the Lambda@Edge function.
struct Big {
    part: Part,
    address: SocketAddr,
}

/// Runs the flow.
pub(super) fn run(nginx: &Path) -> Result<Verdict> {
    let issuer = ui::in_step("start the issuer", |_| Issuer::start())?;
    let site = Site::new(&issuer)?;
    let big = ui::in_step("start the full edge", |step| Big::start(&site, step))?;
    let (small, built) = ui::in_step("start the restricted edge", |step| {
        let built = site.function("first-key", step)?;
        Ok((Small::start(nginx, &built)?, built))
    })?;

    let mut report = Report::new();
    let token = flow_a::sign_in(&mut report, &issuer, "alice")?;
    let session = requests::exchange(&mut report, &big, &issuer, &token)?;
    requests::people(&mut report, &small, &token, &session)?;
    requests::expired(&mut report, &big, &small, &issuer)?;
    small.doors(&mut report, &session)?;
    let before = Before {
        site,
        built: &built,
        big,
        token: &token,
        old: &session,
    };
    rotation::run(&mut report, &small, before)?;
    Ok(report.end())
}

impl Big {
    fn start(site: &Site, step: &Step) -> Result<Big> {
        // Only the endpoint is used here, which needs no origin.
        let origin = Origin {
            endpoint: "http://127.0.0.1:9",
            key_id: "none",
            secret: "none",
        };
        let (part, address) = cloudfront::start("big-edge", site.folder(), &origin, step)?;
        Ok(Big { part, address })
    }

    /// Requests a session from the endpoint, as a front end does; `more` are additional header fields.
    fn session(
        &self,
        report: &mut Report,
        what: &str,
        token: Option<&str>,
        more: &[(String, String)],
        want: &Want,
    ) -> Result<Answer> {
        let mut headers = more.to_vec();
        headers.extend(token.map(flow_a::bearer));
        let ask = Ask {
            what: what.to_owned(),
            method: "POST",
            url: format!("http://{}{ENDPOINT}", self.address),
            headers,
        };
        self.part.forget();
        report.ask(&ask, want, || self.part.record())
    }

    /// Requests a session that the endpoint must issue.
    fn minted(
        &self,
        report: &mut Report,
        what: &str,
        token: &str,
        more: &[(String, String)],
    ) -> Result<Session> {
        let want = Want {
            status: 204,
            body: Body::Notice,
            reason: "allow/session",
            headers: &[("set-cookie", "__Host-tollgate=ey")],
        };
        let answer = self.session(report, what, Some(token), more, &want)?;
        Ok(Session::of(&answer))
    }
}

/// A session from a cookie.
struct Session {
    token: String,
    /// The attributes after the cookie's value.
    attributes: String,
}

impl Session {
    /// Returns the session in a response; an empty one if there is none, which the report contains.
    fn of(answer: &Answer) -> Session {
        let line = answer.header("set-cookie").unwrap_or_default();
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (_, token) = pair.split_once('=').unwrap_or_default();
        Session {
            token: token.to_owned(),
            attributes: attributes.trim().to_owned(),
        }
    }

    /// A member of the token's header.
    fn header(&self, name: &str) -> String {
        let first = self.token.split('.').next().unwrap_or_default();
        let json: Value = issuer::from_base64url(first)
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let member = json.get(name).and_then(Value::as_str);
        member.unwrap_or_default().to_owned()
    }
}

/// Returns the header field with a session, followed by a cookie of the site.
fn cookie(session: &str) -> (String, String) {
    (
        "cookie".to_owned(),
        format!("{COOKIE}={session}; theme=dark"),
    )
}
