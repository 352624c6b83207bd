//! Bugs that users of other gateways reported, each named after its report: none of them is here.

use crate::browser::Browser;
use crate::provider::{Evil, Sent, json, set};
use crate::site::{LEARN, Options};
use crate::world::{LESSON, SESSION, World, at, subject};

const HOST: &str = "learn.example.com";
const REFRESH: &str = "__Secure-tollgate-refresh";
pub(crate) const SCRIPT: &[(&str, &str)] = &[
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-site", "same-origin"),
    ("accept", "*/*"),
];

fn signed_in() -> (World, Browser) {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    (world, browser)
}

fn page(at: usize) -> String {
    format!("https://{HOST}/learn/{at}")
}

/// Two tabs shared one CSRF cookie. Also pomerium#306.
#[test]
fn oauth2_proxy_817_two_tabs() {
    for order in [[0, 1], [1, 0]] {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        let callbacks = [0, 1].map(|tab| browser.callback(&mut world, &page(tab)));
        for tab in order {
            let reply = browser.hop(&mut world, &callbacks[tab]);
            assert_eq!(reply.summary(), "303 signed_in");
            assert_eq!(reply.location(), Some(format!("/learn/{tab}").as_str()));
        }
    }
}

/// Every request of a script began a flow, until the cookies were too large (431). Also oauth2-proxy#2383 and
/// Envoy gateway#9820.
#[test]
fn oauth2_proxy_2163_flows_pile_up() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    for attempt in 0..50 {
        let reply = browser.send(&mut world, "GET", &page(attempt), SCRIPT);
        assert_eq!((reply.status, reply.set_cookies().count()), (401, 0));
        let reply = browser.send(&mut world, "GET", &at("sign-in"), SCRIPT);
        assert_eq!((reply.status, reply.set_cookies().count()), (401, 0));
    }
    let long = "a".repeat(1_010);
    let mut callbacks = Vec::new();
    for tab in 0..10 {
        callbacks.push(browser.callback(&mut world, &format!("{}/{long}", page(tab))));
        world.now += 1;
        assert!(browser.flows(HOST).len() <= 3);
        let cookies = browser.cookies_for(HOST, "/.tollgate/callback", world.now);
        assert!(cookies.len() < 6_000, "{} bytes", cookies.len());
    }
    // The three youngest work.
    for (tab, callback) in callbacks.iter().enumerate().rev() {
        let mut copy = Browser::of("alice");
        copy.jar = browser.jar.clone();
        let reply = copy.hop(&mut world, callback);
        let expect = match tab {
            7.. => "303 signed_in",
            _ => "400 flow_missing",
        };
        assert_eq!(reply.summary(), expect, "{tab}");
    }
}

/// A tab that finished after another ended with 403.
#[test]
fn oauth2_proxy_3258_the_first_tab_finishes_last() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let callbacks = [0, 1, 2, 3].map(|tab| {
        world.now += 1;
        browser.callback(&mut world, &page(tab))
    });
    for (tab, expect) in [
        (3, "303 signed_in"),
        (2, "303 signed_in"),
        (1, "303 signed_in"),
        // There was no room for this flow.
        (0, "303 already_signed_in"),
        (3, "303 already_signed_in"),
    ] {
        let reply = browser.hop(&mut world, &callbacks[tab]);
        assert_eq!(reply.summary(), expect, "{tab}");
    }
    assert!(browser.hop(&mut world, &page(0)).is_forwarded);
}

/// A health check's User-Agent opened everything.
#[test]
fn ghsa_5hvv_m4w4_gf6v_no_header_opens_the_site() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    for (name, value) in [
        ("user-agent", "GoogleHC/1.0"),
        ("user-agent", "kube-probe/1.30"),
        ("user-agent", "ELB-HealthChecker/2.0"),
        ("x-forwarded-email", "alice@example.com"),
        ("x-forwarded-user", "alice"),
        ("x-auth-request-redirect", "/open/a"),
        ("x-tollgate-subject", "alice"),
        ("x-original-method", "OPTIONS"),
    ] {
        let reply = browser.send(&mut world, "GET", LESSON, &[(name, value)]);
        assert_eq!(reply.status, 302, "{name}");
    }
}

