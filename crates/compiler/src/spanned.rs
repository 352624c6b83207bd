//! A rule of a policy file and its position there.
//!
//! Not here: reading rules ([`rule`](crate::rule)).

use crate::diagnostic::Span;
use tollgate_policy::spec::RuleSpec;

/// The course that the rules of `site.toml` belong to.
pub(crate) const SITE_COURSE: &str = "site";

/// A rule and the span of its header.
#[derive(Debug)]
pub(crate) struct SpannedRule {
    pub(crate) rule: RuleSpec,
    pub(crate) span: Span,
}
