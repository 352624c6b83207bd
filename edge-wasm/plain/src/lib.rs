//! The gate as a WebAssembly module without imports, for any embedder.
//!
//! | export | does |
//! |---|---|
//! | `tollgate_buffer(length) -> address` | allocates the buffer for the next input; 0 if it is too large |
//! | `tollgate_load(length) -> status` | loads the policy image in the buffer: 0 loaded, 1 rejected |
//! | `tollgate_trust(length, oldest) -> status` | sets the trust keys in the buffer, in `tollgate_gate::signed`: 0 accepted, 1 rejected. From now on images must be signed by one of them, and have version `oldest` or later; 0 for any |
//! | `tollgate_version() -> version` | the loaded policy's version; 0 if it is not signed or none is loaded |
//! | `tollgate_step(length) -> location` | evaluates the request in the buffer, in `tollgate_gate::wire`: the outcome, and the fetches that it depends on |
//! | `tollgate_message() -> location` | why the last load, response or trust keys were rejected, or which keys of the last key set are skipped, UTF-8 |
//! | `tollgate_policy() -> location` | the loaded policy's content id, UTF-8; empty if none is loaded |
//! | `tollgate_due(now) -> location` | the fetches that are due although no request waits for them, in `tollgate_gate::wire`; empty if there are none |
//! | `tollgate_resume(ticket, status, length, now) -> status` | accepts the response to a fetch: its status, or 0 if there was none, and its body in the buffer. 0 accepted, 1 rejected; the current keys then stay in use |
//!
//! A location is `address << 32 | length` and is valid until the next call. The host writes an input to the
//! address of the buffer, then makes a call with its length; a length other than that of the buffer is rejected.
//! A policy is loaded once for any number of decisions, and a rejected load leaves the earlier policy in use.
//! After a trap the host must deny, drop the instance, and load the policy in a new one; tickets are valid only
//! in the instance that issued them. Times are Unix seconds, `i64`.
//!
//! A host that requires signed images calls `tollgate_trust` before the first load in every instance. After
//! trust keys were rejected, no image loads until valid ones are set. Each load raises the oldest accepted
//! version; to roll back, the host calls `tollgate_trust` again with an older one.
//!
//! Not here: imports. The module has no clock, log or randomness, so an outcome depends only on the message and
//! the loaded policy.

#![expect(
    unsafe_code,
    reason = "exported names need `#[unsafe(no_mangle)]`; no block is unsafe"
)]

mod module;

use core::cell::RefCell;

use module::Module;

thread_local! {
    static MODULE: RefCell<Module> = const { RefCell::new(Module::EMPTY) };
}

/// Allocates a buffer for `length` bytes of input and returns its address, or 0 if that is too large.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_buffer(length: usize) -> usize {
    MODULE.with_borrow_mut(|module| {
        module
            .reserve(length)
            .map_or(0, |room| room.as_mut_ptr().expose_provenance())
    })
}

/// Loads the policy image in the buffer: 0 if it is in use now, 1 if it was rejected.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_load(length: usize) -> u32 {
    MODULE.with_borrow_mut(|module| u32::from(!module.load(length)))
}

/// Sets the trust keys in the buffer: 0 if they are in use now, 1 if they were rejected.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_trust(length: usize, oldest: u64) -> u32 {
    MODULE.with_borrow_mut(|module| u32::from(!module.trust(length, oldest)))
}

/// Returns the loaded policy's version; 0 if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_version() -> u64 {
    MODULE.with_borrow_mut(|module| module.version())
}

/// Evaluates the request in the buffer and returns the location of the step.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_step(length: usize) -> u64 {
    MODULE.with_borrow_mut(|module| place(module.step(length)))
}

/// Returns the location of the reason why the last load was rejected.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_message() -> u64 {
    MODULE.with_borrow_mut(|module| place(module.message()))
}

/// Returns the location of the loaded policy's content id.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_policy() -> u64 {
    MODULE.with_borrow_mut(|module| place(module.policy()))
}

/// Returns the location of the fetches that are due; empty if there are none.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_due(now: i64) -> u64 {
    MODULE.with_borrow_mut(|module| place(module.due(now)))
}

/// Accepts the response to a fetch, whose body is in the buffer: 0 if it is in use now, 1 if it was rejected.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_resume(ticket: u32, status: u32, length: usize, now: i64) -> u32 {
    MODULE.with_borrow_mut(|module| u32::from(!module.resume(ticket, status, length, now)))
}

/// Returns `address << 32 | length`; both have 32 bits where this module runs.
fn place(bytes: &[u8]) -> u64 {
    (bytes.as_ptr().expose_provenance() as u64) << 32 | bytes.len() as u64
}
