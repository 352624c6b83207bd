//! Sites with any number of courses, one rule and one group each, and requests that they allow or deny.
//!
//! Rule N: members of the group `course-N` may request everything below `/courses/course-N/`.

use core::num::NonZero;
use std::thread::{self, available_parallelism};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tollgate_targets::Policy;
use tollgate_targets::courses::Issuer;

/// The lifetime of tokens, in seconds. The clock is the machine's, because the peers use it too.
const LIFE_SECS: i64 = 6 * 3_600;
/// The number of tokens that are known after the warm-up.
const WARM_TOKENS: usize = 64;
/// The number of tokens used in turn where each should be new: no cache of verified tokens holds half of them. That of
/// `tollgate authz` holds 4,096.
const NEW_TOKENS: usize = 9_000;
/// Each step advances by the golden section of the site, so that any few requests are spread over all of it.
const STEP: usize = 618_034;
const WHOLE: usize = 1_000_003;

/// A request: its path and its token.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) token: String,
}

/// A policy with requests.
pub(crate) struct Site {
    pub(crate) rules: usize,
    pub(crate) policy: Policy,
    pub(crate) jwks: String,
    /// Allowed requests with few tokens.
    pub(crate) warm: Vec<Asked>,
    /// Allowed requests, each with another token.
    pub(crate) new: Vec<Asked>,
    /// Requests with a token for another course.
    pub(crate) denied: Vec<Asked>,
}

/// Returns requests all over a site, each with a token for the course that is `off` courses away.
fn asked(issuer: &Issuer, rules: usize, count: usize, off: usize) -> Result<Vec<Asked>> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let course = |turn: usize| turn * STEP % WHOLE * rules / WHOLE;
    let asked = |turn| {
        let group = format!("course-{}", (course(turn) + off) % rules);
        Ok(Asked {
            path: format!("/courses/course-{}/week-1/lesson-2.html", course(turn)),
            token: issuer.token(&group, turn, [now, now + LIFE_SECS])?,
        })
    };
    // Signing thousands of tokens takes a core most of a minute.
    let threads = available_parallelism().map_or(1, NonZero::get);
    let share = count.div_ceil(threads).max(1);
    let parts = thread::scope(|scope| {
        let begin = |from: usize| {
            let to = count.min(from + share);
            scope.spawn(move || (from..to).map(asked).collect::<Result<Vec<_>>>())
        };
        let running: Vec<_> = (0..count).step_by(share).map(begin).collect();
        let ended = running.into_iter().map(|part| part.join().ok());
        ended.collect::<Option<Vec<_>>>()
    });
    let parts: Result<Vec<_>> = parts
        .context("a thread that signs tokens failed")?
        .into_iter()
        .collect();
    Ok(parts?.into_iter().flatten().collect())
}

impl Site {
    pub(crate) fn new(rules: usize, issuer: &Issuer) -> Result<Self> {
        let who = |number| format!("groups = [\"course-{number}\"]");
        let policy = issuer.policy(rules, who, "[token]\nfrom = [\"header:authorization\"]\n")?;
        Ok(Self {
            rules,
            policy,
            jwks: issuer.jwks.clone(),
            warm: asked(issuer, rules, WARM_TOKENS, 0)?,
            new: asked(issuer, rules, NEW_TOKENS, 0)?,
            denied: asked(issuer, rules, 4, 1)?,
        })
    }
}
