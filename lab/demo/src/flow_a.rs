//! Flow A, end to end: sign-in at the issuer, the built Lambda@Edge package in a local CloudFront emulator,
//! and a private bucket as the origin. Every response is compared with the expected one.

mod rotation;

use core::net::SocketAddr;

use anyhow::Result;
use serde_json::json;

use super::bucket::{self, Bucket};
use super::cloudfront::{self, Origin};
use super::issuer::{self, Issuer};
use super::part::{self, Part};
use super::report::{Ask, Body, Report, Want};
use xtask::ui::Step;
use xtask::{Verdict, ui};

const FRONT_END: &str = "http://127.0.0.1:9/app";
const LESSON: &str = "/courses/rust-101/week1/ownership.html";
const LESSON_FILE: &str = "courses/rust-101/week1/ownership.html";
const OTHER_COURSE: &str = "/courses/go-201/lessons/channels.html";
const PREVIEW: &str = "/courses/rust-101/preview/welcome.html";
const BOOK: &str = "/library/books/rivers.txt";

/// The edge: the CloudFront emulator with the function.
struct Edge {
    part: Part,
    address: SocketAddr,
}

/// Runs the flow.
pub(super) fn run() -> Result<Verdict> {
    let issuer = ui::in_step("start the issuer", |_| Issuer::start())?;
    let mut bucket = ui::in_step("start S3, fill a private bucket", Bucket::start)?;
    let edge = ui::in_step("start the edge", |step| Edge::start(&issuer, &bucket, step))?;

    let mut report = Report::new();
    let token = sign_in(&mut report, &issuer, "alice")?;
    people(&mut report, &edge, &issuer, &token)?;
    doors(&mut report, &edge, &bucket, &token)?;
    let token = rotation::run(&mut report, &edge, &issuer, &token)?;
    bucket.stop();
    edge.ask(
        &mut report,
        "S3 is down",
        LESSON,
        Some(&token),
        Want {
            status: 502,
            reason: "allow",
            ..Want::notice(502)
        },
    )?;
    Ok(report.end())
}

impl Edge {
    fn start(issuer: &Issuer, bucket: &Bucket, step: &Step) -> Result<Edge> {
        let policy = part::folder()?.join("flow-a/policy");
        issuer.policy(&policy)?;
        let origin = Origin {
            endpoint: &bucket.endpoint(),
            key_id: &bucket.key_id,
            secret: &bucket.secret,
        };
        let (part, address) = cloudfront::start("cloudfront", &policy, &origin, step)?;
        Ok(Edge { part, address })
    }

    /// Sends a request to the edge, with or without a token.
    fn ask(
        &self,
        report: &mut Report,
        what: &str,
        target: &str,
        token: Option<&str>,
        want: Want,
    ) -> Result<()> {
        self.ask_with(report, what, target, token, &[], want)
    }

    fn ask_with(
        &self,
        report: &mut Report,
        what: &str,
        target: &str,
        token: Option<&str>,
        more: &[(&str, &str)],
        want: Want,
    ) -> Result<()> {
        let mut headers: Vec<(String, String)> = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        headers.extend(token.map(bearer));
        let ask = Ask {
            what: what.to_owned(),
            method: "GET",
            url: format!("http://{}{target}", self.address),
            headers,
        };
        self.part.forget();
        report.ask(&ask, &want, || self.part.record()).map(|_| ())
    }
}

/// Returns the header field that contains a token.
pub(super) fn bearer(token: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Bearer {token}"))
}

/// Signs a person in at the hosted login and returns the ID token.
pub(super) fn sign_in(report: &mut Report, issuer: &Issuer, name: &str) -> Result<String> {
    issuer.register(FRONT_END)?;
    let answer = issuer.sign_in(name, FRONT_END, "s-1")?;
    let token = issuer::in_fragment(&answer, "id_token").unwrap_or_default();
    let note = "an ID token in the fragment";
    let good = answer.status == 302 && !token.is_empty();
    report.say(
        &format!("{name} signs in at the hosted login"),
        "/login",
        answer.status,
        note,
        good,
    );
    Ok(token.to_owned())
}

