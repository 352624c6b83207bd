//! The compiler: policy text in, diagnostics and a policy image out.
//!
//! [`SourceTree`] holds the files of a policy, [`compile`] checks them all and generates the image
//! that edges load, [`preview`] does so for commands that only read the policy and may lack its secrets, and [`diagnostic`] describes each problem, its location and the remedy. [`schema`] provides
//! the same rules to editors, and [`reference`](mod@reference) to readers. The only IO is [`SourceTree::read`].
//!
//! Not here: decisions (`tollgate-edge-core` reads the image), tests that authors write, and terminals.
//! No edge contains the compiler: an edge loads an image.

#![forbid(unsafe_code)]

pub mod diagnostic;
pub mod edit;
pub mod limits;
pub mod reference;
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
mod preview;
pub mod publish;
mod rule;
mod site;
mod source;
mod spanned;

pub use compile::{Compiled, RuleLocation, compile};
pub use diagnostic::{Diagnostic, Severity};
pub use document::syntax_errors;
pub use keys::spelling;
pub use names::skeleton_of;
pub use options::CompileOptions;
pub use place::{place_of_issuer, place_of_table, place_of_value};
pub use preview::{Missing, Preview, preview};
pub use site::{SessionReads, Suppression};
pub use source::directory::{Directory, EntryName, Node};
pub use source::{COURSES_FOLDER, PUBLISH_FILE, SITE_FILE, SourceTree, TEST_SUFFIX};
