//! The refresh of sessions, and the loop breaker.

use crate::browser::Browser;
use crate::provider::{Evil, Pairs, Sent, drop_named, json, set};
use crate::site::{LEARN, Options, gate};
use crate::world::{LESSON, SESSION, World, at, subject};

const HOST: &str = "learn.example.com";
const REFRESH: &str = "__Secure-tollgate-refresh";
const RENEW: &str = "__Host-tollgate-renew";
/// The time after sign-in at which a fifth of the session is left.
const DUE: i64 = 2_881;

fn signed_in() -> (World, Browser) {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    world.provider.seen.clear();
    (world, browser)
}

/// The number of requests to the token endpoint.
fn asked(world: &World) -> usize {
    let tokens = world.provider.seen.iter();
    tokens.filter(|sent| sent.url.ends_with("/token")).count()
}

/// Another edge location: nothing is in its memory.
fn elsewhere(world: &mut World) {
    world.add(&LEARN);
}

#[test]
fn a_session_is_refreshed_at_80_percent_of_its_life_on_navigations_only() {
    let (mut world, mut browser) = signed_in();
    world.now += DUE - 1;
    assert!(browser.hop(&mut world, LESSON).is_forwarded);
    world.now += 1;
    let table: &[(&str, &[(&str, &str)])] = &[
        (
            "GET",
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")],
        ),
        (
            "GET",
            &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        ),
        ("GET", &[("sec-fetch-dest", "iframe")]),
        ("GET", &[("sec-purpose", "prefetch;prerender")]),
        (
            "GET",
            &[
                ("sec-fetch-mode", ""),
                ("sec-fetch-dest", ""),
                ("accept", "*/*"),
            ],
        ),
        (
            "GET",
            &[
                ("sec-fetch-mode", ""),
                ("sec-fetch-dest", ""),
                ("x-requested-with", "XMLHttpRequest"),
            ],
        ),
        (
            "GET",
            &[
                ("sec-fetch-mode", "websocket"),
                ("sec-fetch-dest", "websocket"),
            ],
        ),
    ];
    for (method, headers) in table {
        let reply = browser.send(&mut world, method, LESSON, headers);
        assert!(reply.is_forwarded, "{headers:?}");
        assert_eq!(reply.set_cookies().count(), 0);
    }
    let old = browser.cookie(HOST, SESSION).map(str::to_string);
    let reply = browser.open(&mut world, LESSON);
    assert!(reply.is_forwarded);
    assert_eq!(
        browser.codes(),
        ["302 refresh_due", "303 refreshed", "200 -"]
    );
    assert_eq!(browser.trace[2].0, LESSON);
    let new = browser.cookie(HOST, SESSION);
    assert_ne!(new, old.as_deref());
    assert_eq!(new.map(subject).as_deref(), Some("alice"));
    assert!(browser.hop(&mut world, LESSON).is_forwarded);
}

#[test]
fn a_refresh_token_is_replaced_when_the_provider_rotates_it() {
    let (mut world, mut browser) = signed_in();
    for round in 1..=5 {
        world.now += DUE;
        let old = browser.cookie(HOST, REFRESH).map(str::to_string);
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        assert_eq!(
            browser.codes(),
            ["302 refresh_due", "303 refreshed", "200 -"],
            "{round}"
        );
        assert_ne!(browser.cookie(HOST, REFRESH), old.as_deref());
        assert_eq!(asked(&world), round);
    }
    assert_eq!(world.provider.refreshes.len(), 1);
}

#[test]
fn a_refresh_token_that_stays_is_used_again() {
    // The response to its first use must not be used again for the second.
    let (mut world, mut browser) = signed_in();
    world.provider.rotates = false;
    for round in 1..=5 {
        world.now += DUE;
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        assert_eq!(
            browser.codes(),
            ["302 refresh_due", "303 refreshed", "200 -"],
            "{round}"
        );
        assert_eq!(asked(&world), round);
    }
}

#[test]
fn two_tabs_at_one_place_share_a_refresh() {
    let (mut world, mut first) = signed_in();
    let mut second = Browser::of("alice");
    second.jar = first.jar.clone();
    world.now += DUE;
    let url = at("refresh?to=/learn/a");
    assert_eq!(first.hop(&mut world, &url).summary(), "303 refreshed");
    assert_eq!(second.hop(&mut world, &url).summary(), "303 refreshed");
    assert_eq!(asked(&world), 1);
}

