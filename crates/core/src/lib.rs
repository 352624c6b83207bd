//! The decision: may a request with these facts access this path?
//!
//! A request path is checked by [`PathScratch::parse`], a compiled policy is read by
//! [`Image::from_bytes`], the contents of a verified token are [`Facts`], and [`decide`] returns the [`Decision`].
//! Nothing is allocated while deciding, evaluation time is bounded by the image, and the result is deny in any doubt.
//!
//! Not here: HTTP, tokens and their signatures, JSON, clocks, policy text. Those are in
//! `tollgate-gate`, `tollgate-token` and `tollgate-compiler`.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod decide;
pub mod facts;
pub mod glob;
pub mod image;
pub mod method;
pub mod path;
pub mod reason;

mod tri;
mod words;

pub use decide::{Decision, Query, TokenState, decide, decide_traced};
pub use facts::{Claim, Facts, FactsBuilder};
pub use image::{ClaimKind, Image, ImageError, ImageId, RuleId};
pub use method::MethodSet;
pub use path::{Path, PathError, PathFault, PathOptions, PathReader, PathScratch};
pub use reason::{Effect, Reason, UnixSeconds};
pub use tri::Tri;
