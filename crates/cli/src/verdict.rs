//! The result of a subcommand that did not fail.
//!
//! Not here: exit codes, which are in `main`, and failures ([`crate::failure`]).

/// A positive or a negative result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Yes,
    No,
}

impl From<bool> for Verdict {
    fn from(yes: bool) -> Verdict {
        if yes { Verdict::Yes } else { Verdict::No }
    }
}
