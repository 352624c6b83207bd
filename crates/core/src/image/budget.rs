//! A bound on the time that validating an image takes.
//!
//! Not here: what is looked at (`validate`, `program`).

/// Members of sets, words of conditions and edges that checking may look at for each byte of an image. Rules may
/// share them, so without a limit an image could ask for the square of its size. Rules of 64 groups, 64 scopes,
/// 64 subjects and two long conditions, all shared, ask for about half of this.
const LOOKS_PER_BYTE: u64 = 64;

/// How much may still be looked at.
pub(super) struct Budget(u64);

impl Budget {
    /// The budget for an image of this size.
    pub(super) fn new(image_bytes: usize) -> Self {
        Self(LOOKS_PER_BYTE * image_bytes as u64)
    }

    /// Takes `count` looks; none is left if that is too many.
    pub(super) fn spend(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.checked_sub(count as u64)?;
        Some(())
    }
}