/// `X-Forwarded-Uri` replaced the path that was checked.
#[test]
fn ghsa_7x63_xv5r_3p2x_no_header_changes_the_path() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    for name in [
        "x-forwarded-uri",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-path",
        "x-envoy-original-path",
    ] {
        let reply = browser.send(&mut world, "GET", LESSON, &[(name, "/open/a")]);
        assert_eq!(reply.status, 302, "{name}");
        let reply = browser.send(
            &mut world,
            "GET",
            &page(0),
            &[(name, "/.tollgate/callback")],
        );
        assert_eq!(
            reply.location(),
            Some("/.tollgate/sign-in?to=/learn/0"),
            "{name}"
        );
    }
}

/// `#` and `%23` opened protected paths.
#[test]
fn ghsa_pxq7_h93f_9jrg_paths_are_canonical() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    for path in [
        "/learn/a#/open/a",
        "/learn/a%23/open/a",
        "/open/a/..%2f..%2flearn/a",
        "/open/%2e%2e/learn/a",
        "/open/../learn/a",
        "/open//learn/a",
        "/learn/a%3f/open/a",
        "/learn/a;/open/a\\",
    ] {
        let reply = browser.hop(&mut world, &format!("https://{HOST}{path}"));
        assert_eq!(reply.status, 400, "{path}");
    }
}

/// A session that an attacker planted survived the sign-in.
#[test]
fn ghsa_f24x_5g9q_753f_a_planted_session_does_not_survive() {
    let (mut world, mallory) = signed_in();
    let planted = mallory.jar.iter().find(|cookie| cookie.name == SESSION);
    let mut victim = Browser::of("bob");
    let callback = victim.callback(&mut world, LESSON);
    victim.jar.push(planted.expect("a session").clone());
    world.now += 1;
    assert_eq!(
        victim.hop(&mut world, &callback).session().as_deref(),
        Some("bob")
    );
    let session = victim.cookie(HOST, SESSION).map(subject);
    assert_eq!(session.as_deref(), Some("bob"));
    assert_ne!(victim.cookie(HOST, SESSION), mallory.cookie(HOST, SESSION));
}

/// An e-mail address with several `@` counted as one of a trusted domain. Here no address is read at all.
#[test]
fn ghsa_c5c4_8r6x_56w3_addresses_are_not_parsed() {
    let mut world = World::new();
    world.provider.evil.claims = Some(|claims| {
        set(claims, "email", &json("a@evil.example@example.com"));
        set(claims, "email_verified", "true");
    });
    let mut browser = Browser::of("alice");
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    let reply = browser.hop(&mut world, "https://learn.example.com/staff/a");
    assert_eq!(reply.status, 404);
    let reply = browser.hop(&mut world, &at("me"));
    assert!(!reply.body.contains('@'), "{}", reply.body);
}

/// A refreshed cookie had another `Path`, so there were two, and a loop.
#[test]
fn cognito_at_edge_69_one_cookie_of_each_name() {
    let (mut world, mut browser) = signed_in();
    for _ in 0..4 {
        world.now += 2_900;
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        let mut names: Vec<&str> = browser
            .jar
            .iter()
            .map(|cookie| cookie.name.as_str())
            .collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
    }
}

/// An absolute return URL was appended to the host.
#[test]
fn cognito_at_edge_120_only_paths_are_returned_to() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let url = at("sign-in?to=https%3A%2F%2Flearn.example.com%2Flearn%2Fa");
    let last = browser.open(&mut world, &url);
    assert!(last.is_forwarded);
    assert_eq!(
        browser.trace.last().expect("a page").0,
        "https://learn.example.com/"
    );
}

/// An endless refresh. Also its #285 and #292.
#[test]
fn cloudfront_authorization_at_edge_190_no_endless_refresh() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    browser.refuses = vec!["__Host-tollgate="];
    let reply = browser.open(&mut world, LESSON);
    assert_eq!(reply.summary(), "403 session_not_stored");
    assert!(world.provider.seen.len() <= 3);
}

/// An ID token of more than 4 kB was the cookie, which browsers drop. Also envoy#27875.
#[test]
fn envoy_33825_a_long_id_token_is_no_cookie() {
    let mut world = World::new();
    world.provider.evil.claims = Some(|claims| {
        let groups: Vec<String> = (0..120)
            .map(|at| json(&format!("group-of-the-course-number-{at:04}")))
            .collect();
        set(claims, "groups", &format!("[{}]", groups.join(",")));
    });
    let mut browser = Browser::of("alice");
    // The browser asserts that every cookie is below its limit.
    assert!(
        browser.open(&mut world, LESSON).is_forwarded,
        "{:#?}",
        browser.codes()
    );
    let session = browser.cookie(HOST, SESSION).expect("a session");
    assert!(session.len() < 1_024);
    // There is room for the refresh token, but not for the hint.
    world.provider.evil = Evil::default();
    world.now += 2_900;
    assert!(
        browser.open(&mut world, LESSON).is_forwarded,
        "{:#?}",
        browser.codes()
    );
    assert_eq!(
        browser.codes(),
        ["302 refresh_due", "303 refreshed", "200 -"]
    );
}

