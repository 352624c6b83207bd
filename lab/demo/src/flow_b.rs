//! Flow B, end to end: the hosted login, the callback page, an API in front of the native Lambda program,
//! and a private bucket as the origin. Every response is compared with the expected one.

mod api;

use core::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use self::api::Api;
use super::bucket::{self, Bucket};
use super::flow_a::bearer;
use super::issuer::{self, Issuer, escaped};
use super::part;
use super::report::{self, Ask, Body, Report, Want};
use xtask::ui::Step;
use xtask::{Verdict, repo, shell, ui};

const LESSON: &str = "courses/rust-101/week1/ownership.html";
const OTHER_COURSE: &str = "courses/go-201/lessons/channels.html";
const UMLAUTS: &str = "courses/anatomie-1/Übungen/Herz – Vorhöfe.txt";

/// Runs the flow.
pub(super) fn run(cargo_lambda: &Path) -> Result<Verdict> {
    let issuer = ui::in_step("start the issuer", |_| Issuer::start())?;
    let mut bucket = ui::in_step("start S3, fill a private bucket", Bucket::start)?;
    let page = tollgate_lab_http::free_address()?;
    let api = ui::in_step("start the API", |step| {
        Api::start(&issuer, &bucket, page, cargo_lambda, step)
    })?;

    let mut report = Report::new();
    let token = sign_in(&mut report, &issuer, &api)?;
    ui::in_step("visit the callback page in Chromium", |step| {
        visit(&mut report, &issuer, &api, page, step)
    })?;
    by_name(&mut report, &api, &issuer, &token)?;
    by_path(&mut report, &api, &bucket, &token)?;
    bucket.stop();
    api.content(
        &mut report,
        "S3 is down",
        LESSON,
        Some(&token),
        Want {
            reason: "allow",
            ..Want::notice(503)
        },
    )?;
    Ok(report.end())
}

fn sign_in(report: &mut Report, issuer: &Issuer, api: &Api) -> Result<String> {
    let back = format!("{}/code/", api.origin);
    let state = format!("random.fn={LESSON}");
    let elsewhere = issuer.sign_in("alice", "https://evil.example/", &state)?;
    report.say(
        "the hosted login, with an unregistered address",
        "/login",
        elsewhere.status,
        "not redirected",
        elsewhere.status == 400 && elsewhere.header("location").is_none(),
    );
    let answer = issuer.sign_in("alice", &back, &state)?;
    let token = issuer::in_fragment(&answer, "id_token")
        .unwrap_or_default()
        .to_owned();
    let returned = issuer::in_fragment(&answer, "state");
    report.say(
        "alice signs in at the hosted login",
        "/login",
        answer.status,
        "an ID token, and an unchanged `state`",
        answer.status == 302 && !token.is_empty() && returned == Some(escaped(&state).as_str()),
    );
    Ok(token)
}

/// The complete flow in a browser: link, login, page, API, saved file.
fn visit(
    report: &mut Report,
    issuer: &Issuer,
    api: &Api,
    page: SocketAddr,
    step: &Step,
) -> Result<()> {
    let saved = part::folder()?.join("flow-b/saved");
    let mut one = |what: &str, file: &str, person: &str, outcome: &str| -> Result<()> {
        if saved.exists() {
            std::fs::remove_file(&saved)?;
        }
        let script = repo::root().join("lambda-adapter/local/visit.mjs");
        let mut command = shell::tool("node", [script]);
        command
            .args([
                "--port",
                &page.port().to_string(),
                "--issuer",
                &issuer.url(),
            ])
            .args(["--api", &format!("http://{}", api.address)])
            .args([
                "--client",
                issuer::CLIENT,
                "--file",
                file,
                "--person",
                person,
            ])
            .arg("--save")
            .arg(&saved);
        step.line(what);
        let said = shell::must(&mut command, |_| ())?;
        let visit: Value = said
            .lines()
            .find_map(|line| serde_json::from_str(line).ok())
            .context("the visit printed nothing")?;
        let came_to = visit
            .get("outcome")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let clean = visit
            .get("address")
            .and_then(Value::as_str)
            .is_some_and(|address| !address.contains(['?', '#']));
        let got = bytes(&saved);
        let expected = if outcome == "done" {
            Some(report::file(file)?)
        } else {
            None
        };
        let note = match expected {
            Some(_) => "the file is saved",
            None => "the page reports it",
        };
        let good = came_to == outcome && clean && got == expected;
        report.say(
            what,
            "/code/?fn=…",
            came_to.parse().unwrap_or(200),
            note,
            good,
        );
        Ok(())
    };
    one("the callback page in Chromium", UMLAUTS, "sam", "done")?;
    one(
        "the callback page, another course",
        OTHER_COURSE,
        "alice",
        "403",
    )
}

fn bytes(file: &PathBuf) -> Option<Vec<u8>> {
    std::fs::read(file).ok()
}

