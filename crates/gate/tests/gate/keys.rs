//! Key refresh of a loaded gate: rotation, floods of invented key IDs, and invalid key sets.

use tollgate_core::UnixSeconds;
use tollgate_gate::refresh::{COOLDOWN_SECS, MAX_KEYS_AGE_SECS, MAX_KEYS_BYTES};
use tollgate_gate::{
    Context, Fetch, FetchResponse, Gate, KeySetError, KeysAccepted, Kind, Outcome, Pending,
    Request, Resumed, Step,
};
use tollgate_token::{Algorithm, IssuerConfig};

use super::site::{self, NOW, Provider, config, image, signed};

const URL: &str = "https://issuer.example/.well-known/jwks.json";

/// A key set with these key IDs. All share one point, because the mock provider distinguishes keys only by
/// ID.
fn set(kids: &[&str]) -> String {
    let key = |kid: &&str| {
        format!(
            r#"{{"kid":"{kid}","kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}"#
        )
    };
    let keys: Vec<_> = kids.iter().map(key).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// A gate whose issuer had these public keys when the policy was built, and the secret `hs-1`.
fn gate(kids: &[&str], refresh: Option<&str>) -> Gate<Vec<u8>> {
    let mut config = config();
    let issuer = config.issuers.remove(0);
    config.issuers = vec![IssuerConfig {
        algorithms: vec![Algorithm::HS256, Algorithm::ES256],
        jwks: Some(set(kids)),
        refresh: refresh.map(str::to_string),
        ..issuer
    }];
    Gate::new(image(&config), &Provider).expect("a valid image")
}

/// Returns the status for a student with a token of this key, and whether refreshed keys might help.
fn ask(gate: &Gate<Vec<u8>>, kid: &str, target: &str) -> (u16, bool) {
    let header = format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#);
    ask_with(gate, &signed(&header, 64, STUDENT), target)
}

const STUDENT: &str = r#""exp":1900000000,"cognito:groups":["rust-101"]"#;
const LESSON: &str = "/courses/rust-101/a";

fn ask_with(gate: &Gate<Vec<u8>>, token: &str, target: &str) -> (u16, bool) {
    let outcome = gate.ask(
        &Request {
            method: "GET",
            target: target.as_bytes(),
            headers: &[("authorization", format!("Bearer {token}").as_bytes())],
            ip: None,
            now: UnixSeconds(NOW),
            entropy: None,
        },
        &mut Context::new(),
    );
    assert!(!outcome.unknown_key || outcome.kind == Kind::Deny);
    (outcome.status, outcome.unknown_key)
}

/// The fetch that a request with an unknown key ID begins, if one is due.
pub(crate) fn missed<B: AsRef<[u8]>>(gate: &mut Gate<B>, now: UnixSeconds) -> Option<Fetch> {
    let mut outcome = Outcome::internal("GET", "unknown_key");
    outcome.unknown_key = true;
    match gate.follow(outcome, now) {
        Step::Done(_) => None,
        Step::Fetch(Pending {
            outcome: _,
            fetches,
            tickets,
        }) => {
            let begun: Vec<_> = fetches.iter().map(|fetch| fetch.ticket).collect();
            assert!(begun.iter().all(|ticket| tickets.contains(ticket)));
            fetches.into_iter().next()
        }
    }
}

/// The fetch that is due because of the age of the keys.
fn old(gate: &mut Gate<Vec<u8>>, now: UnixSeconds) -> Option<Fetch> {
    gate.due(now).pop()
}

/// Reports the response to a fetch.
pub(crate) fn arrived<B: AsRef<[u8]>>(
    gate: &mut Gate<B>,
    ticket: u32,
    body: &[u8],
    now: UnixSeconds,
) -> Result<KeysAccepted, KeySetError> {
    match gate.resume(ticket, Some(FetchResponse { status: 200, body }), now)? {
        Resumed::Keys(accepted) => Ok(accepted),
        Resumed::Exchange => panic!("nobody signs in"),
    }
}

/// Reports that a fetch failed.
fn failed(gate: &mut Gate<Vec<u8>>, ticket: u32, now: UnixSeconds) {
    assert_eq!(gate.resume(ticket, None, now), Err(KeySetError::NoResponse));
}

fn at(secs: i64) -> UnixSeconds {
    UnixSeconds(NOW + secs)
}

#[test]
fn keys_rotate_without_denying_a_user() {
    let mut gate = gate(&["old"], Some(URL));
    assert_eq!(ask(&gate, "old", LESSON), (200, false));
    assert_eq!(ask(&gate, "new", LESSON), (401, true));
    let fetch = missed(&mut gate, at(0)).expect("it is due");
    assert_eq!(fetch.request.url, URL);
    // While it is in flight nothing changes, and no second fetch begins.
    assert_eq!(ask(&gate, "old", LESSON), (200, false));
    assert_eq!(missed(&mut gate, at(1)), None);
    arrived(
        &mut gate,
        fetch.ticket,
        set(&["old", "new"]).as_bytes(),
        at(1),
    )
    .expect("a valid set");
    assert_eq!(ask(&gate, "old", LESSON), (200, false));
    assert_eq!(ask(&gate, "new", LESSON), (200, false));
    // The old key is dropped with the next set that does not contain it, although the image has it.
    let later = 1 + MAX_KEYS_AGE_SECS;
    assert_eq!(old(&mut gate, at(later - 1)), None);
    let fetch = old(&mut gate, at(later)).expect("keys are old");
    arrived(&mut gate, fetch.ticket, set(&["new"]).as_bytes(), at(later)).expect("a valid set");
    assert_eq!(ask(&gate, "old", LESSON), (401, true));
    assert_eq!(ask(&gate, "new", LESSON), (200, false));
    // The issuer cannot replace secrets.
    assert_eq!(ask_with(&gate, &site::token(STUDENT), LESSON), (200, false));
}

#[test]
fn ten_thousand_invented_keys_make_one_request_per_cooldown() {
    let mut gate = gate(&["old"], Some(URL));
    // A fixed pseudo-random sequence over 100 seconds.
    let mut state = 1_u64;
    let mut fetched_at = Vec::new();
    for number in 0..10_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        assert_eq!(ask(&gate, &format!("{state:x}"), LESSON), (401, true));
        let now = at(number / 100);
        while let Some(fetch) = missed(&mut gate, now) {
            fetched_at.push(now.0);
            match fetched_at.len() % 3 {
                0 => failed(&mut gate, fetch.ticket, now),
                1 => {
                    arrived(&mut gate, fetch.ticket, set(&["old"]).as_bytes(), now).expect("good");
                }
                _ => assert!(arrived(&mut gate, fetch.ticket, b"<html>", now).is_err()),
            }
        }
    }
    let gaps: Vec<_> = fetched_at
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert_eq!(gaps, [COOLDOWN_SECS; 9]);
    assert_eq!(ask(&gate, "old", LESSON), (200, false));
}

