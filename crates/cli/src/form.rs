//! `--format`: the form of results.
//!
//! Not here: SARIF and the forms of code hosts ([`tollgate_author::annotate`]).

use clap::{Args, ValueEnum};
use tollgate_author::annotate::{self, Annotation};

use crate::output::{StdoutError, print_commands, print_json};

/// The form of results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Text
    #[default]
    Human,
    /// A single JSON object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub Actions
    Github,
    /// Code quality report of GitLab
    Gitlab,
}

impl Form {
    /// Whether standard output is a single document, to which nothing can be added.
    pub(crate) const fn is_document(self) -> bool {
        match self {
            Self::Json | Self::Sarif | Self::Gitlab => true,
            Self::Human | Self::Github => false,
        }
    }

    /// The form of a subcommand that has only `--json`.
    pub(crate) const fn of(is_json: bool) -> Self {
        match is_json {
            true => Self::Json,
            false => Self::Human,
        }
    }

    /// Prints results if the form is one of annotations.
    pub(crate) fn print(self, annotations: &[Annotation]) -> Result<(), StdoutError> {
        match self {
            Self::Human | Self::Json => Ok(()),
            Self::Sarif => {
                let log = annotate::sarif(annotations, env!("CARGO_PKG_VERSION"));
                print_json(log)
            }
            Self::Gitlab => print_json(annotate::gitlab(annotations)),
            // The runner reads standard output.
            Self::Github if annotations.is_empty() => Ok(()),
            Self::Github => print_commands(&annotate::github(annotations)),
        }
    }
}

/// The form of results.
#[derive(Args)]
pub(crate) struct FormArgs {
    /// The form of the result
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Human)]
    format: Form,
    /// The same as `--format json`: print the result as a single JSON object
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl FormArgs {
    /// The form.
    pub(crate) const fn form(&self) -> Form {
        match self.json {
            true => Form::Json,
            false => self.format,
        }
    }
}
