//! The allowed imports between packages, as data, compared with the manifests. `ARCHITECTURE.md` gives the
//! reasons; this table is the exact rule.

use std::collections::{BTreeMap, BTreeSet};

use super::manifests::{Package, Workspace};

/// One package: the packages of ours that it imports, and those that only its tests may import.
struct Row {
    package: &'static str,
    imports: &'static [&'static str],
    tests: &'static [&'static str],
}

const fn row(
    package: &'static str,
    imports: &'static [&'static str],
    tests: &'static [&'static str],
) -> Row {
    Row {
        package,
        imports,
        tests,
    }
}

/// All rows. A row must list exactly what the package imports: an extra entry is as wrong as a missing one.
/// Imports of tests may be listed and unused.
const TABLE: &[Row] = &[
    row("tollgate-edge-core", &[], &["tollgate-compiler"]),
    row(
        "tollgate-token",
        &["tollgate-edge-core"],
        &["tollgate-policy"],
    ),
    row(
        "tollgate-crypto",
        &["tollgate-es256", "tollgate-rs256", "tollgate-token"],
        &["tollgate-edge-core", "tollgate-gate"],
    ),
    row("tollgate-es256", &[], &[]),
    row("tollgate-rs256", &[], &[]),
    row(
        "tollgate-gate",
        &["tollgate-edge-core", "tollgate-token"],
        &[
            "tollgate-compiler",
            "tollgate-crypto",
            "tollgate-mint",
            "tollgate-policy",
        ],
    ),
    row(
        "tollgate-policy",
        &["tollgate-edge-core"],
        &["tollgate-compiler"],
    ),
    row(
        "tollgate-javascript",
        &[
            "tollgate-edge-core",
            "tollgate-gate",
            "tollgate-policy",
            "tollgate-token",
        ],
        &["tollgate-compiler"],
    ),
    row(
        "tollgate-edges",
        &[
            "tollgate-compiler",
            "tollgate-gate",
            "tollgate-javascript",
            "tollgate-policy",
            "tollgate-proxies",
            "tollgate-token",
        ],
        &[],
    ),
    row(
        "tollgate-proxies",
        &["tollgate-gate"],
        &["tollgate-compiler"],
    ),
    row(
        "tollgate-publish",
        &["tollgate-javascript"],
        &["tollgate-compiler"],
    ),
    row(
        "tollgate-compiler",
        &[
            "tollgate-edge-core",
            "tollgate-gate",
            "tollgate-policy",
            "tollgate-token",
        ],
        &[],
    ),
    row(
        "tollgate-analysis",
        &[
            "tollgate-compiler",
            "tollgate-edge-core",
            "tollgate-gate",
            "tollgate-policy",
            "tollgate-token",
        ],
        &["tollgate-crypto", "tollgate-mint", "tollgate-spec"],
    ),
    row(
        "tollgate-author",
        &[
            "tollgate-analysis",
            "tollgate-compiler",
            "tollgate-edge-core",
            "tollgate-edges",
            "tollgate-gate",
            "tollgate-policy",
            "tollgate-token",
        ],
        &[],
    ),
    row(
        "tollgate-exchange",
        &["tollgate-compiler", "tollgate-edge-core", "tollgate-policy"],
        &["tollgate-gate", "tollgate-token"],
    ),
    row(
        "tollgate-peers",
        &[
            "tollgate-author",
            "tollgate-compiler",
            "tollgate-edge-core",
            "tollgate-es256",
            "tollgate-exchange",
            "tollgate-gate",
            "tollgate-mint",
            "tollgate-policy",
            "tollgate-rs256",
            "tollgate-spec",
            "tollgate-token",
        ],
        &[],
    ),
    row(
        "tollgate",
        &[
            "tollgate-analysis",
            "tollgate-author",
            "tollgate-compiler",
            "tollgate-edge-core",
            "tollgate-crypto",
            "tollgate-edges",
            "tollgate-exchange",
            "tollgate-gate",
            "tollgate-host",
            "tollgate-javascript",
            "tollgate-edge-server",
            "tollgate-mint",
            "tollgate-policy",
            "tollgate-proxies",
            "tollgate-publish",
            "tollgate-token",
        ],
        &[],
    ),
    row(
        "tollgate-edge-server",
        &[
            "tollgate-edge-core",
            "tollgate-crypto",
            "tollgate-gate",
            "tollgate-host",
            "tollgate-token",
        ],
        &["tollgate-compiler", "tollgate-mint"],
    ),
    row(
        "tollgate-edge",
        &[
            "tollgate-edge-core",
            "tollgate-crypto",
            "tollgate-gate",
            "tollgate-host",
            "tollgate-token",
        ],
        &["tollgate-compiler", "tollgate-mint"],
    ),
    row(
        "tollgate-host",
        &["tollgate-edge-core", "tollgate-gate"],
        &[],
    ),
    row("tollgate-demo", &["tollgate-lab-http", "xtask"], &[]),
    row("tollgate-fixtures", &["tollgate-mint"], &[]),
    row("tollgate-lab-http", &[], &[]),
    row("tollgate-local-issuer", &["tollgate-mint"], &[]),
    row("tollgate-mint", &[], &[]),
    row("tollgate-signed-urls", &["tollgate-crypto"], &[]),
    row("tollgate-testkit", &[], &[]),
    row(
        "tollgate-spec",
        &[],
        &["tollgate-compiler", "tollgate-edge-core", "tollgate-token"],
    ),
    row(
        "tollgate-targets",
        &[
            "tollgate-compiler",
            "tollgate-edge-core",
            "tollgate-crypto",
            "tollgate-edges",
            "tollgate-gate",
            "tollgate-host",
            "tollgate-javascript",
            "tollgate-lab-http",
            "tollgate-edge-server",
            "tollgate-local-issuer",
            "tollgate-mint",
            "tollgate-policy",
            "tollgate-proxies",
            "tollgate-spec",
            "tollgate-testkit",
            "tollgate-token",
        ],
        &["tollgate-lambda"],
    ),
    row(
        "tollgate-plain",
        &["tollgate-crypto", "tollgate-gate"],
        &["tollgate-edge-core", "tollgate-policy"],
    ),
    row("tollgate-node", &["tollgate-crypto", "tollgate-gate"], &[]),
    row(
        "tollgate-cloudflare",
        &["tollgate-crypto", "tollgate-gate", "tollgate-host"],
        &[],
    ),
    row("tollgate-bindgen", &[], &[]),
    row(
        "tollgate-lambda",
        &[
            "tollgate-edge-core",
            "tollgate-crypto",
            "tollgate-gate",
            "tollgate-host",
            "tollgate-signed-urls",
            "tollgate-token",
        ],
        &["tollgate-policy"],
    ),
    row(
        "tollgate-lambda-edge",
        &["tollgate-crypto", "tollgate-gate"],
        &[],
    ),
    row("xtask", &[], &[]),
];

