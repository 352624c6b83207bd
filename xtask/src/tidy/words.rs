//! Strings that must not appear in tracked files: stubs, ignored tests, machine-specific paths and the host
//! of a package registry. It reads text, not syntax.

use anyhow::Result;

use super::Tree;
use crate::{repo, shell};

/// Stubs and ignored tests, split so that this file does not match itself.
const STUBS: [[&str; 2]; 8] = [
    ["todo", "!("],
    ["unimplemented", "!("],
    ["#[ig", "nore"],
    ["it.", "skip("],
    ["test.", "skip("],
    ["describe.", "skip("],
    ["FIX", "ME"],
    ["XX", "X"],
];
const CODE: [&str; 6] = [".rs", ".js", ".mjs", ".ts", ".toml", ".py"];
const HOMES: [[&str; 2]; 3] = [["/ho", "me/"], ["/ro", "ot/"], ["/Us", "ers/"]];
/// Lock files legitimately contain registry addresses.
const LOCKS: [&str; 2] = ["Cargo.lock", "fuzz/Cargo.lock"];

pub(super) fn check(files: &Tree) -> Result<Vec<String>> {
    let mut places: Vec<String> = HOMES.iter().map(|parts| parts.concat()).collect();
    if let Some(above) = repo::root()
        .parent()
        .filter(|above| above.parent().is_some())
    {
        places.push(format!("{}/", above.display()));
    }
    places.extend(registry_hosts());
    Ok(scan(files, &places))
}

fn scan(files: &Tree, places: &[String]) -> Vec<String> {
    let stubs: Vec<String> = STUBS.iter().map(|parts| parts.concat()).collect();
    let mut problems = Vec::new();
    for (name, text) in files.texts() {
        let is_code = CODE.iter().any(|end| name.ends_with(end));
        for (place, line) in text.lines().enumerate() {
            let number = place + 1;
            if is_code {
                for stub in stubs.iter().filter(|stub| line.contains(stub.as_str())) {
                    problems.push(format!("{name}:{number} contains `{stub}`"));
                }
            }
            if LOCKS.contains(&name) {
                continue;
            }
            for path in places.iter().filter(|path| line.contains(path.as_str())) {
                problems.push(format!(
                    "{name}:{number} contains a machine-specific path: `{path}`"
                ));
            }
        }
    }
    problems
}

/// The hosts from which this machine fetches packages, as its own clients report them.
fn registry_hosts() -> Vec<String> {
    let mut hosts = Vec::new();
    let mut asked = shell::tool("npm", ["config", "get", "registry"]);
    if let Ok(said) = shell::capture(asked.env("NPM_CONFIG_LOGLEVEL", "silent"), |_| ()) {
        hosts.extend(said.text.lines().filter_map(host));
    }
    for list in repo::entries("/etc/apt/sources.list.d".as_ref()).unwrap_or_default() {
        let text = std::fs::read_to_string(list).unwrap_or_default();
        hosts.extend(text.split_whitespace().filter_map(host));
    }
    hosts.sort();
    hosts.dedup();
    hosts
}

/// The host in `https://host/…`.
fn host(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let host = rest.split(['/', ':']).next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stubs_and_machine_paths_are_found() {
        let stub = format!("fn f() {{ {}) }}", STUBS[0].concat());
        let home = format!("see {}me/notes", HOMES[0].concat());
        let places = [HOMES[0].concat(), "packages.example".to_owned()];
        let cases: [(&str, &str, usize); 6] = [
            ("a.rs", &stub, 1),
            ("a.md", &stub, 0),
            ("a.md", &home, 1),
            ("a.json", "\"resolved\": \"https://packages.example/x\"", 1),
            ("Cargo.lock", "https://packages.example/x", 0),
            ("a.rs", "fn f() {}", 0),
        ];
        for (name, text, expected) in cases {
            assert_eq!(
                scan(&Tree::of(&[(name, text)]), &places).len(),
                expected,
                "{name}: {text}"
            );
        }
    }

    #[test]
    fn hosts_are_extracted_from_urls() {
        assert_eq!(
            host("https://packages.example:443/x").as_deref(),
            Some("packages.example")
        );
        assert_eq!(host("packages.example"), None);
        assert_eq!(host("file:///x"), None);
    }
}
