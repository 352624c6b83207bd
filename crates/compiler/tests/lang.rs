//! The language as cases: policies with errors and their diagnostics, and policies without.
//!
//! A case is one text with several files in it, each after a line `-- name --`. Where no `site.toml`
//! is in it, a small valid one is added. `TOLLGATE_BLESS=1` rewrites the expected texts.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use tollgate_compiler::diagnostic::codes::{self, codes};
use tollgate_compiler::diagnostic::render::{Style, json, text};
use tollgate_compiler::diagnostic::{Applicability, Edit, edited};
use tollgate_compiler::{CompileOptions, Compiled, Diagnostic, SourceTree, compile, preview};

const GOOD_SITE: &str = include_str!("lang/site.toml");
const GOOD_JWKS: &str = include_str!("lang/learners.jwks.json");

/// Codes of diagnostics whose edit needs no review: `tollgate check --fix` applies it. The other codes have help in words,
/// or an edit that changes who can access what, or a guess.
const FIXED: &[&str] = &[
    "TG0101", "TG0102", "TG0104", "TG0105", "TG0205", "TG0206", "TG0208", "TG0209", "TG0215",
    "TG0704", "TG0705",
];

/// Codes that no text of a policy can cause, and where they are tested instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("TG0111", "needs a file that cannot be read: tests/read.rs"),
    ("TG0112", "needs bytes that are not text: tests/read.rs"),
    ("TG0113", "needs a folder: tests/read.rs"),
    ("TG0115", "needs a foreign file: tests/read.rs"),
    ("TG0116", "needs a folder: tests/read.rs"),
    ("TG0117", "needs a test file: tests/read.rs"),
    ("TG0501", "needs a large file: tests/read.rs"),
    ("TG0502", "needs 200,001 rules: src/compile/tests.rs"),
    (
        "TG0507",
        "needs an image of more than 64 MiB: not worth the time of a test",
    ),
    ("TG0701", "needs a foreign file: tests/read.rs"),
    ("TG0709", "raised over a whole policy: crates/author"),
    ("TG0710", "raised over a whole policy: crates/author"),
    ("TG0711", "raised over a whole policy: crates/author"),
    ("TG0712", "raised over a whole policy: crates/author"),
    ("TG0713", "raised over a whole policy: crates/author"),
    ("TG0714", "raised over a whole policy: crates/author"),
    ("TG0715", "raised over a whole policy: crates/author"),
    ("TG0716", "raised over a whole policy: crates/author"),
    ("TG0717", "raised over a whole policy: crates/author"),
    ("TG0718", "raised over a whole policy: crates/author"),
    ("TG0720", "raised over a whole policy: crates/author"),
    ("TG0721", "raised over tests: crates/author"),
    ("TG0722", "raised over tests: crates/author"),
    ("TG0723", "raised over tests: crates/author"),
    ("TG0724", "raised over a whole policy: crates/author"),
    ("TG0725", "raised over a whole policy: crates/author"),
    ("TG0726", "raised over a whole policy: crates/author"),
    ("TG0727", "raised over a whole policy: crates/author"),
    ("TG0728", "raised over a whole policy: crates/author"),
    ("TG0729", "raised over a whole policy: crates/author"),
    ("TG0735", "raised over a whole policy: crates/author"),
    ("TG0736", "raised over a whole policy: crates/author"),
    ("TG0737", "raised over a whole policy: crates/author"),
    ("TG0738", "raised over a whole policy: crates/author"),
    ("TG0739", "raised over a whole policy: crates/author"),
    ("TG0740", "raised over a whole policy: crates/author"),
    ("TG0741", "raised over a whole policy: crates/author"),
    ("TG0742", "raised over a whole policy: crates/author"),
    ("TG0743", "raised over a whole policy: crates/author"),
    ("TG0730", "raised over a whole policy: crates/author"),
    ("TG0731", "raised over a whole policy: crates/author"),
    ("TG0732", "raised over a whole policy: crates/author"),
    ("TG0733", "raised over a whole policy: crates/author"),
    ("TG0801", "raised for an edge: src/edge/tests.rs"),
    ("TG0802", "raised for an edge: src/edge/tests.rs"),
    ("TG0803", "raised for an edge: src/edge/tests.rs"),
    ("TG0804", "raised for an edge: src/edge/tests.rs"),
    ("TG0805", "raised for a proxy: crates/edges"),
    ("TG0806", "raised for a proxy: crates/edges"),
    ("TG0807", "raised for a proxy: crates/edges"),
    ("TG0808", "raised for a proxy: crates/edges"),
    ("TG0901", "needs a defect of the compiler"),
];

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/lang")
        .join(kind);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

