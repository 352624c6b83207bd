//! Forged, replayed, expired, foreign, oversized, truncated and swapped input, and hostile return paths.

use crate::browser::{Browser, Cookie, split};
use crate::site::{LEARN, Options, SHOP, gate};
use crate::world::{LESSON, Reply, World, at};

const HOST: &str = "learn.example.com";
const REFRESH: &str = "__Secure-tollgate-refresh";

/// An attempt: the honest callback of the victim's flow is changed in some way.
struct Attack {
    name: &'static str,
    run: fn(&mut World, &mut Browser, &str) -> Reply,
    expect: &'static str,
}

const fn attack(
    name: &'static str,
    run: fn(&mut World, &mut Browser, &str) -> Reply,
    expect: &'static str,
) -> Attack {
    Attack { name, run, expect }
}

fn flow(browser: &mut Browser) -> &mut Cookie {
    let mut cookies = browser.jar.iter_mut();
    let found = cookies.find(|cookie| cookie.name.starts_with("__Host-tollgate-flow-"));
    found.expect("a flow")
}

/// The value of a parameter of a URL.
fn parameter<'u>(url: &'u str, name: &str) -> &'u str {
    let start = url.find(&format!("{name}=")).expect("the parameter") + name.len() + 1;
    let rest = &url[start..];
    rest.split('&').next().expect("its value")
}

fn with(url: &str, name: &str, value: &str) -> String {
    url.replace(
        &format!("{name}={}", parameter(url, name)),
        &format!("{name}={value}"),
    )
}

/// Another flow of the same or of another browser, which ends at its callback.
fn other(world: &mut World, url: &str) -> (Browser, String) {
    let mut browser = Browser::of("mallory");
    let callback = browser.callback(world, url);
    (browser, callback)
}

/// Sends a request with this value of `Cookie`.
fn raw(world: &mut World, url: &str, cookies: &[String]) -> Reply {
    let (host, target) = split(url);
    let mut headers = vec![
        ("host".to_string(), host.as_bytes().to_vec()),
        ("accept".to_string(), b"text/html".to_vec()),
    ];
    for cookie in cookies {
        headers.push(("cookie".to_string(), cookie.clone().into_bytes()));
    }
    world.send("GET", host, target.as_bytes(), &headers)
}