/// Packages that run at an edge: they must not reach, however indirectly, anything that belongs to build
/// time.
const EDGE: &[&str] = &[
    "tollgate-edge",
    "tollgate-plain",
    "tollgate-node",
    "tollgate-cloudflare",
    "tollgate-lambda",
    "tollgate-lambda-edge",
];
const BUILD_TIME: &[&str] = &[
    "tollgate-author",
    "tollgate-compiler",
    "tollgate-edges",
    "tollgate-exchange",
    "tollgate-fixtures",
    "tollgate-javascript",
    "tollgate-mint",
    "tollgate-policy",
    "tollgate-spec",
    "tollgate-testkit",
    "tollgate",
];

/// Crates that contain cryptography.
const CRYPTO: &[&str] = &[
    "aws-lc-rs",
    "crypto-bigint",
    "ecdsa",
    "ed25519-compact",
    "ed25519-dalek",
    "hmac",
    "jsonwebtoken",
    "jwt-compact",
    "openssl",
    "p256",
    "p384",
    "ring",
    "rsa",
    "secp256k1",
    "sha1",
    "sha2",
    "signature",
];
/// Packages that sign and verify, and the one that benchmarks the libraries. The compiler is not among them:
/// it uses a hash for content IDs.
const CRYPTO_OWNERS: &[&str] = &[
    "tollgate-crypto",
    "tollgate-es256",
    "tollgate-mint",
    "tollgate-peers",
    "tollgate-rs256",
];
/// Hashes, neither signed nor verified: content IDs, built parts and packages, prints of published keys, and the proof
/// keys of OAuth clients.
const CRYPTO_EXCEPTIONS: &[(&str, &str)] = &[
    ("tollgate-author", "sha2"),
    ("tollgate-compiler", "sha2"),
    ("tollgate-javascript", "sha2"),
    ("tollgate-policy", "sha2"),
    // Digests that AWS and Akamai compare, signatures for Akamai, and in tests the verification of those for AWS.
    ("tollgate-publish", "hmac"),
    ("tollgate-publish", "p256"),
    ("tollgate-publish", "sha2"),
    ("tollgate-local-issuer", "sha2"),
    ("tollgate", "sha2"),
    ("xtask", "sha2"),
];

