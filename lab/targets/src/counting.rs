//! An allocator that counts allocations and peak memory, for programs and tests that report them.
//!
//! Install it as the global allocator to get counts; otherwise every count is 0.

#![expect(unsafe_code, reason = "an allocator that counts is an allocator")]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that are allocated now, and the most since the last look. What one thread allocates and another
    /// frees is counted at both, so the first may fall below zero.
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread asks it for.
pub struct Counting;

fn count() {
    // A thread that is ending has no counter any more, and decides nothing.
    _ = ALLOCATIONS.try_with(|counter| counter.set(counter.get() + 1));
}

/// Sizes of blocks are below half of the address space.
fn grow(more: usize, less: usize) {
    let live = LIVE.try_with(|live| {
        live.set(live.get() + more as i64 - less as i64);
        live.get()
    });
    if let Ok(live) = live {
        _ = PEAK.try_with(|peak| peak.set(peak.get().max(live)));
    }
}

// SAFETY: every call goes on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        grow(layout.size(), 0);
        // SAFETY: the caller's promises are those that `System` asks for.
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

/// How many allocations `work` makes on this thread. What it returns is dropped uncounted.
pub fn allocations<T>(work: impl FnOnce() -> T) -> u64 {
    let before = ALLOCATIONS.get();
    let done = work();
    let made = ALLOCATIONS.get() - before;
    drop(done);
    made
}

/// What `work` returns, and the most bytes that it has allocated on this thread at any time.
pub fn peak_bytes<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = LIVE.get();
    PEAK.set(before);
    let done = work();
    let most = PEAK.get() - before;
    (done, u64::try_from(most).unwrap_or_default())
}
