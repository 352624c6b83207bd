//! The documentation: every code block of every page of the site is run, compiled or parsed, or states why not; the
//! recipes are policies without warnings whose tests catch every mutant.
//!
//! An annotation is a comment on the line above the block; `CONTRIBUTING.md` lists them. Not here: links, which
//! `cargo xtask docs` checks.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that panics has failed, also in its helpers"
)]
#![cfg(unix)]

mod blocks;
mod commands;
mod policies;
mod session;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::blocks::{Block, Note};
use self::session::Session;

/// Languages whose blocks no test can run here. They need a reason like every other block that is not run.
const SHOWN: [&str; 6] = ["yaml", "nginx", "html", "http", "hcl", "ts"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages of the site, and the README.
fn pages() -> Vec<PathBuf> {
    let docs = repository().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let links = summary.split("](").skip(1);
    let links = links.map(|rest| rest.split(')').next().unwrap());
    let mut pages: Vec<PathBuf> = links
        .filter(|link| !link.is_empty())
        .map(|link| docs.join(link))
        .collect();
    pages.push(repository().join("README.md"));
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

/// The blocks of every page.
fn all() -> Vec<(PathBuf, Vec<Block>)> {
    let read = |page: PathBuf| {
        let blocks = blocks::of(&page);
        (page, blocks)
    };
    pages().into_iter().map(read).collect()
}

#[test]
fn every_block_is_tested_or_says_why_not() {
    let mut problems = Vec::new();
    for (_, blocks) in all() {
        for block in &blocks {
            if let Err(problem) = declared(block) {
                problems.push(format!("{}: {problem}", block.place));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Whether the annotation of a block is one that a test understands.
fn declared(block: &Block) -> Result<(), String> {
    match (block.language.as_str(), &block.note) {
        (_, Note::Unknown(text)) => Err(format!("unknown annotation `{text}`")),
        ("", _) => Err("the block names no language; write `text` if it is not code".to_owned()),
        (_, Note::NotRun(reason)) if reason.len() < 10 => {
            Err(format!("`not run: {reason}` is not a reason"))
        }
        ("text", Note::None) => match block.text.lines().find(|line| is_command(line)) {
            Some(line) => Err(format!("`{line}` is a command: make the block `sh`")),
            None => Ok(()),
        },
        ("text" | "json", Note::Output) => Ok(()),
        ("sh", Note::Run { .. } | Note::Serve) => Ok(()),
        ("toml" | "json" | "js", Note::None | Note::File(_)) => Ok(()),
        ("rust", Note::None) if block.included.is_some() => Ok(()),
        ("rust", Note::None) => Err("a Rust block includes a file of `examples`".to_owned()),
        (language, Note::NotRun(_)) if is_known(language) => Ok(()),
        (language, _) if is_known(language) => Err(format!(
            "a block in `{language}` needs an annotation, such as `<!-- run -->` or `<!-- not run: REASON -->`"
        )),
        (language, _) => Err(format!("no test knows the language `{language}`")),
    }
}

fn is_known(language: &str) -> bool {
    SHOWN.contains(&language) || ["sh", "toml", "json", "js", "rust", "text"].contains(&language)
}

fn is_command(line: &str) -> bool {
    let commands = ["$ ", "tollgate ", "cargo ", "aws ", "npx ", "npm ", "pip "];
    commands
        .iter()
        .any(|start| line.trim_start().starts_with(start))
}

#[test]
fn commands_do_what_the_pages_say() {
    let mut ran = 0;
    let mut problems = Vec::new();
    for (page, blocks) in all() {
        let mut session = None;
        let mut blocks = blocks.iter().peekable();
        while let Some(block) = blocks.next() {
            let session = match &block.note {
                Note::None | Note::Unknown(_) | Note::NotRun(_) | Note::Output => continue,
                Note::Run { .. } | Note::Serve | Note::File(_) => {
                    session.get_or_insert_with(|| Session::new(&page))
                }
            };
            ran += 1;
            match &block.note {
                Note::File(name) => session.write(name, block),
                Note::Serve => session.serve(block),
                Note::Run { exit, until } => {
                    let output = blocks.next_if(|next| next.note == Note::Output);
                    if let Err(problem) = session.run(block, *exit, *until, output) {
                        problems.push(problem);
                        break;
                    }
                }
                Note::None | Note::Unknown(_) | Note::NotRun(_) | Note::Output => {}
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n\n"));
    assert!(ran > 20, "{ran} blocks");
}

#[test]
fn policies_on_the_pages_compile() {
    let mut problems = Vec::new();
    let mut compiled = 0;
    for (_, blocks) in all() {
        for block in blocks.iter().filter(|block| block.language == "toml") {
            // A file that a page writes is part of a policy that the page checks, and so is one of a recipe.
            let is_of_recipe = |file: &PathBuf| file.to_string_lossy().contains("/recipes/");
            if block.note == Note::None && !block.included.as_ref().is_some_and(is_of_recipe) {
                compiled += 1;
                let findings = policies::findings(&block.text);
                problems.extend(
                    findings
                        .into_iter()
                        .map(|one| format!("{}: {one}", block.place)),
                );
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    assert!(compiled > 20, "{compiled} blocks");
}

#[test]
fn json_on_the_pages_parses() {
    let mut count = 0;
    for (_, blocks) in all() {
        for block in blocks.iter().filter(|block| block.language == "json") {
            if matches!(block.note, Note::None | Note::File(_)) {
                let parsed = serde_json::from_str::<serde_json::Value>(&block.text);
                assert!(parsed.is_ok(), "{}: {parsed:?}", block.place);
                count += 1;
            }
        }
    }
    assert!(count > 0);
}

#[test]
fn javascript_on_the_pages_parses() {
    let mut sources = BTreeMap::new();
    for (_, blocks) in all() {
        for block in blocks.into_iter().filter(|block| block.language == "js") {
            if matches!(block.note, Note::None | Note::File(_)) {
                sources.insert(block.place, block.text);
            }
        }
    }
    assert!(!sources.is_empty());
    // One process for all: `node --check` accepts one file.
    let program = "const { SourceTextModule } = require('node:vm'); let bad = 0; \
        for (const [place, text] of Object.entries(JSON.parse(require('node:fs').readFileSync(0, 'utf8')))) \
        try { new SourceTextModule(text) } catch (error) { bad = 1; console.log(`${place}: ${error}`) } \
        process.exitCode = bad";
    let mut node = Command::new("node")
        .args(["--no-warnings", "--experimental-vm-modules", "-e", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node 20 or later is required");
    let text = serde_json::to_vec(&sources).unwrap();
    node.stdin.take().unwrap().write_all(&text).unwrap();
    let done = node.wait_with_output().unwrap();
    let output = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "\n{output}");
}

/// The codes in `code()` of an error, from its source.
fn codes(source: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(source)).unwrap();
    let (_, function) = text.split_once("pub const fn code(self)").unwrap();
    let (function, _) = function.split_once("\n    }\n").unwrap();
    let arms = function.lines().filter_map(|line| line.split_once("=> \""));
    arms.map(|(_, code)| code.split('"').next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_detail_of_a_record_is_explained() {
    let page = fs::read_to_string(repository().join("docs/logs.md")).unwrap();
    let rows: Vec<&str> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for source in ["crates/token/src/error.rs", "crates/core/src/path/error.rs"] {
        let codes = codes(source);
        assert!(codes.len() > 10, "{source}: {codes:?}");
        for code in codes {
            let names = |row: &&&str| {
                row.split('|')
                    .nth(1)
                    .unwrap()
                    .contains(&format!("`{code}`"))
            };
            let count = rows.iter().filter(names).count();
            assert_eq!(count, 1, "`{code}` in docs/logs.md");
        }
    }
}

#[test]
fn recipes_are_tested_policies() {
    let recipes = repository().join("docs/recipes");
    let mut count = 0;
    for entry in fs::read_dir(recipes).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        count += 1;
        // The only warning is that the keys are published.
        let mut check = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        check.arg("check").arg(&folder);
        check.args(["--json", "--now=2027-01-15T12:00:00Z"]);
        let found: serde_json::Value =
            serde_json::from_slice(&check.output().unwrap().stdout).unwrap();
        let warnings = found["diagnostics"].as_array().unwrap();
        let is_about_keys = |warning: &serde_json::Value| warning["code"] == "TG0740";
        assert!(
            found["error"].is_null() && warnings.iter().all(is_about_keys),
            "{} {found:#}",
            folder.display()
        );
        assert_eq!(
            !warnings.is_empty(),
            folder.join("keys").is_dir(),
            "{found:#}"
        );
        for arguments in [["fmt", "--check"].as_slice(), &["test", "--mutate"]] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
            command.arg(arguments[0]).arg(&folder).args(&arguments[1..]);
            let done = command.output().unwrap();
            let output = [done.stdout, done.stderr].concat();
            let output = String::from_utf8_lossy(&output).into_owned();
            let shown = format!("{arguments:?} {}\n{output}", folder.display());
            assert!(done.status.success(), "{shown}");
            if arguments[0] == "test" {
                assert!(output.contains("mutants: tests catch"), "{shown}");
                assert!(folder.join("README.md").is_file(), "{shown}");
            }
        }
    }
    assert!(count >= 12, "{count} recipes");
}
