//! Policies from the settings of other tools.
//!
//! An imported policy never allows a request that its source denies. What the source says and no rule can
//! say, and what is not understood, is denied, and a note names it. Not here: reading and writing files.

mod cloudfront;
mod condition;
mod document;
mod draft;
mod error;
mod except;
mod issuer;
mod oathkeeper;
mod sequence;
mod shape;
mod snippet;
mod write;

pub use cloudfront::cloudfront;
pub use error::ImportError;
pub use issuer::KeySet;
pub use oathkeeper::{Matching, Oathkeeper, oathkeeper};
pub use snippet::{Settings, settings, snippet};

/// An imported policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Names and texts of its files.
    pub files: Vec<(String, String)>,
    /// What was not carried over, one line each. The files contain these lines as comments.
    pub notes: Vec<String>,
    /// What an operator must do before users can sign in, one line each. The files contain them, too.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests;
