//! Which issuers publish what, what is accepted of it, and what changed.

use super::*;

const SITE: &str = r#"
[[issuer]]
name = "learners"
cognito = { region = "eu-west-1", user_pool = "eu-west-1_TestPool1" }

[[issuer]]
name = "partners"
issuer = ["https://id.example.com/", "id.example.com"]
algorithms = ["ES256", "HS256"]
jwks = "keys/p.json"

[[issuer]]
name = "sessions"
issuer = "https://learn.example.com/session"
algorithms = ["HS256"]

[[issuer]]
name = "access"
issuer = "https://team.example"
refresh = "https://team.example/certs?x"

[[issuer]]
name = "remote"
issuer = "http://id.example.com"
"#;

fn source(site: &str, name: &str) -> Source {
    let sources = sources(site).unwrap();
    sources
        .into_iter()
        .find(|source| source.name == name)
        .unwrap()
}

#[test]
fn issuers_with_public_keys_are_found() {
    let sources = sources(SITE).unwrap();
    let urls: Vec<_> = sources
        .iter()
        .map(|source| {
            (
                source.name.as_str(),
                source.keys.path.as_str(),
                source.document_url(),
            )
        })
        .collect();
    let learners = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_TestPool1/.well-known/openid-configuration";
    assert_eq!(
        urls,
        [
            (
                "learners",
                "keys/learners.jwks.json",
                Some(learners.to_owned())
            ),
            (
                "partners",
                "keys/p.json",
                Some("https://id.example.com/.well-known/openid-configuration".to_owned())
            ),
            (
                "access",
                "keys/access.jwks.json",
                Some("https://team.example/.well-known/openid-configuration".to_owned())
            ),
        ]
    );
    assert_eq!(super::sources("["), Err(BadSite::NotToml));
    assert_eq!(super::sources("[site]"), Err(BadSite::NoIssuers));
}

#[test]
fn a_document_is_pinned_where_users_sign_in() {
    let table = [
        ("", "learners", Some("keys/learners.openid.json")),
        (
            "[sign_in]\nissuer = \"learners\"\n",
            "learners",
            Some("keys/learners.openid.json"),
        ),
        (
            "[sign_in]\nissuer = \"learners\"\nendpoints = \"e.json\"\n",
            "learners",
            Some("e.json"),
        ),
        ("[sign_in]\nissuer = \"learners\"\n", "access", None),
        ("[sign_in]\n", "learners", None),
    ];
    for (more, name, path) in table {
        let source = source(&format!("{SITE}{more}"), name);
        let found = source.document.as_ref().map(|file| file.path.as_str());
        assert_eq!(found, path, "{more} {name}");
    }
    // Its key set has an address of its own, so nothing else is needed.
    let access = source(
        &format!("{SITE}[sign_in]\nissuer = \"learners\"\n"),
        "access",
    );
    assert_eq!(access.document_url(), None);
    assert_eq!(
        access.keys_url(None).as_deref(),
        Some("https://team.example/certs?x")
    );
}

fn document(more: &str) -> String {
    format!(
        r#"{{"issuer":"https://id.example.com/","jwks_uri":"https://id.example.com/keys",
        "authorization_endpoint":"https://id.example.com/a","token_endpoint":"https://id.example.com/t"{more}}}"#
    )
}

