//! Random walks: several browsers, three sites, several users, two providers with faults, and cookies and callbacks
//! that wander. Whenever a response sets a session, its subject signed in in exactly this browser.
//!
//! `TOLLGATE_WALKS` is the number of steps, `TOLLGATE_WALK_SEED` the start of the generator.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::browser::{Browser, Cookie, split};
use crate::provider::{Evil, Granted, Provider, Sent, one, parameters};
use crate::providers::TWO;
use crate::site::{LEARN, Options, SHOP, STAFF};
use crate::world::{Reply, World};

const STEPS: u64 = 20_000;
const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const HOSTS: [&str; 3] = [LEARN.host, SHOP.host, TWO.host];
const BROWSERS: usize = USERS.len();

/// A generator of pseudo-random numbers (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).unwrap_or(0) % sides
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        (!from.is_empty()).then(|| &from[self.roll(from.len())])
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }
}

/// A browser, and what really happened in it.
#[derive(Default)]
struct Walker {
    browser: Browser,
    /// The `state` of the latest flows that began here, and of those whose cookie the walk copied here.
    flows: VecDeque<String>,
    /// The `state` of the sign-ins that ended here, and of those whose `__Host-` cookie the walk copied here.
    sign_ins: BTreeSet<String>,
    /// Where it was redirected to last.
    next: Option<String>,
}

struct Walk {
    world: World,
    dice: Dice,
    walkers: Vec<Walker>,
    /// Callbacks of all browsers.
    callbacks: Vec<String>,
    /// Values of cookies that were seen, of all names.
    values: Vec<String>,
    /// The user who signed in in a flow, by `state`.
    users: BTreeMap<String, String>,
    /// The `state` of the sign-in that a refresh token is from, by what binds it to the browser.
    bindings: BTreeMap<String, String>,
    counts: BTreeMap<String, u64>,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let mut world = World::with(&[LEARN, SHOP, TWO]);
        world.is_strict = false;
        Self {
            world,
            dice: Dice(seed | 1),
            walkers: USERS
                .map(|user| Walker {
                    browser: Browser::of(user),
                    ..Walker::default()
                })
                .into(),
            callbacks: Vec::new(),
            values: Vec::new(),
            users: BTreeMap::new(),
            bindings: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }

    fn step(&mut self) {
        let at = self.dice.roll(BROWSERS);
        match self.dice.roll(100) {
            0..10 => self.page(at),
            10..60 => self.follow(at),
            60..70 => self.callback(at),
            70..80 => self.endpoint(at),
            80..86 => self.cookies(at),
            86..93 => self.clock(),
            93..96 => self.fault(),
            96..98 => self.walkers[at].browser.user = self.dice.pick(&USERS).copied(),
            98 if self.dice.one_in(4) => self.walkers[at].browser.user = None,
            _ => self.replace(),
        }
        self.world.records.clear();
        for provider in [&mut self.world.provider, &mut self.world.staff] {
            provider.seen.clear();
            // Only the latest secrets, because all of them are searched for.
            let surplus = provider.secrets.len().saturating_sub(64);
            provider.secrets.drain(..surplus);
        }
        let surplus = self.callbacks.len().saturating_sub(24);
        self.callbacks.drain(..surplus);
        let surplus = self.values.len().saturating_sub(48);
        self.values.drain(..surplus);
    }

