//! Files that look like policy and that nothing reads: TOML files in other places, a missing `courses`,
//! and tests of a policy file that does not exist.
//!
//! A rule in such a file protects nothing, and a test in it tests nothing, so each is an error. Not here:
//! finding the files ([`read`](super::read)).

use std::collections::BTreeMap;

use super::{COURSES_FOLDER, SITE_FILE, SourceTree, TEST_SUFFIX, is_test_file};
use crate::diagnostic::{Diagnostic, codes, shown};
use crate::keys::nearest;

/// Files of a folder that are named in its finding.
const MAX_NAMED: usize = 3;

/// Reports what the folder holds and the compiler does not read.
pub(crate) fn check(sources: &SourceTree, diagnostics: &mut Vec<Diagnostic>) {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in &sources.unread {
        match split(name) {
            ("", file) if is_test_file(file) => tests(sources, name, diagnostics),
            (COURSES_FOLDER, file) if is_test_file(file) => tests(sources, name, diagnostics),
            ("" | COURSES_FOLDER, _) => single(name, diagnostics),
            (_, _) => {
                let top = name.split('/').next().unwrap_or_default();
                folders.entry(top).or_default().push(name);
            }
        }
    }
    if sources.lacks_courses {
        missing_courses(&mut folders, diagnostics);
    }
    for (folder, files) in folders {
        let mut finding = Diagnostic::new(
            &codes::STRAY_FILE,
            folder,
            format!(
                "`{folder}` contains TOML files that are not read: {}",
                list(&files)
            ),
        );
        finding.help(format!(
            "move course files into `{COURSES_FOLDER}`, and all others out of the policy folder"
        ));
        diagnostics.push(finding);
    }
}

/// The folder of a name, and the rest.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

/// One file at the top of the policy folder or in `courses`.
fn single(name: &str, diagnostics: &mut Vec<Diagnostic>) {
    let (folder, file) = split(name);
    let message = format!("`{}` is not read", shown(name));
    let mut finding = Diagnostic::new(&codes::STRAY_FILE, name, message);
    let lower = file.to_lowercase();
    if folder == COURSES_FOLDER || lower == SITE_FILE || lower == "site.test.toml" {
        let prefix = name.strip_suffix(file).unwrap_or_default();
        let stem = file.get(..file.len().saturating_sub(5)).unwrap_or(file);
        let right = if folder.is_empty() {
            lower
        } else {
            format!("{prefix}{stem}.toml")
        };
        finding.help(format!("rename it to `{}`", shown(&right)));
    } else {
        finding.help(format!(
            "move a course file to `{COURSES_FOLDER}/{}`, and any other TOML file out of the policy folder",
            shown(file)
        ));
    }
    diagnostics.push(finding);
}

/// Reports test files without a policy file.
fn tests(sources: &SourceTree, name: &str, diagnostics: &mut Vec<Diagnostic>) {
    let stem = name.strip_suffix(TEST_SUFFIX).unwrap_or(name);
    let tested = format!("{stem}.toml");
    // A file whose name differs only in case is reported for that.
    let is_misnamed = || {
        let lower = tested.to_lowercase();
        sources
            .unread
            .iter()
            .any(|name| name.to_lowercase() == lower)
    };
    if sources.text(&tested).is_some() || sources.was_refused(&tested) || is_misnamed() {
        return;
    }
    let (folder, file) = split(name);
    let message = format!(
        "`{}` does not exist, so these tests test nothing",
        shown(&tested)
    );
    let mut finding = Diagnostic::new(&codes::ORPHAN_TESTS, name, message);
    let wanted = split(stem).1;
    let known = sources
        .courses()
        .map(|(course, _)| split(course).1)
        .filter_map(|course| course.strip_suffix(".toml"));
    match nearest(wanted, known) {
        Some(near) => finding.help(format!(
            "did you mean `{COURSES_FOLDER}/{near}{TEST_SUFFIX}`?"
        )),
        None if folder.is_empty() => finding.help(format!(
            "tests are in `site{TEST_SUFFIX}`, or next to a course file: `{COURSES_FOLDER}/{}`",
            shown(file)
        )),
        None => finding.help("rename it after the course file that it tests, or remove it"),
    };
    diagnostics.push(finding);
}

/// Names the folder that was probably meant, so that its files are not reported again.
fn missing_courses(folders: &mut BTreeMap<&str, Vec<&str>>, diagnostics: &mut Vec<Diagnostic>) {
    let mut finding = Diagnostic::new(
        &codes::NO_COURSES,
        "",
        format!("the policy folder has no folder `{COURSES_FOLDER}`"),
    );
    let meant = match folders.len() {
        1 => folders.pop_first(),
        _ => None,
    };
    match meant {
        Some((folder, files)) => {
            let (folder, files) = (shown(folder), list(&files));
            finding.help(format!(
                "`{folder}` contains TOML files ({files}): rename it to `{COURSES_FOLDER}`"
            ));
        }
        None => {
            finding.help(format!(
                "create it; for a site without courses it can be empty, which git keeps with a file \
                 `{COURSES_FOLDER}/.gitkeep`"
            ));
        }
    }
    diagnostics.push(finding);
}

/// The first of some names, and how many more there are.
fn list(names: &[&str]) -> String {
    let mut text = names
        .iter()
        .take(MAX_NAMED)
        .map(|name| format!("`{}`", shown(name)))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MAX_NAMED {
        text.push_str(&format!(" and {} more", names.len() - MAX_NAMED));
    }
    text
}
