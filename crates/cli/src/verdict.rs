//! The result of a subcommand that could do its work.
//!
//! Not here: exit codes, which are in `main`, and failures ([`crate::failure`]).

/// What a verb found, when it could do its work.
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
