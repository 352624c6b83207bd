//! `--as`: a user of the policy's test files, by name.
//!
//! Not here: the search for the name ([`tollgate_author::suite`]).

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};
use tollgate_author::suite::{self, Person};
use tollgate_compiler::{Diagnostic, SourceTree};
use tollgate_gate::Gate;

use crate::failure::Failure;
use crate::policy;

/// The name of users without a token in test files.
pub(crate) const NOBODY: &str = "nobody";

/// Finds a user in the test files of a policy directory.
pub(crate) fn named(name: &str, dir: &Path, gate: &Gate<Vec<u8>>) -> Result<Arc<Person>, Failure> {
    let bad = |problem, help| Failure::Side {
        name: "--as",
        value: name.to_owned(),
        problem,
        help,
    };
    if !dir.is_dir() {
        return Err(bad(
            "a policy image has no users",
            "give the policy directory: its test files declare the users".to_owned(),
        ));
    }
    let sources = policy::read(dir, SourceTree::read_with_tests)?;
    let (files, findings) = suite::read(&sources.test_files(), &sources, Some(gate));
    if findings.iter().any(Diagnostic::is_error) {
        return Err(Failure::Policy {
            findings,
            sources: Box::new(sources),
        });
    }
    suite::person(&files, name).map_err(|error| bad(error.problem(), error.help()))
}

/// The claims of a user as a JSON object.
pub(crate) fn object(person: &Person) -> Map<String, Value> {
    // They were read from such an object.
    serde_json::from_str(person.claims.text()).unwrap_or_default()
}