fn people(report: &mut Report, edge: &Edge, issuer: &Issuer, alice: &str) -> Result<()> {
    let token = |wanted: serde_json::Value| issuer.token(&wanted);
    let sam = token(json!({ "user": "sam" }))?;
    let ruth = token(json!({ "user": "ruth", "use": "access" }))?;
    let expired = token(json!({ "user": "alice", "life_secs": -60 }))?;
    let foreign = token(json!({ "user": "alice", "client_id": "another-app" }))?;
    let parts: Vec<&str> = alice.split('.').collect();
    let others: Vec<&str> = sam.split('.').collect();
    let edited = match (parts.as_slice(), others.as_slice()) {
        ([header, _, signature], [_, claims, _]) => [*header, *claims, *signature].join("."),
        _ => String::new(),
    };
    edge.ask(
        report,
        "a preview, for anyone",
        PREVIEW,
        None,
        Want::file("courses/rust-101/preview/welcome.html"),
    )?;
    edge.ask(
        report,
        "a lesson, without a token",
        LESSON,
        None,
        Want::denied(401, "no_token"),
    )?;
    edge.ask(
        report,
        "a lesson, by a student",
        LESSON,
        Some(alice),
        Want::file(LESSON_FILE),
    )?;
    edge.ask(
        report,
        "another course",
        OTHER_COURSE,
        Some(alice),
        Want::denied(403, "forbidden"),
    )?;
    edge.ask(
        report,
        "an exam that is open",
        "/courses/rust-101/exams/midterm.html",
        Some(alice),
        Want::file("courses/rust-101/exams/midterm.html"),
    )?;
    edge.ask(
        report,
        "an exam, staff of no cohort",
        "/courses/rust-101/exams/midterm.html",
        Some(&sam),
        Want::denied(403, "denied_by_rule"),
    )?;
    edge.ask(
        report,
        "a book, by the scope of an access token",
        BOOK,
        Some(&ruth),
        Want::file("library/books/rivers.txt"),
    )?;
    edge.ask_with(
        report,
        "a range of it",
        BOOK,
        Some(&ruth),
        &[("range", "bytes=117-232")],
        Want {
            status: 206,
            body: Body::Part("library/books/rivers.txt", 117, 232),
            reason: "allow",
            headers: &[("content-range", "bytes 117-232/")],
        },
    )?;
    edge.ask(
        report,
        "a token that has expired",
        LESSON,
        Some(&expired),
        Want::denied(401, "bad_token/expired"),
    )?;
    edge.ask(
        report,
        "other claims under the signature",
        LESSON,
        Some(&edited),
        Want::denied(401, "bad_token/bad_signature"),
    )?;
    edge.ask(
        report,
        "a token for another app",
        LESSON,
        Some(&foreign),
        Want::denied(401, "bad_token/wrong_audience"),
    )?;
    edge.ask(
        report,
        "dots in the path",
        "/courses/rust-101/preview/../week1/ownership.html",
        None,
        Want::denied(400, "bad_path"),
    )?;
    edge.ask(
        report,
        "escaped dots in the path",
        "/courses/rust-101/preview/%2e%2e/week1/ownership.html",
        None,
        Want::denied(400, "bad_path"),
    )?;
    edge.ask(
        report,
        "allowed, but missing",
        "/courses/rust-101/week9/none.html",
        Some(alice),
        Want {
            status: 404,
            reason: "allow",
            ..Want::notice(404)
        },
    )
}

/// The other routes to the same bytes.
fn doors(report: &mut Report, edge: &Edge, bucket: &Bucket, token: &str) -> Result<()> {
    let sample = format!("/{}", bucket::SAMPLE);
    edge.ask(
        report,
        "an object through the edge",
        &sample,
        None,
        Want::file(bucket::SAMPLE),
    )?;
    let mut direct = |what: &str, url: String, headers: Vec<(String, String)>, want: Want| {
        let ask = Ask {
            what: what.to_owned(),
            method: "GET",
            url,
            headers,
        };
        report.ask(&ask, &want, || Ok(None)).map(|_| ())
    };
    let shut = || Want {
        status: 403,
        body: Body::NoFile,
        reason: "",
        headers: &[],
    };
    direct(
        "the same, straight from S3",
        bucket.direct(bucket::SAMPLE),
        vec![],
        shut(),
    )?;
    let wrong = ("authorization".to_owned(), format!("Bearer {token}"));
    direct(
        "a lesson, straight from S3, with the token",
        bucket.direct(LESSON_FILE),
        vec![wrong],
        shut(),
    )?;
    let open = Want {
        reason: "",
        ..Want::file(bucket::SAMPLE)
    };
    direct("a pre-signed URL", bucket.signed.clone(), vec![], open)?;
    direct(
        "a pre-signed URL that has expired",
        bucket.expired.clone(),
        vec![],
        shut(),
    )?;
    let elsewhere = bucket.signed.replace(bucket::SAMPLE, LESSON_FILE);
    direct("its signature on another object", elsewhere, vec![], shut())
}
