//! The executable specification: what Tollgate decides, said as plainly as Rust allows.
//!
//! It is written for reading, not for speed, and shares no code with the engine that runs at the
//! edge: the two are run on the same random policies and requests, and any difference is a bug in
//! one of them. Five files hold all of the meaning, in the order to read them: `token` (which claims
//! are taken once a signature is good), `path` (which request paths are refused), `pattern` (which
//! paths a pattern names), `condition` (what is true, false or unknown) and `decide` (what follows).
//! Decisions may not pass 300 lines and tokens 100; a test counts.
//!
//! Not here: policy text, the form of tokens and their signatures, HTTP. [`model`] is data only, [`generate`]
//! makes random cases, [`features`] tells what is in them, and [`render`] writes a policy as an author
//! would.

mod condition;
mod decide;
pub mod features;
pub mod generate;
pub mod model;
mod path;
mod pattern;
pub mod render;
mod token;

pub use decide::decide;
pub use token::judge;
