//! Sign-in as a pure state machine: browsers, sites and providers in one process, honest and malicious, with
//! real cryptography and without sockets.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a helper fails its test by panicking"
)]

mod browser;
mod conformance;
mod hostile;
mod peers;
mod provider;
mod providers;
mod refresh;
mod sign_out;
mod site;
mod walks;
mod world;

use browser::Browser;
use tollgate_gate::{ClientCache, Context, Request, UnixSeconds};
use world::{LESSON, SESSION, World, at};

/// A repeat request with a client handle is not evaluated as a whole, so it must not bypass the endpoints.
#[test]
fn no_client_handle_admits_a_request_to_an_endpoint() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    browser.open(&mut world, LESSON);
    let session = browser
        .cookie("learn.example.com", SESSION)
        .expect("a session");
    let cookie = format!("{SESSION}={session}");
    // The rule for `/learn/**` covers this path.
    let options = site::Options {
        sign_in: "path = \"/learn/gate\"",
        ..site::LEARN
    };
    let gate = site::gate(&options);
    let mut clients = ClientCache::new(4);
    let headers = [("cookie", cookie.as_bytes())];
    let ask = |target| Request {
        method: "GET",
        target,
        headers: &headers,
        ip: None,
        now: UnixSeconds(world.now),
        entropy: None,
    };
    let mut context = Context::new().with_clients(&mut clients);
    let outcome = gate.ask(&ask(b"/learn/a"), &mut context);
    assert_eq!(outcome.status, 200);
    let handle = context.client_handle().expect("a handle").handle;
    let table: &[(&[u8], bool)] = &[
        (b"/learn/b", true),
        (b"/learn/gates", true),
        (b"/learn/gate", false),
        (b"/learn/gate/me", false),
        (b"/learn/gate/sign-out", false),
        (b"/learn/gate/nothing", false),
    ];
    for (target, expect) in table {
        let admitted = gate.admit(&mut clients, handle, &ask(target));
        assert_eq!(admitted.is_some(), *expect, "{}", target.escape_ascii());
    }
}

#[test]
fn a_user_signs_in_and_returns_to_the_page() {
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let reply = browser.open(&mut world, LESSON);
    assert!(reply.is_forwarded, "{:#?}", browser.codes());
    assert_eq!(
        browser.codes(),
        ["302 -", "302 sign_in_started", "303 signed_in", "200 -"]
    );
    assert_eq!(browser.trace[3].0, LESSON);
    let session = browser.cookie("learn.example.com", SESSION);
    assert_eq!(session.map(world::subject).as_deref(), Some("alice"));
    assert!(browser.flows("learn.example.com").is_empty());
    let me = browser.hop(&mut world, &at("me"));
    assert!(
        me.body
            .contains(r#""subject":"alice","issuer":"learners","groups":["#),
        "{}",
        me.body
    );
    // A session of one site is none at another.
    let other = browser.hop(&mut world, "https://shop.example.com/learn/a");
    assert_eq!(other.summary(), "302 -");
    assert!(world.records.contains(r#""detail":"signed_in""#));
}
