//! Every example runs and prints the text in the file next to it.
//!
//! `TOLLGATE_BLESS=1 cargo test -p tollgate-edge` writes the policy image; a second run writes the texts,
//! because the examples contain the image. Not here: examples that need parts which `cargo test` does not
//! build.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use tollgate_compiler::{CompileOptions, SourceTree, compile};
use tollgate_mint::JwkSet;

#[allow(dead_code, reason = "used by the examples")]
#[path = "../examples/shared/sample.rs"]
mod sample;

/// Examples that run elsewhere, with the location.
const ELSEWHERE: [(&str, &str); 1] = [(
    "wasm_host",
    "`cargo xtask test`, once the WASM modules are built",
)];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// The names of the files with this extension in the directory of the examples.
fn names(extension: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(examples()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// The program of an example: `cargo test` builds it next to the test directory.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    built
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// Whether files are written instead of compared.
fn is_blessing() -> bool {
    std::env::var_os("TOLLGATE_BLESS").is_some()
}

#[test]
fn the_policy_image_and_its_key_set_are_current() {
    let policy = examples().join("policy");
    let keys = vec![sample::key("school-1").unwrap().to_public_jwk().unwrap()];
    let key_set = JwkSet { keys }.to_text();
    let key_file = policy.join("keys/school.jwks.json");
    if is_blessing() {
        std::fs::write(&key_file, &key_set).unwrap();
    }
    assert_eq!(std::fs::read_to_string(key_file).unwrap(), key_set);

    let sources = SourceTree::read(&policy);
    let compiled = compile(&sources, &CompileOptions::default());
    assert_eq!(compiled.diagnostics, []);
    let image = compiled.image.unwrap();
    if is_blessing() {
        std::fs::write(examples().join("policy.tgi"), &image).unwrap();
    }
    assert!(
        image == sample::IMAGE,
        "examples/policy.tgi is stale: run with TOLLGATE_BLESS=1"
    );
}

#[test]
fn every_example_prints_its_text() {
    for name in names("rs") {
        if ELSEWHERE.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let program = program(&name);
        let output = Command::new(&program).output().unwrap_or_else(|error| {
            panic!(
                "cannot run {}: {error}; `cargo test -p tollgate-edge`, without a choice of targets, builds it",
                program.display()
            )
        });
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} failed: {errors}");
        let printed = String::from_utf8(output.stdout).unwrap();
        let text = examples().join(&name).with_extension("txt");
        if is_blessing() {
            std::fs::write(&text, &printed).unwrap();
        }
        let expected = std::fs::read_to_string(&text).unwrap_or_default();
        assert_eq!(printed, expected, "unexpected output of {name}");
    }
}

#[test]
fn every_text_has_its_example() {
    assert_eq!(names("rs"), names("txt"));
}
