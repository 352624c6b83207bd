//! Diagnostics about a policy, as data.
//!
//! A [`Diagnostic`] has a stable [`Code`], a span, help, and edits that carry out the help ([`Fix`]). Not here: its
//! presentation ([`render`]) and the meaning of codes ([`codes`]).

pub mod codes;
mod fix;
pub mod render;

pub use codes::Code;
pub use fix::{Applicability, Edit, Fix, edited};

use tollgate_policy::visible::is_visible;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policy cannot be compiled.
    Error,
    /// The policy can be compiled, but probably does not mean what its author intends.
    Warning,
    /// Nothing is wrong; for information only.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A range of bytes in a source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The smallest span that holds both.
    pub fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

impl From<core::ops::Range<usize>> for Span {
    fn from(range: core::ops::Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

/// Another location that a diagnostic refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The file, relative to the policy folder.
    pub file: String,
    /// The span in the file.
    pub span: Span,
    /// Its relation to the diagnostic.
    pub message: String,
}

/// One error, warning or note.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: &'static Code,
    /// The problem, in lower case, without a full stop, input in backticks.
    pub message: String,
    /// The file, relative to the policy folder.
    pub file: String,
    /// The span in the file; `None` if it is about the file as a whole.
    pub span: Option<Span>,
    /// Other relevant locations.
    pub labels: Vec<Label>,
    /// Suggested fixes in words, one per line.
    pub help: Vec<String>,
    /// Edits that carry out some of them.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// A diagnostic about `file` as a whole.
    pub fn new(code: &'static Code, file: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            file: file.to_owned(),
            span: None,
            labels: Vec::new(),
            help: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// Its severity.
    pub const fn severity(&self) -> Severity {
        self.code.severity
    }

    /// Whether it keeps the policy from being compiled.
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// Sets the place.
    pub fn at(&mut self, span: Span) -> &mut Self {
        self.span = Some(span);
        self
    }

    /// Adds a second place in the same file.
    pub fn also(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        let file = self.file.clone();
        self.labels.reserve_exact(1);
        self.labels.push(Label {
            file,
            span,
            message: message.into(),
        });
        self
    }

    /// Adds a second place in any file.
    pub fn label(&mut self, file: &str, span: Span, message: impl Into<String>) -> &mut Self {
        self.labels.push(Label {
            file: file.to_owned(),
            span,
            message: message.into(),
        });
        self
    }

    /// Adds a suggested fix in words.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        // Of a hundred thousand diagnostics, each has one or two.
        self.help.reserve_exact(1);
        self.help.push(text.into());
        self
    }

    /// Adds an edit that carries out the last [`help`](Self::help).
    pub fn fix(&mut self, applicability: Applicability, edit: Edit) -> &mut Self {
        self.fix_all(applicability, vec![edit])
    }

    /// Adds edits that carry out the last [`help`](Self::help) together.
    pub fn fix_all(&mut self, applicability: Applicability, edits: Vec<Edit>) -> &mut Self {
        let title = self.help.last().map_or(self.code.title, String::as_str);
        self.fixes.reserve_exact(1);
        self.fixes.push(Fix {
            title: title.to_owned(),
            applicability,
            edits,
        });
        self
    }

    /// The fix that can be applied without a review, if there is one.
    pub fn safe_fix(&self) -> Option<&Fix> {
        let mut fixes = self.fixes.iter();
        fixes.find(|fix| fix.applicability == Applicability::Safe)
    }
}

/// Text of an author in a message: with escapes for what a reader would not see, and not too long.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    shown_within(text, LONGEST)
}

/// The same for an address, whose difference from another may be at its end.
pub(crate) fn shown_address(text: &str) -> String {
    const LONGEST: usize = 240;
    shown_within(text, LONGEST)
}

fn shown_within(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == longest {
            shown.push('…');
            break;
        }
        if !is_readable(c) {
            shown.push_str(&format!("<U+{:04X}>", u32::from(c)));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a reader can see the character, and it is not a space other than the ordinary one.
pub(crate) fn is_readable(c: char) -> bool {
    is_visible(c) && (!c.is_whitespace() || c == ' ')
}

/// The diagnostics of one file, while it is being read.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) file: &'a str,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str) -> Self {
        Self {
            file,
            diagnostics: Vec::new(),
        }
    }

    /// Adds a diagnostic; the caller goes on to describe it.
    pub(crate) fn add(
        &mut self,
        code: &'static Code,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let mut diagnostic = Diagnostic::new(code, self.file, message);
        diagnostic.at(span);
        self.push(diagnostic)
    }

    /// Adds a diagnostic about the file as a whole.
    pub(crate) fn add_whole(
        &mut self,
        code: &'static Code,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Diagnostic::new(code, self.file, message))
    }

    fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.diagnostics.push_mut(diagnostic)
    }
}