/// Other crates that only a few packages may name, so that they can be replaced in one place. `tollgate-edge`
/// uses wasmtime only in an example.
const ONLY: &[(&str, &[&str])] = &[
    ("wasmtime", &["tollgate-edge", "tollgate-targets"]),
    ("casbin", &["tollgate-peers"]),
    ("cedar-policy", &["tollgate-peers"]),
    ("plotters", &["tollgate-peers"]),
    ("regorus", &["tollgate-peers"]),
    ("cel", &["tollgate-compiler"]),
];

pub(super) fn check(workspace: &Workspace) -> Vec<String> {
    let mut problems = table(workspace, TABLE);
    problems.extend(reach(workspace));
    problems.extend(foreign(workspace));
    problems.extend(lab(workspace));
    problems
}

/// The directory of the packages that are never published.
const LAB: &str = "lab/";

/// Published packages import nothing from the lab, not even in tests.
fn lab(workspace: &Workspace) -> Vec<String> {
    let is_lab = |package: &&Package| package.folder.starts_with(LAB);
    let of_lab: BTreeSet<&str> = workspace
        .0
        .iter()
        .filter(is_lab)
        .map(|package| package.name.as_str())
        .collect();
    let mut problems = Vec::new();
    for package in workspace.0.iter().filter(|package| !is_lab(package)) {
        for import in package.imports.union(&package.test_imports) {
            if of_lab.contains(import.as_str()) {
                problems.push(format!(
                    "{} imports {import}, which is in {LAB} and never published",
                    package.name
                ));
            }
        }
    }
    problems
}

fn table(workspace: &Workspace, rows: &[Row]) -> Vec<String> {
    let ours: BTreeSet<&str> = workspace
        .0
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut problems = Vec::new();
    for package in &workspace.0 {
        let name = &package.name;
        let Some(row) = rows.iter().find(|row| row.package == name) else {
            problems.push(format!("{name} is not in the import table"));
            continue;
        };
        for import in package
            .imports
            .iter()
            .filter(|import| ours.contains(import.as_str()))
        {
            if !row.imports.contains(&import.as_str()) {
                problems.push(format!(
                    "{name} imports {import}, which the import table does not allow"
                ));
            }
        }
        for import in row
            .imports
            .iter()
            .filter(|import| !package.imports.contains(**import))
        {
            problems.push(format!(
                "the import table lists {import} for {name}, which does not import it"
            ));
        }
        for import in package
            .test_imports
            .iter()
            .filter(|import| ours.contains(import.as_str()))
        {
            if !row.imports.contains(&import.as_str()) && !row.tests.contains(&import.as_str()) {
                problems.push(format!(
                    "tests of {name} import {import}, which the import table does not allow"
                ));
            }
        }
    }
    for row in rows.iter().filter(|row| !ours.contains(row.package)) {
        problems.push(format!(
            "the import table lists {}, which is not a package",
            row.package
        ));
    }
    problems
}

