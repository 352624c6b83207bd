//! The configurations of two policies, compared with committed files. `TOLLGATE_BLESS=1` writes them.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_gate::config::GateConfig;
use tollgate_proxies::{MARKER, Policy, Proxy, Site, generate};

/// A policy directory, compiled.
fn policy(folder: &str) -> (GateConfig, Option<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let compiled = compile(&SourceTree::read(&root), &CompileOptions::default());
    let spec = compiled
        .policy
        .unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    (GateConfig::decode(&spec.gate).unwrap(), spec.index.clone())
}

fn site(proxy: Proxy) -> Site {
    let (authz, upstream) = match proxy {
        Proxy::GatewayApi => ("tollgate-authz.tollgate:8081", "http://web.site:8080"),
        _ => ("127.0.0.1:9000", "http://127.0.0.1:8081"),
    };
    Site {
        listen: "127.0.0.1:8080".parse().unwrap(),
        authz: authz.parse().unwrap(),
        upstream: upstream.parse().unwrap(),
    }
}

#[test]
fn configurations_are_as_committed() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bless = std::env::var_os("TOLLGATE_BLESS").is_some();
    for (name, folder) in [("sample", "../../policy"), ("sign-in", "tests/sign-in")] {
        let (gate, index) = policy(folder);
        let policy = Policy {
            gate: &gate,
            index: index.as_deref(),
        };
        for proxy in Proxy::ALL {
            let files = match generate(proxy, &policy, &site(proxy)) {
                Ok(files) => files,
                Err(error) => {
                    let file = root.join(name).join(proxy.name()).join("error.txt");
                    compare(&file, &format!("{error}\n"), bless);
                    continue;
                }
            };
            for file in files {
                let first = file.text.lines().next().unwrap_or_default();
                assert!(first.contains(MARKER), "{}: {first}", file.name);
                compare(
                    &root.join(name).join(proxy.name()).join(file.name),
                    &file.text,
                    bless,
                );
            }
        }
    }
}

fn compare(file: &Path, text: &str, bless: bool) {
    if bless {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert!(
        expected == text,
        "{} differs: review it, and write it with TOLLGATE_BLESS=1",
        file.display()
    );
}
