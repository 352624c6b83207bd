//! Policies from the settings of other tools.
//!
//! An imported policy never allows a request that its source denies. Settings that no rule can
//! express, and settings that are not understood, become denials, each with a note. Not here:
//! reading and writing files.

mod cloudfront;
mod condition;
mod document;
mod draft;
mod error;
mod except;
mod ids;
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
    /// The settings that were not carried over, one per line. The files contain these lines as
    /// comments.
    pub notes: Vec<String>,
    /// The steps for an operator before users can sign in, one per line. The files contain them,
    /// too.
    pub warnings: Vec<String>,
}

#[cfg(test)]
mod tests;
