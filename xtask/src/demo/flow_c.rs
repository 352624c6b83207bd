//! Flow C from end to end: somebody signs in at the issuer; the big edge, the built Lambda@Edge package,
//! verifies the RS256 token once and mints a session; the small edge, the generated function in nginx's
//! JavaScript engine, decides by the session alone and lets nginx fetch the object. Then the session key
//! is rotated, and nobody is signed out.
//!
//! The policy is the sample one with `[session]`, and without the course whose rule asks for the issuer:
//! a session has an issuer of its own. Not here: CloudFront, which no stand-in is.

mod rotation;
mod site;
mod small;

use core::net::SocketAddr;
use core::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::cloudfront::{self, Origin};
use super::flow_a;
use super::http::Answer;
use super::issuer::{self, Issuer};
use super::part::{self, Part};
use super::report::{Ask, Body, Report, Want};
use crate::ui::Step;
use crate::{Verdict, build, ui};
use rotation::Before;
use site::Site;
use small::Small;

const ENDPOINT: &str = "/.tollgate/session";
const COOKIE: &str = "tollgate_session";
const LESSON: &str = "/courses/rust-101/week1/ownership.html";
const LESSON_FILE: &str = "courses/rust-101/week1/ownership.html";
const OTHER_COURSE: &str = "/courses/go-201/lessons/channels.html";
const PREVIEW: &str = "/courses/rust-101/preview/welcome.html";
/// How long the sign-in token lives whose session is to expire, in seconds.
const SHORT_SECS: u64 = 4;
/// Longest session token, in bytes.
const MAX_SESSION_BYTES: usize = 1_023;

/// The big edge: CloudFront's stand-in with the Lambda@Edge function in it.
struct Big {
    part: Part,
    address: SocketAddr,
}

/// Runs the flow.
pub(super) fn run() -> Result<Verdict> {
    ui::in_step("build commands", part::build_programs)?;
    ui::in_step("build the Lambda@Edge parts", |step| {
        build::wasm(build::bindgen(), step)?;
        build::lambda_edge::parts(step)
    })?;
    let nginx = ui::in_step("nginx with njs", build::javascript::nginx)?;
    let issuer = ui::in_step("start the issuer", |_| Issuer::start())?;
    let site = Site::new(&issuer)?;
    let big = ui::in_step("start the big edge", |step| Big::start(&site, step))?;
    let (small, built) = ui::in_step("start the small edge", |step| {
        let built = site.function("first-key", step)?;
        Ok((Small::start(&nginx, &built)?, built))
    })?;

    let mut report = Report::new();
    let token = flow_a::sign_in(&mut report, &issuer, "alice")?;
    let session = exchange(&mut report, &big, &issuer, &token)?;
    people(&mut report, &small, &token, &session)?;
    expired(&mut report, &big, &small, &issuer)?;
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
        // Only the endpoint is asked here, which needs no origin.
        let origin = Origin {
            endpoint: "http://127.0.0.1:9",
            key_id: "none",
            secret: "none",
        };
        let (part, address) = cloudfront::start("big-edge", site.folder(), &origin, step)?;
        Ok(Big { part, address })
    }

    /// Asks the endpoint for a session, as a front end does; `more` are other header fields.
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

    /// Asks the endpoint for a session that it must give.
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
            headers: &[("set-cookie", "tollgate_session=ey")],
        };
        let answer = self.session(report, what, Some(token), more, &want)?;
        Ok(Session::of(&answer))
    }
}

/// A session as it came in a cookie.
struct Session {
    token: String,
    /// What follows the cookie's value.
    attributes: String,
}

