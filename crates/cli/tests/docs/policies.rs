//! Policies in TOML blocks: whole files, single tables of `site.toml`, rules, and the parts of a rule. What a block
//! leaves out comes from a small site.

use std::fs;

use tollgate_author::suite;
use tollgate_compiler::{CompileOptions, SourceTree, compile};
use toml::{Table, Value};

use crate::repository;

/// The site around a block that is not a whole `site.toml`.
const SITE: &str = r#"
schema = 1

[site]
name = "simple-courses"

[[issuer]]
name = "learners"
cognito = { region = "eu-west-1", user_pool = "eu-west-1_TestPool1" }
clients = ["web", "client-abc123"]
jwks = "keys/learners.jwks.json"

[claims]
"custom:cohort" = "string"
beta = "bool"
email = "string"
hd = "string"
level = "int"
plan = "string"
roles = "string[]"
"#;

/// The tables that `[sign_in]` also requires.
const SESSIONS: &str = r#"
[[issuer]]
name = "sessions"
issuer = "https://learn.example.com/session"
clients = ["simple-courses"]
algorithms = ["HS256"]
secrets = [{ kid = "1", file = "keys/session-1.key" }]

[token]
from = ["header:authorization", "cookie:__Host-tollgate"]

[session]
issuer = "sessions"
"#;

/// The tables that rules with `issuers` also require.
const PARTNERS: &str = r#"
[[issuer]]
name = "partners"
issuer = "https://login.partner.example"
clients = ["simple-courses"]
algorithms = ["ES256"]
jwks = "keys/partners.jwks.json"
groups_claim = "groups"
"#;

/// The errors of a block.
pub(crate) fn findings(text: &str) -> Vec<String> {
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return vec![format!("not TOML: {error}")],
    };
    if table.contains_key("now") {
        return tests(text);
    }
    let mut tree = SourceTree::new();
    if table.contains_key("course") {
        let id = table["course"].as_str().unwrap_or("course");
        let around = match text.contains("issuers =") {
            true => PARTNERS,
            false => "",
        };
        let around: Table = around.parse().unwrap();
        add_site(&mut tree, merged(SITE.parse().unwrap(), around));
        tree.insert(format!("courses/{id}.toml"), text);
    } else if table.contains_key("schema") {
        add_files(&mut tree, &table);
        tree.insert("site.toml", text);
    } else {
        add_site(&mut tree, site_with(text, table));
    }
    let compiled = compile(&tree, &CompileOptions::default());
    let errors = compiled.diagnostics.iter().filter(|one| one.is_error());
    errors
        .map(|one| format!("{} {}", one.code.id, one.message))
        .collect()
}

/// A site that contains the block: its tables, its rules, or the parts of one rule.
fn site_with(text: &str, table: Table) -> Table {
    let mut site: Table = SITE.parse().unwrap();
    if text.contains("issuers =") && !text.contains("name = \"partners\"") {
        site = merged(site, PARTNERS.parse().unwrap());
    }
    if table.contains_key("sign_in") {
        site = merged(site, SESSIONS.parse().unwrap());
    }
    let has = |key: &&str| table.contains_key(*key);
    let is_rule = ["when", "unless", "from", "groups"].iter().any(has)
        || ["allow", "deny"]
            .iter()
            .any(|key| table.get(*key).is_some_and(Value::is_array));
    if !is_rule {
        return merged(site, table);
    }
    let mut rule = table;
    rule.entry("id").or_insert("example".into());
    if !rule.contains_key("deny") {
        rule.entry("allow")
            .or_insert(Value::Array(vec!["/example/**".into()]));
        let named = [
            "anyone",
            "signed_in",
            "groups",
            "scopes",
            "subjects",
            "issuers",
        ];
        if !named.iter().any(|key| rule.contains_key(*key)) {
            rule.insert("signed_in".to_owned(), true.into());
        }
    }
    let mut rules = Table::new();
    rules.insert("rule".to_owned(), Value::Array(vec![rule.into()]));
    merged(site, rules)
}

/// Merges two sites: lists of tables are joined, other tables of the second replace those of the first.
fn merged(mut site: Table, more: Table) -> Table {
    for (name, value) in more {
        match (site.get_mut(&name), value) {
            (Some(Value::Array(entries)), Value::Array(more)) => {
                let name_of = |entry: &Value| entry.get("name").cloned();
                entries.retain(|old| {
                    name_of(old).is_none() || more.iter().all(|new| name_of(new) != name_of(old))
                });
                entries.extend(more);
            }
            (_, value) => drop(site.insert(name, value)),
        }
    }
    site
}

fn add_site(tree: &mut SourceTree, site: Table) {
    add_files(tree, &site);
    let lines = site
        .iter()
        .map(|(name, value)| format!("{name} = {}\n", inline(value)));
    tree.insert("site.toml", lines.collect::<String>());
}

/// A value on one line. TOML's strings are those of JSON.
fn inline(value: &Value) -> String {
    let list = |values: Vec<String>| values.join(", ");
    match value {
        Value::String(text) => serde_json::json!(text).to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(time) => time.to_string(),
        Value::Array(values) => format!("[{}]", list(values.iter().map(inline).collect())),
        Value::Table(table) => {
            let pairs = table.iter();
            let pairs = pairs
                .map(|(name, value)| format!("{} = {}", serde_json::json!(name), inline(value)));
            format!("{{ {} }}", list(pairs.collect()))
        }
    }
}

