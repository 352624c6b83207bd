//! The results as JUnit XML, for continuous integration.

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use tollgate_policy::visible::visible_lines;

use super::Findings;

/// The report as XML. Tests are cases of their file; if mutants were tested, each that no test
/// catches is a failing case.
///
/// # Errors
/// Returns the error of the XML writer.
pub fn junit(findings: &Findings<'_>) -> Result<String, SerializeError> {
    let mut report = Report::new("tollgate test");
    for result in findings.results {
        let mut suite = TestSuite::new(result.file.as_str());
        for test in &result.tests {
            let status = if test.passed() {
                TestCaseStatus::success()
            } else {
                failure(format!(
                    "expected {}, got {}",
                    test.expected(),
                    test.answered()
                ))
            };
            let mut case = TestCase::new(test.case.name.as_str(), status);
            case.set_classname(result.file.as_str());
            let file = findings.sources.path_of(&result.file);
            place(&mut case, &file, test.case.line);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    if let Some((mutants, _)) = findings.mutants {
        let mut suite = TestSuite::new("mutants");
        let mut tried = TestCase::new(
            format!("{} mutants tested", mutants.len()),
            TestCaseStatus::success(),
        );
        tried.set_classname("mutants");
        suite.add_test_case(tried);
        for missed in findings.missed_mutants() {
            let change = &missed.mutant.change;
            let status = failure(format!("no test catches this change: {change}"));
            let mut case = TestCase::new(format!("{}: {change}", missed.rule), status);
            case.set_classname(missed.file);
            let file = findings.sources.path_of(missed.file);
            place(&mut case, &file, missed.line);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    // Editors and CI pages print names unescaped.
    report.to_string().map(|xml| visible_lines(&xml))
}

fn failure(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message);
    status
}

fn place(case: &mut TestCase, file: &str, line: usize) {
    case.extra.insert("file".into(), file.into());
    case.extra.insert("line".into(), line.to_string().into());
}