fn load(path: &Path) -> SourceTree {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let mut name = None;
    for line in fs::read_to_string(path).unwrap().split_inclusive('\n') {
        let header = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"));
        match (header, &name) {
            (Some(header), _) => {
                name = Some(header.to_owned());
                files.entry(header.to_owned()).or_default();
            }
            (None, Some(name)) => files.get_mut(name).unwrap().push_str(line),
            // The text before the first file is a comment.
            (None, None) => {}
        }
    }
    let mut tree = SourceTree::new();
    if files.remove("no site.toml").is_none() {
        tree.insert("site.toml", GOOD_SITE);
        tree.insert("keys/learners.jwks.json", GOOD_JWKS);
    }
    for (name, text) in files {
        tree.insert(name, text);
    }
    tree
}

fn run(path: &Path, tree: &SourceTree) -> Compiled {
    let name = path.to_string_lossy();
    let lenient_jwks = name.contains("lenient");
    let options = CompileOptions { lenient_jwks };
    if !name.contains("stand-in") {
        return compile(tree, &options);
    }
    let preview = preview(tree, &options);
    let mut compiled = preview.compiled().clone();
    compiled.image = preview.image().map(<[u8]>::to_vec);
    compiled
}

fn rendered(compiled: &Compiled, tree: &SourceTree) -> String {
    let list: Vec<_> = compiled
        .diagnostics
        .iter()
        .map(|diagnostic| text(diagnostic, tree, Style::Plain))
        .collect();
    list.join("\n\n") + "\n"
}

