//! Tools for policy authors: new sites, test coverage, mutation testing, lints, formatting, and pinning of keys.
//!
//! Works on compiled policies and evaluates requests with the gate; nothing here decides by itself.
//! Not here: terminals and arguments (the command), and questions about all requests at once (the
//! analysis).

#![forbid(unsafe_code)]

pub mod annotate;
pub mod coverage;
pub mod fix;
pub mod format;
pub mod lint;
pub mod locate;
pub mod mutate;
mod neighbours;
pub mod pin;
pub mod policy_gate;
pub mod probe;
pub mod report;
pub mod starter;
pub mod suggest;
pub mod suite;
pub mod syntax;
pub mod test_keys;
