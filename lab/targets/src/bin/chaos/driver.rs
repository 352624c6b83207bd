//! Requests with known expected results, and the score of the actual ones.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_targets::driver::{Ask, Observed};
use tollgate_targets::live::issuer::{Issuer, Signed};
use tollgate_targets::live::site::{HOSTILE, LESSON, NEW, OPEN, OTHER};

/// The number of seconds by which the clock is advanced to end a cooldown.
pub(crate) const STEP_SECS: i64 = 11;
/// The maximum number of steps until a target has recovered.
pub(crate) const MOST_STEPS: u32 = 6;

/// The expected result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// It must be allowed.
    Allow,
    /// It must be denied.
    Deny,
    /// Either is correct while things change.
    Either,
}

/// The phase of the scenario in which a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Before the fault.
    Before,
    /// During the fault.
    Under,
    /// After the fault.
    After,
}

/// The expected results of requests that depend on the fault. All others have a single correct result at all
/// times.
#[derive(Clone, Copy)]
pub(crate) struct Wants {
    /// The open path.
    pub(crate) open: Want,
    /// A token signed by the established key.
    pub(crate) known: Want,
    /// A token signed by the later key.
    pub(crate) fresh: Want,
    /// The path that only the newer policy opens.
    pub(crate) new: Want,
}

impl Wants {
    /// No fault, and nothing new.
    pub(crate) const USUAL: Wants = Wants {
        open: Want::Allow,
        known: Want::Allow,
        fresh: Want::Deny,
        new: Want::Deny,
    };
}

/// The tokens of all requests.
pub(crate) struct Tokens {
    known: String,
    fresh: String,
    /// Tokens that grant nothing, by what is wrong with them.
    bad: Vec<(&'static str, String)>,
    other_group: String,
}

impl Tokens {
    pub(crate) fn mint(issuer: &Issuer, stranger: &Issuer) -> Result<Tokens> {
        Ok(Tokens {
            known: issuer.token("alice", Signed::Older)?,
            fresh: issuer.token("alice", Signed::Newer)?,
            bad: vec![
                ("forged", issuer.token("alice", Signed::Falsely)?),
                ("expired", issuer.token("alice", Signed::LongAgo)?),
                ("another issuer's", stranger.token("alice", Signed::Older)?),
                ("no token at all", "x.y.z".to_owned()),
            ],
            other_group: issuer.token("dave", Signed::Older)?,
        })
    }
}

/// The results of all requests.
#[derive(Default)]
pub(crate) struct Score {
    /// The number of requests sent.
    pub(crate) requests: u64,
    /// Allowed, but must be denied.
    pub(crate) wrong_allows: u64,
    /// Denied, but should have been allowed during an unrelated fault.
    pub(crate) lost_under: u64,
    /// Denied, but should have been allowed before or after the fault.
    pub(crate) lost_after: u64,
    /// Simulated seconds from the end of the fault until full recovery.
    pub(crate) recovered_secs: Option<i64>,
    /// Descriptions of the wrong results.
    pub(crate) wrong: Vec<String>,
    /// Counts of each result during the fault, by kind of request.
    seen: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// A client that sends requests to a target.
pub(crate) struct RequestDriver<'a> {
    pub(crate) edge: Box<dyn Ask<Observed>>,
    pub(crate) tokens: &'a Tokens,
    pub(crate) score: Score,
    /// The time of requests, in Unix seconds.
    pub(crate) now: i64,
}

impl<'a> RequestDriver<'a> {
    pub(crate) fn new(
        edge: Box<dyn Ask<Observed>>,
        tokens: &'a Tokens,
    ) -> Result<RequestDriver<'a>> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.context("the clock is before 1970")?.as_secs();
        Ok(RequestDriver {
            edge,
            tokens,
            score: Score::default(),
            // The tokens must be older than this.
            now: i64::try_from(since)? + 1,
        })
    }

