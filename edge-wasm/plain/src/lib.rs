//! The gate as a WebAssembly module without imports, for any embedder.
//!
//! | export | does |
//! |---|---|
//! | `tollgate_buffer(length) -> address` | makes room for the next input; 0 if that is too much |
//! | `tollgate_load(length) -> status` | loads the policy image in the buffer: 0 loaded, 1 refused |
//! | `tollgate_trust(length, oldest) -> status` | takes the trust keys in the buffer, in `tollgate_gate::signed`: 0 taken, 1 refused. From here on images must be signed by one of them, and be of version `oldest` or later; 0 for any |
//! | `tollgate_version() -> version` | the loaded policy's version; 0 if it is not signed or there is none |
//! | `tollgate_step(length) -> place` | evaluates the request in the buffer, in `tollgate_gate::wire`: the outcome, and the fetches that it depends on |
//! | `tollgate_message() -> place` | why the last load, response or trust keys were rejected, or which keys of the last key set are skipped, UTF-8 |
//! | `tollgate_policy() -> place` | the loaded policy's content id, UTF-8; empty if none |
//! | `tollgate_due(now) -> place` | the fetches that are due although no request waits for them, in `tollgate_gate::wire`; empty if none |
//! | `tollgate_resume(ticket, status, length, now) -> status` | accepts the response to a fetch: its status, or 0 if there is none, and its body in the buffer. 0 accepted, 1 rejected and the keys as they were |
//!
//! A place is `address << 32 | length` and holds until the next call. The host writes input at the
//! address of the buffer, then calls with its length; a length that was not asked for is refused. One
//! load serves any number of decisions, and a refused load leaves the earlier policy in force. After a
//! trap the host must deny, drop the instance, and load again in a new one; tickets of the old one mean
//! nothing to the new one. Times are Unix seconds, `i64`.
//!
//! A host that wants signed images alone calls `tollgate_trust` before the first load in every instance.
//! Trust keys that are refused leave none: then no image loads until there are good ones. Each load raises
//! the oldest version that is taken; to go back, the host calls `tollgate_trust` again with an older one.
//!
//! Not here: imports. There is no clock, no log and no randomness to ask for, so nothing outside the
//! message can change an answer.

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

/// Makes room for `length` bytes of input and gives its address, or 0 if that is too much.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_buffer(length: usize) -> usize {
    MODULE.with_borrow_mut(|module| {
        module
            .reserve(length)
            .map_or(0, |room| room.as_mut_ptr().expose_provenance())
    })
}

/// Loads the policy image in the buffer: 0 if it is in force now, 1 if it was refused.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_load(length: usize) -> u32 {
    MODULE.with_borrow_mut(|module| u32::from(!module.load(length)))
}

/// Takes the trust keys in the buffer: 0 if they count now, 1 if they were refused.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_trust(length: usize, oldest: u64) -> u32 {
    MODULE.with_borrow_mut(|module| u32::from(!module.trust(length, oldest)))
}

/// Gives the loaded policy's version; 0 if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_version() -> u64 {
    MODULE.with_borrow_mut(|module| module.version())
}

/// Evaluates the request in the buffer and gives the place of the step.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_step(length: usize) -> u64 {
    MODULE.with_borrow_mut(|module| place(module.step(length)))
}

/// Gives the place of the reason why the last load was refused.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_message() -> u64 {
    MODULE.with_borrow_mut(|module| place(module.message()))
}

/// Gives the place of the loaded policy's content id.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_policy() -> u64 {
    MODULE.with_borrow_mut(|module| place(module.policy()))
}

/// Gives the place of the fetches that are due; empty if there are none.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_due(now: i64) -> u64 {
    MODULE.with_borrow_mut(|module| place(module.due(now)))
}

/// Accepts the response to a fetch, whose body is in the buffer: 0 if it is in use now, 1 if it was rejected.
#[unsafe(no_mangle)]
pub extern "C" fn tollgate_resume(ticket: u32, status: u32, length: usize, now: i64) -> u32 {
    MODULE.with_borrow_mut(|module| u32::from(!module.resume(ticket, status, length, now)))
}

/// `address << 32 | length`; both have 32 bits where this module runs.
fn place(bytes: &[u8]) -> u64 {
    (bytes.as_ptr().expose_provenance() as u64) << 32 | bytes.len() as u64
}
