//! Shared code of the project's own programs: paths in the repository, processes, third-party tools that are
//! installed at first use, and terminal output.
//!
//! Not here: any command of `cargo xtask`, and product code.

pub mod repo;
pub mod shell;
pub mod tools;
pub mod ui;

use std::process::ExitCode;

/// The result of a command that ran: all checks passed, or some failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All checks passed.
    Yes,
    /// Some checks failed.
    No,
}

impl Verdict {
    /// Returns *yes* if `holds`.
    #[must_use]
    pub const fn of(holds: bool) -> Self {
        if holds { Verdict::Yes } else { Verdict::No }
    }
}

/// Prints an error and returns the exit code, as the `tollgate` command defines it: 0 success, 3 negative
/// result, 2 if there is no result.
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