    fn host(&mut self) -> &'static str {
        HOSTS[self.dice.roll(HOSTS.len())]
    }

    fn page(&mut self, at: usize) {
        let host = self.host();
        let pages = [
            "/",
            "/learn/a",
            "/learn/b?x=1",
            "/staff/a",
            "/open/a",
            "/none",
            "//learn",
        ];
        let page = self.dice.pick(&pages).copied().unwrap_or("/");
        self.request(at, "GET", &format!("https://{host}{page}"));
    }

    /// Goes where the browser was sent, if it was.
    fn follow(&mut self, at: usize) {
        let Some(url) = self.walkers[at].next.take() else {
            return self.page(at);
        };
        if url.contains("/authorize?tenant=7&") {
            let user = self.walkers[at].browser.user;
            let now = self.world.now;
            let back = provider_at(&mut self.world, &url).authorize(&url, user, now);
            self.callbacks.push(back.clone());
            // Sometimes the redirect is lost.
            self.walkers[at].next = (!self.dice.one_in(8)).then_some(back);
        } else if HOSTS.contains(&split(&url).0) {
            self.request(at, "GET", &url);
        }
    }

    /// Opens a callback of any browser, as it is or changed.
    fn callback(&mut self, at: usize) {
        let Some(url) = self.dice.pick(&self.callbacks).cloned() else {
            return;
        };
        let other = self.dice.pick(&self.callbacks).cloned().unwrap_or_default();
        let url = match self.dice.roll(12) {
            0 => swapped(&url, &other, "code"),
            1 => swapped(&url, &other, "state"),
            2 => swapped(&url, &other, "iss"),
            3 => url.replace("&iss=", "&x="),
            4 => format!("{url}&{}", other.split('?').nth(1).unwrap_or_default()),
            5 => {
                let host = self.host();
                let (_, target) = split(&url);
                format!("https://{host}{target}")
            }
            _ => url,
        };
        self.request(at, "GET", &url);
    }

    fn endpoint(&mut self, at: usize) {
        let host = self.host();
        let endpoints = [
            "sign-in?to=/learn/a",
            "sign-in?to=/learn/a&with=learners",
            "sign-in?to=/learn/a&with=staff",
            "sign-in?to=/learn/b&again=1&with=staff",
            "sign-in?to=/learn/a&again=1",
            "sign-in?to=//evil.example",
            "refresh?to=/learn/a",
            "refresh?to=/learn/a&second=1",
            "refresh",
            "sign-out",
            "signed-out",
            "me",
            "back-channel",
            "session",
        ];
        let endpoint = self.dice.pick(&endpoints).copied().unwrap_or("me");
        let method = if self.dice.one_in(4) { "POST" } else { "GET" };
        self.request(at, method, &format!("https://{host}/.tollgate/{endpoint}"));
    }

    /// Drops, changes, duplicates, copies and swaps cookies.
    fn cookies(&mut self, at: usize) {
        let count = self.walkers[at].browser.jar.len();
        if count == 0 {
            return;
        }
        let which = self.dice.roll(count);
        match self.dice.roll(8) {
            0 => {
                self.walkers[at].browser.jar.remove(which);
            }
            1 => {
                let value = &mut self.walkers[at].browser.jar[which].value;
                let cut = self.dice.roll(value.len() + 1);
                value.truncate(cut);
            }
            2 => {
                // Any value under any name.
                let value = self.dice.pick(&self.values).cloned().unwrap_or_default();
                let cookie = self.walkers[at].browser.jar[which].clone();
                if !is_noted(&cookie.name, &value) {
                    self.walkers[at].browser.jar[which].value = value;
                }
            }
            3 => {
                // The clocks of browsers are not ours.
                self.walkers[at].browser.jar[which].ends += 100_000;
            }
            4 => {
                // A neighbouring site sets it for the whole domain.
                let mut cookie = self.walkers[at].browser.jar[which].clone();
                if cookie.name.starts_with("__Secure-") {
                    cookie.path = "/".to_string();
                    let to = self.dice.roll(BROWSERS);
                    self.walkers[to].browser.jar.insert(0, cookie);
                }
            }
            _ => {
                let to = self.dice.roll(BROWSERS);
                let mut cookie = self.walkers[at].browser.jar[which].clone();
                if self.dice.one_in(4) {
                    cookie.host = self.host().to_string();
                }
                self.copy(at, to, cookie);
            }
        }
    }

    /// Copies a cookie. What its `__Host-` prefix prevents for an attacker, the walk does, and notes.
    fn copy(&mut self, from: usize, to: usize, cookie: Cookie) {
        if let Some(start) = cookie.name.strip_prefix("__Host-tollgate-flow-") {
            let flows = self.walkers[from].flows.clone();
            let copied = flows.into_iter().filter(|state| state.starts_with(start));
            self.walkers[to].flows.extend(copied);
        }
        if cookie.name == "__Host-tollgate-renew" {
            let state = self.bound(&cookie.value);
            self.walkers[to].sign_ins.extend(state);
        }
        let jar = &mut self.walkers[to].browser.jar;
        jar.retain(|known| {
            (&known.host, &known.name, &known.path) != (&cookie.host, &cookie.name, &cookie.path)
        });
        jar.push(cookie);
    }

    /// The `state` of the sign-in that the refresh token of this `__Host-` cookie is from.
    fn bound(&self, renew: &str) -> Option<String> {
        let (_, binding) = renew.split_once('.')?;
        self.bindings.get(binding).cloned()
    }

    fn clock(&mut self) {
        self.world.now += match self.dice.roll(100) {
            0..70 => 5,
            70..85 => 70,
            85..95 => 2_900,
            95..97 => 4_000,
            97 => 595,
            98 => -50,
            _ => 86_400,
        };
    }

    fn fault(&mut self) {
        let which = self.dice.one_in(3);
        let provider = if which {
            &mut self.world.staff
        } else {
            &mut self.world.provider
        };
        let dice = &mut self.dice;
        provider.rotates = !dice.one_in(4);
        provider.refreshable = !dice.one_in(5);
        provider.token_secs = if dice.one_in(5) { 90 } else { 3_600 };
        let response = |status, body: &str| Some(Sent::Response(status, body.as_bytes().to_vec()));
        let reply = match dice.roll(12) {
            0 => Some(Sent::Nothing),
            1 => Some(Sent::Late),
            2 => response(500, ""),
            3 => response(400, r#"{"error":"invalid_grant"}"#),
            4 => response(200, "<html>"),
            5 => response(200, "{}"),
            _ => None,
        };
        provider.evil = Evil {
            reply,
            replays: dice.one_in(4),
            ..Evil::default()
        };
    }

    /// Another gate takes over: one with an empty memory, and sometimes with a new secret.
    fn replace(&mut self) {
        let learn = Options {
            seals: if self.dice.one_in(3) {
                &["s3", "s1"]
            } else {
                &["s1"]
            },
            ..LEARN
        };
        self.world.add(&learn);
        self.world.add(&SHOP);
        self.world.add(&TWO);
    }

    fn request(&mut self, at: usize, method: &str, url: &str) {
        let headers: &[(&str, &str)] = match self.dice.roll(10) {
            0 => &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
            1 => &[("sec-fetch-site", "cross-site")],
            2 => &[("sec-fetch-site", "same-origin")],
            3 => &[
                ("sec-fetch-mode", ""),
                ("sec-fetch-dest", ""),
                ("sec-fetch-site", ""),
            ],
            4 => &[("sec-purpose", "prefetch")],
            _ => &[],
        };
        self.world.is_strict = self.dice.one_in(16);
        let walker = &mut self.walkers[at];
        let renew = renew_of(&walker.browser, url);
        let reply = walker.browser.send(&mut self.world, method, url, headers);
        *self.counts.entry(reply.summary()).or_default() += 1;
        for set in reply.set_cookies() {
            let value = set
                .split_once('=')
                .and_then(|(_, rest)| rest.split_once(';'));
            self.values
                .extend(value.map(|(value, _)| value.to_string()));
        }
        self.judge(at, url, renew.as_deref(), &reply);
        let (host, _) = split(url);
        self.walkers[at].next = reply.location().map(|location| match location {
            path if path.starts_with('/') => format!("https://{host}{path}"),
            url => url.to_string(),
        });
    }

    /// The invariant. `renew` is the `__Host-` cookie with which the request was sent.
    fn judge(&mut self, at: usize, url: &str, renew: Option<&str>, reply: &Reply) {
        let (host, target) = split(url);
        if reply.detail == Some("sign_in_started") {
            let query = reply
                .location()
                .and_then(|url| url.split_once("?tenant=7&"));
            let query = parameters(query.expect("the provider").1);
            let state = one(&query, "state").expect("a state").to_string();
            let flows = &mut self.walkers[at].flows;
            flows.push_back(state);
            let surplus = flows.len().saturating_sub(300);
            flows.drain(..surplus);
        }
        let Some(subject) = reply.session() else {
            return;
        };
        let walker = &mut self.walkers[at];
        let state = if target.starts_with("/.tollgate/callback") {
            let query = parameters(target.split_once('?').expect("a query").1);
            let (code, state) = (one(&query, "code"), one(&query, "state"));
            let (code, state) = (code.expect("a code"), state.expect("a state"));
            let world = &self.world;
            let (issuer, granted) = granted(world, code, |provider| &provider.codes);
            assert_eq!(granted.user, subject, "the user of the code");
            assert_eq!(granted.state, state, "the code of the flow");
            assert_eq!(granted.client, client(host, issuer), "the code of the site");
            assert_eq!(reply.issuer(), Some(issuer), "the issuer of the code");
            let mut flows = walker.flows.iter();
            assert!(flows.any(|flow| flow == state), "a flow of this browser");
            walker.sign_ins.insert(state.to_string());
            self.users.insert(state.to_string(), subject);
            state.to_string()
        } else {
            assert!(target.starts_with("/.tollgate/refresh"), "{target}");
            let state = renew.and_then(|renew| self.bound(renew));
            let state = state.expect("a refresh token of this browser");
            let sign_ins = &self.walkers[at].sign_ins;
            assert!(sign_ins.contains(&state), "a sign-in of this browser");
            assert_eq!(self.users[&state], subject, "the user of the sign-in");
            let world = &self.world;
            for sent in world.provider.seen.iter().chain(&world.staff.seen) {
                let body = String::from_utf8_lossy(&sent.body);
                let form = parameters(&body);
                if let Some(token) = one(&form, "refresh_token") {
                    let (issuer, granted) = granted(world, token, |provider| &provider.history);
                    assert_eq!(granted.state, state, "the token of the sign-in");
                    assert_eq!(
                        granted.client,
                        client(host, issuer),
                        "the token of the site"
                    );
                    assert_eq!(reply.issuer(), Some(issuer), "the issuer of the token");
                }
            }
            state
        };
        if let Some(renew) = reply.set("__Host-tollgate-renew")
            && let Some((_, binding)) = renew.split_once('.')
        {
            self.bindings.insert(binding.to_string(), state);
        }
    }

    /// Whatever happened, the user can sign in.
    fn recover(&mut self) {
        let at = self.dice.roll(BROWSERS);
        let host = self.host();
        for provider in [&mut self.world.provider, &mut self.world.staff] {
            provider.evil = Evil::default();
            provider.token_secs = 3_600;
        }
        self.world.now += 700;
        self.walkers[at].browser.user = self.dice.pick(&USERS).copied();
        self.walkers[at].next = None;
        self.request_until_forwarded(at, &format!("https://{host}/learn/a"));
    }

    fn request_until_forwarded(&mut self, at: usize, url: &str) {
        let mut url = url.to_string();
        let mut codes = Vec::new();
        for _ in 0..20 {
            let walker = &mut self.walkers[at];
            let renew = renew_of(&walker.browser, &url);
            self.world.provider.seen.clear();
            self.world.staff.seen.clear();
            let reply = walker.browser.send(&mut self.world, "GET", &url, &[]);
            codes.push(reply.summary());
            self.judge(at, &url, renew.as_deref(), &reply);
            if reply.is_forwarded {
                return;
            }
            if reply.detail == Some("choose_provider") {
                let issuer = if self.dice.one_in(2) {
                    "learners"
                } else {
                    "staff"
                };
                url.push_str("&with=");
                url.push_str(issuer);
                continue;
            }
            let location = reply.location();
            let location = location.unwrap_or_else(|| panic!("{codes:?}"));
            url = match location {
                path if path.starts_with('/') => format!("https://{}{path}", split(&url).0),
                at_provider => {
                    let user = self.walkers[at].browser.user;
                    let now = self.world.now;
                    provider_at(&mut self.world, at_provider).authorize(at_provider, user, now)
                }
            };
        }
        panic!("{codes:?}");
    }
}

