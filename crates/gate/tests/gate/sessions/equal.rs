//! For every kind of rule, a session grants what its sign-in token grants, until the policy reads more.

use base64ct::{Base64UrlUnpadded, Encoding};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_gate::Gate;

use super::{ENDPOINT, ask, cookies, part};
use crate::site::Provider;
use crate::summary;

const SITE: &str = r#"
schema = 1
[site]
name = "equal"
[[issuer]]
name = "learners"
issuer = "https://issuer.example"
clients = ["web"]
algorithms = ["HS256"]
groups_claim = "cognito:groups"
secrets = [{ kid = "hs-1", file = "secret.key" }]
[[issuer]]
name = "partners"
issuer = "https://partners.example"
clients = ["web"]
algorithms = ["HS256"]
groups_claim = ["access", "roles"]
groups = ["st*", "barred"]
groups_prefix = "p-"
subject_prefix = "p:"
secrets = [{ kid = "hs-2", file = "secret.key" }]
[[issuer]]
name = "sessions"
issuer = "https://equal.example/sessions"
clients = ["equal"]
algorithms = ["HS256"]
secrets = [{ kid = "s-1", file = "secret.key" }]
[token]
from = ["header:authorization", "cookie:COOKIE"]
[session]
issuer = "sessions"
cookie = "COOKIE"
cookies = "PER"
endpoint = "/.tollgate/session"
[claims]
level = "int"
beta = "bool"
cohort = "string"
roles = "string[]"
plan = { type = "string", path = ["app", "plan"] }
[[rule]]
id = "barred"
deny = ["/**"]
groups = ["barred"]
"#;

const COURSE: &str = r#"
course = "a"
base = "/courses/a b"
[[rule]]
id = "groups"
allow = ["/g/**"]
groups = ["students", "p-students"]
[[rule]]
id = "template"
allow = ["/t/{c}"]
groups = ["course-{c}-x"]
[[rule]]
id = "any"
allow = ["/any/{c}"]
signed_in = true
when = 'path.c in groups'
[[rule]]
id = "literal"
allow = ["/lit"]
signed_in = true
when = '"staff" in groups'
[[rule]]
id = "scopes"
allow = ["/s/{c}"]
scopes = ["read", "read/{c}"]
[[rule]]
id = "subject"
allow = ["/u/{c}"]
subjects = ["{c}"]
[[rule]]
id = "banned"
deny = ["/u/{c}"]
subjects = ["p:2"]
[[rule]]
id = "claims"
allow = ["/c"]
signed_in = true
when = '(claims.level > 3 && claims.beta) || claims.cohort == "ü\"1" || "r" in claims.roles'
[[rule]]
id = "odd"
deny = ["/c"]
when = 'claims.level == 7'
[[rule]]
id = "plan"
allow = ["/p"]
signed_in = true
unless = 'claims.plan == "free"'
[[rule]]
id = "partners"
allow = ["/i"]
signed_in = true
issuers = ["partners"]
[[rule]]
id = "not-learners"
deny = ["/i2"]
groups = ["students", "p-students"]
issuers = ["learners"]
[[rule]]
id = "both"
allow = ["/i2"]
signed_in = true
"#;

const PATHS: [&str; 17] = [
    "g/1",
    "t/1",
    "t/2",
    "any/2",
    "any/students",
    "any/p-students",
    "lit",
    "s/1",
    "s/2",
    "u/u-1",
    "u/2",
    "u/p:2",
    "c",
    "p",
    "i",
    "i2",
    "none",
];

/// The claim with the partners' groups has an invalid location.
const MALFORMED: &str = r#""access":"students","app":"free""#;

