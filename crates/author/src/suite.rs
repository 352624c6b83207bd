//! Authors' tests: requests with expected decisions, from `*.test.toml`.
//!
//! Not here: coverage ([`coverage`](crate::coverage)) and mutation testing
//! ([`mutate`](crate::mutate)).

mod advice;
mod case;
mod file;
mod people;
mod reader;
mod run;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tollgate_compiler::diagnostic::Diagnostic;
use tollgate_compiler::{COURSES_FOLDER, SourceTree};
use tollgate_gate::Gate;

use self::file::People;
use self::reader::Reader;

pub use self::advice::advice;
pub use self::case::{Case, Expect, Misplaced, Person, TestFile, TestUser};
pub use self::people::{NotOnePerson, person};
pub use self::run::{Actual, TestRequest, run};

/// The suffix of the names of test files.
pub const SUFFIX: &str = tollgate_compiler::TEST_SUFFIX;

/// The test file whose users are available in all others.
const SITE_TESTS: &str = "site.test.toml";

/// The test files of a policy directory: in the directory itself and in `courses`. Names are
/// relative, with `/`.
///
/// # Errors
/// Returns the directory that cannot be read, and the error.
pub fn find(dir: &Path) -> Result<Vec<String>, (PathBuf, io::Error)> {
    let mut names = Vec::new();
    let courses = format!("{COURSES_FOLDER}/");
    for (folder, prefix) in [
        (dir.to_owned(), ""),
        (dir.join(COURSES_FOLDER), courses.as_str()),
    ] {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|error| (folder.clone(), error))?,
        };
        for entry in entries {
            let name = entry.map_err(|error| (folder.clone(), error))?.file_name();
            if let Some(name) = name.to_str().filter(|name| name.ends_with(SUFFIX)) {
                names.push(format!("{prefix}{name}"));
            }
        }
    }
    // The other files use the users of the site's tests, so those are read first.
    names.sort_by_key(|name| (name != SITE_TESTS, name.clone()));
    Ok(names)
}

/// Reads the tests of all files, for a policy that compiles.
///
/// # Errors
/// Returns every error in every file.
pub fn read_all<N: AsRef<str>>(
    names: &[N],
    sources: &SourceTree,
    gate: &Gate<Vec<u8>>,
) -> Result<Vec<TestFile>, Vec<Diagnostic>> {
    let (files, findings) = read(names, sources, Some(gate));
    if findings.iter().any(Diagnostic::is_error) {
        Err(findings)
    } else {
        Ok(files)
    }
}

/// Reads as much of the tests as possible, and returns all errors. Without a gate, because the
/// policy does not compile, checks that depend on the policy are skipped.
pub fn read<N: AsRef<str>>(
    names: &[N],
    sources: &SourceTree,
    gate: Option<&Gate<Vec<u8>>>,
) -> (Vec<TestFile>, Vec<Diagnostic>) {
    let (mut shared, mut files, mut findings) = (People::new(), Vec::new(), Vec::new());
    for name in names.iter().map(AsRef::as_ref) {
        // A file that could not be read was reported with the policy.
        let Some(text) = sources.text(name) else {
            continue;
        };
        let mut reader = Reader::new(name);
        let read = file::read(&mut reader, text, &shared, gate);
        let known = read.people.values().chain(shared.values());
        let known = known.cloned().collect();
        if name == SITE_TESTS {
            shared = read.people;
        }
        findings.append(&mut reader.findings);
        files.push(TestFile {
            file: name.to_owned(),
            now: read.now.unwrap_or_default(),
            ip: read.ip.and_then(|ip| ip.parse().ok()),
            cases: read.cases,
            people: known,
        });
    }
    (files, findings)
}

/// The test file for a policy file: `courses/x.test.toml` for `courses/x.toml`.
pub fn test_file_for(policy_file: &str) -> String {
    let stem = policy_file.strip_suffix(".toml").unwrap_or(policy_file);
    format!("{stem}{SUFFIX}")
}
