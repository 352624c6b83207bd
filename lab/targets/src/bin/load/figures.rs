//! The results of a load test: responses, latencies, and whether memory is flat.

use core::time::Duration;

use anyhow::Result;
use serde_json::json;

/// The maximum number of wrong responses that are described.
const SHOWN: usize = 20;
/// The memory growth allowed between the second and the last quarter: a twentieth plus this, in KiB. What an
/// allocator retains differs from run to run; a leak of one byte per request would be more.
const SLACK_KIB: u64 = 1_024;

/// The results of one client.
#[derive(Default)]
pub(crate) struct Tally {
    /// Microseconds per response while the issuer was healthy.
    well: Vec<u32>,
    /// The same while it was failing.
    faulty: Vec<u32>,
    wrong: u64,
    wrong_allows: u64,
    lost: u64,
    words: Vec<String>,
}

impl Tally {
    pub(crate) fn answered(&mut self, took: Duration, faulty: bool) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        if faulty {
            self.faulty.push(micros);
        } else {
            self.well.push(micros);
        }
    }

    pub(crate) fn wrong(&mut self, allows: bool, words: String) {
        self.wrong += 1;
        self.wrong_allows += u64::from(allows);
        self.note(words);
    }

    pub(crate) fn lost(&mut self, words: String) {
        self.lost += 1;
        self.note(words);
    }

    fn note(&mut self, words: String) {
        if self.words.len() < SHOWN {
            self.words.push(words);
        }
    }

    pub(crate) fn add(&mut self, other: Tally) {
        self.well.extend(other.well);
        self.faulty.extend(other.faulty);
        self.wrong += other.wrong;
        self.wrong_allows += other.wrong_allows;
        self.lost += other.lost;
        self.words.extend(other.words);
    }

    fn answers(&self) -> u64 {
        (self.well.len() + self.faulty.len()) as u64
    }
}

/// The median and the 99th percentile, in microseconds.
pub(crate) fn quantiles(micros: &[u32]) -> (u32, u32) {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    let at = |share: usize| sorted.get(sorted.len() * share / 100).copied().unwrap_or(0);
    (at(50), at(99))
}

/// All results.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) usual: Tally,
    pub(crate) needy: Tally,
    pub(crate) resident_kib: Vec<u64>,
    pub(crate) seconds: u64,
    pub(crate) faults: Vec<&'static str>,
}

impl Figures {
    fn requests(&self) -> u64 {
        self.usual.answers() + self.needy.answers()
    }

    fn wrong(&self) -> u64 {
        self.usual.wrong + self.needy.wrong
    }

    fn lost(&self) -> u64 {
        self.usual.lost + self.needy.lost
    }

    /// Returns the median of each quarter of the memory samples.
    fn quarters(&self) -> [u64; 4] {
        let samples = &self.resident_kib;
        core::array::from_fn(|quarter| {
            let (from, to) = (
                samples.len() * quarter / 4,
                samples.len() * (quarter + 1) / 4,
            );
            let mut part = samples.get(from..to).unwrap_or_default().to_vec();
            part.sort_unstable();
            part.get(part.len() / 2).copied().unwrap_or(0)
        })
    }

    /// The first quarter is a warm-up.
    fn is_flat(&self) -> bool {
        let [_, second, _, last] = self.quarters();
        second > 0 && last <= second + second / 20 + SLACK_KIB
    }

    pub(crate) fn is_good(&self) -> bool {
        self.requests() > 0 && self.wrong() == 0 && self.lost() == 0 && self.is_flat()
    }

    pub(crate) fn text(&self) -> String {
        let requests = self.requests();
        let mut text = format!(
            "{requests} requests in {} s, an hour's worth at {} a second; {} wrong answers ({} wrong allows), {} lost\n\
             faults of the issuer, switched on and off: {}\n",
            self.seconds,
            requests / 3_600,
            self.wrong(),
            self.usual.wrong_allows + self.needy.wrong_allows,
            self.lost(),
            self.faults.join(", "),
        );
        let rows = [
            ("needs no new key, issuer healthy", &self.usual.well),
            ("needs no new key, issuer failing", &self.usual.faulty),
            ("names an unknown key, issuer healthy", &self.needy.well),
            ("names an unknown key, issuer failing", &self.needy.faulty),
        ];
        for (what, micros) in rows {
            let (half, most) = quantiles(micros);
            text += &format!(
                "{what:36}  {:>9} responses  p50 {half:>7} µs  p99 {most:>7} µs\n",
                micros.len()
            );
        }
        let [first, second, third, last] = self.quarters();
        let flat = if self.is_flat() { "flat" } else { "NOT FLAT" };
        text += &format!(
            "memory of the server, median of each quarter: {first}, {second}, {third}, {last} KiB: {flat}"
        );
        for words in self.usual.words.iter().chain(&self.needy.words) {
            text += &format!("\nWRONG {words}");
        }
        text
    }

    pub(crate) fn json(&self) -> Result<String> {
        let quantiles = |micros: &[u32]| {
            let (half, most) = quantiles(micros);
            json!({ "answers": micros.len(), "p50_us": half, "p99_us": most })
        };
        let figures = json!({
            "requests": self.requests(), "seconds": self.seconds, "wrong": self.wrong(),
            "wrong_allows": self.usual.wrong_allows + self.needy.wrong_allows, "lost": self.lost(),
            "faults": self.faults, "resident_kib_of_quarters": self.quarters(), "flat": self.is_flat(),
            "usual_well": quantiles(&self.usual.well), "usual_faulty": quantiles(&self.usual.faulty),
            "unknown_key_well": quantiles(&self.needy.well),
            "unknown_key_faulty": quantiles(&self.needy.faulty),
        });
        Ok(serde_json::to_string_pretty(&figures)? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_memory(resident_kib: Vec<u64>) -> Figures {
        let mut figures = Figures {
            resident_kib,
            ..Figures::default()
        };
        figures.usual.answered(Duration::from_micros(7), false);
        figures
    }

    #[test]
    fn growth_is_detected_but_a_warm_up_is_not() {
        let start: Vec<u64> = (0..100)
            .map(|at| if at < 20 { at * 1_000 } else { 20_000 })
            .collect();
        let leak: Vec<u64> = (0..100).map(|at| 20_000 + at * 100).collect();
        assert!(with_memory(start).is_good());
        assert!(!with_memory(leak).is_good());
        assert!(!with_memory(Vec::new()).is_good());
    }

    #[test]
    fn quantiles_include_all_responses() {
        let micros: Vec<u32> = (0..1_000).rev().collect();
        assert_eq!(quantiles(&micros), (500, 990));
        assert_eq!(quantiles(&[]), (0, 0));
    }

    #[test]
    fn a_single_wrong_or_lost_response_fails() {
        let mut figures = with_memory(vec![1_000; 8]);
        assert!(figures.is_good());
        figures.needy.wrong(true, "x".to_owned());
        assert!(!figures.is_good());
        let mut figures = with_memory(vec![1_000; 8]);
        figures.usual.lost("x".to_owned());
        assert!(!figures.is_good());
    }
}