const PARENTS: [&str; 16] = [
    r#""x":1"#,
    r#""cognito:groups":["students","barred"]"#,
    r#""cognito:groups":["students","course-1-x","course--x","","staff","noise"]"#,
    r#""cognito:groups":["course-1-x","2","students"],"sub":"u-1","scope":"openid read read/1""#,
    r#""sub":"2","scope":" read/2 ""#,
    r#""access":{"roles":["students","staff"]},"sub":"p:2""#,
    r#""access":{"roles":["barred"]}"#,
    MALFORMED,
    r#""level":4,"beta":true,"app":{"plan":"free"}"#,
    r#""level":7,"beta":true,"app":{"plan":7}"#,
    r#""level":"7","beta":true"#,
    r#""level":9007199254740993,"beta":1"#,
    r#""cohort":"ü\"1","level":null"#,
    r#""roles":["r","q"],"level":-1"#,
    r#""roles":"r","level":1,"beta":false,"plan":"free""#,
    // An issuer that refers to another location for the groups: rules by group allow nothing, and every rule
    // against a group may apply.
    r#""_claim_names":{"cognito:groups":"src1"},"level":4,"beta":true"#,
];

/// The site with a single cookie or one per course, and more rules.
fn site(per: &str, change: impl FnOnce(&mut String, &mut String)) -> Gate<Vec<u8>> {
    let cookie = cookie(per);
    let mut site = SITE.replace("COOKIE", cookie).replace("PER", per);
    let mut course = COURSE.to_string();
    change(&mut site, &mut course);
    let mut sources = SourceTree::new();
    sources.insert("site.toml", site);
    sources.insert("courses/a.toml", course);
    sources.insert("secret.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    let compiled = compile(&sources, &CompileOptions::default());
    let image = compiled
        .image
        .unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    Gate::new(image, &Provider).expect("a valid image")
}

fn cookie(per: &str) -> &'static str {
    if per == "site" {
        "__Host-tollgate"
    } else {
        "__Secure-tollgate"
    }
}

/// A bearer token of the issuer with this name.
fn bearer(from: &str, claims: &str) -> String {
    let (kid, iss) = match from {
        "learners" => ("hs-1", "https://issuer.example"),
        "partners" => ("hs-2", "https://partners.example"),
        _ => ("s-1", "https://equal.example/sessions"),
    };
    let header = format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"JWT"}}"#);
    let aud = if from == "sessions" { "equal" } else { "web" };
    let claims = format!(r#"{{"iss":"{iss}","aud":"{aud}","exp":1800000600,{claims}}}"#);
    let part = |bytes: &[u8]| Base64UrlUnpadded::encode_string(bytes);
    let (header, claims) = (part(header.as_bytes()), part(claims.as_bytes()));
    format!("Bearer {header}.{claims}.{}", part(&[b'G'; 32]))
}

/// The session for a sign-in token, as a cookie header.
fn session(gate: &Gate<Vec<u8>>, per: &str, bearer: &str) -> String {
    let target = format!("{ENDPOINT}?path=/courses/a%20b");
    let outcome = ask(gate, "POST", &target, &[("authorization", bearer)]);
    assert_eq!(summary(&outcome), "serve 204 allow session -");
    let cookies = cookies(&outcome);
    let [cookie] = cookies.as_slice() else {
        panic!("one cookie: {cookies:?}")
    };
    let expect = match per {
        "site" => "; Path=/; ",
        _ => "; Path=/courses/a%20b; ",
    };
    assert!(cookie.contains(expect), "{cookie}");
    let (pair, _) = cookie.split_once(';').expect("attributes");
    pair.to_string()
}

#[test]
fn a_session_grants_what_its_sign_in_token_grants() {
    let mut opened = 0;
    for per in ["site", "course"] {
        let gate = site(per, |_, _| {});
        for (from, claims) in ["learners", "partners"]
            .into_iter()
            .flat_map(|from| PARENTS.map(|claims| (from, claims)))
        {
            let bearer = bearer(from, claims);
            if *claims == *MALFORMED && from == "partners" {
                let outcome = ask(&gate, "POST", ENDPOINT, &[("authorization", &bearer)]);
                assert_eq!(summary(&outcome), "deny 401 bad_token bad_claim -");
                continue;
            }
            let session = session(&gate, per, &bearer);
            for path in PATHS {
                let target = format!("/courses/a%20b/{path}");
                let by_token = ask(&gate, "GET", &target, &[("authorization", &bearer)]);
                let by_session = ask(&gate, "GET", &target, &[("cookie", &session)]);
                assert_eq!(
                    summary(&by_session),
                    summary(&by_token),
                    "{from} {claims} {target}"
                );
                opened += usize::from(by_token.status == 200);
            }
        }
    }
    assert!(opened >= 100, "{opened}");
}

