//! Panics: each affects only the request that triggered it, which is denied.

use core::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use tollgate_core::UnixSeconds;
use tollgate_crypto::Native;
use tollgate_gate::Gate;
use tollgate_server::{Clock, Options, Origin};
use tollgate_token::{Algorithm, BadSignature, KeyMaterial, KeyRefused, PreparedKey, Provider};

use super::keys::{Issuer, bearer, bearer_until, image, ok, set};
use super::support::{NOW, Scratch, Server};

/// A signature provider that panics on request and counts calls.
#[derive(Default)]
struct Fragile {
    in_verify: AtomicBool,
    in_prepare: AtomicBool,
    verified: AtomicUsize,
}

struct FragileKey(Box<dyn PreparedKey>, &'static Fragile);

impl Fragile {
    fn leaked() -> &'static Fragile {
        Box::leak(Box::default())
    }
}

/// One per test; a provider lives until the process ends.
struct Through(&'static Fragile);

impl Provider for Through {
    fn prepare(
        &self,
        algorithm: Algorithm,
        key: &KeyMaterial,
    ) -> Result<Box<dyn PreparedKey>, KeyRefused> {
        assert!(!self.0.in_prepare.swap(false, Ordering::SeqCst), "injected");
        let key = Native.prepare(algorithm, key)?;
        Ok(Box::new(FragileKey(key, self.0)))
    }
}

impl PreparedKey for FragileKey {
    fn verify(&self, input: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        assert!(!self.1.in_verify.swap(false, Ordering::SeqCst), "injected");
        self.1.verified.fetch_add(1, Ordering::SeqCst);
        self.0.verify(input, signature)
    }
}

fn gate(issuer: &Issuer, fragile: &'static Fragile) -> Gate<Vec<u8>> {
    Gate::new(image(issuer), Box::leak(Box::new(Through(fragile)))).unwrap()
}

fn lesson(scratch: &Scratch) -> Origin {
    scratch.file("site/courses/a", "lesson");
    Origin::folder(&scratch.path().join("site")).unwrap()
}

#[test]
fn a_panic_in_the_gate_denies_only_one_request() {
    let scratch = Scratch::new("panics-gate");
    let issuer = Issuer::start(ok(&set(&["old"])));
    let fragile = Fragile::leaked();
    let server = Server::start_with(gate(&issuer, fragile), lesson(&scratch), Options::default());
    let status = |headers: &str| server.get("GET", "/courses/a", headers).status();
    // Once the keys have been fetched, no background work is left.
    assert_eq!(status(&bearer("invented")), 401);
    for round in 1..4 {
        let token = bearer_until("old", NOW + round);
        server.take_log();
        fragile.in_verify.store(true, Ordering::SeqCst);
        assert_eq!(status(&token), 500);
        assert_eq!(server.take_log(), ["500 internal"]);
        assert_eq!((status(&token), status("")), (200, 401));
        // Valid tokens are cached as before: a lock poisoned by a panic has no effect.
        fragile.verified.store(0, Ordering::SeqCst);
        assert_eq!([status(&token), status(&token)], [200, 200]);
        assert_eq!(fragile.verified.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn a_panic_in_the_log_sink_returns_500() {
    let scratch = Scratch::new("panics-log");
    let issuer = Issuer::start(ok(&set(&["old"])));
    static ONCE: AtomicBool = AtomicBool::new(true);
    let server = Server::start_with_log(
        gate(&issuer, Fragile::leaked()),
        lesson(&scratch),
        Box::new(|_| assert!(!ONCE.swap(false, Ordering::SeqCst), "injected")),
    );
    let get = || server.get("GET", "/courses/a", &bearer("old"));
    let lost = get();
    assert_eq!(
        (lost.status(), lost.header("connection")),
        (500, Some("close"))
    );
    assert!(!lost.body().contains("lesson"));
    assert_eq!(get().status(), 200);
}

#[test]
fn a_key_fetch_that_panics_has_ended() {
    static TIME: AtomicI64 = AtomicI64::new(NOW);
    let scratch = Scratch::new("panics-fetch");
    let issuer = Issuer::start(ok(&set(&["old", "new"])));
    let fragile = Fragile::leaked();
    let options = Options {
        clock: Clock::Custom(|| UnixSeconds(TIME.load(Ordering::SeqCst))),
        ..Options::default()
    };
    let server = Server::start_at(gate(&issuer, fragile), lesson(&scratch), options);
    let status = |kid: &str| server.get("GET", "/courses/a", &bearer(kid)).status();
    fragile.in_prepare.store(true, Ordering::SeqCst);
    assert_eq!(status("new"), 401);
    assert_eq!(status("old"), 200);
    // The next fetch is accepted, and no request waits for the one that never ends.
    TIME.fetch_add(20, Ordering::SeqCst);
    assert_eq!(status("new"), 200);
    assert_eq!(issuer.asked(), 2);
}
