//! Parses libFuzzer's output for the summary table.

use core::fmt;

/// The results of a run.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Log {
    /// The number of inputs that were run.
    pub(super) runs: u64,
    pub(super) per_second: u64,
    /// The number of edges that the seeds reach, and the number of all edges reached.
    pub(super) coverage_of_seeds: u64,
    pub(super) coverage: u64,
    /// Inputs that reached new code and were kept.
    pub(super) kept: u64,
    /// The file with the input that violated a property.
    pub(super) finding: Option<String>,
}

impl Log {
    /// Parses the whole output of a run.
    pub(super) fn read(text: &str) -> Log {
        let mut log = Log::default();
        for line in text.lines() {
            if let Some(coverage) = coverage(line) {
                if line.contains("\tINITED ") {
                    log.coverage_of_seeds = coverage;
                }
                log.coverage = log.coverage.max(coverage);
            }
            let stat = |name: &str| -> Option<u64> {
                line.strip_prefix("stat::")?
                    .strip_prefix(name)?
                    .strip_prefix(':')?
                    .trim()
                    .parse()
                    .ok()
            };
            log.runs = stat("number_of_executed_units").unwrap_or(log.runs);
            log.per_second = stat("average_exec_per_sec").unwrap_or(log.per_second);
            log.kept = stat("new_units_added").unwrap_or(log.kept);
            if let Some((_, file)) = line.split_once("Test unit written to ") {
                log.finding = Some(file.trim().to_owned());
            }
        }
        log
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Log {
            runs,
            per_second,
            coverage,
            kept,
            ..
        } = self;
        write!(
            f,
            "{runs} inputs, {per_second} per second, coverage {coverage}, {kept} kept"
        )
    }
}

/// The coverage in a line such as `#8 NEW cov: 12 ft: 13 corp: 4/8b …`.
fn coverage(line: &str) -> Option<u64> {
    let (_, rest) = line.strip_prefix('#')?.split_once(" cov: ")?;
    rest.split(' ').next()?.parse().ok()
}

/// The last part of the output: the panic, and libFuzzer's report. The input itself is in a file.
pub(super) fn end_of(text: &str) -> String {
    let of_interest =
        |line: &&str| !line.starts_with('#') && !line.starts_with("0x") && line.len() < 2_000;
    let lines: Vec<&str> = text.lines().filter(of_interest).collect();
    let start = lines
        .iter()
        .position(|line| line.contains("panicked at") || line.contains("ERROR: libFuzzer"));
    let kept = lines.get(start.unwrap_or(0)..).unwrap_or_default();
    kept.iter()
        .take(60)
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_parsed() {
        let text = "INFO: Seed: 1\n#2\tINITED cov: 40 ft: 41 corp: 1/1b exec/s: 0 rss: 30Mb\n\
            #99\tNEW    cov: 57 ft: 80 corp: 2/9b lim: 4 exec/s: 0 rss: 31Mb L: 8/8 MS: 1 Custom-\n\
            #100\tDONE   cov: 57 ft: 80 corp: 2/9b exec/s: 50 rss: 31Mb\n\
            stat::number_of_executed_units: 100\nstat::average_exec_per_sec:     50\n\
            stat::new_units_added:          1\n";
        let log = Log::read(text);
        let expected = Log {
            runs: 100,
            per_second: 50,
            coverage_of_seeds: 40,
            coverage: 57,
            kept: 1,
            finding: None,
        };
        assert_eq!(log, expected);
    }

    #[test]
    fn a_finding_is_parsed_and_shown() {
        let text = "#2\tINITED cov: 4 ft: 4\nthread '<unnamed>' panicked at src/path.rs:5:5:\nassertion failed\n\
            ==1== ERROR: libFuzzer: deadly signal\nartifact_prefix='x/'; Test unit written to x/crash-ab\nBase64: eA==\n";
        let log = Log::read(text);
        assert_eq!(log.finding.as_deref(), Some("x/crash-ab"));
        assert!(end_of(text).starts_with("thread '<unnamed>' panicked"));
    }
}
