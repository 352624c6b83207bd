//! The stack of a condition's program: of types while it is checked, of values while it is evaluated.
//!
//! Not here: the instructions.

use super::format::MAX_STACK;

/// A stack of at most [`MAX_STACK`] values.
pub(crate) struct Stack<T> {
    cells: [T; MAX_STACK],
    depth: usize,
}

impl<T: Copy> Stack<T> {
    /// An empty stack. `filler` is never read.
    pub(crate) fn new(filler: T) -> Self {
        Self {
            cells: [filler; MAX_STACK],
            depth: 0,
        }
    }

    /// Adds a value; `None` if the stack is full.
    pub(crate) fn push(&mut self, value: T) -> Option<()> {
        *self.cells.get_mut(self.depth)? = value;
        self.depth += 1;
        Some(())
    }

    /// Removes the latest value; `None` if the stack is empty.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.depth = self.depth.checked_sub(1)?;
        self.cells.get(self.depth).copied()
    }

    /// Whether no value is on the stack.
    pub(crate) fn is_empty(&self) -> bool {
        self.depth == 0
    }
}
