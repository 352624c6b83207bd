//! The executable specification of Tollgate's decisions, written as simply as possible.
//!
//! It is written for readability, not for speed, and shares no code with the engine of the edges.
//! Both are run on the same random policies and requests, and any difference is a bug in one of
//! them. Five files define all semantics; read them in this order: `token` (accepted claims of a
//! token with a valid signature), `path` (rejected request paths), `pattern` (paths that a pattern
//! matches), `condition` (true, false or unknown) and `decide` (the decision). A test limits their
//! length.
//!
//! Not here: policy text, the encoding and signatures of tokens, HTTP. [`model`] is data only,
//! [`generate`] creates random cases, [`features`] lists their features, and [`render`] writes a
//! policy as an author would.

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
pub use token::validate;
