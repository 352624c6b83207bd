//! Generates random policies and requests, reproducibly for a seed.
//!
//! Names are few, so that rules and requests often match. Requests are built from the patterns of
//! the policy and then altered, so that near misses are as frequent as matches. Only policies that
//! the compiler accepts are generated. Not here: the decisions.

mod condition;
mod names;
mod pattern;
mod policy;
mod request;
mod target;

use crate::model::{Policy, Request};

/// The Unix time that all random times are close to: 2027-01-15T08:00:00Z.
pub const NOW: i64 = 1_800_000_000;

/// Generates policies and requests.
#[derive(Clone, Debug)]
pub struct Generator {
    random: Random,
}

impl Generator {
    /// A generator with this seed.
    ///
    /// # Example
    /// ```
    /// use tollgate_spec::generate::Generator;
    /// assert_eq!(Generator::new(7).policy(), Generator::new(7).policy());
    /// assert_ne!(Generator::new(7).policy(), Generator::new(8).policy());
    /// ```
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, Vec::new()),
        }
    }

    /// A generator whose first choices are these bytes, one or two per choice, and whose other
    /// choices are constant. A change of one byte changes one choice, which suits a fuzzer.
    ///
    /// # Example
    /// ```
    /// use tollgate_spec::generate::Generator;
    /// let policy = |bytes: &[u8]| Generator::from_bytes(bytes).policy();
    /// assert_eq!(policy(&[1, 2, 3]), policy(&[1, 2, 3]));
    /// assert_ne!(policy(&[1, 2, 3]), policy(&[99, 2, 3]));
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            random: Random::new(0, bytes.to_vec()),
        }
    }

    /// The next policy.
    pub fn policy(&mut self) -> Policy {
        policy::policy(&mut self.random)
    }

    /// The next request related to `policy`.
    pub fn request(&mut self, policy: &Policy) -> Request {
        request::request(&mut self.random, policy)
    }
}

/// The source of choices.
#[derive(Clone, Debug)]
struct Random {
    /// Choices from outside, which are used first.
    given: std::vec::IntoIter<u8>,
    rng: fastrand::Rng,
}

impl Random {
    fn new(seed: u64, given: Vec<u8>) -> Self {
        Self {
            given: given.into_iter(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// A number below `end`, which is above zero.
    fn below(&mut self, end: usize) -> usize {
        let end = end.max(1);
        let Some(low) = self.given.next() else {
            return self.rng.usize(..end);
        };
        let high = if end > 256 { self.given.next() } else { None };
        usize::from(u16::from_le_bytes([low, high.unwrap_or(0)])) % end
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        self.rng.shuffle(items);
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn either<T>(&mut self, percent: usize, this: T, that: T) -> T {
        if self.percent(percent) { this } else { that }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a choice among nothing is a defect of the caller"
    )]
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Up to `at_most` different members of `from`, at least one, in its order.
    fn some<T: Copy>(&mut self, from: &[T], at_most: usize) -> Vec<T> {
        let mut left = 1 + self.below(at_most.min(from.len()));
        let mut some = Vec::new();
        for (at, item) in from.iter().enumerate() {
            if self.below(from.len() - at) < left {
                some.push(*item);
                left -= 1;
            }
        }
        some
    }
}