/// Whether a value under this name is one that only a copy of the cookie may bring: see [`Walk::copy`].
fn is_noted(name: &str, value: &str) -> bool {
    match name {
        "__Host-tollgate-renew" => value.starts_with(|c: char| c.is_ascii_digit()),
        _ => name.starts_with("__Host-tollgate-flow-") && value.starts_with('s'),
    }
}

fn renew_of(browser: &Browser, url: &str) -> Option<String> {
    let (host, _) = split(url);
    let renew = browser.cookie(host, "__Host-tollgate-renew");
    renew.map(str::to_string)
}

/// The client of a site at the issuer with this name.
fn client(host: &str, issuer: &str) -> &'static str {
    let sites = [LEARN, SHOP, TWO];
    match issuer {
        "staff" => "office",
        _ => sites
            .iter()
            .find(|site| site.host == host)
            .map_or("", |site| site.client),
    }
}

/// The grant of a code or a token, and the name of its issuer.
fn granted<'w>(
    world: &'w World,
    text: &str,
    of: impl Fn(&'w Provider) -> &'w BTreeMap<String, Granted>,
) -> (&'static str, &'w Granted) {
    let learners = of(&world.provider)
        .get(text)
        .map(|found| ("learners", found));
    let staff = of(&world.staff).get(text).map(|found| ("staff", found));
    learners.or(staff).expect("a grant")
}

