//! Policy folders from settings that people have.
//!
//! What is made never lets in anybody whom the source would not have let in. What the source says and a
//! policy cannot, or not yet, stays closed and stands in the file as a comment. Not here: writing files.

mod cloudfront;
mod condition;
mod except;
mod oathkeeper;
mod sequence;
mod shape;
mod snippet;
mod write;

use core::fmt;

pub use cloudfront::cloudfront;
pub use oathkeeper::oathkeeper;
pub use snippet::{Settings, settings, snippet};

/// A policy folder that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Names and texts of its files.
    pub files: Vec<(String, String)>,
    /// What could not be carried over, one line each. It stands in the files as well.
    pub notes: Vec<String>,
}

/// Why nothing could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// Not the format that was named; what the reader of the format says.
    Format(String),
    /// The source does not say something that a policy must.
    Missing(&'static str),
    /// The source says something that it cannot mean.
    Unusable {
        /// What it is.
        what: &'static str,
        /// What stands there.
        value: String,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(problem) => write!(f, "the source cannot be read: {problem}"),
            Self::Missing(what) => write!(f, "the source does not say {what}"),
            Self::Unusable { what, value } => write!(f, "`{value}` is no {what}"),
        }
    }
}

impl core::error::Error for ImportError {}

#[cfg(test)]
mod tests;
