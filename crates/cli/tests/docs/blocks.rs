//! The code blocks of a page, with their annotations.

use std::fs;
use std::path::{Path, PathBuf};

/// The comment above a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// No comment: the language decides.
    None,
    /// `<!-- run -->`: commands in a shell, in the directory of the page. All must succeed, or the last one has this
    /// exit code. `until`: again and again, until the output is the one on the page.
    Run { exit: i32, until: bool },
    /// `<!-- serve -->`: a command that runs until the end of the page.
    Serve,
    /// `<!-- output -->`: what the block above prints.
    Output,
    /// `<!-- file: NAME -->`: a file that the reader writes.
    File(String),
    /// `<!-- not run: REASON -->`
    NotRun(String),
    /// Another comment that looks like one of these.
    Unknown(String),
}

/// A block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The page and the line, for messages.
    pub(crate) place: String,
    pub(crate) language: String,
    pub(crate) note: Note,
    /// The content, with included files in it.
    pub(crate) text: String,
    /// The included file, if the block is nothing else.
    pub(crate) included: Option<PathBuf>,
}

/// The blocks of a page.
pub(crate) fn of(page: &Path) -> Vec<Block> {
    let text =
        fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let mut blocks = Vec::new();
    let mut above = "";
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let start = line.trim_start();
        let indent = line.len() - start.len();
        let Some(language) = start.strip_prefix("```") else {
            if !start.is_empty() {
                above = start;
            }
            continue;
        };
        let mut content = String::new();
        let mut is_closed = false;
        for (_, line) in lines.by_ref() {
            if line.trim() == "```" {
                is_closed = true;
                break;
            }
            content.push_str(line.get(indent..).unwrap_or_default());
            content.push('\n');
        }
        let place = format!("{}:{}", short(page), number + 1);
        assert!(is_closed, "{place}: the block does not end");
        let (text, included) = with_includes(page, &content, &place);
        blocks.push(Block {
            language: language.trim().to_owned(),
            note: note(above),
            text,
            included,
            place,
        });
        above = "";
    }
    blocks
}

/// The page relative to the repository.
fn short(page: &Path) -> String {
    let page = page.display().to_string();
    page.split_once("/../../")
        .map_or(page.clone(), |(_, rest)| rest.to_owned())
}

fn note(above: &str) -> Note {
    let comment = above
        .strip_prefix("<!-- ")
        .and_then(|rest| rest.strip_suffix(" -->"));
    let Some(comment) = comment else {
        return Note::None;
    };
    match comment {
        "run" => Note::Run {
            exit: 0,
            until: false,
        },
        "run until" => Note::Run {
            exit: 0,
            until: true,
        },
        "serve" => Note::Serve,
        "output" => Note::Output,
        other => match other.split_once(": ") {
            Some(("not run", reason)) => Note::NotRun(reason.to_owned()),
            Some(("file", name)) => Note::File(name.to_owned()),
            _ => match other.strip_prefix("run, exit ").map(str::parse) {
                Some(Ok(exit)) => Note::Run { exit, until: false },
                _ => Note::Unknown(other.to_owned()),
            },
        },
    }
}

/// The content with included files in it, and the file if the content is only one.
fn with_includes(page: &Path, content: &str, place: &str) -> (String, Option<PathBuf>) {
    let mut text = String::new();
    let mut included = None;
    for line in content.lines() {
        let name = line
            .trim()
            .strip_prefix("{{#include ")
            .and_then(|rest| rest.strip_suffix("}}"));
        if let Some(name) = name {
            let file = page.with_file_name("").join(name);
            let found = fs::read_to_string(&file);
            text.push_str(&found.unwrap_or_else(|error| panic!("{place}: {name}: {error}")));
            included = Some(file);
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    (text, included.filter(|_| content.lines().count() == 1))
}

#[test]
fn annotations_are_read() {
    let cases = [
        ("Some text.", Note::None),
        (
            "<!-- run -->",
            Note::Run {
                exit: 0,
                until: false,
            },
        ),
        (
            "<!-- run, exit 3 -->",
            Note::Run {
                exit: 3,
                until: false,
            },
        ),
        (
            "<!-- run until -->",
            Note::Run {
                exit: 0,
                until: true,
            },
        ),
        ("<!-- serve -->", Note::Serve),
        ("<!-- file: a/b.toml -->", Note::File("a/b.toml".to_owned())),
        (
            "<!-- not run: no network -->",
            Note::NotRun("no network".to_owned()),
        ),
        ("<!-- runs -->", Note::Unknown("runs".to_owned())),
        (
            "<!-- run, exit x -->",
            Note::Unknown("run, exit x".to_owned()),
        ),
    ];
    for (above, expected) in cases {
        assert_eq!(note(above), expected, "{above}");
    }
}
