//! Parses a file of cases.
//!
//! Every line that cannot be parsed is reported, not only the first. Not here: file access.

use core::fmt;

use crate::case::Case;

/// An invalid line.
#[derive(Debug)]
pub struct CaseError {
    line: usize,
    json: serde_json::Error,
}

impl CaseError {
    /// The line number, starting at 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The byte offset of the error in the line, starting at 1; 0 if it concerns the whole line.
    pub fn column(&self) -> usize {
        self.json.column()
    }
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The JSON parser sees one line at a time, so it always reports the first line.
        let place = format!(
            " at line {} column {}",
            self.json.line(),
            self.json.column()
        );
        let message = self.json.to_string();
        let message = message.strip_suffix(&place).unwrap_or(&message);
        write!(f, "line {}, column {}: {message}", self.line, self.column())
    }
}

impl core::error::Error for CaseError {}

/// All invalid lines; at least one.
#[derive(Debug)]
pub struct CaseErrors(Vec<CaseError>);

impl CaseErrors {
    /// The errors, by line.
    pub fn iter(&self) -> core::slice::Iter<'_, CaseError> {
        self.0.iter()
    }
}

impl fmt::Display for CaseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl core::error::Error for CaseErrors {}

/// Parses JSON lines. Blank lines are skipped.
///
/// # Errors
/// Returns every invalid line, with its number.
pub fn read_cases(text: &[u8]) -> Result<Vec<Case>, CaseErrors> {
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(case) => cases.push(case),
            Err(json) => errors.push(CaseError { line: at + 1, json }),
        }
    }
    if errors.is_empty() {
        Ok(cases)
    } else {
        Err(CaseErrors(errors))
    }
}
