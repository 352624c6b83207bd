//! The same session cookie is issued again for a few seconds.

use tollgate_core::UnixSeconds;
use tollgate_gate::{Action, Context, Request, TokenCache};

use super::{gate, sign_in, with_sessions};

#[test]
fn a_session_is_issued_again_for_a_moment() {
    let gate = gate(&with_sessions(&["s-1"]));
    let student = sign_in(r#""sub":"u","cognito:groups":["rust-101"]"#);
    let other = sign_in(r#""sub":"v","cognito:groups":["rust-101"]"#);
    let mut cache = TokenCache::new(8);
    let mut ask = |bearer: &str, target: &str, at: i64| {
        let outcome = gate.ask(
            &Request {
                method: "GET",
                target: target.as_bytes(),
                headers: &[("authorization", bearer.as_bytes())],
                ip: None,
                now: UnixSeconds(1_800_000_000 + at),
                entropy: None,
            },
            &mut Context::cached(&mut cache),
        );
        let Action::Forward(forward) = outcome.action else {
            panic!("{target} is not forwarded: {:?}", outcome.reason);
        };
        forward.response.set_cookies.concat()
    };
    let first = ask(&student, "/courses/rust-101/a", 0);
    assert!(!first.is_empty());
    assert_eq!(ask(&student, "/courses/rust-101/b", 9), first);
    // Another user, a later time and an earlier one get new sessions.
    assert_ne!(ask(&other, "/courses/rust-101/a", 9), first);
    let later = ask(&student, "/courses/rust-101/a", 10);
    assert_ne!(later, first);
    assert_ne!(ask(&student, "/courses/rust-101/a", 9), later);
}