fn reach(workspace: &Workspace) -> Vec<String> {
    let imports: BTreeMap<&str, &BTreeSet<String>> = workspace
        .0
        .iter()
        .map(|package| (package.name.as_str(), &package.imports))
        .collect();
    let mut problems = Vec::new();
    for edge in EDGE {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut ahead = vec![*edge];
        while let Some(name) = ahead.pop() {
            let Some(next) = imports.get(name) else {
                continue;
            };
            ahead.extend(
                next.iter()
                    .map(String::as_str)
                    .filter(|import| reached.insert(import)),
            );
        }
        for import in BUILD_TIME
            .iter()
            .filter(|import| reached.contains(**import))
        {
            problems.push(format!("{edge} runs at an edge and reaches {import}"));
        }
    }
    problems
}

fn foreign(workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    for package in &workspace.0 {
        let name = package.name.as_str();
        for import in package.imports.union(&package.test_imports) {
            let is_allowed = CRYPTO_OWNERS.contains(&name)
                || CRYPTO_EXCEPTIONS.contains(&(name, import.as_str()));
            if CRYPTO.contains(&import.as_str()) && !is_allowed {
                let owners = CRYPTO_OWNERS.join(", ");
                problems.push(format!(
                    "{name} names {import}; only {owners} may name cryptography"
                ));
            }
            for (only, owners) in ONLY {
                if import == only && !owners.contains(&name) {
                    let owners = owners.join(", ");
                    problems.push(format!("{name} names {import}; only {owners} may"));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, imports: &[&str], test_imports: &[&str]) -> Package {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Package {
            name: name.to_owned(),
            folder: String::new(),
            rust_version: String::new(),
            imports: set(imports),
            test_imports: set(test_imports),
        }
    }

    #[test]
    fn the_table_is_compared_both_ways() {
        let rows = [row("a", &[], &["b"]), row("b", &["a"], &[])];
        let cases: [(Vec<Package>, &[&str]); 5] = [
            (
                vec![package("a", &["serde"], &["b"]), package("b", &["a"], &[])],
                &[],
            ),
            (
                vec![package("a", &["b"], &[]), package("b", &["a"], &[])],
                &["a imports b"],
            ),
            (
                vec![package("a", &[], &[]), package("b", &[], &[])],
                &["lists a for b"],
            ),
            (
                vec![
                    package("a", &[], &[]),
                    package("b", &["a"], &["c"]),
                    package("c", &[], &[]),
                ],
                &["tests of b import c", "c is not in"],
            ),
            (
                vec![package("a", &[], &[])],
                &["lists b, which is not a package"],
            ),
        ];
        for (packages, expected) in cases {
            let found = table(&Workspace(packages), &rows);
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (problem, part) in found.iter().zip(expected) {
                assert!(problem.contains(part), "{problem}");
            }
        }
    }

    #[test]
    fn an_edge_may_not_reach_the_compiler_however_far() {
        let far = [
            package("tollgate-node", &["x"], &[]),
            package("x", &["y"], &[]),
            package("y", &["tollgate-compiler"], &[]),
        ];
        assert_eq!(
            reach(&Workspace(far.into())),
            ["tollgate-node runs at an edge and reaches tollgate-compiler"]
        );
        let near = [
            package("tollgate-node", &["x"], &[]),
            package("x", &[], &["tollgate-compiler"]),
        ];
        assert!(reach(&Workspace(near.into())).is_empty());
    }

    #[test]
    fn nothing_published_imports_the_lab() {
        let in_lab = Package {
            folder: "lab/x".to_owned(),
            ..package("x", &["y"], &[])
        };
        let found = lab(&Workspace(vec![
            in_lab,
            package("y", &["x"], &[]),
            package("z", &[], &["x"]),
            package("w", &["y"], &[]),
        ]));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn cryptography_has_two_owners() {
        let bad = [
            package("tollgate-gate", &["rsa"], &[]),
            package("tollgate-crypto", &["rsa"], &["p256"]),
            package("x", &[], &["wasmtime"]),
            package("tollgate-edge", &[], &["wasmtime"]),
        ];
        let found = foreign(&Workspace(bad.into()));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
