//! Spans of the tables of `site.toml`, for diagnostics that are raised after the policy is compiled.

use crate::diagnostic::{Report, Span};
use crate::document::{Document, repair};
use crate::source::{SITE_FILE, SourceTree};

/// Returns the span of a table such as `[session]`.
pub fn place_of_table(sources: &SourceTree, table: &str) -> Option<Span> {
    with_site(sources, |document| document.root().value_span(table))
}

/// Returns the span of a value in such a table.
pub fn place_of_value(sources: &SourceTree, table: &str, key: &str) -> Option<Span> {
    with_site(sources, |document| {
        document.root().table(table)?.value_span(key)
    })
}

/// Returns the span of the name in the `[[issuer]]` with this name.
pub fn place_of_issuer(sources: &SourceTree, name: &str) -> Option<Span> {
    with_site(sources, |document| {
        let tables = document.root().tables("issuer");
        let mut names = tables.iter().filter_map(|table| table.text("name"));
        let text = names.find(|text| text.value == name)?;
        Some(text.span)
    })
}

fn with_site<T>(sources: &SourceTree, find: impl FnOnce(&Document<'_>) -> T) -> T {
    let site = sources.text(SITE_FILE).unwrap_or_default();
    let source = repair(site, &mut Report::new(SITE_FILE));
    find(&Document::parse(&source))
}
