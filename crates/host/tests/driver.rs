//! The driver with a machine that counts and a scripted network, in simulated time that advances only while a
//! request waits.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests"
)]

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tollgate_gate::{Fetch, FetchLimits, FetchRequest, FetchResponse, Request, UnixSeconds};
use tollgate_host::{Accepted, Client, Fetched, Host, MAX_WAIT, Machine, Native, Stepped, Task};

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// A machine that allows a request once one of the fetches that it depends on has succeeded. The target
/// contains their tickets: `/1/2` depends on tickets 1 and 2.
#[derive(Default)]
struct Counting {
    arrived: Mutex<BTreeSet<u32>>,
    begun: Mutex<BTreeSet<u32>>,
    /// Fetches that are due without a request.
    old: Mutex<Vec<Fetch>>,
    evaluations: AtomicUsize,
}

fn fetch(ticket: u32) -> Fetch {
    Fetch {
        ticket,
        request: FetchRequest {
            method: "GET".to_owned(),
            url: ticket.to_string(),
            headers: Vec::new(),
            body: Vec::new(),
        },
        limits: FetchLimits {
            secs: 5,
            patience_ms: 1_000,
            bytes: 10,
            cached_secs: 0,
        },
    }
}

fn tickets(request: &Request<'_>) -> Vec<u32> {
    let target = core::str::from_utf8(request.target).unwrap();
    target
        .split('/')
        .filter_map(|part| part.parse().ok())
        .collect()
}

impl Machine for Counting {
    type Outcome = bool;

    fn step(&self, request: &Request<'_>, _: UnixSeconds) -> Stepped<bool> {
        let outcome = self.ask(request);
        let wanted = if outcome {
            Vec::new()
        } else {
            tickets(request)
        };
        let mut begun = self.begun.lock().unwrap();
        let new = wanted.iter().filter(|ticket| begun.insert(**ticket));
        Stepped {
            outcome,
            fetches: new.map(|ticket| fetch(*ticket)).collect(),
            tickets: wanted,
        }
    }

    fn ask(&self, request: &Request<'_>) -> bool {
        self.evaluations.fetch_add(1, Ordering::Relaxed);
        let arrived = self.arrived.lock().unwrap();
        tickets(request)
            .iter()
            .any(|ticket| arrived.contains(ticket))
    }

    fn needs_entropy(&self, _: &Request<'_>) -> bool {
        false
    }

    fn due(&self, _: UnixSeconds) -> Vec<Fetch> {
        core::mem::take(&mut *self.old.lock().unwrap())
    }

    fn resume(
        &self,
        ticket: u32,
        response: Option<FetchResponse<'_>>,
        _: UnixSeconds,
    ) -> Result<Accepted, String> {
        response
            .filter(|response| response.status == 200)
            .ok_or("no")?;
        self.arrived.lock().unwrap().insert(ticket);
        Ok(Accepted {
            changed: true,
            skipped: Vec::new(),
        })
    }
}

/// A network that responds after a number of milliseconds; it panics if there is none.
#[derive(Clone)]
struct Network {
    answers: fn(&str) -> Option<u64>,
    sent: Arc<AtomicUsize>,
}

impl Client for Network {
    type Error = String;

    fn send(&self, request: FetchRequest, max_bytes: usize) -> Task<Result<Fetched, String>> {
        assert_eq!(max_bytes, 10);
        self.sent.fetch_add(1, Ordering::Relaxed);
        let after = (self.answers)(&request.url);
        Box::pin(async move {
            let after = after.expect("a network");
            tokio::time::sleep(Duration::from_millis(after)).await;
            let status = if after == 13 { 500 } else { 200 };
            Ok(Fetched {
                status,
                body: Vec::new(),
            })
        })
    }
}

struct Site {
    host: Arc<Host<Counting, Native<Network>>>,
    sent: Arc<AtomicUsize>,
    log: Arc<Mutex<Vec<String>>>,
}

fn site(answers: fn(&str) -> Option<u64>, has_background: bool) -> Site {
    let sent = Arc::new(AtomicUsize::new(0));
    let log = Arc::new(Mutex::new(Vec::new()));
    let client = Network {
        answers,
        sent: Arc::clone(&sent),
    };
    let lines = Arc::clone(&log);
    let platform = Native::new(
        client,
        || NOW,
        Box::new(move |ended| {
            let line = match &ended.result {
                Ok(_) => format!("{} ok", ended.url),
                Err(error) => format!("{} {error}", ended.url),
            };
            lines.lock().unwrap().push(line);
        }),
    );
    let platform = if has_background {
        platform
    } else {
        platform.without_background()
    };
    Site {
        host: Host::new(Counting::default(), platform),
        sent,
        log,
    }
}

