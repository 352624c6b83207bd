//! `--watch`: runs a subcommand again whenever a file changes.
//!
//! Not here: `serve --watch`, which replaces a policy in use.

use core::time::Duration;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::thread::sleep;

use crate::failure::Failure;
use crate::form::Form;
use crate::output::{FAINT, note, print, styled, trusted};
use crate::stamp::stamp_except;
use crate::verdict::Verdict;

/// The time between two looks at the files.
const LOOK: Duration = Duration::from_millis(300);
/// Moves the cursor to the start and clears the screen.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// Runs once, and again after each change in the directory, until the process is interrupted. `outputs` are files that
/// the run itself writes.
pub(crate) fn repeat(
    dir: &Path,
    outputs: &[&Path],
    run: impl Fn() -> Result<Verdict, Failure>,
) -> Result<Verdict, Failure> {
    let real = || -> Vec<PathBuf> {
        let paths = outputs.iter();
        paths.filter_map(|path| path.canonicalize().ok()).collect()
    };
    loop {
        let before = stamp_except(dir, &real());
        if io::stdout().is_terminal() {
            print(trusted(CLEAR))?;
        }
        match run() {
            Ok(_) => {}
            // The policy is read again; what cannot be written now cannot be written later.
            Err(failure @ (Failure::Stdout(_) | Failure::Write { .. })) => return Err(failure),
            Err(failure) => {
                failure.report(Form::Human);
            }
        }
        note(styled(FAINT, "waiting for changes; press Ctrl-C to stop"));
        // The first run creates the outputs.
        let outputs = real();
        let mut last = before;
        // Editors and git change several files at once: wait until nothing changes any more.
        loop {
            sleep(LOOK);
            let now = stamp_except(dir, &outputs);
            if now != before && now == last {
                break;
            }
            last = now;
        }
    }
}
