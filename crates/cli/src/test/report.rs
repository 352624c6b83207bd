//! Results of tests, for people, for programs and as JUnit. No result is changed here.

use core::fmt::Write;

use serde_json::{Value, json};
use tollgate_core::Reason;

use super::file::Case;
use super::run::Got;
use crate::output::{BAD, FAINT, GOOD, STRONG, styled, visible};

/// The results of one file.
pub(super) struct FileResult {
    pub(super) file: String,
    pub(super) tests: Vec<TestResult>,
}

/// One test and the answer it got.
pub(super) struct TestResult {
    pub(super) case: Case,
    pub(super) got: Got,
}

impl TestResult {
    fn passed(&self) -> bool {
        self.got.meets(&self.case.expect)
    }

    /// `allow by course/id`
    fn expected(&self) -> String {
        answer(
            self.case.expect.reason,
            self.case.expect.rule.as_deref(),
            None,
        )
    }

    fn answered(&self) -> String {
        answer(self.got.reason, self.got.rule.as_deref(), self.got.detail)
    }
}

impl FileResult {
    pub(super) fn passed(&self) -> bool {
        self.tests.iter().all(TestResult::passed)
    }

    fn counts(&self) -> (usize, usize) {
        let passed = self.tests.iter().filter(|test| test.passed()).count();
        (passed, self.tests.len() - passed)
    }
}

fn answer(reason: Reason, rule: Option<&str>, detail: Option<&str>) -> String {
    let mut text = reason.code().to_owned();
    for (word, value) in [("by", rule), ("because of", detail)] {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(text, " {word} {value}");
        }
    }
    text
}

fn total(results: &[FileResult]) -> (usize, usize) {
    results
        .iter()
        .map(FileResult::counts)
        .fold((0, 0), |(p, f), (passed, failed)| (p + passed, f + failed))
}

/// The report for people: failures, then a line per file, then the sum.
pub(super) fn text(results: &[FileResult]) -> String {
    let mut text = String::new();
    for result in results {
        for test in result.tests.iter().filter(|test| !test.passed()) {
            let case = &test.case;
            text.push_str(&format!(
                "{} {}\n  {} {}:{}\n  {} {}\n  {} {}\n\n",
                styled(BAD, "FAIL"),
                styled(STRONG, visible(&case.name)),
                styled(FAINT, "at      "),
                visible(&result.file),
                case.line,
                styled(FAINT, "expected"),
                styled(GOOD, visible(&test.expected())),
                styled(FAINT, "got     "),
                styled(BAD, visible(&test.answered())),
            ));
        }
    }
    let width = results
        .iter()
        .map(|result| result.file.chars().count())
        .max()
        .unwrap_or(0);
    for result in results {
        let (passed, failed) = result.counts();
        let mark = if failed == 0 {
            styled(GOOD, "ok  ")
        } else {
            styled(BAD, "FAIL")
        };
        text.push_str(&format!(
            "{mark} {:width$}  {passed:5} passed",
            visible(&result.file)
        ));
        if failed > 0 {
            text.push_str(&styled(BAD, format_args!(", {failed} failed")));
        }
        text.push('\n');
    }
    let (passed, failed) = total(results);
    text.push_str(&format!("\n{passed} passed, {failed} failed"));
    text
}

/// The report for programs.
pub(super) fn json(results: &[FileResult]) -> Value {
    let test = |test: &TestResult| {
        json!({
            "name": test.case.name,
            "line": test.case.line,
            "passed": test.passed(),
            "expected": { "reason": test.case.expect.reason.code(), "rule": test.case.expect.rule },
            "got": {
                "reason": test.got.reason.code(),
                "detail": test.got.detail,
                "rule": test.got.rule,
                "status": test.got.status,
            },
        })
    };
    let file = |result: &FileResult| {
        let (passed, failed) = result.counts();
        let tests: Vec<Value> = result.tests.iter().map(test).collect();
        json!({ "file": result.file, "passed": passed, "failed": failed, "tests": tests })
    };
    let (passed, failed) = total(results);
    let files: Vec<Value> = results.iter().map(file).collect();
    json!({ "passed": passed, "failed": failed, "files": files })
}

/// The report as JUnit XML, with one suite per file.
pub(super) fn junit(results: &[FileResult]) -> String {
    let (passed, failed) = total(results);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"tollgate\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">\n",
        passed + failed
    );
    for result in results {
        let file = escaped(&result.file);
        let (passed, failed) = result.counts();
        xml.push_str(&format!(
            "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">\n",
            passed + failed
        ));
        for test in &result.tests {
            xml.push_str(&format!(
                "    <testcase name=\"{}\" classname=\"{file}\" file=\"{file}\" line=\"{}\"",
                escaped(&test.case.name),
                test.case.line
            ));
            if test.passed() {
                xml.push_str("/>\n");
            } else {
                xml.push_str(&format!(
                    ">\n      <failure message=\"expected {}, got {}\"/>\n    </testcase>\n",
                    escaped(&test.expected()),
                    escaped(&test.answered())
                ));
            }
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// Text inside an XML attribute. What XML 1.0 cannot hold is shown as a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => out.push('?'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_cannot_end_an_attribute() {
        assert_eq!(
            escaped("a<b> & \"c\"\n\u{1}é"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;?é"
        );
    }
}