#[test]
fn mistakes_are_explained() {
    let (mut wrong, mut helpless) = (Vec::new(), Vec::new());
    for path in cases("err") {
        let tree = load(&path);
        let compiled = run(&path, &tree);
        let found = rendered(&compiled, &tree);
        assert!(
            !compiled.diagnostics.is_empty(),
            "{}: nothing found",
            path.display()
        );
        let expected_path = path.with_extension("expect");
        if env::var_os("TOLLGATE_BLESS").is_some() {
            fs::write(&expected_path, &found).unwrap();
        } else if fs::read_to_string(&expected_path).ok().as_deref() != Some(found.as_str()) {
            wrong.push(format!("{}\n{found}", path.display()));
        }
        // The name of a case starts with the code it is about.
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(code) = name.strip_prefix("TG").and_then(|rest| rest.get(..4)) {
            let code = format!("TG{code}");
            let about = compiled
                .diagnostics
                .iter()
                .any(|diagnostic| diagnostic.code.id == code);
            assert!(about, "{name} is not about {code}:\n{found}");
        }
        // A policy with an error has no image; one with warnings only has.
        assert_eq!(compiled.image.is_some(), !compiled.has_errors(), "{name}");
        assert_eq!(compiled.policy.is_some(), !compiled.has_errors(), "{name}");
        // Blank findings and Rust's own words help nobody.
        for diagnostic in &compiled.diagnostics {
            let message = &diagnostic.message;
            assert!(
                !message.is_empty() && !message.ends_with('.'),
                "{name}: {message}"
            );
            assert!(!message.contains("Some("), "{name}: {message}");
            let is_cure = |help: &String| !help.contains("--explain");
            if !diagnostic.help.iter().any(is_cure) {
                helpless.push(format!("{name}: {} {message}", diagnostic.code.id));
            }
            let value = json(diagnostic, &tree);
            assert_eq!(value["code"], diagnostic.code.id);
            if let (Some(span), Some(text)) = (diagnostic.span, tree.text(&diagnostic.file)) {
                assert!(
                    text.get(span.start..span.end).is_some(),
                    "{name}: {message}: {span:?}"
                );
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nTOLLGATE_BLESS=1 accepts these",
        wrong.join("\n")
    );
    // Every diagnostic has help of its own; the explanation of its code is not enough.
    assert!(helpless.is_empty(), "no help:\n{}", helpless.join("\n"));
}

/// Every edit removes its diagnostic, and what needs no review causes no other error at its place.
#[test]
fn edits_remove_their_diagnostics() {
    let (mut fixed, mut wrong) = (BTreeSet::new(), Vec::new());
    for path in cases("err") {
        let tree = load(&path);
        let before = run(&path, &tree).diagnostics;
        for diagnostic in &before {
            let text = tree.text(&diagnostic.file).unwrap_or_default();
            for fix in &diagnostic.fixes {
                let edits: Vec<&Edit> = fix.edits.iter().collect();
                let new = edited(text, &edits).expect("an edit fits its text");
                let mut tree = tree.clone();
                tree.insert(diagnostic.file.clone(), new);
                let after = run(&path, &tree).diagnostics;
                let is_it = |one: &&Diagnostic| {
                    (one.code, &one.file, &one.message)
                        == (diagnostic.code, &diagnostic.file, &diagnostic.message)
                };
                let breaks = |all: &[Diagnostic]| {
                    all.iter()
                        .any(|one| one.code.id == "TG0101" && one.file == diagnostic.file)
                };
                if fix.applicability == Applicability::Safe && !breaks(&before) && breaks(&after) {
                    wrong.push(format!("{}: breaks the file: {fix:?}", path.display()));
                }
                // An error may have hidden others with the same message, which are elsewhere.
                let at = diagnostic.span.map(|span| span.start);
                let is_there = |one: &Diagnostic| one.span.map(|span| span.start) == at;
                if after.iter().filter(is_it).any(is_there) {
                    wrong.push(format!(
                        "{}: {}: {fix:?}",
                        path.display(),
                        diagnostic.message
                    ));
                }
                if fix.applicability == Applicability::Safe {
                    fixed.insert(diagnostic.code.id);
                }
                assert!(diagnostic.help.contains(&fix.title), "{fix:?}");
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these are still there:\n{}",
        wrong.join("\n")
    );
    assert_eq!(fixed.into_iter().collect::<Vec<_>>(), FIXED);
}

#[test]
fn every_code_has_a_case() {
    let mut covered: BTreeSet<String> = ELSEWHERE
        .iter()
        .map(|(code, _)| (*code).to_owned())
        .collect();
    for path in cases("err") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        covered.extend(name.split('-').next().map(str::to_owned));
    }
    // TG06xx are about test files, which the command reads; its tests cover them.
    let missing: Vec<_> = codes()
        .map(|code| code.id)
        .filter(|id| !covered.contains(*id) && !id.starts_with("TG06"))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn codes_are_sound() {
    let ids: Vec<_> = codes().map(|code| code.id).collect();
    assert!(
        ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]),
        "{ids:?}"
    );
    let reference = codes::reference();
    for code in codes() {
        assert!(reference.contains(code.explanation), "{}", code.id);
        assert!(
            code.explanation.ends_with('.') && !code.title.ends_with('.'),
            "{}",
            code.id
        );
    }
}

#[test]
fn good_policies_compile_without_a_word() {
    for path in cases("ok") {
        let tree = load(&path);
        let compiled = run(&path, &tree);
        let found = rendered(&compiled, &tree);
        assert!(
            compiled.diagnostics.is_empty(),
            "{}\n{found}",
            path.display()
        );
        let policy = compiled.policy.unwrap();
        assert_eq!(compiled.origins.len(), policy.rules.len());
        let dump: String = policy
            .rules
            .iter()
            .map(|rule| format!("{rule:?}\n"))
            .collect();
        let expected_path = path.with_extension("expect");
        if env::var_os("TOLLGATE_BLESS").is_some() {
            fs::write(&expected_path, &dump).unwrap();
        } else {
            let expected = fs::read_to_string(&expected_path).unwrap_or_default();
            assert_eq!(
                dump,
                expected,
                "{}: TOLLGATE_BLESS=1 accepts it",
                path.display()
            );
        }
        // The same texts give the same bytes.
        assert_eq!(
            compile(&tree, &CompileOptions::default()).image,
            compiled.image
        );
    }
}

#[test]
fn ten_mistakes_are_ten_findings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lang/err/ten-mistakes.txt");
    let tree = load(&path);
    let compiled = run(&path, &tree);
    let codes: BTreeSet<_> = compiled
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code.id)
        .collect();
    assert_eq!(
        compiled.diagnostics.len(),
        10,
        "{}",
        rendered(&compiled, &tree)
    );
    assert_eq!(codes.len(), 10, "{}", rendered(&compiled, &tree));
}
