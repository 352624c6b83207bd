//! Errors of key and token creation, all caused by invalid keys or claims from the caller.

use core::fmt;

/// The reason why nothing was minted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintError {
    /// The string is not a JSON object.
    NotAnObject,
    /// The value for this claim is not JSON.
    NotJson(Box<str>),
    /// The key lacks this member, or its value is invalid.
    BadMember(&'static str),
    /// The key has no `alg`, and its type allows more than one.
    NoAlgorithm,
    /// The algorithm is not one that can be minted.
    UnknownAlgorithm(Box<str>),
    /// The algorithm needs a different type of key.
    WrongKey(&'static str),
    /// The numbers of the key are inconsistent.
    BrokenKey,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the text is not a JSON object"),
            Self::NotJson(name) => write!(f, "the value of `{name}` is not JSON"),
            Self::BadMember(name) => {
                write!(f, "the private key has no valid `{name}`")
            }
            Self::NoAlgorithm => f.write_str("the private key has no `alg`"),
            Self::UnknownAlgorithm(name) => {
                write!(f, "`{name}` is not a supported signing algorithm")
            }
            Self::WrongKey(name) => write!(f, "{name} needs another kind of key"),
            Self::BrokenKey => f.write_str("the numbers of the private key are inconsistent"),
        }
    }
}

impl core::error::Error for MintError {}
