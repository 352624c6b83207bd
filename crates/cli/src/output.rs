//! Writing to the terminal, to files and to pipes. Colours are for terminals only, and `NO_COLOR` switches them off.
//!
//! A reader that goes away (`tollgate … | head`) is no error: what it did not want to read is dropped.

use core::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use tollgate_compiler::diagnostic::render;

use crate::failure::Failure;

/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// News to think about.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default().bold();
/// Headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// `text` between the escapes of `style`. Streams that are no terminal drop them again.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes `text` and a line end to standard output.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    forgive_closed_pipe(written).map_err(Failure::Stdout)
}

/// Writes one JSON object on one line.
pub(crate) fn print_json(object: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{object}").and_then(|()| out.flush());
    forgive_closed_pipe(written).map_err(Failure::Stdout)
}

/// Writes `text` and a line end to standard error. There is nowhere left to report a failure.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// How diagnostics should be rendered for standard error.
pub(crate) fn diagnostic_style() -> render::Style {
    match AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => render::Style::Plain,
        _ => render::Style::Coloured,
    }
}

/// Whether somebody is watching standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A result without the error that a reader went away.
pub(crate) fn forgive_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