    /// Sends all requests once.
    pub(crate) fn round(&mut self, phase: Phase, wants: Wants) {
        let tokens = self.tokens;
        self.ask("open", OPEN, None, phase, wants.open);
        self.ask("known key", LESSON, Some(&tokens.known), phase, wants.known);
        for (_, token) in &tokens.bad {
            self.ask("invalid token", LESSON, Some(token), phase, Want::Deny);
        }
        self.ask(
            "other group",
            LESSON,
            Some(&tokens.other_group),
            phase,
            Want::Deny,
        );
        self.ask("other group", OTHER, Some(&tokens.known), phase, Want::Deny);
        self.ask("no token", LESSON, None, phase, Want::Deny);
        self.ask("hostile path", HOSTILE, None, phase, Want::Deny);
        self.ask("new path", NEW, None, phase, wants.new);
        self.ask("new key", LESSON, Some(&tokens.fresh), phase, wants.fresh);
        // Again: pending and cached state must not change the correct result.
        self.ask("known key", LESSON, Some(&tokens.known), phase, wants.known);
        self.ask("no token", LESSON, None, phase, Want::Deny);
    }

    /// Sends a request and updates the score.
    pub(crate) fn ask(
        &mut self,
        who: &'static str,
        target: &str,
        token: Option<&str>,
        phase: Phase,
        want: Want,
    ) -> Observed {
        let told = self.told(target, token);
        self.score.requests += 1;
        if phase == Phase::Under {
            let answers = self.score.seen.entry(who).or_default();
            *answers
                .entry(format!("{} {}", told.status, told.why))
                .or_default() += 1;
        }
        let is_lost = want == Want::Allow && !told.allows;
        if want == Want::Deny && told.allows {
            self.score.wrong_allows += 1;
        } else if is_lost && phase == Phase::Under {
            self.score.lost_under += 1;
        } else if is_lost {
            self.score.lost_after += 1;
        } else {
            return told;
        }
        let wrong = format!("{phase:?}: {who}: {} {}", told.status, told.why);
        self.score.wrong.push(wrong);
        told
    }

    /// Advances the clock until a request that waited for the end of the fault is allowed, and records how
    /// long that took; then sends all requests.
    pub(crate) fn recover(&mut self, target: &str, fresh: bool, wants: Wants) {
        let tokens = self.tokens;
        let token = (target == LESSON).then_some(if fresh { &tokens.fresh } else { &tokens.known });
        for step in 1..=MOST_STEPS {
            self.now += STEP_SECS;
            self.score.requests += 1;
            if self.told(target, token.map(String::as_str)).allows {
                self.score.recovered_secs = Some(i64::from(step) * STEP_SECS);
                break;
            }
            // Background fetches of keys and policies take time too.
            std::thread::sleep(core::time::Duration::from_millis(100));
        }
        self.settle(wants);
    }

    /// After the fault, sends all requests twice, some time apart.
    pub(crate) fn settle(&mut self, wants: Wants) {
        for _ in 0..2 {
            self.round(Phase::After, wants);
            self.now += STEP_SECS;
        }
    }

    /// Returns the result, or a description of why there is none.
    fn told(&mut self, target: &str, token: Option<&str>) -> Observed {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<(&str, &[u8])> = bearer
            .iter()
            .map(|bearer| ("authorization", bearer.as_bytes()))
            .collect();
        let request = Request {
            method: "GET",
            target: target.as_bytes(),
            headers: &headers,
            ip: Some("203.0.113.7"),
            now: UnixSeconds(self.now),
            entropy: None,
        };
        self.edge.ask(&request).unwrap_or_else(|error| Observed {
            allows: false,
            status: 0,
            why: format!("no response: {error:#}"),
            response: None,
        })
    }
}

impl Score {
    /// Returns the results of these requests during the fault.
    pub(crate) fn seen(&self, who: &'static str) -> String {
        let Some(answers) = self.seen.get(who) else {
            return format!("{who}: not sent");
        };
        let told: Vec<String> = answers
            .iter()
            .map(|(answer, count)| format!("{answer} ×{count}"))
            .collect();
        format!("{who}: {}", told.join(", "))
    }
}
