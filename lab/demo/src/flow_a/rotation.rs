//! Key changes while requests continue: a rotation, a failing issuer, the removal of an old key, and a
//! client that invents key IDs.

use core::time::Duration;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::super::issuer::{self, Issuer};
use super::super::report::{Report, Want};
use super::{Edge, LESSON, LESSON_FILE, bearer};
use tollgate_lab_http as http;
use xtask::ui;

/// The interval after a key fetch in which there is no other.
const COOLDOWN: Duration = Duration::from_secs(10);
/// The time that a fetch may take on a busy machine.
const FETCH: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(250);
const INVENTED: u32 = 1000;

/// Runs all steps; returns a token signed by the newest key.
pub(super) fn run(report: &mut Report, edge: &Edge, issuer: &Issuer, old: &str) -> Result<String> {
    let unheard = issuer.token(&json!({ "user": "alice", "header": { "kid": "unheard-of" } }))?;
    let unknown = || Want::denied(401, "bad_token/unknown_key");
    let lesson = || Want::file(LESSON_FILE);
    issuer.admin("rotate", &json!({}))?;
    let new = issuer.token(&json!({ "user": "alice" }))?;
    let began = Instant::now();
    let works = ui::in_step("wait until the new key works", |_| wait_for(edge, &new))?;
    let note = format!(
        "within the cooldown: {:.1} s",
        began.elapsed().as_secs_f64()
    );
    report.say("the issuer rotates: a new key", LESSON, 200, &note, works);
    edge.ask(
        report,
        "a token signed by the new key",
        LESSON,
        Some(&new),
        lesson(),
    )?;
    edge.ask(report, "an earlier token", LESSON, Some(old), lesson())?;

    issuer.admin("fault", &json!({ "kind": "status", "status": 500 }))?;
    issuer.admin("withdraw", &json!({ "kids": "old" }))?;
    cooldown()?;
    let before = issuer.fetches()?;
    let what = "the issuer fails: an unknown key";
    edge.ask(report, what, LESSON, Some(&unheard), unknown())?;
    let fetched = issuer.fetches()? - before;
    let note = format!("{fetched} fetch");
    report.say("… and the key fetch failed", "", 0, &note, fetched == 1);
    let what = "the issuer fails: a known key";
    edge.ask(report, what, LESSON, Some(old), lesson())?;

    issuer.admin("fault", &json!({ "kind": "none" }))?;
    cooldown()?;
    let (before, began) = (issuer.fetches()?, Instant::now());
    ui::in_step("send requests with invented keys", |_| {
        invented(edge, issuer)
    })?;
    let took = began.elapsed();
    let most = 1 + took.as_secs() / COOLDOWN.as_secs();
    let fetched = issuer.fetches()? - before;
    let what = format!("{INVENTED} requests with invented keys");
    let note = format!("{fetched} fetch in {:.1} s", took.as_secs_f64());
    report.say(&what, LESSON, 401, &note, (1..=most).contains(&fetched));
    let what = "the old key was withdrawn: its token";
    edge.ask(report, what, LESSON, Some(old), unknown())?;
    edge.ask(report, "… and a new one", LESSON, Some(&new), lesson())?;
    Ok(new)
}

/// Sends requests with a token until it is accepted; returns whether it was within the cooldown and the time
/// of a fetch.
fn wait_for(edge: &Edge, token: &str) -> Result<bool> {
    let began = Instant::now();
    loop {
        let headers = [bearer(token)];
        if http::ask(edge.address, "GET", LESSON, &headers, b"")?.status == 200 {
            return Ok(true);
        }
        if began.elapsed() > COOLDOWN + FETCH {
            return Ok(false);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Waits until the edge may fetch keys again.
fn cooldown() -> Result<()> {
    ui::in_step("wait for the cooldown to end", |_| {
        std::thread::sleep(COOLDOWN + Duration::from_secs(1));
        Ok(())
    })
}

/// Sends requests with many tokens, each with another nonexistent key ID.
fn invented(edge: &Edge, issuer: &Issuer) -> Result<()> {
    let honest = issuer.token(&json!({ "user": "alice" }))?;
    let (_, signed) = honest
        .split_once('.')
        .context("the token does not have three parts")?;
    for number in 0..INVENTED {
        let header = json!({ "alg": "RS256", "kid": format!("invented-{number}") });
        let header = issuer::base64url(header.to_string().as_bytes());
        let headers = [bearer(&format!("{header}.{signed}"))];
        let status = http::ask(edge.address, "GET", LESSON, &headers, b"")?.status;
        ensure!(status == 401, "an invented key got {status}");
    }
    Ok(())
}