/// One MAC over several cookies: a stale one of them made all invalid.
#[test]
fn envoy_38919_a_stale_cookie_harms_no_other() {
    for name in [REFRESH, "__Host-tollgate-renew", "__Host-tollgate-tries"] {
        let (mut world, mut browser) = signed_in();
        for cookie in browser.jar.iter_mut().filter(|cookie| cookie.name == name) {
            cookie.value = "stale".to_string();
        }
        assert!(browser.hop(&mut world, LESSON).is_forwarded, "{name}");
        world.now += 3_601;
        assert!(browser.open(&mut world, LESSON).is_forwarded, "{name}");
    }
}

/// A rotation of the secret made old CSRF cookies fatal. Also pomerium#367.
#[test]
fn envoy_39210_secrets_rotate() {
    for (seals, expect) in [
        (&["s2", "s1"][..], "303 signed_in"),
        (&["s2"], "400 flow_missing"),
    ] {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        let callback = browser.callback(&mut world, LESSON);
        world.add(&Options { seals, ..LEARN });
        assert_eq!(browser.hop(&mut world, &callback).summary(), expect);
        // A cookie that no longer opens is cleared by the next flow, and does not count as one.
        let last = browser.open(&mut world, LESSON);
        assert!(last.is_forwarded);
        assert!(browser.flows(HOST).is_empty());
    }
}

/// Sign-out was only local, and began a new flow.
#[test]
fn envoy_18468_sign_out_does_not_begin_a_flow() {
    let (mut world, mut browser) = signed_in();
    browser.headers = vec![("sec-fetch-site".to_string(), "same-origin".to_string())];
    let last = browser.open(&mut world, &at("sign-out"));
    assert_eq!(last.summary(), "200 signed_out");
    assert_eq!(browser.codes(), ["303 signed_out", "200 signed_out"]);
    assert!(
        browser.trace[0]
            .1
            .location()
            .is_some_and(|url| url.starts_with("https://id.example.com/end?"))
    );
    assert!(browser.flows(HOST).is_empty());
}

/// Scripts were redirected to the provider: a CORS error, "Failed to fetch". Also pomerium#2176 and
/// actualbudget#3286.
#[test]
fn envoy_30102_scripts_receive_401() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let clients: &[&[(&str, &str)]] = &[
        SCRIPT,
        &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
        &[
            ("sec-fetch-mode", "websocket"),
            ("sec-fetch-dest", "websocket"),
        ],
        &[("sec-purpose", "prefetch")],
        &[
            ("sec-fetch-mode", ""),
            ("sec-fetch-dest", ""),
            ("accept", "application/json"),
        ],
        &[
            ("sec-fetch-mode", ""),
            ("sec-fetch-dest", ""),
            ("x-requested-with", "XMLHttpRequest"),
        ],
    ];
    for client in clients {
        for url in [LESSON.to_string(), at("sign-in?to=/learn/a")] {
            let reply = browser.send(&mut world, "GET", &url, client);
            assert_eq!(reply.status, 401, "{client:?}");
            assert_eq!(reply.location(), None);
            assert_eq!(reply.set_cookies().count(), 0);
            assert_eq!(reply.header("content-type"), Some("application/json"));
            assert!(reply.body.contains("/.tollgate/sign-in"), "{}", reply.body);
        }
    }
}

/// A cached page of the sign-in reloaded itself all night. Also altmount#557 and traefik-forward-auth#253.
#[test]
fn projektor_135_nothing_of_the_gate_is_cached() {
    // Every response of every test is asserted to have `cache-control: no-store`; here are all kinds.
    let (mut world, mut browser) = signed_in();
    for endpoint in [
        "me",
        "signed-out",
        "sign-in",
        "callback",
        "refresh",
        "sign-out",
        "none",
        "",
    ] {
        let reply = browser.send(
            &mut world,
            "GET",
            &at(endpoint),
            &[("sec-fetch-site", "cross-site")],
        );
        assert_eq!(
            reply.header("cache-control"),
            Some("no-store"),
            "{endpoint}"
        );
    }
}

