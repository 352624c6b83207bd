//! Declared claims and their types.
//!
//! Not here: the values of claims, which are [facts](crate::facts).

/// The declared type of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ClaimKind {
    /// `"string"`
    String = 0,
    /// `"int"`
    Int = 1,
    /// `"bool"`
    Bool = 2,
    /// `"string[]"`
    StringList = 3,
}

impl ClaimKind {
    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::String, Self::Int, Self::Bool, Self::StringList]
            .get(usize::from(number))
            .copied()
    }
}

/// One declared claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimDecl<'a> {
    /// Its number.
    pub slot: u16,
    /// Its name in the token.
    pub name: &'a str,
    /// Its declared type.
    pub kind: ClaimKind,
}
