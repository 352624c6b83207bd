//! The end of sessions, here and at the provider.

use crate::browser::Browser;
use crate::provider::{Evil, Sent};
use crate::site::{LEARN, Options};
use crate::world::{LESSON, SESSION, World, at};

const HOST: &str = "learn.example.com";
const OWN: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

fn signed_in(options: &Options<'_>) -> (World, Browser) {
    let mut world = World::with(&[options.clone()]);
    let mut browser = Browser::of("alice");
    assert!(browser.open(&mut world, LESSON).is_forwarded);
    world.provider.seen.clear();
    (world, browser)
}

fn revocations(world: &World) -> usize {
    let sent = world.provider.seen.iter();
    sent.filter(|sent| sent.url.ends_with("/revoke")).count()
}

#[test]
fn a_session_ends_here_and_at_the_provider() {
    let local = r#", "revocation_endpoint": "https://id.example.com/revoke""#;
    let table = [
        (
            LEARN,
            "https://id.example.com/end?x=1&client_id=web&post_logout_redirect_uri=https%3A%2F%2Flearn.example.com%2F.tollgate%2Fsigned-out&id_token_hint=",
        ),
        (
            Options {
                is_cognito: true,
                ..LEARN
            },
            "https://id.example.com/logout?client_id=web&logout_uri=https%3A%2F%2Flearn.example.com%2F.tollgate%2Fsigned-out",
        ),
        (
            Options {
                discovery: local,
                ..LEARN
            },
            "/.tollgate/signed-out",
        ),
        (
            Options {
                discovery: local,
                sign_in: "signed_out = \"/open/bye\"",
                ..LEARN
            },
            "/open/bye",
        ),
        (
            Options {
                sign_in: "signed_out = \"/open/bye\"",
                ..LEARN
            },
            "https://id.example.com/end?x=1&client_id=web&post_logout_redirect_uri=https%3A%2F%2Flearn.example.com%2Fopen%2Fbye&id_token_hint=",
        ),
    ];
    for (options, location) in table {
        for method in ["POST", "GET"] {
            let (mut world, mut browser) = signed_in(&options);
            let reply = browser.send(&mut world, method, &at("sign-out"), OWN);
            assert_eq!(reply.summary(), "303 signed_out");
            let found = reply.location().expect("a way on");
            assert!(found.starts_with(location), "{found}");
            for name in [
                SESSION,
                "__Secure-tollgate-refresh",
                "__Host-tollgate-renew",
            ] {
                assert_eq!(reply.set(name), Some(""), "{name}");
                assert_eq!(browser.cookie(HOST, name), None, "{name}");
            }
            assert_eq!(revocations(&world), 1);
            assert!(world.provider.refreshes.is_empty());
            // The page that follows is public, and no flow begins there.
            let (mut world, mut browser) = signed_in(&options);
            browser.headers = vec![("sec-fetch-site".to_string(), "same-origin".to_string())];
            let last = browser.open(&mut world, &at("sign-out"));
            assert!(last.status == 200, "{:#?}", browser.codes());
            let page = browser.hop(&mut world, LESSON);
            assert_eq!(
                page.location(),
                Some("/.tollgate/sign-in?to=/learn/a%3Fx%3D1")
            );
        }
    }
}