/// A late response overwrote a newer session.
#[test]
fn next_auth_8897_content_sets_no_session() {
    // A request with a session that no longer verifies is under way while the user signs in.
    let (mut world, mut browser) = signed_in();
    let mut slow = Browser::of("alice");
    slow.jar = browser.jar.clone();
    for cookie in slow.jar.iter_mut().filter(|cookie| cookie.name == SESSION) {
        cookie.value.push('A');
    }
    for url in [
        LESSON,
        "https://learn.example.com/open/a",
        "https://learn.example.com/none",
    ] {
        let late = slow.hop(&mut world, url);
        assert_eq!(late.set_cookies().count(), 0, "{url}");
    }
    // Nor does content change a valid one, at any time.
    for _ in 0..40 {
        world.now += 100;
        let reply = browser.send(&mut world, "GET", LESSON, SCRIPT);
        assert_eq!(reply.set_cookies().count(), 0);
    }
}

/// Those who lost the race for a rotated refresh token were signed out. Also F3-Nation#375 and nocturne#391.
#[test]
fn next_auth_11240_losers_keep_their_session() {
    let (mut world, browser) = signed_in();
    world.now += 2_900;
    let mut tabs: Vec<Browser> = (0..5)
        .map(|_| Browser {
            jar: browser.jar.clone(),
            user: Some("alice"),
            ..Browser::default()
        })
        .collect();
    let url = at("refresh?to=/learn/a");
    let mut winner = tabs.remove(0);
    assert_eq!(winner.hop(&mut world, &url).summary(), "303 refreshed");
    for mut tab in tabs {
        // Each is at another place, which has not seen the response.
        world.add(&LEARN);
        let lost = tab.hop(&mut world, &url);
        assert_eq!(
            (lost.summary(), lost.set_cookies().count()),
            ("307 refresh_lost".to_string(), 0)
        );
        tab.jar = winner.jar.clone();
        let second = format!(
            "https://{HOST}{}",
            lost.location().expect("a second attempt")
        );
        assert!(tab.open(&mut world, &second).is_forwarded);
        assert_eq!(tab.cookie(HOST, SESSION), winner.cookie(HOST, SESSION));
    }
}

/// Parts of an older, longer session remained. Also in the ChangeLog of mod_auth_openidc. Nothing is in parts here.
#[test]
fn nuxt_auth_371_no_cookie_is_in_parts() {
    let (_, browser) = signed_in();
    let mut names: Vec<&str> = browser
        .jar
        .iter()
        .map(|cookie| cookie.name.as_str())
        .collect();
    names.sort_unstable();
    let expect = [
        "__Host-tollgate",
        "__Host-tollgate-renew",
        "__Host-tollgate-tries",
        REFRESH,
    ];
    assert_eq!(names, expect);
}

/// `invalid_grant` did not end the session, and failures of the network did.
#[test]
fn oauth2_proxy_3333_fatal_and_transient_errors() {
    let table: &[(Sent, &str)] = &[
        (
            Sent::Response(400, b"{\"error\":\"invalid_grant\"}".to_vec()),
            "303 refresh_ended",
        ),
        (Sent::Nothing, "303 refresh_failed"),
        (
            Sent::Response(502, b"{\"error\":\"invalid_grant\"}".to_vec()),
            "303 refresh_failed",
        ),
    ];
    for (fault, expect) in table {
        let (mut world, mut browser) = signed_in();
        world.now += 2_900;
        world.provider.evil.reply = Some(fault.clone());
        let reply = browser.hop(&mut world, &at("refresh?to=/learn/a&second=1"));
        assert_eq!(reply.summary(), *expect);
        let is_kept = browser.cookie(HOST, SESSION).is_some();
        assert_eq!(is_kept, expect.ends_with("failed"));
    }
}

/// Logout tokens without `iat` and `jti` could be replayed, and those without `sid` were ignored
/// (mod_auth_openidc). There was no back-channel logout at all (oauth2-proxy#884, #1224, kgateway#6913). A gate
/// keeps no state, so it states that it cannot end sessions.
#[test]
fn oauth2_proxy_884_back_channel_logout_is_not_claimed() {
    let (mut world, mut browser) = signed_in();
    let reply = browser.send(&mut world, "POST", &at("back-channel"), SCRIPT);
    assert_eq!(reply.summary(), "501 back_channel_unsupported");
    assert!(browser.hop(&mut world, LESSON).is_forwarded);
}
