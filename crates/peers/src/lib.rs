//! Holds Tollgate against other policy engines, one program a peer, each behind a feature of its name, so
//! that nobody builds a peer who does not ask for it.
//!
//! `cedar`: the export of a policy is accepted by Cedar's validator and decides as the core does. Not here:
//! how fast they are.
//!
//! `signatures`: what one signature costs in the libraries that could have been chosen.

#![forbid(unsafe_code)]

#[cfg(feature = "signatures")]
pub mod signatures;