#[test]
fn another_site_cannot_sign_a_user_out() {
    type Headers = &'static [(&'static str, &'static str)];
    let none: [(&str, &str); 3] = [
        ("sec-fetch-site", ""),
        ("sec-fetch-mode", ""),
        ("sec-fetch-dest", ""),
    ];
    let table: &[(&str, Headers, &str)] = &[
        (
            "POST",
            &[("sec-fetch-site", "cross-site")],
            "403 cross_site",
        ),
        ("POST", &[("sec-fetch-site", "same-site")], "403 cross_site"),
        (
            "POST",
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://learn.example.com"),
            ],
            "403 cross_site",
        ),
        (
            "POST",
            &[("sec-fetch-site", "SAME-ORIGIN")],
            "403 cross_site",
        ),
        (
            "POST",
            &[("origin", "https://evil.example")],
            "403 cross_site",
        ),
        ("POST", &[("origin", "null")], "403 cross_site"),
        (
            "POST",
            &[("origin", "https://learn.example.com.evil.example")],
            "403 cross_site",
        ),
        (
            "POST",
            &[("origin", "https://learn.example.com@evil.example")],
            "403 cross_site",
        ),
        (
            "POST",
            &[("origin", "https://learn.example.com:8443")],
            "403 cross_site",
        ),
        (
            "POST",
            &[("origin", "https://learn.example.com")],
            "303 signed_out",
        ),
        (
            "GET",
            &[("sec-fetch-site", "cross-site")],
            "200 confirm_sign_out",
        ),
        (
            "GET",
            &[("sec-fetch-site", "same-site")],
            "200 confirm_sign_out",
        ),
        ("GET", &[], "200 confirm_sign_out"),
        (
            "GET",
            &[("referer", "https://evil.example/https://learn.example.com/")],
            "200 confirm_sign_out",
        ),
        (
            "GET",
            &[("referer", "https://learn.example.com.evil.example/")],
            "200 confirm_sign_out",
        ),
        (
            "GET",
            &[
                ("sec-fetch-site", "cross-site"),
                ("referer", "https://learn.example.com/"),
            ],
            "200 confirm_sign_out",
        ),
        (
            "GET",
            &[("referer", "https://learn.example.com/learn/a")],
            "303 signed_out",
        ),
        ("GET", &[("sec-fetch-site", "none")], "303 signed_out"),
        ("HEAD", OWN, "405 -"),
        ("PUT", OWN, "405 -"),
    ];
    for (method, headers, expect) in table {
        let (mut world, mut browser) = signed_in(&LEARN);
        let mut all = headers.to_vec();
        if !headers.iter().any(|(name, _)| *name == "sec-fetch-site") {
            all.extend(none);
        }
        let reply = browser.send(&mut world, method, &at("sign-out"), &all);
        assert_eq!(reply.summary(), *expect, "{method} {headers:?}");
        let has_ended = expect.ends_with("signed_out") && reply.status == 303;
        assert_eq!(reply.set_cookies().count() > 0, has_ended);
        assert_eq!(revocations(&world) > 0, has_ended);
        assert_eq!(browser.hop(&mut world, LESSON).is_forwarded, !has_ended);
        if reply.status == 200 {
            assert!(
                reply.body.contains("<a href=\"/.tollgate/sign-out\">"),
                "{}",
                reply.body
            );
            assert!(reply.header("content-security-policy").is_some());
        }
    }
}

#[test]
fn a_user_is_signed_out_here_whatever_the_provider_does() {
    for fault in [Sent::Nothing, Sent::Late, Sent::Response(500, Vec::new())] {
        let (mut world, mut browser) = signed_in(&LEARN);
        world.provider.evil = Evil {
            reply: Some(fault),
            ..Evil::default()
        };
        let reply = browser.send(&mut world, "POST", &at("sign-out"), OWN);
        assert_eq!(reply.summary(), "303 signed_out");
        assert_eq!(browser.cookie(HOST, SESSION), None);
    }
    // Nor does anything need to be there.
    let mut world = World::new();
    let mut browser = Browser::of("alice");
    let reply = browser.send(&mut world, "POST", &at("sign-out"), OWN);
    assert_eq!(reply.summary(), "303 signed_out");
    // A cookie that no longer opens is cleared.
    let (mut world, mut browser) = signed_in(&LEARN);
    world.add(&Options {
        seals: &["s3"],
        ..LEARN
    });
    let reply = browser.send(&mut world, "POST", &at("sign-out"), OWN);
    assert_eq!(reply.summary(), "303 signed_out");
    assert_eq!(reply.set("__Secure-tollgate-refresh"), Some(""));
}
