use tollgate_compiler::{CompileOptions, SourceTree, compile};

use crate::lint::{LintContext, apply_suppressions, lint};

/// 2027-01-15
const NOW: i64 = 1_800_000_000;
const HEAD: &str = r#"
schema = 1
[site]
name = "example"
[[issuer]]
name = "learners"
issuer = "https://id.example.com"
clients = ["web"]
algorithms = ["EdDSA"]
groups_claim = "groups"
jwks = "keys.json"
[[issuer]]
name = "sessions"
issuer = "https://example.com/sessions"
clients = ["example"]
algorithms = ["HS256"]
secrets = [{ kid = "s-1", file = "session.key" }]
[token]
from = ["cookie:__Host-tollgate"]
"#;
const SESSION: &str = "[session]\nissuer = \"sessions\"\n";
const SIGN_IN: &str = r#"
[sign_in]
endpoints = "openid.json"
origins = ["https://learn.example.com"]
client = "web"
secrets = [{ kid = "s1", file = "seal.key" }]
"#;
const MEMBERS: &str = "[[rule]]\nid = \"members\"\nallow = [\"/**\"]\nsigned_in = true\n";
/// The key of RFC 8037, appendix A.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// The files of a policy whose site has these lines after the head.
fn sources(site: &str) -> SourceTree {
    let mut sources = SourceTree::new();
    sources.insert("site.toml", format!("{HEAD}{site}"));
    sources.insert("keys.json", KEYS);
    sources.insert("session.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
    sources.insert("seal.key", "c2Vjb25kIHNlY3JldCBvZiAzMiBieXRlcywgaGVyZSE");
    sources.insert(
        "openid.json",
        r#"{"issuer":"https://id.example.com","authorization_endpoint":"https://id.example.com/authorize","token_endpoint":"https://id.example.com/token"}"#,
    );
    sources
}

/// The findings as code, the text that they point to, and message.
fn found(site: &str) -> Vec<String> {
    let sources = sources(site);
    let compiled = compile(&sources, &CompileOptions::default());
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let site = sources.text("site.toml").unwrap();
    let context = LintContext::new(&compiled, &sources).unwrap();
    let findings = apply_suppressions(&context, lint(&context, NOW)).findings;
    findings
        .into_iter()
        .map(|finding| {
            assert!(!finding.help.is_empty(), "{finding:?}");
            let span = finding.span.unwrap_or_default();
            let place = site.get(span.start..span.end).unwrap();
            format!("{} {place} {}", finding.code.id, finding.message)
        })
        .collect()
}

/// Tests, coverage and mutants of a policy with sign-in need a gate, too.
#[test]
fn a_policy_with_sign_in_has_a_gate() {
    let sources = sources(&format!("{SESSION}{SIGN_IN}{MEMBERS}"));
    let policy = compile(&sources, &CompileOptions::default())
        .policy
        .unwrap();
    assert!(crate::policy_gate::gate(&policy).is_ok());
}

#[test]
fn rules_for_the_paths_of_the_gate() {
    let answered = |path: &str, place: &str| {
        format!("TG0737 \"{place}\" the gate answers `{path}` and all paths below it itself")
    };
    let with = |key: &str, patterns: &str| {
        let rule = format!("[[rule]]\nid = \"own\"\nallow = [{patterns}]\nanyone = true\n");
        found(&format!("{SESSION}{SIGN_IN}{key}{MEMBERS}{rule}"))
    };
    for place in [
        "/.tollgate",
        "/.tollgate/",
        "/.tollgate/**",
        "/.tollgate/sign-in",
        "/.tollgate/{x}",
    ] {
        assert_eq!(
            with("", &format!("\"{place}\"")),
            [answered("/.tollgate", place)]
        );
    }
    for place in [
        "/.tollgat*/me",
        "/{x}/me",
        "/.tollgates/**",
        "/*/.tollgate/me",
        "/.Tollgate/me",
        "/auth/me",
    ] {
        assert_eq!(with("", &format!("\"{place}\"")), [""; 0], "{place}");
    }
    let path = "path = \"/auth/v1\"\n";
    assert_eq!(
        with(path, "\"/auth/v1/**\", \"/auth/v2/**\", \"/auth/**\""),
        [answered("/auth/v1", "/auth/v1/**")]
    );
    // Without sign-in, they are paths like all others.
    let rule = "[[rule]]\nid = \"own\"\nallow = [\"/.tollgate/**\"]\nanyone = true\n";
    assert_eq!(found(&format!("{SESSION}{MEMBERS}{rule}")), [""; 0]);
}

#[test]
fn denials_that_do_not_lead_to_sign_in() {
    let with = |deny: &str| found(&format!("{SESSION}{SIGN_IN}[deny]\n{deny}{MEMBERS}"));
    let message = "no path leads to sign-in: requests without a token receive a status";
    assert_eq!(
        with("no_token = { status = 404 }\n"),
        [format!("TG0738 {{ status = 404 }} {message}")]
    );
    assert_eq!(
        with("bad_token = { status = 401 }\nno_token = { status = 401 }\n"),
        [format!("TG0738 {{ status = 401 }} {message}")]
    );
    for deny in [
        "",
        "bad_token = { status = 401 }\n",
        "no_token = { status = 401 }\nbad_token = { redirect = \"login\" }\n",
        "no_token = { redirect = \"https://www.example.com/\" }\n",
    ] {
        assert_eq!(with(deny), [""; 0], "{deny}");
    }
    let allow = "[[lint]]\nallow = \"TG0738\"\nbecause = \"the start page has a link\"\n";
    assert_eq!(
        with(&format!("no_token = {{ status = 401 }}\n{allow}")),
        [""; 0]
    );
}

#[test]
fn users_who_are_signed_in_are_not_sent_to_sign_in() {
    let with = |site: &str| found(&format!("{SESSION}{SIGN_IN}{site}{MEMBERS}"));
    let message = "`forbidden` sends users who are signed in to sign in again";
    for answer in ["{ redirect = \"login\" }", "{ redirect = 'login' }"] {
        let deny = format!("[deny]\nno_token = {{ status = 401 }}\nforbidden = {answer}\n");
        assert_eq!(with(&deny), [format!("TG0741 {answer} {message}")]);
    }
    // Without sign-in, too: a page of the site.
    let deny = "[deny]\nforbidden = { redirect = \"login\" }\n";
    let login = "[[rule]]\nid = \"login\"\nallow = [\"/login\"]\nanyone = true\n";
    let alone = found(&format!("{SESSION}{deny}{MEMBERS}{login}"));
    assert!(
        alone.iter().any(|finding| finding.starts_with("TG0741")),
        "{alone:?}"
    );
    assert_eq!(
        with("[deny]\nforbidden = { redirect = \"https://a.example/join\" }\n"),
        [""; 0]
    );
}

#[test]
fn a_login_page_that_no_response_uses() {
    let with = |site: &str| found(&format!("{SESSION}{SIGN_IN}{site}{MEMBERS}"));
    let login = "[login]\nurl = \"https://a.example/in\"\n";
    let message = "no response redirects to `[login]`: the gate signs users in itself";
    assert_eq!(with(login), [format!("TG0742 [login] {message}")]);
    let used = format!("{login}[deny]\nno_token = {{ redirect = \"login\" }}\n");
    assert_eq!(with(&used), [""; 0]);
    assert_eq!(found(&format!("{SESSION}{login}{MEMBERS}")), [""; 0]);
}

#[test]
fn a_redirect_to_sign_in_is_not_denied() {
    let with = |to: &str| {
        let deny = format!("[deny]\nno_token = {{ redirect = \"{to}\" }}\n");
        found(&format!("{SESSION}{SIGN_IN}{deny}{MEMBERS}"))
    };
    assert_eq!(with("/.tollgate/sign-in?to=/start"), [""; 0]);
    let [finding] = with("/.tollgates").try_into().unwrap();
    assert!(finding.starts_with("TG0725"), "{finding}");
}

#[test]
fn a_strict_session_does_not_arrive() {
    let strict = format!("{SESSION}same_site = \"strict\"\n");
    assert_eq!(
        found(&format!("{strict}{SIGN_IN}{MEMBERS}")),
        [
            "TG0739 \"strict\" browsers do not send the session on the navigation that follows sign-in"
        ]
    );
    assert_eq!(found(&format!("{strict}{MEMBERS}")), [""; 0]);
}

#[test]
fn a_sign_in_that_shows_no_page() {
    let with = |prompt: &str| {
        let parameters = format!("parameters = {{ prompt = \"{prompt}\" }}\n");
        found(&format!("{SESSION}{SIGN_IN}{parameters}{MEMBERS}"))
    };
    let message = "with `prompt = \"none\"`, users without a session at the issuer cannot sign in";
    assert_eq!(
        with("none"),
        [format!("TG0743 {{ prompt = \"none\" }} {message}")]
    );
    for prompt in ["login", "select_account", "nonesuch"] {
        assert_eq!(with(prompt), [""; 0], "{prompt}");
    }
}