#[test]
fn an_invalid_key_set_changes_nothing() {
    let huge = format!("{}{}", set(&["new"]), " ".repeat(MAX_KEYS_BYTES as usize));
    let secret = r#"{"keys":[{"kty":"oct","kid":"new","alg":"HS256","k":"R0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dH"}]}"#;
    // Two different keys with the same ID.
    let twice = set(&["new", "new"]).replacen(
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "OA67MeRCZIJ40yASRhFGC0yWopJW9NtSdbnc13p3GlI",
        1,
    );
    let table = [
        "",
        "null",
        "<!doctype html><title>502</title>",
        "{}",
        r#"{"keys":[]}"#,
        r#"{"keys":[{}]}"#,
        r#"{"keys":{"new":1}}"#,
        r#"{"error":"slow down"}"#,
        secret,
        &twice,
        &huge,
        "\u{0}\u{1}\u{2}",
    ];
    let mut gate = gate(&["old"], Some(URL));
    for (round, body) in table.into_iter().enumerate() {
        let now = at(i64::try_from(round).expect("few") * COOLDOWN_SECS);
        let fetch = missed(&mut gate, now).expect("it is due");
        let refused = arrived(&mut gate, fetch.ticket, body.as_bytes(), now);
        let refused = refused.expect_err(body);
        assert_eq!(
            refused == KeySetError::TooLarge,
            body.len() > MAX_KEYS_BYTES as usize
        );
        assert!(!refused.to_string().is_empty());
        assert_eq!(ask(&gate, "old", LESSON), (200, false), "{body}");
        assert_eq!(ask(&gate, "new", LESSON), (401, true), "{body}");
    }
}

