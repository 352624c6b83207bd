//! The reasons why a source cannot be imported.
//!
//! Not here: sources that can be imported in part, which produce notes.

use core::fmt;

/// The reason why a source was not imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// The text is not in a supported format.
    Format(String),
    /// The document does not have a supported structure.
    Shape {
        /// The supported structures.
        accepted: &'static str,
        /// The structure of the document.
        found: String,
    },
    /// A part of the source cannot be read, so its restrictions are unknown.
    Unreadable {
        /// Its location.
        place: String,
        /// The text that was found.
        found: String,
        /// The help: the expected text.
        expected: &'static str,
    },
    /// The source has several distributions.
    Several(Vec<String>),
    /// No distribution in the source has this name.
    NoSuch {
        /// The name.
        name: String,
        /// The distributions in the source.
        known: Vec<String>,
    },
    /// The distribution is not enabled, so it serves nothing.
    Disabled,
    /// The settings lack a value that a policy needs.
    Missing {
        /// The missing setting.
        what: &'static str,
        /// The expected names.
        names: Vec<&'static str>,
        /// The names that were found, with their lines.
        found: Vec<String>,
        /// The option that sets it.
        option: &'static str,
    },
    /// A setting has an invalid value.
    Unusable {
        /// The kind of value that is expected.
        what: &'static str,
        /// The value.
        value: String,
        /// Its line.
        line: Option<usize>,
        /// The option that sets it.
        option: &'static str,
    },
    /// Two settings contradict each other.
    Conflict {
        /// The setting.
        what: &'static str,
        /// The values, with their lines.
        values: Vec<String>,
        /// The option that overrides both.
        option: &'static str,
    },
    /// A setting may restrict access in a way that is not supported.
    Restriction {
        /// Its name.
        name: String,
        /// Its line.
        line: usize,
    },
    /// Two parts of the source contradict each other, or an option contradicts the source.
    Contradiction(String),
}

impl ImportError {
    /// An unsupported format.
    pub(super) fn format(problem: impl Into<String>) -> Self {
        Self::Format(problem.into())
    }

    /// The help: an imperative.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Shape { accepted, .. } => Some(accepted),
            Self::Several(_) | Self::NoSuch { .. } => Some("name one with `--distribution NAME`"),
            Self::Disabled => Some("import a distribution that is enabled"),
            Self::Missing { option, .. }
            | Self::Unusable { option, .. }
            | Self::Conflict { option, .. } => Some(option),
            Self::Restriction { .. } => Some(
                "name the group that has access with `--group NAME`, or remove the setting from the file if it \
                 restricts nothing",
            ),
            Self::Unreadable { expected, .. } => Some(expected),
            Self::Format(_) | Self::Contradiction(_) => None,
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(problem) => write!(f, "cannot read the source: {problem}"),
            Self::Shape { found, .. } => write!(f, "cannot read the source: {found}"),
            Self::Unreadable { place, found, .. } => {
                write!(f, "cannot read {place}: found `{found}`")
            }
            Self::Several(names) => {
                write!(
                    f,
                    "the source has {} distributions: {}",
                    names.len(),
                    ticked(names)
                )
            }
            Self::NoSuch { name, known } => {
                write!(
                    f,
                    "no distribution `{name}` in the source; it has {}",
                    ticked(known)
                )
            }
            Self::Disabled => f.write_str("the distribution is not enabled, so it serves nothing"),
            Self::Missing {
                what, names, found, ..
            } => {
                write!(f, "no {what} in the settings; looked for {}", ticked(names))?;
                match found.as_slice() {
                    [] => f.write_str(", found no setting"),
                    found => write!(f, ", found {}", found.join(", ")),
                }
            }
            Self::Unusable {
                what,
                value,
                line: Some(line),
                ..
            } => {
                write!(f, "line {line}: `{value}` is not {what}")
            }
            Self::Unusable {
                what,
                value,
                line: None,
                ..
            } => write!(f, "`{value}` is not {what}"),
            Self::Conflict { what, values, .. } => {
                write!(
                    f,
                    "the settings name more than one {what}: {}",
                    values.join(", ")
                )
            }
            Self::Restriction { name, line } => {
                write!(
                    f,
                    "line {line}: `{name}` may restrict access, and is not understood"
                )
            }
            Self::Contradiction(problem) => f.write_str(problem),
        }
    }
}

fn ticked<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

impl core::error::Error for ImportError {}
