//! The table of diagnostic codes: the meaning of each, and the remedy.
//!
//! The reference for authors (`policy/DIAGNOSTICS.md`) is generated from here, and the compiler can
//! raise nothing else, because a diagnostic holds a reference into this table. A number is never reused
//! for something else. Not here: the message of a single diagnostic.

use super::Severity;

mod budgets;
mod conditions;
mod edges;
mod internal;
mod issuers;
mod lints;
mod names;
mod shape;
pub mod test_files;

pub use budgets::*;
pub use conditions::*;
pub use edges::*;
pub use internal::*;
pub use issuers::*;
pub use lints::*;
pub use names::*;
pub use shape::*;

/// One kind of diagnostic.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// `TG` and four digits, stable.
    pub id: &'static str,
    /// The severity of diagnostics of this kind.
    pub severity: Severity,
    /// The problem in a few words.
    pub title: &'static str,
    /// The explanation: meaning, reason and remedy, in Markdown.
    pub explanation: &'static str,
}

/// All codes, by number.
pub fn codes() -> impl Iterator<Item = &'static Code> {
    [
        shape::TABLE,
        names::TABLE,
        conditions::TABLE,
        issuers::TABLE,
        budgets::TABLE,
        test_files::TABLE,
        lints::TABLE,
        edges::TABLE,
        internal::TABLE,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The reference of all codes, as a Markdown document.
pub fn reference() -> String {
    let mut text = String::from(
        "# Diagnostics\n\n\
         Every finding of `tollgate check` and `tollgate test` has a code. This is what the codes mean.\n\
         Generated from the compiler's table of codes; do not edit.\n",
    );
    let mut group = "";
    for code in codes() {
        let (hundred, heading) = group_of(code.id);
        if group != hundred {
            group = hundred;
            text.push_str(&format!("\n## {hundred}xx {heading}\n"));
        }
        text.push_str(&format!(
            "\n### {} {}\n\n{}: {}\n",
            code.id,
            code.title,
            match code.severity {
                Severity::Error => "Error",
                Severity::Warning => "Warning",
                Severity::Note => "Note",
            },
            code.explanation
        ));
    }
    text
}

fn group_of(id: &str) -> (&str, &'static str) {
    let hundred = id.get(..4).unwrap_or(id);
    let heading = match hundred {
        "TG01" => "Files and keys",
        "TG02" => "Names and paths",
        "TG03" => "Conditions",
        "TG04" => "Issuers, keys and tokens",
        "TG05" => "Budgets",
        "TG06" => "Authors' tests",
        "TG07" => "Advice",
        "TG08" => "Edges",
        _ => "The compiler itself",
    };
    (hundred, heading)
}

/// Declares the codes of one theme and their table.
macro_rules! declare_codes {
    ($($name:ident, $id:literal, $severity:ident, $title:literal, $explanation:literal;)*) => {
        $(
            #[doc = concat!($id, ": ", $title)]
            pub static $name: super::Code = super::Code {
                id: $id,
                severity: crate::diagnostic::Severity::$severity,
                title: $title,
                explanation: $explanation,
            };
        )*
        pub(super) static TABLE: &[&super::Code] = &[$(&$name),*];
    };
}
use declare_codes;
