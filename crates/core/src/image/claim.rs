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
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::String, Self::Int, Self::Bool, Self::StringList];
    /// The names of [`ALL`](Self::ALL).
    pub const NAMES: [&'static str; 4] = [
        Self::String.name(),
        Self::Int.name(),
        Self::Bool.name(),
        Self::StringList.name(),
    ];

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name in policy text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::StringList => "string[]",
        }
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
