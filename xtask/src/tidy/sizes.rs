//! Hand-written files must be short enough to read in full, and must start with their purpose.

use super::Tree;

/// The maximum length of a hand-written source file.
const LONGEST_LINES: usize = 700;
/// The maximum median length of hand-written Rust files.
const MEDIAN_LINES: usize = 250;
const SOURCES: [&str; 6] = [".rs", ".js", ".mjs", ".ts", ".py", ".sh"];
/// Directories of generated sources.
const GENERATED: [&str; 3] = ["/pkg/", "/generated/", "/dist/"];

pub(super) fn check(files: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    let mut rust_lines = Vec::new();
    for (name, text) in files.texts() {
        if !is_source(name) {
            continue;
        }
        let lines = text.lines().count();
        if lines > LONGEST_LINES {
            problems.push(format!(
                "{name} has {lines} lines; the limit is {LONGEST_LINES}"
            ));
        }
        if name.ends_with(".rs") {
            rust_lines.push(lines);
            if !name.ends_with("tests.rs") && !text.starts_with("//!") {
                problems.push(format!("{name} does not start with its purpose (`//!`)"));
            }
        }
    }
    rust_lines.sort_unstable();
    let median = rust_lines.get(rust_lines.len() / 2).copied().unwrap_or(0);
    if median > MEDIAN_LINES {
        problems.push(format!(
            "the median Rust file has {median} lines; the limit is {MEDIAN_LINES}"
        ));
    }
    problems
}

fn is_source(name: &str) -> bool {
    SOURCES.iter().any(|end| name.ends_with(end))
        && !GENERATED.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_and_missing_docs_are_named() {
        let long = format!("//! Long.\n{}", "x\n".repeat(LONGEST_LINES));
        let just = format!("//! Just.\n{}", "x\n".repeat(LONGEST_LINES - 1));
        let cases: [(&str, &str, &[&str]); 6] = [
            ("a/long.rs", &long, &["701 lines"]),
            ("a/just.rs", &just, &[]),
            ("a/bare.rs", "fn x() {}\n", &["does not start"]),
            ("a/tests.rs", "fn x() {}\n", &[]),
            ("a/pkg/made.js", &long, &[]),
            ("a/long.mjs", &long, &["701 lines"]),
        ];
        for (name, text, expected) in cases {
            // Short files keep the median below its limit.
            let found = check(&Tree::of(&[
                (name, text),
                ("b.rs", "//! B."),
                ("c.rs", "//! C."),
            ]));
            assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
            for (problem, part) in found.iter().zip(expected) {
                assert!(problem.contains(part), "{name}: {problem}");
            }
        }
    }

    #[test]
    fn the_median_is_limited() {
        let middling = format!("//! M.\n{}", "x\n".repeat(MEDIAN_LINES));
        let files = [
            ("a.rs", middling.as_str()),
            ("b.rs", &middling),
            ("c.rs", "//! C."),
        ];
        assert!(
            check(&Tree::of(&files))
                .iter()
                .any(|problem| problem.contains("median"))
        );
    }
}
