//! Faults of the provider while users sign in, and while their sessions are refreshed.
//!
//! Whatever fails: no session begins, the browser receives a page with a stable code, a session that is still valid
//! stays, and the next attempt works. Not here: responses that are well-formed and malicious, which the tests of the
//! gate have.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_targets::driver::{Ask, Observed, Sent, Setup};
use tollgate_targets::live::issuer::{Issuer, SITE};
use tollgate_targets::live::site::{self, LESSON};
use tollgate_targets::{Places, Policy, Target};

use super::World;
use crate::driver::{MOST_STEPS, STEP_SECS, Score};

const SESSION: &str = "__Host-tollgate";
const REFRESH: &str = "/.tollgate/refresh?to=/courses/a";
/// The age at which a session of an hour is refreshed.
const OLD_SECS: i64 = 3_000;
/// A failed refresh is not tried again before.
const AGAIN_SECS: i64 = 61;
/// The code for an ID token that cannot be verified.
const REJECTED: &str = "id_token_rejected";
const UNREACHABLE: &str = "provider_unreachable";
const SIGNED_IN: &str = "303 signed_in";

/// A browser that navigates, without a rendering engine.
struct Browser {
    edge: Box<dyn Ask<Observed>>,
    cookies: BTreeMap<String, String>,
    now: i64,
    score: Score,
}

/// Whether a request was allowed, or the code and the status of the response; and its response.
struct Visit {
    seen: String,
    sent: Sent,
}

impl Browser {
    fn new(places: &Places, policy: &Policy, target: Target) -> Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok(Self {
            edge: target.live(places, &Setup::new(policy))?,
            cookies: BTreeMap::new(),
            now: i64::try_from(since)? + 1,
            score: Score::default(),
        })
    }

    fn open(&mut self, target: &str) -> Result<Visit> {
        let pairs = self.cookies.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let cookies = pairs.join("; ");
        let host = SITE.trim_start_matches("https://");
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("host", host.as_bytes()),
            ("accept", b"text/html"),
            ("sec-fetch-mode", b"navigate"),
            ("sec-fetch-dest", b"document"),
        ];
        if !cookies.is_empty() {
            headers.push(("cookie", cookies.as_bytes()));
        }
        let request = Request {
            method: "GET",
            target: target.as_bytes(),
            headers: &headers,
            ip: Some("203.0.113.7"),
            now: UnixSeconds(self.now),
            entropy: None,
        };
        self.score.requests += 1;
        let Observed {
            allows,
            status,
            why,
            response,
        } = self.edge.ask(&request)?;
        if allows {
            return Ok(Visit {
                seen: "allowed".to_owned(),
                sent: Sent::default(),
            });
        }
        let sent = response.with_context(|| format!("no response was reported: {status} {why}"))?;
        let fields = sent.headers.iter().filter(|(name, _)| name == "set-cookie");
        for (_, set) in fields {
            let pair = set.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.context("a cookie without a value")?;
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let detail = why.rsplit('/').next().unwrap_or_default();
        Ok(Visit {
            seen: format!("{status} {detail}"),
            sent,
        })
    }

    fn session(&self) -> Option<&String> {
        self.cookies.get(SESSION)
    }

    /// Begins a flow and signs in at the provider. Returns the target of the callback.
    fn at_provider(&mut self, issuer: &Issuer) -> Result<String> {
        let start = self.open("/.tollgate/sign-in?to=/courses/a&again=1")?;
        let Some(location) = start.location() else {
            bail!("no flow begins: {}", start.seen);
        };
        let back = issuer.sign_in(location, "alice")?;
        let target = back
            .strip_prefix(SITE)
            .context("a redirect to another site")?;
        Ok(target.to_owned())
    }

    /// Signs in, which must work, and opens the page.
    fn sign_in(&mut self, issuer: &Issuer) -> Result<()> {
        let callback = self.at_provider(issuer)?;
        let end = self.open(&callback)?.seen;
        self.expect(&end, SIGNED_IN);
        self.expect_lesson()
    }

    fn expect_lesson(&mut self) -> Result<()> {
        let page = self.open(LESSON)?.seen;
        self.expect(&page, "allowed");
        Ok(())
    }

    /// Signs in again until it works: a fetch that is slow is shared until it ends.
    fn recover(&mut self, issuer: &Issuer) -> Result<()> {
        for step in 1..=MOST_STEPS {
            self.now += STEP_SECS;
            let callback = self.at_provider(issuer)?;
            let seen = self.open(&callback)?.seen;
            if seen == SIGNED_IN {
                self.score.recovered_secs = Some(i64::from(step) * STEP_SECS);
                break;
            }
            self.expect_no_session();
            std::thread::sleep(core::time::Duration::from_millis(100));
        }
        self.expect_lesson()
    }

    /// Notes a valid request that was lost.
    fn expect(&mut self, seen: &str, expected: &str) {
        if seen != expected {
            self.score.lost_after += 1;
            self.score
                .wrong
                .push(format!("{seen} instead of {expected}"));
        }
    }

    /// Notes a session that must not exist.
    fn expect_no_session(&mut self) {
        if self.session().is_some() {
            self.score.wrong_allows += 1;
            self.score
                .wrong
                .push("a session under the fault".to_owned());
        }
    }

    /// A sign-in that must fail with a page that states this code.
    fn fail(&mut self, callback: &str, code: &str) -> Result<String> {
        let Visit { seen, sent } = self.open(callback)?;
        self.expect_no_session();
        let is_page = sent.body.contains(&format!("Code: {code}"));
        if !is_page || !seen.ends_with(&format!(" {code}")) {
            self.score.lost_under += 1;
            self.score
                .wrong
                .push(format!("{seen} instead of {code}: {}", sent.body));
        }
        Ok(seen)
    }
}

