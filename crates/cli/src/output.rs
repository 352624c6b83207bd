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
pub(crate) use tollgate_compiler::visible::visible;
use tollgate_compiler::visible::visible_lines;

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

/// Whatever is printed, with an escape for each character that a reader would not see. Of control characters
/// only line ends, tabs and the colours of [`styled`] are left, so that no text can do more than that, also
/// where it was not made [`visible`] before.
fn shown(text: impl Display) -> String {
    let text = text.to_string();
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split('\u{1b}');
    out.push_str(&visible_lines(parts.next().unwrap_or_default()));
    for part in parts {
        match colour(part) {
            Some((colour, rest)) => {
                out.push('\u{1b}');
                out.push_str(colour);
                out.push_str(&visible_lines(rest));
            }
            None => {
                out.push_str(&visible("\u{1b}"));
                out.push_str(&visible_lines(part));
            }
        }
    }
    out
}

/// The rest of an escape sequence for a colour, and what follows it.
fn colour(after_escape: &str) -> Option<(&str, &str)> {
    let parameters = after_escape.strip_prefix('[')?;
    let length = parameters
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b';');
    after_escape
        .split_at_checked(1 + length.count() + 1)
        .filter(|(colour, _)| colour.ends_with('m'))
}

/// Writes `text` and a line end to standard output.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    let text = shown(text);
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
    let _ = writeln!(anstream::stderr().lock(), "{}", shown(text));
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
    use super::{BAD, shown, styled, visible};

    #[test]
    fn a_terminal_obeys_nothing_in_a_name() {
        for (text, expect) in [
            ("a\u{1b}[2Jb\r\u{9b}é\n", "a\\u{1b}[2Jb\\r\\u{9b}é\n"),
            ("\u{1b}", "\\u{1b}"),
            ("\u{1b}[", "\\u{1b}["),
            ("\u{1b}[31", "\\u{1b}[31"),
            ("\u{1b}[31é", "\\u{1b}[31é"),
            ("\u{1b}[3\u{1b}[1m", "\\u{1b}[3\u{1b}[1m"),
            (
                "\u{1b}]8;;https://a.example\u{1b}\\x",
                "\\u{1b}]8;;https://a.example\\u{1b}\\x",
            ),
            ("a\u{202e}\tb", "a\\u{202e}\tb"),
        ] {
            assert_eq!(shown(text), expect);
        }
        let ours = styled(BAD, visible("a\u{1b}[31m\u{200b}"));
        assert_eq!(shown(&ours), ours);
        assert!(ours.contains("a\\u{1b}[31m\\u{200b}"), "{ours}");
    }
}