#[test]
fn a_session_of_a_course_counts_under_its_base_only() {
    let gate = site("course", |site, _| {
        site.push_str("[[rule]]\nid = \"all\"\nallow = [\"/**\"]\nsigned_in = true\n");
    });
    let session = session(&gate, "course", &bearer("learners", r#""sub":"u-1""#));
    for (target, expect) in [
        ("/courses/a%20b/any/students", "allow 200 allow - site/all"),
        ("/courses/a%20b", "allow 200 allow - site/all"),
        ("/courses/a%20b2", "deny 401 bad_token session_path -"),
        (
            "/courses/a%20b%2fc",
            "reject 400 bad_path forbidden_escape -",
        ),
        ("/courses/", "deny 401 bad_token session_path -"),
        ("/other", "deny 401 bad_token session_path -"),
    ] {
        let outcome = ask(&gate, "GET", target, &[("cookie", &session)]);
        assert_eq!(summary(&outcome), expect, "{target}");
        // It is valid under its own path, so it is kept.
        assert!(cookies(&outcome).is_empty());
    }
}

#[test]
fn a_policy_that_reads_more_ends_sessions() {
    type Change = fn(&mut String, &mut String);
    let same: [Change; 4] = [
        |_, _| {},
        // Fewer rules read less.
        |_, course| *course = course.replace("\"course-{c}-x\"", "\"students\""),
        |_, course| {
            course.push_str("[[rule]]\nid = \"n\"\ndeny = [\"/g/1\"]\nsubjects = [\"u-1\"]\n")
        },
        |_, course| {
            course.push_str("[[rule]]\nid = \"n\"\ndeny = [\"/g/1\"]\ngroups = [\"students\"]\n")
        },
    ];
    let more: [Change; 8] = [
        |_, course| {
            course.push_str("[[rule]]\nid = \"n\"\ndeny = [\"/g/1\"]\ngroups = [\"noise\"]\n")
        },
        |site, _| site.push_str("[[rule]]\nid = \"n\"\ndeny = [\"/**\"]\nscopes = [\"openid\"]\n"),
        |site, course| {
            *site = site.replace("level = \"int\"", "level = \"int\"\nage = \"int\"");
            course.push_str("[[rule]]\nid = \"n\"\nallow = [\"/n\"]\nsigned_in = true\nwhen = 'claims.age > 3'\n");
        },
        |site, course| {
            *site = site.replace("level = \"int\"", "level = \"string\"");
            *course = course.replace("claims.level > 3", "claims.level == \"4\"");
            *course = course.replace("claims.level == 7", "claims.level == \"7\"");
        },
        |site, _| *site = site.replace(r#"["app", "plan"]"#, r#"["plan"]"#),
        // The accepted clients of the issuer's tokens, and the location of its groups.
        |site, _| *site = site.replacen("clients = [\"web\"]", "clients = [\"web2\"]", 1),
        |site, _| *site = site.replacen("\"cognito:groups\"", "\"groups\"", 1),
        |site, _| {
            *site = site.replacen(
                "\"https://issuer.example\"",
                "\"https://issuer2.example\"",
                1,
            )
        },
    ];
    for per in ["site", "course"] {
        let claims = r#""sub":"u-1","cognito:groups":["students","noise"],"scope":"openid""#;
        let old = site(per, |_, _| {});
        let session = session(&old, per, &bearer("learners", claims));
        let target = "/courses/a%20b/g/2";
        for (number, change) in same.into_iter().enumerate() {
            let outcome = ask(&site(per, change), "GET", target, &[("cookie", &session)]);
            assert_eq!(
                summary(&outcome),
                "allow 200 allow - a/groups",
                "{per} {number}"
            );
        }
        for (number, change) in more.into_iter().enumerate() {
            let gate = site(per, change);
            let outcome = ask(&gate, "GET", target, &[("cookie", &session)]);
            let expect = "deny 401 bad_token session_outdated -";
            assert_eq!(summary(&outcome), expect, "{per} {number}");
            // A useless session is cleared.
            let cleared = cookies(&outcome);
            assert_eq!(cleared.len(), 1, "{per} {number}");
            assert!(cleared[0].contains("=; ") && cleared[0].contains("Max-Age=0;"));
        }
        // A change to another user's issuer invalidates no session.
        let gate = site(per, |site, _| {
            *site = site.replace("[\"st*\", \"barred\"]", "[\"st*\"]");
        });
        let outcome = ask(&gate, "GET", target, &[("cookie", &session)]);
        assert_eq!(summary(&outcome), "allow 200 allow - a/groups");
    }
}

#[test]
fn tokens_that_resemble_a_session_are_rejected() {
    let gate = site("site", |_, _| {});
    let reads = {
        let own = session(&gate, "site", &bearer("learners", r#""sub":"u-1""#));
        let json = part(own.split_once('=').expect("a pair").1, 1);
        let (_, reads) = json.split_once(r#""reads":""#).expect("marks");
        reads.split('"').next().expect("a string").to_string()
    };
    let groups = r#""groups":["students"]"#;
    let target = "/courses/a%20b/g/2";
    for (claims, expect) in [
        (
            format!(r#""idp":"learners","reads":"{reads}",{groups}"#),
            "allow 200 allow - a/groups",
        ),
        (
            format!(r#""idp":"learners",{groups}"#),
            "deny 401 bad_token bad_claim -",
        ),
        (
            format!(r#""reads":"{reads}",{groups}"#),
            "deny 401 bad_token bad_claim -",
        ),
        (
            format!(r#""idp":"learners","reads":"",{groups}"#),
            "deny 401 bad_token session_outdated -",
        ),
        (
            format!(r#""idp":"sessions","reads":"{reads}",{groups}"#),
            "deny 401 bad_token session_outdated -",
        ),
        (
            format!(r#""idp":"nobody","reads":"{reads}",{groups}"#),
            "deny 401 bad_token session_outdated -",
        ),
        (
            format!(r#""idp":"learners","reads":"{reads}","base":"/courses/a b",{groups}"#),
            "deny 401 bad_token session_outdated -",
        ),
        (
            format!(r#""idp":"learners","reads":"{reads}","groups":"students""#),
            "deny 401 bad_token bad_claim -",
        ),
        (
            format!(r#""idp":"learners","reads":"{reads}","scopes":[1],{groups}"#),
            "deny 401 bad_token bad_claim -",
        ),
        (
            format!(r#""idp":"learners","reads":"{reads}","claims":[],{groups}"#),
            "deny 401 bad_token bad_claim -",
        ),
        // The groups of sign-in tokens do not count as those of a session.
        (
            format!(r#""idp":"learners","reads":"{reads}","cognito:groups":["students"]"#),
            "deny 403 forbidden - -",
        ),
    ] {
        let bearer = bearer("sessions", &claims);
        let outcome = ask(&gate, "GET", target, &[("authorization", &bearer)]);
        assert_eq!(summary(&outcome), expect, "{claims}");
    }
    // The same claims in any other form.
    let claims = format!(r#""idp":"learners","reads":"{reads}",{groups}"#);
    let minted = bearer("sessions", &claims);
    let own = Base64UrlUnpadded::encode_string(br#"{"alg":"HS256","kid":"s-1","typ":"JWT"}"#);
    for header in [
        r#"{"alg":"HS256","kid":"s-1"}"#,
        r#"{"typ":"JWT","alg":"HS256","kid":"s-1"}"#,
    ] {
        let other = Base64UrlUnpadded::encode_string(header.as_bytes());
        let bearer = minted.replace(&own, &other);
        assert_ne!(bearer, minted);
        let outcome = ask(&gate, "GET", target, &[("authorization", &bearer)]);
        assert_eq!(
            summary(&outcome),
            "deny 401 bad_token unknown_key -",
            "{header}"
        );
    }
    // A sign-in token is not a session either, whatever it contains.
    let claims = format!(r#""idp":"learners","reads":"{reads}",{groups}"#);
    let bearer = bearer("learners", &claims);
    let outcome = ask(&gate, "GET", target, &[("authorization", &bearer)]);
    assert_eq!(summary(&outcome), "deny 403 forbidden - -");
}