#[test]
fn only_the_document_of_the_issuer_is_accepted() {
    let partners = source(SITE, "partners");
    let good = partners.read_document(document("").as_bytes()).unwrap();
    assert_eq!(
        partners.keys_url(Some(&good)).as_deref(),
        Some("https://id.example.com/keys")
    );
    let lines: Vec<String> = partners
        .lines(Some(&good))
        .into_iter()
        .map(|line| line.text)
        .collect();
    assert_eq!(lines, ["endpoints = \"keys/partners.openid.json\""]);
    let bad = [
        ("<html>".to_owned(), "not a JSON object"),
        (
            document("").replace("com/\"", "org/\""),
            "document of `https://id.example.org/`",
        ),
        (
            document("").replace("https://id.example.com/keys", "http://127.0.0.1/keys"),
            "no valid `jwks_uri`",
        ),
        (
            document("").replace("token_endpoint", "t"),
            "has no `token_endpoint`",
        ),
        (
            document(r#","code_challenge_methods_supported":["plain"]"#),
            "does not list `S256`",
        ),
    ];
    for (text, expected) in bad {
        let problem = partners
            .read_document(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(problem.contains(expected), "{problem}");
    }
}

const KEY: &str = r#""kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

#[test]
fn only_a_set_with_a_usable_key_is_accepted() {
    let partners = source(SITE, "partners");
    let set = format!(r#"{{"keys":[{{"kid":"a",{KEY}}},{{"kid":"b","kty":"RSA","use":"enc"}}]}}"#);
    let pinned = partners.read_keys(set.as_bytes(), None).unwrap();
    assert!(
        pinned.text.contains("\n      \"kid\": \"a\""),
        "{}",
        pinned.text
    );
    assert_eq!(pinned.notes.len(), 1, "{:?}", pinned.notes);
    let bad = [
        ("[]".to_owned(), "not a JSON object"),
        (
            r#"{"keys":[]}"#.to_owned(),
            "has no key for the issuer's algorithms",
        ),
        (set.replace("ES256", "ES384"), "key `a` of `keys/p.json`"),
        (
            format!(r#"{{"keys":[{{"kid":"a","kid":"b",{KEY}}}]}}"#),
            "`keys/p.json`",
        ),
        (
            format!(r#"{{"keys":[{{"kid":"a","d":"AA",{KEY}}}]}}"#),
            "key `a` of `keys/p.json`",
        ),
    ];
    for (text, expected) in bad {
        let problem = partners
            .read_keys(text.as_bytes(), None)
            .unwrap_err()
            .to_string();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
}

#[test]
fn changes_ignore_order_and_formatting() {
    let key = |kid: &str, x: &str| format!(r#"{{"kid":"{kid}","alg":"ES256","x":"{x}"}}"#);
    let set = |keys: &[String]| format!(r#"{{ "keys": [{}] }}"#, keys.join(","));
    let shown = |old: Option<&str>, new: &str| {
        let changes = changes(old.map(str::as_bytes), new, false);
        let texts = changes
            .iter()
            .map(|member| format!("{} {}", member.change.name(), member.name));
        texts.collect::<Vec<_>>().join(", ")
    };
    let (a, b) = (key("a", "1"), key("b", "1"));
    let both = set(&[a.clone(), b.clone()]);
    assert_eq!(shown(Some(&both), &set(&[b.clone(), a.clone()])), "");
    assert_eq!(shown(None, &both), "added a, added b");
    assert_eq!(
        shown(Some("no"), &set(core::slice::from_ref(&a))),
        "added a"
    );
    assert_eq!(
        shown(Some(&both), &set(&[key("a", "2")])),
        "changed a, removed b"
    );
    let twice = set(&[a.clone(), a.replace("ES256", "ES384")]);
    assert_eq!(shown(Some(&set(&[a])), &twice), "added a ES384");
    assert_eq!(
        changes(
            Some(br#"{"issuer":"i","t":"1"}"#),
            r#"{"issuer":"i","t":"2","u":[1]}"#,
            true
        ),
        [
            Member {
                name: "t".to_owned(),
                change: Change::Changed,
                value: Some("2".to_owned())
            },
            Member {
                name: "u".to_owned(),
                change: Change::Added,
                value: None
            },
        ]
    );
}

#[test]
fn files_of_other_kinds_are_not_replaced() {
    for (text, keys, documents) in [
        (r#"{"keys":[]}"#, true, false),
        (r#"{"keys":[{"kty":"EC","d":"x"}]}"#, false, false),
        (r#"{"issuer":"x"}"#, false, true),
        ("schema = 1", false, false),
        ("", false, false),
    ] {
        assert_eq!(is_replaceable(text.as_bytes(), false), keys, "{text}");
        assert_eq!(is_replaceable(text.as_bytes(), true), documents, "{text}");
    }
}
