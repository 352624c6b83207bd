use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_gate::config::DenyAnswer;

use crate::{Policy, Request, diff, evaluate};

const SITE: &str = r#"
schema = 1
[site]
name = "example"
[[issuer]]
name = "learners"
issuer = "https://id.example.com"
clients = ["web", "app"]
algorithms = ["EdDSA"]
jwks = "keys.json"
[[issuer]]
name = "partners"
issuer = "https://partners.example.com"
clients = ["web"]
algorithms = ["EdDSA"]
jwks = "keys.json"
[[issuer]]
name = "sessions"
issuer = "https://example.com/sessions"
clients = ["example"]
algorithms = ["HS256"]
secrets = [{ kid = "s-1", file = "session.key" }]
[token]
from = ["cookie:__Host-tollgate"]
[session]
issuer = "sessions"
[[rule]]
id = "members"
allow = ["/**"]
signed_in = true
"#;
const SIGN_IN: &str = r#"
[sign_in]
issuer = "learners"
endpoints = "learners.json"
origins = ["https://learn.example.com"]
client = "web"
client_secret = "web.secret"
secrets = [{ kid = "s1", file = "seal-1.key" }]
"#;
/// The key of RFC 8037, appendix A.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const LEARNERS: &str = r#"{"issuer":"https://id.example.com","authorization_endpoint":"https://id.example.com/authorize","token_endpoint":"https://id.example.com/token"}"#;
const CLIENT_SECRETS: [&str; 2] = ["correct-horse-battery", "another-client-secret"];
const SEALS: [&str; 2] = [
    "c2Vjb25kIHNlY3JldCBvZiAzMiBieXRlcywgaGVyZSE",
    "dGhpcmQgc2VjcmV0IG9mIDMyIGJ5dGVzLCB3cml0dGVu",
];

