//! A TOML file as tables, strings and spans.
//!
//! Wraps the parser so that the rest of the compiler looks up a key and gets a value with its span,
//! or `None` if the value is missing or of another type; that was reported when the shape of the file
//! was checked. Not here: the known keys ([`keys`](crate::keys)).

mod repair;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::diagnostic::{Diagnostic, Edit, Span, codes};
use crate::edit;
pub use repair::syntax_errors;
pub(crate) use repair::{Repaired, repair};

/// A parsed file. Parsing never fails: what could not be read was reported and is omitted.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    text: &'a str,
    root: DeTable<'a>,
    source: &'a Repaired<'a>,
}

impl<'a> Document<'a> {
    pub(crate) fn parse(source: &'a Repaired<'a>) -> Self {
        // What is still wrong after the repair was reported by it.
        let (root, _) = DeTable::parse_recoverable(&source.text);
        Self {
            text: &source.text,
            root: root.into_inner(),
            source,
        }
    }

    pub(crate) fn root(&self) -> Table<'_> {
        Table {
            text: self.text,
            entries: &self.root,
            span: None,
            key: None,
        }
    }

    /// Drops diagnostics that only follow from a syntax error: those about something that may be missing
    /// because it could not be read.
    pub(crate) fn drop_echoes(&self, diagnostics: &mut Vec<Diagnostic>) {
        if !self.is_broken() {
            return;
        }
        diagnostics.retain(|diagnostic| {
            let code = diagnostic.code;
            if self.source.gave_up {
                return *code == codes::NOT_TOML;
            }
            let about_absence = [
                &codes::MISSING_KEY,
                &codes::NO_WHO,
                &codes::KEYS_MISSING,
                &codes::KEYS_UNUSED,
                &codes::BAD_SIGN_IN,
            ];
            !about_absence.contains(&code) || !self.is_incomplete(diagnostic.span)
        });
    }

    /// Whether the file has a syntax error.
    pub(crate) fn is_broken(&self) -> bool {
        !self.source.broken.is_empty()
    }

    /// Whether something may be missing from the table at a place because it could not be read;
    /// `None` is the file itself.
    pub(crate) fn is_incomplete(&self, place: Option<Span>) -> bool {
        self.source.gave_up || self.source.is_incomplete(place)
    }
}

/// A table and its span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    text: &'a str,
    entries: &'a DeTable<'a>,
    /// The table's header, or the whole of an inline table; `None` for the file itself.
    pub(crate) span: Option<Span>,
    /// The span of its key, if it is not an element of a list.
    pub(crate) key: Option<Span>,
}

