//! Sign-in at restricted edges: which requests are redirected to it, what the others receive, and when a session is
//! refreshed. The expected responses are those of the gate.

mod site;

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};
use tollgate_gate::sign_in::MAX_RETURN_BYTES;
use tollgate_targets::javascript::Node;

use site::sites;

/// The time at which sessions are minted, and their lifetime.
const MINTED: i64 = 1_800_000_000;
const LIFETIME: i64 = 1_000;
/// The first second at which less than a fifth of a session's life is left.
const LATE: i64 = MINTED + LIFETIME * 4 / 5 + 1;

type Headers<'h> = &'h [(&'h str, &'h str)];

/// A browser that navigates.
const NAVIGATES: Headers<'_> = &[
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// Requests without a token to `/a`, and whether they are navigations.
const READERS: &[(&str, Headers<'_>, bool)] = &[
    ("GET", NAVIGATES, true),
    ("HEAD", NAVIGATES, true),
    ("POST", NAVIGATES, false),
    ("OPTIONS", NAVIGATES, false),
    ("GET", &[], false),
    // Without the headers of Fetch.
    ("GET", &[HTML], true),
    ("HEAD", &[HTML], true),
    ("PUT", &[HTML], false),
    ("GET", &[("Accept", "*/*")], false),
    ("GET", &[("accept", "image/avif"), HTML], true),
    ("GET", &[HTML, ("accept", "image/avif")], true),
    ("GET", &[("accept", "text/h"), ("accept", "tml")], false),
    (
        "GET",
        &[HTML, ("x-requested-with", "XMLHttpRequest")],
        false,
    ),
    ("GET", &[HTML, ("X-Requested-With", "")], false),
    // With one of them, or with other values.
    ("GET", &[("sec-fetch-mode", "navigate"), HTML], false),
    ("GET", &[("sec-fetch-dest", "document"), HTML], false),
    (
        "GET",
        &[("sec-fetch-mode", ""), ("sec-fetch-dest", ""), HTML],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
            HTML,
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "Navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document2"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "x-navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "x:\"navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            HTML,
        ],
        false,
    ),
    (
        "GET",
        &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "websocket"),
            ("sec-fetch-dest", "websocket"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    // A browser that navigates with a script's header is still a browser that navigates.
    (
        "GET",
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("x-requested-with", "com.example.app"),
            ("accept", "application/json"),
        ],
        true,
    ),
    // Prefetching.
    (
        "GET",
        &[
            ("sec-purpose", "prefetch"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("Sec-Purpose", "prefetch;prerender"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-purpose", "other"),
            ("sec-purpose", "x;prefetch"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        false,
    ),
    (
        "GET",
        &[
            ("sec-purpose", "other"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ],
        true,
    ),
    ("GET", &[("sec-purpose", "prefetch"), HTML], false),
    (
        "GET",
        &[("sec-purpose", "text/html"), ("accept", "*/*")],
        false,
    ),
    (
        "GET",
        &[("sec-purpose", "\"}"), HTML, ("accept", "prefetch")],
        true,
    ),
];

/// Raw targets, and how they are in the location.
fn targets() -> Vec<(String, String)> {
    let mut targets: Vec<(String, String)> = [
        ("/", "/"),
        ("/a/b.html", "/a/b.html"),
        ("/a/?x=1&y=%20z", "/a/%3Fx%3D1%26y%3D%2520z"),
        ("/~u/-._ok", "/~u/-._ok"),
        (
            "/a!$&'()*,:=@[]^|",
            "/a%21%24%26%27%28%29%2A%2C%3A%3D%40%5B%5D%5E%7C",
        ),
        ("/caf%C3%A9", "/caf%25C3%25A9"),
        (
            "/a?to=https://evil.test/\"<>\\",
            "/a%3Fto%3Dhttps%3A//evil.test/%22%3C%3E%5C",
        ),
        ("/a?b?c", "/a%3Fb%3Fc"),
        // Bytes of UTF-8, one character each.
        ("/a?\u{c3}\u{a9}\u{ff}", "/a%3F%C3%A9%FF"),
    ]
    .map(|(target, encoded)| (target.to_owned(), encoded.to_owned()))
    .into();
    let long = format!("/a?{}", "x".repeat(MAX_RETURN_BYTES - 3));
    targets.push((long.clone(), long.replacen('?', "%3F", 1)));
    targets.push((format!("{long}x"), "/".to_owned()));
    targets
}

fn request(method: &str, target: &str, headers: Headers<'_>, now: i64) -> Value {
    let headers: Vec<[&str; 2]> = headers
        .iter()
        .map(|(name, value)| [*name, *value])
        .collect();
    json!({ "method": method, "target": target, "headers": headers, "ip": null, "now": now })
}

/// A response as engines report it.
fn response(status: u16, kind: &str, extra: Headers<'_>, body: &str) -> Value {
    let mut headers = Map::new();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("content-type", kind),
        ("x-content-type-options", "nosniff"),
    ]
    .iter()
    .chain(extra)
    {
        headers.insert((*name).to_owned(), json!(value));
    }
    json!({ "status": status, "response": { "headers": headers, "body": body } })
}

fn redirect(method: &str, location: &str) -> Value {
    let body = if method == "HEAD" {
        ""
    } else {
        "Please sign in.\n"
    };
    let location = [("location", location)];
    response(302, "text/plain; charset=utf-8", &location, body)
}

fn unauthorized(method: &str) -> Value {
    let body = match method {
        "HEAD" => "",
        _ => "{\"status\":401,\"error\":\"Please sign in.\",\"sign_in\":\"/.tollgate/sign-in\"}\n",
    };
    let challenge = [("www-authenticate", "Bearer realm=\"site\"")];
    response(401, "application/json", &challenge, body)
}

fn assert_sent(said: &Value, expected: &Value, what: &str) {
    let found = json!({ "status": said.get("status"), "response": said.get("response") });
    assert_eq!(found, *expected, "{what}: {said}");
}

fn text<'v>(said: &'v Value, name: &str) -> &'v str {
    said.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn only_navigations_are_redirected_to_sign_in() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let asked: Vec<Value> = READERS
            .iter()
            .map(|(method, headers, _)| request(method, "/a", headers, MINTED))
            .collect();
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            for ((method, headers, navigates), said) in READERS.iter().zip(said) {
                let expected = if *navigates {
                    redirect(method, "/.tollgate/sign-in?to=/a")
                } else {
                    unauthorized(method)
                };
                let what = format!("{what}: {method} {headers:?}");
                // Where there is a page for 401, some of these clients receive it.
                if *navigates || site.name != "readers" {
                    assert_sent(said, &expected, &what);
                }
                assert_eq!(said.get("status"), expected.get("status"), "{what}");
                assert_eq!(
                    (text(said, "outcome"), text(said, "reason")),
                    ("deny", "no_token")
                );
            }
        })?;
    }
    Ok(())
}

