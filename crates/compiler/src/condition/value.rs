//! Parts of a condition whose types are known.
//!
//! Not here: operators on them.

use tollgate_core::ClaimKind;

use tollgate_policy::spec::{Expr, Network};

/// A lowered part. Only the first five kinds can be parts of an [`Expr`]; the others are consumed by
/// the operator or function next to them.
#[derive(Debug)]
pub(super) enum Value {
    Bool(Expr),
    Str(Expr),
    Int(Expr),
    Time(Expr),
    Ip(Expr),
    /// Seconds.
    Duration(i64),
    Network(Network),
    Strings(Vec<String>),
    Ints(Vec<i64>),
    /// The slot of a `string[]` claim.
    ClaimList(u16),
    Groups,
    Claims,
    Path,
}

impl Value {
    /// A claim of a declared kind.
    pub(super) fn claim(slot: u16, kind: ClaimKind) -> Self {
        match kind {
            ClaimKind::String => Self::Str(Expr::Claim(slot)),
            ClaimKind::Int => Self::Int(Expr::Claim(slot)),
            ClaimKind::Bool => Self::Bool(Expr::Claim(slot)),
            ClaimKind::StringList => Self::ClaimList(slot),
        }
    }

    /// Its description for messages, with its article.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a bool",
            Self::Str(_) => "a string",
            Self::Int(_) => "an int",
            Self::Time(_) => "a timestamp",
            Self::Ip(_) => "an address",
            Self::Duration(_) => "a duration",
            Self::Network(_) => "a network",
            Self::Strings(_) => "a list of strings",
            Self::Ints(_) => "a list of ints",
            Self::ClaimList(_) => "a list of strings from the token",
            Self::Groups => "the set of groups",
            Self::Claims => "all claims together",
            Self::Path => "all captures together",
        }
    }
}