impl<'a> Table<'a> {
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'a str, Span, &'a Spanned<DeValue<'a>>)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), key.span().into(), value))
    }

    /// The file's text in a span.
    pub(crate) fn source(self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The removal of an entry of a list of the file.
    pub(crate) fn without_entry(self, entry: Span) -> Edit {
        edit::without_entry(self.text, entry)
    }

    /// The removal of a key and its value, if they are on lines of their own.
    pub(crate) fn without_key(self, key: &str) -> Option<Edit> {
        let (key, value) = (self.key_span(key)?, self.value_span(key)?);
        let edit = edit::without_lines(self.text, key.to(value));
        let is_own = self
            .source(edit.span)
            .starts_with(self.source(key.to(value)));
        is_own.then_some(edit)
    }

    pub(crate) fn has(self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The start of the table.
    pub(crate) fn place(self) -> Span {
        self.span.unwrap_or_default()
    }

    /// The span of the key itself.
    pub(crate) fn key_span(self, key: &str) -> Option<Span> {
        self.entries
            .get_key_value(key)
            .map(|(key, _)| key.span().into())
    }

    /// The span of the key's value.
    pub(crate) fn value_span(self, key: &str) -> Option<Span> {
        self.entries.get(key).map(|value| value.span().into())
    }

    pub(crate) fn text(self, key: &str) -> Option<Text<'a>> {
        Text::of(self.text, self.entries.get(key)?)
    }

    /// The texts of a list; none if the key is missing.
    pub(crate) fn texts(self, key: &str) -> Vec<Text<'a>> {
        self.list(key)
            .iter()
            .filter_map(|value| Text::of(self.text, value))
            .collect()
    }

    /// The texts of a list, or the one text that may be written instead of a list of one.
    pub(crate) fn text_or_texts(self, key: &str) -> Vec<Text<'a>> {
        self.text(key)
            .map_or_else(|| self.texts(key), |text| vec![text])
    }

    pub(crate) fn flag(self, key: &str) -> Option<bool> {
        match self.entries.get(key)?.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(crate) fn int(self, key: &str) -> Option<i64> {
        int(self.entries.get(key)?.get_ref())
    }

    pub(crate) fn time(self, key: &str) -> Option<(&'a Datetime, Span)> {
        let value = self.entries.get(key)?;
        match value.get_ref() {
            DeValue::Datetime(time) => Some((time, value.span().into())),
            _ => None,
        }
    }

    pub(crate) fn table(self, key: &str) -> Option<Table<'a>> {
        let (name, value) = self.entries.get_key_value(key)?;
        let table = self.of(value)?;
        Some(Self {
            key: Some(name.span().into()),
            ..table
        })
    }

    pub(crate) fn tables(self, key: &str) -> Vec<Table<'a>> {
        self.list(key)
            .iter()
            .filter_map(|value| self.of(value))
            .collect()
    }

    /// The same table, standing under a key at `key`.
    pub(crate) fn under(self, key: Option<Span>) -> Self {
        Self { key, ..self }
    }

    /// `value` as a table of the same file.
    pub(crate) fn of(self, value: &'a Spanned<DeValue<'a>>) -> Option<Table<'a>> {
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table {
                text: self.text,
                entries,
                span: Some(value.span().into()),
                key: None,
            }),
            _ => None,
        }
    }

    /// `value` as a text of the same file.
    pub(crate) fn text_of(self, value: &'a Spanned<DeValue<'a>>) -> Option<Text<'a>> {
        Text::of(self.text, value)
    }

    /// Whether the key is a list.
    pub(crate) fn is_list(self, key: &str) -> bool {
        let value = self.entries.get(key).map(Spanned::get_ref);
        matches!(value, Some(DeValue::Array(_)))
    }

    fn list(self, key: &str) -> &'a [Spanned<DeValue<'a>>] {
        match self.entries.get(key).map(Spanned::get_ref) {
            Some(DeValue::Array(list)) => list,
            _ => &[],
        }
    }
}

/// The integer in `value`, if it is one and fits.
pub(crate) fn int(value: &DeValue<'_>) -> Option<i64> {
    match value {
        DeValue::Integer(int) => i64::from_str_radix(int.as_str(), int.radix()).ok(),
        _ => None,
    }
}

/// The TOML name of the type of `value`, with its article.
pub(crate) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date-time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A string value and its span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) value: &'a str,
    /// The whole literal, quotes included.
    pub(crate) span: Span,
    /// The position of the value's first byte, if the literal spells the value byte for byte.
    inner: Option<usize>,
}

impl<'a> Text<'a> {
    fn of(source: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        let DeValue::String(text) = value.get_ref() else {
            return None;
        };
        let span = Span::from(value.span());
        Some(Self {
            value: text,
            span,
            inner: inner_offset(source, span, text),
        })
    }

    /// The place of a part of the value. A literal with escapes has no parts, then it is the whole.
    pub(crate) fn part(&self, part: Span) -> Span {
        match self.inner {
            Some(inner) if part.end <= self.value.len() => Span {
                start: inner + part.start,
                end: inner + part.end,
            },
            _ => self.span,
        }
    }

    /// The place of `part`, which must be a slice of [`value`](Self::value).
    pub(crate) fn part_of(&self, part: &str) -> Span {
        let start = (part.as_ptr() as usize).wrapping_sub(self.value.as_ptr() as usize);
        match start.checked_add(part.len()) {
            Some(end) if end <= self.value.len() => self.part(Span { start, end }),
            _ => self.span,
        }
    }
}

fn inner_offset(source: &str, span: Span, value: &str) -> Option<usize> {
    let raw = source.get(span.start..span.end)?;
    let opening = ["'''", "\"\"\"", "'", "\""]
        .into_iter()
        .find(|quote| raw.starts_with(quote))?;
    let mut skip = opening.len();
    if skip == 3 {
        // A newline right after the opening quotes is not part of the value.
        let rest = raw.get(skip..)?;
        skip += ["\r\n", "\n"]
            .iter()
            .find(|end| rest.starts_with(**end))
            .map_or(0, |end| end.len());
    }
    raw.get(skip..)?
        .starts_with(value)
        .then_some(span.start + skip)
}
