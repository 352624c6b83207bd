//! Sign-in as a pure state machine: browsers, sites and providers in one process, honest and malicious, with
//! real cryptography and without sockets.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a helper fails its test by panicking"
)]

mod browser;
mod conformance;
mod hostile;
mod peers;
mod provider;
mod refresh;
mod sign_out;
mod site;
mod walks;
mod world;

use browser::Browser;
use world::{LESSON, SESSION, World, at};

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
