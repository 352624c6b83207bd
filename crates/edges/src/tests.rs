//! Diagnostics of policies on edges.

use super::Edge;
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::{
    ClientAuth, Endpoints, SealSecret, SignInConfig, SignInProvider, SignOut,
};

const LEARNERS: &str = include_str!("../../../policy/keys/learners.jwks.json");
const PARTNERS: &str = include_str!("../../../policy/keys/partners.jwks.json");

fn issuer(name: &str, more: &str) -> String {
    format!(
        "[[issuer]]\nname = \"{name}\"\nissuer = \"https://{name}.example\"\nclients = [\"site\"]\n{more}\n"
    )
}

#[test]
fn limitations_of_edges_are_reported() {
    let learners = issuer(
        "learners",
        "algorithms = [\"RS256\"]\njwks = \"keys/set.json\"",
    );
    let partners = issuer(
        "partners",
        "algorithms = [\"EdDSA\"]\njwks = \"keys/partners.json\"",
    );
    let secret = issuer(
        "staff",
        "algorithms = [\"HS256\"]\nsecrets = [{ kid = \"s\", file = \"keys/s.key\" }]",
    );
    let sessions = issuer(
        "sessions",
        "algorithms = [\"HS256\"]\nsecrets = [{ kid = \"s\", file = \"keys/s.key\" }]",
    );
    let session = |mint: &str| {
        format!(
            "{sessions}[session]\nissuer = \"sessions\"\n{mint}\n[token]\nfrom = [\"header:authorization\", \
             \"cookie:__Host-tollgate\"]\n"
        )
    };
    let pages = |forbidden: &str, no_token: &str| {
        format!("[deny.pages]\n403 = \"{forbidden}.html\"\n401 = \"{no_token}.html\"\n")
    };
    let table: &[(&str, String, &str)] = &[
        ("lambda-edge", learners.clone(), ""),
        ("lambda-edge", partners.clone(), ""),
        ("cloudflare", learners.clone() + &session(""), ""),
        (
            "cloudflare",
            learners.clone() + &session("mint = [\"on_sign_in\"]"),
            "",
        ),
        ("lambda-edge", learners.clone() + &session(""), ""),
        (
            "lambda-edge",
            learners.clone() + &session("mint = [\"on_sign_in\"]"),
            "TG0801 cannot set a cookie",
        ),
        ("cloudfront-functions", secret.clone(), ""),
        ("cloudfront-functions", String::new(), ""),
        (
            "cloudfront-functions",
            learners.clone(),
            "TG0802 it has no RS256",
        ),
        (
            "cloudfront-functions",
            learners.clone() + &secret,
            "TG0803 no access on this edge",
        ),
        (
            "cloudfront-functions",
            learners.clone() + &session(""),
            "TG0803 POST to `/.tollgate/session`",
        ),
        (
            "cloudfront-functions",
            learners.clone() + &session("mint = [\"on_sign_in\"]"),
            "TG0801 such as `lambda-edge`; TG0802 no access on this edge",
        ),
        ("edgeworkers", learners.clone(), ""),
        ("edgeworkers", partners, "TG0802 it has no EdDSA"),
        ("edgeworkers", secret.clone() + &pages("large", "small"), ""),
        (
            "cloudfront-functions",
            secret.clone() + &pages("large", "small"),
            "",
        ),
        (
            "cloudfront-functions",
            secret.clone() + &pages("small", "huge"),
            "TG0804 at most 3960 bytes, and the one for status 401 has 5015",
        ),
        ("cloudflare", secret.clone() + &pages("large", "huge"), ""),
        (
            "nginx",
            secret.clone() + "[token]\nfrom = [\"query:t\", \"header:x-api-token\"]\n",
            "",
        ),
        (
            "nginx",
            secret.clone() + "[token]\nfrom = [\"header:x_token\"]\n",
            "TG0806 the header `x_token` unchanged",
        ),
        (
            "gateway-api",
            secret.clone() + "[token]\nfrom = [\"header:x-forwarded-access-token\"]\n",
            "TG0806 such as `header:x-api-token`",
        ),
        (
            "nginx",
            learners.clone() + &session("mint = [\"endpoint\"]\nendpoint = \"/a'b\""),
            "TG0807 select the path `/a'b`",
        ),
        (
            "caddy",
            learners.clone() + &session("mint = [\"endpoint\"]\nendpoint = \"/a'b\""),
            "",
        ),
        (
            "traefik",
            secret.clone() + "[token]\nfrom = [\"query:t\"]\n[forward]\nprivate = false\n",
            "TG0805 tollgate authz --upstream",
        ),
        (
            "traefik",
            secret.clone()
                + "[token]\nfrom = [\"query:t\"]\nstrip = false\n[forward]\nprivate = true\n",
            "TG0808 no response of the origin is cached",
        ),
        ("lambda-edge", secret.clone() + &pages("large", "huge"), ""),
    ];
    for (name, site, expected) in table {
        let mut tree = SourceTree::new();
        tree.insert(
            "site.toml",
            format!("schema = 1\n[site]\nname = \"site\"\n{site}[[rule]]\nid = \"r\"\nallow = [\"/**\"]\nsigned_in = true\n"),
        );
        tree.insert("keys/set.json", LEARNERS);
        tree.insert("keys/partners.json", PARTNERS);
        for (page, bytes) in [("small", 500), ("large", 3_000), ("huge", 5_000)] {
            tree.insert(
                format!("{page}.html"),
                format!("<p>{}</p>\n\n", "x".repeat(bytes)),
            );
        }
        tree.insert("keys/s.key", "A".repeat(43));
        // Not every key of a set is for the issuer's algorithm.
        let options = CompileOptions { lenient_jwks: true };
        let compiled = compile(&tree, &options);
        let Some(policy) = &compiled.policy else {
            panic!("{name}: {:#?}\n{site}", compiled.diagnostics);
        };
        let config = GateConfig::decode(&policy.gate).unwrap();
        let found = Edge::named(name).unwrap().check(&config, &tree);
        let expected: Vec<_> = expected.split("; ").filter(|one| !one.is_empty()).collect();
        assert_eq!(found.len(), expected.len(), "{name}: {found:#?}\n{site}");
        for (found, expected) in found.iter().zip(expected) {
            let (code, words) = expected.split_once(' ').unwrap();
            assert!(!found.help.is_empty(), "{found:?}");
            let text = format!("{} {}", found.message, found.help.join(" "));
            assert!(
                found.code.id == code && text.contains(words) && found.span.is_some(),
                "{name}: {expected}: {found:#?}"
            );
        }
    }
}