#[rustfmt::skip]
const ATTACKS: &[Attack] = &[
    // `state`.
    attack("state forged", |w, b, url| b.hop(w, &with(url, "state", "AAAAAAAAAAAAAAAAAAAAAA")), "400 flow_missing"),
    attack("state forged, same first characters", |w, b, url| {
        let state = format!("{}AAAAAAAAAAAAAA", &parameter(url, "state")[..8]);
        b.hop(w, &with(url, "state", &state))
    }, "400 flow_missing"),
    attack("state empty", |w, b, url| b.hop(w, &with(url, "state", "")), "400 flow_missing"),
    attack("state of 5,000 bytes", |w, b, url| b.hop(w, &with(url, "state", &"A".repeat(5_000))), "400 flow_missing"),
    attack("state not UTF-8", |w, b, url| b.hop(w, &with(url, "state", "%FF%FE")), "400 callback_malformed"),
    attack("state with an incomplete escape", |w, b, url| b.hop(w, &with(url, "state", "AAAAAAAA%4")), "400 callback_malformed"),
    attack("state of another character set", |w, b, url| b.hop(w, &with(url, "state", "%C3%A4%C3%A4%C3%A4%C3%A4%C3%A4")), "400 flow_missing"),
    attack("state of another browser", |w, b, url| {
        let (_, other) = other(w, LESSON);
        b.hop(w, &with(url, "state", parameter(&other, "state")))
    }, "400 flow_missing"),
    attack("state of another site", |w, b, url| {
        let (_, other) = other(w, "https://shop.example.com/learn/a");
        b.hop(w, &with(url, "state", parameter(&other, "state")))
    }, "400 flow_missing"),
    attack("state twice, the same value", |w, b, url| b.hop(w, &format!("{url}&state={}", parameter(url, "state"))), "400 callback_malformed"),
    // The whole callback.
    attack("callback of another browser (login CSRF)", |w, b, _| {
        let (_, other) = other(w, LESSON);
        b.hop(w, &other)
    }, "400 flow_missing"),
    attack("callback without cookies", |w, _, url| raw(w, url, &[]), "400 flow_missing"),
    attack("callback by POST", |w, b, url| b.send(w, "POST", url, &[]), "405 -"),
    attack("callback by HEAD", |w, b, url| b.send(w, "HEAD", url, &[]), "405 -"),
    attack("callback with a slash", |w, b, url| b.hop(w, &url.replace("callback?", "callback/?")), "404 -"),
    attack("callback in another case", |w, b, url| b.hop(w, &url.replace("callback?", "Callback?")), "404 -"),
    attack("callback escaped", |w, b, url| b.hop(w, &url.replace("callback?", "c%61llback?")), "400 forbidden_escape"),
    attack("callback without a query", |w, b, _| b.hop(w, &at("callback")), "400 callback_malformed"),
    attack("callback with an empty query", |w, b, _| b.hop(w, &at("callback?")), "400 callback_malformed"),
    attack("callback with `;` between parameters", |w, b, url| b.hop(w, &url.replace('&', ";")), "400 callback_malformed"),
    // The code.
    attack("code of another browser, own flow", |w, b, url| {
        let (_, other) = other(w, LESSON);
        b.hop(w, &with(url, "code", parameter(&other, "code")))
    }, "400 code_rejected"),
    attack("code of another client", |w, b, url| {
        let (_, other) = other(w, "https://shop.example.com/learn/a");
        b.hop(w, &with(url, "code", parameter(&other, "code")))
    }, "400 code_rejected"),
    attack("code twice", |w, b, url| b.hop(w, &format!("{url}&code=x")), "400 callback_malformed"),
    attack("code of 5,000 bytes", |w, b, url| b.hop(w, &with(url, "code", &"A".repeat(5_000))), "400 code_rejected"),
    attack("code not UTF-8", |w, b, url| b.hop(w, &with(url, "code", "%80")), "400 callback_malformed"),
    attack("code with parameters in it", |w, b, url| b.hop(w, &with(url, "code", "x%26redirect_uri%3Dhttps%3A%2F%2Fevil.example")), "400 code_rejected"),
    attack("code with line breaks", |w, b, url| b.hop(w, &with(url, "code", "x%0D%0Ahost:%20evil.example")), "400 code_rejected"),
    attack("code as an implicit response", |w, b, url| b.hop(w, &url.replace("code=", "id_token=")), "400 callback_malformed"),
    // `iss`.
    attack("iss empty", |w, b, url| b.hop(w, &with(url, "iss", "")), "400 issuer_mismatch"),
    attack("iss with a slash", |w, b, url| b.hop(w, &with(url, "iss", "https%3A%2F%2Fid.example.com%2F")), "400 issuer_mismatch"),
    attack("iss in capitals", |w, b, url| b.hop(w, &with(url, "iss", "HTTPS%3A%2F%2Fid.example.com")), "400 issuer_mismatch"),
    attack("iss of the session issuer", |w, b, url| b.hop(w, &with(url, "iss", "https%3A%2F%2Flearn.example.com%2Fsessions")), "400 issuer_mismatch"),
    // The flow cookie.
    attack("flow cookie truncated", |w, b, url| { flow(b).value.pop(); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie cut in half", |w, b, url| { let value = &mut flow(b).value; value.truncate(value.len() / 2); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie extended", |w, b, url| { flow(b).value.push('A'); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie empty", |w, b, url| { flow(b).value.clear(); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie with another key ID", |w, b, url| { let value = &mut flow(b).value; *value = value.replace("s1.", "s2."); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie without a key ID", |w, b, url| { let value = &mut flow(b).value; *value = value.replace("s1.", "."); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie changed at its start", |w, b, url| { changed(&mut flow(b).value, 3); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie changed in its middle", |w, b, url| { changed(&mut flow(b).value, 40); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie renamed to another state", |w, b, url| {
        // The attacker's flow under the name of the victim's, with the attacker's code.
        let (mut mallory, other) = other(w, LESSON);
        flow(b).value = flow(&mut mallory).value.clone();
        b.hop(w, &with(url, "code", parameter(&other, "code")))
    }, "400 flow_missing"),
    attack("flow cookie of another site", |w, b, url| {
        let (mut mallory, _) = other(w, "https://shop.example.com/learn/a");
        flow(b).value = flow(&mut mallory).value.clone();
        b.hop(w, url)
    }, "400 flow_missing"),
    attack("flow cookie in another case", |w, b, url| { let name = &mut flow(b).name; *name = name.replace("Host", "host"); b.hop(w, url) }, "400 flow_missing"),
    attack("flow cookie of 10 minutes ago", |w, b, url| {
        w.now += 600;
        flow(b).ends = i64::MAX;
        b.hop(w, url)
    }, "400 flow_expired"),
    attack("refresh cookie as flow cookie", |w, b, url| {
        let mut mallory = Browser::of("mallory");
        mallory.open(w, LESSON);
        flow(b).value = mallory.cookie(HOST, REFRESH).expect("a refresh token").to_string();
        b.hop(w, url)
    }, "400 flow_missing"),
    attack("session cookie as flow cookie", |w, b, url| {
        let mut mallory = Browser::of("mallory");
        mallory.open(w, LESSON);
        flow(b).value = mallory.cookie(HOST, "__Host-tollgate").expect("a session").to_string();
        b.hop(w, url)
    }, "400 flow_missing"),
    attack("9,000 bytes of cookies", |w, _, url| raw(w, url, &[format!("__Host-tollgate-flow-{}=s1.{}", &parameter(url, "state")[..8], "A".repeat(9_000))]), "400 flow_missing"),
];

/// Changes a character of base64url text.
fn changed(text: &mut String, at: usize) {
    let other = if text[at..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    text.replace_range(at..=at, other);
}

#[test]
fn no_changed_callback_signs_anyone_in() {
    for Attack { name, run, expect } in ATTACKS {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        let callback = browser.callback(&mut world, LESSON);
        let reply = run(&mut world, &mut browser, &callback);
        assert_eq!(reply.summary(), *expect, "{name}");
        assert_eq!(reply.session(), None, "{name}");
        let next = browser.open(&mut world, LESSON);
        assert!(next.is_forwarded, "{name}: {:#?}", browser.codes());
        let session = browser
            .cookie(HOST, "__Host-tollgate")
            .map(crate::world::subject);
        assert_eq!(session.as_deref(), Some("alice"), "{name}");
    }
}

#[test]
fn every_changed_character_of_a_sealed_cookie_is_noticed() {
    let mut world = World::new();
    world.is_strict = false;
    let mut browser = Browser::of("alice");
    let callback = browser.callback(&mut world, "https://learn.example.com/learn/a");
    let sealed = flow(&mut browser).value.clone();
    for at in 0..sealed.len() {
        let mut value = sealed.clone();
        changed(&mut value, at);
        flow(&mut browser).value = value;
        let reply = browser.hop(&mut world, &callback);
        assert_eq!(reply.summary(), "400 flow_missing", "{at}");
        let cut = &sealed[..at];
        flow(&mut browser).value = cut.to_string();
        let reply = browser.hop(&mut world, &callback);
        assert_eq!(reply.summary(), "400 flow_missing", "{at}");
    }
    assert!(world.provider.seen.is_empty());
    flow(&mut browser).value = sealed;
    assert_eq!(
        browser.hop(&mut world, &callback).summary(),
        "303 signed_in"
    );
}

#[test]
fn a_flow_cookie_next_to_rubbish_of_the_same_name_works() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let callback = browser.callback(&mut world, LESSON);
    let Cookie { name, value, .. } = flow(&mut browser).clone();
    let rubbish = format!("{name}=s1.AAAA");
    let good = format!("{name}={value}");
    let table = [
        vec![rubbish.clone(), good.clone()],
        vec![format!("{good}; {rubbish}; {good}")],
        vec![format!("{rubbish};{good}")],
        vec!["=; ;;".to_string(), good.clone()],
    ];
    for cookies in table {
        let reply = raw(&mut world, &callback, &cookies);
        assert_eq!(reply.summary(), "303 signed_in", "{cookies:?}");
        assert_eq!(reply.session().as_deref(), Some("alice"));
    }
}

#[test]
fn a_code_is_not_redeemed_twice() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let callback = browser.callback(&mut world, LESSON);
    let before = browser.jar.clone();
    assert_eq!(
        browser.hop(&mut world, &callback).summary(),
        "303 signed_in"
    );
    // The browser forgot the flow: a reload does no harm, and ends at the site.
    assert_eq!(
        browser.hop(&mut world, &callback).summary(),
        "303 already_signed_in"
    );
    // A double click: the same request once more. It shares the response of the first.
    browser.jar = before.clone();
    assert_eq!(
        browser.hop(&mut world, &callback).summary(),
        "303 signed_in"
    );
    // Later the code is used up, also for a thief of both URL and cookies.
    browser.jar = before;
    world.now += 31;
    assert_eq!(
        browser.hop(&mut world, &callback).summary(),
        "400 code_rejected"
    );
    let tokens = world
        .provider
        .seen
        .iter()
        .filter(|sent| sent.url.ends_with("/token"));
    assert_eq!(tokens.count(), 2);
}

#[test]
fn return_paths_stay_on_the_site() {
    let long = format!("/{}", "a".repeat(5_000));
    let longest = format!("/learn/{}", "a".repeat(512 - 7));
    let longer = format!("/learn/{}", "a".repeat(512 - 6));
    // Raw bytes after `to=`; the path of the return.
    let table: &[(&[u8], &str)] = &[
        (b"/learn/a", "/learn/a"),
        (b"/learn/a?x=1", "/learn/a?x=1"),
        (b"/learn/a%3Fx%3D1%26y%3D2", "/learn/a?x=1&y=2"),
        (b"/learn/a?to=//evil.example", "/learn/a?to=//evil.example"),
        (b"", "/"),
        (b"learn/a", "/"),
        (b"//evil.example", "/"),
        (b"///evil.example", "/"),
        (b"/%2Fevil.example", "/"),
        (b"%2F%2Fevil.example", "/"),
        (b"/%5Cevil.example", "/"),
        (b"/\\evil.example", "/"),
        (b"\\\\evil.example", "/"),
        (b"/learn/%5C%5Cevil.example", "/"),
        (b"/%252Fevil.example", "/"),
        (b"/..//evil.example", "/"),
        (b"/../learn", "/"),
        (b"/./learn", "/"),
        (b"/learn/..%2F..", "/"),
        (b"/learn//a", "/"),
        (b"https:evil.example", "/"),
        (b"https://evil.example", "/"),
        (b"https://learn.example.com/learn/a", "/"),
        (b"javascript:alert(1)", "/"),
        (b"data:text/html,x", "/"),
        (b"@evil.example", "/"),
        (b".evil.example", "/"),
        (b":80/evil", "/"),
        (b"/learn%0D%0ALocation:%20https://evil.example", "/"),
        (b"/learn%0Aa", "/"),
        (b"/learn%09a", "/"),
        (b"%09//evil.example", "/"),
        (b"/%09/evil.example", "/"),
        (b"%20/learn", "/"),
        (b"/learn%00", "/"),
        (b"/learn/a%2523b", "/"),
        (b"/learn/a%23b", "/"),
        (b"/learn/a?b%23c", "/"),
        (b"/learn/a?b%20c", "/"),
        (b"/learn/a%FF", "/"),
        (b"/learn/a?%FF", "/"),
        (b"/learn/\xFF", "/"),
        (b"/learn/%25FF", "/"),
        (b"/learn/%C3%A4", "/"),
        (b"/learn/%25C3%25A4", "/learn/%C3%A4"),
        (b"/learn/%", "/"),
        (b"/.tollgate", "/"),
        (b"/.tollgate/sign-out", "/"),
        (b"/.tollgate/sign-out?x", "/"),
        (b"/.tollgate/sign-in?to=/learn/a", "/"),
        (b"/%252Etollgate/sign-out", "/"),
        (b"/.tollgate%252Fsign-out", "/"),
        (b"/.tollgate/../learn", "/"),
        (b"/.tollgates", "/.tollgates"),
        (b"/learn/a&to=/learn/b", "/"),
        (b"/learn/a&TO=/learn/b", "/learn/a"),
        (long.as_bytes(), "/"),
        (longest.as_bytes(), longest.as_str()),
        (longer.as_bytes(), "/"),
    ];
    for (to, expect) in table {
        let shown = String::from_utf8_lossy(to);
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        let target = [b"/.tollgate/sign-in?to=".as_slice(), to].concat();
        let headers = [("accept".to_string(), b"text/html".to_vec())];
        let reply = world.send("GET", HOST, &target, &headers);
        assert_eq!(reply.summary(), "302 sign_in_started", "{shown}");
        browser.store(HOST, "/", &reply, world.now);
        let at_provider = reply.location().expect("the provider").to_string();
        let place = ["evil", "learn%2F", "5C"];
        assert!(
            !place.iter().any(|part| at_provider.contains(part)),
            "{at_provider}"
        );
        let callback = world
            .provider
            .authorize(&at_provider, Some("alice"), world.now);
        let reply = browser.hop(&mut world, &callback);
        assert_eq!(reply.summary(), "303 signed_in", "{shown}");
        assert_eq!(reply.location(), Some(*expect), "{shown}");

        // The same without a flow: `refresh` of a valid session.
        let target = [b"/.tollgate/refresh?to=".as_slice(), to].concat();
        let cookies = browser.cookies_for(HOST, "/.tollgate/refresh", world.now);
        let headers = [
            headers[0].clone(),
            ("cookie".to_string(), cookies.into_bytes()),
        ];
        let reply = world.send("GET", HOST, &target, &headers);
        assert_eq!(reply.summary(), "303 session_fresh", "{shown}");
        assert_eq!(reply.location(), Some(*expect), "{shown}");
    }
    // Bytes that end a request line are rejected before anything is read.
    for to in [&b"/a b"[..], b"/a\r\nx: y", b"/a\x00", b"/a#b", b"/a\tb"] {
        let mut world = World::new();
        let target = [b"/.tollgate/sign-in?to=".as_slice(), to].concat();
        let reply = world.send(
            "GET",
            HOST,
            &target,
            &[("accept".to_string(), b"text/html".to_vec())],
        );
        assert_eq!(reply.summary(), "400 bad_query");
    }
}

#[test]
fn the_page_that_was_opened_is_the_return_path() {
    for (page, expect) in [
        ("/learn/a", "/learn/a"),
        (
            "/learn/a?x=1&to=//evil.example",
            "/learn/a?x=1&to=//evil.example",
        ),
        ("/learn/a?x=%2F%2Fevil", "/learn/a?x=%2F%2Fevil"),
        ("/learn/%C3%A4", "/learn/%C3%A4"),
        ("/learn/a?", "/learn/a?"),
    ] {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        let last = browser.open(&mut world, &format!("https://{HOST}{page}"));
        assert!(last.is_forwarded, "{:#?}", browser.codes());
        let end = &browser.trace.last().expect("a page").0;
        assert_eq!(end, &format!("https://{HOST}{expect}"));
    }
}

#[test]
fn foreign_hosts_change_no_redirect() {
    for host in [
        "evil.example",
        "learn.example.com.evil.example",
        "",
        "learn.example.com:444",
    ] {
        let mut world = World::new();
        let headers = [
            ("host".to_string(), host.as_bytes().to_vec()),
            ("x-forwarded-host".to_string(), b"evil.example".to_vec()),
            ("x-forwarded-uri".to_string(), b"//evil.example".to_vec()),
            ("forwarded".to_string(), b"host=evil.example".to_vec()),
            ("accept".to_string(), b"text/html".to_vec()),
        ];
        let reply = world.send("GET", HOST, b"/.tollgate/sign-in?to=/learn/a", &headers);
        let location = reply.location().expect("the provider");
        assert!(!location.contains("evil"), "{location}");
        assert!(
            location
                .contains("redirect_uri=https%3A%2F%2Flearn.example.com%2F.tollgate%2Fcallback")
        );
    }
    let mut world = World::new();
    let headers = [
        ("host".to_string(), b"localhost:8080".to_vec()),
        ("accept".to_string(), b"text/html".to_vec()),
    ];
    let reply = world.send("GET", HOST, b"/.tollgate/sign-in", &headers);
    let location = reply.location().expect("the provider");
    assert!(location.contains("redirect_uri=http%3A%2F%2Flocalhost%3A8080%2F.tollgate%2Fcallback"));
}

#[test]
fn a_refresh_cookie_works_only_where_it_was_set() {
    type Change = fn(&mut World, &mut Browser);
    let cases: &[(&str, Change)] = &[
        ("truncated", |_, b| {
            cookie(b).pop();
        }),
        ("empty", |_, b| cookie(b).clear()),
        ("changed", |_, b| changed(cookie(b), 60)),
        ("oversized", |_, b| cookie(b).push_str(&"A".repeat(9_000))),
        ("of another user", |w, b| {
            *cookie(b) = token_of_mallory(w, LESSON)
        }),
        ("of another site", |w, b| {
            *cookie(b) = token_of_mallory(w, "https://shop.example.com/learn/a");
        }),
        ("sealed with another key", |w, b| {
            let mut copy = World::with(&[Options {
                seals: &["s3"],
                ..LEARN
            }]);
            *cookie(b) = token_of_mallory(&mut copy, LESSON);
            w.provider.refreshes.extend(copy.provider.refreshes);
        }),
        ("of another site with the same key", |w, b| {
            let mut copy = World::with(&[Options {
                host: LEARN.host,
                seals: &["s1"],
                ..SHOP
            }]);
            *cookie(b) = token_of_mallory(&mut copy, LESSON);
            w.provider.refreshes.extend(copy.provider.refreshes);
        }),
        ("a flow cookie", |w, b| {
            let (mut mallory, _) = other(w, LESSON);
            *cookie(b) = flow(&mut mallory).value.clone();
        }),
    ];
    for (name, change) in cases {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        assert!(browser.open(&mut world, LESSON).is_forwarded);
        change(&mut world, &mut browser);
        // While the session is valid, it stays.
        world.now += 3_000;
        let reply = browser.open(&mut world, LESSON);
        assert!(reply.is_forwarded, "{name}");
        assert_eq!(
            browser.codes(),
            ["302 refresh_due", "303 refresh_failed", "200 -"],
            "{name}"
        );
        // After its end, the user signs in again.
        world.now += 601;
        let reply = browser.open(&mut world, LESSON);
        assert!(reply.is_forwarded, "{name}: {:#?}", browser.codes());
        assert!(
            browser.codes().contains(&"303 signed_in".to_string()),
            "{name}"
        );
        let session = browser
            .cookie(HOST, "__Host-tollgate")
            .map(crate::world::subject);
        assert_eq!(session.as_deref(), Some("alice"), "{name}");
    }
}

fn cookie(browser: &mut Browser) -> &mut String {
    let mut cookies = browser.jar.iter_mut();
    &mut cookies
        .find(|cookie| cookie.name == REFRESH)
        .expect("a refresh token")
        .value
}

fn token_of_mallory(world: &mut World, url: &str) -> String {
    let mut mallory = Browser::of("mallory");
    assert!(mallory.open(world, url).is_forwarded);
    cookie(&mut mallory).clone()
}

#[test]
fn a_neighbouring_site_cannot_sign_a_browser_in() {
    // A page of `evil.example.com` can set a cookie for `example.com` with any name that does not begin with
    // `__Host-`: here the refresh token of its own account, before or after that of the victim.
    let mut world = World::new();
    let tossed = token_of_mallory(&mut world, LESSON);
    let mut victim = Browser::of("alice");
    let planted = |browser: &mut Browser, at: usize| {
        let mut cookie = Cookie {
            host: HOST.to_string(),
            name: REFRESH.to_string(),
            value: tossed.clone(),
            path: "/.tollgate/".to_string(),
            ends: i64::MAX,
        };
        if at > 0 {
            cookie.path = "/".to_string();
        }
        browser.jar.push(cookie);
    };
    for at in [0, 1] {
        let mut stranger = Browser::of("alice");
        planted(&mut stranger, at);
        let reply = stranger.hop(&mut world, &at_refresh());
        assert_eq!(
            (reply.summary(), reply.session()),
            ("303 refresh_ended".to_string(), None)
        );
    }
    assert!(victim.open(&mut world, LESSON).is_forwarded);
    planted(&mut victim, 0);
    planted(&mut victim, 1);
    world.now += 3_000;
    let reply = victim.open(&mut world, LESSON);
    assert!(reply.is_forwarded);
    assert_eq!(
        victim.codes(),
        ["302 refresh_due", "303 refreshed", "200 -"]
    );
    let session = victim
        .cookie(HOST, "__Host-tollgate")
        .map(crate::world::subject);
    assert_eq!(session.as_deref(), Some("alice"));
}

fn at_refresh() -> String {
    at("refresh?to=/learn/a")
}

#[test]
fn a_gate_with_other_secrets_or_another_client_reads_no_cookie() {
    // The operator replaced the secret, the client, or the provider while a user was signing in.
    for options in [
        Options {
            seals: &["s3"],
            ..LEARN
        },
        Options {
            client: "web2",
            ..LEARN
        },
    ] {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        let callback = browser.callback(&mut world, LESSON);
        world.provider.register(&options);
        let site = world.sites.iter_mut().find(|site| site.host == HOST);
        site.expect("the site").gate = gate(&options);
        let reply = browser.hop(&mut world, &callback);
        assert_eq!(reply.summary(), "400 flow_missing");
        assert!(world.provider.seen.is_empty(), "the code was sent");
        assert!(browser.open(&mut world, LESSON).is_forwarded);
    }
}

#[test]
fn nobody_signs_in_without_entropy() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    world.has_entropy = false;
    let reply = browser.open(&mut world, LESSON);
    assert_eq!(reply.summary(), "500 sign_in_internal");
    assert!(browser.jar.is_empty());
    world.has_entropy = true;
    let callback = browser.callback(&mut world, LESSON);
    world.has_entropy = false;
    let reply = browser.hop(&mut world, &callback);
    assert_eq!(
        (reply.summary(), reply.session()),
        ("500 sign_in_internal".to_string(), None)
    );
    world.has_entropy = true;
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    // A refresh, too.
    world.now += 3_000;
    world.has_entropy = false;
    let reply = browser.open(&mut world, LESSON);
    assert_eq!(reply.summary(), "500 sign_in_internal");
    world.has_entropy = true;
    assert!(browser.open(&mut world, LESSON).is_forwarded);
}

#[test]
fn clocks_at_their_limits_are_no_panic() {
    for now in [i64::MIN, -1, 0, i64::MAX - 1, i64::MAX] {
        let mut world = World::new();
        world.now = now;
        for endpoint in [
            "sign-in",
            "callback?state=AAAAAAAA&code=x",
            "refresh",
            "sign-out",
            "me",
        ] {
            let target = format!("/.tollgate/{endpoint}");
            let headers = [
                ("accept".to_string(), b"text/html".to_vec()),
                ("cookie".to_string(), b"__Host-tollgate-renew=9223372036854775807.x; __Host-tollgate-tries=4294967295".to_vec()),
            ];
            world.send("GET", HOST, target.as_bytes(), &headers);
        }
    }
}

#[test]
fn parameters_of_names_in_pieces_are_not_read() {
    for query in [
        "st%61te=A&code=x",
        "STATE=A&code=x",
        "state =A&code=x",
        "state[]=A&code=x",
    ] {
        let mut world = World::new();
        let mut browser = Browser::of("alice");
        let url = at(&format!("callback?{}", query.replace(' ', "+")));
        assert_eq!(
            browser.hop(&mut world, &url).summary(),
            "400 callback_malformed"
        );
    }
}
