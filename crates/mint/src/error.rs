//! Errors of key and token creation, all caused by invalid keys or claims from the caller.

use core::fmt;

/// Why nothing was minted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintError {
    /// The text is not a JSON object.
    NotAnObject,
    /// The value given for this claim is not JSON.
    NotJson(Box<str>),
    /// The key lacks this member, or it is not what it must be.
    BadMember(&'static str),
    /// The key has neither an `alg`, nor a kind that leaves only one.
    NoAlgorithm,
    /// The algorithm is none of those that can be minted.
    UnknownAlgorithm(Box<str>),
    /// The algorithm needs another kind of key.
    WrongKey(&'static str),
    /// The numbers of the key do not make a working key.
    BrokenKey,
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnObject => f.write_str("the text is not a JSON object"),
            Self::NotJson(name) => write!(f, "the value of `{name}` is not JSON"),
            Self::BadMember(name) => {
                write!(
                    f,
                    "the private key has no `{name}`, or one that cannot be used"
                )
            }
            Self::NoAlgorithm => f.write_str("the private key does not say its `alg`"),
            Self::UnknownAlgorithm(name) => write!(f, "`{name}` is no algorithm to sign with"),
            Self::WrongKey(name) => write!(f, "{name} needs another kind of key"),
            Self::BrokenKey => f.write_str("the numbers of the private key do not fit together"),
        }
    }
}

impl core::error::Error for MintError {}
