//! The compiler: policy text in, findings and a policy image out.
//!
//! [`SourceTree`] holds the files of a policy, [`compile`] checks them all and makes the image that
//! edges load, and [`diagnostic`] says what is wrong, where, and what to do. [`schema`] gives editors
//! the same knowledge. The one input and output is [`SourceTree::read`].
//!
//! Not here: deciding (`tollgate-core` reads the image), tests that authors write, and terminals.
//! Never at an edge: an edge gets bytes.

#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod limits;
pub mod schema;
pub mod time;

mod claims;
mod compile;
mod condition;
mod course;
mod cure;
mod document;
mod keys;
mod names;
mod options;
mod place;
mod rule;
mod site;
mod source;
mod spanned;

pub use compile::{Compiled, RuleLocation, compile};
pub use diagnostic::{Diagnostic, Severity};
pub use document::syntax_errors;
pub use names::skeleton_of;
pub use options::CompileOptions;
pub use place::{place_of_issuer, place_of_table};
pub use site::{SessionReads, Suppression};
pub use source::directory::{Directory, EntryName, Node};
pub use source::{COURSES_FOLDER, SITE_FILE, SourceTree, TEST_SUFFIX};
