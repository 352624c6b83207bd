//! The actual result of an engine, and the result that a case expects.
//!
//! The codes are those of every target's log records. Not here: how engines derive them.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// A word that stands for no known outcome or reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord;

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a known outcome or reason")
    }
}

impl core::error::Error for UnknownWord {}

/// Declares an enum whose variants are stable words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The stable word for it.
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
    /// What happens to the request.
    Outcome {
        /// It goes to the origin.
        Allow = "allow",
        /// It is answered at the edge: no.
        Deny = "deny",
        /// It is answered at the edge: its path means different things to different readers.
        Reject = "reject",
        /// It is for the gate itself: the session endpoint, or a preflight.
        Serve = "serve",
    }
}

words! {
    /// Why.
    Reason {
        /// A rule allows it and none denies it.
        Allow = "allow",
        /// A token could help, and there is none.
        NoToken = "no_token",
        /// A token could help, and the one given is bad.
        BadToken = "bad_token",
        /// No rule allows it.
        Forbidden = "forbidden",
        /// A deny rule matches.
        DeniedByRule = "denied_by_rule",
        /// The path is refused.
        BadPath = "bad_path",
        /// Only the method is in the way.
        BadMethod = "bad_method",
        /// Something failed inside.
        Internal = "internal",
    }
}

/// The response to a request that does not go to the origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Header fields by name, in lower case. Cookies are not among them.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

impl Sent {
    /// Makes one of header fields, as they are sent, and a body.
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

/// The answer of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What happens to the request.
    pub outcome: Outcome,
    /// The HTTP status; 200 for what goes to the origin.
    pub status: u16,
    /// Why.
    pub reason: Reason,
    /// The exact reason, as in log records.
    #[serde(default)]
    pub detail: Option<String>,
    /// `course/id` of the rule that decided.
    #[serde(default)]
    pub rule: Option<String>,
    /// The id of the policy image that decided.
    #[serde(default)]
    pub policy: Option<String>,
    /// What the client gets, if the request does not go to the origin and the engine tells.
    #[serde(default)]
    pub response: Option<Sent>,
}

impl Answer {
    /// An answer without detail, rule and policy.
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

/// What a case expects. Only what is set is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// What happens to the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The exact reason; `Some(None)`, in JSON `null`, expects that there is none.
    #[serde(
        default,
        deserialize_with = "even_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub detail: Option<Option<String>>,
    /// The rule that decided; `Some(None)`, in JSON `null`, expects that there is none.
    #[serde(
        default,
        deserialize_with = "even_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub rule: Option<Option<String>>,
    /// The id of the policy image; `Some(None)`, in JSON `null`, expects that there is none.
    #[serde(
        default,
        deserialize_with = "even_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub policy: Option<Option<String>>,
    /// What the client gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ExpectSent>,
}

/// What a case expects of a response. Only what is set is compared, and only where the engine tells its responses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectSent {
    /// Header fields by name, in lower case; in JSON `null` expects that there is none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// Reads a key that is there, so that `null` is told apart from its absence.
fn even_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}
