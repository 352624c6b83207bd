//! Writing to the terminal, to files and to pipes. Colours are for terminals only, and `NO_COLOR`
//! switches them off.
//!
//! A closed pipe (`tollgate … | head`) is not an error: the rest of the output is dropped.
//!
//! Not here: messages about failures ([`crate::failure`]), and writing of files ([`crate::write`]).

use core::fmt::Display;
use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use tollgate_author::annotate;
use tollgate_compiler::diagnostic::render;
pub(crate) use tollgate_policy::visible::visible;
use tollgate_policy::visible::visible_lines;

/// Standard output could not be written. A separate type, so that no other [`io::Error`] converts into it.
#[derive(Debug)]
pub(crate) struct StdoutError(pub(crate) io::Error);

/// Positive results.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Negative results and errors.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Warnings and notes.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default().bold();
/// Headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// Details.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// `text` between the marks of `style`. Streams that are not terminals drop them.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    let (start, end) = (format!("{style}"), format!("{style:#}"));
    format!("{}{text}{}", trusted(&start), trusted(&end))
}

/// Our own or a library's text with escape sequences for colours. All untrusted text in it must already be
/// [`visible`].
pub(crate) fn trusted(text: &str) -> String {
    text.replace('\u{1b}', mark())
}

/// The placeholder for the start of an escape sequence until text is printed. It is random, so that untrusted
/// text cannot contain it.
fn mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| {
        let number = RandomState::new().build_hasher().finish();
        format!("\u{10fffd}{number:016x}")
    })
}

/// Text for people as it is printed: as [`shown`], and without lines that a CI runner would take for its commands. Names
/// of files and texts of policies come from whoever proposes a change.
fn for_people(text: impl Display) -> String {
    annotate::inert_behind(&shown(text), without_colours)
}

/// A line without the spaces and colours at its start.
fn without_colours(line: &str) -> &str {
    let mut rest = line.trim_start();
    while let Some((_, after)) = rest
        .strip_prefix("\u{1b}[")
        .and_then(|codes| codes.split_once('m'))
    {
        rest = after.trim_start();
    }
    rest
}

/// Text as it is printed, with an escape for each invisible character. The only control characters that remain are line
/// ends, tabs, and the colours of [`styled`] and [`trusted`] text.
fn shown(text: impl Display) -> String {
    let text = text.to_string();
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(mark());
    out.push_str(&visible_lines(parts.next().unwrap_or_default()));
    for part in parts {
        out.push('\u{1b}');
        out.push_str(&visible_lines(part));
    }
    out
}

/// Writes `text` and a line end to standard output, for people.
pub(crate) fn print(text: impl Display) -> Result<(), StdoutError> {
    print_line(&for_people(text))
}

/// Writes commands of a CI runner and a line end to standard output.
pub(crate) fn print_commands(commands: &str) -> Result<(), StdoutError> {
    print_line(&shown(commands))
}

fn print_line(text: &str) -> Result<(), StdoutError> {
    let mut out = anstream::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    forgive_closed_pipe(written).map_err(StdoutError)
}

/// Writes one JSON object on one line.
pub(crate) fn print_json(object: impl Display) -> Result<(), StdoutError> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{object}").and_then(|()| out.flush());
    forgive_closed_pipe(written).map_err(StdoutError)
}

/// Writes our own bytes, such as a script, as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), StdoutError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    forgive_closed_pipe(written).map_err(StdoutError)
}

/// Writes `text` and a line end to standard error. A failure cannot be reported anywhere.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{}", for_people(text));
}

/// Writes one JSON object on one line to standard error.
pub(crate) fn note_json(object: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{object}");
}

/// The rendering style of diagnostics on standard error.
pub(crate) fn diagnostic_style() -> render::Style {
    match AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => render::Style::Plain,
        _ => render::Style::Coloured,
    }
}

/// Whether standard error is a terminal.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Returns the result without the error of a closed pipe.
pub(crate) fn forgive_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{BAD, for_people, shown, styled, trusted};

    #[test]
    fn no_line_is_a_command_of_a_runner() {
        let (start, end) = (format!("{BAD}"), format!("{BAD:#}"));
        for (text, expect) in [
            ("a ::error::b".to_owned(), "a ::error::b".to_owned()),
            ("::error::b".to_owned(), "| ::error::b".to_owned()),
            (
                "a\n \t::error::b".to_owned(),
                "a\n|  \t::error::b".to_owned(),
            ),
            ("a##[error]b".to_owned(), "a## [error]b".to_owned()),
            (
                format!("  {} c", styled(BAD, " ::error::b")),
                format!("|   {start} ::error::b{end} c"),
            ),
            (styled(BAD, "a"), format!("{start}a{end}")),
        ] {
            assert_eq!(for_people(text), expect);
        }
    }

    #[test]
    fn names_never_control_a_terminal() {
        for (text, expect) in [
            ("a\u{1b}[2Jb\r\u{9b}é\n", "a\\u{1b}[2Jb\\r\\u{9b}é\n"),
            ("\u{1b}", "\\u{1b}"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("\u{1b}]8;;a\u{1b}\\x", "\\u{1b}]8;;a\\u{1b}\\x"),
            (
                "\u{10fffd}0123456789abcdef[31m",
                "\\u{10fffd}0123456789abcdef[31m",
            ),
            ("a\u{202e}\tb", "a\\u{202e}\tb"),
        ] {
            assert_eq!(shown(text), expect);
            let (start, end) = (format!("{BAD}"), format!("{BAD:#}"));
            assert_eq!(shown(styled(BAD, text)), format!("{start}{expect}{end}"));
        }
        assert_eq!(shown(trusted("\u{1b}[1mbold")), "\u{1b}[1mbold");
    }
}
