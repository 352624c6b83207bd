//! Policies that must not compile: `fixtures/policies-refused/NAME`, each with an `expect.txt` of the
//! diagnostic codes, or code prefixes, that `tollgate check` must print.

use core::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tally::Tally;
use crate::{repo, shell};

/// The exit code for invalid input.
const BAD_INPUT: i32 = 2;

/// Checks every policy that must be rejected; returns a report that ends with the counts, and the counts.
pub(super) fn run() -> Result<(String, Tally)> {
    let mut report = String::new();
    let mut tally = Tally::default();
    for folder in repo::entries(&repo::fixtures().join("policies-refused"))? {
        if !folder.is_dir() {
            continue;
        }
        let expected = expected(&folder)?;
        let done = shell::capture(
            shell::tool(repo::program("tollgate"), ["check"]).arg(&folder),
            |_| (),
        )?;
        let faults = faults(done.code, &done.text, &expected);
        if faults.is_empty() {
            tally.passed += 1;
            continue;
        }
        tally.failed += 1;
        for fault in faults {
            writeln!(report, "refused {}: {fault}", repo::shown(&folder))?;
        }
    }
    if !tally.is_empty() {
        writeln!(report, "refused: {tally}")?;
    }
    Ok((report, tally))
}

fn expected(folder: &Path) -> Result<Vec<String>> {
    let file = folder.join("expect.txt");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", repo::shown(&file)))?;
    let words = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(words.map(str::to_owned).collect())
}

fn faults(code: Option<i32>, text: &str, expected: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    if code != Some(BAD_INPUT) {
        faults.push(format!("exit code {code:?}, expected {BAD_INPUT}"));
    }
    if expected.is_empty() {
        faults.push("its expect.txt names no diagnostic".to_owned());
    }
    for word in expected.iter().filter(|word| !text.contains(word.as_str())) {
        faults.push(format!("no diagnostic {word} in\n{}", text.trim_end()));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::faults;

    #[test]
    fn exit_code_and_diagnostic_are_both_required() {
        let expected = ["TG02".to_owned()];
        assert!(faults(Some(2), "error[TG0203]: x", &expected).is_empty());
        assert_eq!(faults(Some(0), "error[TG0203]: x", &expected).len(), 1);
        assert_eq!(faults(Some(2), "error[TG0303]: x", &expected).len(), 1);
        assert_eq!(faults(Some(2), "error[TG0203]: x", &[]).len(), 1);
        assert_eq!(faults(None, "", &expected).len(), 2);
    }
}
