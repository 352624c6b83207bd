//! The list of published keys has every key and every secret of the documentation, the sample policy, the examples and the
//! fixtures. `TOLLGATE_BLESS=1` writes it.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use tollgate_author::lint::{self, LintContext};
use tollgate_author::test_keys::{hex, key_print, secret_print};
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_token::base64url;

/// The directories whose keys people could copy, or are tempted to.
const ROOTS: [&str; 4] = ["crates/edge/examples", "docs", "fixtures", "policy"];

#[test]
fn every_published_key_is_listed() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut prints = BTreeMap::new();
    for root in ROOTS {
        let mut files = Vec::new();
        collect(&repository.join(root), &mut files);
        files.sort();
        for file in files {
            let name = file.strip_prefix(&repository).unwrap();
            let name = name.to_str().unwrap().replace('\\', "/");
            for print in prints_of(&file) {
                prints.entry(hex(&print)).or_insert(name.clone());
            }
        }
    }
    assert!(prints.len() > 20, "{prints:?}");
    let lines = prints
        .iter()
        .map(|(print, file)| format!("{print} {file}\n"));
    let list: String = lines.collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/test_keys/published.txt");
    if env::var_os("TOLLGATE_BLESS").is_some() {
        fs::write(&path, &list).unwrap();
    }
    let listed = fs::read_to_string(&path).unwrap();
    assert!(listed == list, "TOLLGATE_BLESS=1 writes the list:\n{list}");
}

/// The policies of the documentation are recognised by their keys and secrets.
#[test]
fn published_policies_have_test_keys() {
    for (folder, expected) in [
        (
            "policy",
            [
                "the keys of issuer `learners` include `learners-1`, which is published with Tollgate",
                "the keys of issuer `partners` include `partner-es`, which is published with Tollgate",
                "the keys of issuer `sessions` include `session-1`, which is published with Tollgate",
            ]
            .as_slice(),
        ),
        (
            "docs/recipes/sessions",
            [
                "the keys of issuer `learners` include `learners-1`, which is published with Tollgate",
                "the keys of issuer `sessions` include `2027-01`, which is published with Tollgate",
            ]
            .as_slice(),
        ),
    ] {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sources = SourceTree::read(&repository.join(folder));
        let compiled = compile(&sources, &CompileOptions::default());
        let context = LintContext::new(&compiled, &sources).unwrap();
        let findings = lint::lint(&context, 1_800_000_000);
        let found: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.code.id == "TG0740")
            .map(|finding| finding.message.split(':').next().unwrap())
            .collect();
        assert_eq!(found, expected, "{folder}");
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

/// The prints of the keys in a JSON file, or of the secret in a file of one.
fn prints_of(file: &Path) -> Vec<[u8; 32]> {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("json") => {
            let text = fs::read_to_string(file).unwrap_or_default();
            let mut prints = Vec::new();
            keys(
                &serde_json::from_str(&text).unwrap_or_default(),
                &mut prints,
            );
            prints
        }
        Some("key") => {
            let text = fs::read_to_string(file).unwrap();
            let secret = base64url::decode(text.trim().as_bytes());
            secret.iter().map(|secret| secret_print(secret)).collect()
        }
        _ => Vec::new(),
    }
}

fn keys(value: &Value, prints: &mut Vec<[u8; 32]>) {
    match value {
        Value::Object(members) => {
            prints.extend(key_print(value));
            let secret = members.get("k").and_then(Value::as_str);
            let secret = secret.filter(|_| members.get("kty").is_some_and(|kty| kty == "oct"));
            let secret = secret.and_then(|secret| base64url::decode(secret.as_bytes()));
            let secret = secret.filter(|secret| !secret.is_empty());
            prints.extend(secret.map(|secret| secret_print(&secret)));
            members.values().for_each(|value| keys(value, prints));
        }
        Value::Array(items) => items.iter().for_each(|value| keys(value, prints)),
        _ => {}
    }
}