impl Session {
    /// The session in an answer; an empty one if there is none, which the report has told.
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

/// The header field with a session, before a cookie that is the site's own.
fn cookie(session: &str) -> (String, String) {
    (
        "cookie".to_owned(),
        format!("{COOKIE}={session}; theme=dark"),
    )
}

/// A sign-in token becomes a session; nothing else does.
fn exchange(report: &mut Report, big: &Big, issuer: &Issuer, token: &str) -> Result<Session> {
    let session = big.minted(report, "the big edge mints a session", token, &[])?;
    let length = session.token.len();
    let (alg, kid) = (session.header("alg"), session.header("kid"));
    let note = format!(
        "{alg}, kid {kid}, {length} bytes; RS256 before: {} bytes",
        token.len()
    );
    let good = alg == "HS256" && kid == site::FIRST && length <= MAX_SESSION_BYTES;
    report.say("… a small token", "", 0, &note, good);
    let safe = ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"];
    let good = safe.iter().all(|word| session.attributes.contains(word));
    report.say("… in a safe cookie", "", 0, &session.attributes, good);
    let forged = spoiled(token)?;
    for (what, token, want) in [
        (
            "no session for a forged sign-in token",
            Some(forged.as_str()),
            Want::denied(401, "bad_token/bad_signature"),
        ),
        (
            "… for a session",
            Some(session.token.as_str()),
            Want {
                status: 204,
                body: Body::Notice,
                reason: "allow/session",
                headers: &[],
            },
        ),
        ("… for nobody", None, Want::denied(401, "no_token")),
    ] {
        let answer = big.session(report, what, token, &[], &want)?;
        if answer.header("set-cookie").is_some() {
            report.say(what, ENDPOINT, answer.status, "a cookie was set", false);
        }
    }
    let foreign = issuer.token(&json!({ "user": "alice", "client_id": "another-app" }))?;
    let want = Want::denied(401, "bad_token/wrong_audience");
    big.session(
        report,
        "… for another app's token",
        Some(&foreign),
        &[],
        &want,
    )?;
    Ok(session)
}

/// The same rules as everywhere, by the session alone.
fn people(report: &mut Report, small: &Small, token: &str, session: &Session) -> Result<()> {
    let own = [cookie(&session.token)];
    let with = |value: &str| vec![cookie(value)];
    small.ask(
        report,
        "a preview, for anyone",
        PREVIEW,
        &[],
        &Want::file("courses/rust-101/preview/welcome.html"),
    )?;
    small.ask(
        report,
        "a lesson, without a session",
        LESSON,
        &[],
        &Want::denied(401, "no_token"),
    )?;
    small.ask(
        report,
        "a lesson, by a student",
        LESSON,
        &own,
        &Want::file(LESSON_FILE),
    )?;
    small.ask(
        report,
        "an exam, by a claim in the session",
        "/courses/rust-101/exams/midterm.html",
        &own,
        &Want::file("courses/rust-101/exams/midterm.html"),
    )?;
    small.ask(
        report,
        "another course",
        OTHER_COURSE,
        &own,
        &Want::denied(403, "forbidden"),
    )?;
    small.ask(
        report,
        "other claims under the signature",
        LESSON,
        &with(&promoted(&session.token)?),
        &Want::denied(401, "bad_token/bad_signature"),
    )?;
    small.ask(
        report,
        "another signature",
        LESSON,
        &with(&spoiled(&session.token)?),
        &Want::denied(401, "bad_token/bad_signature"),
    )?;
    small.ask(
        report,
        "the sign-in token, which only the big edge reads",
        LESSON,
        &[flow_a::bearer(token)],
        &Want::denied(401, "bad_token"),
    )?;
    small.ask(
        report,
        "dots in the path",
        "/courses/rust-101/preview/../week1/ownership.html",
        &own,
        &Want::denied(400, "bad_path"),
    )
}

/// A session lives no longer than its sign-in token.
fn expired(report: &mut Report, big: &Big, small: &Small, issuer: &Issuer) -> Result<()> {
    let short = issuer.token(&json!({ "user": "alice", "life_secs": SHORT_SECS }))?;
    let session = big.minted(report, "a sign-in token that ends in seconds", &short, &[])?;
    let life = session
        .attributes
        .split("; ")
        .find_map(|part| part.strip_prefix("Max-Age="));
    let life: Option<u64> = life.and_then(|secs| secs.parse().ok());
    let note = format!(
        "the session ends with it: Max-Age={}",
        life.unwrap_or_default()
    );
    let good = life.is_some_and(|secs| secs <= SHORT_SECS);
    report.say("… has a session", "", 0, &note, good);
    ui::in_step("wait for it to end", |_| {
        std::thread::sleep(Duration::from_secs(SHORT_SECS + 1));
        Ok(())
    })?;
    let want = Want::denied(401, "bad_token/expired");
    small.ask(
        report,
        "… which has ended",
        LESSON,
        &[cookie(&session.token)],
        &want,
    )
}

/// A token with a signature that is not its own.
fn spoiled(token: &str) -> Result<String> {
    let (signed, signature) = token.rsplit_once('.').context("a token of three parts")?;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let rest: String = signature.chars().skip(1).collect();
    Ok(format!("{signed}.{first}{rest}"))
}

/// A session whose owner has made themself staff.
fn promoted(session: &str) -> Result<String> {
    let parts: Vec<&str> = session.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        anyhow::bail!("a session of three parts");
    };
    let claims = issuer::from_base64url(claims).context("claims in base64url")?;
    let mut claims: Value = serde_json::from_slice(&claims)?;
    if let Some(groups) = claims.get_mut("groups") {
        *groups = json!(["staff"]);
    }
    let claims = issuer::base64url(claims.to_string().as_bytes());
    Ok([*header, claims.as_str(), *signature].join("."))
}
