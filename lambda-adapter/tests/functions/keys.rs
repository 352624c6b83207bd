//! Key fetches while a request waits: bounded time, bounded number, and never an allow without a key.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_gate::{FetchRequest, Gate};
use tollgate_host::{Client, Fetched, MAX_WAIT, Task};
use tollgate_lambda::Role;
use tollgate_lambda::content::Content;
use tollgate_token::{Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey};

use crate::events::function_url;
use crate::kit::{Asked, Memory, settings, with_keys};
use crate::site::{config, image};

const PATH: &str = "/courses/rust-101/a.mp4";
const URL: &str = "https://issuer.example/keys";
/// A key set with one RSA key, `learners-1`.
const KEYS: &str = include_str!("../../../policy/keys/learners.jwks.json");

/// A repeated `G` is the valid signature of every message.
#[derive(Clone, Copy)]
struct Provider;

impl tollgate_token::Provider for Provider {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(*self))
    }
}

impl PreparedKey for Provider {
    fn verify(&self, _: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        assert!(signature.iter().any(|byte| *byte != b'P'), "injected");
        let is_good = signature.iter().all(|byte| *byte == b'G');
        is_good.then_some(()).ok_or(BadSignature)
    }
}

/// The behaviour of the issuer.
#[derive(Clone, Copy)]
enum Issuer {
    Answers(&'static str),
    Fails,
    NeverAnswers,
}

struct Fetches {
    issuer: Issuer,
    count: Arc<AtomicUsize>,
}

impl Client for Fetches {
    type Error = &'static str;

    fn send(&self, request: FetchRequest, _: usize) -> Task<Result<Fetched, &'static str>> {
        assert_eq!(request.url, URL);
        self.count.fetch_add(1, Ordering::Relaxed);
        let issuer = self.issuer;
        Box::pin(async move {
            match issuer {
                Issuer::Answers(keys) => Ok(key_set(keys)),
                Issuer::Fails => Err("no key set"),
                Issuer::NeverAnswers => {
                    tokio::time::sleep(Duration::from_secs(3_600)).await;
                    Err("no request waits for this")
                }
            }
        })
    }
}

fn key_set(keys: &str) -> Fetched {
    Fetched {
        status: 200,
        body: keys.as_bytes().to_vec(),
    }
}

/// A function with this issuer, and its number of requests to the issuer.
fn function(issuer: Issuer) -> (Asked<Fetches>, Arc<AtomicUsize>) {
    let mut config = config();
    config.issuers[0].algorithms.push(Algorithm::RS256);
    config.issuers[0].refresh = Some(URL.to_owned());
    let gate = Gate::new(image(&config), &Provider).expect("a valid image");
    let count = Arc::new(AtomicUsize::new(0));
    let keys = Fetches {
        issuer,
        count: Arc::clone(&count),
    };
    let store = Memory::of(&[("courses/rust-101/a.mp4", b"bytes")]);
    (
        with_keys(gate, keys, Role::Content(Content::new(settings(), store))),
        count,
    )
}

/// A token of the group, signed with this key according to the mock provider.
fn signed_by(kid: &str) -> String {
    signed_with(kid, b'G')
}

/// The same with a signature of this byte only.
fn signed_with(kid: &str, byte: u8) -> String {
    let header = format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#);
    let claims = r#"{"iss":"https://issuer.example","aud":"web","exp":1800000600,"cognito:groups":["rust-101"]}"#;
    let part = Base64UrlUnpadded::encode_string;
    let signature = part(&[byte; 256]);
    format!(
        "Bearer {}.{}.{signature}",
        part(header.as_bytes()),
        part(claims.as_bytes())
    )
}

fn status(asked: &Asked<Fetches>, kid: &str) -> u64 {
    let token = signed_by(kid);
    let event = function_url("GET", PATH, &[("authorization", &token)]);
    let answer = asked.answer(event).expect("an answer");
    answer["statusCode"].as_u64().expect("a status")
}

