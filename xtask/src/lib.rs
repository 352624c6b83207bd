//! Shared code of the project's own programs: paths in the repository, processes, third-party tools that are
//! installed at first use, and terminal output.
//!
//! Not here: any command of `cargo xtask`, and product code.

pub mod repo;
pub mod shell;
pub mod tools;
pub mod ui;

use std::process::ExitCode;

/// The answer of a command that ran: every check held, or some did not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Every check held.
    Yes,
    /// Some check did not.
    No,
}

impl Verdict {
    /// *Yes* if it holds.
    #[must_use]
    pub const fn of(holds: bool) -> Self {
        if holds { Verdict::Yes } else { Verdict::No }
    }
}

/// The exit code of a program, as the `tollgate` command has them: 0 yes, 3 no, 2 could not be told. An
/// error is printed.
#[must_use]
pub fn exit_code(answer: anyhow::Result<Verdict>) -> ExitCode {
    match answer {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(3),
        Err(error) => {
            anstream::eprintln!(
                "{}error:{} {error:#}",
                ui::RED.render(),
                ui::RED.render_reset()
            );
            ExitCode::from(2)
        }
    }
}