/// Adds the files that a site names.
fn add_files(tree: &mut SourceTree, site: &Table) {
    let key_set = |name: &str| {
        let keys = repository().join("policy/keys");
        fs::read_to_string(keys.join(name)).unwrap()
    };
    let issuers = site.get("issuer").and_then(Value::as_array);
    for issuer in issuers.into_iter().flatten() {
        if let Some(file) = issuer.get("jwks").and_then(Value::as_str) {
            let algorithms = issuer.get("algorithms").map(inline);
            let is_rsa = algorithms.is_none_or(|names| names.contains("RS256"));
            let name = if is_rsa { "learners" } else { "partners" };
            tree.insert(file, key_set(&format!("{name}.jwks.json")));
        }
        add_secrets(tree, issuer.get("secrets"), "A");
    }
    let Some(sign_in) = site.get("sign_in") else {
        add_pages(tree, site);
        return;
    };
    add_secrets(tree, sign_in.get("secrets"), "B");
    let others = sign_in.get("provider").and_then(Value::as_array);
    for provider in [sign_in].into_iter().chain(others.into_iter().flatten()) {
        if let Some(file) = provider.get("client_secret").and_then(Value::as_str) {
            tree.insert(file, "secret\n");
        }
        if let Some(file) = provider.get("endpoints").and_then(Value::as_str) {
            tree.insert(file, discovery(site, provider));
        }
    }
    add_pages(tree, site);
}

fn add_secrets(tree: &mut SourceTree, secrets: Option<&Value>, letter: &str) {
    let secrets = secrets.and_then(Value::as_array).into_iter().flatten();
    for (number, secret) in secrets.enumerate() {
        if let Some(file) = secret.get("file").and_then(Value::as_str) {
            // The last letter holds only four bits, and no two secrets are the same.
            let last = char::from(b'A' + u8::try_from(number).unwrap() * 4);
            tree.insert(file, letter.repeat(42) + &last.to_string());
        }
    }
}

fn add_pages(tree: &mut SourceTree, site: &Table) {
    let pages = site.get("deny").and_then(|deny| deny.get("pages"));
    for page in pages
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values)
    {
        if let Some(file) = page.as_str() {
            tree.insert(
                file,
                "<!doctype html><title>No access</title><p>No access.</p>",
            );
        }
    }
}

/// A discovery document of the issuer where users sign in.
fn discovery(site: &Table, sign_in: &Value) -> String {
    let issuers = site.get("issuer").and_then(Value::as_array).unwrap();
    let name = sign_in.get("issuer").and_then(Value::as_str);
    let issuer = issuers
        .iter()
        .find(|issuer| name.is_none() || issuer.get("name").and_then(Value::as_str) == name)
        .unwrap();
    let url = match (issuer.get("issuer"), issuer.get("cognito")) {
        (Some(Value::Array(spellings)), _) => spellings[0].as_str().unwrap().to_owned(),
        (Some(url), _) => url.as_str().unwrap().to_owned(),
        (None, Some(pool)) => format!(
            "https://cognito-idp.{}.amazonaws.com/{}",
            pool["region"].as_str().unwrap(),
            pool["user_pool"].as_str().unwrap()
        ),
        (None, None) => panic!("the issuer has no URL"),
    };
    let at = url.trim_end_matches('/');
    format!(
        r#"{{"issuer":"{url}","authorization_endpoint":"{at}/authorize","token_endpoint":"{at}/token"}}"#
    )
}

/// The errors of a test file. Its rules are those of a policy that the block does not show.
fn tests(text: &str) -> Vec<String> {
    let mut tree = SourceTree::new();
    tree.insert("site.test.toml", text);
    let (_, findings) = suite::read(&["site.test.toml"], &tree, None);
    let errors = findings.iter().filter(|one| one.is_error());
    errors
        .map(|one| format!("{} {}", one.code.id, one.message))
        .collect()
}

#[test]
fn every_kind_of_block_is_compiled() {
    for (block, expected) in [
        ("groups = [\"a\"]", ""),
        ("allow = [\"/a/**\"]\nanyone = true", ""),
        ("[[rule]]\nid = \"a\"\ndeny = [\"/a\"]", ""),
        (
            "course = \"a\"\nbase = \"/a\"\n[[rule]]\nid = \"b\"\nallow = [\"/**\"]\ngrops = [\"x\"]",
            "TG0102",
        ),
        ("[paths]\norigin = \"s4\"", "TG0105"),
        (
            "now = 2027-01-15T12:00:00Z\n[[test]]\nname = \"a\"\nget = \"/\"\nexpect = \"alow\"",
            "TG0606",
        ),
        ("a = ", "not TOML"),
    ] {
        let findings = findings(block).join("\n");
        assert_eq!(
            findings.is_empty(),
            expected.is_empty(),
            "{block}\n{findings}"
        );
        assert!(findings.contains(expected), "{block}\n{findings}");
    }
}
