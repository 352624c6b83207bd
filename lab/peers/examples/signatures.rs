//! The module that `rs256.mjs` times in Node: one signature, verified by the library with a given number.
//!
//! The caller gets a buffer from `room`, writes the parts of a [`Signed`] there, calls `prepare` with the
//! number of a library, and then calls `verify` with a count any number of times.

#![expect(
    unsafe_code,
    reason = "exported names are unsafe attributes; nothing here is unsafe but they"
)]

use std::cell::RefCell;

use tollgate_peers::signatures::{Check, LIBRARIES, Signed};

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static READY: RefCell<Option<Check>> = const { RefCell::new(None) };
}

/// Returns a buffer of this many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    INPUT.with_borrow_mut(|input| {
        *input = vec![0; bytes];
        input.as_mut_ptr()
    })
}

/// Prepares the key in the buffer with the library with this number: 1, or 0 if it rejects the key.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(library: usize) -> u32 {
    let ready = LIBRARIES.get(library).and_then(|(.., prepare)| {
        INPUT.with_borrow(|input| Signed::from_parts(input).and_then(|signed| prepare(&signed)))
    });
    let good = ready.is_some();
    READY.set(ready);
    u32::from(good)
}

/// Returns how many of `count` verifications accepted the signature.
#[unsafe(no_mangle)]
pub extern "C" fn verify(rounds: u32) -> u32 {
    READY.with_borrow(|ready| match ready {
        Some(check) => (0..rounds).map(|_| u32::from(check())).sum(),
        None => 0,
    })
}
