//! `THIRD-PARTY.txt`: name, version and licence of every crate that is compiled into the command or into the parts of an
//! edge, and the licence texts of their authors, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::program::Built;
use crate::build::WASM_TARGET;
use crate::ui::Step;
use crate::{repo, shell};

/// Shipped packages other than the command, and what it is compiled for.
const PARTS: [(&str, &str); 4] = [
    ("tollgate-node", WASM_TARGET),
    ("tollgate-cloudflare", WASM_TARGET),
    ("tollgate-lambda-edge", "x86_64-unknown-linux-gnu"),
    ("tollgate-lambda", "x86_64-unknown-linux-gnu"),
];
/// How files with licences begin.
const NAMES: [&str; 6] = [
    "licen",
    "copying",
    "notice",
    "unlicense",
    "copyright",
    "authors",
];

const START: &str = "\
Third-party software in Tollgate
================================

The executable and the parts of the edges contain the Rust standard library (MIT OR Apache-2.0) and these crates. The
licence texts of their authors follow; a number refers to the text with that number. A crate without a number has only the
licence that its manifest names.
";

/// One third-party crate.
struct Crate {
    licence: String,
    texts: BTreeSet<usize>,
}

/// The text.
pub(super) fn text(built: &[Built], step: &Step) -> Result<String> {
    let mut names = BTreeSet::new();
    let own = built.iter().map(|one| ("tollgate", one.platform.triple));
    for (package, target) in own.chain(PARTS) {
        names.extend(tree(package, target, step)?);
    }
    let places = places()?;
    let mut texts: Vec<String> = Vec::new();
    let mut crates: BTreeMap<&str, Crate> = BTreeMap::new();
    for name in &names {
        let (licence, folder) = places
            .get(name)
            .with_context(|| format!("cargo metadata has no {name}"))?;
        let mut numbers = BTreeSet::new();
        for text in texts_in(Path::new(folder))? {
            let known = texts.iter().position(|known| *known == text);
            numbers.insert(known.unwrap_or_else(|| {
                texts.push(text);
                texts.len() - 1
            }));
        }
        crates.insert(
            name,
            Crate {
                licence: licence.clone(),
                texts: numbers,
            },
        );
    }
    ensure!(!crates.is_empty(), "cargo tree lists no crates");
    let mut page = format!("{START}\n");
    for (name, Crate { licence, texts }) in &crates {
        let numbers: Vec<_> = texts
            .iter()
            .map(|number| format!("[{}]", number + 1))
            .collect();
        page.push_str(&format!("{name}: {licence} {}\n", numbers.join(" ")).replace(" \n", "\n"));
    }
    for (number, text) in texts.iter().enumerate() {
        page.push_str(&format!(
            "\n{}\n[{}]\n\n{}\n",
            "-".repeat(80),
            number + 1,
            text.trim_end()
        ));
    }
    Ok(page)
}

/// The third-party crates of a package, as `name version`.
fn tree(package: &str, target: &str, step: &Step) -> Result<Vec<String>> {
    let mut tree = shell::cargo([
        "tree", "--quiet", "--locked", "--edges", "normal", "--prefix", "none",
    ]);
    tree.args(["--format", "{p}", "--package", package, "--target", target]);
    let listed = shell::must(&mut tree, |line| step.line(line))?;
    // Ours are followed by their directory.
    let third = listed
        .lines()
        .filter(|line| !line.contains(" (/") && !line.contains(":\\"));
    Ok(third
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(format!(
                "{} {}",
                words.next()?,
                words.next()?.strip_prefix('v')?
            ))
        })
        .collect())
}

/// Licence and directory of every crate in the lock file.
fn places() -> Result<BTreeMap<String, (String, String)>> {
    let packages = shell::packages(&["--locked"])?;
    let place = |package: &Value| {
        let text = |name| package.get(name).and_then(Value::as_str);
        let folder = Path::new(text("manifest_path")?)
            .parent()?
            .to_str()?
            .to_owned();
        let licence = text("license")
            .or_else(|| text("license_file"))
            .unwrap_or("see its text");
        Some((
            format!("{} {}", text("name")?, text("version")?),
            (licence.to_owned(), folder),
        ))
    };
    Ok(packages.iter().filter_map(place).collect())
}

/// The licence texts in a crate's directory.
fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for path in repo::entries(folder)? {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        if path.is_file()
            && NAMES.iter().any(|start| name.starts_with(start))
            && !name.ends_with(".rs")
        {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            texts.push(
                String::from_utf8_lossy(&bytes)
                    .replace("\r\n", "\n")
                    .trim()
                    .to_owned(),
            );
        }
    }
    Ok(texts)
}
