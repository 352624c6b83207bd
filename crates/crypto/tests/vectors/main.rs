//! Other people's vectors that the repository does not carry, read where they lie: JSONTestSuite, the values of RFC 7515
//! and RFC 8037, the JOSE cookbook, Ed25519 speccheck.
//!
//! They are looked for in `TOLLGATE_VECTORS`, or in `../shared/vectors` beside the repository; a suite that is not there is
//! skipped, and said so. Every verdict that differs from a suite's own stands with its reason in `exceptions.tsv`, and
//! one that no longer differs is a failure too.

#![cfg(test)]

mod ed25519;
mod json;
mod signatures;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

const EXCEPTIONS: &str = include_str!("exceptions.tsv");

/// Where a suite is; `None` where it is not, which is said past the test runner's capture.
fn suite(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let named = std::env::var_os("TOLLGATE_VECTORS");
    let folder = named
        .map_or_else(|| PathBuf::from(beside), PathBuf::from)
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

/// What became of the cases of a suite, by name, held against what it should be.
struct Ledger {
    suite: &'static str,
    /// Verdicts that are ours on purpose, by case.
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

    /// Notes a case: the suite's verdict and ours.
    fn note(&mut self, case: &str, theirs: &str, ours: &str) {
        self.seen += 1;
        match self.exceptions.remove(case) {
            Some(excepted) if excepted == theirs => {
                self.wrong
                    .push(format!("{case}: the exception says what the suite says"));
            }
            Some(excepted) if excepted != ours => {
                self.wrong
                    .push(format!("{case}: {ours}, and the exception says {excepted}"));
            }
            None if ours != theirs => self
                .wrong
                .push(format!("{case}: {ours}, and the suite says {theirs}")),
            Some(_) | None => {}
        }
    }

    /// Fails if anything was not as it should be, or there were fewer cases than these.
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
                .map(|case| format!("{case}: there is no such case")),
        );
        assert!(wrong.is_empty(), "{suite}:\n{}", wrong.join("\n"));
        assert!(seen >= least, "{suite}: {seen} cases");
    }
}
