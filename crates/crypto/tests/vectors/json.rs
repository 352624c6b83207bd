//! JSONTestSuite with the parser of headers, claims and key sets.

use std::fs;

use tollgate_token::json::Document;

use crate::{Ledger, suite};

/// `y_` must be accepted and `n_` rejected; optional cases (`i_`) are rejected here, with exceptions.
#[test]
fn json_test_suite() {
    let Some(folder) = suite("jsontestsuite") else {
        return;
    };
    let mut ledger = Ledger::new("jsontestsuite");
    let mut files: Vec<_> = fs::read_dir(folder.join("test_parsing"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let theirs = if name.starts_with("y_") {
            "read"
        } else {
            "refused"
        };
        let read = Document::parse(fs::read(&file).unwrap());
        ledger.note(name, theirs, if read.is_ok() { "read" } else { "refused" });
    }
    ledger.close(300);
}
