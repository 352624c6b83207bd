//! The presentation of diagnostics: human-readable with excerpts and carets, machine-readable as JSON.
//!
//! Not here: sorting, counting and printing them.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, Fix, Label, Severity, Span};
use crate::source::SourceTree;
use tollgate_policy::visible::{is_visible, visible, visible_lines};

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
        Severity::Note => Level::NOTE,
    };
    let title = level
        .primary_title(visible_lines(&diagnostic.message))
        .id(diagnostic.code.id);
    let mut group = Group::with_title(title);
    let is_in_excerpt = |label: &&Label| diagnostic.span.is_some() && label.file == diagnostic.file;
    match diagnostic.span {
        Some(main) => {
            let labels: Vec<_> = diagnostic.labels.iter().filter(is_in_excerpt).collect();
            group = excerpt(group, &diagnostic.file, sources, (Some(main), &labels));
        }
        None if !diagnostic.file.is_empty() => {
            group = group.element(Origin::path(visible(&sources.path_of(&diagnostic.file))));
        }
        None => {}
    }
    for label in diagnostic
        .labels
        .iter()
        .filter(|label| !is_in_excerpt(label))
    {
        group = excerpt(group, &label.file, sources, (None, &[label]));
    }
    let fix_of = |help: &String| diagnostic.fixes.iter().find(|fix| fix.title == *help);
    for help in diagnostic.help.iter().filter(|help| fix_of(help).is_none()) {
        group = group.element(Level::HELP.message(visible_lines(help)));
    }
    let mut groups = vec![group];
    let fixes = diagnostic.help.iter().filter_map(fix_of);
    groups.extend(fixes.map(|fix| patch(fix, &diagnostic.file, sources)));
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.render(&groups)
}

/// The help of a fix and its edits as a small diff.
fn patch<'a>(fix: &'a Fix, file: &'a str, sources: &'a SourceTree) -> Group<'a> {
    let title = format!(
        "{}{}",
        visible_lines(&fix.title),
        fix.applicability.remark()
    );
    let group = Group::with_title(Level::HELP.secondary_title(title));
    let source = sources.text(file).unwrap_or_default();
    let start = fix.edits.iter().map(|edit| edit.span.start).min();
    let end = fix.edits.iter().map(|edit| edit.span.end).max();
    let (Some(start), Some(end)) = (start, end) else {
        return group;
    };
    let (start, end) = lines(source, Span { start, end });
    let text = source.get(start..end).unwrap_or_default();
    let shown = |at: usize| {
        let at = floor(source, at).clamp(start, end) - start;
        masked(text.get(..at).unwrap_or(text)).len()
    };
    let patches = fix.edits.iter().map(|edit| {
        let span = shown(edit.span.start)..shown(edit.span.end);
        Patch::new(span, masked(&edit.replacement))
    });
    let (line, _) = line_and_column(source, start);
    let snippet = Snippet::source(masked(text)).line_start(line);
    group.element(snippet.patches(patches))
}

/// The start of the first line of a span, and the end of its last line.
fn lines(source: &str, span: Span) -> (usize, usize) {
    let (first, last) = (floor(source, span.start), floor(source, span.end));
    let start = source.get(..first).and_then(|text| text.rfind('\n'));
    let end = source.get(last..).and_then(|text| text.find('\n'));
    (
        start.map_or(0, |at| at + 1),
        end.map_or(source.len(), |at| last + at),
    )
}

/// Adds the lines of a file around its marks. Only those, because the renderer looks at every line it gets.
fn excerpt<'a>(
    group: Group<'a>,
    file: &'a str,
    sources: &'a SourceTree,
    (main, labels): (Option<Span>, &[&'a Label]),
) -> Group<'a> {
    let source = sources.text(file).unwrap_or_default();
    let spans = || {
        main.into_iter()
            .chain(labels.iter().map(|label| label.span))
    };
    let first = spans().map(|span| span.start).min().unwrap_or_default();
    let last = spans().map(|span| span.end).max().unwrap_or_default();
    let (start, end) = lines(
        source,
        Span {
            start: first,
            end: last.max(first),
        },
    );
    let (line, _) = line_and_column(source, start);
    let text = source.get(start..end).unwrap_or_default();
    // Bytes move, columns do not.
    let shown = |at: usize| masked(text.get(..at).unwrap_or(text)).len();
    let marked = |span: Span| {
        let from = floor(source, span.start).clamp(start, end);
        shown(from - start)..shown(floor(source, span.end).clamp(from, end) - start)
    };
    let path = visible(&sources.path_of(file));
    let mut snippet = Snippet::source(masked(text)).path(path).line_start(line);
    if let Some(span) = main {
        snippet = snippet.annotation(AnnotationKind::Primary.span(marked(span)));
    }
    for label in labels {
        let mark = AnnotationKind::Context.span(marked(label.span));
        snippet = snippet.annotation(mark.label(visible_lines(&label.message)));
    }
    group.element(snippet)
}

/// The text with U+FFFD for each character that a reader would not see: the renderer counts columns in what it
/// shows, so an escape would move them. Messages have the escapes.
fn masked(text: &str) -> String {
    let is_shown = |c: char| is_visible(c) || c == '\n' || c == '\t';
    let mask = |c| {
        if is_shown(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    text.chars().map(mask).collect()
}

/// The diagnostic as a JSON object. Files are seen from where the caller is; lines and columns count from 1,
/// columns in characters.
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
        let fixes = diagnostic.fixes.iter();
        let fixes: Vec<_> = fixes
            .map(|fix| fix_json(fix, diagnostic, sources))
            .collect();
        object.insert("fixes".to_owned(), fixes.into());
    }
    value
}

/// A fix as a JSON object, whose edits have the members of a place and the new text.
fn fix_json(fix: &Fix, diagnostic: &Diagnostic, sources: &SourceTree) -> Value {
    let Fix {
        title,
        applicability,
        edits,
    } = fix;
    let edits: Vec<_> = edits
        .iter()
        .map(|edit| {
            let mut value = place(&diagnostic.file, Some(edit.span), sources);
            if let Some(object) = value.as_object_mut() {
                object.insert("replacement".to_owned(), edit.replacement.clone().into());
            }
            value
        })
        .collect();
    json!({ "title": title, "applicability": applicability.name(), "edits": edits })
}

fn place(file: &str, span: Option<Span>, sources: &SourceTree) -> Value {
    let path = sources.path_of(file);
    let Some(span) = span else {
        return json!({ "file": path });
    };
    let source = sources.text(file).unwrap_or_default();
    let (line, column) = line_and_column(source, span.start);
    let (end_line, end_column) = line_and_column(source, span.end);
    json!({
        "file": path,
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

fn floor(source: &str, at: usize) -> usize {
    source.floor_char_boundary(at)
}
