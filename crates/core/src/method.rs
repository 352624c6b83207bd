//! Sets of HTTP methods, as bits.
//!
//! Not here: the meaning of a method. Method names are case-sensitive (RFC 9110 §9.1).

use core::ops::BitOr;

/// A set of the methods a policy can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct MethodSet(u8);

const NAMES: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl MethodSet {
    /// No method.
    pub const EMPTY: Self = Self(0);
    /// `GET` and `HEAD`, the methods of a rule that has no `methods`.
    pub const READ: Self = Self(0b11);
    /// Every method a policy can name.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);

    /// The set of just the method with this exact name, if a policy can name it.
    pub fn from_name(name: &str) -> Option<Self> {
        // A `match` compares the length first, and then a few whole words.
        let at = match name {
            "GET" => 0,
            "HEAD" => 1,
            "POST" => 2,
            "PUT" => 3,
            "PATCH" => 4,
            "DELETE" => 5,
            "OPTIONS" => 6,
            _ => return None,
        };
        Some(Self(1 << at))
    }

    /// The set with these bits; `None` if a bit is not a method.
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & !Self::ALL.0 == 0).then_some(Self(bits))
    }

    /// The bits, as stored in an image.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether every method of `other` is in this set. The empty set is in no set.
    pub const fn contains(self, other: Self) -> bool {
        other.0 != 0 && self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names in the set, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let bits = self.0;
        NAMES
            .iter()
            .enumerate()
            .filter(move |(at, _)| bits & (1 << at) != 0)
            .map(|(_, name)| *name)
    }
}

impl BitOr for MethodSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_bits_of_their_positions() {
        for (at, name) in NAMES.iter().enumerate() {
            assert_eq!(MethodSet::from_name(name), Some(MethodSet(1 << at)));
        }
        for name in ["", "get", "GETS", "TRACE", "PURGE"] {
            assert_eq!(MethodSet::from_name(name), None);
        }
    }
}