/// `GET /content?fn=FILE`
fn by_name(report: &mut Report, api: &Api, issuer: &Issuer, alice: &str) -> Result<()> {
    const ATTACHED: &[(&str, &str)] = &[
        ("content-disposition", "attachment"),
        ("access-control-allow-origin", "http://127.0.0.1"),
        ("content-type", "text/html"),
    ];
    let expired = issuer.token(&json!({ "user": "alice", "life_secs": -60 }))?;
    api.content(
        report,
        "a lesson, without a token",
        LESSON,
        None,
        Want::denied(401, "no_token"),
    )?;
    api.content(
        report,
        "a lesson, by a student",
        LESSON,
        Some(alice),
        Want {
            headers: ATTACHED,
            ..Want::file(LESSON)
        },
    )?;
    api.content(
        report,
        "binary data",
        bucket::SAMPLE,
        Some(alice),
        Want {
            headers: &[("content-type", "application/pdf")],
            ..Want::file(bucket::SAMPLE)
        },
    )?;
    let range = &[("range", "bytes=0-99")];
    let query = format!("fn={LESSON}");
    api.query(
        report,
        "a range",
        &query,
        Some(alice),
        range,
        Want {
            status: 206,
            body: Body::Part(LESSON, 0, 99),
            headers: &[("content-range", "bytes 0-99/")],
            ..Want::file(LESSON)
        },
    )?;
    api.content(
        report,
        "another course",
        OTHER_COURSE,
        Some(alice),
        Want::denied(403, "forbidden"),
    )?;
    api.content(
        report,
        "a token that has expired",
        LESSON,
        Some(&expired),
        Want::denied(401, "bad_token/expired"),
    )?;
    api.content(
        report,
        "a missing file",
        "courses/rust-101/week9/none.html",
        Some(alice),
        Want {
            reason: "allow",
            ..Want::notice(404)
        },
    )?;
    // A request that names no file has nothing to decide.
    api.query(
        report,
        "no file",
        "x=1",
        Some(alice),
        &[],
        Want::denied(400, "bad_path/no_file_named"),
    )?;
    let twice = format!("fn={LESSON}&fn={OTHER_COURSE}");
    api.query(
        report,
        "two files",
        &twice,
        Some(alice),
        &[],
        Want::denied(400, "bad_path/no_file_named"),
    )?;
    api.content(
        report,
        "dots in the name",
        "courses/rust-101/preview/../week1/ownership.html",
        Some(alice),
        Want::denied(400, "bad_path"),
    )?;
    let ask = Ask {
        what: "a browser's preflight".to_owned(),
        method: "OPTIONS",
        url: format!("http://{}/content?fn=x", api.address),
        headers: [
            ("origin", api.origin.as_str()),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "authorization"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
    };
    let want = Want {
        headers: &[("access-control-allow-headers", "authorization")],
        ..Want::notice(204)
    };
    report.ask(&ask, &want, || Ok(None)).map(|_| ())
}

/// `GET /files/PATH`: an authorizer decides, then the function responds with a link to S3.
fn by_path(report: &mut Report, api: &Api, bucket: &Bucket, alice: &str) -> Result<()> {
    let mut ask = |what: &str, path: &str, token: Option<&str>, want: Want| {
        let ask = Ask {
            what: what.to_owned(),
            method: "GET",
            url: format!("http://{}/files/{path}", api.address),
            headers: token.map(bearer).into_iter().collect(),
        };
        api.authorizer.forget();
        api.files.forget();
        report.ask(&ask, &want, || api.authorizer.record())
    };
    let refused = |status, reason| Want {
        headers: &[],
        ..Want::denied(status, reason)
    };
    ask(
        "the authorizer: no token",
        LESSON,
        None,
        Want {
            headers: &[("www-authenticate", "Bearer")],
            ..refused(401, "no_token")
        },
    )?;
    ask(
        "the authorizer: another course",
        OTHER_COURSE,
        Some(alice),
        refused(403, "forbidden"),
    )?;
    let answer = ask(
        "a link for a student",
        LESSON,
        Some(alice),
        Want {
            status: 302,
            body: Body::Notice,
            reason: "allow",
            headers: &[
                ("location", "http://127.0.0.1"),
                ("cache-control", "private, no-store"),
            ],
        },
    )?;
    let link = answer.header("location").unwrap_or_default().to_owned();
    let mut straight = |what: &str, url: String, want: Want| {
        let ask = Ask {
            what: what.to_owned(),
            method: "GET",
            url,
            headers: Vec::new(),
        };
        report.ask(&ask, &want, || Ok(None)).map(|_| ())
    };
    let shut = || Want {
        status: 403,
        body: Body::NoFile,
        reason: "",
        headers: &[],
    };
    straight(
        "the link, straight to S3",
        link.clone(),
        Want {
            reason: "",
            headers: &[("content-disposition", "attachment")],
            ..Want::file(LESSON)
        },
    )?;
    straight(
        "its signature on another object",
        link.replace(LESSON, OTHER_COURSE),
        shut(),
    )?;
    straight("a link that has expired", bucket.expired.clone(), shut())?;
    straight("no link, straight to S3", bucket.direct(LESSON), shut())?;
    report.say(
        "the link lives 300 s",
        "",
        0,
        "X-Amz-Expires=300",
        link.contains("X-Amz-Expires=300"),
    );
    Ok(())
}