#[test]
fn the_loser_of_a_race_continues_with_the_cookies_of_the_winner() {
    let (mut world, mut browser) = signed_in();
    world.now += DUE;
    let before = browser.jar.clone();
    let url = at("refresh?to=/learn/a");
    assert_eq!(browser.hop(&mut world, &url).summary(), "303 refreshed");
    let after = std::mem::replace(&mut browser.jar, before);
    // The second tab sent its request before, and arrives at another place.
    elsewhere(&mut world);
    let lost = browser.hop(&mut world, &url);
    assert_eq!(lost.summary(), "307 refresh_lost");
    assert_eq!(lost.set_cookies().count(), 0, "a valid session stays");
    browser.jar = after;
    let second = format!(
        "https://{HOST}{}",
        lost.location().expect("a second attempt")
    );
    let reply = browser.open(&mut world, &second);
    assert!(reply.is_forwarded);
    assert_eq!(browser.codes(), ["303 session_fresh", "200 -"]);
}

#[test]
fn invalid_grant_twice_ends_the_session() {
    for has_session in [true, false] {
        let (mut world, mut browser) = signed_in();
        world.now += if has_session { DUE } else { 3_601 };
        world.provider.refreshes.clear();
        let mut codes = vec!["302 refresh_due", "307 refresh_lost", "303 refresh_ended"];
        if !has_session {
            codes.insert(0, "302 -");
        }
        codes.extend(["302 sign_in_started", "303 signed_in", "200 -"]);
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        assert_eq!(browser.codes(), codes);
        let ended = codes.iter().position(|code| *code == "303 refresh_ended");
        let ended = &browser.trace[ended.expect("it ended")].1;
        for name in [SESSION, REFRESH, RENEW] {
            assert_eq!(ended.set(name), Some(""), "{name}");
        }
        assert_eq!(asked(&world), 2, "one refresh and one code");
    }
}

#[test]
fn a_failure_of_the_network_keeps_the_session() {
    let faults = [
        Sent::Nothing,
        Sent::Late,
        Sent::Response(500, Vec::new()),
        Sent::Response(503, b"{\"error\":\"invalid_grant\"}".to_vec()),
        Sent::Response(429, b"slow down".to_vec()),
        Sent::Response(302, Vec::new()),
        Sent::Response(200, b"<html>captive portal</html>".to_vec()),
        Sent::Response(401, b"{\"error\":\"invalid_client\"}".to_vec()),
        Sent::Response(400, b"{\"error\":\"temporarily_unavailable\"}".to_vec()),
        Sent::Response(200, vec![b' '; 70_000]),
    ];
    for fault in faults {
        let (mut world, mut browser) = signed_in();
        world.now += DUE;
        world.provider.evil.reply = Some(fault.clone());
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        assert_eq!(
            browser.codes(),
            ["302 refresh_due", "303 refresh_failed", "200 -"],
            "{fault:?}"
        );
        // There is no other attempt on the next pages.
        world.now += 59;
        assert!(browser.hop(&mut world, LESSON).is_forwarded);
        world.provider.evil = Evil::default();
        world.now += 1;
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        assert_eq!(
            browser.codes(),
            ["302 refresh_due", "303 refreshed", "200 -"],
            "{fault:?}"
        );
    }
}

#[test]
fn a_failure_of_the_network_without_a_session_keeps_the_refresh_token() {
    for (fault, expect) in [
        (Sent::Nothing, "502 provider_unreachable"),
        (Sent::Late, "503 provider_slow"),
        (
            Sent::Response(200, b"<html>".to_vec()),
            "502 token_response_invalid",
        ),
    ] {
        let (mut world, mut browser) = signed_in();
        world.now += 3_601;
        world.provider.evil.reply = Some(fault);
        let reply = browser.open(&mut world, LESSON);
        assert_eq!(reply.summary(), expect);
        assert!(reply.body.contains("again=1"), "a way out");
        assert!(browser.cookie(HOST, REFRESH).is_some());
        world.provider.evil = Evil::default();
        world.now += 31;
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        assert_eq!(
            browser.codes(),
            ["302 -", "302 refresh_due", "303 refreshed", "200 -"]
        );
    }
}

