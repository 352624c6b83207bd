//! Requests with known expected results, and the score of the actual ones.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tollgate_core::UnixSeconds;
use tollgate_gate::Request;
use tollgate_targets::driver::{Ask, Told};
use tollgate_targets::live::issuer::{Issuer, Signed};
use tollgate_targets::live::site::{HOSTILE, LESSON, NEW, OPEN, OTHER};

/// How far the clock is put forward where a cooldown must be over, in seconds.
pub(crate) const STEP_SECS: i64 = 11;
/// Most steps that may pass until a target has recovered.
const MOST_STEPS: u32 = 6;

/// What must come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// It must be allowed.
    Allow,
    /// It must not be allowed.
    Deny,
    /// Both are right while things change.
    Either,
}

/// Where in the play a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// While nothing is wrong yet.
    Before,
    /// Under the fault.
    Under,
    /// After it.
    After,
}

/// What must come of those requests that depend on the fault. All others have one right answer always.
#[derive(Clone, Copy)]
pub(crate) struct Wants {
    /// The open path.
    pub(crate) open: Want,
    /// A token by the key that everybody knows.
    pub(crate) known: Want,
    /// A token by the key that comes later.
    pub(crate) fresh: Want,
    /// The path that only the newer policy opens.
    pub(crate) new: Want,
}

impl Wants {
    /// Nothing is wrong, and nothing new is there.
    pub(crate) const USUAL: Wants = Wants {
        open: Want::Allow,
        known: Want::Allow,
        fresh: Want::Deny,
        new: Want::Deny,
    };
}

/// Tokens of everybody who asks.
pub(crate) struct Tokens {
    known: String,
    fresh: String,
    /// Those that open nothing, by what is wrong with them.
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

/// What came of all requests.
#[derive(Default)]
pub(crate) struct Score {
    /// Requests sent.
    pub(crate) requests: u64,
    /// Allowed, and must not be.
    pub(crate) wrong_allows: u64,
    /// Not allowed, and should have been while something was wrong with other things.
    pub(crate) lost_under: u64,
    /// Not allowed, and should have been, with nothing wrong any more or yet.
    pub(crate) lost_after: u64,
    /// Simulated seconds from the end of the fault until all was well.
    pub(crate) recovered_secs: Option<i64>,
    /// What those were, in words.
    pub(crate) wrong: Vec<String>,
    /// Under the fault: for each kind of request, how often which answer came.
    seen: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// Somebody who asks a target.
pub(crate) struct Asker<'a> {
    pub(crate) edge: Box<dyn Ask<Told>>,
    pub(crate) tokens: &'a Tokens,
    pub(crate) score: Score,
    /// The time of requests, in Unix seconds.
    pub(crate) now: i64,
}

impl<'a> Asker<'a> {
    pub(crate) fn new(edge: Box<dyn Ask<Told>>, tokens: &'a Tokens) -> Result<Asker<'a>> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.context("a clock before 1970")?.as_secs();
        Ok(Asker {
            edge,
            tokens,
            score: Score::default(),
            // Tokens were made before this.
            now: i64::try_from(since)? + 1,
        })
    }

    /// Asks everything once.
    pub(crate) fn round(&mut self, phase: Phase, wants: Wants) {
        let tokens = self.tokens;
        self.ask("open", OPEN, None, phase, wants.open);
        self.ask("known key", LESSON, Some(&tokens.known), phase, wants.known);
        for (_, token) in &tokens.bad {
            self.ask("bad token", LESSON, Some(token), phase, Want::Deny);
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
        // Once more: what is waited for and what is remembered must not change what is right.
        self.ask("known key", LESSON, Some(&tokens.known), phase, wants.known);
        self.ask("no token", LESSON, None, phase, Want::Deny);
    }

    /// Asks, and keeps the score.
    pub(crate) fn ask(
        &mut self,
        who: &'static str,
        target: &str,
        token: Option<&str>,
        phase: Phase,
        want: Want,
    ) -> Told {
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

    /// Lets time pass until a request is allowed that has waited for the end of the fault, and says for how
    /// long that took; then asks everything.
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
            // Fetches of keys and policies that go on behind the answers take their time too.
            std::thread::sleep(core::time::Duration::from_millis(100));
        }
        self.settle(wants);
    }

    /// With nothing wrong any more, asks everything twice, some time apart.
    pub(crate) fn settle(&mut self, wants: Wants) {
        for _ in 0..2 {
            self.round(Phase::After, wants);
            self.now += STEP_SECS;
        }
    }

    /// The answer; where there is none, that it is none.
    fn told(&mut self, target: &str, token: Option<&str>) -> Told {
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
        };
        self.edge.ask(&request).unwrap_or_else(|error| Told {
            allows: false,
            status: 0,
            why: format!("no answer: {error:#}"),
        })
    }
}

impl Score {
    /// The answers to these requests under the fault.
    pub(crate) fn seen(&self, who: &'static str) -> String {
        let Some(answers) = self.seen.get(who) else {
            return format!("{who}: not asked");
        };
        let told: Vec<String> = answers
            .iter()
            .map(|(answer, count)| format!("{answer} ×{count}"))
            .collect();
        format!("{who}: {}", told.join(", "))
    }
}
