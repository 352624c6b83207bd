//! A bound on the time that validating an image takes.
//!
//! Not here: the checks themselves (`validate`, `program`).

/// Members of sets, words of conditions and edges that validation may look at per byte of an image. Rules may
/// share them, so without a limit the cost could grow with the square of the size. Rules of 64 groups,
/// 64 scopes, 64 subjects and two long conditions, all shared, need about half of this.
const LOOKS_PER_BYTE: u64 = 64;

/// The number of items that may still be looked at.
pub(super) struct Budget(u64);

impl Budget {
    /// The budget for an image of this size.
    pub(super) fn new(image_bytes: usize) -> Self {
        Self(LOOKS_PER_BYTE * image_bytes as u64)
    }

    /// The number of items that may still be looked at.
    pub(super) fn left(&self) -> u64 {
        self.0
    }

    /// Subtracts what an equal check took; `None` if the budget is exceeded.
    pub(super) fn spend_again(&mut self, cost: u64) -> Option<()> {
        self.0 = self.0.checked_sub(cost)?;
        Some(())
    }

    /// Subtracts `count`; `None` if the budget is exceeded.
    pub(super) fn spend(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.checked_sub(count as u64)?;
        Some(())
    }
}
