//! Third-party vectors that are not part of the repository: JSONTestSuite, the examples of RFC 7515
//! and RFC 8037, the JOSE cookbook, Ed25519 speccheck.
//!
//! They are read from `TOLLGATE_VECTORS`, or from `../shared/vectors` next to the repository; a
//! missing suite is skipped with a message. Every verdict that differs from a suite is listed with
//! its reason in `exceptions.tsv`. An entry that no longer differs is a failure, too.

#![cfg(test)]

mod ed25519;
mod json;
mod signatures;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

const EXCEPTIONS: &str = include_str!("exceptions.tsv");

/// The directory of a suite; `None`, with a message that the test runner does not capture, if it is
/// missing.
fn suite(name: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let named = std::env::var_os("TOLLGATE_VECTORS");
    let folder = named
        .map_or_else(|| PathBuf::from(default), PathBuf::from)
        .join(name);
    if folder.exists() {
        return Some(folder);
    }
    let why = format!(
        "\nSKIP {name}: the suite is neither in TOLLGATE_VECTORS nor in ../shared/vectors\n"
    );
    _ = std::io::stderr().write_all(why.as_bytes());
    None
}

/// The verdicts for the cases of a suite, by name, compared with the expected ones.
struct Ledger {
    suite: &'static str,
    /// Intentional differences, by case.
    exceptions: BTreeMap<&'static str, &'static str>,
    seen: usize,
    wrong: Vec<String>,
}

impl Ledger {
    fn new(suite: &'static str) -> Self {
        let rows = EXCEPTIONS
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let exceptions = rows.filter_map(|row| {
            let fields: Vec<&str> = row.split('\t').collect();
            let [of, case, verdict, reason] = fields.as_slice() else {
                panic!("not four fields: {row}");
            };
            assert!(reason.len() > 10, "a reason is missing: {row}");
            (*of == suite).then_some((*case, *verdict))
        });
        let exceptions = exceptions.collect();
        Self {
            suite,
            exceptions,
            seen: 0,
            wrong: Vec::new(),
        }
    }

    /// Records a case: the suite's verdict and ours.
    fn note(&mut self, case: &str, theirs: &str, ours: &str) {
        self.seen += 1;
        match self.exceptions.remove(case) {
            Some(excepted) if excepted == theirs => {
                self.wrong.push(format!(
                    "{case}: the exception does not differ from the suite"
                ));
            }
            Some(excepted) if excepted != ours => {
                self.wrong
                    .push(format!("{case}: {ours}, but the exception is {excepted}"));
            }
            None if ours != theirs => self
                .wrong
                .push(format!("{case}: {ours}, but the suite has {theirs}")),
            Some(_) | None => {}
        }
    }

    /// Fails if a verdict was not as expected, or if there were fewer cases than `least`.
    fn close(self, least: usize) {
        let Self {
            suite,
            exceptions,
            seen,
            mut wrong,
        } = self;
        wrong.extend(
            exceptions
                .keys()
                .map(|case| format!("{case}: no such case")),
        );
        assert!(wrong.is_empty(), "{suite}:\n{}", wrong.join("\n"));
        assert!(seen >= least, "{suite}: {seen} cases");
    }
}
