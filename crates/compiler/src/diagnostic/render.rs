//! How diagnostics look: for people with excerpts and carets, for programs as JSON.
//!
//! Not here: sorting and counting them, and where they are printed.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, Severity, Span};
use crate::source::SourceTree;

/// Whether text is made for a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Only characters.
    Plain,
    /// With ANSI escapes for colours.
    Coloured,
}

/// The diagnostic as text, with an excerpt of its file and a caret, without a line end.
pub fn text(diagnostic: &Diagnostic, sources: &SourceTree, style: Style) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.id);
    let mut group = Group::with_title(title);
    let source = sources.text(&diagnostic.file).unwrap_or_default();
    let mut snippet = Snippet::source(source).path(&diagnostic.file);
    match diagnostic.span {
        Some(span) => {
            let caret = AnnotationKind::Primary.span(visible(source, span));
            snippet = snippet.annotation(match diagnostic.caret.as_str() {
                "" => caret,
                label => caret.label(label),
            });
            let same_file = diagnostic.labels.iter().filter(|label| label.file == diagnostic.file);
            for label in same_file {
                let place = AnnotationKind::Context.span(visible(source, label.span));
                snippet = snippet.annotation(place.label(&label.message));
            }
            group = group.element(snippet);
        }
        None if !diagnostic.file.is_empty() => {
            group = group.element(annotate_snippets::Origin::path(&diagnostic.file));
        }
        None => {}
    }
    for label in diagnostic.labels.iter().filter(|label| label.file != diagnostic.file) {
        let source = sources.text(&label.file).unwrap_or_default();
        let place = AnnotationKind::Context.span(visible(source, label.span));
        let snippet = Snippet::source(source).path(&label.file);
        group = group.element(snippet.annotation(place.label(&label.message)));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.render(&[group])
}

/// The diagnostic as a JSON object. Lines and columns count from 1, columns in characters.
pub fn json(diagnostic: &Diagnostic, sources: &SourceTree) -> Value {
    let labels: Vec<_> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let mut value = place(&label.file, Some(label.span), sources);
            if let Some(object) = value.as_object_mut() {
                object.insert("message".to_owned(), label.message.clone().into());
            }
            value
        })
        .collect();
    let mut value = place(&diagnostic.file, diagnostic.span, sources);
    if let Some(object) = value.as_object_mut() {
        object.insert("code".to_owned(), diagnostic.code.id.into());
        object.insert("severity".to_owned(), diagnostic.severity().name().into());
        object.insert("message".to_owned(), diagnostic.message.clone().into());
        object.insert("labels".to_owned(), labels.into());
        object.insert("help".to_owned(), diagnostic.help.clone().into());
    }
    value
}

fn place(file: &str, span: Option<Span>, sources: &SourceTree) -> Value {
    let Some(span) = span else { return json!({ "file": file }) };
    let source = sources.text(file).unwrap_or_default();
    let (line, column) = line_and_column(source, span.start);
    let (end_line, end_column) = line_and_column(source, span.end);
    json!({
        "file": file,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    })
}

/// The line and column of a byte, both from 1; columns count characters.
pub fn line_and_column(source: &str, at: usize) -> (usize, usize) {
    let before = source.get(..floor(source, at)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

/// The span cut to the text and to whole characters, so that any renderer can take it.
fn visible(source: &str, span: Span) -> core::ops::Range<usize> {
    let start = floor(source, span.start);
    start..floor(source, span.end).max(start)
}

fn floor(source: &str, at: usize) -> usize {
    source.floor_char_boundary(at)
}