fn sources(sign_in: &str) -> SourceTree {
    let mut tree = SourceTree::new();
    tree.insert("site.toml", format!("{SITE}{sign_in}"));
    tree.insert("keys.json", KEYS);
    tree.insert("session.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    tree.insert("learners.json", LEARNERS);
    let partners = LEARNERS.replace("id.example.com", "partners.example.com");
    tree.insert("partners.json", partners);
    tree.insert("web.secret", CLIENT_SECRETS[0]);
    tree.insert("seal-1.key", SEALS[0]);
    tree.insert("seal-2.key", SEALS[1]);
    tree
}

fn policy(tree: &SourceTree) -> Policy {
    let compiled = compile(tree, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    Policy::new(compiled.policy.unwrap()).unwrap()
}

/// The changes of sign-in as they are shown, each with whether it may open access.
fn changes(old: &SourceTree, new: &SourceTree) -> Vec<(String, bool)> {
    let found = diff::diff(&policy(old), &policy(new), 0);
    let of_sign_in = |change: &&diff::SettingChange| change.setting.code() == "sign_in";
    let changes = found.settings.iter().filter(of_sign_in);
    changes
        .map(|change| (change.to_string(), change.may_open))
        .collect()
}

#[test]
fn each_part_of_sign_in_is_reported() {
    type Edit = fn(&mut SourceTree);
    fn edit(tree: &mut SourceTree, from: &str, to: &str) {
        let text = tree.text("site.toml").unwrap();
        assert!(text.contains(from), "{from}");
        tree.insert("site.toml", text.replace(from, to));
    }
    fn member(tree: &mut SourceTree, member: &str) {
        let end = format!(",{member}}}");
        tree.insert("learners.json", LEARNERS.replace('}', &end));
    }
    let table: [(Edit, &[&str]); 19] = [
        (|_| {}, &[]),
        (
            |tree| {
                edit(tree, "issuer = \"learners\"", "issuer = \"partners\"");
                edit(tree, "learners.json", "partners.json");
            },
            &[
                "sign-in: the issuer",
                "sign-in: the authorization endpoint: https://id.example.com/authorize became \
                 https://partners.example.com/authorize",
                "sign-in: the token endpoint: https://id.example.com/token became https://partners.example.com/token",
            ],
        ),
        (
            |tree| edit(tree, "client = \"web\"", "client = \"app\""),
            &["sign-in: the client: web became app"],
        ),
        (
            |tree| edit(tree, "client_secret = \"web.secret\"", ""),
            &["sign-in: how the client authenticates: client_secret_basic became none"],
        ),
        (
            |tree| tree.insert("web.secret", CLIENT_SECRETS[1]),
            &["sign-in: the client secret"],
        ),
        (
            |tree| {
                member(
                    tree,
                    "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]",
                );
            },
            &[
                "sign-in: how the client authenticates: client_secret_basic became client_secret_post",
            ],
        ),
        (
            |tree| {
                edit(
                    tree,
                    "[sign_in]",
                    "[sign_in]\nscopes = [\"openid\", \"email\"]",
                );
            },
            &["sign-in: the scopes: added `email`"],
        ),
        (
            |tree| {
                member(
                    tree,
                    "\"end_session_endpoint\":\"https://id.example.com/end\"",
                )
            },
            &["sign-in: where users sign out: only here became https://id.example.com/end"],
        ),
        (
            |tree| {
                member(
                    tree,
                    "\"revocation_endpoint\":\"https://id.example.com/revoke\"",
                )
            },
            &[
                "sign-in: the endpoint that revokes tokens: none became https://id.example.com/revoke",
            ],
        ),
        (
            |tree| {
                member(
                    tree,
                    "\"authorization_response_iss_parameter_supported\":true",
                )
            },
            &["sign-in: whether the issuer names itself in the callback: false became true"],
        ),
        (
            |tree| edit(tree, "[sign_in]", "[sign_in]\nlabel = \"Students\""),
            &[],
        ),
        (
            |tree| {
                edit(
                    tree,
                    "[sign_in]",
                    "[sign_in]\nparameters = { prompt = \"login\" }",
                );
            },
            &["sign-in: the parameters: added `prompt=login`"],
        ),
        (
            |tree| {
                let site = tree.text("site.toml").unwrap();
                let other = "[[sign_in.provider]]\nissuer = \"partners\"\nendpoints = \"partners.json\"\nclient = \"web\"\n";
                tree.insert("site.toml", format!("{site}\n{other}"));
                edit(tree, "[sign_in]", "[sign_in]\nlabel = \"Students\"");
            },
            &[
                "sign-in: the issuers: added `partners`",
                "sign-in at `learners`: the label",
            ],
        ),
        (
            |tree| edit(tree, "https://learn.", "https://study."),
            &[
                "sign-in: the origins: added `https://study.example.com`; removed `https://learn.example.com`",
            ],
        ),
        (
            |tree| edit(tree, "[sign_in]", "[sign_in]\npath = \"/auth\""),
            &["sign-in: the path that the gate answers itself: /.tollgate became /auth"],
        ),
        (
            |tree| {
                let both = "{ kid = \"s2\", file = \"seal-2.key\" }, { kid = \"s1\", file = \"seal-1.key\" }";
                edit(tree, "{ kid = \"s1\", file = \"seal-1.key\" }", both);
            },
            &["sign-in: the secrets that seal cookies: added `s2`"],
        ),
        (
            |tree| tree.insert("seal-1.key", SEALS[1]),
            &["sign-in: the secret `s1` that seals cookies"],
        ),
        (
            |tree| edit(tree, "[sign_in]", "[sign_in]\nsigned_out = \"/bye\""),
            &["sign-in: where users return to after they sign out"],
        ),
        (|tree| *tree = sources(""), &["sign-in was removed"]),
    ];
    let old = sources(SIGN_IN);
    for (edit, expected) in table {
        let mut new = old.clone();
        edit(&mut new);
        let found = changes(&old, &new);
        let shown: Vec<&str> = found.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(shown, expected);
        for (what, may_open) in &found {
            assert_eq!(
                *may_open,
                !what.contains("return to") && !what.contains("label"),
                "{what}"
            );
            for secret in CLIENT_SECRETS.iter().chain(&SEALS) {
                assert!(!what.contains(secret), "{what}");
            }
        }
    }
    let added = changes(&sources(""), &old);
    assert_eq!(added, [("sign-in was added".to_owned(), true)]);
}

#[test]
fn the_order_of_providers_moves_redirect_uris() {
    let provider = |issuer: &str| {
        format!(
            "issuer = \"{issuer}\"\nlabel = \"{issuer}\"\nendpoints = \"{issuer}.json\"\nclient = \"web\"\n"
        )
    };
    let site = |first: &str, second: &str| {
        let (first, second) = (provider(first), provider(second));
        let common = "origins = [\"https://learn.example.com\"]\nsecrets = [{ kid = \"s1\", file = \"seal-1.key\" }]\n";
        sources(&format!(
            "[sign_in]\n{common}{first}[[sign_in.provider]]\n{second}"
        ))
    };
    let one = site("learners", "partners");
    assert_eq!(changes(&one, &one), []);
    let moved = |name: &str, old: &str, new: &str| {
        let what = format!(
            "sign-in at `{name}`: the redirect URI, which the issuer must know: {old} became {new}"
        );
        (what, false)
    };
    let found = changes(&one, &site("partners", "learners"));
    for expected in [
        moved("learners", "callback", "callback/learners"),
        moved("partners", "callback/partners", "callback"),
    ] {
        assert!(found.contains(&expected), "{found:?}");
    }
}

#[test]
fn a_request_without_a_token_is_sent_to_sign_in() {
    let policy = policy(&sources(SIGN_IN));
    let location = "/.tollgate/sign-in";
    assert_eq!(
        policy.config().deny.no_token,
        DenyAnswer::SignIn(location.to_owned())
    );
    let request = Request {
        method: "GET".to_owned(),
        target: "/a".to_owned(),
        ip: None,
        now: 0,
        claims: None,
    };
    let found = evaluate(&policy, &request);
    assert_eq!(
        (found.status, found.location.as_deref()),
        (302, Some(location))
    );
}