#[test]
fn tokens_of_a_refresh_are_verified_like_the_first() {
    type Case = (&'static str, fn(&mut Pairs), &'static str, &'static str);
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("another subject", |c| set(c, "sub", &json("mallory")), "502 subject_mismatch", "502 subject_mismatch"),
        ("another issuer", |c| set(c, "iss", &json("https://other.example")), "303 refresh_failed", "400 issuer_mismatch"),
        ("another audience", |c| set(c, "aud", &json("shop")), "303 refresh_failed", "502 audience_mismatch"),
        ("another authorized party", |c| set(c, "azp", &json("shop")), "303 refresh_failed", "502 audience_mismatch"),
        ("another nonce", |c| set(c, "nonce", &json("AAAAAAAAAAAAAAAAAAAAAA")), "303 refresh_failed", "502 nonce_mismatch"),
        ("no nonce", |c| drop_named(c, "nonce"), "303 refreshed", "303 refreshed"),
        ("no subject", |c| drop_named(c, "sub"), "303 refresh_failed", "502 id_token_rejected"),
        ("no iat", |c| drop_named(c, "iat"), "303 refresh_failed", "502 id_token_rejected"),
        ("expired", |c| { set(c, "iat", "1799990000"); set(c, "exp", "1800000000"); }, "303 refresh_failed", "502 id_token_rejected"),
    ];
    for (name, change, with, without) in cases {
        for (secs, expect) in [(DUE, with), (3_601, without)] {
            let (mut world, mut browser) = signed_in();
            world.now += secs;
            world.provider.evil.claims = Some(*change);
            let reply = browser.hop(&mut world, &at("refresh?to=/learn/a"));
            assert_eq!(reply.summary(), *expect, "{name}");
            let subject = reply.session();
            assert!(subject.is_none_or(|subject| subject == "alice"), "{name}");
            assert_eq!(
                reply.session().is_some(),
                expect.ends_with("refreshed"),
                "{name}"
            );
            if name.ends_with("another subject") {
                assert_eq!(reply.set(SESSION), Some(""), "{name}");
                assert_eq!(reply.set(REFRESH), Some(""), "{name}");
            }
            world.provider.evil = Evil::default();
            world.now += 61;
            assert!(browser.open(&mut world, LESSON).is_forwarded, "{name}");
        }
    }
}

#[test]
fn a_refresh_without_an_id_token_leads_to_a_new_sign_in() {
    let (mut world, mut browser) = signed_in();
    world.now += DUE;
    world.provider.evil.members = Some(|members| drop_named(members, "id_token"));
    let reply = browser.hop(&mut world, &at("refresh?to=/learn/a"));
    assert_eq!(
        (reply.summary(), reply.session()),
        ("303 refresh_ended".to_string(), None)
    );
    world.provider.evil = Evil::default();
    assert!(browser.open(&mut world, LESSON).is_forwarded);
}

#[test]
fn a_provider_without_refresh_tokens_is_no_loop() {
    let mut world = World::new();
    world.provider.refreshable = false;
    let mut browser = Browser::of("alice");
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    assert_eq!(browser.cookie(HOST, RENEW), None);
    world.now += DUE;
    assert!(
        browser.hop(&mut world, LESSON).is_forwarded,
        "the session is used to its end"
    );
    world.now += 720;
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    assert_eq!(
        browser.codes(),
        ["302 -", "302 sign_in_started", "303 signed_in", "200 -"]
    );
}

