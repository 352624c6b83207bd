//! Reason codes for decisions, stable across targets and releases.
//!
//! Not here: HTTP statuses, which belong to the gate.

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixSeconds(pub i64);

/// The effect of a matching rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Allows the request unless a deny matches.
    Allow,
    /// Denies the request whatever else matches.
    Deny,
}

/// The reason of a decision. The codes are a contract: they appear in logs and conformance cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// A rule allows it and none denies it.
    Allow = 0,
    /// A token could grant access, and the request has none.
    NoToken = 1,
    /// A token could grant access, and the one in the request is invalid.
    BadToken = 2,
    /// No rule allows it.
    Forbidden = 3,
    /// A deny rule matches.
    DeniedByRule = 4,
    /// The path is not canonical.
    BadPath = 5,
    /// The request would be allowed with another method.
    BadMethod = 6,
    /// An internal error; denied for safety.
    Internal = 7,
}

impl Reason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Allow,
        Self::NoToken,
        Self::BadToken,
        Self::Forbidden,
        Self::DeniedByRule,
        Self::BadPath,
        Self::BadMethod,
        Self::Internal,
    ];

    /// The stable code, as used in logs and conformance cases.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::NoToken => "no_token",
            Self::BadToken => "bad_token",
            Self::Forbidden => "forbidden",
            Self::DeniedByRule => "denied_by_rule",
            Self::BadPath => "bad_path",
            Self::BadMethod => "bad_method",
            Self::Internal => "internal",
        }
    }

    /// The reason with this number on the wire.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn a_reason_is_its_number() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_number(reason as u8), Some(reason));
        }
        assert_eq!(Reason::from_number(Reason::ALL.len() as u8), None);
    }
}
