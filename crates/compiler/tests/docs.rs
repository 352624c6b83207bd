//! The pages about sign-in: every `site.toml` compiles with its provider's discovery document, says of sign-out what the
//! page says, and the table of codes is the gate's.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_gate::config::GateConfig;
use tollgate_gate::sign_in::{ClientAuth, SignInConfig, SignOut};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    fs::read_to_string(repository().join("docs").join(name)).unwrap()
}

/// The only complete `site.toml` of a page.
fn example(page: &str) -> String {
    let parts = page.split("\n```toml\n").skip(1);
    let examples: Vec<&str> = parts
        .map(|part| part.split("\n```").next().unwrap())
        .filter(|example| example.starts_with("schema = 1"))
        .collect();
    let [example] = examples.as_slice() else {
        panic!("{} examples", examples.len());
    };
    format!("{example}\n")
}

/// The findings of the example of a provider, and its sign-in.
fn compiled(name: &str) -> (Vec<String>, Option<SignInConfig>) {
    let mut tree = SourceTree::new();
    tree.insert("site.toml", example(&page(&format!("sign-in/{name}.md"))));
    let document = format!("tests/docs/{name}.openid.json");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let issuer = match name {
        "cognito" => "learners",
        other => other,
    };
    tree.insert(
        format!("keys/{issuer}.openid.json"),
        fs::read_to_string(document).unwrap(),
    );
    tree.insert(
        format!("keys/{issuer}.jwks.json"),
        include_str!("lang/learners.jwks.json"),
    );
    tree.insert("keys/session-1.key", "A".repeat(43));
    tree.insert("keys/sign-in-1.key", "B".repeat(42) + "A");
    tree.insert("keys/web.secret", "secret\n");
    let compiled = compile(&tree, &CompileOptions::default());
    let findings = compiled.diagnostics.iter();
    let findings = findings.map(|finding| format!("{} {}", finding.code.id, finding.message));
    let policy = compiled.policy.as_ref();
    let gate = policy.and_then(|policy| GateConfig::decode(&policy.gate).ok());
    (findings.collect(), gate.and_then(|gate| gate.sign_in))
}

#[test]
fn every_provider_has_a_policy_that_compiles() {
    let table = [
        ("cognito", "Cognito", true, false, false),
        ("auth0", "EndSession", true, true, true),
        ("okta", "EndSession", true, true, true),
        ("entra", "EndSession", false, true, true),
        ("google", "Local", true, true, false),
        ("keycloak", "EndSession", true, true, false),
    ];
    for (name, sign_out, revokes, has_secret, asks_for_refresh) in table {
        let (findings, sign_in) = compiled(name);
        assert_eq!(findings, [""; 0], "{name}");
        let sign_in = sign_in.unwrap();
        let [provider] = sign_in.providers.as_slice() else {
            panic!("{name}");
        };
        let found = match provider.endpoints.sign_out {
            SignOut::Local => "Local",
            SignOut::EndSession(_) => "EndSession",
            SignOut::Cognito(_) => "Cognito",
        };
        assert_eq!(found, sign_out, "{name}");
        assert_eq!(provider.endpoints.revocation.is_some(), revokes, "{name}");
        // Each of these documents lists Basic, which the pages state.
        let expected = match has_secret {
            true => ClientAuth::Basic("secret".to_owned()),
            false => ClientAuth::None,
        };
        assert_eq!(provider.client_auth, expected, "{name}");
        let scopes = provider.scopes.iter();
        let has_scope = scopes.into_iter().any(|scope| scope == "offline_access");
        assert_eq!(has_scope, asks_for_refresh, "{name}");
    }
    let pages = fs::read_dir(repository().join("docs/sign-in")).unwrap();
    assert_eq!(pages.count(), table.len());
}

#[test]
fn every_provider_has_the_same_sections() {
    let sections = [
        "## Register",
        "## `site.toml`",
        "## Groups",
        "## Session length",
        "## Sign-out",
        "## Traps",
        "## Sources",
    ];
    for entry in fs::read_dir(repository().join("docs/sign-in")).unwrap() {
        let path = entry.unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        let found: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        assert_eq!(found, sections, "{}", path.display());
        assert!(page.contains("`https://HOST/.tollgate/callback`"));
    }
}

/// The codes and statuses of the gate's messages, from their definitions.
fn codes() -> BTreeMap<String, u16> {
    let source = repository().join("crates/gate/src/sign_in/page.rs");
    let source = fs::read_to_string(source).unwrap();
    // The first part precedes the function, the second is the function.
    let messages = source.split("message(").skip(2);
    let entries = messages.map(|message| {
        let mut parts = message.split(',').map(str::trim);
        let (code, status) = (parts.next().unwrap(), parts.next().unwrap());
        (code.trim_matches('"').to_owned(), status.parse().unwrap())
    });
    entries.collect()
}

#[test]
fn the_table_of_codes_is_the_gates() {
    let page = page("sign-in.md");
    let (_, table) = page.split_once("## Error codes").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let (code, status) = (cells.next().unwrap(), cells.next().unwrap());
        (code.trim_matches('`').to_owned(), status.parse().unwrap())
    });
    let rows: BTreeMap<String, u16> = rows.collect();
    let codes = codes();
    assert!(codes.len() > 20, "{codes:?}");
    assert_eq!(rows, codes);
}

/// The example of `publish.toml` is valid.
#[test]
fn the_page_about_publishing_has_a_valid_file() {
    let page = page("publishing.md");
    let (_, rest) = page.split_once("\n```toml\n").unwrap();
    let (example, _) = rest.split_once("\n```").unwrap();
    let mut tree = SourceTree::new();
    let site = "schema = 1\n[site]\nname = \"a\"\n";
    tree.insert("site.toml", site);
    tree.insert("publish.toml", example);
    let compiled = compile(&tree, &CompileOptions::default());
    assert!(
        compiled.diagnostics.is_empty(),
        "{:?}",
        compiled.diagnostics
    );
    for target in [
        "cloudfront-functions",
        "lambda-edge",
        "lambda",
        "authz",
        "cloudflare",
        "edgeworkers",
    ] {
        assert!(tollgate_compiler::publish::Destinations::read(&tree).has(target));
    }
}
