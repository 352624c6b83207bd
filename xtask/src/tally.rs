//! Counts the results that test runners report. It derives no number from an exit code.

use core::fmt;
use core::ops::AddAssign;

/// The numbers of passed, failed and skipped tests or cases.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Whether nothing was counted.
    pub(crate) fn is_empty(self) -> bool {
        self == Tally::default()
    }

    /// Adds up the summary lines of `cargo test`: one for each test program.
    pub(crate) fn from_cargo_test(text: &str) -> Tally {
        let mut sum = Tally::default();
        for line in text.lines() {
            let Some(rest) = line.trim().strip_prefix("test result: ") else {
                continue;
            };
            for part in rest.split(['.', ';']) {
                sum.add_words(part, "passed", "failed", "ignored");
            }
        }
        sum
    }

    /// Adds up lines of the form `NAME: N passed, N failed, N skipped`.
    pub(crate) fn from_targets(text: &str) -> Tally {
        let mut sum = Tally::default();
        for line in text.lines() {
            if let Some((_, one)) = Tally::from_target_line(line) {
                sum += one;
            }
        }
        sum
    }

    /// Parses one line of the form `NAME: N passed, N failed, N skipped`.
    pub(crate) fn from_target_line(line: &str) -> Option<(&str, Tally)> {
        let (name, counts) = line.trim().split_once(": ")?;
        let mut one = Tally::default();
        let mut read = 0;
        for part in counts.split(", ") {
            read += usize::from(one.add_words(part, "passed", "failed", "skipped"));
        }
        (read == 3 && !name.contains(' ')).then_some((name, one))
    }

    /// Parses the summary comments of a TAP report, as `node --test` writes it.
    pub(crate) fn from_tap(text: &str) -> Tally {
        let mut sum = Tally::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            if words.next() != Some("#") {
                continue;
            }
            let (Some(word), Some(Ok(count))) = (words.next(), words.next().map(str::parse::<u64>))
            else {
                continue;
            };
            match word {
                "pass" => sum.passed += count,
                "fail" | "cancelled" => sum.failed += count,
                "skipped" | "todo" => sum.skipped += count,
                _ => (),
            }
        }
        sum
    }

    /// Adds a part such as `7 passed`; returns whether its word is known.
    fn add_words(&mut self, part: &str, passed: &str, failed: &str, skipped: &str) -> bool {
        let Some((count, word)) = part.trim().split_once(' ') else {
            return false;
        };
        let Ok(count) = count.parse::<u64>() else {
            return false;
        };
        let field = match word {
            _ if word == passed => &mut self.passed,
            _ if word == failed => &mut self.failed,
            _ if word == skipped => &mut self.skipped,
            _ => return false,
        };
        *field += count;
        true
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally {
            passed,
            failed,
            skipped,
        } = self;
        write!(out, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
        Tally {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn cargo_test_results_are_summed_over_programs() {
        let text = "running 3 tests\ntest a ... ok\n\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0.10s\n";
        assert_eq!(Tally::from_cargo_test(text), tally(5, 4, 1));
    }

    #[test]
    fn target_lines_are_parsed_completely_or_ignored() {
        let cases = [
            (
                "native: 12 passed, 3 failed, 0 skipped",
                Some(("native", tally(12, 3, 0))),
            ),
            (
                "  node: 0 passed, 0 failed, 7 skipped",
                Some(("node", tally(0, 0, 7))),
            ),
            ("native: 12 passed", None),
            ("a failure said: 1 passed, 2 failed, 3 skipped", None),
            ("native: x passed, 3 failed, 0 skipped", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(Tally::from_target_line(line), expected, "{line}");
        }
    }

    #[test]
    fn tap_comments_are_parsed() {
        let text = "TAP version 13\nok 1 - x\n# tests 9\n# suites 1\n# pass 5\n# fail 1\n\
            # cancelled 1\n# skipped 2\n# todo 0\n# duration_ms 7.5\n";
        assert_eq!(Tally::from_tap(text), tally(5, 2, 2));
    }
}