#[test]
fn the_location_has_the_encoded_target() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let targets = targets();
        let asked: Vec<Value> = targets
            .iter()
            .map(|(target, _)| request("GET", target, NAVIGATES, MINTED))
            .collect();
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            for ((target, encoded), said) in targets.iter().zip(said) {
                let location = format!("/.tollgate/sign-in?to={encoded}");
                assert_sent(
                    said,
                    &redirect("GET", &location),
                    &format!("{what}: {target}"),
                );
            }
        })?;
    }
    Ok(())
}

#[test]
fn other_denials_stay_as_they_are() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let session = site.session(MINTED)?;
        let bad = [NAVIGATES, &[("cookie", "__Host-tollgate=x")]].concat();
        let signed_in = [NAVIGATES, &[("cookie", session.as_str())]].concat();
        let shared = [
            ("origin", "https://app.test"),
            ("accept", "application/json"),
        ];
        let asked = [
            request("GET", "/a", &bad, MINTED),
            request("GET", "/a//b", NAVIGATES, MINTED),
            request("DELETE", "/a", &signed_in, MINTED),
            request("GET", "/a", &shared, MINTED),
            request("GET", "/a", &signed_in, MINTED),
            // Nothing is left of the session.
            request("GET", "/a", &signed_in, MINTED + LIFETIME),
        ];
        let expired = if site.name == "redirects" {
            "/expired"
        } else {
            "/.tollgate/sign-in?to=/a"
        };
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            let [bad, path, method, shared, allowed, ended] = said else {
                panic!("{what}: {said:?}");
            };
            assert_sent(bad, &redirect("GET", expired), what);
            assert_eq!(text(bad, "reason"), "bad_token", "{what}");
            let location = |said: &Value| said.pointer("/response/headers/location").cloned();
            assert_eq!(
                (text(path, "reason"), location(path)),
                ("bad_path", None),
                "{what}"
            );
            assert_eq!(
                (text(method, "reason"), location(method)),
                ("bad_method", None),
                "{what}"
            );
            let reader = shared.pointer("/response/headers/access-control-allow-origin");
            let expected = (site.name == "readers").then(|| json!("https://app.test"));
            assert_eq!(reader, expected.as_ref(), "{what}");
            let body = shared.pointer("/response/body").and_then(Value::as_str);
            assert!(
                body.is_some_and(|body| body.contains("\"sign_in\":")),
                "{what}: {shared}"
            );
            assert_eq!(text(allowed, "outcome"), "allow", "{what}: {allowed}");
            assert_sent(ended, &redirect("GET", expired), what);
        })?;
    }
    Ok(())
}

