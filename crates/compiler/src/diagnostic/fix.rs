//! Suggested edits of policy files, as data.
//!
//! Not here: finding them, which each check does, and applying them (`tollgate_author::fix`).

use super::Span;

/// Whether an edit can be applied without a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// The text has one possible meaning, and the edit writes it. `tollgate check --fix` applies it if the analysis shows
    /// that every request is still decided in the same way.
    Safe,
    /// The edit is a guess. It is shown, and never applied.
    Unsure,
    /// The edit is meant to change who can access what. It is shown, and never applied.
    Access,
}

impl Applicability {
    /// `safe`, `unsure` or `access`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsure => "unsure",
            Self::Access => "access",
        }
    }

    /// A remark for readers of the edit; empty if it needs none.
    pub const fn remark(self) -> &'static str {
        match self {
            Self::Safe | Self::Unsure => "",
            Self::Access => " (changes who can access what)",
        }
    }
}

/// Text that replaces a span.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edit {
    /// The span in the diagnostic's file; empty for an insertion.
    pub span: Span,
    /// The new text.
    pub replacement: String,
}

impl Edit {
    /// Replaces a span.
    pub fn new(span: Span, replacement: impl Into<String>) -> Self {
        Self {
            span,
            replacement: replacement.into(),
        }
    }
}

/// A suggested fix: edits that belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fix {
    /// The help that it carries out.
    pub title: String,
    /// Whether it can be applied without a review.
    pub applicability: Applicability,
    /// The edits of the diagnostic's file, which do not overlap.
    pub edits: Vec<Edit>,
}

/// The text with the edits applied; `None` if they overlap or do not fit the text.
///
/// # Example
/// ```
/// use tollgate_compiler::diagnostic::{Edit, Span, edited};
///
/// let edit = Edit::new(Span { start: 0, end: 6 }, "groups");
/// assert_eq!(edited("gruops = [\"a\"]", &[&edit]).as_deref(), Some("groups = [\"a\"]"));
/// ```
pub fn edited(text: &str, edits: &[&Edit]) -> Option<String> {
    let mut sorted = edits.to_vec();
    sorted.sort();
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    for Edit { span, replacement } in sorted {
        if span.start < at {
            return None;
        }
        new.push_str(text.get(at..span.start)?);
        new.push_str(replacement);
        text.get(span.start..span.end)?;
        at = span.end;
    }
    new.push_str(text.get(at..)?);
    Some(new)
}
