//! Imported policies compared with their sources: random configurations, a simple model of each
//! source, and requests around their paths. Nothing may be allowed that the source denies.
//!
//! The models follow the documentation of the sources, and share no code with the importers. Exact
//! imports are counted, too, so that denying everything does not pass.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]

mod cloudfront;
mod field;
mod hostile;
mod oathkeeper;
mod site;
mod snippet;

/// The results of random rounds.
#[derive(Debug, Default)]
struct Tally {
    /// Requests that both allow.
    both: usize,
    /// Requests that only the source allows.
    lost: usize,
    /// Configurations, and those in which no request is lost.
    imports: usize,
    exact: usize,
    /// Configurations that the importer rejects with an error.
    refused: usize,
}

impl Tally {
    /// Prints the shares, and requires that they are not smaller.
    fn demand(&self, name: &str, exact_percent: usize, kept_percent: usize) {
        let exact = self.exact * 100 / self.imports.max(1);
        let kept = self.both * 100 / (self.both + self.lost).max(1);
        println!("{name}: {exact} % of imports exact, {kept} % of allowed requests kept: {self:?}");
        assert!(exact >= exact_percent, "{name}: {exact} % exact: {self:?}");
        assert!(kept >= kept_percent, "{name}: {kept} % kept: {self:?}");
    }
}

/// Returns one of the choices.
fn pick<T: Copy>(random: &mut fastrand::Rng, choices: &[T]) -> T {
    choices[random.usize(..choices.len())]
}
