//! Imports and exports policies.
//!
//! [`import`] converts the settings of other tools to a policy directory that never allows more
//! than they do; [`cedar`] converts a policy to one that Cedar decides identically. Settings that
//! cannot be converted are reported, never guessed. Not here: files and terminals.

#![forbid(unsafe_code)]

pub mod cedar;
pub mod import;