#[test]
fn reports_of_unknown_fetches_change_nothing() {
    let mut gate = gate(&["old"], Some(URL));
    let good = set(&["new"]);
    let unasked = arrived(&mut gate, 1, good.as_bytes(), at(0));
    assert_eq!(unasked, Err(KeySetError::Ticket));
    let fetch = old(&mut gate, at(0)).expect("the first is due at once");
    let late = arrived(&mut gate, fetch.ticket, good.as_bytes(), at(6));
    assert_eq!(late, Err(KeySetError::Ticket));
    let fetch = old(&mut gate, at(60)).expect("it failed");
    failed(&mut gate, fetch.ticket, at(60));
    let twice = arrived(&mut gate, fetch.ticket, good.as_bytes(), at(60));
    assert_eq!(twice, Err(KeySetError::Ticket));
    let again = gate.resume(fetch.ticket, None, at(60));
    assert_eq!(again, Err(KeySetError::Ticket));
    assert_eq!(ask(&gate, "old", LESSON), (200, false));
    assert_eq!(ask(&gate, "new", LESSON), (401, true));
}

#[test]
fn a_fetch_is_due_only_where_a_key_would_help() {
    let refreshing = gate(&["old"], Some(URL));
    let pinned = gate(&["old"], None);
    let hs = signed(r#"{"alg":"HS256","kid":"new"}"#, 32, STUDENT);
    let rs = signed(r#"{"alg":"RS256","kid":"new"}"#, 256, STUDENT);
    for (target, status) in [
        // Any client may have it, no client may have it, and no token helps.
        ("/courses/rust-101/preview/a", 200),
        ("/nowhere", 403),
        ("/contact", 405),
        ("//", 400),
    ] {
        assert_eq!(ask(&refreshing, "new", target), (status, false), "{target}");
    }
    assert_eq!(ask(&pinned, "new", LESSON), (401, false));
    assert_eq!(ask_with(&refreshing, &hs, LESSON), (401, false));
    assert_eq!(ask_with(&refreshing, &rs, LESSON), (401, false));
    assert_eq!(ask_with(&refreshing, "a.b.c", LESSON), (401, false));
}

#[test]
fn skipped_keys_of_a_fetched_set_are_reported() {
    let mut gate = gate(&["old"], Some(URL));
    let [first, second] = [set(&["new"]), set(&["new", "twice", "twice"])];
    let unsupported = first.replace("]}", r#",{"kid":"odd","kty":"odd"}]}"#);
    let table = [
        (&first, vec![]),
        (&unsupported, vec!["odd"]),
        (&second, vec!["twice"]),
    ];
    for (round, (body, expect)) in table.into_iter().enumerate() {
        let now = at(i64::try_from(round).expect("few") * COOLDOWN_SECS);
        let fetch = missed(&mut gate, now).expect("it is due");
        let accepted = arrived(&mut gate, fetch.ticket, body.as_bytes(), now);
        let skipped = accepted.expect("a valid set").skipped;
        let kids: Vec<_> = skipped
            .iter()
            .filter_map(|key| key.kid.as_deref())
            .collect();
        assert_eq!(kids, expect, "{body}");
    }
}

#[test]
fn a_host_that_loads_the_image_again_keeps_keys_and_cooldowns() {
    let elsewhere = "https://elsewhere.example/jwks";
    // Nothing is restored, another URL is restored, and the issuer's own.
    let mut lost = gate(&["old"], Some(URL));
    assert_eq!(ask(&lost, "new", LESSON), (401, true));
    lost.restore_cooldown(elsewhere, at(0));
    lost.restore_keys(elsewhere, b"no key set", at(0))
        .expect("nothing to do");
    assert!(missed(&mut lost, at(1)).is_some());

    let mut gate = gate(&["old"], Some(URL));
    let refused = gate.restore_keys(URL, b"no key set", at(0));
    assert!(matches!(refused, Err(KeySetError::Keys(_))));
    assert_eq!(ask(&gate, "old", LESSON), (200, false));
    gate.restore_keys(URL, set(&["new"]).as_bytes(), at(0))
        .expect("a valid set");
    gate.restore_cooldown(URL, at(5));
    gate.restore_cooldown(URL, at(3));
    assert_eq!(ask(&gate, "new", LESSON), (200, false));
    assert_eq!(ask(&gate, "old", LESSON), (401, true));
    assert_eq!(missed(&mut gate, at(4 + COOLDOWN_SECS)), None);
    assert_eq!(old(&mut gate, at(MAX_KEYS_AGE_SECS - 1)), None);
    assert!(missed(&mut gate, at(5 + COOLDOWN_SECS)).is_some());
}
