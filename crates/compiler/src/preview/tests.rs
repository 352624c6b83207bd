//! Stand-ins replace missing secrets and nothing else, and make no difference.

use tollgate_gate::config::GateConfig;

use super::*;
use crate::compile;

const SITE: &str = r#"
schema = 1
[site]
name = "example"
[[issuer]]
name = "learners"
issuer = "https://id.example.com"
clients = ["web"]
jwks = "keys/learners.jwks.json"
groups_claim = "groups"
[[issuer]]
name = "partner"
issuer = "https://partner.example.com"
clients = ["web"]
algorithms = ["HS512"]
secrets = [{ kid = "p-1", file = "keys/partner.key" }]
groups_claim = "groups"
groups = ["partner"]
[[issuer]]
name = "sessions"
issuer = "https://learn.example.com/session"
clients = ["example"]
algorithms = ["HS256"]
secrets = [{ kid = "s-1", file = "keys/session-1.key" }, { kid = "s-2", file = "keys/session-2.key" }]
[token]
from = ["cookie:__Host-tollgate", "header:authorization"]
[session]
issuer = "sessions"
[sign_in]
issuer = "learners"
endpoints = "keys/learners.openid.json"
origins = ["https://learn.example.com"]
client = "web"
client_secret = "keys/web.secret"
secrets = [{ kid = "a", file = "keys/sign-in-1.key" }]
[[rule]]
id = "all"
allow = ["/**"]
groups = ["a"]
issuers = ["learners"]
"#;
const DOCUMENT: &str = r#"{"issuer":"https://id.example.com","authorization_endpoint":"https://id.example.com/authorize",
"token_endpoint":"https://id.example.com/token","jwks_uri":"https://id.example.com/jwks"}"#;
/// The files of secrets, each with 64 bytes of its own.
const SECRETS: [&str; 5] = [
    "keys/partner.key",
    "keys/session-1.key",
    "keys/session-2.key",
    "keys/sign-in-1.key",
    "keys/web.secret",
];

/// A policy with all files.
fn complete() -> SourceTree {
    let mut tree = SourceTree::new();
    tree.insert("site.toml", SITE);
    tree.insert(
        "keys/learners.jwks.json",
        include_str!("../../tests/lang/learners.jwks.json"),
    );
    tree.insert("keys/learners.openid.json", DOCUMENT);
    for (file, letter) in SECRETS.into_iter().zip('a'..) {
        tree.insert(file, letter.to_string().repeat(88));
    }
    tree
}

fn without(files: &[&str]) -> SourceTree {
    let mut tree = SourceTree::new();
    for (name, text) in complete().files() {
        if !files.contains(&name) {
            tree.insert(name, text);
        }
    }
    tree
}

fn strict(tree: &SourceTree) -> Compiled {
    compile(tree, &CompileOptions::default())
}

fn read(tree: &SourceTree) -> Preview {
    preview(tree, &CompileOptions::default())
}

/// The codes of all diagnostics, each once.
fn codes_of(compiled: &Compiled) -> Vec<&'static str> {
    let mut codes: Vec<_> = compiled
        .diagnostics
        .iter()
        .map(|found| found.code.id)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn gate(compiled: &Compiled) -> GateConfig {
    GateConfig::decode(&compiled.policy.as_ref().unwrap().gate).unwrap()
}