/// The site of the other test, whose users get a session from sign-in.
#[test]
fn sign_in_gives_users_a_session() {
    let learners = issuer(
        "learners",
        "algorithms = [\"RS256\"]\njwks = \"keys/set.json\"",
    );
    let guests = issuer(
        "guests",
        "algorithms = [\"RS256\"]\njwks = \"keys/set.json\"",
    );
    let session = |mint: &str| {
        let sessions = issuer(
            "sessions",
            "algorithms = [\"HS256\"]\nsecrets = [{ kid = \"s\", file = \"keys/s.key\" }]",
        );
        format!(
            "{sessions}[session]\nissuer = \"sessions\"\nmint = [{mint}]\n[token]\n\
             from = [\"cookie:__Host-tollgate\"]\n"
        )
    };
    let below = "TG0803 its users sign in below `/.tollgate/`";
    let table: &[(&str, String, &[&str])] = &[
        (
            "cloudfront-functions",
            learners.clone() + &session("\"endpoint\""),
            &[below],
        ),
        // Neither the endpoint nor a response of this edge sets the cookie; sign-in does.
        (
            "cloudfront-functions",
            learners.clone() + &session("\"on_sign_in\""),
            &[below],
        ),
        (
            "cloudfront-functions",
            learners.clone() + &guests + &session("\"on_sign_in\""),
            &[below, "TG0803 no access on this edge"],
        ),
        (
            "cloudfront-functions",
            learners.clone() + &guests + &session("\"endpoint\""),
            &[below, "TG0803 POST to `/.tollgate/session`"],
        ),
        (
            "edgeworkers",
            learners.clone() + &session("\"on_sign_in\""),
            &[],
        ),
        ("lambda-edge", learners + &session("\"on_sign_in\""), &[]),
    ];
    for (name, site, expected) in table {
        let mut tree = SourceTree::new();
        tree.insert(
            "site.toml",
            format!("schema = 1\n[site]\nname = \"site\"\n{site}[[rule]]\nid = \"r\"\nallow = [\"/**\"]\nsigned_in = true\n"),
        );
        tree.insert("keys/set.json", LEARNERS);
        tree.insert("keys/s.key", "A".repeat(43));
        let compiled = compile(&tree, &CompileOptions { lenient_jwks: true });
        let Some(policy) = &compiled.policy else {
            panic!("{name}: {:#?}\n{site}", compiled.diagnostics);
        };
        let mut config = GateConfig::decode(&policy.gate).unwrap();
        config.sign_in = Some(sign_in());
        let found = Edge::named(name).unwrap().check(&config, &tree);
        assert_eq!(found.len(), expected.len(), "{name}: {found:#?}\n{site}");
        for (found, expected) in found.iter().zip(*expected) {
            let (code, words) = expected.split_once(' ').unwrap();
            assert!(!found.help.is_empty(), "{found:?}");
            let text = format!("{} {}", found.message, found.help.join(" "));
            assert!(
                found.code.id == code && text.contains(words) && found.span.is_some(),
                "{name}: {expected}: {found:#?}"
            );
        }
    }
}

fn sign_in() -> SignInConfig {
    SignInConfig {
        providers: vec![SignInProvider {
            issuer: 0,
            label: "Account".to_owned(),
            client: "site".to_owned(),
            client_auth: ClientAuth::None,
            scopes: vec!["openid".to_owned()],
            parameters: Vec::new(),
            endpoints: Endpoints {
                authorization: "https://learners.example/authorize".to_owned(),
                token: "https://learners.example/token".to_owned(),
                sign_out: SignOut::Local,
                revocation: None,
                names_issuer: true,
            },
        }],
        origins: vec!["https://site.example".to_owned()],
        path: "/.tollgate".to_owned(),
        secrets: vec![SealSecret {
            kid: "s1".to_owned(),
            key: [7; 32],
        }],
        signed_out: None,
        page: None,
    }
}