#[test]
fn a_script_refreshes_and_receives_json() {
    let (mut world, mut browser) = signed_in();
    let script = [
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-site", "same-origin"),
        ("accept", "*/*"),
    ];
    let reply = browser.send(&mut world, "POST", &at("refresh"), &script);
    assert_eq!(reply.summary(), "200 session_fresh");
    assert!(
        reply.body.contains(r#""subject":"alice""#),
        "{}",
        reply.body
    );
    world.now += DUE;
    let reply = browser.send(&mut world, "POST", &at("refresh"), &script);
    assert_eq!(reply.summary(), "204 refreshed");
    assert_eq!(reply.session().as_deref(), Some("alice"));
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut other = script.to_vec();
        other.retain(|(known, _)| *known != name);
        other.push((name, value));
        world.now += DUE;
        let reply = browser.send(&mut world, "POST", &at("refresh"), &other);
        assert_eq!(reply.summary(), "403 cross_site");
    }
    world.provider.refreshes.clear();
    let reply = browser.send(&mut world, "POST", &at("refresh?second=1"), &script);
    assert_eq!(reply.summary(), "401 refresh_ended");
    assert!(
        reply
            .body
            .contains(r#""next":"/.tollgate/sign-in?to=/&again=1""#),
        "{}",
        reply.body
    );
    assert_eq!(reply.set(SESSION), Some(""));
}

#[test]
fn long_refresh_tokens_are_not_stored() {
    for (length, is_stored) in [
        (1_000, true),
        (2_600, true),
        (4_000, false),
        (20_000, false),
    ] {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        world.provider.evil.members = Some(match length {
            1_000 => |m| set(m, "refresh_token", &json(&"r".repeat(1_000))),
            2_600 => |m| set(m, "refresh_token", &json(&"r".repeat(2_600))),
            4_000 => |m| set(m, "refresh_token", &json(&"r".repeat(4_000))),
            _ => |m| set(m, "refresh_token", &json(&"r".repeat(20_000))),
        });
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        assert_eq!(browser.cookie(HOST, RENEW).is_some(), is_stored, "{length}");
    }
}

#[test]
fn a_loop_ends_in_a_page_that_states_the_reason() {
    // The browser does not store the session.
    for refuses in [vec![SESSION_EXACT], vec![SESSION_EXACT, REFRESH, RENEW]] {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        browser.refuses = refuses;
        let reply = browser.open(&mut world, LESSON);
        assert_eq!(
            reply.summary(),
            "403 session_not_stored",
            "{:#?}",
            browser.codes()
        );
        assert!(reply.body.contains("Cookies must be enabled"));
        let sessions = browser
            .trace
            .iter()
            .filter(|(_, reply)| reply.session().is_some());
        assert_eq!(sessions.count(), 3);
        // The link on the page is another try, and so is a minute later.
        let again = at("sign-in?to=/learn/a&again=1");
        assert_eq!(
            browser.open(&mut world, &again).summary(),
            "403 session_not_stored"
        );
        browser.refuses.clear();
        assert!(browser.open(&mut world, &again).is_forwarded);
        world.now += 61;
        assert!(browser.open(&mut world, LESSON).is_forwarded);
    }
    // It stores nothing.
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    browser.refuses = vec![""];
    assert_eq!(
        browser.open(&mut world, LESSON).summary(),
        "400 flow_missing"
    );
}

/// The session cookie, without those whose names begin in the same way.
const SESSION_EXACT: &str = "__Host-tollgate=";

#[test]
fn a_session_that_is_not_accepted_is_no_endless_loop() {
    // Users who lack a group are sent to sign in with another account.
    let deny = "forbidden = { redirect = \"login\" }";
    for refreshable in [true, false] {
        let mut world = World::with(&[Options { deny, ..LEARN }]);
        world.provider.refreshable = refreshable;
        let mut browser = Browser::of("alice");
        let reply = browser.open(&mut world, "https://learn.example.com/staff/a");
        assert_eq!(
            reply.summary(),
            "403 session_not_accepted",
            "{:#?}",
            browser.codes()
        );
        assert!(browser.trace.len() < 15, "{:#?}", browser.codes());
    }
}

#[test]
fn an_id_token_that_ends_soon_is_no_loop() {
    let mut world = World::new();
    world.provider.token_secs = 5;
    let mut browser = Browser::of("alice");
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    world.now += 4;
    world.provider.token_secs = 1;
    let reply = browser.open(&mut world, LESSON);
    assert!(reply.is_forwarded, "{:#?}", browser.codes());
    assert!(browser.trace.len() < 6, "{:#?}", browser.codes());
}

#[test]
fn a_restarted_gate_continues_flows_and_refreshes() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let callback = browser.callback(&mut world, LESSON);
    world.sites[0].gate = gate(&LEARN);
    elsewhere(&mut world);
    assert!(browser.open(&mut world, &callback).is_forwarded);
    elsewhere(&mut world);
    world.now += DUE;
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    assert_eq!(
        browser.codes(),
        ["302 refresh_due", "303 refreshed", "200 -"]
    );
}