#[test]
fn a_stand_in_replaces_missing_secrets_and_nothing_else() {
    // The missing files, the codes of a strict compilation, and those of a preview.
    let rest = ["keys/learners.jwks.json", "keys/learners.openid.json"];
    let cases = SECRETS
        .map(|secret| (vec![secret], vec!["TG0407"], vec!["TG0429"]))
        .into_iter()
        .chain([
            (vec![], vec![], vec![]),
            (SECRETS.to_vec(), vec!["TG0407"], vec!["TG0429"]),
            (rest[..1].to_vec(), vec!["TG0407"], vec!["TG0407"]),
            (rest[1..].to_vec(), vec!["TG0407"], vec!["TG0407"]),
            (
                [&rest[..], &SECRETS[..]].concat(),
                vec!["TG0407"],
                vec!["TG0407", "TG0429"],
            ),
        ]);
    for (files, in_strict, in_preview) in cases {
        let tree = without(&files);
        let (compiled, preview) = (strict(&tree), read(&tree));
        assert_eq!(codes_of(&compiled), in_strict, "{files:?}");
        assert_eq!(codes_of(preview.compiled()), in_preview, "{files:?}");
        assert_eq!(compiled.image.is_some(), in_strict.is_empty(), "{files:?}");
        let is_readable = !in_preview.contains(&"TG0407");
        assert_eq!(preview.image().is_some(), is_readable, "{files:?}");
        assert_eq!(preview.compiled().image, None, "{files:?}");
        let missing: Vec<&str> = preview
            .missing()
            .iter()
            .map(|one| one.file.as_str())
            .collect();
        let expected: Vec<&str> = SECRETS
            .into_iter()
            .filter(|file| files.contains(file))
            .collect();
        // Without its key set, an issuer is not read, nor what needs it.
        match is_readable {
            true => assert_eq!(missing, expected),
            false => assert!(missing.iter().all(|file| expected.contains(file))),
        }
        // Each file has one note, at its name.
        for one in preview.missing() {
            let span = one.note.span.unwrap();
            let name = SITE.get(span.start..span.end);
            assert_eq!(name, Some(format!("\"{}\"", one.file).as_str()));
        }
    }
    assert_eq!(
        read(&complete()).image(),
        strict(&complete()).image.as_deref()
    );
}

#[test]
fn a_file_that_exists_is_never_replaced() {
    for file in SECRETS {
        let (short, odd) = ("AAAA", "not base64url!\n\n");
        let texts = match file {
            "keys/web.secret" => ["", "two words"],
            _ => [short, odd],
        };
        for text in texts {
            let mut tree = complete();
            tree.insert(file, text);
            let (compiled, preview) = (strict(&tree), read(&tree));
            assert!(compiled.has_errors(), "{file}: {text:?}");
            assert_eq!(preview.compiled().diagnostics, compiled.diagnostics);
            assert!(preview.missing().is_empty() && preview.image().is_none());
        }
    }
    for name in ["../a.key", "/a.key", "keys\\\\a.key", ""] {
        let mut tree = complete();
        tree.insert("site.toml", SITE.replace("keys/session-1.key", name));
        assert!(read(&tree).compiled().has_errors(), "{name}");
    }
}

/// The files decide, not the machine; and two secrets are never equal.
#[test]
fn stand_ins_follow_from_the_names_of_files() {
    let tree = without(&SECRETS);
    assert_eq!(read(&tree).image(), read(&tree).image());
    let gate = gate(read(&tree).compiled());
    let keys = gate.issuers.iter().flat_map(|issuer| &issuer.secrets);
    let mut keys: Vec<_> = keys.map(|secret| secret.key.clone()).collect();
    let lengths: Vec<usize> = keys.iter().map(Vec::len).collect();
    assert_eq!(lengths, [64, 32, 32]);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    // One file for two purposes is an error, with the file and without.
    let site = SITE.replace("keys/sign-in-1.key", "keys/session-1.key");
    for mut tree in [complete(), without(&SECRETS)] {
        tree.insert("site.toml", site.as_str());
        let codes = codes_of(read(&tree).compiled());
        assert!(codes.contains(&"TG0410"), "{codes:?}");
    }
    // And one note, for two entries with one file.
    let site = SITE.replace("keys/session-2.key", "keys/session-1.key");
    let mut tree = without(&SECRETS);
    tree.insert("site.toml", site.as_str());
    let preview = read(&tree);
    assert_eq!(preview.missing().len(), 4);
    let found = &preview.compiled().diagnostics;
    assert_eq!(
        found.iter().filter(|one| one.code.id == "TG0429").count(),
        4
    );
}

/// With the secrets of the image that it was built into, a policy without files is that image.
#[test]
fn an_image_lends_its_secrets() {
    let compiled = strict(&complete());
    let image = compiled.image.as_deref();
    let gate = gate(&compiled);
    for files in SECRETS
        .map(|file| vec![file])
        .into_iter()
        .chain([SECRETS.to_vec()])
    {
        let preview = read(&without(&files));
        assert_ne!(preview.image(), image, "{files:?}");
        let lent = preview.with_secrets_of(&gate);
        assert_eq!(lent.image(), image, "{files:?}");
        assert_eq!(lent.compiled().image, None);
    }
    // A file that exists counts, whatever the image contains.
    let mut tree = complete();
    tree.insert("keys/session-1.key", "z".repeat(88));
    assert_ne!(read(&tree).with_secrets_of(&gate).image(), image);
}
