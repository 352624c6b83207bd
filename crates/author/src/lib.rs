//! For policy authors: what their tests cover and miss, what their rules should be warned about, and how
//! their files are laid out.
//!
//! Everything here works on checked policies and asks the evaluator that decides requests; nothing here
//! decides by itself. Not here: terminals and arguments, which are the command's, and questions about all
//! requests at once, which are the analysis's.

#![forbid(unsafe_code)]

pub mod coverage;
pub mod format;
pub mod judge;
pub mod lint;
pub mod locate;
pub mod mutate;
pub mod probe;
pub mod report;
pub mod suggest;
pub mod suite;
pub mod words;
