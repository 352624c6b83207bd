//! Seeds derived from the fixtures, so that they are stored only once: images, paths, tokens, key sets,
//! policy text.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repo;

/// The maximum length of a seed in bytes; longer ones slow a target down more than they help.
const LONGEST: usize = 16_384;

/// Writes the seeds of a target into `folder`, replacing its contents.
pub(super) fn write(target: &str, folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", repo::shown(folder)))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", repo::shown(folder)))?;
    for (number, seed) in of(target)?.into_iter().enumerate() {
        if seed.len() <= LONGEST {
            fs::write(folder.join(format!("{number:04}")), seed)?;
        }
    }
    Ok(folder.to_owned())
}

fn of(target: &str) -> Result<Vec<Vec<u8>>> {
    match target {
        "image" => files(&repo::fixtures().join("images"), "tgi"),
        "path" => paths(),
        "jws" => tokens(),
        "jwks" => key_sets(),
        "policy" => policies(),
        _ => Ok(Vec::new()),
    }
}

/// The raw request targets of the attack corpus, one character per byte.
fn paths() -> Result<Vec<Vec<u8>>> {
    let text = fs::read_to_string(repo::fixtures().join("attack-corpus/request_paths.jsonl"))?;
    let mut raws = Vec::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line)?;
        if let Some(raw) = case.get("raw").and_then(Value::as_str) {
            raws.push(raw.chars().filter_map(|c| u8::try_from(c).ok()).collect());
        }
    }
    Ok(raws)
}

fn corpus() -> Result<Value> {
    let text = fs::read_to_string(repo::fixtures().join("attack-corpus/attack_tokens.json"))?;
    Ok(serde_json::from_str(&text)?)
}

fn tokens() -> Result<Vec<Vec<u8>>> {
    let corpus = corpus()?;
    let tokens = corpus
        .get("tokens")
        .and_then(Value::as_array)
        .context("no tokens in the corpus")?;
    let text = |case: &Value| {
        case.get("token")
            .and_then(Value::as_str)
            .map(|token| token.as_bytes().to_vec())
    };
    Ok(tokens.iter().filter_map(text).collect())
}

/// The key sets of the corpus, valid and invalid, each key on its own, and those of the sample policy.
fn key_sets() -> Result<Vec<Vec<u8>>> {
    let corpus = corpus()?;
    let mut sets = files(&repo::policy().join("keys"), "json")?;
    let mut add = |value: &Value| sets.push(value.to_string().into_bytes());
    let good = corpus.get("jwks").context("no key set in the corpus")?;
    add(good);
    good.get("keys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .for_each(&mut add);
    match corpus.get("jwks_variants") {
        Some(Value::Object(variants)) => variants.values().for_each(&mut add),
        Some(Value::Array(variants)) => variants.iter().for_each(&mut add),
        _ => {}
    }
    Ok(sets)
}

/// The sample policy, the policies of the cases, and the texts of the compiler's own tests.
fn policies() -> Result<Vec<Vec<u8>>> {
    let mut texts = files(&repo::policy(), "toml")?;
    texts.extend(files(&repo::fixtures().join("policies"), "toml")?);
    for text in files(&repo::root().join("crates/compiler/tests/lang"), "txt")? {
        let text = String::from_utf8_lossy(&text).into_owned();
        let body = |part: &str| {
            part.split_once('\n')
                .map_or(part, |(_, body)| body)
                .as_bytes()
                .to_vec()
        };
        texts.extend(text.split("-- ").map(body));
    }
    Ok(texts)
}

/// Returns all files below a directory with this extension.
fn files(folder: &Path, end: &str) -> Result<Vec<Vec<u8>>> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for path in repo::entries(&folder)? {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|own| own == end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found.iter().map(|path| Ok(fs::read(path)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixtures_give_seeds() {
        for (target, least) in [
            ("image", 2),
            ("path", 80),
            ("jws", 180),
            ("jwks", 10),
            ("policy", 50),
        ] {
            let found = of(target).unwrap().len();
            assert!(found >= least, "{target}: {found}");
        }
        assert!(of("cookies").unwrap().is_empty());
    }
}
