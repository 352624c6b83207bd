//! An allocator that counts allocations and peak memory, for programs and tests that report them.
//!
//! Install it as the global allocator to get counts; otherwise every count is 0.

#![expect(unsafe_code, reason = "an allocator that counts is an allocator")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Currently allocated bytes, and the peak since the last reset. Memory that one thread allocates and
    /// another frees is counted on both, so the current value can be negative.
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counting the calls of each thread.
pub struct Counting;

fn count() {
    // A thread that is ending no longer has a counter, and decides nothing.
    _ = ALLOCATIONS.try_with(|counter| counter.set(counter.get() + 1));
}

/// Blocks are smaller than half of the address space.
fn grow(more: usize, less: usize) {
    let live = LIVE.try_with(|live| {
        live.set(live.get() + more as i64 - less as i64);
        live.get()
    });
    if let Ok(live) = live {
        _ = PEAK.try_with(|peak| peak.set(peak.get().max(live)));
    }
}

// SAFETY: every call is forwarded unchanged to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        grow(layout.size(), 0);
        // SAFETY: the caller's guarantees are those that `System` requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        grow(size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        grow(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Returns the number of allocations that `work` makes on this thread. Its result is dropped uncounted.
pub fn allocations<T>(work: impl FnOnce() -> T) -> u64 {
    let before = ALLOCATIONS.get();
    let done = work();
    let made = ALLOCATIONS.get() - before;
    drop(done);
    made
}

/// Returns the result of `work`, and its peak memory in bytes on this thread.
pub fn peak_bytes<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = LIVE.get();
    PEAK.set(before);
    let done = work();
    let most = PEAK.get() - before;
    (done, u64::try_from(most).unwrap_or_default())
}
