//! The parts of a policy that cannot be exported.

use core::fmt;

/// The reason why a policy cannot be exported to Cedar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedPolicy {
    /// The rule, `course/id`.
    pub rule: String,
    /// The unsupported construct.
    pub what: Limit,
}

/// A construct that Cedar cannot express, or not with certainly the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A pattern with three or more `**`, or with two of which the second is not at the end.
    ManyRests,
    /// A wildcard or capture between two `**`.
    OpenMiddle,
    /// Strings compared by order.
    TextOrder,
    /// A search for a string that is not a literal.
    OpenSearch,
    /// A method used as a string.
    MethodText,
    /// A number computed from two claims.
    TwoClaims,
}

impl fmt::Display for UnsupportedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Limit::ManyRests => {
                "a pattern has several `**`; two are supported if the second is at the end"
            }
            Limit::OpenMiddle => "a wildcard or capture is between two `**`",
            Limit::TextOrder => {
                "strings are compared with `<` or `>`, which Cedar supports for numbers only"
            }
            Limit::OpenSearch => "a string is searched for one that is not a literal",
            Limit::MethodText => {
                "`method` is used as a string; only `==`, `!=` and `in` are supported"
            }
            Limit::TwoClaims => "a number is computed from two claims",
        };
        write!(
            f,
            "rule `{}` cannot be expressed in Cedar: {what}",
            self.rule
        )
    }
}

impl core::error::Error for UnsupportedPolicy {}
