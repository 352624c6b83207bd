//! The requests of flow C before the key changes: sessions for sign-in tokens, and decisions based on
//! sessions.

use core::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::super::flow_a;
use super::super::issuer::{self, Issuer};
use super::super::report::{Report, Want};
use super::small::Small;
use super::{Big, ENDPOINT, LESSON, LESSON_FILE, Session, cookie, site};
use xtask::ui;

const OTHER_COURSE: &str = "/courses/go-201/lessons/channels.html";
const PREVIEW: &str = "/courses/rust-101/preview/welcome.html";
const PREVIEW_FILE: &str = "courses/rust-101/preview/welcome.html";
const EXAM: &str = "/courses/rust-101/exams/midterm.html";
const EXAM_FILE: &str = "courses/rust-101/exams/midterm.html";
const DOTS: &str = "/courses/rust-101/preview/../week1/ownership.html";
/// The lifetime in seconds of the sign-in token whose session must expire.
const SHORT_SECS: u64 = 4;
/// The maximum length of a session token, in bytes.
const MAX_SESSION_BYTES: usize = 1_023;

/// A sign-in token is exchanged for a session; nothing else is.
pub(super) fn exchange(
    report: &mut Report,
    big: &Big,
    issuer: &Issuer,
    token: &str,
) -> Result<Session> {
    let session = big.minted(report, "the full edge mints a session", token, &[])?;
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
            Want::denied(401, "no_token"),
        ),
        ("… without a token", None, Want::denied(401, "no_token")),
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

/// Checks the usual rules with only the session.
pub(super) fn people(
    report: &mut Report,
    small: &Small,
    token: &str,
    session: &Session,
) -> Result<()> {
    let own = cookie(&session.token);
    let promoted = cookie(&promoted(&session.token)?);
    let spoiled = cookie(&spoiled(&session.token)?);
    let bearer = flow_a::bearer(token);
    let bad_signature = || Want::denied(401, "bad_token/bad_signature");
    for (what, target, header, want) in [
        (
            "a preview, for anyone",
            PREVIEW,
            None,
            Want::file(PREVIEW_FILE),
        ),
        (
            "a lesson, without a session",
            LESSON,
            None,
            Want::denied(401, "no_token"),
        ),
        (
            "a lesson, by a student",
            LESSON,
            Some(&own),
            Want::file(LESSON_FILE),
        ),
        (
            "an exam, by a claim in the session",
            EXAM,
            Some(&own),
            Want::file(EXAM_FILE),
        ),
        (
            "another course",
            OTHER_COURSE,
            Some(&own),
            Want::denied(403, "forbidden"),
        ),
        (
            "other claims under the signature",
            LESSON,
            Some(&promoted),
            bad_signature(),
        ),
        ("another signature", LESSON, Some(&spoiled), bad_signature()),
        (
            "the sign-in token, for the full edge only",
            LESSON,
            Some(&bearer),
            Want::denied(401, "bad_token/unknown_key"),
        ),
        (
            "dots in the path",
            DOTS,
            Some(&own),
            Want::denied(400, "bad_path/dot_segment"),
        ),
    ] {
        small.ask(
            report,
            what,
            target,
            header.map_or(&[], core::slice::from_ref),
            &want,
        )?;
    }
    Ok(())
}

/// A session expires no later than its sign-in token.
pub(super) fn expired(
    report: &mut Report,
    big: &Big,
    small: &Small,
    issuer: &Issuer,
) -> Result<()> {
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

/// Returns a token with a tampered signature.
fn spoiled(token: &str) -> Result<String> {
    let (signed, signature) = token
        .rsplit_once('.')
        .context("the token does not have three parts")?;
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let rest: String = signature.chars().skip(1).collect();
    Ok(format!("{signed}.{first}{rest}"))
}

/// Returns a session whose owner has added the staff group.
fn promoted(session: &str) -> Result<String> {
    let parts: Vec<&str> = session.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        anyhow::bail!("the session does not have three parts");
    };
    let claims = issuer::from_base64url(claims).context("the claims are not base64url")?;
    let mut claims: Value = serde_json::from_slice(&claims)?;
    if let Some(groups) = claims.get_mut("groups") {
        *groups = json!(["staff"]);
    }
    let claims = issuer::base64url(claims.to_string().as_bytes());
    Ok([*header, claims.as_str(), *signature].join("."))
}
