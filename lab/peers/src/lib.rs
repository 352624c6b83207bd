//! Holds Tollgate against others in one program, `peers`, which is built with the feature `peers` and by
//! nobody who does not ask for it.
//!
//! Whether Cedar accepts a policy's export and decides as the core does; how long policy engines and token
//! libraries take for the same questions; and a page with charts of that. Not here: Tollgate's own targets.
//!
//! `signatures`, behind a feature of its own: what one signature costs in the libraries that could have been
//! chosen.

#![forbid(unsafe_code)]

#[cfg(feature = "signatures")]
pub mod signatures;
