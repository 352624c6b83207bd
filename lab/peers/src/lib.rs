//! Comparisons of Tollgate with other engines and libraries in one program, `peers`, which is built only
//! with the feature `peers`.
//!
//! It checks that Cedar accepts a policy's export and decides as the core does, measures how long policy
//! engines and token libraries take for the same requests, and writes a page with charts of the results. Not
//! here: Tollgate's own targets.
//!
//! The program `signatures`, with its own feature, measures the cost of one signature verification in the
//! libraries that could have been chosen.

#![forbid(unsafe_code)]

#[cfg(feature = "signatures")]
pub mod signatures;
