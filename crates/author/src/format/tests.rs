//! The effects of formatting, and what it preserves.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn comments_stay_where_their_author_aligned_them() {
    let table = [
        // A single comment follows its line.
        ("a=1      # one\n", "a = 1 # one\n"),
        (
            "a = 1 # one\n\n# above\nb = 2\n",
            "a = 1 # one\n\n# above\nb = 2\n",
        ),
        // Two in one column stay in it, even with other lines between them.
        (
            "[a]       # one\nx = 1\n\n[b.c]     # two\n",
            "[a]       # one\nx = 1\n\n[b.c]     # two\n",
        ),
        // The column moves if a line needs the space.
        (
            "a=1 # one\nb=22# two\nc=3 # three\n",
            "a = 1  # one\nb = 22 # two\nc = 3  # three\n",
        ),
        (
            "list = [\n  1,    # one\n  22,   # two\n]\n",
            "list = [\n  1,    # one\n  22,   # two\n]\n",
        ),
        // Text inside a string is not a comment.
        ("a = '#'    # one\n", "a = '#' # one\n"),
    ];
    for (text, expected) in table {
        assert_eq!(formatted(text).as_deref(), Ok(expected), "{text:?}");
        assert_eq!(formatted(expected).as_deref(), Ok(expected), "{expected:?}");
    }
}

#[test]
fn marks_and_line_ends_stay() {
    let table = [
        ("\u{feff}a=1\n", "\u{feff}a = 1\n"),
        ("a=1   # x\r\nb=2\r\n", "a = 1 # x\r\nb = 2\r\n"),
        ("", "\n"),
    ];
    for (text, expected) in table {
        let found = formatted(text).unwrap();
        assert_eq!(
            formatted(&found).as_ref(),
            Ok(&found),
            "{text:?} changes twice"
        );
        if !text.is_empty() {
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn errors_are_distinguished() {
    assert_eq!(formatted("a = = 1"), Err(FormatError::NotToml));
    assert_eq!(formatted("a = 1\na = 2"), Err(FormatError::NotToml));
    assert_eq!(
        formatted("a = {\n  b = 1,\n}\n"),
        Err(FormatError::Unsupported)
    );
}

/// The TOML files below a directory.
fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(toml_files(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files
}

#[test]
fn the_sample_policy_is_formatted() {
    let files = toml_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policy"));
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let found = formatted(&text).unwrap();
        assert!(
            found == text,
            "run `tollgate fmt policy` for {}",
            file.display()
        );
    }
}