impl Site {
    /// Whether a request is allowed, and the time until then in milliseconds.
    async fn ask(&self, target: &str) -> (bool, u128) {
        let began = tokio::time::Instant::now();
        let request = Request {
            method: "GET",
            target: target.as_bytes(),
            headers: &[],
            ip: None,
            now: NOW,
            entropy: None,
        };
        let allowed = self.host.ask(&request).await;
        (allowed, began.elapsed().as_millis())
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

/// Timers are accurate to a millisecond.
#[track_caller]
fn about(took: u128, expected: Duration) {
    let expected = expected.as_millis();
    assert!((expected..=expected + 2).contains(&took), "{took} ms");
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_the_fetch_it_needs() {
    let site = site(|_| Some(300), true);
    let (allowed, took) = site.ask("/1").await;
    assert!(allowed);
    about(took, Duration::from_millis(300));
    // The fetched keys are cached.
    assert_eq!(site.ask("/1").await, (true, 0));
    assert_eq!((site.sent(), site.log()), (1, vec!["1 ok".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_share_one_fetch() {
    let site = Arc::new(site(|_| Some(300), true));
    let asks: Vec<_> = (0..1_000)
        .map(|_| {
            let site = Arc::clone(&site);
            tokio::spawn(async move { site.ask("/1").await.0 })
        })
        .collect();
    for ask in asks {
        assert!(ask.await.unwrap());
    }
    assert_eq!(site.sent(), 1);
    // Each is evaluated once before the fetch and once after it.
    let evaluations = site.host.machine().evaluations.load(Ordering::Relaxed);
    assert_eq!(evaluations, 2_000);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_delays_requests_only_in_its_first_second() {
    let site = site(|_| Some(3_600_000), true);
    let (allowed, took) = site.ask("/1").await;
    assert!(!allowed);
    about(took, MAX_WAIT);
    for _ in 0..100 {
        assert_eq!(site.ask("/1").await, (false, 0));
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(site.log(), ["1 no response within 5 seconds"]);
    assert_eq!(site.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_issuer_does_not_block_other_keys() {
    let site = site(|url| Some(if url == "1" { 3_600_000 } else { 50 }), true);
    assert!(site.ask("/1/2").await.0);
}

#[tokio::test(start_paused = true)]
async fn requests_that_need_no_new_key_do_not_wait() {
    let site = Arc::new(site(|_| Some(900), true));
    site.host.machine().arrived.lock().unwrap().insert(7);
    let waits = tokio::spawn({
        let site = Arc::clone(&site);
        async move { site.ask("/1").await }
    });
    tokio::task::yield_now().await;
    assert_eq!(site.ask("/7").await, (true, 0));
    assert!(waits.await.unwrap().0);
}

#[tokio::test(start_paused = true)]
async fn old_keys_are_fetched_in_the_background() {
    for (has_background, expected) in [(true, 0), (false, 400)] {
        let site = site(|_| Some(400), has_background);
        site.host.machine().arrived.lock().unwrap().insert(7);
        site.host.machine().old.lock().unwrap().push(fetch(1));
        let (allowed, took) = site.ask("/7").await;
        assert!(allowed);
        about(took, Duration::from_millis(expected));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(site.log(), ["1 ok"]);
        // The gate is called once per second.
        site.host.machine().old.lock().unwrap().push(fetch(2));
        assert!(site.ask("/7").await.0);
        assert_eq!(site.sent(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_deny_and_the_next_request_works() {
    // An error status, and a client that panics.
    for answers in [(|_| Some(13)) as fn(&str) -> Option<u64>, |_| None] {
        let site = site(answers, true);
        let (allowed, took) = site.ask("/1").await;
        assert!(!allowed);
        assert!(took < MAX_WAIT.as_millis(), "{took}");
        assert_eq!(site.ask("/1").await, (false, 0));
        site.host.machine().arrived.lock().unwrap().insert(1);
        assert_eq!(site.ask("/1").await, (true, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_outlives_the_request_that_began_it() {
    let site = Arc::new(site(|_| Some(300), true));
    let dropped = tokio::time::timeout(Duration::from_millis(10), site.ask("/1")).await;
    assert!(dropped.is_err());
    assert!(site.ask("/1").await.0);
    assert_eq!(site.sent(), 1);
}
