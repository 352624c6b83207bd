//! Cached tokens: the same outcomes as without a cache, and no second signature check.

#![expect(
    clippy::string_slice,
    reason = "a helper fails its test by panicking, and tokens are ASCII"
)]

use core::sync::atomic::{AtomicUsize, Ordering};

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_core::UnixSeconds;
use tollgate_gate::config::GateConfig;
use tollgate_gate::{Context, Gate, Outcome, Request, TokenCache};
use tollgate_token::{
    Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider, Secret,
};

use super::keys::{arrived, missed};
use super::site::{NOW, config, image};
use super::summary;

/// A signature is valid if it begins with `G`. Counts verifications.
struct Counting(AtomicUsize);

impl Provider for &'static Counting {
    fn prepare(&self, _: Algorithm, _: &KeyMaterial) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        Ok(Box::new(*self))
    }
}

impl PreparedKey for &'static Counting {
    fn verify(&self, _: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.0.fetch_add(1, Ordering::Relaxed);
        signature
            .starts_with(b"G")
            .then_some(())
            .ok_or(BadSignature)
    }
}

/// A gate, a cache, and the number of verifications.
struct Site {
    gate: Gate<Vec<u8>>,
    counting: &'static Counting,
    cache: TokenCache,
}

impl Site {
    fn new(config: &GateConfig, capacity: usize) -> Site {
        // Leaked until the test process ends, because gates need a `'static` provider.
        let counting: &'static Counting = Box::leak(Box::new(Counting(AtomicUsize::new(0))));
        let provider: &'static &'static Counting = Box::leak(Box::new(counting));
        Site {
            gate: Gate::new(image(config), provider).expect("a valid image"),
            counting,
            cache: TokenCache::new(capacity),
        }
    }

    fn ask(&mut self, token: &str, now: i64) -> Outcome {
        with(token, now, |request| {
            self.gate
                .ask(request, &mut Context::cached(&mut self.cache))
        })
    }

    fn ask_without(&self, token: &str, now: i64) -> Outcome {
        with(token, now, |request| {
            self.gate.ask(request, &mut Context::new())
        })
    }

    /// The number of signatures verified since the last call.
    fn verified(&self) -> usize {
        self.counting.0.swap(0, Ordering::Relaxed)
    }
}