#[test]
fn the_endpoints_are_another_edges() -> Result<()> {
    let table: &[(&str, &str, bool)] = &[
        ("GET", "/.tollgate", true),
        ("GET", "/.tollgate/", true),
        ("GET", "/.tollgate/sign-in?to=/a", true),
        ("GET", "/.tollgate/callback?code=x", true),
        ("POST", "/.tollgate/session", true),
        ("GET", "/.tollgate/a/b", true),
        ("GET", "/.tollgatex", false),
        ("GET", "/x/.tollgate/sign-in", false),
        ("GET", "/.tollgat", false),
        ("GET", "/.Tollgate/sign-in", false),
    ];
    let mut node = Node::start()?;
    for site in sites()? {
        let session = site.session(MINTED)?;
        let cookie: Headers<'_> = &[("cookie", &session)];
        let mut asked = Vec::new();
        for (method, target, _) in table {
            asked.push(request(method, target, cookie, MINTED));
            asked.push(request(method, target, &[], MINTED));
        }
        site.each(&mut node, &asked, &|what, said| {
            for ((method, target, is_endpoint), said) in table.iter().zip(said.chunks(2)) {
                let found: Vec<_> = said
                    .iter()
                    .map(|said| {
                        [
                            text(said, "outcome"),
                            text(said, "reason"),
                            text(said, "detail"),
                        ]
                    })
                    .collect();
                let expected = if *is_endpoint {
                    [["deny", "forbidden", "no_endpoint"]; 2]
                } else {
                    [["allow", "allow", ""], ["deny", "no_token", ""]]
                };
                assert_eq!(found, expected, "{what}: {method} {target}: {said:?}");
            }
        })?;
    }
    Ok(())
}

#[test]
fn a_session_that_ends_soon_is_refreshed() -> Result<()> {
    let renew = |time: i64| format!("__Host-tollgate-renew={time}.binding");
    let none = String::new();
    // The time, the method, whether the browser navigates, the other cookie, and whether it is redirected.
    let table: &[(i64, &str, bool, String, bool)] = &[
        (LATE, "GET", true, renew(LATE), true),
        (LATE, "HEAD", true, renew(MINTED), true),
        (MINTED + LIFETIME - 1, "GET", true, renew(0), true),
        // Exactly a fifth is left.
        (LATE - 1, "GET", true, renew(MINTED), false),
        (MINTED, "GET", true, renew(MINTED), false),
        (LATE, "GET", false, renew(MINTED), false),
        (LATE, "POST", true, renew(MINTED), false),
        // Not yet, or not a time.
        (LATE, "GET", true, renew(LATE + 1), false),
        (LATE, "GET", true, none, false),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=x.binding".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=-1.binding".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=1e3.binding".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=0x1.binding".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "__Host-tollgate-renew=1".to_owned(),
            false,
        ),
        (
            LATE,
            "GET",
            true,
            "tollgate-renew=1.binding".to_owned(),
            false,
        ),
    ];
    let mut node = Node::start()?;
    for site in sites()? {
        let session = site.session(MINTED)?;
        let asked: Vec<Value> = table
            .iter()
            .map(|(now, method, navigates, other, _)| {
                let cookie = format!("{session}; {other}");
                let mut headers = vec![("cookie", cookie.as_str())];
                headers.extend(NAVIGATES.iter().filter(|_| *navigates));
                request(method, "/a?b=c", &headers, *now)
            })
            .collect();
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            for ((now, method, navigates, other, is_refreshed), said) in table.iter().zip(said) {
                let what = format!("{what}: {now} {method} {navigates} {other}");
                let found = [
                    text(said, "outcome"),
                    text(said, "reason"),
                    text(said, "detail"),
                ];
                if *is_refreshed {
                    assert_eq!(said.get("status"), Some(&json!(302)), "{what}: {said}");
                    let sent = json!({
                        "headers": {
                            "cache-control": "no-store",
                            "location": "/.tollgate/refresh?to=/a%3Fb%3Dc",
                            "referrer-policy": "no-referrer",
                            "x-content-type-options": "nosniff",
                        },
                        "body": "",
                    });
                    assert_eq!(said.get("response"), Some(&sent), "{what}: {said}");
                    assert_eq!(found, ["serve", "allow", "refresh_due"], "{what}: {said}");
                } else {
                    assert_eq!(found, ["allow", "allow", ""], "{what}: {said}");
                }
            }
        })?;
    }
    Ok(())
}

#[test]
fn the_first_of_two_sessions_decides_about_the_refresh() -> Result<()> {
    let mut node = Node::start()?;
    for site in sites()? {
        let (old, new) = (site.session(MINTED)?, site.session(MINTED + 500)?);
        ensure!(old != new, "the sessions are equal");
        let ask = |first: &str, second: &str| {
            let cookie = format!("{first}; {second}; __Host-tollgate-renew=1.binding");
            let headers = [NAVIGATES, &[("cookie", cookie.as_str())]].concat();
            request("GET", "/a", &headers, LATE)
        };
        let asked = [ask(&old, &new), ask(&new, &old)];
        site.each_like_the_gate(&mut node, &asked, &|what, said| {
            let found: Vec<_> = said.iter().map(|said| text(said, "outcome")).collect();
            assert_eq!(found, ["serve", "allow"], "{what}: {said:?}");
        })?;
    }
    Ok(())
}