#[test]
fn a_new_key_is_accepted_at_once() {
    let (asked, count) = function(Issuer::Answers(KEYS));
    assert_eq!(status(&asked, "learners-1"), 200, "{:?}", asked.log());
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[test]
fn invented_key_ids_cause_one_fetch() {
    for issuer in [Issuer::Answers(KEYS), Issuer::Answers("{}"), Issuer::Fails] {
        let (asked, count) = function(issuer);
        for number in 0..1_000 {
            assert_eq!(status(&asked, &format!("invented-{number}")), 401);
        }
        // All within one second of the gate's time.
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn rejected_and_skipped_keys_are_logged() {
    let odd = r#"[{"kid":"odd","kty":"odd"},"#;
    let with_odd: &str = Box::leak(KEYS.replacen('[', odd, 1).into_boxed_str());
    assert!(with_odd.len() > KEYS.len());
    let table = [
        (Issuer::Answers(KEYS), None),
        (
            Issuer::Answers(with_odd),
            Some((r#""event":"keys_skipped""#, "odd")),
        ),
        (
            Issuer::Answers("{}"),
            Some((r#""event":"keys_failed""#, "keys")),
        ),
        (
            Issuer::Fails,
            Some((r#""event":"keys_failed""#, "no key set")),
        ),
    ];
    for (issuer, expect) in table {
        let (asked, _) = function(issuer);
        status(&asked, "invented");
        let lines = asked.log();
        let events: Vec<_> = lines.iter().filter(|line| line.contains("event")).collect();
        match expect {
            None => assert!(events.is_empty(), "{events:?}"),
            Some((event, what)) => {
                assert_eq!(events.len(), 1, "{lines:?}");
                assert!(
                    events[0].contains(event) && events[0].contains(what),
                    "{events:?}"
                );
                assert!(events[0].contains(URL));
            }
        }
    }
}

#[test]
fn no_request_waits_longer_than_the_limit() {
    let (asked, count) = function(Issuer::NeverAnswers);
    let token = signed_by("learners-1");
    let event = || function_url("GET", PATH, &[("authorization", &token)]);
    crate::kit::block_on(async {
        let began = tokio::time::Instant::now();
        assert!(asked.function.answer(event()).await.is_ok());
        assert!(
            began.elapsed() <= MAX_WAIT + Duration::from_millis(10),
            "{:?}",
            began.elapsed()
        );
        let began = tokio::time::Instant::now();
        assert!(asked.function.answer(event()).await.is_ok());
        assert_eq!(began.elapsed(), Duration::ZERO);
    });
    assert_eq!(count.load(Ordering::Relaxed), 1);
    // Current keys are used in the meantime.
    let event = function_url(
        "GET",
        PATH,
        &[("authorization", &crate::kit::bearer("rust-101"))],
    );
    assert_eq!(asked.answer(event).expect("an answer")["statusCode"], 200);
}

#[test]
fn a_panic_of_the_gate_denies_one_request() {
    let (asked, _) = function(Issuer::Answers(KEYS));
    assert_eq!(status(&asked, "learners-1"), 200);
    let token = signed_with("learners-1", b'P');
    let event = function_url("GET", PATH, &[("authorization", &token)]);
    let answer = asked.answer(event).expect("a response");
    assert_eq!(answer["statusCode"], 500);
    assert!(
        asked
            .log()
            .iter()
            .any(|line| line.contains(r#""detail":"panic""#))
    );
    assert_eq!(status(&asked, "learners-1"), 200);
}

/// Two issuers, of which the first never responds.
struct OneHangs;

impl Client for OneHangs {
    type Error = &'static str;

    fn send(&self, request: FetchRequest, _: usize) -> Task<Result<Fetched, &'static str>> {
        Box::pin(async move {
            if request.url != URL {
                tokio::time::sleep(Duration::from_secs(3_600)).await;
            }
            Ok(key_set(KEYS))
        })
    }
}

#[test]
fn a_hanging_issuer_does_not_block_the_keys_of_others() {
    let mut config = config();
    config.issuers[0].algorithms.push(Algorithm::RS256);
    config.issuers[0].refresh = Some(URL.to_owned());
    let mut hanging = config.issuers[0].clone();
    hanging.name = "hanging".to_owned();
    hanging.issuers = vec!["https://hanging.example".to_owned()];
    // A key ID that no key of the other issuer has.
    for secret in &mut hanging.secrets {
        secret.kid = "hanging-1".to_owned();
    }
    hanging.refresh = Some("https://hanging.example/keys".to_owned());
    config.issuers.insert(0, hanging);
    let gate = Gate::new(image(&config), &Provider).expect("a valid image");
    let store = Memory::of(&[("courses/rust-101/a.mp4", b"bytes")]);
    let role = Role::Content(Content::new(settings(), store));
    let asked = with_keys(gate, OneHangs, role);
    let token = signed_by("learners-1");
    let event = function_url("GET", PATH, &[("authorization", &token)]);
    assert_eq!(asked.answer(event).expect("an answer")["statusCode"], 200);
}
