//! Generated sites with any number of courses, one rule each, and tokens that grant access to them.
//!
//! Course N is at `/courses/course-N/` and requires the group `course-N`; every tenth course is open to
//! anyone. The requested courses are spread over the whole site.

use anyhow::Result;
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_targets::Policy;
use tollgate_targets::courses::Issuer;

/// The time of every request.
pub(crate) const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const LIFE_SECS: i64 = 3_600;
/// The maximum number of different requests used in turn.
const ASKED: usize = 256;
/// The number of different tokens used in turn where each should be new. Every target that caches tokens
/// holds fewer than half, so none of these is still cached when its turn comes again.
const NEW_TOKENS: usize = 2_200;
/// Every course whose number is a multiple of this is open to anyone.
const OPEN_EVERY: usize = 10;

/// A policy with requests that it allows.
pub(crate) struct Site {
    pub(crate) rules: usize,
    pub(crate) policy: Policy,
    /// Targets of open courses, which need no token.
    pub(crate) open: Vec<String>,
    /// Targets of closed courses, each with the required group and a token that contains it.
    pub(crate) closed: Vec<Closed>,
    /// The same courses repeatedly, each time with another token.
    pub(crate) never_seen: Vec<Closed>,
}

/// One closed course.
pub(crate) struct Closed {
    pub(crate) target: String,
    pub(crate) group: String,
    /// The value of an `authorization` header.
    pub(crate) bearer: String,
}

/// Returns a closed course with its token of that number.
fn closed_course(issuer: &Issuer, course: usize, number: usize) -> Result<Closed> {
    let group = format!("course-{course}");
    let token = issuer.token(&group, number, [NOW.0, NOW.0 + LIFE_SECS])?;
    Ok(Closed {
        target: target(course),
        bearer: format!("Bearer {token}"),
        group,
    })
}

impl Site {
    /// Returns a site with one course per rule.
    pub(crate) fn new(rules: usize, issuer: &Issuer) -> Result<Self> {
        let who = |number| {
            if is_open(number) {
                "anyone = true".to_owned()
            } else {
                format!("groups = [\"course-{number}\"]")
            }
        };
        let policy = issuer.policy(rules, who, "")?;
        let (open, closed): (Vec<usize>, Vec<usize>) =
            (0..rules).partition(|number| is_open(*number));
        let (open, closed) = (spread(&open), spread(&closed));
        let rounds = closed.iter().cycle().take(NEW_TOKENS);
        Ok(Self {
            rules,
            policy,
            open: open.into_iter().map(target).collect(),
            closed: closed
                .iter()
                .map(|course| closed_course(issuer, *course, 0))
                .collect::<Result<_>>()?,
            never_seen: rounds
                .zip(1..)
                .map(|(course, number)| closed_course(issuer, *course, number))
                .collect::<Result<_>>()?,
        })
    }

    /// Returns requests for open courses.
    pub(crate) fn open_requests(&self) -> Vec<Request<'_>> {
        self.open
            .iter()
            .map(|target| request(target, &[]))
            .collect()
    }
}

/// Returns the request for a target.
pub(crate) fn request<'a>(target: &'a str, headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request {
        method: "GET",
        target: target.as_bytes(),
        headers,
        ip: Some("203.0.113.7"),
        now: NOW,
        entropy: None,
    }
}

fn target(course: usize) -> String {
    format!("/courses/course-{course}/week-1/lesson-2.html")
}

fn is_open(number: usize) -> bool {
    number.is_multiple_of(OPEN_EVERY)
}

/// Returns some of the numbers, far apart and in a cache-unfriendly order.
fn spread(numbers: &[usize]) -> Vec<usize> {
    /// A prime larger than any site, so that steps of this size visit every number once.
    const STEP: usize = 1_000_003;
    let visit = |turn: usize| numbers.get(turn * STEP % numbers.len()).copied();
    (0..numbers.len().min(ASKED)).filter_map(visit).collect()
}