impl Visit {
    fn location(&self) -> Option<&str> {
        let mut lines = self.sent.headers.iter();
        let (_, value) = lines.find(|(name, _)| name == "location")?;
        Some(value)
    }
}

/// A policy that pins all keys of the issuer, or only those of before.
fn policy(issuer: &Issuer, pins_newer: bool) -> Result<Policy> {
    issuer.publish_newer(pins_newer)?;
    let policy = site::sign_in(issuer)?;
    issuer.publish_newer(true)?;
    Ok(policy)
}

/// A fault of the token endpoint, on which sign-in and refresh depend.
pub(super) fn token(
    places: &Places,
    world: &World,
    target: Target,
    how: &str,
    code: &str,
) -> Result<(Score, String)> {
    let issuer = &world.issuer;
    let how: Value = serde_json::from_str(how).context("a fault of the issuer")?;
    let policy = policy(issuer, true)?;
    let discoveries = issuer.discoveries()?;
    let mut browser = Browser::new(places, &policy, target)?;
    let callback = browser.at_provider(issuer)?;
    issuer.token_fault(&how)?;
    let before = issuer.exchanges()?;
    let failed = browser.fail(&callback, code)?;
    ensure!(
        issuer.exchanges()? > before,
        "the token endpoint was not called"
    );
    issuer.well()?;
    browser.now += STEP_SECS;
    browser.sign_in(issuer)?;

    // A session that is valid stays, and one that has ended is not continued.
    browser.now += OLD_SECS;
    issuer.token_fault(&how)?;
    let session = browser.session().cloned();
    let kept = browser.open(REFRESH)?.seen;
    browser.expect(&kept, "303 refresh_failed");
    ensure!(
        browser.session() == session.as_ref(),
        "the session was replaced"
    );
    browser.expect_lesson()?;
    browser.cookies.remove(SESSION);
    browser.now += AGAIN_SECS;
    let ended = browser.fail(REFRESH, code)?;
    issuer.well()?;
    browser.now += AGAIN_SECS;
    let refreshed = browser.open(REFRESH)?.seen;
    browser.expect(&refreshed, "303 refreshed");
    browser.expect_lesson()?;
    ensure!(
        issuer.discoveries()? == discoveries,
        "an edge fetched the discovery document, which is pinned"
    );
    browser.score.recovered_secs = Some(AGAIN_SECS);
    let what = format!("sign-in {failed}; refresh {kept}, without a session {ended}");
    Ok((browser.score, what))
}

/// A fault of the key set, when the ID token of a sign-in names a key that is not pinned.
pub(super) fn keys(
    places: &Places,
    world: &World,
    target: Target,
    how: &str,
) -> Result<(Score, String)> {
    let issuer = &world.issuer;
    let how: Value = serde_json::from_str(how).context("a fault of the issuer")?;
    let policy = policy(issuer, false)?;
    // An edge may fetch keys in the background as soon as it starts.
    issuer.fault(&how)?;
    let before = issuer.fetches()?;
    let mut browser = Browser::new(places, &policy, target)?;
    let callback = browser.at_provider(issuer)?;
    let failed = browser.fail(&callback, REJECTED)?;
    ensure!(issuer.fetches()? > before, "the key set was not fetched");
    issuer.well()?;
    browser.recover(issuer)?;
    Ok((browser.score, format!("sign-in {failed}")))
}

/// A provider that is down.
pub(super) fn refused(
    places: &Places,
    world: &mut World,
    target: Target,
) -> Result<(Score, String)> {
    let policy = policy(&world.issuer, true)?;
    let mut browser = Browser::new(places, &policy, target)?;
    browser.sign_in(&world.issuer)?;
    browser.now += OLD_SECS;
    let callback = browser.at_provider(&world.issuer)?;
    // Stopped once, because a start generates keys, which takes seconds.
    world.issuer.stop();
    let kept = browser.open(REFRESH)?.seen;
    browser.expect(&kept, "303 refresh_failed");
    browser.expect_lesson()?;
    browser.cookies.remove(SESSION);
    let failed = browser.fail(&callback, UNREACHABLE)?;
    world.issuer.resume()?;
    world.issuer.publish_newer(true)?;
    browser.now += STEP_SECS;
    // A provider that restarts has forgotten its refresh tokens, so the user signs in again.
    browser.cookies.clear();
    browser.sign_in(&world.issuer)?;
    browser.score.recovered_secs = Some(STEP_SECS);
    Ok((browser.score, format!("sign-in {failed}; refresh {kept}")))
}
