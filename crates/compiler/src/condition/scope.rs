//! The names that a condition can use.
//!
//! Not here: what a name means in an expression (`lower`).

use crate::claims::Claims;
use crate::rule::who::Captures;

/// The names that a condition can use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) claims: &'a Claims,
    /// The captures of each pattern of the rule.
    pub(crate) captures: &'a [Captures],
}