fn with(token: &str, now: i64, then: impl FnOnce(&Request<'_>) -> Outcome) -> Outcome {
    then(&Request {
        method: "GET",
        target: b"/courses/rust-101/a",
        headers: &[("authorization", format!("Bearer {token}").as_bytes())],
        ip: None,
        now: UnixSeconds(now),
        entropy: None,
    })
}

/// A token with this number; like real tokens, each has a different signature.
fn token(number: u64, claims: &str) -> String {
    token_of("hs-1", number, claims)
}

fn token_of(kid: &str, number: u64, claims: &str) -> String {
    let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
    let claims = format!(
        r#"{{"iss":"https://issuer.example","aud":"web","cognito:groups":["rust-101"],"n":{number},{claims}}}"#
    );
    let mut signature = [b'G'; 32];
    let tail = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    signature[24..].copy_from_slice(&tail);
    let part = Base64UrlUnpadded::encode_string;
    let (header, claims) = (part(header.as_bytes()), part(claims.as_bytes()));
    format!("{header}.{claims}.{}", part(&signature))
}

const EXP: &str = r#""exp":1800000600"#;

#[test]
fn a_token_is_verified_once() {
    let mut site = Site::new(&config(), 64);
    let (a, b) = (token(1, EXP), token(2, EXP));
    for (token, cost) in [(&a, 1), (&a, 0), (&b, 1), (&a, 0), (&b, 0)] {
        let outcome = site.ask(token, NOW);
        assert_eq!(summary(&outcome), "allow 200 allow - rust-101/students");
        assert_eq!(site.verified(), cost);
    }
    assert_eq!(site.cache.len(), 2);
    // Its content is never shown, not even by `Debug`.
    assert_eq!(format!("{:?}", site.cache), "TokenCache(2 of 64)");
}

#[test]
fn token_times_are_checked_at_every_use() {
    let tokens = [
        r#""exp":1800000050"#,
        r#""exp":1800000050,"nbf":1799999950,"iat":1799999950"#,
        r#""exp":1800000050,"nbf":1800000010"#,
        r#""exp":1800000050,"iat":1800000040"#,
        r#""exp":1800000050,"iat":1800000000,"nbf":1800000049"#,
    ];
    for (number, claims) in tokens.into_iter().enumerate() {
        let mut site = Site::new(&config(), 64);
        let token = token(number as u64, claims);
        // Forwards, backwards, and alternating: clocks of hosts do all of that.
        let forwards = -200..200;
        let backwards = (-200..200).rev();
        let to_and_fro = (0..200).flat_map(|step| [step, -step]);
        for second in forwards.chain(backwards).chain(to_and_fro) {
            let (now, plain) = (NOW + second, site.ask_without(&token, NOW + second));
            let cached = site.ask(&token, now);
            assert_eq!(summary(&cached), summary(&plain), "{claims} at {second}");
            assert_eq!(cached.log, plain.log);
            if second >= 50 {
                assert_eq!(summary(&cached), "deny 401 bad_token expired -");
            }
        }
    }
}

#[test]
fn an_expired_token_is_evicted() {
    let mut site = Site::new(&config(), 64);
    let token = token(1, EXP);
    site.ask(&token, NOW);
    assert_eq!(site.cache.len(), 1);
    site.ask(&token, NOW + 600);
    assert!(site.cache.is_empty());
}

#[test]
fn a_single_different_byte_misses() {
    let mut site = Site::new(&config(), 64);
    let good = token(1, EXP);
    site.ask(&good, NOW);
    for at in 0..good.len() {
        for other in [b'A', b'z', b'.', b'=', 0x7F] {
            let mut bytes = good.clone().into_bytes();
            if bytes[at] == other {
                continue;
            }
            bytes[at] = other;
            let other = String::from_utf8(bytes).expect("it is ASCII");
            let plain = site.ask_without(&other, NOW);
            site.verified();
            assert_eq!(summary(&site.ask(&other, NOW)), summary(&plain), "{other}");
            let looked_at = site.verified();
            assert!(
                plain.status != 200 || looked_at == 1,
                "byte {at} is not looked at"
            );
        }
    }
    for other in [&good[1..], &good[..good.len() - 1], &format!("{good}A")] {
        assert_ne!(site.ask(other, NOW).status, 200);
    }
}

#[test]
fn a_flood_of_invalid_tokens_does_not_disable_it() {
    let mut site = Site::new(&config(), 256);
    let good: Vec<_> = (0..100).map(|number| token(number, EXP)).collect();
    for token in &good {
        site.ask(token, NOW);
    }
    let (mut hits, mut asked) = (0, 0);
    for round in 0..5_000_u64 {
        for number in 0..10 {
            // Half of them end like a valid token, so they hash to its slot.
            let mut bad = token(round * 10 + number + 1_000, EXP);
            if number % 2 == 0 {
                let model = &good[(round % 100) as usize];
                bad = format!("{}{}", &bad[..bad.len() - 40], &model[model.len() - 40..]);
            }
            // No longer a `G`.
            let signature = bad.rfind('.').expect("three parts") + 1;
            bad.replace_range(signature..=signature, "A");
            assert_eq!(site.ask(&bad, NOW).status, 401);
        }
        site.verified();
        assert_eq!(
            site.ask(&good[(round * 37 % 100) as usize], NOW).status,
            200
        );
        asked += 1;
        hits += usize::from(site.verified() == 0);
    }
    assert!(hits * 100 > asked * 95, "{hits} of {asked}");
}

#[test]
fn it_is_bounded_and_evicts_the_least_recently_used() {
    for (capacity, most) in [(0, 0), (1, 8), (8, 8), (9, 16), (100, 104)] {
        let mut site = Site::new(&config(), capacity);
        let favourite = token(0, EXP);
        for number in 0..2_000 {
            assert_eq!(site.ask(&token(number, EXP), NOW).status, 200);
            site.verified();
            assert_eq!(site.ask(&favourite, NOW).status, 200);
            // The most recently used token is evicted last.
            let expect = usize::from(number == 0 && capacity == 0 || most == 0);
            assert_eq!(site.verified(), expect, "{capacity} {number}");
            assert!(site.cache.len() <= most);
        }
        assert!(site.cache.len() * 2 >= most);
    }
}

#[test]
fn refreshed_keys_evict_cached_tokens() {
    const POINT: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    let mut config = config();
    config.issuers[0].algorithms.push(Algorithm::ES256);
    config.issuers[0].jwks = Some(format!(r#"{{"keys":[{{"kid":"old",{POINT}}}]}}"#));
    config.issuers[0].refresh = Some("https://issuer.example/jwks".to_string());
    let mut site = Site::new(&config, 64);
    let old = {
        let (header, body) = (r#"{"alg":"ES256","kid":"old"}"#, token(1, EXP));
        let claims = body.split('.').nth(1).expect("three parts").to_string();
        let part = Base64UrlUnpadded::encode_string;
        format!("{}.{claims}.{}", part(header.as_bytes()), part(&[b'G'; 64]))
    };
    let secret = token(2, EXP);
    for (token, cost) in [(&old, 1), (&old, 0), (&secret, 1), (&secret, 0)] {
        assert_eq!(site.ask(token, NOW).status, 200);
        assert_eq!(site.verified(), cost);
    }
    // A fetch that fails changes no key.
    let fetch = missed(&mut site.gate, UnixSeconds(NOW)).expect("it is due");
    arrived(&mut site.gate, fetch.ticket, b"{}", UnixSeconds(NOW)).expect_err("no set");
    assert_eq!(site.ask(&old, NOW).status, 200);
    assert_eq!(site.verified(), 0);
    let set = format!(r#"{{"keys":[{{"kid":"new",{POINT}}}]}}"#);
    let fetch = missed(&mut site.gate, UnixSeconds(NOW + 10)).expect("again");
    arrived(
        &mut site.gate,
        fetch.ticket,
        set.as_bytes(),
        UnixSeconds(NOW + 10),
    )
    .expect("good");
    assert_eq!(
        summary(&site.ask(&old, NOW)),
        "deny 401 bad_token unknown_key -"
    );
    assert_eq!(site.ask(&secret, NOW).status, 200);
    assert_eq!(site.verified(), 1);
}

#[test]
fn an_unchanged_key_set_keeps_the_cached_tokens() {
    const POINT: &str = r#""kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    let key = |kid: &str| format!(r#"{{"kid":"{kid}",{POINT}}}"#);
    let unsupported = r#"{"kid":"odd","kty":"odd"}"#;
    let mut config = config();
    config.issuers[0].algorithms.push(Algorithm::ES256);
    config.issuers[0].jwks = Some(format!(r#"{{"keys":[{},{}]}}"#, key("a"), key("b")));
    config.issuers[0].refresh = Some("https://issuer.example/jwks".to_string());
    // The fetched set, whether its keys are new, and the number of skipped keys.
    let table = [
        (
            format!("{{\"keys\": [ {},\n{} ]}}", key("b"), key("a")),
            false,
            0,
        ),
        (
            format!(r#"{{"keys":[{},{unsupported},{}]}}"#, key("a"), key("b")),
            false,
            1,
        ),
        (
            format!(r#"{{"keys":[{},{}],"more":1}}"#, key("a"), key("c")),
            true,
            0,
        ),
        (
            format!(r#"{{"keys":[{},{}]}}"#, key("c"), key("a")),
            false,
            0,
        ),
        (format!(r#"{{"keys":[{}]}}"#, key("c")), true, 0),
        (
            format!(r#"{{"keys":[{},{},{}]}}"#, key("a"), key("b"), key("c")),
            true,
            0,
        ),
    ];
    let mut site = Site::new(&config, 64);
    let token = token(1, EXP);
    assert_eq!(site.ask(&token, NOW).status, 200);
    assert_eq!(site.verified(), 1);
    for (round, (set, changed, skipped)) in table.iter().enumerate() {
        let now = UnixSeconds(NOW + 10 * i64::try_from(round).expect("few"));
        let fetch = missed(&mut site.gate, now).expect("it is due");
        let arrived = arrived(&mut site.gate, fetch.ticket, set.as_bytes(), now);
        let accepted = arrived.expect("a valid set");
        assert_eq!(accepted.changed, *changed, "{set}");
        assert_eq!(accepted.skipped.len(), *skipped, "{set}");
        assert_eq!(site.ask(&token, NOW).status, 200);
        assert_eq!(site.verified(), usize::from(*changed), "{set}");
    }
}

#[test]
fn another_policy_finds_no_cached_token() {
    let mut first = Site::new(&config(), 64);
    let other = GateConfig {
        leeway_secs: 0,
        ..config()
    };
    let mut second = Site::new(&other, 64);
    let mut renamed = config();
    renamed.issuers[0].secrets = vec![Secret {
        kid: "hs-2".to_string(),
        key: vec![7; 32],
    }];
    let mut third = Site::new(&renamed, 64);
    let token = token(1, EXP);
    assert_eq!(first.ask(&token, NOW).status, 200);
    // A single cache, passed from gate to gate.
    second.cache = first.cache;
    assert_eq!(second.ask(&token, NOW).status, 200);
    assert_eq!(second.verified(), 1);
    third.cache = second.cache;
    assert_eq!(third.ask(&token, NOW).status, 401);
    assert!(third.cache.is_empty());
    assert_eq!(third.ask(&token_of("hs-2", 1, EXP), NOW).status, 200);
}
