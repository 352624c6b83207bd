//! Writing to the terminal, to files and to pipes. Colours are for terminals only, and `NO_COLOR`
//! switches them off.
//!
//! A reader that goes away (`tollgate … | head`) is no error: what it did not want to read is
//! dropped.

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

/// `text` with its control characters spelled out. Names in policies and images may come from
/// anybody, and a terminal would obey them.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            if c.is_control() {
                out.extend(c.escape_default())
            } else {
                out.push(c)
            }
            out
        })
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

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn a_terminal_obeys_nothing_in_a_name() {
        assert_eq!(
            visible("a\u{1b}[2Jb\r\u{9b}é\n"),
            "a\\u{1b}[2Jb\\r\\u{9b}é\\n"
        );
    }
}