fn provider_at<'w>(world: &'w mut World, url: &str) -> &'w mut Provider {
    if url.starts_with(STAFF) {
        &mut world.staff
    } else {
        &mut world.provider
    }
}

/// The URL with the value that a parameter has in another URL.
fn swapped(url: &str, other: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').expect("a query");
    let Some((_, other)) = other.split_once('?') else {
        return url.to_string();
    };
    let mut query = parameters(query);
    let other = parameters(other);
    for (known, value) in &mut query {
        if known == name {
            let found = other.iter().find(|(known, _)| known == name);
            if let Some((_, other)) = found {
                value.clone_from(other);
            }
        }
    }
    format!("{base}?{}", crate::provider::encoded(&query))
}

fn variable(name: &str, default: u64) -> u64 {
    let text = std::env::var(name);
    text.map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn no_browser_holds_the_session_of_another_user() {
    let steps = variable("TOLLGATE_WALKS", STEPS);
    let seed = variable("TOLLGATE_WALK_SEED", 0x0070_11A7_E5EE_D001);
    let mut walk = Walk::new(seed);
    for step in 0..steps {
        let here = core::panic::AssertUnwindSafe(&mut walk);
        let result = std::panic::catch_unwind(move || {
            let walk = here;
            walk.0.step();
            if step % 500 == 499 {
                walk.0.recover();
            }
        });
        if let Err(panic) = result {
            println!("at step {step} of seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
    for (code, count) in &walk.counts {
        println!("{count:>8} {code}");
    }
    let least = steps / 40_000;
    for code in [
        "200 choose_provider",
        "400 issuer_mismatch",
        "303 signed_in",
        "303 refreshed",
        "303 session_fresh",
        "303 refresh_failed",
        "307 refresh_lost",
        "303 refresh_ended",
        "303 signed_out",
        "303 already_signed_in",
        "400 flow_missing",
        "400 flow_expired",
        "400 code_rejected",
        "400 callback_malformed",
        "502 nonce_mismatch",
    ] {
        let count = walk.counts.get(code).copied().unwrap_or(0);
        assert!(count >= least.max(1), "{code}: {count} in {steps} steps");
    }
}
