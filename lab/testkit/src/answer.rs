//! The actual result of an engine, and the result that a case expects.
//!
//! The codes are those of every target's log records. Not here: how engines derive them.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// The error for a string that is not a known outcome or reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a known outcome or reason")
    }
}

impl core::error::Error for UnknownWord {}

/// Declares an enum whose variants have stable codes.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

words! {
    /// The effect on the request.
    Outcome {
        /// Forwarded to the origin.
        Allow = "allow",
        /// Denied at the edge.
        Deny = "deny",
        /// Denied at the edge: different readers would interpret its path differently.
        Reject = "reject",
        /// Served by the gate itself: the session endpoint, or a preflight.
        Serve = "serve",
    }
}

words! {
    /// The reason.
    Reason {
        /// A rule allows it and none denies it.
        Allow = "allow",
        /// A token could help, and there is none.
        NoToken = "no_token",
        /// A token could help, and the given one is invalid.
        BadToken = "bad_token",
        /// No rule allows it.
        Forbidden = "forbidden",
        /// A deny rule matches.
        DeniedByRule = "denied_by_rule",
        /// The path is rejected.
        BadPath = "bad_path",
        /// Only the method prevents access.
        BadMethod = "bad_method",
        /// An internal failure.
        Internal = "internal",
    }
}

/// The response to a request that is not forwarded to the origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Header fields by lower-case name, except cookies.
    pub headers: BTreeMap<String, String>,
    /// The body as a string.
    pub body: String,
}

impl Sent {
    /// Creates a response from header fields, as they are sent, and a body.
    pub fn new(
        headers: impl IntoIterator<Item = (String, String)>,
        body: impl Into<String>,
    ) -> Self {
        let headers = headers.into_iter();
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value));
        Self {
            headers: headers.filter(|(name, _)| name != "set-cookie").collect(),
            body: body.into(),
        }
    }
}

/// The result of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The effect on the request.
    pub outcome: Outcome,
    /// The HTTP status; 200 for a forwarded request.
    pub status: u16,
    /// The reason.
    pub reason: Reason,
    /// The detail code, as in log records.
    #[serde(default)]
    pub detail: Option<String>,
    /// `course/id` of the rule that decided.
    #[serde(default)]
    pub rule: Option<String>,
    /// The ID of the policy image that decided.
    #[serde(default)]
    pub policy: Option<String>,
    /// The response to the client, if the request is not forwarded and the engine reports it.
    #[serde(default)]
    pub response: Option<Sent>,
}

impl Answer {
    /// Creates a result without detail, rule and policy.
    pub fn new(outcome: Outcome, status: u16, reason: Reason) -> Self {
        Self {
            outcome,
            status,
            reason,
            detail: None,
            rule: None,
            policy: None,
            response: None,
        }
    }
}

/// The result that a case expects. Only members that are set are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The effect on the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The detail code; `Some(None)`, in JSON `null`, expects none.
    #[serde(
        default,
        deserialize_with = "even_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub detail: Option<Option<String>>,
    /// The rule that decided; `Some(None)`, in JSON `null`, expects none.
    #[serde(
        default,
        deserialize_with = "even_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub rule: Option<Option<String>>,
    /// The ID of the policy image; `Some(None)`, in JSON `null`, expects none.
    #[serde(
        default,
        deserialize_with = "even_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub policy: Option<Option<String>>,
    /// The response to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ExpectSent>,
}

/// The response that a case expects. Only members that are set are compared, and only if the engine reports
/// its responses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectSent {
    /// Header fields by lower-case name; JSON `null` expects that the field is absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// Deserialises a key that is present, so that `null` is distinguished from its absence.
fn even_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}
